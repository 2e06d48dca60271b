/* sketch.c: of each of 256 parts of all hashes the longest run of leading zeros. */
#include "base/sketch.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* In the packed form: pairs of register and rank, or all ranks. */
#define PAIRS    'p'
#define ALL      'a'
#define RANK_MAX 57 /* of 56 bits, from 1 on */

void
sketch_add(struct sketch *s, uint64_t hash)
{
	uint64_t rest = hash << 8 | 1U << 7; /* so that it ends */
	uint8_t *rank = &s->rank[hash >> 56];
	uint8_t is = (uint8_t)(__builtin_clzll(rest) + 1);

	if (*rank < is)
		*rank = is;
}

void
sketch_merge(struct sketch *into, const struct sketch *from)
{
	for (size_t i = 0; i < SKETCH_REGISTERS; i++) {
		if (into->rank[i] < from->rank[i])
			into->rank[i] = from->rank[i];
	}
}

int64_t
sketch_count(const struct sketch *s)
{
	const double m = SKETCH_REGISTERS;
	double sum = 0, empty = 0, n;

	for (size_t i = 0; i < SKETCH_REGISTERS; i++) {
		sum += ldexp(1, -s->rank[i]);
		empty += s->rank[i] == 0;
	}
	n = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	/* Of few things the empty registers tell more. */
	if (n <= 2.5 * m && empty > 0)
		n = m * log(m / empty);
	return llround(n);
}

void
sketch_pack(const struct sketch *s, struct buf *ret)
{
	char packed[1 + SKETCH_REGISTERS];
	size_t used = 0, n = 0;

	for (size_t i = 0; i < SKETCH_REGISTERS; i++)
		used += s->rank[i] != 0;
	if (used == 0)
		return;
	if (2 * used >= SKETCH_REGISTERS) {
		packed[n++] = ALL;
		memcpy(packed + n, s->rank, SKETCH_REGISTERS);
		n += SKETCH_REGISTERS;
	} else {
		packed[n++] = PAIRS;
		for (size_t i = 0; i < SKETCH_REGISTERS; i++) {
			if (s->rank[i] == 0)
				continue;
			packed[n++] = (char)i;
			packed[n++] = (char)s->rank[i];
		}
	}
	if (!buf_append(ret, packed, n))
		xabort("our own sketch is over its buffer's ceiling");
}

static bool
unpack(struct str packed, struct sketch *ret)
{
	const uint8_t *p = (const uint8_t *)packed.p + 1;
	size_t n = packed.len - 1;

	if (packed.p[0] == ALL && n == SKETCH_REGISTERS) {
		memcpy(ret->rank, p, n);
	} else if (packed.p[0] == PAIRS && n % 2 == 0) {
		for (size_t i = 0; i < n; i += 2)
			ret->rank[p[i]] = p[i + 1];
	} else {
		return false;
	}
	for (size_t i = 0; i < SKETCH_REGISTERS; i++) {
		if (ret->rank[i] > RANK_MAX)
			return false;
	}
	return true;
}

bool
sketch_merge_packed(struct sketch *into, struct str packed)
{
	struct sketch from = {{0}};

	if (packed.len == 0)
		return true;
	if (!unpack(packed, &from))
		return false;
	sketch_merge(into, &from);
	return true;
}
