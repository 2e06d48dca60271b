/* libs: base config core parse auth budget call meter route */
/* fuzz_decision.c: any bytes as what a row keeps of a decision: an input that a plan
 * can be made of, and that is packed as it was read; or none. The first byte says where
 * the packed plan begins. */
#include <stdlib.h>
#include <string.h>

#include "core/request.h"
#include "fake_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char policy[] =
    "version: 1\n"
    "providers:\n"
    "  openai: {api: openai, url: 'https://api.openai.com/v1', region: us}\n"
    "  rack: {api: openai, url: 'http://10.0.7.4/v1', region: onprem, local: true}\n"
    "models:\n"
    "  sol: {is: openai/gpt-5.6-sol, at: [openai]}\n"
    "  luna: {is: openai/gpt-5.6-luna, at: [openai]}\n"
    "  qwen: {is: qwen/qwen3-32b, at: [rack]}\n"
    "data: {inside: {regions: [onprem]}}\n"
    "routes:\n"
    "  auto:\n"
    "    candidates: [qwen, luna, sol]\n"
    "    baseline: sol\n"
    "    max_ttft_ms: 900\n"
    "    rules: [{when: {class: [code]}, service_tier: flex}]\n";

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* In every form, before this policy and moved to it. */
static void
tell(const struct route_input *in, const struct plan *p, struct arena *mem)
{
	struct plan_view *view = arena_alloc(mem, sizeof(*view));
	const struct route_input *moved = decision_move(in, in->snap, mem);
	struct plan again;
	struct buf out;
	struct json j;

	plan_view(p, in->verdict, in, mem, view);
	buf_init(&out, 1 << 16);
	plan_text(view, &out);
	buf_clear(&out);
	json_init(&j, &out);
	plan_json(view, NULL, &j);
	buf_fini(&out);
	must(moved != NULL);
	(void)plan_build(moved, &again);
	must(again.count == p->count && again.usable == p->usable);
}

static void
plan_again(const struct decision_row *row, const struct snapshot *s)
{
	struct arena *mem = arena_new(1 << 18);
	struct route_input *in = decision_unpack(row, s, mem);
	uint8_t bytes[DECISION_BYTES];
	struct plan p;

	if (in != NULL) {
		(void)plan_build(in, &p);
		must(decision_pack(in, bytes) > 0);
		tell(in, &p, mem);
	}
	arena_free(mem);
}

/* Read once: that is the slow part. */
static const struct snapshot *
the_policy(void)
{
	static struct snapshot *s;
	struct fake_env *f;
	struct diag *d;

	if (s != NULL)
		return s;
	f = fake_env_new(1);
	d = diag_new();
	s = snapshot_parse(fake_env(f), STR(policy), "policy.yaml", d);
	must(s != NULL);
	diag_free(d);
	fake_env_free(f);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const classes[] = {"code", "chat"};
	struct decision_row row = {.asked = STR("auto"),
	    .key = STR("local"),
	    .tags = STR("app=shop\n"),
	    .complexity = 0.5F,
	    .confidence = 0.9F};
	size_t cut;

	if (len == 0)
		return 0;
	cut = data[0] % len;
	row.class_name = str_of(classes[data[0] & 1]);
	row.decision = str_make((const char *)data + 1, cut);
	row.plan = str_make((const char *)data + 1 + cut, len - 1 - cut);
	plan_again(&row, the_policy());
	return 0;
}
