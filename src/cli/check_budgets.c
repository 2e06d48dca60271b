/* check_budgets.c: what the budgets of a policy mean, in words. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "core/request.h"

#define TOLD 50U

static const char *
whose(struct cli *c, const struct budget *b)
{
	static const char *const kinds[] = {
	    "all requests", "team", "key", "user", "session", "tag"};
	const char *what = b->scope == SCOPE_tag
			       ? arena_printf(c->mem, "value of the tag %s", b->tag)
			       : kinds[b->scope];

	if (b->scope == SCOPE_daemon)
		return "all requests together";
	if (b->scope == SCOPE_key && b->tag != NULL)
		return "each job of a pipeline on its own";
	if (b->scope == SCOPE_key && b->tag != NULL)
		return arena_printf(
		    c->mem, "each key %s… of a pipeline's job on its own", b->tag);
	if (b->value != NULL && b->scope == SCOPE_tag)
		return arena_printf(
		    c->mem, "requests with the tag %s=%s together", b->tag, b->value);
	return b->value != NULL ? arena_printf(c->mem, "%s %s", what, b->value)
				: arena_printf(c->mem, "each %s on its own", what);
}

static const char *
how_long(struct cli *c, const struct budget *b)
{
	static const char *const pers[] = {[PER_hour] = "an hour",
	    [PER_day] = "a day",
	    [PER_week] = "a week from Monday",
	    [PER_month] = "a calendar month"};
	const char *zone = b->zone == NULL ? "UTC" : b->zone;

	if (b->per != PER_all)
		return arena_printf(c->mem, "%s (%s)", pers[b->per], zone);
	if (b->value == NULL && b->scope != SCOPE_daemon)
		return arena_printf(c->mem,
		    "in all, for good: of all such accounts %d are kept, then new "
		    "ones are refused; `per` makes room",
		    ACCOUNTS_MAX);
	return "in all, for good";
}

static const char *
what_then(struct cli *c, const struct budget *b)
{
	const char *first = b->on_exhausted == EXHAUSTED_downgrade
				? "other candidates of the route that fit, else "
			    : b->on_exhausted == EXHAUSTED_local_only
				? "local candidates of the route, else "
				: "";

	return arena_printf(c->mem, "%s%d insufficient_quota", first, b->http_status);
}

static const char *
marks(struct cli *c, const struct budget *b)
{
	const char *all = "";

	for (unsigned i = 0; i < b->warns; i++)
		all = arena_printf(
		    c->mem, "%s%s%g %%", all, i == 0 ? "" : ", ", b->warn_ppm[i] / 1e4);
	return b->warns == 0 ? "" : arena_printf(c->mem, "; the log tells at %s", all);
}

static const char *
words(struct cli *c, const struct budget *b)
{
	char cap[PUSD_TEXT_BYTES];

	pusd_sum_round(b->cap, 2, cap);
	return arena_printf(c->mem, "%s USD for %s, %s%s; when it is spent: %s; %s%s",
	    cap, whose(c, b), how_long(c, b), marks(c, b), what_then(c, b),
	    b->hold == HOLD_expected
		? "what 99 of 100 such answers cost is set aside: it may be overrun"
		: "what an answer can cost at most is set aside",
	    b->fit_output ? "; where the client names no maximum, shorter answers"
			  : "");
}

void
meaning_budgets(struct cli *c, const struct snapshot *s, struct buf *ret)
{
	if (s->budget_count > 0)
		buf_add(ret, "\n");
	for (unsigned i = 0; i < s->budget_count && i < TOLD; i++)
		buf_printf(ret, "budget %s: %s\n", s->budgets[i].name,
		    words(c, &s->budgets[i]));
	if (s->budget_count > TOLD)
		buf_printf(ret, "and %u budgets more\n", s->budget_count - TOLD);
}

void
meaning_budgets_json(struct cli *c, const struct snapshot *s, struct json *j)
{
	char cap[PUSD_TEXT_BYTES];

	json_array_begin(j, "budgets");
	for (unsigned i = 0; i < s->budget_count; i++) {
		const struct budget *b = &s->budgets[i];

		pusd_sum_format(b->cap, cap);
		json_object_begin(j, NULL);
		json_str(j, "name", str_of(b->name));
		json_str(j, "cap_usd", str_of(cap));
		json_str(j, "text", str_of(words(c, b)));
		json_object_end(j);
	}
	json_array_end(j);
}
