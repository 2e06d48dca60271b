/* ledger_verify.c: `frugald ledger verify`: the audit of a ledger, for people and for
 * programs. */
#include <stdio.h>

#include "base/json.h"
#include "core/request.h"
#include "figures.h"
#include "policy.h"
#include "verb.h"

#define OUT_BYTES ((size_t)64 << 20)
/* So many differences are shown to people; programs get all. */
#define SHOWN 50

struct audit {
	struct cli *c;
	struct buf out;
	struct json json;
	bool as_json;
	unsigned shown;
};

static void
on_finding(void *arg, const struct verify_finding *f)
{
	struct audit *a = arg;

	if (a->as_json) {
		json_object_begin(&a->json, NULL);
		json_str(&a->json, "where", str_of(f->where));
		json_str(&a->json, "written", str_of(f->written));
		json_str(&a->json, "computed", str_of(f->computed));
		json_object_end(&a->json);
		return;
	}
	if (a->shown++ < SHOWN)
		printf("%s: %s is written, %s comes out\n", f->where, f->written,
		    f->computed);
}

static void
print_json(struct audit *a, const struct verify_report *r)
{
	static const char *const names[] = {
#define VERIFY_SKIP(name, text) #name,
#include "core/verify.def"
	};
	struct json *j = &a->json;

	json_array_end(j);
	json_int(j, "differences_count", (int64_t)r->differences);
	json_int(j, "requests", (int64_t)r->requests);
	json_int(j, "attempts", (int64_t)r->attempts);
	json_int(j, "unpriced", (int64_t)r->unpriced);
	json_int(j, "rollups", (int64_t)r->rollups);
	json_int(j, "budgets", (int64_t)r->budgets);
	json_int(j, "waiting", (int64_t)r->waiting);
	json_int(j, "files", (int64_t)r->files);
	json_object_begin(j, "not_computed");
	for (unsigned i = 0; i < VERIFY_SKIPS; i++)
		json_int(j, names[i], (int64_t)r->skipped[i]);
	json_object_end(j);
	json_object_end(j);
	puts(a->out.p);
}

static const char *
count_of(struct cli *c, uint64_t n, const char *what)
{
	return arena_printf(c->mem, "%s %s", figure_count(c->mem, (int64_t)n), what);
}

static void
print_text(struct audit *a, const struct verify_report *r)
{
	struct cli *c = a->c;

	if (a->shown > SHOWN)
		printf("%s; --json tells all\n",
		    count_of(c, a->shown - SHOWN, "more differences"));
	printf("%s and %s in %s were reckoned again",
	    count_of(c, r->requests, "requests"), count_of(c, r->attempts, "attempts"),
	    count_of(c, r->files, "files"));
	printf(" with %s and %s: %s\n", count_of(c, r->rollups, "roll-ups"),
	    count_of(c, r->budgets, "budget sums"),
	    r->differences == 0
		? "everything is equal"
		: count_of(c, r->differences, "differences, see above"));
	if (r->unpriced > 0)
		printf("  %s\n",
		    count_of(c, r->unpriced,
			"attempts are unpriced: no price was, and is, known for them"));
	if (r->waiting > 0)
		printf("  %s\n",
		    count_of(c, r->waiting,
			"requests are not in the sums yet: the daemon adds them"));
	for (unsigned i = 0; i < VERIFY_SKIPS; i++) {
		if (r->skipped[i] > 0)
			printf("  not reckoned: %s\n",
			    count_of(c, r->skipped[i],
				verify_skip_text((enum verify_skip)i)));
	}
}

static int
audit_dir(struct cli *c, const char *dir)
{
	struct audit a = {.c = c, .as_json = c->opt[OPT_json] != NULL};
	struct verify_report r;
	char why[256];
	int code = CLI_fine;

	buf_init(&a.out, OUT_BYTES);
	json_init(&a.json, &a.out);
	json_object_begin(&a.json, NULL);
	json_array_begin(&a.json, "differences");
	if (!ledger_verify(c->env, dir, on_finding, &a, &r, why))
		code = cli_fail("%s", why);
	else if (a.as_json)
		print_json(&a, &r);
	else
		print_text(&a, &r);
	buf_fini(&a.out);
	return code == CLI_fine && r.differences > 0 ? CLI_found : code;
}

int
verb_ledger_verify(struct cli *c)
{
	struct snapshot *s;
	int code;

	if (c->opt[OPT_state] != NULL)
		return audit_dir(c, c->opt[OPT_state]);
	s = policy_offline(c);
	if (s == NULL)
		return CLI_found;
	code = audit_dir(c, s->state_dir);
	snapshot_unref(s);
	return code;
}
