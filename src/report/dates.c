/* dates.c: the civil calendar without a time zone, after Howard Hinnant's
 * "chrono-compatible low-level date algorithms". */
#include "dates.h"

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
};

static struct civil
civil_of(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c = {.year = yoe + era * 400};

	c.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	c.year += c.month <= 2;
	return c;
}

static int64_t
days_of(struct civil c)
{
	int64_t y = c.year - (c.month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t mp = c.month > 2 ? (int64_t)c.month - 3 : (int64_t)c.month + 9;
	int64_t doy = (153 * mp + 2) / 5 + c.day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

/* `digits` digits and what stands behind them; gives the place for what follows. Times
 * are written for every request: printf(3) takes ten times as long. */
static char *
put(char *p, unsigned v, unsigned digits, char behind)
{
	for (unsigned i = digits; i > 0; i--, v /= 10)
		p[i - 1] = (char)('0' + v % 10);
	p[digits] = behind;
	return p + digits + 1;
}

static void
format(int64_t wall_ms, bool millis, char ret[static DATE_TEXT_BYTES])
{
	int64_t days = wall_ms / DAY_MS - (wall_ms % DAY_MS < 0);
	int64_t ms = wall_ms - days * DAY_MS;
	struct civil c = civil_of(days);
	char *p = put(ret, (unsigned)(c.year % 10000), 4, '-');

	p = put(p, c.month, 2, '-');
	p = put(p, c.day, 2, 'T');
	p = put(p, (unsigned)(ms / HOUR_MS), 2, ':');
	p = put(p, (unsigned)(ms / 60000 % 60), 2, ':');
	p = put(p, (unsigned)(ms / 1000 % 60), 2, millis ? '.' : 'Z');
	if (millis)
		p = put(p, (unsigned)(ms % 1000), 3, 'Z');
	*p = '\0';
}

void
date_format_ms(int64_t wall_ms, char ret[static DATE_TEXT_BYTES])
{
	format(wall_ms, true, ret);
}

void
date_format_s(int64_t wall_ms, char ret[static DATE_TEXT_BYTES])
{
	format(wall_ms, false, ret);
}

/* `digits` digits off the front, behind `mark` (0: none). */
static bool
take(struct str *s, char mark, size_t digits, uint64_t *ret)
{
	size_t skip = mark != '\0';

	if (s->len < digits + skip || (skip > 0 && s->p[0] != mark))
		return false;
	if (!str_to_u64(str_make(s->p + skip, digits), ret))
		return false;
	*s = str_skip(*s, digits + skip);
	return true;
}

static bool
take_day(struct str *s, int64_t *ret_ms)
{
	uint64_t y, m, d;
	struct civil c, back;

	if (!take(s, '\0', 4, &y) || !take(s, '-', 2, &m) || !take(s, '-', 2, &d))
		return false;
	c = (struct civil){(int64_t)y, (unsigned)m, (unsigned)d};
	if (y < 1970 || m < 1 || m > 12)
		return false;
	back = civil_of(days_of(c));
	if (back.day != c.day || back.month != c.month)
		return false;
	*ret_ms = days_of(c) * DAY_MS;
	return true;
}

static bool
take_clock(struct str *s, int64_t *ret_ms)
{
	uint64_t h, m, sec = 0, ms = 0;

	if (!take(s, 'T', 2, &h) || !take(s, ':', 2, &m))
		return false;
	if (s->len > 0 && s->p[0] == ':' && !take(s, ':', 2, &sec))
		return false;
	if (s->len > 0 && s->p[0] == '.' && !take(s, '.', 3, &ms))
		return false;
	if (h > 23 || m > 59 || sec > 59)
		return false;
	*ret_ms = (int64_t)(((h * 60 + m) * 60 + sec) * 1000 + ms);
	return true;
}

bool
date_parse(struct str s, int64_t *ret_ms)
{
	int64_t day, clock = 0;

	if (!take_day(&s, &day))
		return false;
	if (s.len > 0 && s.p[0] == 'T' && !take_clock(&s, &clock))
		return false;
	if (s.len == 1 && s.p[0] == 'Z')
		s = str_skip(s, 1);
	if (s.len > 0)
		return false;
	*ret_ms = day + clock;
	return true;
}

bool
date_parse_span(struct str s, int64_t *ret_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'m', 60000}, {'h', HOUR_MS}, {'d', DAY_MS}, {'w', 7 * DAY_MS}};
	uint64_t n;

	if (s.len < 2 || !str_to_u64(str_make(s.p, s.len - 1), &n) || n == 0 ||
	    n > 1000000)
		return false;
	for (size_t i = 0; i < nitems(units); i++) {
		if (s.p[s.len - 1] != units[i].unit)
			continue;
		*ret_ms = (int64_t)n * units[i].ms;
		return true;
	}
	return false;
}

int
date_month(int64_t wall_ms)
{
	struct civil c = civil_of(wall_ms / DAY_MS - (wall_ms % DAY_MS < 0));

	return (int)(c.year * 12 + c.month - 1);
}

int64_t
date_month_start_ms(int month)
{
	struct civil c = {month / 12, (unsigned)(month % 12) + 1, 1};

	return days_of(c) * DAY_MS;
}
