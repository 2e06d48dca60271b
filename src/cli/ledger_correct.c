/* ledger_correct.c: `frugald ledger correct`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "core/request.h"
#include "figures.h"

static int64_t
attempt_of(struct cli *c)
{
	uint64_t n;

	if (c->opt[OPT_attempt] == NULL)
		return 0;
	return str_to_u64(str_of(c->opt[OPT_attempt]), &n) && n >= 1 && n <= 100
		   ? (int64_t)n
		   : -1;
}

/* By the library that knows how; NULL: a text is not UTF-8. */
static const char *
body_of(struct cli *c, int64_t attempt)
{
	json_t *body = json_pack("{s:s,s:s,s:s}", "request", c->arg[0], "amount_usd",
	    c->opt[OPT_amount], "why", c->opt[OPT_why]);
	const char *kept = NULL;
	json_free_t release;
	char *text;

	if (body == NULL)
		return NULL;
	if (attempt > 0)
		json_object_set_new(body, "attempt", json_integer(attempt));
	text = json_dumps(body, JSON_COMPACT);
	if (text != NULL)
		kept = arena_str(c->mem, str_of(text));
	json_get_alloc_funcs(NULL, &release);
	release(text);
	json_decref(body);
	return kept;
}

static const char *
text_in(const json_t *o, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? otherwise : text;
}

static void
tell(struct cli *c, const struct buf *answer)
{
	json_t *o = json_loadb(answer->p, answer->len, 0, NULL);

	if (c->opt[OPT_json] != NULL) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		puts("");
	} else {
		printf("attempt %lld (%s at %s): $%s instead of %s%s\n",
		    (long long)json_integer_value(json_object_get(o, "attempt")),
		    text_in(o, "model", "?"), text_in(o, "provider", "?"),
		    text_in(o, "amount_usd", "?"),
		    json_is_string(json_object_get(o, "was_usd")) ? "$" : "",
		    text_in(o, "was_usd", "nothing that was known"));
	}
	json_decref(o);
}

/* ---- without a daemon ---- */

static int
offline(struct cli *c, int64_t attempt)
{
	struct ledger_correction what = {.attempt = (int)attempt - 1};
	struct str id = str_of(c->arg[0]);
	struct ledger *l = NULL;
	struct ledger_corrected done;
	char why[256];
	bool ok;

	if (str_starts(id, STR("req_")))
		id = str_skip(id, 4);
	if (!id_parse(id, &what.request))
		return cli_misuse(c, "expected the id of a request, req_…");
	if (!pusd_parse(str_of(c->opt[OPT_amount]), &what.amount))
		return cli_misuse(c, "--amount: expected USD, such as 0.12");
	str_copy(what.why, sizeof(what.why), str_of(c->opt[OPT_why]));
	if (!ledger_open(c->env, c->opt[OPT_state], &l, why))
		return cli_fail("%s", why);
	ok = ledger_correct(l, &what, &done, why);
	ledger_close(l);
	if (!ok)
		return cli_fail("%s", why);
	printf("attempt %d (%s at %s) is corrected\n", done.attempt + 1, done.model,
	    done.provider);
	return CLI_fine;
}

int
verb_ledger_correct(struct cli *c)
{
	int64_t attempt = attempt_of(c);
	struct buf answer;
	const char *body;
	bool ok;

	if (c->opt[OPT_amount] == NULL)
		return cli_misuse(c, "say with --amount what it cost after all");
	if (c->opt[OPT_why] == NULL || c->opt[OPT_why][0] == '\0')
		return cli_misuse(
		    c, "say --why; whoever reads the books will want to know");
	if (attempt < 0)
		return cli_misuse(c, "--attempt: expected a number from 1 on");
	if (c->opt[OPT_state] != NULL)
		return offline(c, attempt);
	body = body_of(c, attempt);
	if (body == NULL)
		return cli_misuse(c, "all that is said must be UTF-8");
	buf_init(&answer, ANSWER_BYTES);
	ok = daemon_ask(c, "/admin/correct", body, &answer);
	if (ok)
		tell(c, &answer);
	buf_fini(&answer);
	return ok ? CLI_fine : CLI_found;
}
