/* cost.c: what each candidate would cost.
 *
 * An estimate in dollars, so it may be a double; what is billed never is. */
#include "work.h"

/* Tokens that stand around text, and what is not text; coarse, for estimates only. */
#define MESSAGE_TOKENS        4.0
#define TOOL_TOKENS           12.0
#define IMAGE_TOKENS          800.0
#define FILE_TOKENS           2000.0
#define AUDIO_TOKENS          500.0
#define BYTES_PER_TOKEN_MILLI 4000
/* Shorter prompts no provider keeps. */
#define LEAST_CACHED 1024.0
/* A prompt that begins with what was kept has at least so much of it; its length is an
 * estimate. */
#define LEAST_OF_CACHED 0.75
/* How fast one answer is made at a machine of which nothing is known. */
#define MACHINE_TOKENS_PER_S 30.0

static int32_t
bytes_per_token_milli(const struct outlook *o, const struct provider *p)
{
	const struct outlook_provider *seen = outlook_provider(o, p->name);

	if (seen != NULL && seen->bytes_per_token_milli > 0)
		return seen->bytes_per_token_milli;
	return p->bytes_per_token_milli > 0 ? p->bytes_per_token_milli
					    : BYTES_PER_TOKEN_MILLI;
}

double
input_estimate(const struct route_input *in, const struct provider *p)
{
	const struct task *t = in->task;
	double text =
	    (double)t->text_bytes * 1000 / bytes_per_token_milli(in->outlook, p);

	return ceil(text + MESSAGE_TOKENS * t->messages + TOOL_TOKENS * t->tools +
		    IMAGE_TOKENS * t->images + FILE_TOKENS * t->files +
		    AUDIO_TOKENS * t->audios);
}

/* What was seen of a model counts against the catalogue as so many answers would: of
 * all kinds of work together, which tell how wordy it is, and of one kind. */
#define CATALOGUE_ALL  50.0
#define CATALOGUE_KIND 20.0

double
output_length(const struct outlook *o, const struct model *m, enum task_class c)
{
	const struct outlook_model *seen = outlook_model(o, m->name);
	double said = m->output_tokens[c], is = CATALOGUE_ALL * said, ought = is, n;

	if (seen == NULL || said <= 0)
		return said;
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		n = (double)seen->length[i].samples;
		is += n * (double)seen->length[i].mean;
		ought += n * m->output_tokens[i];
	}
	n = (double)seen->length[c].samples;
	return (n * (double)seen->length[c].mean + CATALOGUE_KIND * said * is / ought) /
	       (n + CATALOGUE_KIND);
}

float
length_samples(const struct outlook *o, const struct model *m, enum task_class c)
{
	const struct outlook_model *seen = outlook_model(o, m->name);

	return seen == NULL ? 0 : seen->length[c].samples;
}

double
output_estimate(const struct work *w, const struct candidate *c)
{
	const struct task *t = w->in->task;
	int64_t max = t->max_output >= 0 ? t->max_output : c->max_output;
	double each = output_length(w->in->outlook, c->model, w->in->verdict->class);

	if (max >= 0 && each > (double)max)
		each = (double)max;
	return each * (double)(t->n > t->best_of ? t->n : t->best_of);
}

/* ---- cost ---- */

bool
at_session(const struct work *w, const struct candidate *c)
{
	const struct session_view *s = w->in->session;

	return s != NULL && s->known && c->model == s->model &&
	       (s->provider == NULL || s->provider == c->model->at[c->at].provider);
}

double
warmth_of(const struct work *w, const struct provider *p)
{
	const struct session_view *s = w->in->session;

	return outlook_warmth(outlook_provider(w->in->outlook, p->name),
	    s->hour ? WARM_hour : WARM_minutes, s->idle_ms);
}

/* How much of the prompt the provider has probably kept of this session's last turn.
 * `as_if`: had the session run there. */
static double
warm_tokens(const struct work *w, const struct candidate *c, bool as_if)
{
	const struct session_view *s = w->in->session;
	const struct provider *p = c->model->at[c->at].provider;
	double cached;

	if (s == NULL || !s->known || (!as_if && !at_session(w, c)))
		return 0;
	cached = (double)s->cached_tokens;
	/* A conversation grows: a prompt that is much shorter than what was kept has
	 * another begin (it was compacted, or is another one under the same id). */
	if (c->input_tokens < cached * LEAST_OF_CACHED)
		return 0;
	if (cached > c->input_tokens)
		cached = c->input_tokens;
	return cached * warmth_of(w, p);
}

int
service_of(const struct price_row *row, struct str tier)
{
	for (unsigned i = 0; tier.len > 0 && i < row->services; i++) {
		if (str_is(tier, row->service[i].name))
			return (int)i;
	}
	return -1;
}

static double
service_factor(const struct work *w, const struct candidate *c)
{
	int i = service_of(c->price,
	    c->service != NULL ? str_of(c->service) : w->in->task->service_tier);

	return i < 0 ? 1 : (double)c->price->service[i].ppm / 1e6;
}

/* What is not read from the cache is written to it where the request marks that, and
 * where the provider does it by itself; some charge more for that than for reading the
 * prompt. */
static int64_t
price_of_rest(
    const struct work *w, const struct candidate *c, const struct price_kinds *k)
{
	const struct task *t = w->in->task; /* the provider speaks as it does */
	enum cache_mark mark = t->cache_mark;
	int64_t input = k->pusd[TOKEN_input_uncached], write;

	if (c->input_tokens < LEAST_CACHED ||
	    (mark == CACHE_unmarked && t->dialect->caches_marked))
		return input;
	write = k->pusd[TOKEN_cache_write_1h];
	if (mark != CACHE_hour || write < 0)
		write = k->pusd[TOKEN_cache_write_5m];
	return write >= 0 ? write : input;
}

/* By tokens, in dollars at contract terms. */
static void
cost_by_tokens(const struct work *w, struct candidate *c)
{
	const struct price_kinds *k =
	    price_kinds_for(c->price, (int64_t)c->input_tokens);
	int64_t input = k->pusd[TOKEN_input_uncached], read = k->pusd[TOKEN_cache_read],
		output = k->pusd[TOKEN_output], rest;
	double factor =
	    service_factor(w, c) * (double)c->contract_ppm / 1e6 / PUSD_PER_USD;

	if (input < 0 || output < 0)
		return;
	rest = price_of_rest(w, c, k);
	if (read < 0)
		read = input;
	c->output_usd = factor * c->output_tokens * (double)output;
	c->cost_usd = factor * ((c->input_tokens - c->cached_tokens) * (double)rest +
				   c->cached_tokens * (double)read +
				   c->output_tokens * (double)output) +
		      (double)c->price->request_pusd * (double)c->contract_ppm / 1e6 /
			  PUSD_PER_USD;
	if (rest > read)
		c->cache_usd = factor * c->cached_tokens * (double)(rest - read);
}

static double
machine_s(const struct work *w, const struct candidate *c)
{
	double first_ms = pace_of(w, c, PACE_ttft_p50),
	       rate = pace_of(w, c, PACE_rate_p50);

	return (first_ms > 0 ? first_ms / 1000 : 0) +
	       c->output_tokens / (rate > 0 ? rate : MACHINE_TOKENS_PER_S);
}

/* A machine is paid by the hour, and its places share it. */
static void
cost_by_hours(const struct work *w, struct candidate *c)
{
	const struct provider *p = c->model->at[c->at].provider;

	c->cost_usd = 0;
	if (p->usd_per_hour.v <= 0)
		return;
	c->machine_s = machine_s(w, c);
	c->cost_usd = (double)p->usd_per_hour.v / PUSD_PER_USD * c->machine_s / 3600 /
		      (p->places > 0 ? p->places : 1);
	c->output_usd = c->cost_usd; /* nearly all of the time */
}

const struct price_row *
price_at(const struct work *w, const struct model *m, unsigned at)
{
	return price_for(w->in->snap, m, at, w->in->wall_s).row;
}

void
cost_fill(const struct work *w, struct candidate *c, bool as_if)
{
	const struct provider *p = c->model->at[c->at].provider;
	struct contract_price price;

	c->input_tokens = input_estimate(w->in, p);
	c->cached_tokens = warm_tokens(w, c, as_if);
	c->output_tokens = output_estimate(w, c);
	price = price_for(w->in->snap, c->model, c->at, w->in->wall_s);
	c->price = price.row;
	c->list = price.list;
	c->contract_ppm = price.ppm;
	c->price_id = c->price != NULL ? c->price->id : NULL;
	c->cost_usd = -1; /* unpriced */
	c->cache_usd = c->output_usd = c->machine_s = 0;
	if (w->in->task->endpoint == EP_count_tokens)
		c->cost_usd = 0;
	else if (p->local)
		cost_by_hours(w, c);
	else if (c->price != NULL)
		cost_by_tokens(w, c);
}

double
switch_cost(const struct work *w)
{
	double most = 0;

	for (unsigned i = 0; i < w->count; i++) {
		const struct option *o = &w->option[i];

		if (!o->out && at_session(w, &o->c) && o->c.cache_usd > most)
			most = o->c.cache_usd;
	}
	return most;
}
