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

bool
hold_worst_case(const struct task *task, const struct model *model,
    const struct price_row *price, int64_t max_output, int64_t contract_ppm,
    struct pusd *ret)
{
	int64_t input = hold_input_bound(task, model->context);
	int64_t choices = task->n > task->best_of ? task->n : task->best_of;
	int64_t output = max_output >= 0 ? max_output : model->max_output;
	const struct price_kinds *k;
	wide most;

	if (price == NULL)
		return false;
	k = price_kinds_for(price, input);
	if (dearest_input(k) < 0 || k->pusd[TOKEN_output] < 0)
		return false;
	most = (wide)input * dearest_input(k) +
	       (wide)choices * output * k->pusd[TOKEN_output];
	return pusd_divide(most * contract_ppm, PPM, ret);
}

bool
hold_fit(const struct task *task, const struct model *model,
    const struct price_row *price, int64_t contract_ppm, struct pusd most,
    int64_t *max_output)
{
	int64_t max = task->max_output >= 0 ? task->max_output : *max_output;
	struct pusd whole, input;
	double share;

	if (!hold_worst_case(task, model, price, max, contract_ppm, &whole))
		return false;
	if (whole.v <= most.v)
		return true;
	if (task->max_output >= 0 ||
	    !hold_worst_case(task, model, price, 0, contract_ppm, &input) ||
	    input.v >= most.v)
		return false;
	share = (double)(most.v - input.v) / (double)(whole.v - input.v);
	max = (int64_t)(share * (double)(max >= 0 ? max : model->max_output)) - 1;
	if (max < LEAST_OUTPUT)
		return false;
	*max_output = max;
	return true;
}

/* The plan has put out who costs too much alone; here is what attempts cost together:
 * what those before have cost, or may have, is no longer there. */
static bool
within_limit(struct attempt *a)
{
	const struct request *r = a->request;
	const struct team *team = r->who.team;
	wide left;

	if (team == NULL || team->max_per_request.v <= 0)
		return true;
	left = team->max_per_request.v - r->cost.v;
	return left > 0 && hold_fit(&r->task, a->candidate->model, a->candidate->price,
			       a->provider->contract_ppm, (struct pusd){(int64_t)left},
			       &a->max_output);
}

/* The row `hold` of attempt.def. The most that the attempt can cost is booked beside
 * what it did cost. */
enum next
attempt_hold(struct attempt *a)
{
	const struct request *r = a->request;

	a->max_output = a->candidate->max_output;
	if (r->task.endpoint == EP_count_tokens)
		return NEXT;
	a->outcome = OUT_quota;
	if (!within_limit(a))
		return END;
	a->unpriced =
	    !hold_worst_case(&r->task, a->candidate->model, a->candidate->price,
		r->task.max_output >= 0 ? r->task.max_output : a->max_output,
		a->provider->contract_ppm, &a->at_most);
	return NEXT;
}
