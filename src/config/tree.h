/* tree.h: YAML as a tree that knows where everything stood. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

#define TREE_DEPTH_MAX 32
#define TREE_BYTES_MAX ((size_t)1 << 20)
#define TREE_NODES_MAX 100000U

enum node_kind { NODE_scalar, NODE_list, NODE_map };

struct node {
	enum node_kind kind;
	struct diag_place at;
	struct str text; /* of a scalar; with a NUL behind it and none inside */
	struct str key;  /* within a map; the same */
	struct diag_place key_at;
	struct node *first, *last, *next; /* children, sibling */
	unsigned count;                   /* of children */
	bool bad;                         /* a finding about it was made: be silent */
};

/* The root, always a map. Nodes are from one arena, their texts from another or the
 * same: of a large file the texts are kept and the tree is not. NULL when the text is
 * no such tree at all. Lesser mistakes (duplicate keys, null values, aliases, tags) are
 * in `d` and the tree goes on. `file` must outlive the arenas and `d`. */
struct node *tree_parse(struct arena *nodes, struct arena *texts, struct str yaml,
    const char *file, struct diag *d);

/* The value of a key; NULL when there is none or `map` is NULL or no map. */
struct node *node_get(const struct node *map, const char *key);

/* Where the key stands, else where the map itself begins. */
struct diag_place node_place(const struct node *map, const char *key);

#endif
