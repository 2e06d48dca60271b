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

/* "luna", "luna@us", "luna@us+flex"; false: no such place, or no room. */
static inline bool
table_pace_word(const struct snapshot *s, struct outlook *o, unsigned hour,
    struct str place, struct str values)
{
	struct str at, name;
	const struct model *m;
	bool any = false;

	(void)str_split(&place, '+', &at);
	(void)str_split(&at, '@', &name);
	m = snapshot_model(s, name);
	for (unsigned k = 0; m != NULL && k < m->ats && o->paces < TABLE_PACES; k++) {
		if (at.len > 0 && !str_is(at, m->at[k].provider->name))
			continue;
		table_pace_set(o, place.len > 0 ? m->at[k].tier_place : m->at[k].place,
		    hour, values);
		any = true;
	}
	return any;
}

static inline bool
table_pace(const struct snapshot *s, struct outlook *o, unsigned hour, struct str list)
{
	struct str word, place;

	while (str_split(&list, ',', &word)) {
		(void)str_split(&word, ':', &place);
		if (!table_pace_word(s, o, hour, place, word))
			return false;
	}
	return true;
}

#endif
