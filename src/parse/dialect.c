/* dialect.c: the dialects that there are. */
#include "core/dialect.h"
#include "base/util.h"

const struct dialect *
dialect_find(struct str name)
{
	static const struct dialect *const all[] = {
	    &dialect_openai, &dialect_azure, &dialect_anthropic};

	for (size_t i = 0; i < nitems(all); i++) {
		if (str_is(name, all[i]->name))
			return all[i];
	}
	return NULL;
}

bool
dialect_same(const struct dialect *a, const struct dialect *b)
{
	return a->request_paths == b->request_paths;
}
