/* keys_edit.c: changes to the keys file: a text in, a text out. */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "keys_file.h"
#include "value.h"

#define ARENA_BYTES  ((size_t)256 << 20)
#define RANDOM_BYTES 32
#define DIGITS       43

static const char banner[] = "# Clients' keys, hashes only; written by `frugald keys`, "
			     "which keeps no comments.\n"
			     "version: 1\n";

struct edit {
	struct arena *mem;
	struct diag *d;
	struct keys_draft keys; /* with room for one more */
	struct keys_edit *ret;
};

static bool
begin(struct edit *e, struct str text, struct keys_edit *ret)
{
	struct reading r;
	struct key_draft *more;

	*e = (struct edit){.mem = arena_new(ARENA_BYTES), .d = diag_new(), .ret = ret};
	memset(ret, 0, sizeof(*ret));
	buf_init(&ret->text, TREE_BYTES_MAX);
	r = (struct reading){.mem = e->mem, .d = e->d};
	if (!keys_file_read(&r, text, "keys file", &e->keys)) {
		size_t n;
		const struct diag_finding *f = diag_findings(e->d, &n);

		snprintf(ret->why, sizeof(ret->why), "line %u of the keys file: %s",
		    f->at.line, f->text);
		return false;
	}
	more = arena_alloc(e->mem, (e->keys.count + 1) * sizeof(*more));
	if (e->keys.count > 0)
		memcpy(more, e->keys.keys, e->keys.count * sizeof(*more));
	e->keys.keys = more;
	return true;
}

/* Rows print nodes: a list of texts, or a map of "name=value" lines. */
static struct node *
node_of(struct arena *mem, const char *const *texts, bool map)
{
	struct node *list;

	if (texts == NULL || texts[0] == NULL)
		return NULL;
	list = arena_alloc(mem, sizeof(*list));
	list->kind = map ? NODE_map : NODE_list;
	for (size_t i = 0; texts[i] != NULL; i++) {
		struct node *n = arena_alloc(mem, sizeof(*n));

		n->text = str_of(texts[i]);
		if (map)
			(void)str_split(&n->text, '=', &n->key);
		if (list->last == NULL)
			list->first = n;
		else
			list->last->next = n;
		list->last = n;
	}
	return list;
}

static void
print_key(const struct key_draft *k, struct buf *ret)
{
	struct buf one;

	buf_init(&one, TREE_BYTES_MAX);
	row_print(keys_rows, k, 2, &one);
	one.p[2] = '-';
	buf_add(ret, one.p);
	buf_fini(&one);
}

/* Ends the edit; `ok` false: `why` was written before. */
static bool
end(struct edit *e, bool ok)
{
	struct buf *out = &e->ret->text;
	struct buf all;

	/* Longer than a file may be, so that the check below can be ours. */
	buf_init(&all, 16 * TREE_BYTES_MAX);
	for (unsigned i = 0; ok && i < e->keys.count; i++) {
		buf_add(&all, i == 0 ? banner : "");
		buf_add(&all, i == 0 ? "keys:\n" : "");
		print_key(&e->keys.keys[i], &all);
	}
	if (ok && !buf_append_str(out, buf_str(&all))) {
		snprintf(e->ret->why, sizeof(e->ret->why),
		    "the keys file would be larger than 1 MiB; remove revoked keys "
		    "from it");
		ok = false;
	}
	if (!ok)
		buf_clear(out);
	buf_fini(&all);
	diag_free(e->d);
	arena_free(e->mem);
	return ok;
}

void
keys_edit_fini(struct keys_edit *e)
{
	buf_fini(&e->text);
	explicit_bzero(e->secret, sizeof(e->secret));
}

/* 256 bits as 43 digits of base 62, most significant first. */
static void
make_secret(struct env *env, char ret[static KEY_SECRET_BYTES])
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint8_t number[RANDOM_BYTES];

	env->random(env, number, sizeof(number));
	memcpy(ret, "fr-", 3);
	for (int i = DIGITS - 1; i >= 0; i--) {
		unsigned rest = 0;

		for (size_t k = 0; k < sizeof(number); k++) {
			unsigned v = rest << 8 | number[k];

			number[k] = (uint8_t)(v / 62);
			rest = v % 62;
		}
		ret[3 + i] = digits[rest];
	}
	ret[3 + DIGITS] = '\0';
	explicit_bzero(number, sizeof(number));
}

/* A new secret for the record, and what of it may be kept. */
static void
give_secret(struct env *env, struct edit *e, struct key_draft *k)
{
	char *secret = e->ret->secret, hex[65];
	struct sha256 hash;

	make_secret(env, secret);
	hash = hash_sha256(str_of(secret));
	hash_sha256_hex(&hash, hex);
	k->k.sha256 = arena_str(e->mem, str_of(hex));
	k->k.hint =
	    arena_printf(e->mem, "%.5s…%s", secret, secret + strlen(secret) - 4);
	k->k.created_s = env->wall_ns(env) / NS_PER_S;
}

static unsigned
count_named(const struct edit *e, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->keys.count; i++) {
		if (strcmp(e->keys.keys[i].k.name, name) == 0)
			count++;
	}
	return count;
}

static bool
refuse(struct edit *e, const char *name, const char *why)
{
	snprintf(e->ret->why, sizeof(e->ret->why), "'%s': %s", name, why);
	return end(e, false);
}

bool
keys_file_add(struct env *env, struct str text, const struct key_wish *wish,
    struct keys_edit *ret)
{
	const struct key_limits *limits = &wish->limits;
	struct key_draft *fresh;
	struct edit e;

	if (!begin(&e, text, ret))
		return end(&e, false);
	if (!value_name(str_of(wish->name)))
		return refuse(&e, wish->name,
		    "this cannot name a key; use at most 39 letters, digits and ._-/");
	if (count_named(&e, wish->name) > 0)
		return refuse(&e, wish->name,
		    "there is such a key already; rotate it, or take another name");
	fresh = &e.keys.keys[e.keys.count++];
	*fresh = (struct key_draft){
	    .k = {.name = wish->name,
		.team = wish->team,
		.data = wish->data,
		.expires_s = wish->expires_s},
	    .terms = {.t = {.max_per_request = limits->max_per_request,
			  .max_output = limits->max_output,
			  .rpm = limits->rpm,
			  .tpm = limits->tpm,
			  .max_inflight = limits->max_inflight,
			  .runaway = limits->runaway,
			  .runaway_then = limits->runaway_then,
			  .frontier_at_most = limits->frontier_at_most},
		.may_use = node_of(e.mem, limits->may_use, false),
		.service_tiers = node_of(e.mem, limits->service_tiers, false),
		.require_tags = node_of(e.mem, limits->require_tags, false),
		.budget = node_of(e.mem, wish->budget, true)},
	    .tags = node_of(e.mem, wish->tags, true),
	};
	give_secret(env, &e, fresh);
	return end(&e, true);
}

/* The one that is in force longest; NULL: none that could be rotated. */
static struct key_draft *
youngest(struct edit *e, const char *name)
{
	for (unsigned i = e->keys.count; i > 0; i--) {
		struct key_draft *k = &e->keys.keys[i - 1];

		if (strcmp(k->k.name, name) == 0 && !k->k.revoked)
			return k;
	}
	return NULL;
}

bool
keys_file_rotate(struct env *env, struct str text, const char *name, int64_t overlap_s,
    struct keys_edit *ret)
{
	int64_t ends_s = env->wall_ns(env) / NS_PER_S + overlap_s;
	struct key_draft *old, *fresh;
	struct edit e;

	if (!begin(&e, text, ret))
		return end(&e, false);
	old = youngest(&e, name);
	if (old == NULL)
		return refuse(
		    &e, name, "there is no such key in use; see `frugald keys list`");
	fresh = &e.keys.keys[e.keys.count++];
	*fresh = *old;
	if (old->k.expires_s < 0 || old->k.expires_s > ends_s)
		old->k.expires_s = ends_s;
	give_secret(env, &e, fresh);
	return end(&e, true);
}

bool
keys_file_change(
    struct str text, const char *name, enum key_change change, struct keys_edit *ret)
{
	struct edit e;

	if (!begin(&e, text, ret))
		return end(&e, false);
	if (count_named(&e, name) == 0)
		return refuse(
		    &e, name, "there is no such key; see `frugald keys list`");
	for (unsigned i = 0; i < e.keys.count; i++) {
		struct key_record *k = &e.keys.keys[i].k;

		if (strcmp(k->name, name) != 0)
			continue;
		if (change == KEY_revoke)
			k->revoked = true;
		else
			k->paused = change == KEY_pause;
	}
	return end(&e, true);
}

bool
keys_file_each(struct str text, const char *file, struct diag *d,
    void (*each)(void *arg, const struct key_record *k), void *arg)
{
	struct reading r = {.mem = arena_new(ARENA_BYTES), .d = d};
	struct keys_draft keys;
	bool ok = keys_file_read(&r, text, diag_keep(d, file), &keys);

	for (unsigned i = 0; ok && i < keys.count; i++)
		each(arg, &keys.keys[i].k);
	arena_free(r.mem);
	return ok;
}
