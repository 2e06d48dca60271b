/* report.c: `frugald report`: asks for cost summaries; report_view.c shows them. */
#include "report.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "when.h"

#define TARGET_BYTES ((size_t)16 << 10)
#define OUT_BYTES    ((size_t)4 << 20)

int
report_shown(struct cli *c, const struct buf *body,
    void (*put)(struct cli *c, const json_t *root, struct buf *out))
{
	json_t *root = json_loadb(body->p, body->len, 0, NULL);
	struct buf out;

	if (root == NULL) {
		cli_fail("the answer is not valid JSON; is it a frugald that answers?");
		return CLI_found;
	}
	buf_init(&out, OUT_BYTES);
	if (c->opt[OPT_json] != NULL)
		puts(body->p);
	else
		put(c, root, &out);
	fputs(out.p == NULL ? "" : out.p, stdout);
	buf_fini(&out);
	json_decref(root);
	return CLI_fine;
}

/* ---- the question ---- */

void
report_put_parameter(struct buf *b, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);

	buf_printf(b, "%c%s=%s", strchr(b->p, '?') == NULL ? '?' : '&', name,
	    escaped == NULL ? "" : escaped);
	curl_free(escaped);
}

/* The span of time in the parameters of the summary. False: said what is wrong. */
static bool
put_span(struct cli *c, struct buf *b)
{
	const char *month = c->opt[OPT_month], *since = c->opt[OPT_since];
	const char *from = c->opt[OPT_from], *to = c->opt[OPT_to];
	int64_t from_s, to_s;
	char day[WHEN_TEXT];

	if ((month != NULL) + (since != NULL) + (from != NULL || to != NULL) > 1) {
		cli_misuse(c, "take one of --month, --since, or --from and --to");
		return false;
	}
	if (month != NULL) {
		if (!when_month(str_of(month), &from_s, &to_s)) {
			cli_misuse(c, "--month: expected one such as 2026-11");
			return false;
		}
		when_put_day(from_s, day);
		report_put_parameter(b, "from", day);
		when_put_day(to_s, day);
		report_put_parameter(b, "to", day);
	}
	if (since != NULL)
		report_put_parameter(b, "since", since);
	if (from != NULL)
		report_put_parameter(b, "from", from);
	if (to != NULL)
		report_put_parameter(b, "to", to);
	return true;
}

bool
report_put_tags(struct cli *c, struct buf *b)
{
	struct str list = str_of(c->opt[OPT_tag]), tag, name;

	while (str_split(&list, ',', &tag)) {
		bool has_value = memchr(tag.p, '=', tag.len) != NULL;

		if (!has_value || !str_split(&tag, '=', &name) || name.len == 0) {
			cli_misuse(c, "--tag: expected NAME=VALUE");
			return false;
		}
		report_put_parameter(b,
		    arena_printf(c->mem, "tag.%.*s", (int)name.len, name.p),
		    arena_str(c->mem, tag));
	}
	return true;
}

/* The target of a summary by `by`, NULL: misuse, said. */
static const char *
target_of(struct cli *c, const char *by)
{
	static const enum option filters[] = {
	    OPT_team, OPT_model, OPT_route, OPT_key, OPT_baseline};
	const char *target = NULL;
	struct buf b;

	buf_init(&b, TARGET_BYTES);
	buf_add(&b, "/v1/costs/summary");
	for (size_t i = 0; i < nitems(filters); i++) {
		if (c->opt[filters[i]] != NULL)
			report_put_parameter(
			    &b, option_row(filters[i])->name, c->opt[filters[i]]);
	}
	if (report_put_tags(c, &b) && put_span(c, &b)) {
		report_put_parameter(&b, "group_by", by);
		target = arena_str(c->mem, buf_str(&b));
	}
	buf_fini(&b);
	return target;
}

/* Of the last week where nothing is said; NULL: misuse, said. */
static const char *
outlook_target(struct cli *c)
{
	static const enum option others[] = {OPT_by, OPT_team, OPT_model, OPT_route,
	    OPT_key, OPT_tag, OPT_csv, OPT_baseline};
	const char *target = NULL;
	struct buf b;

	for (size_t i = 0; i < nitems(others); i++) {
		if (c->opt[others[i]] == NULL)
			continue;
		cli_misuse(c, "--show outlook is of everybody; leave out --%s",
		    option_row(others[i])->name);
		return NULL;
	}
	buf_init(&b, TARGET_BYTES);
	buf_add(&b, "/v1/outlook");
	if (put_span(c, &b)) {
		if (strchr(b.p, '?') == NULL)
			report_put_parameter(&b, "since", "7d");
		target = arena_str(c->mem, buf_str(&b));
	}
	buf_fini(&b);
	return target;
}

/* What else there is to show. */
static int
show_other(struct cli *c)
{
	const char *target;

	if (!str_is(str_of(c->opt[OPT_show]), "outlook"))
		return report_classifier(c);
	target = outlook_target(c);
	return target == NULL ? CLI_usage : report_outlook(c, target);
}

/* ---- the answers ---- */

/* NULL: said why. */
static json_t *
ask(struct cli *c, const char *by, struct buf *body)
{
	const char *target = target_of(c, by);
	json_t *root;

	buf_clear(body);
	if (!ledger_ask(c, target, body))
		return NULL;
	root = json_loadb(body->p, body->len, 0, NULL);
	if (root == NULL)
		cli_fail("the cost summary is not valid JSON; is it a frugald that "
			 "answers?");
	return root;
}

/* Does anything belong to a team? */
static bool
has_teams(const json_t *summary)
{
	const json_t *rows = json_object_get(summary, "rows"), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *team = json_string_value(json_object_get(row, "team"));

		if (team != NULL && team[0] != '\0')
			return true;
	}
	return false;
}

static int
show(struct cli *c, const json_t *main, struct buf *body)
{
	json_t *tiers, *machines;

	if (c->opt[OPT_csv] != NULL) {
		report_csv(c, main);
		return CLI_fine;
	}
	tiers = ask(c, "tier", body);
	if (tiers == NULL)
		return CLI_found;
	machines = report_machines(c);
	report_view(
	    c, main, &(struct report_beside){.tiers = tiers, .machines = machines});
	json_decref(machines);
	json_decref(tiers);
	return CLI_fine;
}

/* The answer as it came, and the machines of the daemon behind it. */
static int
show_json(struct cli *c, struct buf *body)
{
	json_t *machines = report_machines(c);

	if (machines != NULL)
		report_machines_splice(body, machines);
	puts(body->p);
	json_decref(machines);
	return CLI_fine;
}

int
verb_report(struct cli *c)
{
	const char *by = c->opt[OPT_by];
	json_t *main = NULL;
	int code = CLI_found;
	struct buf body;

	if (c->opt[OPT_compare] != NULL)
		return report_compare(c);
	if (c->args > 0)
		return cli_misuse(c, "report takes no '%s'", c->arg[0]);
	if (c->opt[OPT_show] != NULL)
		return show_other(c);
	if (c->opt[OPT_fail_over] != NULL)
		return report_gate(c);
	if (target_of(c, "team") == NULL)
		return CLI_usage;
	buf_init(&body, ANSWER_BYTES);
	main = ask(c, by == NULL ? "team" : by, &body);
	if (main != NULL && by == NULL && !has_teams(main)) {
		json_decref(main);
		main = ask(c, "model", &body);
	}
	if (main != NULL && c->opt[OPT_json] != NULL) {
		code = show_json(c, &body);
	} else if (main != NULL) {
		code = show(c, main, &body);
	}
	json_decref(main);
	buf_fini(&body);
	return code;
}
