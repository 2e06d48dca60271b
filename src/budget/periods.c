/* periods.c: when a budget's period begins and ends, by the clock of its zone. */
#include "core/request.h"

#include "config/zone.h"

#define HOUR_S   3600
#define DAY_S    86400
#define MS_PER_S 1000

/* Local times are seconds as if the zone's clock were UTC's: labels, of which a change
 * of the clock leaves some out and shows some twice. A period begins at the first
 * moment at which its label is reached, so that none begins twice. */

static int64_t
floor_to(int64_t a, int64_t unit)
{
	int64_t rest = a % unit;

	return a - rest - (rest < 0 ? unit : 0);
}

/* Days since 1970-01-01 of the first of a month; Hinnant, "chrono-compatible low-level
 * date algorithms". `month` from 1; 13 is January of the next year. */
static int64_t
month_day(int64_t year, int64_t month)
{
	int64_t y = month > 12 ? year + 1 : year, m = month > 12 ? month - 12 : month;
	int64_t era, of_era, of_year;

	y -= m <= 2;
	era = floor_to(y, 400) / 400;
	of_era = y - era * 400;
	of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       719468;
}

static void
month_of(int64_t days, int64_t *ret_year, int64_t *ret_month)
{
	int64_t d = days + 719468, era = floor_to(d, 146097) / 146097;
	int64_t of_era = d - era * 146097;
	int64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*ret_month = m < 10 ? m + 3 : m - 9;
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

/* The label that a local time is in, or the one behind it. */
static int64_t
label_s(enum budget_per per, int64_t local_s, int next)
{
	int64_t year, month;

	switch (per) {
	case PER_hour:
		return floor_to(local_s, HOUR_S) + next * HOUR_S;
	case PER_day:
		return floor_to(local_s, DAY_S) + next * DAY_S;
	case PER_week: /* 1970-01-01 was a Thursday */
		return floor_to(local_s + 3 * DAY_S, 7 * DAY_S) - 3 * DAY_S +
		       next * 7 * DAY_S;
	case PER_month:
		month_of(floor_to(local_s, DAY_S) / DAY_S, &year, &month);
		return month_day(year, month + next) * DAY_S;
	case PER_all:
		break;
	}
	return 0;
}

/* First moment at which the zone's clock shows `label` or later. The clock changes at
 * most once within a day of it. */
static int64_t
reached_s(const struct zone *z, int64_t label)
{
	int64_t low = label - DAY_S, high = label + DAY_S;
	int64_t before = zone_offset_s(z, low), after = zone_offset_s(z, high);

	if (zone_offset_s(z, label - before) == before &&
	    zone_offset_s(z, label - before - 1) == before)
		return label - before;
	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if (zone_offset_s(z, mid) == before)
			low = mid;
		else
			high = mid;
	}
	if (label - before < high)
		return label - before;
	return label - after > high ? label - after : high;
}

/* The label in force at a moment: the last that was reached. */
static int64_t
label_at(const struct budget *rule, int64_t at_s)
{
	int64_t label = label_s(rule->per, at_s + zone_offset_s(rule->clock, at_s), 0);
	int64_t next = label_s(rule->per, label, 1);

	/* A clock that was put back shows a label again that is over. */
	while (reached_s(rule->clock, next) <= at_s) {
		label = next;
		next = label_s(rule->per, label, 1);
	}
	return label;
}

int64_t
budget_period_ms(const struct budget *rule, int64_t at_ms)
{
	if (rule->per == PER_all)
		return 0;
	return reached_s(
		   rule->clock, label_at(rule, floor_to(at_ms, MS_PER_S) / MS_PER_S)) *
	       MS_PER_S;
}

int64_t
budget_resets_ms(const struct budget *rule, int64_t at_ms)
{
	int64_t label;

	if (rule->per == PER_all)
		return -1;
	label = label_at(rule, floor_to(at_ms, MS_PER_S) / MS_PER_S);
	return reached_s(rule->clock, label_s(rule->per, label, 1)) * MS_PER_S;
}
