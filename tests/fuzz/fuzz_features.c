/* libs: base core classify */
/* fuzz_features.c: any bytes as a prompt: the features depend on the bytes alone, not
 * on how they were cut, and the sums not on how they are made. The first byte of the
 * input says how it is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Pieces of sizes that `seed` gives; 0: all at once. */
static void
read_text(struct features *f, const struct lexicon *l, struct str text, uint32_t seed)
{
	struct walk w;

	features_init(f, l);
	walk_begin(&w, f, PART_task, false);
	while (text.len > 0) {
		size_t n = text.len;

		if (seed != 0) {
			seed = seed * 1664525 + 1013904223;
			n = 1 + (seed >> 16) % 7;
			n = n < text.len ? n : text.len;
		}
		walk_feed(&w, str_make(text.p, n));
		text = str_skip(text, n);
	}
	walk_end(&w);
}

/* Some weights or other. */
static struct classifier *
weights(void)
{
	struct classifier *c = calloc(1, sizeof(*c));
	uint32_t seed = 1;

	must(c != NULL);
	for (size_t i = 0; i < sizeof(c->row); i++) {
		seed = seed * 1664525 + 1013904223;
		c->row[i / HEAD_COUNT][i % HEAD_COUNT] = (int8_t)(seed >> 24);
	}
	lexicon_make(&c->lexicon);
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct classifier *c;
	static struct features whole, cut;
	int32_t a[HEAD_COUNT], b[HEAD_COUNT];
	struct str text;

	if (c == NULL)
		c = weights();
	if (len < 1)
		return 0;
	text = str_make((const char *)data + 1, len - 1);
	read_text(&whole, &c->lexicon, text, 0);
	read_text(&cut, &c->lexicon, text, data[0] + 1U);
	must(whole.tokens == cut.tokens && whole.tokens <= TOKENS_MAX);
	must(memcmp(&whole.counts, &cut.counts, sizeof(cut.counts)) == 0);
	must(memcmp(whole.bucket, cut.bucket, whole.tokens * sizeof(cut.bucket[0])) ==
	     0);
	must(memcmp(whole.add, cut.add, whole.tokens) == 0);
	rows_sum(c, &whole, 0, a);
	rows_sum_plain(c, &cut, 0, b);
	must(memcmp(a, b, sizeof(a)) == 0);
	return 0;
}
