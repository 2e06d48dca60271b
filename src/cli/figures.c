/* figures.c: numbers for people. */
#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define PLACES     12
#define DIGITS_MAX 26

bool
figure_read(struct str decimal, struct pusd_sum *ret)
{
	bool minus = decimal.len > 0 && decimal.p[0] == '-';
	struct str rest = minus ? str_skip(decimal, 1) : decimal, whole;
	wide v = 0;

	(void)str_split(&rest, '.', &whole);
	if (whole.len == 0 || whole.len > DIGITS_MAX || rest.len > PLACES)
		return false;
	for (size_t i = 0; i < whole.len + PLACES; i++) {
		char c = '0';

		if (i < whole.len)
			c = whole.p[i];
		else if (i - whole.len < rest.len)
			c = rest.p[i - whole.len];
		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	ret->v = minus ? -v : v;
	return true;
}

unsigned
figure_places(struct pusd_sum greatest)
{
	wide v = greatest.v < 0 ? -greatest.v : greatest.v;

	if (v >= (wide)100 * PUSD_PER_USD)
		return 2;
	return v >= PUSD_PER_USD ? 4 : 6;
}

/* Commas before every third digit of the whole part. */
static const char *
with_commas(struct arena *mem, const char *text)
{
	size_t lead = text[0] == '-' ? 1 : 0;
	size_t whole = strcspn(text + lead, ".");
	char out[2 * PUSD_TEXT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < lead; i++)
		out[n++] = text[i];
	for (size_t i = 0; i < whole; i++) {
		if (i > 0 && (whole - i) % 3 == 0)
			out[n++] = ',';
		out[n++] = text[lead + i];
	}
	out[n] = '\0';
	return arena_printf(mem, "%s%s", out, text + lead + whole);
}

const char *
figure_money(struct arena *mem, struct pusd_sum v, unsigned places)
{
	char text[PUSD_TEXT_BYTES];

	pusd_sum_round(v, places, text);
	return with_commas(mem, text);
}

const char *
figure_count(struct arena *mem, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, n);
	return with_commas(mem, text);
}

const char *
figure_share(struct arena *mem, double share)
{
	double percent = share * 100;

	if (percent > 0 && percent < 0.1)
		return "< 0.1 %";
	if (percent != 0 && percent < 9.95 && percent > -9.95)
		return arena_printf(mem, "%.1f %%", percent);
	return arena_printf(mem, "%.0f %%", percent);
}

const char *
figure_ms(struct arena *mem, int64_t ms)
{
	if (ms < 1000)
		return arena_printf(mem, "%" PRId64 " ms", ms);
	return arena_printf(mem, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms / 100 % 10);
}

const char *
figure_span(struct arena *mem, int64_t s)
{
	if (s < 120)
		return arena_printf(mem, "%" PRId64 " s", s);
	if (s < 7200)
		return arena_printf(mem, "%" PRId64 " min", s / 60);
	if (s < 172800)
		return arena_printf(
		    mem, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	return arena_printf(
	    mem, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
}
