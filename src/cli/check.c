/* check.c: `frugald check`. */
#include <stdio.h>

#include "base/buf.h"
#include "config/schema.h"
#include "config/snapshot.h"
#include "verb.h"

#define TEXT_BYTES ((size_t)16 << 20)

static int
print_docs(void)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	schema_markdown(&text);
	fwrite(text.p, 1, text.len, stdout);
	buf_fini(&text);
	return CLI_fine;
}

int
verb_check(struct cli *c)
{
	struct diag *d = diag_new();
	struct snapshot *s;
	const char *path;
	int code = CLI_found;

	if (c->opt[OPT_docs] != NULL)
		return print_docs();
	path = c->args > 0 ? c->arg[0] : cli_config_path(c);
	if (path == NULL)
		goto out;
	s = snapshot_load(c->env, path, d);
	cli_print_findings(d);
	if (s == NULL)
		goto out;
	code = CLI_fine;
	if (c->opt[OPT_print] != NULL)
		fputs(s->canonical, stdout);
	else
		printf("%s: fine, policy %s\n", path, s->short_hash);
	snapshot_unref(s);
out:
	diag_free(d);
	return code;
}
