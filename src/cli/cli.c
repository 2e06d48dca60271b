/* cli.c: from the words of the command line to the function of a verb. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verb.h"

#define VERBS_MAX   32
#define ARENA_BYTES ((size_t)64 << 20)

#define TAKES(option) (UINT64_C(1) << OPT_##option)

const struct verb verbs[] = {
#define VERB(name, function, arguments, least, most, takes, help, more) \
	{name, verb_##function, arguments, least, most, takes, help, more},
#include "verb.def"
    {0}};
_Static_assert(nitems(verbs) <= VERBS_MAX, "raise VERBS_MAX");

/* ---- what is said to people ---- */

PRINTF_LIKE(1, 0)
static void
say(const char *fmt, va_list ap)
{
	fputs("frugald: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
cli_misuse(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	if (c->verb == NULL)
		fputs("         `frugald --help` lists what there is\n", stderr);
	else
		fprintf(stderr, "         `frugald %s --help` says how it is used\n",
		    c->verb->name);
	return CLI_usage;
}

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CLI_found;
}

void
cli_print_findings(struct diag *d)
{
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	for (size_t i = 0; i < n; i++) {
		char at[DIAG_PLACE_BYTES];

		diag_place_text(f[i].at, at, sizeof(at));
		fprintf(stderr, "%s: %s%s\n", at,
		    f[i].level == DIAG_warning ? "warning: " : "", f[i].text);
	}
}

/* ---- the policy ---- */

static const char *
home_config(struct cli *c)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (folder != NULL && folder[0] == '/')
		return arena_printf(c->mem, "%s/frugald/frugald.yaml", folder);
	return arena_printf(
	    c->mem, "%s/.config/frugald/frugald.yaml", home == NULL ? "" : home);
}

const char *
cli_config_path(struct cli *c)
{
	const char *path[] = {
	    "./frugald.yaml", home_config(c), "/etc/frugald/frugald.yaml"};

	if (c->opt[OPT_config] != NULL)
		return c->opt[OPT_config];
	for (size_t i = 0; i < nitems(path); i++) {
		if (c->env->file_size(c->env, path[i]) >= 0)
			return path[i];
	}
	cli_fail("no policy at %s, %s or %s; `frugald init` writes one, -c FILE names "
		 "another",
	    path[0], path[1], path[2]);
	return NULL;
}

/* ---- verbs ---- */

/* The words of `argv` that `v` is named by: 1 or 2; 0: it is another. */
static int
named(const struct verb *v, int argc, char **argv)
{
	struct str rest = str_of(v->name), word;

	for (int i = 0; str_split(&rest, ' ', &word); i++) {
		if (i >= argc || !str_is(word, argv[i]))
			return 0;
	}
	return strchr(v->name, ' ') == NULL ? 1 : 2;
}

static bool
is_noun(const char *word)
{
	size_t len = strlen(word);

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		if (strncmp(v->name, word, len) == 0 && v->name[len] == ' ')
			return true;
	}
	return false;
}

/* The name nearest to what was typed: its first two words together, else the first. */
static const char *
nearest_verb(struct cli *c, int argc, char **argv)
{
	const char *names[2 * VERBS_MAX + 1] = {NULL}, *near = NULL;
	unsigned n = 0;

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		size_t noun = strcspn(v->name, " ");

		names[n++] = v->name;
		names[n++] = arena_str(c->mem, str_make(v->name, noun));
	}
	if (argc > 1 && argv[1][0] != '-')
		near = diag_nearest(
		    arena_printf(c->mem, "%s %s", argv[0], argv[1]), names);
	return near != NULL ? near : diag_nearest(argv[0], names);
}

static bool
wants_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
run_verb(struct cli *c, int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (wants_help(argv[i])) {
			help_verb(c->verb);
			return CLI_fine;
		}
	}
	if (!options_read(c, argc, argv))
		return CLI_usage;
	return c->verb->run(c);
}

static int
unknown_verb(struct cli *c, int argc, char **argv)
{
	const char *near, *typed = argv[0];

	if (is_noun(argv[0]) && (argc == 1 || wants_help(argv[1]))) {
		help_noun(argv[0]);
		return argc == 1 ? CLI_usage : CLI_fine;
	}
	near = nearest_verb(c, argc, argv);
	if (is_noun(argv[0]))
		typed = arena_printf(c->mem, "%s %s", argv[0], argv[1]);
	if (near != NULL)
		return cli_misuse(
		    c, "there is no `%s`; did you mean `%s`?", typed, near);
	return cli_misuse(c, "there is no `%s`", typed);
}

static int
dispatch(struct cli *c, int argc, char **argv)
{
	if (argc == 0) {
		help_all();
		return CLI_usage;
	}
	if (wants_help(argv[0]) || (argc == 1 && strcmp(argv[0], "help") == 0)) {
		help_all();
		return CLI_fine;
	}
	if (strcmp(argv[0], "--version") == 0) {
		puts("frugald " FRUGALD_VERSION);
		return CLI_fine;
	}
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		int words = named(v, argc, argv);

		if (words == 0)
			continue;
		c->verb = v;
		return run_verb(c, argc - words, argv + words);
	}
	return unknown_verb(c, argc, argv);
}

int
cli_main(int argc, char **argv)
{
	struct cli c = {.env = env_system(), .mem = arena_new(ARENA_BYTES)};
	int code = dispatch(&c, argc < 1 ? 0 : argc - 1, argv + 1);

	/* A report that never reached the disk or the pipe is no report. */
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		code = cli_fail("the output could not be written: %s", strerror(errno));
	arena_free(c.mem);
	return code;
}
