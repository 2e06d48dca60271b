/* step.c: the row `parse` of steps.def,
 * and what request headers say about this request. */
#include <assert.h>
#include <stdlib.h>

#include "core/request.h"

#define TAG_BYTES_MAX 128U
/* All of them must fit into the slot, or the ledger would lose some in silence. */
#define TAGS_BYTES_MAX sizeof(((struct slot_request *)NULL)->tags)

/* What a list of tags should look like; in words for the client. */
#define TAGS_WANT                                                                  \
	"name=value,name=value of A-Za-z0-9._:/@+-, each word at most 128 bytes, " \
	"all at most 16 tags and 320 bytes"
static_assert(TAGS_BYTES_MAX == 320, "TAGS_WANT says so");

static bool
tag_known(const struct request *r, struct str name)
{
	for (unsigned i = 0; i < r->tag_count; i++) {
		if (str_eq(r->tags[i].name, name))
			return true;
	}
	return false;
}

/* Letters, digits and "._:/@+-", so that a tag
 * can stand in a log, a metric and a URL. */
static bool
tag_text_ok(struct str s)
{
	if (s.len == 0 || s.len > TAG_BYTES_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9');

		if (!word && (c == '\0' || strchr("._:/@+-", c) == NULL))
			return false;
	}
	return true;
}

static bool
add_tag(struct request *r, struct str name, struct str value)
{
	size_t bytes = name.len + value.len + 2;

	for (unsigned i = 0; i < r->tag_count; i++)
		bytes += r->tags[i].name.len + r->tags[i].value.len + 2;
	if (r->tag_count == nitems(r->tags) || bytes > TAGS_BYTES_MAX)
		return false;
	r->tags[r->tag_count++] = (struct tag){.name = name, .value = value};
	return true;
}

/* Reads "a=1,b=2"; a name that a stronger source has set stays. Only declared names
 * count: whatever a client invents must not grow the ledger. */
static bool
read_tags(struct request *r, struct str list)
{
	struct str part, name;

	while (str_split(&list, ',', &part)) {
		part = str_trim(part);
		if (part.len == 0)
			continue;
		if (!str_split(&part, '=', &name) || !tag_text_ok(name) ||
		    !tag_text_ok(part))
			return false;
		if (snapshot_tag(r->snap, name) == NULL || tag_known(r, name))
			continue;
		if (!add_tag(r, name, part))
			return false;
	}
	return true;
}

static enum next
bad_header(struct request *r, const char *name, const char *want)
{
	return request_fail_text(
	    r, OUT_bad_header, name, "header %s: expected %s", name, want);
}

/* From the key, then the path, then the header: the stronger source wins. */
static enum next
collect_tags(struct request *r)
{
	const struct key_entry *key = r->who.key;

	for (size_t i = 0; key != NULL && key->tags != NULL && key->tags[i] != NULL;
	     i++) {
		if (!read_tags(r, str_of(key->tags[i])))
			break;
	}
	if (!read_tags(r, r->in.path_tags))
		return request_fail_text(
		    r, OUT_bad_request, NULL, "path /t/TAGS/: expected %s", TAGS_WANT);
	if (!read_tags(r, str_of(r->in.header[HDR_x_frugald_tags])))
		return bad_header(r, "x-frugald-tags", TAGS_WANT);
	return NEXT;
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
	return collect_tags(r);
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
