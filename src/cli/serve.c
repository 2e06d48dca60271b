/* serve.c: `frugald serve`. */
#include "core/daemon.h"
#include "verb.h"

int
verb_serve(struct cli *c)
{
	struct daemon_options o = {.version = FRUGALD_VERSION};
	struct str unknown;

	if (c->opt[OPT_topics] != NULL &&
	    !trace_parse(str_of(c->opt[OPT_topics]), &o.trace, &unknown))
		return cli_misuse(
		    c, "there is no topic '%.*s'", (int)unknown.len, unknown.p);
	o.config_path = cli_config_path(c);
	if (o.config_path == NULL)
		return CLI_found;
	return daemon_run(&o);
}
