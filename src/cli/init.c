#include "verb.h"
int
verb_init(struct cli *c)
{
	(void)c;
	return CLI_found;
}
