/* keys_limits.c: what a client's key may do and spend, as typed and as listed. */
#include "keys_limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/money.h"

/* ---- as typed ---- */

static bool
read_usd(struct cli *c, struct pusd *ret)
{
	const char *text = c->opt[OPT_max_usd];

	if (text == NULL || (pusd_parse(str_of(text), ret) && ret->v > 0))
		return true;
	cli_misuse(c, "--max-usd-per-request: expected an amount in USD such as 2.00");
	return false;
}

static bool
read_output(struct cli *c, int64_t *ret)
{
	const char *text = c->opt[OPT_max_output];
	uint64_t v;

	if (text == NULL)
		return true;
	if (!str_to_u64(str_of(text), &v) || v < 1 || v > 1000000000) {
		cli_misuse(c, "--max-output: expected a number of tokens such as 4000");
		return false;
	}
	*ret = (int64_t)v;
	return true;
}

static bool
read_count(struct cli *c, enum option id, uint64_t most, int64_t *ret)
{
	const char *text = c->opt[id];
	uint64_t v;

	if (text == NULL)
		return true;
	if (!str_to_u64(str_of(text), &v) || v < 1 || v > most) {
		cli_misuse(c, "--%s: expected a number from 1 to %llu",
		    option_row(id)->name, (unsigned long long)most);
		return false;
	}
	*ret = (int64_t)v;
	return true;
}

static bool
read_runaway(struct cli *c, struct key_limits *ret)
{
	const char *usd = c->opt[OPT_runaway], *then = c->opt[OPT_runaway_then];

	if (usd != NULL &&
	    (!pusd_parse(str_of(usd), &ret->runaway) || ret->runaway.v <= 0)) {
		cli_misuse(c, "--runaway: expected USD a minute such as 5.00");
		return false;
	}
	if (then == NULL)
		return true;
	ret->runaway_then =
	    strcmp(then, "pause") == 0 ? RUNAWAY_pause : RUNAWAY_throttle;
	if (usd != NULL &&
	    (ret->runaway_then == RUNAWAY_pause || strcmp(then, "throttle") == 0))
		return true;
	cli_misuse(c, "--then: expected throttle or pause, with --runaway");
	return false;
}

static bool
read_share(struct cli *c, double *ret)
{
	const char *text = c->opt[OPT_frontier];
	char *end;
	double v;

	if (text == NULL)
		return true;
	v = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(v >= 0 && v <= 100)) {
		cli_misuse(c, "--frontier-at-most: expected a percentage such as 20%%");
		return false;
	}
	*ret = v / 100;
	return true;
}

static bool
services_known(struct cli *c, const char *const *words)
{
	enum service s;

	for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
		if (service_parse(str_of(words[i]), &s))
			continue;
		cli_misuse(c,
		    "--service-tiers: there is no tier '%s'; known are: standard, "
		    "flex, "
		    "priority, other",
		    words[i]);
		return false;
	}
	return true;
}

static bool
tags_declared(struct cli *c, const struct snapshot *s, const char *const *names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		if (snapshot_tag(s, str_of(names[i])) != NULL)
			continue;
		cli_misuse(
		    c, "--require-tags: the policy declares no tag '%s'", names[i]);
		return false;
	}
	return true;
}

static bool
may_use_known(struct cli *c, const struct snapshot *s, const char *const *use)
{
	for (size_t i = 0; use != NULL && use[i] != NULL; i++) {
		struct str name = str_of(use[i]);

		if ((str_is(name, "all") && use[1] == NULL) ||
		    snapshot_route(s, name) != NULL ||
		    snapshot_model(s, name) != NULL ||
		    snapshot_provider(s, name) != NULL)
			continue;
		cli_misuse(c,
		    "--may-use: the policy has no route, model or provider '%s'",
		    use[i]);
		return false;
	}
	return true;
}

bool
keys_limits_read(struct cli *c, const struct snapshot *s, struct key_limits *ret)
{
	*ret = (struct key_limits){.may_use = keys_words(c, c->opt[OPT_may_use]),
	    .service_tiers = keys_words(c, c->opt[OPT_service]),
	    .require_tags = keys_words(c, c->opt[OPT_required]),
	    .max_output = -1,
	    .rpm = -1,
	    .tpm = -1,
	    .max_inflight = -1,
	    .runaway_then = -1,
	    .frontier_at_most = -1};
	return may_use_known(c, s, ret->may_use) &&
	       services_known(c, ret->service_tiers) &&
	       tags_declared(c, s, ret->require_tags) &&
	       read_usd(c, &ret->max_per_request) && read_output(c, &ret->max_output) &&
	       read_count(c, OPT_rpm, 1000000000, &ret->rpm) &&
	       read_count(c, OPT_tpm, 1000000000000, &ret->tpm) &&
	       read_count(c, OPT_max_inflight, 1000000, &ret->max_inflight) &&
	       read_runaway(c, ret) && read_share(c, &ret->frontier_at_most);
}

bool
keys_budget_read(struct cli *c, const char *const **ret)
{
	static const char *const pers[] = {"hour", "day", "week", "month"};
	const char *usd = c->opt[OPT_budget], *per = c->opt[OPT_per];
	const char **lines;
	struct pusd amount;
	size_t i = 0;

	*ret = NULL;
	if (usd == NULL && per == NULL)
		return true;
	if (usd == NULL || !pusd_parse(str_of(usd), &amount)) {
		cli_misuse(c, "--budget-usd: expected an amount in USD such as 30");
		return false;
	}
	while (per != NULL && i < nitems(pers) && strcmp(per, pers[i]) != 0)
		i++;
	if (i == nitems(pers)) {
		cli_misuse(c, "--per: expected hour, day, week or month");
		return false;
	}
	lines = arena_alloc(c->mem, 3 * sizeof(*lines));
	lines[0] = arena_printf(c->mem, "usd=%s", usd);
	lines[1] = per == NULL ? NULL : arena_printf(c->mem, "per=%s", per);
	*ret = lines;
	return true;
}

/* ---- as listed ---- */

static const char *
add_count(struct cli *c, const char *all, int64_t v, const char *what)
{
	if (v < 0)
		return all;
	return arena_printf(
	    c->mem, "%s%s%lld %s", all, all[0] == '\0' ? "" : ", ", (long long)v, what);
}

const char *
keys_limits_text(struct cli *c, const struct key_limits *l)
{
	const char *all = "";
	char usd[PUSD_TEXT_BYTES];

	if (l->max_per_request.v > 0) {
		pusd_sum_round((struct pusd_sum){l->max_per_request.v}, 4, usd);
		all = arena_printf(c->mem, "$%s a request", usd);
	}
	if (l->max_output >= 0)
		all = arena_printf(c->mem, "%s%s%lld tokens", all,
		    all[0] == '\0' ? "" : ", ", (long long)l->max_output);
	all = add_count(c, all, l->rpm, "rpm");
	all = add_count(c, all, l->tpm, "tpm");
	all = add_count(c, all, l->max_inflight, "in flight");
	if (l->runaway.v > 0) {
		pusd_sum_round((struct pusd_sum){l->runaway.v}, 2, usd);
		all = arena_printf(c->mem, "%s%s%s above $%s a minute", all,
		    all[0] == '\0' ? "" : ", ",
		    l->runaway_then == RUNAWAY_pause ? "paused" : "throttled", usd);
	}
	if (l->service_tiers != NULL)
		all = arena_printf(c->mem, "%s%stiers: %s", all,
		    all[0] == '\0' ? "" : ", ", keys_joined(c, l->service_tiers));
	if (l->require_tags != NULL)
		all = arena_printf(c->mem, "%s%stags: %s", all,
		    all[0] == '\0' ? "" : ", ", keys_joined(c, l->require_tags));
	if (l->budgets != NULL)
		all = arena_printf(c->mem, "%s%sbudget %s", all,
		    all[0] == '\0' ? "" : ", ", l->budgets);
	if (l->frontier_at_most >= 0)
		all = arena_printf(c->mem, "%s%sfrontier %g%%", all,
		    all[0] == '\0' ? "" : ", ", l->frontier_at_most * 100);
	return all;
}

static void
put_count(struct json *j, const char *key, int64_t v)
{
	if (v >= 0)
		json_int(j, key, v);
	else
		json_put_null(j, key);
}

static void
put_runaway(struct json *j, const struct key_limits *l)
{
	char usd[PUSD_TEXT_BYTES];

	if (l->runaway.v <= 0) {
		json_put_null(j, "runaway");
		return;
	}
	pusd_format(l->runaway, usd);
	json_object_begin(j, "runaway");
	json_str(j, "usd_per_minute", str_of(usd));
	json_str(j, "then",
	    l->runaway_then == RUNAWAY_pause ? STR("pause") : STR("throttle"));
	json_object_end(j);
}

void
keys_limits_json(const struct key_limits *l, struct json *j)
{
	char usd[PUSD_TEXT_BYTES];

	pusd_format(l->max_per_request, usd);
	if (l->max_per_request.v > 0)
		json_str(j, "max_usd_per_request", str_of(usd));
	else
		json_put_null(j, "max_usd_per_request");
	put_count(j, "max_output", l->max_output);
	put_count(j, "rpm", l->rpm);
	put_count(j, "tpm", l->tpm);
	put_count(j, "max_inflight", l->max_inflight);
	put_runaway(j, l);
	keys_put_texts(j, "service_tiers", l->service_tiers);
	keys_put_texts(j, "require_tags", l->require_tags);
	if (l->budgets != NULL)
		json_str(j, "budgets", str_of(l->budgets));
	else
		json_put_null(j, "budgets");
	if (l->frontier_at_most >= 0)
		json_num(j, "frontier_at_most", l->frontier_at_most, 4);
	else
		json_put_null(j, "frontier_at_most");
}
