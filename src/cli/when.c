/* when.c: spans and days, as people type and read them. */
#include "when.h"

#include <string.h>
#include <time.h>

#define DAY_S  86400
#define SPAN_S ((uint64_t)3660 * DAY_S)

bool
when_span(struct str s, int64_t *ret_s)
{
	static const struct {
		char letter;
		unsigned s;
	} unit[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}};
	uint64_t n;

	if (s.len < 2 || !str_to_u64(str_make(s.p, s.len - 1), &n))
		return false;
	for (size_t i = 0; i < nitems(unit); i++) {
		if (s.p[s.len - 1] != unit[i].letter)
			continue;
		if (n == 0 || n > SPAN_S / unit[i].s)
			return false;
		*ret_s = (int64_t)(n * unit[i].s);
		return true;
	}
	return false;
}

/* Digits where `shape` has 'd', else the same; and a date that the calendar has. */
static bool
read_utc(struct str s, const char *shape, int64_t *ret_s)
{
	int part[6] = {0}; /* year, month, day, hour, minute, second */
	struct tm t = {0}, same;
	unsigned at = 0;

	if (s.len != strlen(shape))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';

		if (shape[i] == 'd' ? !digit : s.p[i] != shape[i])
			return false;
		if (shape[i] == 'd')
			part[at] = part[at] * 10 + (s.p[i] - '0');
		else if (at < nitems(part) - 1)
			at++;
	}
	if (at == 1) /* a month alone */
		part[2] = 1;
	t.tm_year = part[0] - 1900;
	t.tm_mon = part[1] - 1;
	t.tm_mday = part[2];
	t.tm_hour = part[3];
	t.tm_min = part[4];
	t.tm_sec = part[5];
	same = t;
	*ret_s = timegm(&t);
	/* The 31st of February has become a day of March. */
	return t.tm_mon == same.tm_mon && t.tm_mday == same.tm_mday &&
	       t.tm_hour == same.tm_hour && t.tm_min == same.tm_min &&
	       t.tm_sec == same.tm_sec;
}

bool
when_time(struct str s, int64_t *ret_s)
{
	int64_t at;

	if (!read_utc(s, "dddd-dd-dd", &at) &&
	    !read_utc(s, "dddd-dd-ddTdd:dd:ddZ", &at))
		return false;
	*ret_s = at;
	return true;
}

bool
when_month(struct str s, int64_t *ret_from_s, int64_t *ret_to_s)
{
	int64_t from;

	if (!read_utc(s, "dddd-dd", &from))
		return false;
	*ret_from_s = from;
	*ret_to_s = when_month_start(from + 31 * (int64_t)DAY_S);
	return true;
}

static struct tm
civil(int64_t utc_s)
{
	time_t at = (time_t)utc_s;
	struct tm t = {0};

	gmtime_r(&at, &t);
	return t;
}

void
when_put_day(int64_t utc_s, char ret[static WHEN_TEXT])
{
	struct tm t = civil(utc_s);

	strftime(ret, WHEN_TEXT, "%Y-%m-%d", &t);
}

void
when_put_time(int64_t utc_s, char ret[static WHEN_TEXT])
{
	struct tm t = civil(utc_s);

	strftime(ret, WHEN_TEXT, "%Y-%m-%dT%H:%M:%SZ", &t);
}

int64_t
when_month_start(int64_t utc_s)
{
	struct tm t = civil(utc_s);

	t.tm_mday = 1;
	t.tm_hour = t.tm_min = t.tm_sec = 0;
	return timegm(&t);
}
