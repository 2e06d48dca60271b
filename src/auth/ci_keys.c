/* ci_keys.c: the keys of jobs: a table of hashes in a mapped file, so that a restart
 * does not end a pipeline. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/state_file.h"
#include "stage/auth.h"

#define PREFIX  "fr-ci-"
#define DIGITS  43U
#define ENTRIES 8192U
/* A key stands within so many places of its own. */
#define REACH 64U

struct entry {
	struct sha256 hash;
	int64_t expires_s; /* 0: free */
	uint64_t terms;    /* of the rule that gave it */
	char rule[CI_NAME_MAX + 4];
	char key[40];
	char tags[TAGS_BYTES];
	uint32_t tags_len;
	uint32_t crc; /* of all that is above */
};
#define CRC_BYTES offsetof(struct entry, crc)

struct table {
	char magic[32];
	struct entry entry[ENTRIES];
};

/* Another layout is another file. */
static const char magic[32] = "frugald ci keys 1";

struct ci_keys {
	struct env *env;
	struct env_map map;
	struct table *t;
	pthread_mutex_t lock;
};

/* Nobody's key lasts longer: what says so is damaged. */
#define LONGEST_S 86400

/* What a crash has left half, or a disk has changed, is no key. Looked at when it is
 * shown: the file is not read, and not in memory, before. */
static bool
is_whole(const struct entry *e)
{
	return hash_crc32c(0, e, CRC_BYTES) == e->crc && e->tags_len <= TAGS_BYTES;
}

struct ci_keys *
ci_keys_open(struct env *env, const char *path)
{
	struct ci_keys *k = xcalloc(1, sizeof(*k));
	int saved;

	k->env = env;
	if (!state_file_open(env, path, str_make(magic, sizeof(magic)),
		sizeof(struct table), &k->map)) {
		saved = errno;
		xfree(k);
		errno = saved;
		return NULL;
	}
	k->t = k->map.p;
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
ci_keys_close(struct ci_keys *k)
{
	if (k == NULL)
		return;
	pthread_mutex_destroy(&k->lock);
	k->env->map_close(k->env, &k->map);
	xfree(k);
}

/* ---- places ---- */

static struct entry *
place(struct ci_keys *k, const struct sha256 *hash, size_t step)
{
	uint64_t first;

	memcpy(&first, hash->b, sizeof(first));
	return &k->t->entry[(first + step) % ENTRIES];
}

static const struct entry *
find_locked(struct ci_keys *k, const struct sha256 *hash)
{
	for (size_t i = 0; i < REACH; i++) {
		const struct entry *e = place(k, hash, i);

		if (e->expires_s != 0 && hash_sha256_eq(&e->hash, hash))
			return e;
	}
	return NULL;
}

static struct entry *
free_locked(struct ci_keys *k, const struct sha256 *hash, int64_t now_s)
{
	for (size_t i = 0; i < REACH; i++) {
		struct entry *e = place(k, hash, i);

		if (e->expires_s <= now_s || e->expires_s > now_s + LONGEST_S)
			return e;
	}
	return NULL;
}

/* ---- a new one ---- */

/* Each letter of 62 by itself: bytes from 248 on would make some likelier. */
static void
make_secret(struct env *env, char ret[static CI_SECRET_BYTES])
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = sizeof(PREFIX) - 1;
	uint8_t byte;

	static_assert(sizeof(PREFIX) + DIGITS == CI_SECRET_BYTES, "they fit");
	memcpy(ret, PREFIX, n);
	while (n < CI_SECRET_BYTES - 1) {
		env->random(env, &byte, sizeof(byte));
		if (byte < 248)
			ret[n++] = digits[byte % 62];
	}
	ret[n] = '\0';
}

bool
ci_keys_add(struct ci_keys *k, const struct ci_grant *g, int64_t expires_s,
    char ret_secret[static CI_SECRET_BYTES])
{
	int64_t now_s = k->env->wall_ns(k->env) / NS_PER_S;
	struct entry fresh = {.expires_s = expires_s, .terms = g->rule->terms};
	struct entry *e;

	make_secret(k->env, ret_secret);
	fresh.hash = hash_sha256(str_of(ret_secret));
	str_copy(fresh.rule, sizeof(fresh.rule), str_of(g->rule->name));
	str_copy(fresh.key, sizeof(fresh.key), str_of(g->key));
	fresh.tags_len = (uint32_t)strlen(g->tags);
	memcpy(fresh.tags, g->tags, fresh.tags_len);
	fresh.crc = hash_crc32c(0, &fresh, CRC_BYTES);
	pthread_mutex_lock(&k->lock);
	e = free_locked(k, &fresh.hash, now_s);
	if (e != NULL)
		*e = fresh;
	pthread_mutex_unlock(&k->lock);
	return e != NULL;
}

/* ---- whose it is ---- */

static const struct ci_rule *
rule_of(const struct snapshot *s, const struct entry *e)
{
	for (unsigned i = 0; i < s->ci_count; i++) {
		if (strcmp(s->ci[i].name, e->rule) == 0)
			return s->ci[i].terms == e->terms ? &s->ci[i] : NULL;
	}
	return NULL;
}

static const char *const *
tag_lines(const struct entry *e, struct arena *mem)
{
	struct str rest = str_make(e->tags, e->tags_len), line;
	const char **lines = arena_alloc(mem, (TAGS_MOST + 1) * sizeof(*lines));
	size_t n = 0;

	while (n < TAGS_MOST && str_split(&rest, '\n', &line)) {
		if (line.len > 0)
			lines[n++] = arena_str(mem, line);
	}
	return lines;
}

static const struct key_entry *
make_key(const struct entry *e, const struct ci_rule *rule, struct arena *mem)
{
	struct key_entry *key = arena_alloc(mem, sizeof(*key));

	*key = (struct key_entry){
	    .name = arena_str(mem, str_of(e->key)),
	    .hash = e->hash,
	    .hint = "",
	    .team = rule->team,
	    .expires_s = e->expires_s,
	    .terms = auth_terms(&(struct principal){0}),
	    .tags = tag_lines(e, mem),
	    .of_token = true,
	    .limit = rule->limit,
	};
	key->terms.rpm = key->terms.tpm = key->terms.max_inflight = -1;
	return key;
}

bool
ci_keys_check(struct ci_keys *k, const struct snapshot *s, struct str secret,
    int64_t now_s, struct arena *mem, struct principal *ret)
{
	const struct ci_rule *rule;
	const struct entry *found;
	struct entry e = {0};
	struct sha256 hash;

	if (k == NULL || s->ci_count == 0 || secret.len != CI_SECRET_BYTES - 1 ||
	    !str_starts(secret, STR(PREFIX)))
		return false;
	hash = hash_sha256(secret);
	pthread_mutex_lock(&k->lock);
	found = find_locked(k, &hash);
	if (found != NULL)
		e = *found;
	pthread_mutex_unlock(&k->lock);
	rule = e.expires_s <= now_s || !is_whole(&e) ? NULL : rule_of(s, &e);
	if (rule == NULL)
		return false;
	*ret = (struct principal){.key = make_key(&e, rule, mem), .team = rule->team};
	ret->key_name = ret->key->name;
	ret->team_name = rule->team == NULL ? "" : rule->team->name;
	return true;
}
