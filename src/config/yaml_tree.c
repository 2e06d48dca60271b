/* yaml_tree.c: libyaml's events to a tree; refuses at once what only an attacker or a
 * machine would write. */
#include "tree.h"

#include <yaml.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"

struct level {
	struct node *node;
	struct str key; /* of the value that comes next */
	struct diag_place key_at;
	bool has_key;
};

struct builder {
	yaml_parser_t parser;
	struct arena *tree, *texts;
	struct diag *d;
	struct str yaml;
	const char *file;
	struct map *keys; /* (map, key) to the first node with that key */
	struct buf key;   /* scratch */
	struct level level[TREE_DEPTH_MAX];
	unsigned depth, nodes, documents;
	struct node *root;
};

static struct diag_place
place(const struct builder *b, const yaml_mark_t *m)
{
	return (struct diag_place){
	    b->file, (unsigned)m->line + 1, (unsigned)m->column + 1};
}

/* The node that took this key of the map before, or NULL: the first time. */
static struct node *
first_with_key(struct builder *b, const struct level *l, struct node *fresh)
{
	buf_clear(&b->key);
	if (!buf_append(&b->key, &l->node, sizeof(l->node)) ||
	    !buf_append_str(&b->key, l->key))
		return NULL;
	if (map_put(b->keys, buf_str(&b->key), fresh))
		return NULL;
	return map_get(b->keys, buf_str(&b->key));
}

static void
link_child(struct node *parent, struct node *n)
{
	if (parent->last == NULL)
		parent->first = n;
	else
		parent->last->next = n;
	parent->last = n;
	parent->count++;
}

/* Puts a value where it belongs. False: stop here. */
static bool
attach(struct builder *b, struct node *n)
{
	struct level *l;
	const struct node *before;

	if (b->depth == 0) {
		b->root = n;
		return true;
	}
	l = &b->level[b->depth - 1];
	if (l->node->kind == NODE_list) {
		link_child(l->node, n);
		return true;
	}
	n->key = l->key;
	n->key_at = l->key_at;
	l->has_key = false;
	before = first_with_key(b, l, n);
	if (before == NULL) {
		link_child(l->node, n);
		return true;
	}
	diag_error(b->d, n->key_at,
	    "key '%s' is here twice, first in line %u; keep one of them", n->key.p,
	    before->key_at.line);
	return true;
}

static struct node *
node_new(struct builder *b, enum node_kind kind, const yaml_event_t *e)
{
	struct node *n;

	if (++b->nodes > TREE_NODES_MAX) {
		diag_error(b->d, place(b, &e->start_mark),
		    "more than %u values in one file; split it or shorten it",
		    TREE_NODES_MAX);
		return NULL;
	}
	n = arena_alloc(b->tree, sizeof(*n));
	n->kind = kind;
	n->at = place(b, &e->start_mark);
	return n;
}

static void
refuse_extras(struct builder *b, struct node *n, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor != NULL) {
		diag_error(b->d, n->at,
		    "anchor '&%s' is not taken; write the value out",
		    (const char *)anchor);
		n->bad = true;
	}
	if (tag != NULL) {
		struct str full = str_of((const char *)tag),
			   core = STR("tag:yaml.org,2002:");
		bool is_core = str_starts(full, core);

		diag_error(b->d, n->at, "tag '%s%s' is not taken; remove it",
		    is_core ? "!!" : "", full.p + (is_core ? core.len : 0));
		n->bad = true;
	}
}

static bool
is_null(const yaml_event_t *e, struct str text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < nitems(nulls); i++) {
		if (str_is(text, nulls[i]))
			return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	}
	return false;
}

static bool
wants_key(const struct builder *b)
{
	const struct level *l = &b->level[b->depth == 0 ? 0 : b->depth - 1];

	return b->depth > 0 && l->node->kind == NODE_map && !l->has_key;
}

static void
take_key(struct builder *b, const struct node *n)
{
	struct level *l = &b->level[b->depth - 1];

	l->key = n->text;
	l->key_at = n->at;
	l->has_key = true;
}

static bool
on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct str text =
	    str_make((const char *)e->data.scalar.value, e->data.scalar.length);
	struct node *n = node_new(b, NODE_scalar, e);

	if (n == NULL)
		return false;
	if (memchr(text.p, '\0', text.len) != NULL) {
		diag_error(b->d, n->at, "a NUL character in a text; remove it");
		return false;
	}
	n->text = str_make(arena_str(b->texts, text), text.len);
	refuse_extras(b, n, e->data.scalar.anchor, e->data.scalar.tag);
	if (wants_key(b)) {
		if (text.len == 0)
			diag_error(
			    b->d, n->at, "a key without a name; name it or remove it");
		take_key(b, n);
		return true;
	}
	if (is_null(e, text) && !n->bad) {
		const struct level *l = &b->level[b->depth == 0 ? 0 : b->depth - 1];
		bool keyed = b->depth > 0 && l->has_key;

		diag_error(b->d, keyed ? l->key_at : n->at,
		    "%s%s%s has no value; write one, or remove the line",
		    keyed ? "'" : "this", keyed ? l->key.p : " entry",
		    keyed ? "'" : "");
		n->bad = true;
	}
	return attach(b, n);
}

static bool
on_alias(struct builder *b, const yaml_event_t *e)
{
	struct node *n = node_new(b, NODE_scalar, e);

	if (n == NULL)
		return false;
	n->text = STR("");
	n->bad = true;
	diag_error(b->d, n->at,
	    "alias '*%s' is not taken; write the value out, or quote it",
	    (const char *)e->data.alias.anchor);
	if (!wants_key(b))
		return attach(b, n);
	take_key(b, n);
	return true;
}

static bool
on_begin(struct builder *b, enum node_kind kind, const yaml_event_t *e)
{
	struct node *n = node_new(b, kind, e);
	bool map = kind == NODE_map;

	if (n == NULL)
		return false;
	if (wants_key(b)) {
		diag_error(
		    b->d, n->at, "a key must be one word; did you forget a quote?");
		return false;
	}
	if (b->depth == TREE_DEPTH_MAX) {
		diag_error(
		    b->d, n->at, "nested deeper than %d; flatten it", TREE_DEPTH_MAX);
		return false;
	}
	refuse_extras(b, n,
	    map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
	    map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
	if (!attach(b, n))
		return false;
	b->level[b->depth++] = (struct level){.node = n};
	return true;
}

static bool
on_document(struct builder *b, const yaml_event_t *e)
{
	if (++b->documents == 1)
		return true;
	diag_error(b->d, place(b, &e->start_mark),
	    "a second document begins here; keep one and remove the '---'");
	return false;
}

static bool
on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, e);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_begin(b, NODE_list, e);
	case YAML_MAPPING_START_EVENT:
		return on_begin(b, NODE_map, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return true;
	default:
		return true;
	}
}

static const char *
mend_for(const struct builder *b, const char *problem)
{
	size_t at = b->parser.problem_mark.index;

	if (strstr(problem, "cannot start any token") != NULL && at < b->yaml.len &&
	    b->yaml.p[at] == '\t')
		return "indent with blanks, not with tabs";
	if (strstr(problem, "mapping values are not allowed") != NULL)
		return "put a value that contains ': ' in quotes, or check the "
		       "indentation";
	if (strstr(problem, "expected alphabetic or numeric") != NULL)
		return "put a word that begins with '*' or '&' in quotes";
	if (strstr(problem, "expected ',' or") != NULL)
		return "a comma or a closing bracket is missing";
	return "check indentation, quotes and brackets";
}

static void
report(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem == NULL ? "cannot be read" : p->problem;
	struct diag_place at = place(b, &p->problem_mark);

	if (p->error != YAML_READER_ERROR) {
		diag_error(
		    b->d, at, "not valid YAML: %s; %s", problem, mend_for(b, problem));
		return;
	}
	at = (struct diag_place){b->file, 1, 1};
	for (size_t i = 0; i < p->problem_offset && i < b->yaml.len; i++) {
		at.column++;
		if (b->yaml.p[i] == '\n') {
			at.line++;
			at.column = 1;
		}
	}
	diag_error(b->d, at, "not text: %s; save the file as UTF-8", problem);
}

static bool
run(struct builder *b)
{
	bool done = false, ok = true;
	yaml_event_t e;

	while (ok && !done) {
		if (!yaml_parser_parse(&b->parser, &e)) {
			report(b);
			return false;
		}
		done = e.type == YAML_STREAM_END_EVENT;
		ok = on_event(b, &e);
		yaml_event_delete(&e);
	}
	return ok;
}

static struct node *
checked_root(struct builder *b)
{
	struct diag_place top = {b->file, 1, 1};

	if (b->root == NULL)
		diag_error(
		    b->d, top, "the file is empty; it should begin with 'version: 1'");
	else if (b->root->kind != NODE_map && !b->root->bad)
		diag_error(b->d, b->root->at,
		    "expected keys with values, such as 'version: 1', at the top");
	return b->root != NULL && b->root->kind == NODE_map ? b->root : NULL;
}

struct node *
tree_parse(struct arena *nodes, struct arena *texts, struct str yaml, const char *file,
    struct diag *d)
{
	struct builder b = {
	    .tree = nodes, .texts = texts, .d = d, .yaml = yaml, .file = file};
	struct node *root = NULL;

	if (yaml.len > TREE_BYTES_MAX) {
		diag_error(d, (struct diag_place){file, 1, 1},
		    "larger than 1 MiB; shorten the file");
		return NULL;
	}
	if (!yaml_parser_initialize(&b.parser)) {
		diag_error(d, (struct diag_place){file, 1, 1}, "no memory to read it");
		return NULL;
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &b.parser, (const unsigned char *)yaml.p, yaml.len);
	b.keys = map_new();
	buf_init(&b.key, TREE_BYTES_MAX + sizeof(void *));
	if (run(&b))
		root = checked_root(&b);
	buf_fini(&b.key);
	map_free(b.keys);
	yaml_parser_delete(&b.parser);
	return root;
}

struct node *
node_get(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_map)
		return NULL;
	for (struct node *n = map->first; n != NULL; n = n->next) {
		if (str_is(n->key, key))
			return n;
	}
	return NULL;
}

struct diag_place
node_place(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	if (n != NULL)
		return n->at;
	return map->key_at.file != NULL ? map->key_at : map->at;
}
