/* past.c: reads it; apart, because jansson and base/json.h share names. */
#include "past.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/util.h"

static struct str
text_of(const json_t *root, const char *key, struct arena *mem)
{
	const json_t *v = json_object_get(root, key);
	struct str s =
	    str_make(json_string_value(v) == NULL ? "" : json_string_value(v),
		json_string_length(v));

	return str_make(arena_str(mem, s), s.len);
}

/* A number that is written as text, so that it reads back to the bit. */
static double
exact_of(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text == NULL ? 0 : strtod(text, NULL);
}

static unsigned
digit(char c)
{
	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0') & 15U;
}

static struct str
bytes_of(const json_t *root, const char *key, struct arena *mem)
{
	struct str hex = text_of(root, key, mem);
	char *bytes = arena_alloc(mem, hex.len / 2 + 1);

	for (size_t i = 0; i + 1 < hex.len; i += 2)
		bytes[i / 2] = (char)(digit(hex.p[i]) << 4 | digit(hex.p[i + 1]));
	return str_make(bytes, hex.len / 2);
}

static void
read_cells(const json_t *list, struct arena *mem, struct past *ret)
{
	const json_t *entry;
	size_t i;

	ret->cell = arena_alloc(mem, (json_array_size(list) + 1) * sizeof(*ret->cell));
	json_array_foreach(list, i, entry)
	{
		ret->cell[ret->cells++] =
		    (struct past_cell){.cell = text_of(entry, "cell", mem),
			.value = exact_of(entry, "value"),
			.samples = exact_of(entry, "samples")};
	}
}

bool
past_read(struct str json, struct arena *mem, struct past *ret)
{
	json_t *root = json_loadb(json.p, json.len, 0, NULL);

	*ret = (struct past){.asked = text_of(root, "asked", mem),
	    .class_name = text_of(root, "class", mem),
	    .key = text_of(root, "key", mem),
	    .team = text_of(root, "team", mem),
	    .tags = text_of(root, "tags", mem),
	    .decision = bytes_of(root, "decision", mem),
	    .plan = bytes_of(root, "plan", mem),
	    .policy = text_of(root, "policy", mem),
	    .catalogue = text_of(root, "catalogue", mem),
	    .prices = text_of(root, "prices", mem),
	    .contracts = text_of(root, "contracts", mem),
	    .complexity = exact_of(root, "complexity"),
	    .confidence = exact_of(root, "confidence"),
	    .start_ms = json_integer_value(json_object_get(root, "start_ms")),
	    .session = json_integer_value(json_object_get(root, "session"))};
	read_cells(json_object_get(root, "outlook"), mem, ret);
	json_decref(root);
	return ret->policy.len > 0;
}
