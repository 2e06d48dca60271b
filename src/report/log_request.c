/* log_request.c: one JSON line for each finished request: who, what, which model, how
 * it went, what it cost. Never prompts, completions or keys. */
#include <inttypes.h>
#include <stdio.h>

#include "core/request.h"
#include "core/worker.h"
#include "dates.h"
#include "recent.h"

static int64_t
span(int64_t from_ns, int64_t to_ns)
{
	return from_ns == 0 || to_ns < from_ns ? -1 : to_ns - from_ns;
}

/* What we added to the way of the bytes, in ns: from the whole body to the beginning of
 * the first attempt (parsed, classified, planned), and, where an answer is held back
 * whole, from its settled end to its start towards the client. -1: no attempt, or more
 * than one, whose waiting is not ours. */
static int64_t
added_ns(const struct request *r)
{
	int64_t before, behind = 0;

	if (r->attempts != 1 || r->last == NULL)
		return -1;
	before = span(r->body_ns, r->last->start_ns);
	if (r->relay.buffered && r->relay.begun)
		behind = span(r->last->end_ns, r->first_byte_ns);
	return before < 0 ? -1 : before + (behind > 0 ? behind : 0);
}

static void
count_in(_Atomic uint64_t *buckets, int64_t v)
{
	unsigned i = 0;

	if (v < 0)
		return;
	for (; v > 1 && i < COUNTER_LATENCY_BUCKETS - 1; v >>= 1)
		i++;
	counter_add(&buckets[i], 1);
}

static int64_t
in_units(int64_t ns, int64_t unit)
{
	return ns < 0 ? -1 : ns / unit;
}

/* What the worker's counters say of times and money. */
static void
book(const struct request *r, int64_t total_ns)
{
	struct counters *c = r->worker->counters;
	const struct attempt *a = r->last;

	count_in(c->added_us, in_units(added_ns(r), 1000));
	if (a == NULL)
		return;
	count_in(c->ttft_ms, in_units(span(a->start_ns, a->first_byte_ns), NS_PER_MS));
	count_in(c->total_ms, in_units(total_ns, NS_PER_MS));
	counter_add(&c->cost_pusd[a->candidate->model->tier], (uint64_t)r->cost.v);
}

/* By key: what runs right now is asked for, with or without a log. */
static void
book_recent(const struct request *r)
{
	struct env *env = r->worker->env;

	if (r->in.endpoint != EP_generate || r->in.dry || r->who.key_name == NULL)
		return;
	recent_add(r->worker->recent, str_of(r->who.key_name),
	    str_of(r->who.team_name == NULL ? "" : r->who.team_name), env->mono_ns(env),
	    r->cost, !r->called && r->outcome != OUT_served);
}

static void
put_time(struct json *j, const char *key, int64_t ns, int64_t unit)
{
	if (ns < 0)
		json_put_null(j, key);
	else
		json_int(j, key, ns / unit);
}

static void
put_tokens(struct json *j, const struct usage *u)
{
	json_object_begin(j, "tokens");
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (u->tokens[k] >= 0)
			json_int(j, token_name((enum token_kind)k), u->tokens[k]);
	}
	if (u->reasoning >= 0)
		json_int(j, "reasoning", u->reasoning);
	json_object_end(j);
}

static void
put_tags(struct json *j, const struct request *r)
{
	char name[129];

	json_object_begin(j, "tags");
	for (unsigned i = 0; i < r->tag_count; i++) {
		str_copy(name, sizeof(name), r->tags[i].name);
		json_str(j, name, r->tags[i].value);
	}
	json_object_end(j);
}

static void
put_who(struct json *j, const struct request *r)
{
	json_str(j, "key", str_of(r->who.key_name == NULL ? "" : r->who.key_name));
	json_str(j, "team", str_of(r->who.team_name == NULL ? "" : r->who.team_name));
	json_str(j, "peer", str_of(r->in.peer));
	json_str(j, "method", str_of(r->in.method == NULL ? "" : r->in.method));
	json_str(j, "path", r->in.path);
}

static void
put_decision(struct json *j, const struct request *r)
{
	const struct plan *p = r->plan;

	json_str(j, "model_asked", r->task.model);
	if (p == NULL)
		return;
	json_str(j, "route", str_of(p->route == NULL ? "" : p->route->name));
	json_str(j, "mode", str_of(mode_name(p->mode)));
	if (r->capped != NULL)
		json_str(j, "budget", str_of(r->capped->name));
	json_str(j, "class", str_of(class_name(r->verdict.class)));
	json_num(j, "complexity", (double)r->verdict.complexity, 3);
	json_num(j, "confidence", (double)r->verdict.confidence, 3);
}

static void
put_attempt(struct json *j, const struct request *r)
{
	const struct attempt *a = r->last;
	char session[17];

	if (a == NULL)
		return;
	snprintf(session, sizeof(session), "%016" PRIx64, r->session);
	json_str(j, "session", str_of(session));
	json_str(j, "model", str_of(a->candidate->model->name));
	json_str(j, "provider", str_of(a->provider->name));
	json_str(j, "tier", str_of(tier_name(a->candidate->model->tier)));
	json_int(j, "upstream_status", a->http_status);
	json_str(j, "basis", str_of(basis_name(a->basis)));
	put_tokens(j, &a->usage);
	if (r->unpriced)
		json_put_null(j, "cost_usd");
	else
		json_pusd_sum(j, "cost_usd", r->cost);
	put_time(j, "ttft_ms", span(a->start_ns, a->first_byte_ns), NS_PER_MS);
}

/* Of a cascade: what was found in the first answer, and whether that was served. */
static void
put_flaw(struct json *j, const struct request *r)
{
	const struct attempt *a = r->kept != NULL ? r->kept : r->last;

	if (a == NULL || a->flaw == FLAW_none)
		return;
	json_str(j, "flaw", str_of(flaw_name(a->flaw)));
	json_str(j, "flaw_of", str_of(a->candidate->model->name));
	json_bool(j, "flaw_served", a == r->last && r->outcome == OUT_served);
}

static bool
wanted(const struct request *r)
{
	return r->snap->log == NULL || !str_is(str_of(r->snap->log), "none");
}

/* The policy may choose that of a spent budget. */
static int
status_of(const struct request *r)
{
	return r->outcome == OUT_quota && r->capped != NULL
		   ? r->capped->http_status
		   : outcome_row(r->outcome)->http;
}

void
log_request(struct request *r, struct buf *ret)
{
	int64_t total = r->worker->env->mono_ns(r->worker->env) - r->start_ns;
	char ts[DATE_TEXT_BYTES];
	struct json j;

	book(r, total);
	book_recent(r);
	if (!wanted(r))
		return;
	date_format_ms(r->start_wall_ms, ts);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "ts", str_of(ts));
	json_str(&j, "id", str_of(request_id_text(r)));
	put_who(&j, r);
	put_decision(&j, r);
	json_str(&j, "outcome", str_of(outcome_name(r->outcome)));
	if (r->limits.reached != NULL)
		json_str(&j, "limit", str_of(r->limits.reached));
	json_int(&j, "status", status_of(r));
	json_bool(&j, "stream", r->task.stream);
	json_int(&j, "attempts", r->attempts);
	put_attempt(&j, r);
	put_flaw(&j, r);
	put_time(&j, "total_ms", total, NS_PER_MS);
	put_time(&j, "added_us", added_ns(r), 1000);
	put_tags(&j, r);
	json_object_end(&j);
	if (j.full)
		buf_clear(ret); /* cut JSON helps nobody */
}
