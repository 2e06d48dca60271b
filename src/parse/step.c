/* step.c: the row `parse` of steps.def,
 * and what request headers say about this request. */
#include <stdlib.h>

#include "core/request.h"

static enum next
bad_header(struct request *r, const char *name, const char *want)
{
	return request_fail_text(
	    r, OUT_bad_header, name, "header %s: expected %s", name, want);
}

/* A number from 0 to `most` with a dot at most; false on anything else. */
static bool
read_number(const char *text, double most, double *ret)
{
	char *end;
	double v;

	if (strspn(text, "0123456789.") != strlen(text) || text[0] == '\0')
		return false;
	v = strtod(text, &end);
	if (*end != '\0' || v > most)
		return false;
	*ret = v;
	return true;
}

/* A day: who has more time does not need a gateway to hurry. */
#define DEADLINE_MOST_S 86400.0

static bool
read_deadline(const char *text, int64_t *ret_ms)
{
	double s;

	if (!read_number(text, DEADLINE_MOST_S, &s) || s < 0.001)
		return false;
	*ret_ms = (int64_t)(s * 1000);
	return true;
}

static enum next
read_headers(struct request *r)
{
	const char *deadline = r->in.header[HDR_x_frugald_deadline];
	const char *data = r->in.header[HDR_x_frugald_data];
	const char *quality = r->in.header[HDR_x_frugald_min_quality];
	const char *cost = r->in.header[HDR_x_frugald_max_cost_usd];
	const char *explain = r->in.header[HDR_x_frugald_explain];

	if (data != NULL) {
		r->data = snapshot_data_class(r->snap, str_of(data));
		if (r->data == NULL)
			return bad_header(
			    r, "x-frugald-data", "a data class of the policy");
	}
	if (quality != NULL && !read_number(quality, 1, &r->min_quality))
		return bad_header(r, "x-frugald-min-quality", "a number from 0 to 1");
	if (cost != NULL && !read_number(cost, 1e6, &r->max_cost_usd))
		return bad_header(r, "x-frugald-max-cost-usd", "dollars, such as 0.05");
	if (deadline != NULL && !read_deadline(deadline, &r->deadline_ms))
		return bad_header(r, "x-frugald-deadline",
		    "seconds from 0.001 to 86400, such as 2.5");
	r->explain = explain != NULL && str_is(str_of(explain), "1");
	if (explain != NULL && !r->explain)
		return bad_header(r, "x-frugald-explain", "1, or no such header");
	return parse_tags(r);
}

enum next
parse_step(struct request *r)
{
	struct body_fault fault = {0};
	enum outcome o = reader_finish(
	    r->reader, buf_str(&r->in.body), &r->task, &r->prompt, &fault);

	if (o != OUT_served)
		return request_fail_text(r, o, fault.param, "%s", fault.text);
	return read_headers(r);
}
