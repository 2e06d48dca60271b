/* tagged.c: the policy in force says what is required, also of what came before it. */
#include "tagged.h"

#include "config/snapshot.h"

void
tagged_init(struct tagged *t, const struct snapshot *snap)
{
	*t = (struct tagged){.snap = snap, .keys = map_new()};
	t->unknown = snap == NULL || snap->team_count == 0;
	for (unsigned i = 0; !t->unknown && i < snap->key_count; i++) {
		const struct key_entry *k = &snap->keys[i];

		map_put(t->keys, str_of(k->name), (void *)(uintptr_t)&k->terms);
	}
}

void
tagged_fini(struct tagged *t)
{
	if (t->keys != NULL)
		map_free(t->keys);
	*t = (struct tagged){0};
}

static bool
has_all(struct tagged *t, const struct fact *f, const struct terms *terms)
{
	for (size_t i = 0;
	     terms->require_tags != NULL && terms->require_tags[i] != NULL; i++) {
		struct str name = str_of(terms->require_tags[i]);
		const struct tag_name *declared = snapshot_tag(t->snap, name);

		if (f->rolled && (declared == NULL || declared->depth != TAG_rollup))
			t->unknown = true;
		else if (facts_tag(f->tags, name).len == 0)
			return false;
	}
	return true;
}

void
tagged_add(struct tagged *t, const struct fact *f)
{
	const struct terms *of_key;
	const struct team *team;

	if (t->unknown || f->team.len == 0)
		return;
	team = snapshot_team(t->snap, f->team);
	of_key = map_get(t->keys, f->key);
	if (team != NULL && !has_all(t, f, &team->terms))
		return;
	if (of_key == NULL || has_all(t, f, of_key))
		t->has.v += f->sums.paid.v;
}
