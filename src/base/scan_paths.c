/* scan_paths.c: compile paths such as "messages[].content" into a tree of nodes. */
#include "scan_paths.h"

#include <assert.h>

#include "base/mem.h"

/* Nodes that one path can add at most: every '.' and every '[' begins one. */
static size_t
steps(const char *path)
{
	size_t n = 1;

	for (; *path != '\0'; path++)
		n += *path == '.' || *path == '[';
	return n;
}

static int16_t
add(struct scan_paths *p, int16_t parent, const char *key, size_t len)
{
	struct scan_node *n = &p->node[p->count];

	assert(len <= SCAN_KEY_MAX);
	*n = (struct scan_node){
	    .key = key,
	    .key_len = (uint8_t)len,
	    .level = p->node[parent].level,
	    .once_bit = SCAN_NONE,
	    .next = SCAN_NONE,
	    .child = SCAN_NONE,
	    .element = SCAN_NONE,
	};
	return p->count++;
}

static int16_t
element_of(struct scan_paths *p, int16_t array)
{
	if (p->node[array].element == SCAN_NONE) {
		int16_t i = add(p, array, NULL, 0);

		assert(p->node[i].level < SCAN_LEVELS);
		p->node[i].level++;
		p->node[array].element = i;
	}
	return p->node[array].element;
}

static int16_t
member_of(struct scan_paths *p, int16_t object, const char *key, size_t len)
{
	int16_t i = scan_paths_member(p, object, key, len);
	int16_t *link = &p->node[object].child;

	if (i != SCAN_NONE)
		return i;
	while (*link != SCAN_NONE)
		link = &p->node[*link].next;
	*link = add(p, object, key, len);
	return *link;
}

/* Walks the path from the root, making what is missing; gives its last node. */
static int16_t
grow(struct scan_paths *p, const char *path)
{
	int16_t at = 0;

	while (*path != '\0') {
		size_t len = strcspn(path, ".[");

		if (len > 0)
			at = member_of(p, at, path, len);
		path += len;
		if (strncmp(path, "[]", 2) == 0) {
			at = element_of(p, at);
			path += 2;
		}
		if (*path == '.')
			path++;
	}
	return at;
}

/* Numbers the members of each object that may stand only once. */
static void
number_once(struct scan_paths *p)
{
	for (int16_t object = 0; object < p->count; object++) {
		int8_t bit = 0;

		for (int16_t i = p->node[object].child; i != SCAN_NONE;
		     i = p->node[i].next) {
			if (p->node[i].once_bit == SCAN_NONE)
				continue;
			assert((unsigned)bit < SCAN_ONCE_MAX);
			p->node[i].once_bit = bit++;
		}
	}
}

struct scan_paths *
scan_paths_new(const struct scan_path *paths, size_t count)
{
	size_t most = 1;
	struct scan_paths *p;

	for (size_t i = 0; i < count; i++)
		most += steps(paths[i].path);
	assert(most < INT16_MAX);
	p = xcalloc(1, sizeof(*p) + most * sizeof(p->node[0]));
	add(p, 0, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		struct scan_node *n = &p->node[grow(p, paths[i].path)];

		assert(!n->wanted); /* one id for one path */
		n->wanted = true;
		n->id = paths[i].id;
		if (paths[i].once)
			n->once_bit = 0;
	}
	number_once(p);
	return p;
}

void
scan_paths_free(struct scan_paths *p)
{
	xfree(p);
}
