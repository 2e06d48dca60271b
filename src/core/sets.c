/* sets.c: names of the things that the .def files declare. */
#include "core/sets.h"

#include "base/util.h"

static const struct outcome_row rows[OUT_COUNT] = {
    [OUT_unset] = {"unset", "", "", "", 0, false, false, BASIS_none},
#define OUTCOME(name, http, type, code, again, retry, basis, text) \
	[OUT_##name] = {#name, type, code, text, http, again, retry, BASIS_##basis},
#include "core/outcome.def"
};

static const char *const basis_names[] = {
#define BASIS(name, help) [BASIS_##name] = #name,
#include "core/basis.def"
};

static const char *const token_names[] = {
#define TOKEN(name, price, help) [TOKEN_##name] = #name,
#include "core/token.def"
};

static const char *const class_names[] = {
#define CLASS(name, help) [CLASS_##name] = #name,
#include "core/class.def"
};

static const char *const class_helps[] = {
#define CLASS(name, help) [CLASS_##name] = help,
#include "core/class.def"
};

static const char *const capability_names[] = {
#define CAPABILITY(name, help) [CAP_##name] = #name,
#include "core/capability.def"
};

static const char *const service_names[] = {
#define SERVICE(name, help) [SERVICE_##name] = #name,
#include "core/service.def"
};

static const char *const reason_names[] = {
#define REASON(name, text) [REASON_##name] = #name,
#include "core/reason.def"
};

static const char *const reason_texts[] = {
#define REASON(name, text) [REASON_##name] = text,
#include "core/reason.def"
};

static const char *const flaw_names[] = {
#define FLAW(name, text) [FLAW_##name] = #name,
#include "core/flaw.def"
};

static const char *const flaw_texts[] = {
#define FLAW(name, text) [FLAW_##name] = text,
#include "core/flaw.def"
};

static const char *const tier_names[] = {"frontier", "small", "local"};
static const char *const mode_names[] = {"bypass", "observe", "canary", "live"};
static const char *const source_names[] = {"", "key", "token", "path", "header"};

const struct outcome_row *
outcome_row(enum outcome o)
{
	return &rows[o < OUT_COUNT ? o : OUT_internal];
}

const char *
outcome_name(enum outcome o)
{
	return outcome_row(o)->name;
}

/* The name at `i`, or "?" for a number that a damaged file brought. */
static const char *
pick(const char *const names[], size_t count, size_t i)
{
	return i < count ? names[i] : "?";
}

const char *
basis_name(enum basis b)
{
	return pick(basis_names, nitems(basis_names), b);
}

const char *
token_name(enum token_kind k)
{
	return pick(token_names, nitems(token_names), k);
}

const char *
class_name(enum task_class c)
{
	return pick(class_names, nitems(class_names), c);
}

const char *
class_help(enum task_class c)
{
	return pick(class_helps, nitems(class_helps), c);
}

const char *
capability_name(enum capability c)
{
	return pick(capability_names, nitems(capability_names), c);
}

const char *
service_name(enum service s)
{
	return pick(service_names, nitems(service_names), s);
}

const char *
reason_name(enum reason r)
{
	return pick(reason_names, nitems(reason_names), r);
}

const char *
reason_text(enum reason r)
{
	return pick(reason_texts, nitems(reason_texts), r);
}

const char *
flaw_name(enum flaw f)
{
	return pick(flaw_names, nitems(flaw_names), f);
}

const char *
flaw_text(enum flaw f)
{
	return pick(flaw_texts, nitems(flaw_texts), f);
}

const char *
tier_name(enum tier t)
{
	return pick(tier_names, nitems(tier_names), t);
}

const char *
mode_name(enum route_mode m)
{
	return pick(mode_names, nitems(mode_names), m);
}

const char *
tag_source_name(enum tag_source s)
{
	return pick(source_names, nitems(source_names), s);
}

static bool
find(const char *const names[], size_t count, struct str word, size_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (!str_is(word, names[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool
class_parse(struct str word, enum task_class *ret)
{
	size_t i;

	if (!find(class_names, nitems(class_names), word, &i))
		return false;
	*ret = (enum task_class)i;
	return true;
}

bool
capability_parse(struct str word, enum capability *ret)
{
	size_t i;

	if (!find(capability_names, nitems(capability_names), word, &i))
		return false;
	*ret = (enum capability)i;
	return true;
}

bool
service_parse(struct str word, enum service *ret)
{
	size_t i;

	if (!find(service_names, nitems(service_names), word, &i))
		return false;
	*ret = (enum service)i;
	return true;
}

/* OpenAI: auto, default, flex, priority; Anthropic: auto, standard_only. Answers say
 * default and standard. */
enum service
service_asked(struct str word)
{
	static const char *const standard[] = {
	    "", "auto", "default", "standard", "standard_only"};
	enum service s;
	size_t i;

	if (find(standard, nitems(standard), word, &i))
		return SERVICE_standard;
	return service_parse(word, &s) ? s : SERVICE_other;
}

bool
mode_parse(struct str word, enum route_mode *ret)
{
	size_t i;

	if (!find(mode_names, nitems(mode_names), word, &i))
		return false;
	*ret = (enum route_mode)i;
	return true;
}

void
usage_unknown(struct usage *u)
{
	for (size_t i = 0; i < TOKEN_COUNT; i++)
		u->tokens[i] = -1;
	u->reasoning = -1;
	u->calls = -1;
	u->inconsistent = false;
}

int64_t
usage_input(const struct usage *u)
{
	static const enum token_kind inputs[] = {TOKEN_input_uncached, TOKEN_cache_read,
	    TOKEN_cache_write_5m, TOKEN_cache_write_1h, TOKEN_audio_input,
	    TOKEN_image_input};
	int64_t sum = 0;

	for (size_t i = 0; i < nitems(inputs); i++)
		sum += usage_known(u->tokens[inputs[i]]);
	return sum;
}
