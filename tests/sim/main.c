/* main.c: frugald-sim: a provider that only pretends. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "sim.h"

static const char usage[] =
    "usage: frugald-sim [options]\n"
    "Plays LLM providers on 127.0.0.1: its answers are invented, its usage adds up.\n"
    "\n"
    "  --port N           first port, the others follow; 0: any that are free; default "
    "4701\n"
    "  --dialect LIST     one word a port, openai or anthropic, \"+tls\" behind it for "
    "TLS;\n"
    "                     default openai,anthropic,openai (see "
    "config/quickstart.yaml)\n"
    "  --ports N          as many ports; the last word of --dialect stands for the "
    "rest\n"
    "  --control N        one more port for /__sim/ alone; 0: any\n"
    "  --tls CERT,KEY     PEM files; without \"+tls\" in --dialect for all ports\n"
    "  --key SECRET       the API key that is asked for; default: any, or none\n"
    "  --behave WORDS     how requests are answered that say nothing else\n"
    "  --log N            requests kept for /__sim/log, default 10000; 0: none\n"
    "  --help\n"
    "\n"
    "The first line on standard output is JSON with the ports that are open.\n"
    "\n"
    "A request says by a marker in its last user message how it is to be answered,\n"
    "    \"[[sim ttft_ms=50 events=64 gap_ms=20 fault=cut_after:3]] tell me a story\"\n"
    "or a script does, over HTTP on any of the ports:\n"
    "    POST /__sim/script   {\"port\": 0, \"model\": \"gpt-5.6-luna\", \"times\": 2, "
    "\"do\": \"status=429 retry_after=1\"}\n"
    "                         the next 2 requests that fit (times 0: all); port and "
    "model may be left out\n"
    "                         {\"port\": 0, \"listen\": \"closed\"}  also: open, deaf, "
    "rst; drop closes idle connections\n"
    "    POST /__sim/release  lets go what waits at a gate\n"
    "    POST /__sim/reset    forgets script, log, counts and prompt caches; opens all "
    "ports\n"
    "    GET  /__sim/log      a line of JSON for every request; ?since=N&port=I\n"
    "    GET  /__sim/stats    counts by port\n"
    "\n"
    "Words:\n";

struct options {
	const char *dialects, *tls, *behave;
	long port, ports, control, log;
};

static void
print_help(FILE *to)
{
	struct buf words;

	buf_init(&words, 65536);
	behave_help(&words);
	fputs(usage, to);
	fputs(words.p, to);
	buf_fini(&words);
}

static int
wrong(const char *what, const char *value)
{
	fprintf(stderr, "frugald-sim: %s: %s; see --help\n", what, value);
	return 2;
}

static long
number(const char *text)
{
	uint64_t n;

	return str_to_u64(str_of(text), &n) && n < 10000000 ? (long)n : -1;
}

static int
read_option(int c, struct sim *s, struct options *o)
{
	switch (c) {
	case 'p':
		o->port = number(optarg);
		return o->port < 0 || o->port > 65535 ? 2 : 0;
	case 'd':
		o->dialects = optarg;
		return 0;
	case 'n':
		o->ports = number(optarg);
		return o->ports < 1 || o->ports >= PORTS_MAX ? 2 : 0;
	case 'c':
		o->control = number(optarg);
		return o->control < 0 || o->control > 65535 ? 2 : 0;
	case 't':
		o->tls = optarg;
		return 0;
	case 'k':
		s->key = optarg;
		return 0;
	case 'b':
		o->behave = optarg;
		return 0;
	case 'l':
		o->log = number(optarg);
		return o->log < 0 ? 2 : 0;
	default:
		return 2;
	}
}

static int
read_options(int argc, char **argv, struct sim *s, struct options *o)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'},
	    {"dialect", 1, NULL, 'd'}, {"ports", 1, NULL, 'n'},
	    {"control", 1, NULL, 'c'}, {"tls", 1, NULL, 't'}, {"key", 1, NULL, 'k'},
	    {"behave", 1, NULL, 'b'}, {"log", 1, NULL, 'l'}, {"help", 0, NULL, 'h'},
	    {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'h') {
			print_help(stdout);
			return -1;
		}
		if (read_option(c, s, o) != 0)
			return wrong("cannot be used", argv[optind - 1]);
	}
	return optind < argc ? wrong("unknown", argv[optind]) : 0;
}

static bool
add_port(struct sim *s, struct str word, bool all_tls, long number_of)
{
	struct port *p = &s->port[s->ports];
	struct str name = {0};

	(void)str_split(&word, '+', &name);
	*p = (struct port){.sim = s, .index = s->ports};
	if (str_is(name, "openai"))
		p->voice = &voice_openai;
	else if (str_is(name, "anthropic"))
		p->voice = &voice_anthropic;
	else if (!str_is(name, "control"))
		return false;
	p->tls = str_is(word, "tls") || (all_tls && p->voice != NULL);
	p->number = (uint16_t)number_of;
	if (!port_open(p)) {
		fprintf(stderr, "frugald-sim: 127.0.0.1:%ld: %s\n", number_of,
		    strerror(errno));
		return false;
	}
	p->cache = cache_new();
	s->ports++;
	return true;
}

static int
open_ports(struct sim *s, const struct options *o)
{
	struct str rest = str_of(o->dialects), word = {0}, last = {0};
	bool all_tls = o->tls != NULL && strstr(o->dialects, "+tls") == NULL;

	while (o->ports < 0 || s->ports < (unsigned)o->ports) {
		if (str_split(&rest, ',', &word))
			last = word;
		else if (o->ports < 0)
			break;
		if (s->ports + 1 >= PORTS_MAX ||
		    !add_port(
			s, last, all_tls, o->port == 0 ? 0 : o->port + (long)s->ports))
			return wrong("no port for", o->dialects);
	}
	if (o->control >= 0 && !add_port(s, STR("control"), false, o->control))
		return 2;
	return 0;
}

static bool
load_tls(struct sim *s, const char *files)
{
	struct str rest = str_of(files), cert;
	char path[4096];

	s->tls = SSL_CTX_new(TLS_server_method());
	if (s->tls == NULL || !str_split(&rest, ',', &cert))
		return false;
	str_copy(path, sizeof(path), cert);
	SSL_CTX_set_mode(s->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				     SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_id_context(s->tls, (const unsigned char *)"sim", 3);
	return SSL_CTX_use_certificate_chain_file(s->tls, path) == 1 &&
	       SSL_CTX_use_PrivateKey_file(s->tls, rest.p, SSL_FILETYPE_PEM) == 1;
}

static void
print_ports(const struct sim *s)
{
	printf("{\"ports\":[");
	for (unsigned i = 0; i < s->ports; i++)
		printf("%s{\"index\":%u,\"port\":%u,\"dialect\":\"%s\",\"tls\":%s}",
		    i == 0 ? "" : ",", i, s->port[i].number,
		    s->port[i].voice == NULL ? "control" : s->port[i].voice->name,
		    s->port[i].tls ? "true" : "false");
	printf("]}\n");
	fflush(stdout);
}

static void
raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static int
prepare(struct sim *s, const struct options *o)
{
	char why[200];

	behave_init(&s->usual);
	if (o->behave != NULL && !behave_parse(str_of(o->behave), &s->usual, why))
		return wrong("--behave", why);
	if (o->tls != NULL && !load_tls(s, o->tls))
		return wrong("--tls: cannot be read", o->tls);
	s->loop = loop_new(s->env);
	s->text = text_new();
	s->records = records_new((uint64_t)o->log);
	s->times = map_new();
	STAILQ_INIT(&s->script);
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->dead);
	buf_init(&s->made, OUT_MAX);
	s->start_ns = s->env->mono_ns(s->env);
	s->start_wall_ms = env_wall_ms(s->env);
	return 0;
}

/* Also of one that could not be prepared. */
static void
let_go(struct sim *s)
{
	if (s->loop == NULL) {
		SSL_CTX_free(s->tls);
		xfree(s);
		return;
	}
	while (!TAILQ_EMPTY(&s->conns))
		conn_close(TAILQ_FIRST(&s->conns), RECORD_aborted);
	conn_bury(s);
	control_reset(s);
	for (unsigned i = 0; i < s->ports; i++) {
		port_close(&s->port[i]);
		cache_free(s->port[i].cache);
	}
	records_free(s->records);
	text_free(s->text);
	map_free(s->times);
	buf_fini(&s->made);
	loop_free(s->loop);
	SSL_CTX_free(s->tls);
	xfree(s);
}

/* A signal ends the wait; then it is looked at. */
static volatile sig_atomic_t stopped;

static void
on_signal(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

int
main(int argc, char **argv)
{
	struct options o = {.dialects = "openai,anthropic,openai",
	    .port = 4701,
	    .ports = -1,
	    .control = -1,
	    .log = 10000};
	struct sim *s = xcalloc(1, sizeof(*s));
	struct sigaction act = {.sa_handler = on_signal};
	int code;

	s->env = env_system();
	code = read_options(argc, argv, s, &o);
	if (code == 0)
		code = prepare(s, &o);
	if (code == 0)
		code = open_ports(s, &o);
	if (code != 0) {
		let_go(s);
		return code < 0 ? 0 : code;
	}
	raise_limit();
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	print_ports(s);
	while (stopped == 0) {
		loop_turn(s->loop, NS_PER_S);
		conn_bury(s);
	}
	let_go(s);
	return 0;
}
