/* daemon.c: verbs that talk to the running daemon: status and bypass. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "figures.h"
#include "table.h"
#include "verb.h"
#include "when.h"

#define HOUR_S    3600
#define OUT_BYTES ((size_t)4 << 20)

/* The answer to a GET, as a tree. NULL: said why. */
static json_t *
get(struct cli *c, const char *target)
{
	json_t *root = NULL;
	struct buf body;

	buf_init(&body, ANSWER_BYTES);
	if (daemon_ask(c, target, NULL, &body)) {
		root = json_loadb(body.p, body.len, 0, NULL);
		if (root == NULL)
			cli_fail("what answers at %s is no frugald", target);
	}
	buf_fini(&body);
	return root;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static int64_t
int_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- bypass ---- */

static const char *
route_of(const json_t *entry)
{
	const char *route = json_string_value(json_object_get(entry, "route"));

	return route == NULL ? "(all)" : route;
}

static void
print_bypasses(struct cli *c, const json_t *list, struct buf *out)
{
	struct table *t = table_new(c->mem);
	char until[WHEN_TEXT];
	const json_t *entry;
	size_t i;

	if (json_array_size(list) == 0) {
		buf_add(out, "no bypass is in force\n");
		return;
	}
	table_column(t, "bypassed", false);
	table_column(t, "left", true);
	table_column(t, "until", false);
	table_column(t, "reason", false);
	json_array_foreach(list, i, entry)
	{
		when_put_time(int_of(entry, "until_ms") / 1000, until);
		table_cell(t, "%s", route_of(entry));
		table_cell(t, "%s", figure_span(c->mem, int_of(entry, "left_s")));
		table_cell(t, "%s", until);
		table_cell(t, "%s", text_of(entry, "reason"));
	}
	table_print(t, terminal_width(), out);
}

/* False: said what is wrong. */
static bool
bypass_span(struct cli *c, int64_t *ret_s)
{
	const char *span = c->opt[OPT_for];

	*ret_s = HOUR_S;
	if (c->opt[OPT_lift] != NULL) {
		*ret_s = 0;
		return true;
	}
	if (span != NULL && !when_span(str_of(span), ret_s)) {
		cli_misuse(c, "--for: expected a span such as 30m, 2h or 1d");
		return false;
	}
	if (c->opt[OPT_reason] != NULL && c->opt[OPT_reason][0] != '\0')
		return true;
	cli_misuse(c, "say why with --reason; whoever finds it in force will ask");
	return false;
}

/* Texts as JSON strings, by the library that knows how. */
static const char *
bypass_body(struct cli *c, int64_t for_s)
{
	json_t *route = c->args > 0 ? json_string(c->arg[0]) : NULL;
	json_t *reason =
	    json_string(c->opt[OPT_reason] == NULL ? "" : c->opt[OPT_reason]);
	json_t *body = json_pack("{s:o?,s:I,s:o}", "route", route, "for_s",
	    (json_int_t)for_s, "reason", reason);
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	const char *kept = text == NULL ? NULL : arena_str(c->mem, str_of(text));
	json_free_t release;

	json_get_alloc_funcs(NULL, &release);
	release(text);
	json_decref(body);
	return kept;
}

/* Gives the exit code. */
static int
ask_bypass(struct cli *c, struct buf *ret_answer)
{
	bool change = c->args > 0 || c->opt[OPT_for] != NULL ||
		      c->opt[OPT_lift] != NULL || c->opt[OPT_reason] != NULL;
	const char *body = NULL;
	int64_t for_s;

	if (change) {
		if (!bypass_span(c, &for_s))
			return CLI_usage;
		body = bypass_body(c, for_s);
		if (body == NULL)
			return cli_misuse(c, "route and reason must be UTF-8");
	}
	return daemon_ask(c, "/admin/bypass", body, ret_answer) ? CLI_fine : CLI_found;
}

int
verb_bypass(struct cli *c)
{
	struct buf answer, out;
	json_t *root = NULL;
	int code;

	buf_init(&answer, ANSWER_BYTES);
	buf_init(&out, OUT_BYTES);
	code = ask_bypass(c, &answer);
	if (code == CLI_fine && c->opt[OPT_json] != NULL) {
		printf("%s\n", answer.p);
	} else if (code == CLI_fine) {
		root = json_loadb(answer.p, answer.len, 0, NULL);
		print_bypasses(c, json_object_get(root, "bypass"), &out);
		fputs(out.p, stdout);
	}
	json_decref(root);
	buf_fini(&out);
	buf_fini(&answer);
	return code;
}

/* ---- status ---- */

static void
print_head(struct cli *c, const json_t *s, struct buf *out)
{
	const json_t *ledger = json_object_get(s, "ledger");
	int64_t now_ms = env_wall_ms(c->env);
	int64_t committed = int_of(ledger, "committed_until_ms");
	bool accepts = json_is_true(json_object_get(ledger, "accepts"));

	buf_printf(out, "frugald %s   %s, up %s   policy %s of %s   state %s\n",
	    text_of(s, "version"),
	    json_is_true(json_object_get(s, "ready")) ? "ready" : "NOT READY",
	    figure_span(c->mem, int_of(s, "uptime_s")), text_of(s, "policy"),
	    text_of(s, "config"), text_of(s, "state"));
	buf_printf(out,
	    "clients  %s connections · %s requests under way, room for %s · ",
	    figure_count(c->mem, int_of(s, "connections")),
	    figure_count(c->mem, int_of(s, "slots_in_use")),
	    figure_count(c->mem, int_of(s, "slots")));
	buf_printf(out, "%" PRId64 " workers\n", int_of(s, "workers"));
	buf_printf(out, "ledger   %s · %s rows since start, %s recovered · %s errors",
	    accepts ? "accepts" : "REFUSES: requests get 503",
	    figure_count(c->mem, int_of(ledger, "rows")),
	    figure_count(c->mem, int_of(ledger, "recovered")),
	    figure_count(c->mem, int_of(ledger, "errors")));
	if (committed > 0 && committed <= now_ms)
		buf_printf(out, " · whole until %s ago",
		    figure_span(c->mem, (now_ms - committed) / 1000));
	if (text_of(ledger, "error")[0] != '\0')
		buf_printf(out, "\n         %s",
		    text_shown(c->mem, str_of(text_of(ledger, "error")), 200));
	buf_add(out, "\n\n");
}

static const char *
usd_of(struct cli *c, const json_t *o, const char *name)
{
	struct pusd_sum v = {0};

	(void)figure_read(str_of(text_of(o, name)), &v);
	return figure_money(c->mem, v, 2);
}

static void
print_paused(struct cli *c, const json_t *list, struct buf *out)
{
	char since[WHEN_TEXT];
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *key = text_of(entry, "key");

		when_put_time(int_of(entry, "since_ms") / 1000, since);
		buf_printf(out,
		    "PAUSED   key %s since %s: $%s within a minute, above $%s; "
		    "`frugald keys resume %s` lets it in again\n",
		    key, since, usd_of(c, entry, "spent_usd"),
		    usd_of(c, entry, "usd_per_minute"), key);
	}
	if (i > 0)
		buf_add(out, "\n");
}

static double
number_of(const json_t *object, const char *key)
{
	return strtod(text_of(object, key), NULL);
}

#define NEAR_CAP  0.75
#define NEAR_MOST 10

/* Budgets of which little is left, the fullest first. */
static void
print_budgets(struct cli *c, const json_t *list, struct buf *out)
{
	const json_t *b;
	unsigned told = 0;
	size_t i;

	json_array_foreach(list, i, b)
	{
		double cap = number_of(b, "cap_usd");
		double used = number_of(b, "spent_usd") + number_of(b, "held_usd");
		const char *resets = text_of(b, "resets_at");

		if (used < NEAR_CAP * cap || used <= 0 || told == NEAR_MOST)
			continue;
		told++;
		buf_printf(out,
		    "budget   %s (%s): %.2f of %.2f USD used%s%s, %lld refused, "
		    "%lld served otherwise\n",
		    text_of(b, "name"),
		    text_shown(c->mem, str_of(text_of(b, "scope")), 80), used, cap,
		    resets[0] != '\0' ? ", until " : "", resets,
		    (long long)int_of(b, "refused"),
		    (long long)int_of(b, "downgraded"));
	}
	if (told > 0)
		buf_add(out, "\n");
}

/* Providers first, then models, by name. */
static int
by_name(const void *a, const void *b)
{
	const char *x = text_of(*(json_t *const *)a, "name");
	const char *y = text_of(*(json_t *const *)b, "name");
	int kind =
	    (strncmp(y, "provider ", 9) == 0) - (strncmp(x, "provider ", 9) == 0);

	return kind != 0 ? kind : strcmp(x, y);
}

static void
put_health(struct cli *c, const json_t *h, struct table *t)
{
	int64_t ttft = int_of(h, "ttft_ms"), wait = int_of(h, "wait_ms");

	table_cell(t, "%s", text_of(h, "name"));
	table_cell(t, "%s", text_of(h, "state"));
	table_cell(t, "%s", figure_count(c->mem, int_of(h, "inflight")));
	table_cell(t, "%s", figure_count(c->mem, int_of(h, "served")));
	table_cell(t, "%s", figure_count(c->mem, int_of(h, "faults")));
	table_cell(t, "%s", ttft < 0 ? "-" : figure_ms(c->mem, ttft));
	table_cell(t, "%s", wait <= 0 ? "" : figure_ms(c->mem, wait));
}

/* True when all are in service. */
static bool
print_fleet(struct cli *c, const json_t *list, struct buf *out)
{
	size_t count = json_array_size(list);
	const json_t **sorted = arena_alloc(c->mem, (count + 1) * sizeof(json_t *));
	struct table *t = table_new(c->mem);
	bool well = true;

	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(list, i);
	qsort(sorted, count, sizeof(json_t *), by_name);
	table_column(t, "upstream", false);
	table_column(t, "breaker", false);
	table_column(t, "under way", true);
	table_column(t, "served", true);
	table_column(t, "faults", true);
	table_column(t, "first byte", true);
	table_column(t, "waits", true);
	for (size_t i = 0; i < count; i++) {
		put_health(c, sorted[i], t);
		well = well && strcmp(text_of(sorted[i], "state"), "open") != 0;
	}
	table_print(t, terminal_width(), out);
	return well;
}

static bool
print_status(
    struct cli *c, const json_t *status, const json_t *fleet, const json_t *bypass)
{
	const json_t *ledger = json_object_get(status, "ledger");
	struct buf out;
	bool well;

	buf_init(&out, OUT_BYTES);
	print_head(c, status, &out);
	print_paused(c, json_object_get(status, "paused"), &out);
	print_budgets(c, json_object_get(status, "budgets"), &out);
	well = print_fleet(c, json_object_get(fleet, "health"), &out);
	buf_add(&out, "\n");
	print_bypasses(c, json_object_get(bypass, "bypass"), &out);
	fputs(out.p, stdout);
	buf_fini(&out);
	return well && json_is_true(json_object_get(status, "ready")) &&
	       json_is_true(json_object_get(ledger, "accepts"));
}

static void
print_json(const json_t *status, const json_t *fleet, const json_t *bypass)
{
	json_t *all = json_pack("{s:O,s:O,s:O}", "status", status, "health",
	    json_object_get(fleet, "health"), "bypass",
	    json_object_get(bypass, "bypass"));

	json_dumpf(all, stdout, JSON_INDENT(2));
	puts("");
	json_decref(all);
}

int
verb_status(struct cli *c)
{
	json_t *status = get(c, "/admin/status"), *fleet = NULL, *bypass = NULL;
	int code = CLI_found;

	if (status != NULL)
		fleet = get(c, "/admin/fleet");
	if (fleet != NULL)
		bypass = get(c, "/admin/bypass");
	if (bypass == NULL)
		goto out;
	if (c->opt[OPT_json] != NULL) {
		print_json(status, fleet, bypass);
		code = CLI_fine;
	} else {
		code = print_status(c, status, fleet, bypass) ? CLI_fine : CLI_found;
	}
out:
	json_decref(status);
	json_decref(fleet);
	json_decref(bypass);
	return code;
}
