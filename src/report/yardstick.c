/* yardstick.c: requests are read again as they were decided, and priced at one model:
 * its expected answer, its prompt cache, had the session run there, the prices of the
 * day. */
#include "yardstick.h"

#include "base/map.h"
#include "base/mem.h"
#include "replay_outlook.h"
#include "replay_world.h"

#define TEXTS_BYTES ((size_t)16 << 20)
#define ROW_BYTES   ((size_t)1 << 20)
/* Rows that are read into one arena. */
#define ROWS_EACH 256U

struct yardstick_run {
	const struct model *model;
	struct replay_worlds *worlds;
	struct replay_outlook *outlook;
	struct arena *texts, *rows;
	struct map *text; /* the same text is the same pointer */
	unsigned read;    /* rows in `rows` */
};

struct yardstick_run *
yardstick_new(struct books *b, const struct snapshot *snap, const struct model *m)
{
	struct replay_outlook *o = replay_outlook_new(b);
	struct yardstick_run *y;

	if (o == NULL)
		return NULL;
	y = xcalloc(1, sizeof(*y));
	y->model = m;
	y->worlds = replay_worlds_new(b, snap);
	y->outlook = o;
	y->texts = arena_new(TEXTS_BYTES);
	y->rows = arena_new(ROW_BYTES);
	y->text = map_new();
	return y;
}

void
yardstick_free(struct yardstick_run *y)
{
	if (y == NULL)
		return;
	replay_worlds_free(y->worlds);
	replay_outlook_free(y->outlook);
	arena_free(y->texts);
	arena_free(y->rows);
	map_free(y->text);
	xfree(y);
}

static const char *
intern(struct yardstick_run *y, struct str text)
{
	const char *known = map_get(y->text, text);

	if (known != NULL)
		return known;
	known = arena_str(y->texts, text);
	map_put(y->text, text, (void *)(uintptr_t)known);
	return known;
}

/* NULL: it cannot be read again. */
static struct route_input *
input_of(struct yardstick_run *y, const struct fact_decision *d)
{
	const struct replay_world *w;
	struct route_input *in;

	if (d->row.decision.len == 0)
		return NULL;
	if (++y->read > ROWS_EACH) {
		arena_free(y->rows);
		y->rows = arena_new(ROW_BYTES);
		y->read = 1;
	}
	w = replay_world_of(y->worlds, intern(y, d->policy), intern(y, d->basis));
	if (w->old == NULL)
		return NULL;
	in = decision_unpack(&d->row, w->old, y->rows);
	if (in != NULL)
		in = decision_move(in, w->fresh, y->rows);
	if (in != NULL)
		in->outlook = replay_outlook_at(y->outlook, d->outlook);
	return in;
}

static int64_t
pusd_of(double usd)
{
	return usd >= 0 && usd < 1e6 ? (int64_t)(usd * (double)PUSD_PER_USD) : -1;
}

static void
apply(struct yardstick_run *y, const struct fact *f, struct sums *u)
{
	struct route_input *in = input_of(y, &f->decision);
	struct yardstick it;
	int64_t cost;

	if (in == NULL || !plan_yardstick(in, y->model, &it))
		return;
	cost = pusd_of(it.cost_usd);
	if (cost < 0)
		return;
	u->compared_requests = 1;
	u->compared = u->paid;
	u->baseline.v = cost;
	baseline_error(cost,
	    it.cost_usd > 0 ? (uint32_t)(it.output_usd / it.cost_usd * 1e6) : 0,
	    (uint32_t)it.samples, &u->bias, &u->var);
}

void
yardstick_apply(struct yardstick_run *y, const struct fact *f, struct sums *sums)
{
	sums->compared_requests = 0;
	sums->baseline = sums->compared = sums->bias = sums->var = (struct pusd_sum){0};
	if (!f->comparable)
		return;
	if (!str_is(f->model, y->model->name)) {
		apply(y, f, sums);
		return;
	}
	/* It has answered itself: what that cost is known. */
	sums->compared_requests = 1;
	sums->baseline = sums->compared = sums->paid;
}
