/* zone.c: reads a TZif file (RFC 8536): known changes of the clock, and the rule by
 * which they go on. */
#include "config/zone.h"

#include <stdbool.h>

#define HEADER_BYTES 44U
#define DAY_S        86400
/* Files have a few hundred changes, and what is longer is none. */
#define CHANGES_MAX 4096U

/* Mm.w.d/time of POSIX TZ: the w-th (5: last) day d of month m. */
struct change_rule {
	int month, week, weekday;
	int32_t time_s; /* local, since midnight */
};

struct change {
	int64_t at_s;
	int32_t offset_s;
};

struct zone {
	unsigned count;
	const struct change *changes; /* by time */
	int32_t first_offset_s;       /* before the first */
	/* after the last */
	bool has_rule, has_summer;
	int32_t standard_s, summer_s;
	struct change_rule begin, end; /* of summer time */
};

/* ---- the calendar ---- */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a proleptic Gregorian date (Hinnant, "chrono-compatible
 * low-level date algorithms"). */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       719468;
}

static int64_t
year_of(int64_t s)
{
	int64_t days = floor_div(s, DAY_S) + 719468; /* since 0000-03-01 */
	int64_t era = floor_div(days, 146097), of_era = days - era * 146097;
	int64_t year_of_era =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year =
	    of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);

	/* Years that begin in March: January and February belong to the next. */
	return era * 400 + year_of_era + (of_year >= 306);
}

/* The local second, as if it were UTC, of a rule in a year. */
static int64_t
rule_at(const struct change_rule *r, int64_t year)
{
	int64_t first = days_of(year, r->month, 1);
	int64_t next =
	    r->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, r->month + 1, 1);
	int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01: Thursday */
	int64_t day = first + (r->weekday - weekday + 7) % 7 + (r->week - 1) * 7;

	while (day >= next)
		day -= 7;
	return day * DAY_S + r->time_s;
}

/* ---- the rule in the last line ---- */

static bool
take(struct str *s, char c)
{
	if (s->len == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool
read_number(struct str *s, int most, int *ret)
{
	int v = 0;
	size_t n = 0;

	for (; n < s->len && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		v = v * 10 + (s->p[n] - '0');
	if (n == 0 || v > most)
		return false;
	*s = str_skip(*s, n);
	*ret = v;
	return true;
}

/* [+-]hh[:mm[:ss]]; RFC 8536 lets hours go to 167. */
static bool
read_time(struct str *s, int32_t *ret)
{
	int part[3] = {0};
	bool minus = take(s, '-');

	if (!minus)
		(void)take(s, '+');
	for (int i = 0; i < 3; i++) {
		if (!read_number(s, i == 0 ? 167 : 59, &part[i]))
			return false;
		if (!take(s, ':'))
			break;
	}
	*ret = part[0] * 3600 + part[1] * 60 + part[2];
	if (minus)
		*ret = -*ret;
	return true;
}

static bool
skip_name(struct str *s)
{
	size_t n = 0;

	if (take(s, '<')) {
		while (n < s->len && s->p[n] != '>')
			n++;
		*s = str_skip(*s, n);
		return take(s, '>');
	}
	while (n < s->len && ((s->p[n] >= 'A' && s->p[n] <= 'Z') ||
				 (s->p[n] >= 'a' && s->p[n] <= 'z')))
		n++;
	*s = str_skip(*s, n);
	return n >= 3;
}

static bool
read_change(struct str *s, struct change_rule *ret)
{
	if (!take(s, ',') || !take(s, 'M') || !read_number(s, 12, &ret->month) ||
	    ret->month == 0 || !take(s, '.') || !read_number(s, 5, &ret->week) ||
	    ret->week == 0 || !take(s, '.') || !read_number(s, 6, &ret->weekday))
		return false;
	ret->time_s = 2 * 3600;
	return !take(s, '/') || read_time(s, &ret->time_s);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3"; its offsets count westward. */
static bool
read_rule(struct str s, struct zone *z)
{
	if (!skip_name(&s) || !read_time(&s, &z->standard_s))
		return false;
	z->standard_s = -z->standard_s;
	z->has_rule = true;
	if (s.len == 0)
		return true;
	z->has_summer = true;
	z->summer_s = z->standard_s + 3600;
	if (!skip_name(&s))
		return false;
	if (s.len > 0 && s.p[0] != ',') {
		if (!read_time(&s, &z->summer_s))
			return false;
		z->summer_s = -z->summer_s;
	}
	return read_change(&s, &z->begin) && read_change(&s, &z->end) && s.len == 0;
}

/* ---- the file ---- */

struct header {
	char version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint64_t
big_endian(const char *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static bool
read_header(struct str *s, struct header *ret)
{
	uint32_t *const counts[] = {
	    &ret->isut, &ret->isstd, &ret->leap, &ret->time, &ret->type, &ret->chars};

	if (s->len < HEADER_BYTES || !str_starts(*s, STR("TZif")))
		return false;
	ret->version = s->p[4];
	for (size_t i = 0; i < 6; i++) {
		*counts[i] = (uint32_t)big_endian(s->p + 20 + 4 * i, 4);
		if (*counts[i] > CHANGES_MAX)
			return false;
	}
	*s = str_skip(*s, HEADER_BYTES);
	return ret->type > 0;
}

static size_t
block_bytes(const struct header *h, size_t time_bytes)
{
	return h->time * time_bytes + h->time + h->type * 6 + h->chars +
	       h->leap * (time_bytes + 4) + h->isstd + h->isut;
}

static bool
read_changes(struct str s, const struct header *h, struct arena *mem, struct zone *z)
{
	const char *types = s.p + h->time * 8, *infos = types + h->time;
	struct change *c = arena_alloc(mem, (h->time + 1) * sizeof(*c));

	z->first_offset_s = (int32_t)big_endian(infos, 4);
	for (unsigned i = 0; i < h->time; i++) {
		unsigned type = (unsigned char)types[i];

		if (type >= h->type)
			return false;
		c[i].at_s = (int64_t)big_endian(s.p + (size_t)i * 8, 8);
		c[i].offset_s = (int32_t)big_endian(infos + type * 6, 4);
		if (i > 0 && c[i].at_s <= c[i - 1].at_s)
			return false;
	}
	z->changes = c;
	z->count = h->time;
	return true;
}

const struct zone *
zone_parse(struct str tzif, struct arena *mem)
{
	struct zone *z = arena_alloc(mem, sizeof(*z));
	struct str s = tzif, line;
	struct header h;

	/* The first block is for readers of 32 bits; version 1 has no other. */
	if (!read_header(&s, &h) || h.version < '2' || s.len < block_bytes(&h, 4))
		return NULL;
	s = str_skip(s, block_bytes(&h, 4));
	if (!read_header(&s, &h) || s.len < block_bytes(&h, 8) ||
	    !read_changes(s, &h, mem, z))
		return NULL;
	s = str_skip(s, block_bytes(&h, 8));
	if (!take(&s, '\n') || !str_split(&s, '\n', &line) || s.p == NULL)
		return NULL;
	/* Without a rule that we can read the last offset stays. */
	if (line.len > 0 && !read_rule(line, z))
		z->has_rule = false;
	return z;
}

static int32_t
offset_by_rule(const struct zone *z, int64_t utc_s)
{
	int64_t year = year_of(utc_s + z->standard_s);
	int64_t begin, end;
	bool summer;

	if (!z->has_summer)
		return z->standard_s;
	begin = rule_at(&z->begin, year) - z->standard_s;
	end = rule_at(&z->end, year) - z->summer_s;
	/* South of the equator summer time spans New Year. */
	if (begin < end)
		summer = utc_s >= begin && utc_s < end;
	else
		summer = utc_s >= begin || utc_s < end;
	return summer ? z->summer_s : z->standard_s;
}

int32_t
zone_offset_s(const struct zone *z, int64_t utc_s)
{
	unsigned low = 0, high;

	if (z == NULL)
		return 0;
	high = z->count;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (z->changes[mid].at_s <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->count && z->has_rule)
		return offset_by_rule(z, utc_s);
	return low == 0 ? z->first_offset_s : z->changes[low - 1].offset_s;
}
