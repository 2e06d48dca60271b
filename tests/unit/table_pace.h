/* table_pace.h: what was learned of speed, in the words of route.tbl:
 * luna:800/2000/20/40 (milliseconds to the first byte, p50 and p90; tokens a second,
 * p10 and p50), luna@us:…, luna@us+flex:… */
#ifndef UNIT_TABLE_PACE_H
#define UNIT_TABLE_PACE_H

#include <stdlib.h>

#include "core/request.h"

#define TABLE_PACES 16

static inline struct outlook_pace *
table_pace_at(struct outlook *o, uint64_t place)
{
	for (unsigned i = 0; i < o->paces; i++) {
		if (o->pace[i].place == place)
			return &o->pace[i];
	}
	o->pace[o->paces].place = place;
	return &o->pace[o->paces++];
}

/* Of many samples at that hour, or in all. */
static inline void
table_pace_set(struct outlook *o, uint64_t place, unsigned hour, struct str values)
{
	struct outlook_mean *to = table_pace_at(o, place)->hour[hour];
	struct str v;
	char text[32];

	for (unsigned i = 0; i < PACE_VALUES && str_split(&values, '/', &v); i++) {
		str_copy(text, sizeof(text), v);
		to[i] = (struct outlook_mean){strtof(text, NULL), 1e6F};
	}
}

/* False: no such model or provider, or no room. */
static inline bool
table_pace(const struct snapshot *s, struct outlook *o, unsigned hour, struct str list)
{
	struct str word, place, name, at;

	while (str_split(&list, ',', &word)) {
		bool any = false, flex;

		(void)str_split(&word, ':', &place);
		(void)str_split(&place, '+', &at);
		flex = place.len > 0;
		(void)str_split(&at, '@', &name);
		for (unsigned i = 0; i < s->model_count; i++) {
			const struct model *m = &s->models[i];

			for (unsigned k = 0; k < m->ats; k++) {
				if (!str_is(name, m->name) || o->paces == TABLE_PACES)
					continue;
				if (at.len > 0 && !str_is(at, m->at[k].provider->name))
					continue;
				table_pace_set(o,
				    flex ? m->at[k].tier_place : m->at[k].place, hour,
				    word);
				any = true;
			}
		}
		if (!any)
			return false;
	}
	return true;
}

#endif
