/* behave.c: words into numbers; one table for parsing, merging and help. */
#include "behave.h"

#include <stdio.h>

#include "base/util.h"

struct word {
	const char *name;
	size_t offset;
	const char *const *values; /* names of the numbers from 0; NULL: a number */
	const char *help;
};

static const char *const usages[] = {"right", "missing", "inconsistent", "huge",
    "every", "negative", "null", "tenfold", NULL};
static const char *const dones[] = {"once", "none", "twice", NULL};
static const char *const gates[] = {NULL};

#define AT(member) offsetof(struct behaviour, member)
static const struct word words[] = {
    {"status", AT(status), NULL, "HTTP status; from 400 on an error of the dialect"},
    {"retry_after", AT(retry_after), NULL, "Retry-After in seconds"},
    {"retry_after_ms", AT(retry_after_ms), NULL, "retry-after-ms"},
    {"retry_after_date", AT(retry_after_date), NULL,
	"Retry-After as a date, so many seconds from now"},
    {"ttft_ms", AT(ttft_ms), NULL, "time to the first byte"},
    {"gap_ms", AT(gap_ms), NULL, "time between writes"},
    {"events", AT(events), NULL, "content events of a stream"},
    {"tokens", AT(tokens), NULL, "tokens of the answer; default: by the prompt"},
    {"bytes", AT(bytes), NULL, "bytes of text in an event"},
    {"per_write", AT(per_write), NULL, "events in one write; default 1"},
    {"gate", AT(gate), gates,
	"wait before event N for POST /__sim/release; gate=head: before the head"},
    {"times", AT(times), NULL, "for the first N requests with this text only"},
    {"port", AT(port), NULL, "on the port with this index only, from 0"},
    {"tool", AT(tool), NULL, "1: call the first tool, 0: call none"},
    {"reasoning", AT(reasoning), NULL, "of the tokens, so many of reasoning"},
    {"searches", AT(searches), NULL, "so many of the web, told in usage"},
    {"usage", AT(usage), usages,
	"right, missing, inconsistent, huge, every, negative, null, tenfold"},
    {"done", AT(done), dones, "the terminal event: once, none, twice"},
    {"split", AT(split), NULL, "1: a write for every byte"},
    {"interim", AT(interim), NULL, "so many 1xx heads before the answer"},
};

static const struct {
	const char *name;
	size_t offset, cap;
	const char *help;
} texts[] = {
    {"model", AT(model), 64, "for this model only, as the provider is asked"},
    {"code", AT(code), 48, "the error's code, e.g. context_length_exceeded"},
    {"served", AT(served), 64, "the model's name in the answer"},
    {"say", AT(say), 96,
	"the answer's text, or its tool call's arguments; _ for a space"},
};

static const char *const faults[] = {
    "none",
#define FAULT(name, help) #name,
#include "fault.def"
};

static int64_t *
number(struct behaviour *b, const struct word *w)
{
	return (int64_t *)(void *)((char *)b + w->offset);
}

void
behave_init(struct behaviour *b)
{
	*b = (struct behaviour){.at = -1};
	for (size_t i = 0; i < nitems(words); i++)
		*number(b, &words[i]) = -1;
}

static bool
parse_number(const struct word *w, struct str value, int64_t *ret)
{
	uint64_t n;

	for (int64_t i = 0; w->values != NULL && w->values[i] != NULL; i++) {
		if (str_is(value, w->values[i])) {
			*ret = i;
			return true;
		}
	}
	if (w->values == gates && str_is(value, "head")) {
		*ret = -2;
		return true;
	}
	if (!str_to_u64(value, &n) || n > INT64_MAX)
		return false;
	*ret = (int64_t)n;
	return true;
}

static bool
parse_fault(struct str value, struct behaviour *b)
{
	struct str name = {0};
	uint64_t at;

	if (!str_split(&value, ':', &name))
		return false;
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (!str_is(name, faults[i]))
			continue;
		b->fault = (enum fault)i;
		if (value.len > 0 && str_to_u64(value, &at))
			b->at = (int64_t)at;
		return true;
	}
	return false;
}

static bool
parse_word(struct str name, struct str value, struct behaviour *b)
{
	if (str_is(name, "fault"))
		return parse_fault(value, b);
	for (size_t i = 0; i < nitems(words); i++) {
		if (str_is(name, words[i].name))
			return parse_number(&words[i], value, number(b, &words[i]));
	}
	for (size_t i = 0; i < nitems(texts); i++) {
		if (str_is(name, texts[i].name)) {
			str_copy((char *)b + texts[i].offset, texts[i].cap, value);
			return true;
		}
	}
	return false;
}

bool
behave_parse(struct str text, struct behaviour *b, char why[static 200])
{
	struct str word, name = {0};

	while (str_split(&text, ' ', &word)) {
		if (word.len == 0)
			continue;
		if (!str_split(&word, '=', &name) || !parse_word(name, word, b)) {
			snprintf(why, 200,
			    "%.*s=%.*s is no behaviour; frugald-sim --help lists them",
			    (int)(name.len < 40 ? name.len : 40), name.p,
			    (int)(word.len < 40 ? word.len : 40), word.p);
			return false;
		}
	}
	return true;
}

bool
behave_marker(struct str text, struct str *ret_words)
{
	const char *begin = memmem(text.p, text.len, "[[sim ", 6), *end;

	if (begin == NULL)
		return false;
	begin += 6;
	end = memmem(begin, text.len - (size_t)(begin - text.p), "]]", 2);
	if (end == NULL)
		return false;
	*ret_words = str_make(begin, (size_t)(end - begin));
	return true;
}

void
behave_merge(struct behaviour *b, const struct behaviour *over)
{
	struct behaviour from = *over;

	for (size_t i = 0; i < nitems(words); i++) {
		int64_t said = *number(&from, &words[i]);

		if (said != -1)
			*number(b, &words[i]) = said;
	}
	for (size_t i = 0; i < nitems(texts); i++) {
		const char *said = (const char *)&from + texts[i].offset;

		if (said[0] != '\0')
			memcpy((char *)b + texts[i].offset, said, texts[i].cap);
	}
	if (over->fault != FAULT_none) {
		b->fault = over->fault;
		b->at = over->at;
	}
}

const char *
behave_fault_name(enum fault f)
{
	return f == FAULT_none ? "" : faults[f];
}

void
behave_help(struct buf *out)
{
	static const char *const help[] = {
	    "as it should be",
#define FAULT(name, text) text,
#include "fault.def"
	};

	for (size_t i = 0; i < nitems(words); i++)
		buf_printf(out, "  %-17s %s\n", words[i].name, words[i].help);
	for (size_t i = 0; i < nitems(texts); i++)
		buf_printf(out, "  %-17s %s\n", texts[i].name, texts[i].help);
	buf_add(out, "  fault             what goes wrong, NAME or NAME:N:\n");
	for (size_t i = 1; i < nitems(help); i++)
		buf_printf(out, "      %-14s %s\n", faults[i], help[i]);
}
