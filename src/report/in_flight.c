/* in_flight.c: asks every worker how many of its requests carry a tag. */
#include "in_flight.h"

#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"
#include "survey.h"

struct question {
	struct run_tag *tags;
	unsigned count;
	bool all;
	char *key, *team;
	int64_t *found; /* by worker */
};

static void
question_free(void *arg)
{
	struct question *q = arg;

	xfree(q->tags);
	xfree(q->key);
	xfree(q->team);
	xfree(q->found);
	xfree(q);
}

/* ---- on a worker ---- */

static bool
has_tag(const struct request *r, const struct run_tag *t)
{
	for (unsigned i = 0; i < r->tag_count; i++) {
		if (str_is(r->tags[i].name, t->name))
			return str_is(r->tags[i].value, t->value);
	}
	return false;
}

/* Once its slot is closed a request is on its way into the ledger. */
static bool
counts(const struct question *q, const struct request *r)
{
	struct scope scope = {.key = q->key, .team = q->team, .all = q->all};

	if (r->in.endpoint != EP_generate || r->in.dry || r->outcome != OUT_unset ||
	    (r->slot == NULL && r->called))
		return false;
	for (unsigned i = 0; i < q->count; i++) {
		if (!has_tag(r, &q->tags[i]))
			return false;
	}
	return scope_sees(&scope, str_of(r->who.key_name), str_of(r->who.team_name));
}

static void
look(void *arg, const struct worker *w)
{
	struct question *q = arg;
	const struct request *r;

	TAILQ_FOREACH (r, &w->requests, link)
		q->found[w->index] += counts(q, r);
}

/* ---- who asks ---- */

int64_t
in_flight_count(struct report *r, const struct run_tag *tags, unsigned count,
    const struct scope *scope)
{
	struct question *q = xcalloc(1, sizeof(*q));
	struct survey *s;
	int64_t found = -1;

	q->tags = xcalloc(count + 1, sizeof(*tags));
	memcpy(q->tags, tags, count * sizeof(*tags));
	q->count = count;
	q->all = scope->all;
	q->key = xstrdup(scope->key == NULL ? "" : scope->key);
	q->team = xstrdup(scope->team == NULL ? "" : scope->team);
	q->found = xcalloc(r->o.worker_count + 1, sizeof(*q->found));
	s = survey_new(r, look, question_free, q);
	if (survey_wait(s)) {
		found = 0;
		for (unsigned i = 0; i < r->o.worker_count; i++)
			found += q->found[i];
	}
	survey_free(s);
	return found;
}
