/* hold.c: the most that an attempt can cost, before it is sent. */
#include "core/request.h"

#define PPM 1000000LL

/* What a part that is not text costs at most. Images: the largest tile count that a
 * provider documents (OpenAI "high detail": 2,048 px, 512 px tiles, about 1,600 tokens;
 * newer models up to 10,000). Audio: 10 tokens a second, 8 bytes of base64 a
 * millisecond at the least. */
#define IMAGE_TOKENS_MAX      10000
#define AUDIO_BYTES_PER_TOKEN 8
/* Framing that a provider adds around every message and tool. */
#define MESSAGE_TOKENS 16
#define TOOL_TOKENS    32
/* What Anthropic puts before the model when there are tools: its own prompts, and the
 * text of the tools that it defines itself (bash 245, editor 700, computer 735). */
#define TOOLS_TOKENS 2560
/* Above this nothing is an amount of one request, and below it times two factors stays
 * below 2^127. */
#define MOST       ((wide)INT64_MAX * 10)
#define FACTOR_MAX 1000000000LL
/* Below so many tokens an answer is not worth asking for. */
#define LEAST_OUTPUT 16

/* Bytes that may be text to the model. Not only of the fields that we know: what a
 * provider has learned to read since would cost more than was held. */
static int64_t
text_bound(const struct task *task)
{
	bool parts = task->images > 0 || task->audios > 0;
	size_t bytes = task->body_bytes;

	/* Data of parts has bounds of its own; without a part it is just text. */
	if (parts && bytes > task->opaque_bytes)
		bytes -= task->opaque_bytes;
	return (int64_t)(bytes > task->text_bytes ? bytes : task->text_bytes);
}

int64_t
hold_input_bound(const struct task *task, int64_t context)
{
	int64_t bound;

	/* Behind a file id or a stored conversation anything may stand. */
	if (task->files > 0 || task->bound == BOUND_file || task->bound == BOUND_state)
		return context;
	/* No tokenizer makes more tokens than there are bytes. */
	bound = text_bound(task) + MESSAGE_TOKENS * (int64_t)task->messages +
		TOOL_TOKENS * (int64_t)task->tools +
		IMAGE_TOKENS_MAX * (int64_t)task->images;
	if (task->tools > 0)
		bound += TOOLS_TOKENS;
	if (task->audios > 0)
		bound += (int64_t)task->opaque_bytes / AUDIO_BYTES_PER_TOKEN;
	return bound < context ? bound : context;
}

static int64_t
dearest_input(const struct price_kinds *k)
{
	static const enum token_kind kinds[] = {
	    TOKEN_input_uncached, TOKEN_cache_write_5m, TOKEN_cache_write_1h};
	int64_t most = -1;

	for (size_t i = 0; i < nitems(kinds); i++) {
		if (k->pusd[kinds[i]] > most)
			most = k->pusd[kinds[i]];
	}
	return most;
}

/* A tier is asked for, and another may be served: who asks for priority may get the
 * standard, who has no word for it gets what the account is set to (OpenAI: "Project
 * settings"; Anthropic: priority where capacity was bought), and a word that the price
 * book does not know may mean any. What is billed is what was served. */
static int64_t
dearest_service_ppm(const struct task *task, const struct candidate *c)
{
	const struct provider *p = c->model->at[c->at].provider;
	struct str word = c->service != NULL ? str_of(c->service) : task->service_tier;
	int64_t most = PPM, named = -1;

	if ((word.len == 0 || str_is(word, "auto")) && p->default_tier != NULL)
		word = str_of(p->default_tier);
	for (unsigned i = 0; i < c->price->services; i++) {
		int64_t ppm = c->price->service[i].ppm;

		if (str_is(word, c->price->service[i].name))
			named = ppm > PPM ? ppm : PPM;
		if (ppm > most)
			most = ppm;
	}
	if (named >= 0)
		return named;
	if (word.len == 0 || str_is(word, "auto"))
		return most;
	return service_asked(word) == SERVICE_standard ? PPM : most;
}

bool
hold_worst_case(const struct task *task, const struct candidate *c, int64_t max_output,
    struct pusd *ret)
{
	const struct model *model = c->model;
	int64_t input = hold_input_bound(task, model->context);
	int64_t choices = task->n > task->best_of ? task->n : task->best_of;
	int64_t output = max_output >= 0 ? max_output : model->max_output;
	const struct price_kinds *k;
	int64_t service, contract;
	wide most;

	if (c->price == NULL)
		return false;
	k = price_kinds_for(c->price, input);
	if (dearest_input(k) < 0 || k->pusd[TOKEN_output] < 0)
		return false;
	most = (wide)input * dearest_input(k) +
	       (wide)choices * output * k->pusd[TOKEN_output];
	service = dearest_service_ppm(task, c);
	contract = c->contract_ppm;
	if (most > MOST || service > FACTOR_MAX || contract > FACTOR_MAX)
		return false;
	most = most * service + (wide)c->price->request_pusd * PPM;
	return pusd_divide(most * contract, PPM * PPM, ret);
}

bool
hold_fit(const struct task *task, const struct candidate *c, struct pusd most,
    int64_t *max_output)
{
	int64_t max = task->max_output >= 0 ? task->max_output : *max_output;
	struct pusd whole, input;
	double share;

	if (!hold_worst_case(task, c, max, &whole))
		return false;
	if (whole.v <= most.v)
		return true;
	if (task->max_output >= 0 || !hold_worst_case(task, c, 0, &input) ||
	    input.v >= most.v)
		return false;
	share = (double)(most.v - input.v) / (double)(whole.v - input.v);
	max = (int64_t)(share * (double)(max >= 0 ? max : c->model->max_output)) - 1;
	if (max < LEAST_OUTPUT)
		return false;
	*max_output = max;
	return true;
}
