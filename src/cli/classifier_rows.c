/* classifier_rows.c: from a line of JSON to a prompt and what is known of it. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "classifier.h"

#define ROW_ARENA_BYTES ((size_t)128 << 20)

static const struct {
	const char *has;
	enum tier tier;
	int weight;
} models[] = {
#define MODEL(has, tier, weight) {has, tier, weight},
#define DOMAIN(has, class)
#include "classifier_sets.def"
#undef DOMAIN
};

static const struct {
	const char *has;
	int class;
} domains[] = {
#define MODEL(has, tier, weight)
#define DOMAIN(has, class) {has, class},
#include "classifier_sets.def"
#undef MODEL
};

void
rows_init(struct rows *r, struct cli *c)
{
	*r = (struct rows){.c = c, .parse = parse_shared_new()};
	buf_init(&r->body, ROW_LINE_BYTES);
}

void
rows_fini(struct rows *r)
{
	parse_shared_free(r->parse);
	arena_free(r->mem);
	buf_fini(&r->body);
}

void
row_done(struct row_read *row)
{
	json_decref(row->json);
	row->json = NULL;
}

/* ---- labels ---- */

static size_t
model_number(const char *name)
{
	char small[128];
	size_t i = 0;

	str_copy(small, sizeof(small), str_of(name));
	for (char *p = small; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	while (i < nitems(models) && strstr(small, models[i].has) == NULL)
		i++;
	return i;
}

/* The mean over a tier's models says more than one answer of one of them. */
static void
pool_scores(const json_t *scores, struct lesson *l)
{
	double sum[TIER_COUNT + 1] = {0}, n[TIER_COUNT + 1] = {0};
	const char *name;
	json_t *score;

	json_object_foreach((json_t *)scores, name, score)
	{
		size_t i = model_number(name);

		if (i == nitems(models))
			continue;
		sum[models[i].tier] += models[i].weight * json_number_value(score);
		n[models[i].tier] += models[i].weight;
	}
	if (n[TIER_small] > 0)
		l->small = (float)(sum[TIER_small] / n[TIER_small]);
	if (n[TIER_frontier] > 0)
		l->frontier = (float)(sum[TIER_frontier] / n[TIER_frontier]);
}

static int
class_of_domain(const char *source, const char *domain)
{
	char text[256];

	snprintf(text, sizeof(text), "%s/%s", source, domain);
	for (size_t i = 0; i < nitems(domains); i++) {
		if (strstr(text, domains[i].has) != NULL)
			return domains[i].class;
	}
	return -1;
}

static int
level_of(const char *tier)
{
	static const char *const names[] = {"local", "small", "frontier"};

	for (int i = 0; tier != NULL && i < 3; i++) {
		if (strcmp(tier, names[i]) == 0)
			return i;
	}
	return -1;
}

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text == NULL ? "" : text;
}

static void
read_labels(struct row_read *row)
{
	const char *class = text_of(row->json, "class");
	enum task_class named;

	row->lesson = (struct lesson){-1, -1, -1, -1, 0};
	if (json_object_get(row->json, "scores") != NULL)
		pool_scores(json_object_get(row->json, "scores"), &row->lesson);
	row->lesson.class = class_of_domain(row->source, row->domain);
	if (class_parse(str_of(class), &named))
		row->lesson.class = (int)named;
	row->lesson.tier = level_of(text_of(row->json, "tier"));
}

/* ---- the prompt ---- */

static int
append(const char *text, size_t len, void *arg)
{
	return buf_append(arg, text, len) ? 0 : -1;
}

/* The request goes through the daemon's own reader; a model is none of its labels. */
static bool
read_request(struct rows *r, json_t *request, struct row_read *row)
{
	struct body_fault fault = {0};
	struct reader *reader;
	enum outcome out;

	if (json_object_get(request, "model") == NULL)
		json_object_set_new(request, "model", json_string("any"));
	buf_clear(&r->body);
	if (json_dump_callback(request, append, &r->body, JSON_COMPACT) != 0) {
		r->why = "the request is too large";
		return false;
	}
	arena_free(r->mem);
	r->mem = arena_new(ROW_ARENA_BYTES);
	reader = reader_new(r->parse, &dialect_openai, EP_generate, r->mem);
	/* What it refuses, reader_finish() says. */
	(void)!reader_feed(reader, buf_str(&r->body), r->body.len);
	out =
	    reader_finish(reader, buf_str(&r->body), &row->task, &row->prompt, &fault);
	reader_free(reader);
	row->is_request = true;
	r->why = fault.text;
	return out == OUT_served;
}

bool
rows_read(struct rows *r, struct str line, struct row_read *ret)
{
	json_t *request, *prompt;

	*ret = (struct row_read){.json = json_loadb(line.p, line.len, 0, NULL)};
	if (!json_is_object(ret->json)) {
		r->why = "it is no JSON object";
		row_done(ret);
		return false;
	}
	request = json_object_get(ret->json, "request");
	prompt = json_object_get(ret->json, "prompt");
	ret->id = text_of(ret->json, "id");
	if (ret->id[0] == '\0')
		ret->id = text_of(ret->json, "qid");
	ret->source = text_of(ret->json, "source");
	ret->domain = text_of(ret->json, "domain");
	ret->trap = text_of(ret->json, "trap");
	read_labels(ret);
	if (json_is_object(request) && read_request(r, request, ret))
		return true;
	if (json_is_string(prompt)) {
		ret->text =
		    str_make(json_string_value(prompt), json_string_length(prompt));
		return true;
	}
	if (!json_is_object(request))
		r->why = "it has neither a \"prompt\" nor a \"request\"";
	row_done(ret);
	return false;
}

void
classify_row(
    const struct classifier *c, const struct row_read *row, struct verdict *ret)
{
	if (row->is_request)
		classify(c, &row->task, &row->prompt, ret);
	else
		classify_text(c, row->text, ret);
}

bool
rows_each(struct rows *r, const char *path, row_fn *each, void *arg)
{
	struct env *env = r->c->env;
	struct buf text;
	struct str rest, line;
	bool ok;
	unsigned number = 0;

	buf_init(&text, ROW_FILE_BYTES);
	ok = env->read_file(env, strcmp(path, "-") == 0 ? "/dev/stdin" : path,
	    ROW_FILE_BYTES - 1, &text);
	if (!ok)
		cli_fail("%s cannot be read: %s", path, strerror(errno));
	rest = buf_str(&text);
	while (ok && str_split(&rest, '\n', &line)) {
		struct row_read row;

		number++;
		if (str_trim(line).len == 0)
			continue;
		ok = rows_read(r, line, &row);
		if (!ok) {
			cli_fail("%s:%u: %s", path, number, r->why);
			break;
		}
		ok = each(arg, &row);
		row_done(&row);
	}
	buf_fini(&text);
	return ok;
}
