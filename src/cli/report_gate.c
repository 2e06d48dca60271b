/* report_gate.c: `frugald report --tag … --fail-over USD`: a step of a pipeline. */
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "report.h"

#define TARGET_BYTES ((size_t)8 << 10)

/* NULL: misuse, said. */
static const char *
target_of(struct cli *c)
{
	static const enum option others[] = {OPT_by, OPT_team, OPT_model, OPT_route,
	    OPT_key, OPT_csv, OPT_month, OPT_from, OPT_to};
	const char *target = NULL;
	struct buf b;

	for (size_t i = 0; i < nitems(others); i++) {
		if (c->opt[others[i]] == NULL)
			continue;
		cli_misuse(c, "--fail-over looks at what --tag names; leave out --%s",
		    option_row(others[i])->name);
		return NULL;
	}
	if (c->opt[OPT_tag] == NULL) {
		cli_misuse(c, "--fail-over: of what? add --tag run=184");
		return NULL;
	}
	buf_init(&b, TARGET_BYTES);
	buf_add(&b, "/v1/costs/gate");
	if (report_put_tags(c, &b)) {
		report_put_parameter(&b, "max_usd", c->opt[OPT_fail_over]);
		if (c->opt[OPT_since] != NULL)
			report_put_parameter(&b, "since", c->opt[OPT_since]);
		target = arena_str(c->mem, buf_str(&b));
	}
	buf_fini(&b);
	return target;
}

static void
put_lines(const json_t *root)
{
	const char *message = json_string_value(json_object_get(root, "message"));
	json_int_t running = json_integer_value(json_object_get(root, "in_flight"));
	const char *exposure = json_string_value(json_object_get(root, "exposure_usd"));

	puts(message == NULL ? "" : message);
	if (running > 0)
		printf("%" JSON_INTEGER_FORMAT
		       " requests are still under way: their cost is not in it\n",
		    running);
	if (json_integer_value(json_object_get(root, "estimated_attempts")) > 0)
		printf("estimated in part: at most $%s more\n",
		    exposure == NULL ? "?" : exposure);
	if (json_integer_value(json_object_get(root, "unpriced_attempts")) > 0)
		puts("some attempts have no price: they count for the most that they "
		     "can have cost");
}

int
report_gate(struct cli *c)
{
	const char *target = target_of(c);
	int code = CLI_found;
	json_t *root = NULL;
	struct buf body;
	long status;

	if (target == NULL)
		return CLI_usage;
	buf_init(&body, ANSWER_BYTES);
	status = ledger_status_of(c, target, &body);
	if (status == 200 || status == 412)
		root = json_loadb(body.p, body.len, 0, NULL);
	if (root == NULL) {
		if (status == 200 || status == 412)
			cli_fail("the answer is not valid JSON; is it a frugald that "
				 "answers?");
		goto out;
	}
	if (c->opt[OPT_json] != NULL)
		puts(body.p);
	else
		put_lines(root);
	code = status == 200 ? CLI_fine : CLI_found;
out:
	json_decref(root);
	buf_fini(&body);
	return code;
}
