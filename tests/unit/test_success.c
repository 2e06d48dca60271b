/* libs: base config core parse auth budget call meter route */
/* test_success.c: expected success rises with quality and falls with complexity,
 * whatever the classifier says; and what it says counts as far as it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../src/route/work.h"

#define ROUNDS 20000

static uint64_t
draw(uint64_t *state, uint64_t below)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (z ^ z >> 31) % below;
}

static double
draw_share(uint64_t *state)
{
	return (double)draw(state, 100001) / 100000;
}

static struct verdict
draw_verdict(uint64_t *state)
{
	struct verdict v = {.class = (enum task_class)draw(state, CLASS_COUNT),
	    .complexity = (float)draw_share(state)};

	for (size_t i = 0; draw(state, 4) > 0 && i < CLASS_COUNT; i++)
		v.class_p[i] = (float)draw_share(state) / CLASS_COUNT;
	if (draw(state, 4) == 0)
		return v;
	v.p_small = (float)draw_share(state);
	v.p_frontier = (float)draw_share(state);
	v.traffic = draw(state, 2) == 0 ? 0 : (float)draw_share(state);
	return v;
}

static struct model
draw_model(uint64_t *state)
{
	struct model m = {.discrimination = 0.5 + 9.5 * draw_share(state)};

	for (size_t i = 0; i < CLASS_COUNT; i++)
		m.quality[i] = draw_share(state);
	return m;
}

static double
success(const struct verdict *v, const struct model *m)
{
	struct evidence e;

	evidence_of(v, &e);
	return success_of(&e, m);
}

static void
test_rises_with_quality(void **unused)
{
	uint64_t state = 1;

	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct verdict v = draw_verdict(&state);
		struct model m = draw_model(&state), better = m;
		double p, q;

		for (size_t c = 0; c < CLASS_COUNT; c++)
			better.quality[c] += (1 - m.quality[c]) * draw_share(&state);
		p = success(&v, &m);
		q = success(&v, &better);
		assert_true(p >= 0 && p <= 1);
		assert_true(q >= p - NEARLY);
	}
}

static void
test_falls_with_complexity(void **unused)
{
	uint64_t state = 2;

	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct verdict v = draw_verdict(&state), harder = v;
		struct model m = draw_model(&state);

		harder.complexity += (1 - v.complexity) * (float)draw_share(&state);
		assert_true(success(&harder, &m) <= success(&v, &m) + NEARLY);
	}
}

/* What a row keeps of a verdict gives the same numbers, to the last bit. */
static void
test_kept_in_bytes(void **unused)
{
	uint64_t state = 3;

	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct verdict v = draw_verdict(&state);
		struct verdict kept = {.class = v.class, .complexity = v.complexity};
		struct model m = draw_model(&state);
		struct odds o;

		if (odds_of(&v, &o))
			odds_tell(&o, &kept);
		assert_true(success(&v, &m) == success(&kept, &m));
	}
}

static void
expect(double is, double want, double within)
{
	if (fabs(is - want) > within)
		fail_msg("%.6f, not %.6f", is, want);
}

static struct model
flat(double quality)
{
	struct model m = {.discrimination = 4};

	for (size_t i = 0; i < CLASS_COUNT; i++)
		m.quality[i] = quality;
	return m;
}

static void
test_curve(void **unused)
{
	struct model m = flat(0.85);
	struct verdict v = {.class = CLASS_chat, .complexity = 0.5F};

	(void)unused;
	expect(success(&v, &m), 0.85, 1e-12);
	v.complexity = 0;
	expect(success(&v, &m), 0.97667, 1e-5);
	m.quality[CLASS_maths] = 0.25;
	v.class_p[CLASS_chat] = v.class_p[CLASS_maths] = 0.5F;
	v.complexity = 0.5F;
	expect(success(&v, &m), 0.55, 1e-12);
}

static void
test_evidence(void **unused)
{
	struct verdict v = {
	    .class = CLASS_knowledge, .complexity = 0.5F, .p_frontier = 0.9F};
	/* as good as the small models, or the frontier models, that it was told of */
	struct model small = flat(0.65), frontier = flat(0.82);
	double asked, told;

	(void)unused;
	v.p_frontier = v.p_small = 0;
	asked = success(&v, &small);
	v.p_small = 0.2F;
	v.p_frontier = 0.82F;
	told = success(&v, &small);
	assert_true(asked - told > 0.15);
	/* half the way in log-odds: sqrt(0.65 / 0.35 * 0.2 / 0.8) to 1 */
	expect(told / (1 - told), 0.68139, 1e-3);
	expect(success(&v, &frontier), 0.82, 1e-3);
	v.traffic = 1;
	expect(success(&v, &small), asked, 1e-12);
	v.traffic = 0.5F;
	assert_true(success(&v, &small) > told && success(&v, &small) < asked);
}

/* A frontier model that is told to be the worse one counts as no better. */
static void
test_upside_down(void **unused)
{
	struct verdict v = {.class = CLASS_knowledge,
	    .complexity = 0.5F,
	    .p_small = 0.9F,
	    .p_frontier = 0.1F};
	struct model small = flat(0.65), frontier = flat(0.82);

	(void)unused;
	assert_true(success(&v, &frontier) > success(&v, &small));
	assert_true(success(&v, &small) > 0.65);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rises_with_quality),
	    cmocka_unit_test(test_falls_with_complexity),
	    cmocka_unit_test(test_kept_in_bytes),
	    cmocka_unit_test(test_curve),
	    cmocka_unit_test(test_evidence),
	    cmocka_unit_test(test_upside_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
