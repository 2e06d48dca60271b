/* docs.c: docs/config.md from the rows. */
#include <ctype.h>
#include <stdio.h>

#include "config/schema.h"
#include "core/sets.h"
#include "draft.h"
#include "value.h"

static const char head[] =
    "# frugald.yaml\n\n"
    "Made from the schema by `frugald check --docs`; a test compares the two.\n\n"
    "`frugald check FILE` reports all mistakes at once, each with its place and its "
    "mend. "
    "`check --print` prints the\n"
    "policy with every default spelt out, `check --diff running` says what a reload "
    "(SIGHUP) "
    "would change. A reload is\n"
    "whole or not at all. Keys marked *restart* are taken at the next start.\n\n"
    "| value | is written |\n| --- | --- |\n"
    "| duration | `300ms`, `5s`, `2m`, `1h` |\n"
    "| size | `4096`, `64KiB`, `16MiB`, `1GiB` |\n"
    "| percentage | `95%`, `12.5%` |\n"
    "| USD | `2.00`, up to 12 places |\n"
    "| truth | `true`, `false` |\n"
    "| secret | `env:NAME` or `file:PATH`; never the secret itself |\n"
    "| name | up to 39 letters, digits and `._-/` |\n\n"
    "The file is YAML without anchors, aliases, tags, null values and duplicate keys, "
    "at most "
    "1 MiB and 32 levels deep.\n"
    "Paths are relative to the folder in which frugald is started.\n";

static const char tail_rules[] =
    "\n## rules of a route\n\n"
    "The first rule whose `when` holds wins; it can only narrow the candidates.\n\n"
    "| key | meaning |\n| --- | --- |\n"
    "| `when.class` | a task class, or a list of them |\n"
    "| `when.complexity_above`, `when.complexity_below` | the classifier's score, from "
    "0 to 1 |\n"
    "| `when.tag.NAME` | a declared tag has this value; `any`: it is there |\n"
    "| `when.hours` | `\"Mon-Fri 08-18 Europe/Berlin\"`; hours may wrap: `\"Mon-Sun "
    "22-06 UTC\"` |\n"
    "| `when.team` | the key belongs to it |\n"
    "| `use` | only these models |\n"
    "| `avoid` | not these models |\n"
    "| `service_tier` | asked of the provider, such as `flex` |\n";

static const char tail_keys[] =
    "\n## keys_file\n\n"
    "Written by `frugald keys`, mode 0600. `version: 1` "
    "and `keys`, a list of: `name`, `sha256` "
    "(of the key, in hex), `hint`,\n"
    "`team`, `created`, `expires`, `revoked`, `paused`, "
    "`may_use`, `data`, `tags`, and of the terms of a "
    "team `require_tags`, `max_usd_per_request`,\n"
    "`max_output`, `rpm`, `tpm`, `max_inflight`, `runaway`, "
    "`service_tiers`, `frontier_at_most`: of team and "
    "key the stricter holds. Two entries have one name while a key is\n"
    "being rotated.\n";

static const char *
value_text(const struct row *row)
{
	switch (row->kind) {
	case KIND_bool:
		return "truth";
	case KIND_int:
		return "whole number";
	case KIND_ms:
		return "duration";
	case KIND_bytes:
		return "size";
	case KIND_number:
		return "number";
	case KIND_percent:
		return "percentage";
	case KIND_usd:
		return "USD";
	case KIND_time:
		return "day";
	case KIND_secret:
		return "secret";
	default:
		return "text";
	}
}

static void
put_bound(const struct row *row, double v, struct buf *ret)
{
	if (row->kind == KIND_ms)
		value_put_ms(ret, (int64_t)v);
	else if (row->kind == KIND_bytes)
		value_put_bytes(ret, (int64_t)v);
	else if (row->kind == KIND_percent)
		value_put_percent(ret, v);
	else
		value_put_number(ret, v);
}

static void
put_value(const struct row *row, struct buf *ret)
{
	if (row->words != NULL) {
		for (size_t i = 0; row->words[i] != NULL; i++)
			buf_printf(ret, "%s`%s`", i == 0 ? "" : ", ", row->words[i]);
		return;
	}
	if (row->shape != NULL && row->kind != KIND_usd) {
		buf_printf(ret, "`%s`", row->shape);
		return;
	}
	buf_add(ret, value_text(row));
	if (row->max == 0)
		return;
	buf_add(ret, ", ");
	put_bound(row, row->min, ret);
	buf_add(ret, " to ");
	put_bound(row, row->max, ret);
}

static void
put_row(const struct row *row, struct buf *ret)
{
	buf_printf(ret, "| `%s` | ", row->name);
	put_value(row, ret);
	buf_add(ret, " | ");
	if ((row->flags & ROW_required) != 0)
		buf_add(ret, "**required**");
	else if (row->def != NULL)
		buf_printf(ret, "`%s`", row->def);
	buf_printf(ret, " | %s%s |\n", row->help,
	    (row->flags & ROW_restart) != 0 ? " (*restart*)" : "");
}

static void
put_later(const struct row *rows, struct buf *ret)
{
	bool any = false;

	for (const struct row *row = rows; row->name != NULL; row++) {
		if (row->kind != KIND_later)
			continue;
		buf_printf(ret, "%s`%s`",
		    any ? ", " : "\nRefused, as not in this release: ", row->name);
		any = true;
	}
	if (any)
		buf_add(ret, ".\n");
}

static void
put_section(const char *path, const char *help, const struct row *rows, struct buf *ret)
{
	bool any = false;

	buf_printf(ret, "\n## %s\n\n", path[0] == '\0' ? "at the top" : path);
	if (help[0] != '\0')
		buf_printf(ret, "%c%s.\n\n", toupper((unsigned char)help[0]), help + 1);
	for (const struct row *row = rows; row->name != NULL; row++) {
		if (row->kind == KIND_group || row->kind == KIND_table ||
		    row->kind == KIND_later)
			continue;
		if (!any)
			buf_add(ret, "| key | value | default | meaning |\n| --- | --- "
				     "| --- | --- |\n");
		any = true;
		put_row(row, ret);
	}
	put_later(rows, ret);
	for (const struct row *row = rows; row->name != NULL; row++) {
		char below[128];

		snprintf(below, sizeof(below), "%s%s%s%s", path,
		    path[0] == '\0' ? "" : ".", row->name,
		    row->kind == KIND_table ? ".NAME" : "");
		if (row->kind == KIND_group)
			put_section(below, row->help, row->rows, ret);
		else if (row->kind == KIND_table)
			put_section(below, row->help, row->table->rows, ret);
	}
}

static void
put_sets(struct buf *ret)
{
	buf_add(ret,
	    "\n## task classes\n\n| class | what belongs to it |\n| --- | --- |\n");
	for (size_t i = 0; i < CLASS_COUNT; i++)
		buf_printf(ret, "| `%s` | %s |\n", class_name((enum task_class)i),
		    class_help((enum task_class)i));
	buf_add(
	    ret, "\n## capabilities\n\n| capability | what it is |\n| --- | --- |\n");
#define CAPABILITY(name, help) buf_add(ret, "| `" #name "` | " help " |\n");
#include "core/capability.def"
}

void
schema_markdown(struct buf *ret)
{
	buf_add(ret, head);
	put_section("", "", schema_rows, ret);
	buf_add(ret, tail_rules);
	put_sets(ret);
	buf_add(ret, tail_keys);
}
