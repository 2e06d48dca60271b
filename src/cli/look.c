/* look.c: JSON that came from outside, looked at. */
#include "look.h"

#include <jansson.h>
#include <string.h>

#include "table.h"

#define SHOWN 300U

const char *
look_error(struct cli *c, struct str body)
{
	json_t *root = json_loadb(body.p, body.len, 0, NULL);
	const char *text = json_string_value(
	    json_object_get(json_object_get(root, "error"), "message"));
	const char *shown =
	    text_shown(c->mem, text == NULL ? str_trim(body) : str_of(text), SHOWN);

	json_decref(root);
	return shown;
}

bool
look_anthropic(struct str body)
{
	static const char *const members[] = {
	    "system", "stop_sequences", "thinking", "anthropic_version"};
	json_t *root = json_loadb(body.p, body.len, 0, NULL);
	const char *model = json_string_value(json_object_get(root, "model"));
	bool found = model != NULL && strncmp(model, "claude-", 7) == 0;

	for (size_t i = 0; i < nitems(members); i++)
		found = found || json_object_get(root, members[i]) != NULL;
	json_decref(root);
	return found;
}

unsigned
look_models(struct str body, struct arena *mem, const char **ret, unsigned max)
{
	json_t *root = json_loadb(body.p, body.len, 0, NULL), *entry;
	unsigned n = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "data"), i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));

		if (id != NULL && n < max)
			ret[n++] = arena_str(mem, str_of(id));
	}
	json_decref(root);
	return n;
}
