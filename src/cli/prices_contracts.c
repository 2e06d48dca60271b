/* prices_contracts.c: `frugald prices contracts`: commitments and credits, and how much
 * of them is spent. */
#include <jansson.h>
#include <stdio.h>

#include "base/money.h"
#include "client.h"
#include "table.h"

#define OUT_BYTES ((size_t)1 << 20)

static const char *
text(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? otherwise : s;
}

/* "431.250000000000" as "431.25". */
static const char *
usd(struct cli *c, const json_t *o, const char *key)
{
	char shown[PUSD_TEXT_BYTES];
	struct str rest = str_of(text(o, key, "0")), whole;
	struct pusd part = {0};
	uint64_t dollars = 0;

	(void)str_split(&rest, '.', &whole);
	if (!str_to_u64(whole, &dollars) ||
	    (rest.len > 0 && !pusd_parse(str_of(arena_printf(
					     c->mem, "0.%.*s", (int)rest.len, rest.p)),
				 &part)))
		return "?";
	pusd_sum_round(
	    (struct pusd_sum){(wide)dollars * PUSD_PER_USD + part.v}, 2, shown);
	return arena_str(c->mem, str_of(shown));
}

static void
put_pool(struct cli *c, struct table *t, const json_t *o, const char *kind)
{
	const json_t *pool = json_object_get(o, kind);

	if (pool == NULL)
		return;
	table_cell(t, "%s", text(o, "provider", ""));
	table_cell(t, "%s", kind);
	table_cell(t, "%s", text(pool, "from", ""));
	table_cell(t, "%s", text(pool, "to", ""));
	table_cell(t, "%s", usd(c, pool, "usd"));
	table_cell(t, "%s", usd(c, pool, "used_usd"));
	table_cell(
	    t, "%.1f %%", json_number_value(json_object_get(pool, "used")) * 100);
	table_cell(t, "%s", usd(c, pool, "left_usd"));
}

static int
show(struct cli *c, struct str body)
{
	json_t *root = json_loadb(body.p, body.len, 0, NULL), *list, *o;
	struct table *t = table_new(c->mem);
	struct buf out;
	size_t i;

	table_column(t, "provider", false);
	table_column(t, "what", false);
	table_column(t, "from", false);
	table_column(t, "to", false);
	table_column(t, "USD", true);
	table_column(t, "used", true);
	table_column(t, "share", true);
	table_column(t, "left", true);
	list = json_object_get(root, "contracts");
	json_array_foreach(list, i, o)
	{
		put_pool(c, t, o, "commitment");
		put_pool(c, t, o, "credits");
	}
	buf_init(&out, OUT_BYTES);
	if (json_array_size(list) > 0)
		table_print(t, terminal_width(), &out);
	else
		buf_add(
		    &out, "no provider of the policy has a commitment or credits\n");
	fputs(out.p, stdout);
	buf_fini(&out);
	json_decref(root);
	return CLI_fine;
}

int
verb_prices_contracts(struct cli *c)
{
	int code = CLI_found;
	struct buf body;

	buf_init(&body, ANSWER_BYTES);
	if (ledger_ask(c, "/v1/contracts", &body)) {
		code = CLI_fine;
		if (c->opt[OPT_json] != NULL)
			puts(body.p);
		else
			code = show(c, buf_str(&body));
	}
	buf_fini(&body);
	return code;
}
