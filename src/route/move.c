/* move.c: a request that was decided under one policy, before another. Models and
 * providers are the same where their names are. */
#include "work.h"

struct moved {
	struct route_input in;
	struct principal who;
	struct key_entry key;
	struct session_view session;
	struct tag tags[nitems(((struct request *)0)->tags)];
	const struct route_input *was;
};

/* What was known of the same place; of one that is new nothing is. */
static struct signal
signal_then(void *arg, const struct candidate *c)
{
	const struct route_input *was = ((const struct moved *)arg)->was;
	const struct model *m = snapshot_model(was->snap, str_of(c->model->name));
	const char *at = c->model->at[c->at].provider->name;
	struct signal known = SIGNAL_UNKNOWN;
	struct candidate then = *c;

	if (m == NULL || was->signal == NULL)
		return known;
	then.model = m;
	for (then.at = 0; then.at < m->ats; then.at++) {
		if (strcmp(m->at[then.at].provider->name, at) == 0)
			known = was->signal(was->signal_arg, &then);
	}
	return known;
}

/* False: there is no such class any more. */
static bool
move_class(const struct snapshot *to, const struct data_class **d)
{
	if (*d == NULL)
		return true;
	*d = snapshot_data_class(to, str_of((*d)->name));
	return *d != NULL;
}

static uint64_t
move_models(const struct snapshot *from, const struct snapshot *to, uint64_t set)
{
	uint64_t moved = 0;

	for (unsigned i = 0; i < from->model_count; i++) {
		const struct model *m = NULL;

		if ((set >> i & 1) != 0)
			m = snapshot_model(to, str_of(from->models[i].name));
		if (m != NULL)
			moved |= UINT64_C(1) << m->index;
	}
	return moved;
}

static uint64_t
move_routes(const struct snapshot *from, const struct snapshot *to, uint64_t set)
{
	uint64_t moved = 0;

	for (unsigned i = 0; i < from->route_count; i++) {
		const struct route *r = NULL;

		if ((set >> i & 1) != 0)
			r = snapshot_route(to, str_of(from->routes[i].name));
		if (r != NULL)
			moved |= UINT64_C(1) << r->index;
	}
	return moved;
}

/* Who was not limited is not. */
static uint32_t
move_providers(const struct snapshot *from, const struct snapshot *to, uint32_t set)
{
	uint32_t moved = 0;

	for (unsigned i = 0; set != UINT32_MAX && i < from->provider_count; i++) {
		const struct provider *p = NULL;

		if ((set >> i & 1) != 0)
			p = snapshot_provider(to, str_of(from->providers[i].name));
		if (p != NULL)
			moved |= 1U << p->index;
	}
	return set == UINT32_MAX ? set : moved;
}

static bool
move_who(struct moved *m)
{
	const struct snapshot *from = m->was->snap, *to = m->in.snap;
	struct terms *t = &m->key.terms;

	m->who = *m->was->who;
	m->in.who = &m->who;
	/* With a team its wall and its limits would be gone. */
	if (m->who.team != NULL) {
		m->who.team = snapshot_team(to, str_of(m->who.team->name));
		if (m->who.team == NULL)
			return false;
	}
	if (m->who.key == NULL)
		return true;
	m->key = *m->who.key;
	m->who.key = &m->key;
	m->key.team = m->who.team;
	t->may_use_models = move_models(from, to, t->may_use_models);
	t->may_use_routes = move_routes(from, to, t->may_use_routes);
	t->may_use_providers = move_providers(from, to, t->may_use_providers);
	return move_class(to, &m->key.data);
}

static void
move_session(struct moved *m)
{
	struct session_view *s = &m->session;

	if (m->was->session == NULL)
		return;
	*s = *m->was->session;
	m->in.session = s;
	if (s->model != NULL)
		s->model = snapshot_model(m->in.snap, str_of(s->model->name));
	if (s->provider != NULL)
		s->provider = snapshot_provider(m->in.snap, str_of(s->provider->name));
}

/* Only declared ones count. */
static void
move_tags(struct moved *m)
{
	m->in.tags = m->tags;
	m->in.tag_count = 0;
	for (unsigned i = 0; i < m->was->tag_count; i++) {
		const struct tag *t = &m->was->tags[i];

		if (snapshot_tag(m->in.snap, t->name) != NULL)
			m->tags[m->in.tag_count++] = *t;
	}
}

struct route_input *
decision_move(
    const struct route_input *in, const struct snapshot *to, struct arena *mem)
{
	struct moved *m = arena_alloc(mem, sizeof(*m));

	m->was = in;
	m->in = *in;
	m->in.snap = to;
	m->in.signal = signal_then;
	m->in.signal_arg = m;
	move_session(m);
	move_tags(m);
	return move_who(m) && move_class(to, &m->in.data) ? &m->in : NULL;
}
