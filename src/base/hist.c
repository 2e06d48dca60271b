/* hist.c: log-linear buckets, their quantiles, and their packed form. */
#include "base/hist.h"

#include <math.h>

#include "base/mem.h"

#define STEP_BITS    3U
#define STEPS        ((size_t)1 << STEP_BITS)
#define VERSION      1
#define VARINT_BYTES 10U

static size_t
bucket_of(int64_t value)
{
	uint64_t v = value < 0 ? 0 : (uint64_t)value;
	unsigned shift;
	size_t i;

	if (v < STEPS)
		return (size_t)v;
	shift = 63U - (unsigned)__builtin_clzll(v) - STEP_BITS;
	/* v >> shift is 8 .. 15: the leading one also moves on to the next group. */
	i = shift * STEPS + (size_t)(v >> shift);
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

static int64_t
middle_of(size_t bucket)
{
	unsigned shift;
	int64_t low;

	if (bucket < STEPS)
		return (int64_t)bucket;
	shift = (unsigned)(bucket / STEPS) - 1;
	low = (int64_t)(STEPS + bucket % STEPS) << shift;
	return low + ((INT64_C(1) << shift) - 1) / 2;
}

void
hist_add(struct hist *h, int64_t value)
{
	h->count[bucket_of(value)]++;
	h->n++;
}

void
hist_merge(struct hist *into, const struct hist *from)
{
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->count[i] += from->count[i];
	into->n += from->n;
}

int64_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t seen = 0;
	double rank = ceil(q * (double)h->n);
	size_t last = 0;

	if (h->n == 0)
		return -1;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		if (h->count[i] == 0)
			continue;
		seen += h->count[i];
		last = i;
		if ((double)seen >= rank)
			break;
	}
	return middle_of(last);
}

double
hist_cv(const struct hist *h)
{
	double sum = 0, squares = 0, n = (double)h->n, mean, var;

	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		double v = (double)middle_of(i), c = (double)h->count[i];

		sum += c * v;
		squares += c * v * v;
	}
	if (sum <= 0)
		return -1;
	mean = sum / n;
	var = squares / n - mean * mean;
	return var > 0 ? sqrt(var) / mean : 0;
}

static size_t
put_varint(char *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (char)(v | 0x80);
	p[n++] = (char)v;
	return n;
}

static bool
take_varint(struct str *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->len && i < VARINT_BYTES; i++) {
		uint64_t bits = (unsigned char)s->p[i] & 0x7F;

		/* The tenth byte has room for one bit only. */
		if (i == VARINT_BYTES - 1 && bits > 1)
			return false;
		v |= bits << 7 * i;
		if (((unsigned char)s->p[i] & 0x80) == 0) {
			*s = str_skip(*s, i + 1);
			*ret = v;
			return true;
		}
	}
	return false;
}

/* The version, then for every bucket that is not empty: how many empty ones stand
 * before it, and its count. */
void
hist_pack(const struct hist *h, struct buf *ret)
{
	char packed[1 + HIST_BUCKETS * 2 * VARINT_BYTES];
	size_t len = 0, gap = 0;

	packed[len++] = VERSION;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		if (h->count[i] == 0) {
			gap++;
			continue;
		}
		len += put_varint(packed + len, gap);
		len += put_varint(packed + len, h->count[i]);
		gap = 0;
	}
	if (!buf_append(ret, packed, len))
		xabort("our own histogram is over its buffer's ceiling");
}

/* A bucket after the other; `*next` is the first that may come. False: damaged. */
static bool
take_bucket(struct str *packed, uint64_t *next, uint64_t *n, uint64_t *ret_count)
{
	uint64_t gap;

	if (!take_varint(packed, &gap) || !take_varint(packed, ret_count))
		return false;
	if (gap >= HIST_BUCKETS - *next || *ret_count == 0 ||
	    __builtin_add_overflow(*n, *ret_count, n))
		return false;
	*next += gap + 1;
	return true;
}

static bool
is_packed(struct str *packed)
{
	if (packed->len == 0 || packed->p[0] != VERSION)
		return false;
	*packed = str_skip(*packed, 1);
	return true;
}

bool
hist_unpack(struct str packed, struct hist *ret)
{
	struct hist h = {0};
	uint64_t next = 0, count;

	if (!is_packed(&packed))
		return false;
	while (packed.len > 0) {
		if (!take_bucket(&packed, &next, &h.n, &count))
			return false;
		h.count[next - 1] = count;
	}
	*ret = h;
	return true;
}

bool
hist_merge_packed(struct hist *into, struct str packed)
{
	uint64_t next = 0, n = into->n, count;
	struct str rest;

	if (!is_packed(&packed))
		return false;
	for (rest = packed; rest.len > 0;) {
		if (!take_bucket(&rest, &next, &n, &count))
			return false;
	}
	next = 0;
	while (packed.len > 0 && take_bucket(&packed, &next, &into->n, &count))
		into->count[next - 1] += count;
	return true;
}
