/* keys_file.c: the keys file, read: into records, and into a snapshot's entries. */
#include "keys_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "build.h"
#include "classes.h"

#define KEYS_MAX 20000

static const struct row runaway_rows[] = RUNAWAY_ROWS(struct key_draft, terms);

const struct row keys_rows[] = {
#include "keys_file.def"
    {0}};

struct keys_top {
	int version;
	const struct node *keys;
};

static const struct row top_rows[] = {
    {"version", KIND_int, .flags = ROW_required, LANDS(struct keys_top, version),
	.min = 1, .max = 1, .shape = "1"},
    {"keys", KIND_any, LANDS(struct keys_top, keys), .shape = "[]"}, {0}};

static const char *const *
tag_lines(const struct reading *r, const struct node *map)
{
	const char **lines;
	size_t i = 0;

	if (map == NULL)
		return NULL;
	lines = arena_alloc(r->mem, (map->count + 1) * sizeof(*lines));
	for (const struct node *n = map->first; n != NULL; n = n->next)
		lines[i++] = arena_printf(r->mem, "%s=%s", n->key.p, n->text.p);
	return lines;
}

/* As they are written, for people. */
static const char *
budgets_text(const struct reading *r, const struct terms_draft *d)
{
	struct buf text;
	const char *kept;

	if (d->budget == NULL && d->budgets == NULL)
		return NULL;
	buf_init(&text, TREE_BYTES_MAX);
	if (d->budget != NULL)
		node_print(d->budget, &text);
	if (d->budgets != NULL)
		node_print(d->budgets, &text);
	kept = arena_str(r->mem, buf_str(&text));
	buf_fini(&text);
	return kept;
}

static void
read_key(const struct reading *r, struct node *n, struct key_draft *ret)
{
	struct sha256 hash;

	ret->node = n;
	if (n->kind != NODE_map) {
		diag_error(r->d, n->at, "keys: expected {name: …, sha256: …}");
		return;
	}
	row_read(r, keys_rows, n, " in a key", ret);
	ret->k.limits = (struct key_limits){
	    .may_use = texts_read(r, ret->terms.may_use),
	    .service_tiers = texts_read(r, ret->terms.service_tiers),
	    .require_tags = texts_read(r, ret->terms.require_tags),
	    .max_per_request = ret->terms.t.max_per_request,
	    .max_output = ret->terms.t.max_output,
	    .rpm = ret->terms.t.rpm,
	    .tpm = ret->terms.t.tpm,
	    .max_inflight = ret->terms.t.max_inflight,
	    .runaway = ret->terms.t.runaway,
	    .runaway_then = ret->terms.t.runaway_then,
	    .frontier_at_most = ret->terms.t.frontier_at_most,
	    .budgets = budgets_text(r, &ret->terms),
	};
	ret->k.tags = tag_lines(r, ret->tags);
	if (ret->k.sha256 != NULL && !hash_sha256_parse(str_of(ret->k.sha256), &hash))
		diag_error(r->d, node_place(n, "sha256"),
		    "sha256: not 64 hex digits; make keys with `frugald keys add`");
}

bool
keys_file_read(
    const struct reading *r, struct str text, const char *file, struct keys_draft *ret)
{
	size_t before = diag_errors(r->d);
	struct keys_top top = {0};
	struct node *root;

	*ret = (struct keys_draft){0};
	if (str_trim(text).len == 0)
		return true;
	root = tree_parse(r->mem, r->mem, text, file, r->d);
	if (root != NULL)
		row_read(r, top_rows, root, " in the keys file", &top);
	if (top.keys != NULL &&
	    (top.keys->kind != NODE_list || top.keys->count > KEYS_MAX))
		diag_error(r->d, top.keys->at,
		    "keys: expected a list of at most %d keys", KEYS_MAX);
	if (root == NULL || top.keys == NULL || diag_errors(r->d) != before)
		return root != NULL && diag_errors(r->d) == before;
	ret->keys = arena_alloc(r->mem, (top.keys->count + 1) * sizeof(*ret->keys));
	for (struct node *n = top.keys->first; n != NULL; n = n->next)
		read_key(r, n, &ret->keys[ret->count++]);
	return diag_errors(r->d) == before;
}

/* ---- into a snapshot ---- */

/* What did not fit would have to be left out when a request comes; then its client
 * could say something else. */
static void
check_tags(struct build *b, const struct node *tags)
{
	size_t bytes = 0;

	for (const struct node *n = tags == NULL ? NULL : tags->first; n != NULL;
	     n = n->next) {
		check_tag(b, n->key, n->key_at);
		if (!tag_text_ok(n->text))
			diag_error(b->r.d, n->at,
			    "tag '%s': '%s' does not fit; write 1 to %d bytes of "
			    "A-Za-z0-9._:/@+-",
			    n->key.p, n->text.p, TAG_WORD_BYTES);
		bytes += n->key.len + n->text.len + 2;
	}
	if (bytes > TAGS_BYTES || (tags != NULL && tags->count > TAGS_MOST))
		diag_error(b->r.d, tags->at,
		    "%u tags of %zu bytes; at most %d of %d fit a request: remove some",
		    tags->count, bytes, TAGS_MOST, TAGS_BYTES);
}

static void
make_entry(struct build *b, const struct key_draft *d, struct key_entry *ret)
{
	const struct key_record *k = &d->k;

	*ret = (struct key_entry){
	    .name = k->name,
	    .hint = k->hint == NULL ? "" : k->hint,
	    .revoked = k->revoked,
	    .paused = k->paused,
	    .expires_s = k->expires_s < 0 ? 0 : k->expires_s,
	    .created_s = k->created_s < 0 ? 0 : k->created_s,
	    .terms = terms_read(b, &d->terms),
	    .tags = k->tags,
	};
	(void)hash_sha256_parse(str_of(k->sha256), &ret->hash);
	ret->data = data_named(b, k->data, node_place(d->node, "data"));
	check_tags(b, d->tags);
	budgets_of(b, SCOPE_key, k->name, &d->terms);
	if (k->team != NULL)
		ret->team = snapshot_team(b->s, str_of(k->team));
	if (k->team != NULL && ret->team == NULL)
		refuse_name(b, node_place(d->node, "team"), "team", k->team,
		    &b->c->teams, sizeof(struct team_draft));
	check_limits(
	    b, &(struct limits_of){"key", k->name, &ret->terms, ret->team, d->node});
}

static int
by_hash(const void *a, const void *b)
{
	const struct key_entry *x = a, *y = b;

	return memcmp(x->hash.b, y->hash.b, sizeof(x->hash.b));
}

static void
take_keys(struct build *b, struct str text, const char *file)
{
	struct keys_draft draft;
	struct key_entry *keys;

	if (!keys_file_read(&b->r, text, file, &draft))
		return;
	keys = arena_alloc(b->r.mem, (draft.count + 1) * sizeof(*keys));
	for (unsigned i = 0; i < draft.count; i++)
		make_entry(b, &draft.keys[i], &keys[i]);
	qsort(keys, draft.count, sizeof(*keys), by_hash);
	for (unsigned i = 1; i < draft.count; i++) {
		if (by_hash(&keys[i - 1], &keys[i]) == 0)
			diag_error(b->r.d, (struct diag_place){file, 1, 1},
			    "keys '%s' and '%s' are the same key; remove one",
			    keys[i - 1].name, keys[i].name);
	}
	b->s->keys = keys;
	b->s->key_count = draft.count;
}

void
build_keys(struct build *b)
{
	const char *path = b->s->keys_file;
	struct diag_place at = node_place(b->root, "keys_file");
	struct buf text;

	if (path == NULL || b->offline)
		return;
	buf_init(&text, TREE_BYTES_MAX + 1);
	if (b->env->read_file(b->env, path, TREE_BYTES_MAX, &text)) {
		if ((b->env->file_mode(b->env, path) & 007) != 0)
			diag_warning(b->r.d, at,
			    "'%s' can be read by everybody; chmod 0600 it", path);
		take_keys(b, buf_str(&text), diag_keep(b->r.d, path));
	} else if (errno == ENOENT) {
		diag_warning(b->r.d, at,
		    "'%s' is not there yet, so nobody can get in; make it with "
		    "`frugald keys add NAME`",
		    path);
	} else {
		diag_error(b->r.d, at,
		    "'%s' cannot be read: %s; check its owner and mode", path,
		    strerror(errno));
	}
	buf_fini(&text);
}
