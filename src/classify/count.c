/* count.c: what a worker remembers of all verdicts: how many fell where. */
#include "core/counter.h"
#include "stage/classify.h"

_Static_assert(COUNTER_TENTHS == PROFILE_BINS, "traffic is compared bin by bin");

void
verdict_count(struct counters *c, const struct verdict *v)
{
	counter_add(&c->class[v->class], 1);
	counter_add(&c->complexity[profile_bin(v->complexity)], 1);
	counter_add(&c->confidence[profile_bin(v->confidence)], 1);
	counter_add(&c->classifier_words, v->words);
	counter_add(&c->classifier_unknown_words, v->unknown_words);
}
