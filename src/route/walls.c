/* walls.c: the candidate set, made once: who may see this request and can serve it.
 * Nothing that comes later knows any other model. */
#include "work.h"

#include <stdio.h>

static void
list_option(struct work *w, const struct candidate *c, unsigned order)
{
	struct option *o = &w->option[w->count];

	if (w->count == OPTIONS_MAX)
		return;
	w->count++;
	*o = (struct option){.order = order, .c = *c};
	o->c.signal = SIGNAL_UNKNOWN;
	o->c.rule = -1;
	o->c.cost_usd = -1;
	o->c.takes_ms = -1;
	o->c.max_output = w->plan->max_output;
	if (o->c.max_output > c->model->max_output)
		o->c.max_output = c->model->max_output;
}

static bool
has_flex(const struct work *w, const struct candidate *c)
{
	const struct price_row *row = price_at(w, c->model, c->at);

	return row != NULL && service_of(row, STR(FLEX)) >= 0;
}

/* Who has no flex tier is not asked for it; who has it is asked once more without, when
 * it was refused or late. */
static void
list_model(struct work *w, const struct model *m, unsigned order)
{
	bool ruled = w->service != NULL && str_is(str_of(w->service), FLEX);

	for (unsigned at = 0; at < m->ats; at++) {
		struct candidate c = {.model = m,
		    .at = at,
		    .service = w->service,
		    .max_output = w->plan->max_output};

		if (ruled || flex_has_time(w, &c)) {
			c.service = FLEX;
			if (has_flex(w, &c))
				list_option(w, &c, order);
			c.service = NULL;
		}
		list_option(w, &c, order);
	}
}

static void
list(struct work *w)
{
	if (w->named != NULL)
		list_model(w, w->named, 0);
	for (unsigned i = 0; w->route != NULL && i < w->route->candidates; i++)
		list_model(w, w->route->candidate[i], i);
}

unsigned
left_in(const struct work *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += !w->option[i].out;
	return n;
}

static const struct provider *
provider_of(const struct option *o)
{
	return o->c.model->at[o->c.at].provider;
}

/* ---- data ---- */

uint32_t
wall_of(const struct work *w, const struct data_class **ret_class)
{
	const struct principal *who = w->in->who;
	const struct data_class *classes[] = {
	    w->in->data,
	    who->key != NULL ? who->key->data : NULL,
	    who->team != NULL ? who->team->data : NULL,
	    w->route != NULL ? w->route->data : NULL,
	};
	uint32_t all = UINT32_MAX;

	*ret_class = NULL;
	for (size_t i = 0; i < nitems(classes); i++) {
		const struct data_class *c = classes[i];

		if (c == NULL)
			continue;
		all &= c->providers;
		if (*ret_class == NULL ||
		    __builtin_popcount(c->providers) <
			__builtin_popcount((*ret_class)->providers))
			*ret_class = c;
	}
	return all;
}

static bool
data_wall(struct work *w)
{
	uint32_t seen_by = wall_of(w, &w->plan->data);
	char what[80];

	for (unsigned i = 0; i < w->count; i++) {
		if ((seen_by >> provider_of(&w->option[i])->index & 1) == 0)
			put_out(&w->option[i], REASON_out_wall);
	}
	if (left_in(w) > 0)
		return true;
	return refuse(w, OUT_data_policy, NULL,
	    "%s has no provider that may see data of class '%s'", subject(w, what),
	    w->plan->data->name);
}

/* ---- the API that it is spoken to in ---- */

static bool
speaks(const struct provider *p, const struct task *t)
{
	const struct dialect *d = p->dialect;

	/* Unbound snapshots (tools, tests) have only the word of the policy. */
	if (d == NULL)
		d = dialect_find(str_of(p->api));
	return d != NULL && dialect_same(d, t->dialect) &&
	       d->target(t->endpoint) != NULL;
}

static bool
dialect_wall(struct work *w)
{
	const struct task *t = w->in->task;
	char what[80];

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (!o->out && !speaks(provider_of(o), t))
			put_out(o, REASON_out_dialect);
	}
	if (left_in(w) > 0)
		return true;
	return refuse(w, OUT_missing_capability, "model",
	    "no provider of %s that may serve this request speaks the API of this path "
	    "(%s); use the path of its own API, or another model",
	    subject(w, what), t->dialect->name);
}

/* ---- capabilities ---- */

static const struct {
	const char *param, *help;
} capability[CAP_COUNT] = {
#define CAPABILITY(name, help_text) [CAP_##name].help = help_text,
#include "core/capability.def"
    [CAP_tools].param = "tools",
    [CAP_vision].param = "messages",
    [CAP_json_schema].param = "response_format",
    [CAP_audio].param = "messages",
    [CAP_files].param = "messages",
    [CAP_reasoning].param = "reasoning_effort",
    [CAP_stream].param = "stream",
};

/* Names what nobody has; or, when each is had
 * by somebody, all that is needed at once. */
static bool
refuse_capability(struct work *w, uint32_t missing)
{
	char what[80], names[160] = "";
	const char *param = NULL;
	size_t len = 0;

	for (size_t c = 0; c < CAP_COUNT; c++) {
		if ((missing >> c & 1) == 0)
			continue;
		if (param == NULL)
			param = capability[c].param;
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s (%s)",
		    len > 0 ? " and " : "", capability_name((enum capability)c),
		    capability[c].help);
		if (len >= sizeof(names))
			break;
	}
	return refuse(w, OUT_missing_capability, param,
	    "%s has no model that may serve this request and can do: %s",
	    subject(w, what), names);
}

static bool
capability_wall(struct work *w)
{
	uint32_t needs = w->in->task->needs, any = 0;

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];

		if (o->out)
			continue;
		any |= o->c.model->can;
		if ((needs & ~o->c.model->can) != 0)
			put_out(o, REASON_out_capability);
	}
	if (left_in(w) > 0)
		return true;
	return refuse_capability(w, (needs & ~any) != 0 ? needs & ~any : needs);
}

/* ---- context window ---- */

static bool
context_wall(struct work *w)
{
	const struct task *t = w->in->task;
	int64_t largest = 0, output = t->max_output > 0 ? t->max_output : 1;
	double least = -1;
	char what[80];

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		const struct model *m = o->c.model;
		double input;

		if (o->out)
			continue;
		input = input_estimate(w->in, provider_of(o));
		o->c.input_tokens = input;
		if (m->context > largest)
			largest = m->context;
		if (least < 0 || input < least)
			least = input;
		if (input + (double)output > (double)m->context ||
		    (w->named == NULL && t->max_output > m->max_output))
			put_out(o, REASON_out_context);
	}
	if (left_in(w) > 0)
		return true;
	return refuse(w, OUT_context_length, "messages",
	    "about %.0f tokens of prompt and up to %lld of answer do not fit any model "
	    "of %s that may serve this request; the largest context window is %lld "
	    "tokens",
	    least, (long long)output, subject(w, what), (long long)largest);
}

bool
walls(struct work *w)
{
	bool ok;

	/* A rule's word is ours: who may not have that tier is served without. */
	if (w->service != NULL && !terms_allow(w, str_of(w->service)))
		w->service = NULL;
	list(w);
	ok = data_wall(w) && terms_wall(w) && dialect_wall(w) && capability_wall(w) &&
	     context_wall(w);
	for (unsigned i = 0; i < w->count; i++)
		w->option[i].walled = w->option[i].out;
	return ok;
}
