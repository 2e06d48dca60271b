/* lookup.c: names to things of a snapshot, and what a client's model name means. */
#include "config/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

const struct model *
snapshot_model(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->model_count; i++) {
		if (str_is(name, s->models[i].name))
			return &s->models[i];
	}
	return NULL;
}

const struct route *
snapshot_route(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->route_count; i++) {
		if (str_is(name, s->routes[i].name))
			return &s->routes[i];
	}
	return NULL;
}

const struct provider *
snapshot_provider(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->provider_count; i++) {
		if (str_is(name, s->providers[i].name))
			return &s->providers[i];
	}
	return NULL;
}

const struct team *
snapshot_team(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->team_count; i++) {
		if (str_is(name, s->teams[i].name))
			return &s->teams[i];
	}
	return NULL;
}

const struct data_class *
snapshot_data_class(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->data_class_count; i++) {
		if (str_is(name, s->data_classes[i].name))
			return &s->data_classes[i];
	}
	return NULL;
}

const struct tag_name *
snapshot_tag(const struct snapshot *s, struct str name)
{
	for (unsigned i = 0; i < s->tag_count; i++) {
		if (str_is(name, s->tags[i].name))
			return &s->tags[i];
	}
	return NULL;
}

bool
tag_text_ok(struct str s)
{
	if (s.len == 0 || s.len > TAG_WORD_BYTES)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9');

		if (!word && (c == '\0' || strchr("._:/@+-", c) == NULL))
			return false;
	}
	return true;
}

/* Halves by the public order of hashes; only the last comparison, which says whether
 * the key is the right one, must not tell by its time how much of it was right. */
const struct key_entry *
snapshot_key(const struct snapshot *s, const struct sha256 *hash)
{
	unsigned low = 0, high = s->key_count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (memcmp(s->keys[mid].hash.b, hash->b, sizeof(hash->b)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == s->key_count || !hash_sha256_eq(&s->keys[low].hash, hash))
		return NULL;
	return &s->keys[low];
}

uint64_t
snapshot_place(const char *model, const char *provider, bool tier)
{
	char name[256];
	int n = snprintf(
	    name, sizeof(name), "%s%s at %s", tier ? "tier " : "", model, provider);

	return hash_stable(
	    str_make(name, n < (int)sizeof(name) ? (size_t)n : sizeof(name) - 1));
}

struct asked
snapshot_resolve(const struct snapshot *s, struct str name)
{
	struct asked asked = {0};
	const struct alias *catch_all = NULL;

	for (unsigned i = 0; i < s->alias_count; i++) {
		const struct alias *a = &s->aliases[i];

		if (str_is(a->pattern, "*")) {
			catch_all = a;
			continue;
		}
		if (!str_glob(a->pattern, name))
			continue;
		return (struct asked){
		    a->route, a->model, a->route == NULL && a->model == NULL};
	}
	asked.route = snapshot_route(s, name);
	if (asked.route == NULL)
		asked.model = snapshot_model(s, name);
	if (asked.route != NULL || asked.model != NULL || catch_all == NULL)
		return asked;
	asked.route = catch_all->route;
	asked.model = catch_all->model;
	asked.refused = asked.route == NULL && asked.model == NULL;
	return asked;
}

static int
order_texts(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

	if (order != 0 || a.len == b.len)
		return order;
	return a.len < b.len ? -1 : 1;
}

int
budget_order(
    const struct budget *b, enum budget_scope scope, struct str tag, struct str value)
{
	int order = (b->value != NULL) - (value.p != NULL);

	if (order == 0)
		order = (int)b->scope - (int)scope;
	if (order == 0)
		order = order_texts(str_of(b->tag), tag);
	if (order == 0 && b->value != NULL)
		order = order_texts(str_of(b->value), value);
	return order;
}
