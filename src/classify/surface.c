/* surface.c: counts as numbers about 0 .. 1. */
#include <math.h>

#include "core/request.h"
#include "feature.h"

/* log2(1 + n) / 8 */
static float
soft(uint32_t n)
{
	return log2f(1.0F + (float)n) / 8;
}

static float
share(uint32_t part, uint32_t whole)
{
	return whole == 0 ? 0 : (float)part / (float)whole;
}

static float
above(float value, float from)
{
	return value > from ? value - from : 0;
}

static void
lengths(const struct counts *c, float v[SURFACE_COUNT])
{
	float words = soft(c->words);

	v[SURFACE_bias] = 1;
	v[SURFACE_words] = words;
	v[SURFACE_words_16] = above(words, 4.0F / 8);
	v[SURFACE_words_64] = above(words, 6.0F / 8);
	v[SURFACE_words_256] = above(words, 1);
	v[SURFACE_chars] = soft(c->chars);
	v[SURFACE_lines] = soft(c->lines);
	v[SURFACE_longest_line] = soft(c->longest_line);
	v[SURFACE_word_length] = share(c->letters, c->words) / 8;
	v[SURFACE_long_words] = share(c->long_words, c->words);
	v[SURFACE_sentences] = soft(c->sentences);
	v[SURFACE_per_sentence] = soft(c->words / (c->sentences + 1));
}

static void
marks(const struct counts *c, float v[SURFACE_COUNT])
{
	v[SURFACE_digits] = soft(c->digits);
	v[SURFACE_numbers] = soft(c->numbers);
	v[SURFACE_big_numbers] = soft(c->big_numbers);
	v[SURFACE_number_share] = share(c->numbers, c->words + c->numbers);
	v[SURFACE_questions] = soft(c->questions);
	v[SURFACE_operators] = soft(c->operators);
	v[SURFACE_braces] = soft(c->braces);
	v[SURFACE_brackets] = soft(c->brackets);
	v[SURFACE_commas] = soft(c->commas);
	v[SURFACE_colons] = soft(c->colons);
	v[SURFACE_quotes] = soft(c->quotes);
	v[SURFACE_backslashes] = soft(c->backslashes);
	v[SURFACE_dollars] = soft(c->dollars);
	v[SURFACE_ticks] = soft(c->ticks);
	v[SURFACE_code_lines] = soft(c->code_lines);
	v[SURFACE_list_items] = soft(c->list_items);
	v[SURFACE_options] = soft(c->options);
	v[SURFACE_upper] = share(c->upper, c->chars);
	v[SURFACE_capital_words] = soft(c->capital_words);
	v[SURFACE_accents] = share(c->accents, c->chars);
	v[SURFACE_foreign] = share(c->foreign, c->chars);
}

static bool
wants_effort(const struct task *t)
{
	return t->effort.len > 0 && !str_is(t->effort, "low") &&
	       !str_is(t->effort, "none") && !str_is(t->effort, "minimal") &&
	       !str_is(t->effort, "disabled");
}

static void
request(const struct features *f, const struct task *t, float v[SURFACE_COUNT])
{
	bool behind = t->turns > 1;

	v[SURFACE_history] = soft(t->messages);
	v[SURFACE_turns] = behind ? soft(t->turns - 1) : 0;
	v[SURFACE_short_turn] = behind && f->counts.words <= 24;
	v[SURFACE_tools] = soft(t->tools);
	v[SURFACE_tool_result] = t->open_tool_call;
	v[SURFACE_schema] = (t->needs & 1U << CAP_json_schema) != 0;
	v[SURFACE_media] = soft(t->images + t->audios + t->files);
	v[SURFACE_few_tokens] = t->max_output >= 0 && t->max_output <= 64;
	v[SURFACE_effort] = wants_effort(t);
}

void
features_surface(
    const struct features *f, const struct task *task, float ret[SURFACE_COUNT])
{
	static const struct task alone = {.max_output = -1, .messages = 1, .turns = 1};

	for (unsigned i = 0; i < SURFACE_COUNT; i++)
		ret[i] = 0;
	lengths(&f->counts, ret);
	marks(&f->counts, ret);
	ret[SURFACE_variety] = share(f->distinct, f->tokens);
	ret[SURFACE_system] = soft(f->bytes[PART_system]);
	ret[SURFACE_has_system] = f->bytes[PART_system] > 0;
	ret[SURFACE_context] = soft(f->bytes[PART_context]);
	ret[SURFACE_thanks] = f->thanks;
	ret[SURFACE_pending] = (float)f->pending;
	ret[SURFACE_first_line] = soft(f->first_line.words);
	ret[SURFACE_last_line] = soft(f->last_line.words);
	ret[SURFACE_last_share] = share(f->last_line.words, f->counts.words);
	ret[SURFACE_first_question] = f->first_line.questions > 0;
	ret[SURFACE_last_question] = f->last_line.questions > 0;
	for (unsigned c = 0; c < CUE_COUNT; c++) {
		ret[SURFACE_task_code + c] = soft(f->counts.cue[c]);
		ret[SURFACE_system_code + c] = soft(f->system_cue[c]);
		ret[SURFACE_first_code + c] = f->first_cue[c] > 0;
		ret[SURFACE_last_code + c] = soft(f->last_line.cue[c]);
	}
	/* A text alone is what a request with one message is. */
	request(f, task != NULL ? task : &alone, ret);
}
