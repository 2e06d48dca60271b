/* report_machines.c: local machines as they are now (GET /admin/fleet): a section of
 * `frugald report`, of the running daemon only. */
#include <jansson.h>
#include <string.h>

#include "client.h"
#include "figures.h"
#include "report.h"
#include "table.h"

json_t *
report_machines(struct cli *c)
{
	json_t *root = NULL, *machines = NULL;
	struct buf body;

	if (c->opt[OPT_state] != NULL)
		return NULL;
	buf_init(&body, ANSWER_BYTES);
	if (daemon_try(c, "/admin/fleet", &body))
		root = json_loadb(body.p, body.len, 0, NULL);
	buf_fini(&body);
	machines = json_object_get(root, "machines");
	machines = json_array_size(machines) > 0 ? json_incref(machines) : NULL;
	json_decref(root);
	return machines;
}

void
report_machines_splice(struct buf *body, const json_t *machines)
{
	char *text = json_dumps(machines, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_free_t release;

	json_get_alloc_funcs(NULL, &release);
	while (body->len > 0 && strchr(" \n\t", body->p[body->len - 1]) != NULL)
		body->len--;
	if (text != NULL && body->len > 0) {
		body->len--; /* the object's end */
		buf_printf(body, ",\"machines\":%s}", text);
	}
	release(text);
}

/* ---- for people ---- */

static const json_t *
at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
count(struct cli *c, const json_t *v)
{
	return json_is_integer(v) ? figure_count(c->mem, json_integer_value(v)) : "-";
}

static const char *
share(struct cli *c, const json_t *v)
{
	return json_is_number(v) ? figure_share(c->mem, json_number_value(v)) : "-";
}

static const char *
ms(struct cli *c, const json_t *v)
{
	return json_is_integer(v) ? figure_ms(c->mem, json_integer_value(v)) : "-";
}

/* "3 + 2 waiting" as the machine tells, else our own calls there. */
static const char *
queue(struct cli *c, const json_t *m)
{
	if (!json_is_integer(at(m, "running")))
		return arena_printf(c->mem, "%s ours", count(c, at(m, "inflight")));
	if (json_integer_value(at(m, "waiting")) <= 0)
		return count(c, at(m, "running"));
	return arena_printf(c->mem, "%s + %s waiting", count(c, at(m, "running")),
	    count(c, at(m, "waiting")));
}

/* Names of those in its memory; "-": it does not tell, "none": it told of none. */
static const char *
loaded(struct cli *c, const json_t *m)
{
	const json_t *model;
	const char *names = NULL;
	bool told = false;
	size_t i;

	json_array_foreach(at(m, "models"), i, model)
	{
		const char *name = json_string_value(at(model, "model"));

		told |= json_is_boolean(at(model, "loaded"));
		if (!json_is_true(at(model, "loaded")) || name == NULL)
			continue;
		names =
		    names == NULL ? name : arena_printf(c->mem, "%s, %s", names, name);
	}
	if (names != NULL)
		return text_shown(c->mem, str_of(names), 30);
	return told ? "none" : "-";
}

static const char *
cold(struct cli *c, const json_t *m)
{
	int64_t n = json_integer_value(at(m, "cold_starts"));

	if (n <= 0)
		return count(c, at(m, "cold_starts"));
	return arena_printf(
	    c->mem, "%s, last %s", figure_count(c->mem, n), ms(c, at(m, "cold_ms")));
}

void
report_machines_view(struct cli *c, const json_t *machines, struct buf *out)
{
	static const char *const titles[] = {
	    "queue", "next waits", "in use", "KV cache", "tokens/s", "cold starts"};
	struct table *t = table_new(c->mem);
	const json_t *m;
	size_t i;

	if (json_array_size(machines) == 0)
		return;
	table_column(t, "machine now", false);
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], true);
	table_column(t, "loaded", false);
	json_array_foreach(machines, i, m)
	{
		const char *name = json_string_value(at(m, "provider"));
		const json_t *rate = at(m, "tokens_per_s");

		table_cell(t, "%s", name == NULL ? "" : name);
		table_cell(t, "%s", queue(c, m));
		table_cell(t, "%s", ms(c, at(m, "wait_ms")));
		table_cell(t, "%s", share(c, at(m, "utilisation")));
		table_cell(t, "%s", share(c, at(m, "kv_share")));
		if (json_is_number(rate))
			table_cell(t, "%.0f", json_number_value(rate));
		else
			table_cell(t, "-");
		table_cell(t, "%s", cold(c, m));
		table_cell(t, "%s", loaded(c, m));
	}
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}
