/* snapshot.c: from files to a whole snapshot, or to findings. */
#include "config/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/jwt.h"
#include "base/mem.h"
#include "base/util.h"
#include "build.h"
#include "embed.h"
#include "own_books.h"

#define ARENA_BYTES      ((size_t)512 << 20)
#define CANONICAL_BYTES  ((size_t)16 << 20)
#define SECRET_BYTES_MAX ((size_t)16 << 10)

/* Secrets lie outside the arena, so that they can be wiped. */
struct secret {
	SLIST_ENTRY(secret) link;
	char *text;
	size_t len;
};

struct whole {
	struct snapshot s;
	struct arena *mem;
	struct catalogue *catalogue;
	struct price_book *prices;
	struct own_books own;
	SLIST_HEAD(secret_list, secret) secrets;
	struct jwks *jwks[CI_MAX];
	unsigned jwks_count;
};

static void
whole_free(struct whole *w)
{
	struct secret *x;

	while ((x = SLIST_FIRST(&w->secrets)) != NULL) {
		SLIST_REMOVE_HEAD(&w->secrets, link);
		xfree_secret(x->text, x->len);
		xfree(x);
	}
	catalogue_free(w->catalogue);
	price_book_free(w->prices);
	own_books_fini(&w->own);
	for (unsigned i = 0; i < w->jwks_count; i++)
		jwks_free(w->jwks[i]);
	arena_free(w->mem);
	xfree(w);
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs_shared, 1, memory_order_relaxed);
	return s;
}

void
snapshot_unref(struct snapshot *s)
{
	if (s == NULL)
		return;
	assert(atomic_load(&s->refs_shared) > 0);
	if (atomic_fetch_sub_explicit(&s->refs_shared, 1, memory_order_acq_rel) == 1)
		whole_free(container_of(s, struct whole, s));
}

void
build_keep_jwks(struct build *b, const struct jwks *k)
{
	assert(b->whole->jwks_count < CI_MAX);
	b->whole->jwks[b->whole->jwks_count++] = (struct jwks *)(uintptr_t)k;
}

/* ---- secrets ---- */

/* Goes into a header line: nothing that could end one. */
static bool
secret_ok(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7F)
			return false;
	}
	return s.len > 0;
}

static const char *
keep_secret(struct whole *w, struct str s)
{
	struct secret *x = xcalloc(1, sizeof(*x));

	x->text = xmemdup(s.p, s.len);
	x->len = s.len;
	SLIST_INSERT_HEAD(&w->secrets, x, link);
	return x->text;
}

static const char *
secret_of_env(struct build *b, const struct node *n, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL && secret_ok(str_of(value)))
		return keep_secret(b->whole, str_of(value));
	diag_error(b->r.d, n->at,
	    value == NULL || value[0] == '\0'
		? "the environment variable %s is not set; set it, or name a file:PATH"
		: "the environment variable %s has blanks or control characters in it; "
		  "mend it",
	    name);
	return NULL;
}

static const char *
secret_of_file(struct build *b, const struct node *n, const char *path)
{
	const char *kept = NULL;
	struct buf text;
	struct str s;

	buf_init(&text, SECRET_BYTES_MAX + 1);
	if (!b->env->read_file(b->env, path, SECRET_BYTES_MAX, &text)) {
		diag_error(b->r.d, n->at,
		    "'%s' cannot be read: %s; check path, owner and mode", path,
		    strerror(errno));
		goto out;
	}
	s = str_trim(buf_str(&text));
	if (!secret_ok(s))
		diag_error(b->r.d, n->at,
		    "'%s' is empty or has blanks or control characters in it; put the "
		    "secret alone there",
		    path);
	else
		kept = keep_secret(b->whole, s);
	if ((b->env->file_mode(b->env, path) & 007) != 0)
		diag_warning(b->r.d, n->at,
		    "'%s' can be read by everybody; chmod 0640 it", path);
	if (text.p != NULL)
		explicit_bzero(text.p, text.len);
out:
	buf_fini(&text);
	return kept;
}

const char *
build_secret(struct build *b, const struct node *n)
{
	if (b->offline)
		return NULL;
	if (str_starts(n->text, STR("env:")))
		return secret_of_env(b, n, n->text.p + 4);
	return secret_of_file(b, n, n->text.p + 5);
}

/* ---- catalogue and price book ---- */

/* The file that the key names. False after a finding. */
static bool
read_text(struct build *b, const char *key, const char *path, struct buf *ret)
{
	if (b->env->read_file(b->env, path, TREE_BYTES_MAX, ret))
		return true;
	diag_error(b->r.d, node_place(b->root, key),
	    "'%s' cannot be read: %s; check the path", path, strerror(errno));
	return false;
}

/* A copy that lives as long as the snapshot. */
static struct str
keep_text(struct build *b, struct str text)
{
	char *kept = arena_alloc(b->r.mem, text.len + 1);

	if (text.len > 0)
		memcpy(kept, text.p, text.len);
	return str_make(kept, text.len);
}

static bool
build_catalogue(struct build *b)
{
	const struct config *c = b->c;
	const char *name = c->catalogue == NULL ? "(built-in models)" : c->catalogue;
	struct buf text;

	buf_init(&text, TREE_BYTES_MAX + 1);
	b->s->catalogue_text = str_make(embed_models_yaml, embed_models_yaml_len);
	if (b->texts != NULL)
		b->s->catalogue_text = keep_text(b, b->texts->catalogue);
	else if (c->catalogue != NULL && read_text(b, "catalogue", c->catalogue, &text))
		b->s->catalogue_text = keep_text(b, buf_str(&text));
	if (b->texts != NULL || c->catalogue == NULL || text.len > 0)
		b->whole->catalogue = catalogue_parse(
		    b->s->catalogue_text, diag_keep(b->r.d, name), b->r.d);
	buf_fini(&text);
	b->s->catalogue = b->whole->catalogue;
	return b->s->catalogue != NULL;
}

/* Of a book that is not a person's only the rows that this policy's models can need. */
static struct price_book *
parse_prices(struct build *b, struct str text)
{
	unsigned wishes = 0, room = 1;
	struct price_wish *wish;

	for (unsigned i = 0; i < b->s->model_count; i++)
		room += b->models[i].ats;
	wish = arena_alloc(b->r.mem, room * sizeof(*wish));
	for (unsigned i = 0; i < b->s->model_count; i++) {
		const struct model *m = &b->models[i];

		for (unsigned k = 0; k < m->ats; k++)
			wish[wishes++] = (struct price_wish){
			    .provider = str_of(m->at[k].provider->book),
			    .model = str_of(m->catalogue->id),
			    .name = str_of(m->at[k].name)};
	}
	return price_book_parse_some(text,
	    b->texts != NULL ? "(kept prices)" : "(built-in prices)", wish, wishes,
	    b->r.d);
}

static void
bind_prices(struct build *b)
{
	for (unsigned i = 0; i < b->s->model_count; i++) {
		struct model *m = &b->models[i];

		for (unsigned k = 0; k < m->ats; k++)
			m->at[k].price_key =
			    price_book_key(b->s->prices, m->at[k].provider->book,
				m->catalogue->id, str_of(m->at[k].name));
	}
}

static bool
build_prices(struct build *b)
{
	const char *path = b->c->prices;
	struct buf text;

	buf_init(&text, TREE_BYTES_MAX + 1);
	if (b->texts != NULL)
		b->whole->prices = parse_prices(b, b->texts->prices);
	else if (path == NULL)
		b->whole->prices =
		    parse_prices(b, str_make(embed_prices_yaml, embed_prices_yaml_len));
	else if (read_text(b, "prices", path, &text))
		b->whole->prices =
		    price_book_parse(buf_str(&text), diag_keep(b->r.d, path), b->r.d);
	buf_fini(&text);
	b->s->prices = b->whole->prices;
	if (b->s->prices != NULL)
		bind_prices(b);
	return b->s->prices != NULL;
}

/* Their texts, while the books have not been looked at any further. */
static void
keep_contracts(struct build *b)
{
	struct buf text;

	buf_init(&text, CONTRACT_BOOKS * (TREE_BYTES_MAX + 4096));
	own_books_print(&b->whole->own, &text);
	b->s->contracts_text = keep_text(b, buf_str(&text));
	buf_fini(&text);
}

/* ---- weights ---- */

#define WEIGHTS_BYTES_MAX ((size_t)4 << 20)

/* Their bytes; what is in them, the classifier says. */
static void
build_classifier(struct build *b)
{
	struct snapshot *s = b->s;
	struct buf file;

	s->classifier_path = b->c->classifier;
	if (b->texts != NULL) {
		s->classifier_path =
		    b->texts->weights.len > 0 ? "(kept weights)" : NULL;
		s->classifier_file = keep_text(b, b->texts->weights);
		return;
	}
	if (s->classifier_path == NULL)
		return;
	s->classifier_at = node_place(b->root, "classifier");
	buf_init(&file, WEIGHTS_BYTES_MAX + 1);
	if (b->env->read_file(b->env, s->classifier_path, WEIGHTS_BYTES_MAX, &file)) {
		s->classifier_file = keep_text(b, buf_str(&file));
	} else {
		diag_error(b->r.d, node_place(b->root, "classifier"),
		    "'%s' cannot be read: %s; check the path", s->classifier_path,
		    strerror(errno));
	}
	buf_fini(&file);
}

/* ---- the whole ---- */

static void
print_canonical(struct build *b)
{
	char hex[65];
	struct buf text;

	buf_init(&text, CANONICAL_BYTES);
	row_print(schema_rows, b->c, 0, &text);
	b->s->canonical = arena_str(b->r.mem, buf_str(&text));
	b->s->hash = hash_sha256(buf_str(&text));
	buf_fini(&text);
	hash_sha256_hex(&b->s->hash, hex);
	str_copy(b->s->short_hash, sizeof(b->s->short_hash), str_of(hex));
}

static void
build_all(struct build *b)
{
	build_listeners(b);
	if (!build_catalogue(b))
		return;
	build_classifier(b);
	build_providers(b);
	build_models(b);
	if (!build_prices(b))
		return;
	build_contracts(b);
	keep_contracts(b);
	build_data(b);
	build_tags(b);
	build_routes(b);
	build_teams(b);
	build_aliases(b);
	build_keys(b);
	build_ci(b);
	build_budgets(b);
	check_whole(b);
}

struct source {
	struct env *env;
	struct str yaml;
	const char *path;
	const struct snapshot *running;
	const struct snapshot_texts *texts;
	bool offline;
};

static struct snapshot *
make(const struct source *from, struct diag *d)
{
	struct whole *w = xcalloc(1, sizeof(*w));
	size_t before = diag_errors(d);
	struct config *c;
	struct build b = {.whole = w,
	    .s = &w->s,
	    .env = from->env,
	    .running = from->running,
	    .texts = from->texts,
	    .offline = from->offline};

	w->mem = arena_new(ARENA_BYTES);
	SLIST_INIT(&w->secrets);
	atomic_init(&w->s.refs_shared, 1);
	w->s.path = arena_str(w->mem, str_of(from->path));
	c = arena_alloc(w->mem, sizeof(*c));
	b.c = c;
	b.own = &w->own;
	b.r = (struct reading){.mem = w->mem, .d = d};
	b.now_s = b.env->wall_ns(b.env) / NS_PER_S;
	b.root = tree_parse(w->mem, w->mem, from->yaml, diag_keep(d, from->path), d);
	if (b.root != NULL) {
		row_read(&b.r, schema_rows, b.root, "", c);
		build_all(&b);
	}
	if (b.root == NULL || diag_errors(d) != before) {
		whole_free(w);
		return NULL;
	}
	print_canonical(&b);
	return &w->s;
}

struct snapshot *
snapshot_parse(struct env *env, struct str yaml, const char *path, struct diag *d)
{
	struct source from = {.env = env, .yaml = yaml, .path = path};

	return make(&from, d);
}

/* `from` without its text. */
static struct snapshot *
load(struct source *from, struct diag *d)
{
	struct snapshot *s = NULL;
	struct buf text;

	buf_init(&text, TREE_BYTES_MAX + 1);
	if (from->env->read_file(from->env, from->path, TREE_BYTES_MAX, &text)) {
		from->yaml = buf_str(&text);
		s = make(from, d);
	} else {
		diag_error(d, (struct diag_place){diag_keep(d, from->path), 0, 0},
		    errno == EFBIG ? "larger than 1 MiB; shorten the file"
				   : "cannot be read: %s; check the path",
		    strerror(errno));
	}
	buf_fini(&text);
	return s;
}

struct snapshot *
snapshot_load(struct env *env, const char *path, struct diag *d)
{
	struct source from = {.env = env, .path = path};

	return load(&from, d);
}

struct snapshot *
snapshot_reload(
    struct env *env, const char *path, const struct snapshot *running, struct diag *d)
{
	struct source from = {.env = env, .path = path, .running = running};

	return load(&from, d);
}

struct snapshot *
snapshot_load_offline(struct env *env, const char *path, struct diag *d)
{
	struct source from = {.env = env, .path = path, .offline = true};

	return load(&from, d);
}

struct snapshot *
snapshot_rebuild(struct env *env, const struct snapshot_texts *t, struct diag *d)
{
	struct source from = {.env = env,
	    .yaml = t->policy,
	    .path = "(kept policy)",
	    .texts = t,
	    .offline = true};

	return make(&from, d);
}
