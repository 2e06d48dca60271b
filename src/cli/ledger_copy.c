/* ledger_copy.c: `frugald ledger backup` and `restore`. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "core/request.h"
#include "figures.h"
#include "policy.h"
#include "when.h"

#define LOOK_EACH_MS 200

static const char *
moment(struct cli *c, int64_t ms)
{
	char *text = arena_alloc(c->mem, WHEN_TEXT);

	when_put_time(ms / 1000, text);
	return text;
}

/* ---- backup ---- */

/* A text as a JSON string, by the library that knows how; NULL: it is not UTF-8. */
static const char *
dir_body(struct cli *c, const char *dir)
{
	json_t *body = json_pack("{s:s}", "dir", dir);
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	const char *kept = text == NULL ? NULL : arena_str(c->mem, str_of(text));
	json_free_t release;

	json_get_alloc_funcs(NULL, &release);
	release(text);
	json_decref(body);
	return kept;
}

static const char *
text_in(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

static bool
is_over(const json_t *o)
{
	return strcmp(text_in(o, "state"), "running") != 0;
}

/* The last state that the daemon tells; NULL: said why. */
static json_t *
follow(struct cli *c, const char *body)
{
	json_t *state = NULL;
	struct buf answer;

	buf_init(&answer, ANSWER_BYTES);
	while (daemon_ask(c, "/admin/backup", body, &answer)) {
		json_decref(state);
		state = json_loadb(answer.p, answer.len, 0, NULL);
		if (state == NULL || is_over(state))
			break;
		body = NULL; /* from here on it is only looked at */
		buf_clear(&answer);
		(void)poll(NULL, 0, LOOK_EACH_MS);
	}
	if (state == NULL)
		cli_fail(
		    "nothing is known of how far it came; `frugald status` and the "
		    "daemon's log say more");
	else if (!is_over(state))
		cli_fail("the daemon was not heard of to the end; DIR is not whole");
	buf_fini(&answer);
	return state;
}

static int
tell(struct cli *c, const json_t *o)
{
	double longest = json_number_value(json_object_get(o, "longest_step_ms"));

	if (c->opt[OPT_json] != NULL) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		puts("");
	}
	if (strcmp(text_in(o, "state"), "done") != 0)
		return is_over(o) ? cli_fail("%s", text_in(o, "error")) : CLI_found;
	if (c->opt[OPT_json] != NULL)
		return CLI_fine;
	printf("%lld files, %s bytes, in %s\n",
	    (long long)json_integer_value(json_object_get(o, "files")),
	    figure_count(c->mem, json_integer_value(json_object_get(o, "bytes"))),
	    text_in(o, "dir"));
	printf("complete until %s; no commit waited longer than %.1f ms\n",
	    text_in(o, "complete_until"), longest);
	return CLI_fine;
}

static int
offline(struct cli *c)
{
	struct ledger_backup_status st;

	if (!ledger_backup_offline(c->env, c->opt[OPT_state], c->arg[0], &st))
		return cli_fail("%s", st.why);
	printf("%u files, %s bytes, in %s\n", st.files, figure_count(c->mem, st.bytes),
	    st.dir);
	if (st.until_ms >= 0)
		printf("the last request in it ended at %s\n", moment(c, st.until_ms));
	return CLI_fine;
}

int
verb_ledger_backup(struct cli *c)
{
	const char *body = dir_body(c, c->arg[0]);
	json_t *state;
	int code;

	if (c->opt[OPT_state] != NULL)
		return offline(c);
	if (c->arg[0][0] != '/' || body == NULL)
		return cli_misuse(c, "DIR must begin with /: the daemon writes there, "
				     "from a folder of its own");
	state = follow(c, body);
	code = state == NULL ? CLI_found : tell(c, state);
	json_decref(state);
	return code;
}

/* ---- restore ---- */

/* NULL: said why. */
static const char *
state_folder(struct cli *c)
{
	struct snapshot *s;
	const char *dir;

	if (c->opt[OPT_state] != NULL)
		return c->opt[OPT_state];
	s = policy_offline(c);
	dir = s == NULL ? NULL : arena_str(c->mem, str_of(s->state_dir));
	snapshot_unref(s);
	return dir;
}

static void
tell_unknown(struct cli *c, const struct ledger_restored *r)
{
	int64_t until = r->until_ms >= 0 ? r->until_ms : r->last_ms;
	int64_t since_s = (env_wall_ms(c->env) - until) / 1000;

	printf("unknown   what ended after %s, %s ago, until now: reports and budgets "
	       "lack it.\n"
	       "          The providers' bills have it; budgets of this period may be "
	       "too low by it.\n",
	    moment(c, until), figure_span(c->mem, since_s < 0 ? 0 : since_s));
}

int
verb_ledger_restore(struct cli *c)
{
	const char *dir = state_folder(c);
	struct ledger_restored r;
	char why[256];

	if (dir == NULL)
		return CLI_found;
	if (!ledger_restore(c->env, c->arg[0], dir, c->opt[OPT_force] != NULL, &r, why))
		return cli_fail("%s", why);
	printf("restored  %s requests of %u month%s into %s; checked, sums and budgets "
	       "are up to the rows\n",
	    figure_count(c->mem, r.requests), r.months, r.months == 1 ? "" : "s", dir);
	if (r.recovered > 0)
		printf("booked    %d requests that were in slots there\n", r.recovered);
	tell_unknown(c, &r);
	if (r.aside[0] != '\0')
		printf("aside     what was there is in %s; remove it when it is not "
		       "needed\n",
		    r.aside);
	return CLI_fine;
}
