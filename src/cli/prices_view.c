/* prices_view.c: opens the books of the policy, or those that are built in. */
#include "prices.h"

#include "embed.h"
#include "policy.h"
#include "when.h"

static bool
has_policy(struct cli *c)
{
	return c->opt[OPT_config] != NULL ||
	       c->env->file_size(c->env, "./frugald.yaml") >= 0 ||
	       c->env->file_size(c->env, "/etc/frugald/frugald.yaml") >= 0;
}

bool
price_view_open(struct price_view *v, struct cli *c)
{
	struct str prices = str_make(embed_prices_yaml, embed_prices_yaml_len);
	struct diag *d;

	*v = (struct price_view){0};
	if (has_policy(c)) {
		v->snap = policy_offline(c);
		if (v->snap == NULL)
			return false;
		prices = price_book_text(v->snap->prices);
	}
	d = diag_new();
	if (v->snap == NULL)
		v->own_catalogue =
		    catalogue_parse(str_make(embed_models_yaml, embed_models_yaml_len),
			"(built-in models)", d);
	v->book = price_book_parse(prices, "(prices)", d);
	v->catalogue = v->snap != NULL ? v->snap->catalogue : v->own_catalogue;
	cli_print_findings(d);
	diag_free(d);
	return v->catalogue != NULL && v->book != NULL;
}

void
price_view_close(struct price_view *v)
{
	catalogue_free(v->own_catalogue);
	price_book_free(v->book);
	snapshot_unref(v->snap);
}

int64_t
price_book_day(const struct price_book *b)
{
	int64_t at_s;

	return when_time(str_make(price_book_version(b), 10), &at_s) ? at_s / 86400 : 0;
}
