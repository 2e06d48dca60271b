/* row_print.c: what was read, back as YAML in its one canonical form: every key that
 * has a value, defaults too, in the order of the rows. */
#include "row.h"

#include <string.h>

#include "base/money.h"
#include "value.h"

#define GROUP_BYTES_MAX ((size_t)8 << 20)

void
node_print(const struct node *n, struct buf *ret)
{
	if (n->kind == NODE_scalar) {
		value_put_text(ret, n->text);
		return;
	}
	buf_add(ret, n->kind == NODE_list ? "[" : "{");
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		if (n->kind == NODE_map) {
			value_put_text(ret, c->key);
			buf_add(ret, ": ");
		}
		node_print(c, ret);
		if (c->next != NULL)
			buf_add(ret, ", ");
	}
	buf_add(ret, n->kind == NODE_list ? "]" : "}");
}

static int64_t
load_int(const struct row *row, const void *base)
{
	const char *from = (const char *)base + row->offset;
	int32_t narrow;
	bool truth;
	int64_t v;

	if (row->size == sizeof(v)) {
		memcpy(&v, from, sizeof(v));
		return v;
	}
	if (row->size == sizeof(narrow)) {
		memcpy(&narrow, from, sizeof(narrow));
		return narrow;
	}
	memcpy(&truth, from, sizeof(truth));
	return truth;
}

static void
print_int(const struct row *row, int64_t v, struct buf *ret)
{
	switch (row->kind) {
	case KIND_ms:
		value_put_ms(ret, v);
		break;
	case KIND_bytes:
		value_put_bytes(ret, v);
		break;
	case KIND_time:
		value_put_time(ret, v);
		break;
	case KIND_bool:
		buf_add(ret, v != 0 ? "true" : "false");
		break;
	case KIND_word:
		buf_add(ret, row->words[v]);
		break;
	default:
		buf_printf(ret, "%lld", (long long)v);
		break;
	}
}

/* False: there is no value. */
static bool
print_scalar(const struct row *row, const void *base, struct buf *ret)
{
	const char *from = (const char *)base + row->offset;
	const struct node *n;
	const char *text;
	struct pusd usd;
	int64_t i;
	double v;

	switch (row->kind) {
	case KIND_text:
		memcpy(&text, from, sizeof(text));
		if (text != NULL)
			value_put_text(ret, str_of(text));
		return text != NULL;
	case KIND_number:
	case KIND_percent:
		memcpy(&v, from, sizeof(v));
		if (v >= 0 && row->kind == KIND_number)
			value_put_number(ret, v);
		else if (v >= 0)
			value_put_percent(ret, v);
		return v >= 0;
	case KIND_usd:
		memcpy(&usd, from, sizeof(usd));
		if (usd.v > 0)
			value_put_usd(ret, usd);
		return usd.v > 0;
	case KIND_secret:
	case KIND_names:
	case KIND_map:
	case KIND_any:
		memcpy(&n, from, sizeof(n));
		if (n != NULL)
			node_print(n, ret);
		return n != NULL;
	default:
		i = load_int(row, base);
		if (i >= 0)
			print_int(row, i, ret);
		return i >= 0;
	}
}

static void
begin(struct buf *ret, unsigned indent, struct str name)
{
	buf_printf(ret, "%*s", (int)(2 * indent), "");
	value_put_text(ret, name);
	buf_add(ret, ":");
}

static void
print_table(const struct row *row, const void *base, unsigned indent, struct buf *ret)
{
	struct table t;

	memcpy(&t, (const char *)base + row->offset, sizeof(t));
	if (t.count == 0)
		return;
	begin(ret, indent, str_of(row->name));
	buf_add(ret, "\n");
	for (unsigned i = 0; i < t.count; i++) {
		const struct draft *draft = table_at(&t, row->table, i);
		size_t before;

		begin(ret, indent + 1, str_of(draft->name));
		before = ret->len;
		buf_add(ret, "\n");
		row_print(row->table->rows, draft, indent + 2, ret);
		if (ret->len > before + 1)
			continue;
		ret->len = before;
		buf_add(ret, " {}\n");
	}
}

static void
print_group(const struct row *row, const void *base, unsigned indent, struct buf *ret)
{
	struct buf inner;

	buf_init(&inner, GROUP_BYTES_MAX);
	row_print(row->rows, base, indent + 1, &inner);
	if (inner.len > 0) {
		begin(ret, indent, str_of(row->name));
		buf_printf(ret, "\n%s", inner.p);
	}
	buf_fini(&inner);
}

void
row_print(const struct row *rows, const void *base, unsigned indent, struct buf *ret)
{
	struct buf value;

	buf_init(&value, GROUP_BYTES_MAX);
	for (const struct row *row = rows; row->name != NULL; row++) {
		if (row->kind == KIND_later)
			continue;
		if (row->kind == KIND_table) {
			print_table(row, base, indent, ret);
			continue;
		}
		if (row->kind == KIND_group) {
			print_group(row, base, indent, ret);
			continue;
		}
		buf_clear(&value);
		if (!print_scalar(row, base, &value))
			continue;
		begin(ret, indent, str_of(row->name));
		buf_printf(ret, " %s\n", value.p);
	}
	buf_fini(&value);
}
