/* hours.c: does a moment lie in the hours of a rule, by the clocks of its time zone. */
#include "config/zone.h"
#include "work.h"

#define DAY_S 86400

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* A span that passes midnight belongs to the day on which it began. */
bool
rule_hours_hold(const struct rule *r, int64_t wall_s)
{
	int64_t local = wall_s + zone_offset_s(r->clock, wall_s);
	int64_t day = floor_div(local, DAY_S);
	int minute = (int)((local - day * DAY_S) / 60);
	int weekday = (int)((day % 7 + 4 + 7) % 7); /* 1970-01-01 was a Thursday */

	if (!r->has_hours)
		return true;
	if (r->from_minute < r->to_minute)
		return minute >= r->from_minute && minute < r->to_minute &&
		       (r->days >> weekday & 1) != 0;
	if (minute >= r->from_minute)
		return (r->days >> weekday & 1) != 0;
	return minute < r->to_minute && (r->days >> (weekday + 6) % 7 & 1) != 0;
}
