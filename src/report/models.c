/* models.c: the list of models in OpenAI's form, with what frugald knows besides. */
#include "models.h"

#include "base/json.h"
#include "core/request.h"

/* OpenAI's form wants a time of creation; clients only want it to be a number. */
#define CREATED 1767225600

static void
put_model(struct json *j, const struct model *m)
{
	json_str(j, "type", STR("model"));
	json_str(
	    j, "owned_by", str_of(m->ats > 0 ? m->at[0].provider->name : "frugald"));
	json_str(j, "is", str_of(m->catalogue->id));
	json_str(j, "tier", str_of(tier_name(m->tier)));
	json_int(j, "context_length", m->context);
	json_int(j, "max_output_tokens", m->max_output);
	json_array_begin(j, "capabilities");
	for (int c = 0; c < CAP_COUNT; c++) {
		if ((m->can >> c & 1U) != 0)
			json_str(j, NULL, str_of(capability_name((enum capability)c)));
	}
	json_array_end(j);
}

static void
put_route(struct json *j, const struct route *r)
{
	json_str(j, "type", STR("route"));
	json_str(j, "owned_by", STR("frugald"));
	json_str(j, "mode", str_of(mode_name(r->mode)));
	json_array_begin(j, "candidates");
	for (unsigned i = 0; i < r->candidates; i++)
		json_str(j, NULL, str_of(r->candidate[i]->name));
	json_array_end(j);
}

static void
put(struct json *j, struct str id, const struct asked *what, bool alias)
{
	json_object_begin(j, NULL);
	json_str(j, "id", id);
	json_str(j, "object", STR("model"));
	json_int(j, "created", CREATED);
	if (what->route != NULL)
		put_route(j, what->route);
	else
		put_model(j, what->model);
	if (alias)
		json_str(j, "alias_of",
		    str_of(
			what->route != NULL ? what->route->name : what->model->name));
	json_object_end(j);
}

static bool
at_permitted(const struct principal *who, const struct model *m)
{
	uint32_t may = auth_terms(who).may_use_providers;

	for (unsigned i = 0; i < m->ats; i++) {
		if ((may >> m->at[i].provider->index & 1) != 0)
			return true;
	}
	return false;
}

static bool
permitted(const struct principal *who, const struct asked *what)
{
	if (what->refused)
		return false;
	if (what->route != NULL)
		return auth_may_use_route(who, what->route->index);
	return what->model != NULL && auth_may_use_model(who, what->model->index) &&
	       at_permitted(who, what->model);
}

static bool
is_pattern(struct str s)
{
	return s.len > 0 && s.p[s.len - 1] == '*';
}

static void
put_aliases(struct json *j, const struct snapshot *s, const struct principal *who)
{
	for (unsigned i = 0; i < s->alias_count; i++) {
		struct asked what = {
		    .route = s->aliases[i].route, .model = s->aliases[i].model};

		if (!is_pattern(s->aliases[i].pattern) && permitted(who, &what))
			put(j, s->aliases[i].pattern, &what, true);
	}
}

void
models_list(const struct snapshot *s, const struct principal *who, struct buf *ret)
{
	struct json j;

	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("list"));
	json_array_begin(&j, "data");
	for (unsigned i = 0; i < s->route_count; i++) {
		struct asked what = {.route = &s->routes[i]};

		if (permitted(who, &what))
			put(&j, str_of(s->routes[i].name), &what, false);
	}
	for (unsigned i = 0; i < s->model_count; i++) {
		struct asked what = {.model = &s->models[i]};

		if (permitted(who, &what))
			put(&j, str_of(s->models[i].name), &what, false);
	}
	put_aliases(&j, s, who);
	json_array_end(&j);
	json_object_end(&j);
}

bool
models_one(const struct snapshot *s, const struct principal *who, struct str name,
    struct buf *ret)
{
	struct asked what = snapshot_resolve(s, name);
	const char *real;
	struct json j;

	if (!permitted(who, &what))
		return false;
	real = what.route != NULL ? what.route->name : what.model->name;
	json_init(&j, ret);
	put(&j, name, &what, !str_is(name, real));
	return true;
}
