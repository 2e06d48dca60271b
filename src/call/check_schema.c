/* check_schema.c: the part of JSON Schema by which models are asked for a form.
 * https://json-schema.org/draft/2020-12/json-schema-validation */
#include "check_schema.h"

#include <math.h>
#include <string.h>

#include "base/util.h"

#define DEPTH_MAX 32U
/* Of values looked at and compared: an answer and a schema that are made for it could
 * keep a worker for minutes. */
#define STEPS_MAX 100000U

struct checker {
	unsigned depth, steps;
};

static bool obeys(struct checker *c, json_t *value, json_t *schema);

/* False: enough. */
static bool
step(struct checker *c)
{
	return c->steps++ < STEPS_MAX;
}

/* ---- type ---- */

static bool
is_whole(const json_t *value)
{
	double v = json_number_value(value);

	return json_is_number(value) && floor(v) >= v;
}

/* True for a word that is none of JSON Schema's, too. */
static bool
is_of_type(const json_t *value, const char *type)
{
	const struct {
		const char *name;
		bool is;
	} types[] = {
	    {"object", json_is_object(value)},
	    {"array", json_is_array(value)},
	    {"string", json_is_string(value)},
	    {"number", json_is_number(value)},
	    {"integer", is_whole(value)},
	    {"boolean", json_is_boolean(value)},
	    {"null", json_is_null(value)},
	};

	for (size_t i = 0; i < nitems(types); i++) {
		if (strcmp(type, types[i].name) == 0)
			return types[i].is;
	}
	return true;
}

/* A word, or a list of them. */
static bool
fits_type(const json_t *value, json_t *type)
{
	size_t i;
	json_t *one;

	if (json_is_string(type))
		return is_of_type(value, json_string_value(type));
	json_array_foreach(type, i, one)
	{
		if (!json_is_string(one) || is_of_type(value, json_string_value(one)))
			return true;
	}
	return json_array_size(type) == 0;
}

/* ---- enum, const ---- */

static bool
is_listed(struct checker *c, json_t *value, json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		if (!step(c) || json_equal(value, one))
			return true;
	}
	return !json_is_array(list);
}

/* ---- objects ---- */

static bool
has_required(struct checker *c, json_t *value, json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach(names, i, name)
	{
		if (!step(c))
			return true;
		if (json_is_string(name) &&
		    json_object_get(value, json_string_value(name)) == NULL)
			return false;
	}
	return true;
}

/* What the schema says of a member; NULL: nothing. */
static json_t *
schema_of(json_t *schema, const char *name)
{
	json_t *found = json_object_get(json_object_get(schema, "properties"), name);

	if (found != NULL || json_object_get(schema, "patternProperties") != NULL)
		return found;
	return json_object_get(schema, "additionalProperties");
}

static bool
fits_members(struct checker *c, json_t *value, json_t *schema)
{
	const char *name;
	json_t *member;

	json_object_foreach(value, name, member)
	{
		if (!obeys(c, member, schema_of(schema, name)))
			return false;
	}
	return true;
}

/* ---- arrays ---- */

/* Lists of schemas, one for each element, are not looked at. */
static bool
fits_items(struct checker *c, json_t *value, json_t *schema)
{
	json_t *items = json_object_get(schema, "items"), *one;
	size_t i;

	if (json_is_array(items) || json_object_get(schema, "prefixItems") != NULL)
		return true;
	json_array_foreach(value, i, one)
	{
		if (!obeys(c, one, items))
			return false;
	}
	return true;
}

/* ---- the whole ---- */

static bool
fits(struct checker *c, json_t *value, json_t *schema)
{
	json_t *is = json_object_get(schema, "const");

	if (json_is_null(value) && json_is_true(json_object_get(schema, "nullable")))
		return true;
	if (is != NULL && !json_equal(value, is))
		return false;
	if (!fits_type(value, json_object_get(schema, "type")) ||
	    !is_listed(c, value, json_object_get(schema, "enum")))
		return false;
	if (json_is_object(value))
		return has_required(c, value, json_object_get(schema, "required")) &&
		       fits_members(c, value, schema);
	return !json_is_array(value) || fits_items(c, value, schema);
}

static bool
obeys(struct checker *c, json_t *value, json_t *schema)
{
	bool ok = true;

	if (json_is_false(schema))
		return false;
	/* What stands elsewhere may say anything, beside what stands here. */
	if (!json_is_object(schema) || json_object_get(schema, "$ref") != NULL ||
	    !step(c))
		return true;
	if (c->depth == DEPTH_MAX)
		return true;
	c->depth++;
	ok = fits(c, value, schema);
	c->depth--;
	return ok;
}

bool
check_schema(json_t *value, json_t *schema)
{
	struct checker c = {0};

	return obeys(&c, value, schema);
}
