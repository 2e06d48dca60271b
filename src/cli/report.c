#include "verb.h"
int
verb_report(struct cli *c)
{
	(void)c;
	return CLI_found;
}
