/* check.c: cheap signs that an answer is of no use: it is empty, refuses, was cut off,
 * calls a tool with what is no JSON, is not of the form that was asked for, or was
 * unlikely to its own model. None of them says that an answer is right. */
#include "check.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "check_schema.h"

/* Natural logarithm: below it a token had less than 22 % on (geometric) average. */
#define LEAST_LOGPROB (-1.5)
/* Some write -9999 for what was next to impossible: one token is not to decide. */
#define LOGPROB_FLOOR (-20.0)
/* A longer text does more than to refuse. */
#define REFUSAL_BYTES_MAX 600U

/* One choice of an answer, in the words of no API. */
struct said {
	struct buf text;
	bool refused; /* the API says so */
	bool cut;     /* by its length */
	bool calls, broken_call;
	bool other; /* something that is not looked into */
	double logprob;
	size_t tokens; /* that `logprob` is the sum of */
};

/* ---- JSON inside of JSON ---- */

enum parsed { PARSED_ok, PARSED_broken, PARSED_unknown };

/* A limit of the parser is no mistake of the text. */
static enum parsed
parse(struct str text, json_t **ret)
{
	size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_error_t error;

	*ret = json_loadb(text.p, text.len, flags, &error);
	if (*ret != NULL)
		return PARSED_ok;
	switch (json_error_code(&error)) {
	case json_error_invalid_syntax:
	case json_error_premature_end_of_input:
	case json_error_end_of_input_expected:
		return PARSED_broken;
	default:
		return PARSED_unknown;
	}
}

static struct str
text_of(const json_t *v)
{
	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v))
				 : str_make("", 0);
}

static bool
is_word(const json_t *v, const char *word)
{
	return json_is_string(v) && str_is(text_of(v), word);
}

/* null, "", [], {} and false say nothing. */
static bool
says_nothing(const json_t *v)
{
	if (json_is_string(v))
		return str_trim(text_of(v)).len == 0;
	return v == NULL || json_is_null(v) || json_is_false(v) ||
	       (json_is_array(v) && json_array_size(v) == 0) ||
	       (json_is_object(v) && json_object_size(v) == 0);
}

/* ---- what all APIs have ---- */

static void
say(struct said *s, const json_t *text)
{
	/* No longer than the body that it is a part of. */
	(void)!buf_append_str(&s->text, text_of(text));
}

/* A call's arguments as a string; blank ones are none. */
static void
call(struct said *s, const json_t *arguments)
{
	struct str text = str_trim(text_of(arguments));
	json_t *tree = NULL;

	s->calls = true;
	if (text.len > 0 && parse(text, &tree) == PARSED_broken)
		s->broken_call = true;
	json_decref(tree);
}

static void
add_logprobs(struct said *s, json_t *tokens)
{
	size_t i;
	json_t *token, *p;

	json_array_foreach(tokens, i, token)
	{
		double v;

		p = json_object_get(token, "logprob");
		if (!json_is_number(p))
			continue;
		v = json_number_value(p);
		s->logprob += v < LOGPROB_FLOOR ? LOGPROB_FLOOR : v;
		s->tokens++;
	}
}

/* A list of parts: texts, thoughts, calls whose arguments are objects, and what there
 * may be else. */
static void
read_parts(struct said *s, json_t *parts)
{
	size_t i;
	json_t *part;

	json_array_foreach(parts, i, part)
	{
		json_t *type = json_object_get(part, "type");

		if (is_word(type, "text") || is_word(type, "output_text")) {
			say(s, json_object_get(part, "text"));
			add_logprobs(s, json_object_get(part, "logprobs"));
		} else if (is_word(type, "refusal")) {
			s->refused = true;
		} else if (is_word(type, "tool_use")) {
			s->calls = true;
			s->broken_call |=
			    !json_is_object(json_object_get(part, "input"));
		} else if (!is_word(type, "thinking") &&
			   !is_word(type, "redacted_thinking")) {
			s->other = true;
		}
	}
}

/* ---- answers with `choices` ---- */

static void
read_calls(struct said *s, json_t *calls)
{
	size_t i;
	json_t *one;

	json_array_foreach(calls, i, one)
	{
		json_t *function = json_object_get(one, "function");

		if (json_is_object(function))
			call(s, json_object_get(function, "arguments"));
		else
			s->other = true;
	}
}

/* What else a message may carry and is no answer. */
static bool
is_aside(const char *member)
{
	static const char *const asides[] = {"role", "content", "refusal", "tool_calls",
	    "function_call", "annotations", "reasoning", "reasoning_content",
	    "reasoning_details", "name"};

	for (size_t i = 0; i < nitems(asides); i++) {
		if (strcmp(member, asides[i]) == 0)
			return true;
	}
	return false;
}

static void
read_message(struct said *s, json_t *message)
{
	json_t *content = json_object_get(message, "content"), *member;
	json_t *function = json_object_get(message, "function_call");
	const char *name;

	say(s, content);
	read_parts(s, content);
	s->refused |= !says_nothing(json_object_get(message, "refusal"));
	read_calls(s, json_object_get(message, "tool_calls"));
	if (json_is_object(function))
		call(s, json_object_get(function, "arguments"));
	json_object_foreach(message, name, member)
	{
		if (!is_aside(name) && !says_nothing(member))
			s->other = true;
	}
}

static void
read_choice(struct said *s, json_t *choice)
{
	json_t *message = json_object_get(choice, "message");

	s->cut = is_word(json_object_get(choice, "finish_reason"), "length");
	s->other |= !json_is_object(message);
	read_message(s, message);
	add_logprobs(
	    s, json_object_get(json_object_get(choice, "logprobs"), "content"));
}

/* ---- answers with `output` ---- */

static void
read_output(struct said *s, json_t *root)
{
	json_t *incomplete = json_object_get(root, "incomplete_details"), *item;
	json_t *reason = json_object_get(incomplete, "reason");
	size_t i;

	s->cut = is_word(reason, "max_output_tokens");
	json_array_foreach(json_object_get(root, "output"), i, item)
	{
		json_t *type = json_object_get(item, "type");

		if (is_word(type, "message"))
			read_parts(s, json_object_get(item, "content"));
		else if (is_word(type, "function_call"))
			call(s, json_object_get(item, "arguments"));
		else if (!is_word(type, "reasoning"))
			s->other = true;
	}
}

/* ---- answers with `content` ---- */

static void
read_content(struct said *s, json_t *root)
{
	json_t *reason = json_object_get(root, "stop_reason");

	s->cut = is_word(reason, "max_tokens") ||
		 is_word(reason, "model_context_window_exceeded");
	s->refused = is_word(reason, "refusal");
	read_parts(s, json_object_get(root, "content"));
}

/* ---- refusals in words ---- */

/* "I'm sorry, but I can't help with that." Lower case; each list is tried in order, and
 * without one of `begins` a text may refuse as well. */
static const char *const begins[] = {"i'm sorry, but ", "i am sorry, but ",
    "i'm sorry, ", "i'm very sorry, but ", "sorry, but ", "sorry, ",
    "i apologize, but ", "unfortunately, "};
static const char *const denies[] = {"i can't ", "i cannot ", "i can not ",
    "i'm unable to ", "i am unable to ", "i'm not able to ", "i am not able to ",
    "i won't ", "i will not "};
static const char *const acts[] = {"help with", "help you with", "assist", "provide ",
    "fulfill ", "fulfil ", "comply", "answer ", "generate ", "create ", "write ",
    "discuss ", "engage ", "support ", "complete ", "process ", "access ", "browse ",
    "do that", "continue with"};
/* Whole ones, of other tongues too. */
static const char *const refusals[] = {"i must decline", "i have to decline",
    "lo siento, pero no puedo ", "je suis désolé, mais je ne peux pas ",
    "es tut mir leid, aber dabei kann ich ", "mi dispiace, ma non posso "};

/* Takes off the first word of the list that the text begins with; false: there is none.
 */
static bool
take(struct str *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_starts(*text, str_of(list[i]))) {
			*text = str_skip(*text, strlen(list[i]));
			return true;
		}
	}
	return false;
}

/* The begin of the text in lower case, its apostrophes plain. */
static struct str
begin_of(struct str text, char ret[static 128])
{
	static const char curly[] = "\xE2\x80\x99";
	size_t n = 0;

	while (text.len > 0 && n < 128) {
		if (str_starts(text, STR(curly))) {
			ret[n++] = '\'';
			text = str_skip(text, sizeof(curly) - 1);
			continue;
		}
		ret[n++] = text.p[0] >= 'A' && text.p[0] <= 'Z'
			       ? (char)(text.p[0] - 'A' + 'a')
			       : text.p[0];
		text = str_skip(text, 1);
	}
	return str_make(ret, n);
}

static bool
refuses(struct str text)
{
	char begin[128];
	struct str rest;

	text = str_trim(text);
	if (text.len > REFUSAL_BYTES_MAX)
		return false;
	rest = begin_of(text, begin);
	if (take(&rest, refusals, nitems(refusals)))
		return true;
	(void)take(&rest, begins, nitems(begins));
	return take(&rest, denies, nitems(denies)) && take(&rest, acts, nitems(acts));
}

/* ---- the form that was asked for ---- */

/* Both APIs' ways to say it: the schema itself, or with a name around it. */
static json_t *
schema_of(json_t *format)
{
	json_t *named = json_object_get(format, "json_schema");

	return json_object_get(json_is_object(named) ? named : format, "schema");
}

static bool
fits_format(struct str text, json_t *format)
{
	json_t *type = json_object_get(format, "type"), *tree = NULL;
	bool schema = is_word(type, "json_schema"), ok = true;
	enum parsed p;

	if (!schema && !is_word(type, "json_object"))
		return true;
	p = parse(text, &tree);
	if (p == PARSED_broken)
		ok = false;
	else if (p == PARSED_ok)
		ok = schema ? check_schema(tree, schema_of(format))
			    : json_is_object(tree);
	json_decref(tree);
	return ok;
}

/* ---- the judgement ---- */

static enum flaw
flaw_of(const struct said *s, json_t *format, bool may_be_cut)
{
	struct str text = buf_str(&s->text);

	if (s->refused)
		return FLAW_refusal;
	/* What lacks its end is not judged by it. */
	if (s->cut)
		return may_be_cut ? FLAW_none : FLAW_cut;
	if (s->broken_call)
		return FLAW_tool_call;
	if (str_trim(text).len == 0 && !s->calls && !s->other)
		return FLAW_empty;
	if (!s->calls && refuses(text))
		return FLAW_refusal;
	if (!s->calls && !s->other && !fits_format(text, format))
		return FLAW_schema;
	if (s->tokens > 0 && s->logprob < LEAST_LOGPROB * (double)s->tokens)
		return FLAW_unlikely;
	return FLAW_none;
}

struct judge {
	json_t *root, *format;
	bool may_be_cut;
};

static enum flaw
judge_one(
    const struct judge *j, void (*read)(struct said *s, json_t *from), json_t *from)
{
	struct said s = {0};
	enum flaw f;

	buf_init(&s.text, CHECK_BYTES_MAX);
	read(&s, from);
	f = flaw_of(&s, j->format, j->may_be_cut);
	buf_fini(&s.text);
	return f;
}

/* One good choice is enough. */
static enum flaw
judge_choices(const struct judge *j, json_t *choices)
{
	enum flaw first = json_array_size(choices) > 0 ? FLAW_none : FLAW_empty;
	size_t i;
	json_t *choice;

	json_array_foreach(choices, i, choice)
	{
		enum flaw f = judge_one(j, read_choice, choice);

		if (f == FLAW_none)
			return f;
		first = first == FLAW_none ? f : first;
	}
	return first;
}

static enum flaw
judge_root(const struct judge *j)
{
	json_t *choices = json_object_get(j->root, "choices");

	if (json_is_array(choices))
		return judge_choices(j, choices);
	if (json_is_array(json_object_get(j->root, "output")))
		return judge_one(j, read_output, j->root);
	if (json_is_array(json_object_get(j->root, "content")))
		return judge_one(j, read_content, j->root);
	return FLAW_none;
}

enum flaw
check_answer(const struct check_input *in)
{
	struct judge j = {.may_be_cut = in->may_be_cut};
	enum flaw f = FLAW_none;

	if (in->body.len > CHECK_BYTES_MAX)
		return FLAW_unjudged;
	if (parse(in->body, &j.root) == PARSED_ok) {
		if (in->format.len > 0 && in->format.len <= CHECK_FORMAT_MAX)
			(void)parse(in->format, &j.format);
		f = judge_root(&j);
	}
	json_decref(j.root);
	json_decref(j.format);
	return f;
}
