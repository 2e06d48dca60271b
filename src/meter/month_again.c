/* month_again.c: texts that come again and again are names, kept once: all tags of a
 * request together, and the words of a raw usage. */
#include "base/hash.h"
#include "base/util.h"
#include "month.h"

/* A name is kept twice, in its table and in the index: a text that comes but once is
 * none. 0: it is not, this time; -1: failed. */
static int64_t
intern_again(struct month *m, struct str text)
{
	intptr_t id = (intptr_t)map_get(m->names, text);
	uint64_t hash, *seen;

	if (id != 0)
		return id;
	hash = hash_stable(text);
	seen = &m->seen[hash % nitems(m->seen)];
	if (*seen == hash)
		return month_intern(m, text);
	*seen = hash;
	return 0;
}

/* ---- tags ---- */

struct tag_ids {
	int64_t name, value;
	uint8_t source;
};

/* The next one in `rest`; false: there is none, or `*ret_ok` is false. */
static bool
next_tag(struct month *m, const struct slot_request *r, struct str *rest, unsigned *at,
    struct tag_ids *ret)
{
	struct str line, name;

	while (str_split(rest, '\n', &line)) {
		unsigned i = (*at)++;

		if (!str_split(&line, '=', &name) || name.len == 0)
			continue;
		ret->name = month_intern(m, name);
		ret->value = month_intern(m, line);
		ret->source = i < sizeof(r->tag_source) ? r->tag_source[i] : 0;
		return true;
	}
	return false;
}

/* `request`: its number, or that of a set, negated. */
static bool
add_tags(struct month *m, const struct slot_request *r, int64_t request)
{
	struct str rest = str_make(r->tags, r->tags_len);
	struct tag_ids t;
	unsigned at = 0;

	while (next_tag(m, r, &rest, &at, &t)) {
		if (t.name < 0 || t.value < 0)
			return false;
		sqlite3_bind_int64(m->add_tag, 1, t.name);
		sqlite3_bind_int64(m->add_tag, 2, t.value);
		sqlite3_bind_int64(m->add_tag, 3, request);
		sqlite3_bind_int(m->add_tag, 4, t.source);
		if (!db_run(&m->db, m->add_tag))
			return false;
	}
	return true;
}

enum set_state { SET_failed, SET_new, SET_same, SET_other };

/* Is what the file says of the tags of a set what this request's are? */
static enum set_state
compare_set(struct month *m, const struct slot_request *r, int64_t set)
{
	struct str rest = str_make(r->tags, r->tags_len);
	enum set_state state = SET_same;
	struct tag_ids t;
	unsigned at = 0;

	while (state == SET_same && next_tag(m, r, &rest, &at, &t)) {
		bool row;

		if (t.name < 0 || t.value < 0)
			return SET_failed;
		sqlite3_bind_int64(m->find_tag, 1, t.name);
		sqlite3_bind_int64(m->find_tag, 2, t.value);
		sqlite3_bind_int64(m->find_tag, 3, -set);
		if (!db_step(&m->db, m->find_tag, &row))
			return SET_failed;
		if (!row)
			state = SET_new;
		else if (sqlite3_column_int(m->find_tag, 0) != t.source)
			state = SET_other;
		sqlite3_reset(m->find_tag);
	}
	return state;
}

/* Whoever said a tag is kept once for all requests of the set; where somebody else has
 * said the same, the request keeps its own. */
static enum set_state
look_at_set(struct month *m, const struct slot_request *r, int64_t set)
{
	char bytes[sizeof(set) + sizeof(r->tag_source)];
	struct str key = str_make(bytes, sizeof(bytes));
	enum set_state state;

	memcpy(bytes, &set, sizeof(set));
	memcpy(bytes + sizeof(set), r->tag_source, sizeof(r->tag_source));
	state = (enum set_state)(intptr_t)map_get(m->sets, key);
	if (state != SET_failed)
		return state;
	state = compare_set(m, r, set);
	if (state == SET_new)
		state = add_tags(m, r, -set) ? SET_same : SET_failed;
	if (state != SET_failed)
		map_put(m->sets, key, (void *)(intptr_t)state);
	return state;
}

bool
month_bind_tags(struct month *m, const struct slot_request *r, int64_t *ret_tagset)
{
	struct str tags = str_make(r->tags, r->tags_len);
	int64_t id = tags.len == 0 ? 0 : intern_again(m, tags);
	enum set_state state = id > 0 ? look_at_set(m, r, id) : SET_other;

	*ret_tagset = state == SET_same ? id : 0;
	return id >= 0 && state != SET_failed;
}

bool
month_add_tags(struct month *m, const struct slot_request *r, int64_t seq)
{
	return add_tags(m, r, seq);
}

/* ---- raw usage ---- */

bool
month_bind_usage(struct month *m, const struct slot *s, bool has)
{
	struct str raw = str_make(s->raw_usage, s->raw_usage_len);
	sqlite3_stmt *q = m->add_attempt;
	struct raw_usage u;
	int64_t id = 0;

	if (has && raw_usage_split(raw, &u))
		id = intern_again(m, str_make(u.shape, u.shape_len));
	sqlite3_bind_int64(q, 38, id);
	if (id > 0)
		sqlite3_bind_blob(
		    q, 33, u.numbers, (int)u.numbers_len, SQLITE_TRANSIENT);
	else if (has && raw.len > 0)
		db_text(q, 33, raw);
	else
		sqlite3_bind_null(q, 33);
	return id >= 0;
}
