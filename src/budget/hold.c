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

/* The most tokens of each kind of part, together no more than the context. */
struct parts {
	int64_t text, images, audio;
};

static int64_t
at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct parts
input_parts(const struct task *task, int64_t context)
{
	struct parts p = {.images = IMAGE_TOKENS_MAX * (int64_t)task->images};

	/* No tokenizer makes more tokens than there are bytes. */
	p.text = text_bound(task) + MESSAGE_TOKENS * (int64_t)task->messages +
		 TOOL_TOKENS * (int64_t)task->tools;
	if (task->tools > 0)
		p.text += TOOLS_TOKENS;
	if (task->audios > 0)
		p.audio = (int64_t)task->opaque_bytes / AUDIO_BYTES_PER_TOKEN;
	/* Behind a file id or a stored conversation anything may stand, and a search,
	 * or another tool that the provider runs, brings in what it finds. */
	if (task->files > 0 || task->searches > 0 || task->fetches ||
	    task->bound == BOUND_file || task->bound == BOUND_state)
		p.text = context;
	p.audio = at_most(p.audio, context);
	p.images = at_most(p.images, context - p.audio);
	p.text = at_most(p.text, context - p.audio - p.images);
	return p;
}

int64_t
hold_input_bound(const struct task *task, int64_t context)
{
	struct parts p = input_parts(task, context);

	return p.text + p.images + p.audio;
}

static int64_t
dearer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What is not marked is not written to the cache of a provider that wants marks. */
static int64_t
dearest_input(const struct task *task, const struct price_kinds *k)
{
	int64_t most = k->pusd[TOKEN_input_uncached];

	if (task->cache_mark == CACHE_unmarked && task->dialect != NULL &&
	    task->dialect->caches_marked)
		return most;
	most = dearer(most, k->pusd[TOKEN_cache_write_5m]);
	return dearer(most, k->pusd[TOKEN_cache_write_1h]);
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

/* What is asked for, before anybody says what it costs. */
struct bill {
	const struct task *task;
	struct parts parts;
	int64_t warm;   /* of the text: in the provider's cache, as far as we know */
	int64_t output; /* of all answers */
};

/* By these prices. False: unpriced. */
static bool
by_kinds(const struct bill *b, const struct price_kinds *k, wide *ret)
{
	int64_t input = dearest_input(b->task, k), output = k->pusd[TOKEN_output];
	int64_t warm = dearer(k->pusd[TOKEN_input_uncached], k->pusd[TOKEN_cache_read]);

	if (input < 0 || output < 0)
		return false;
	if ((b->task->needs >> CAP_audio & 1) != 0)
		output = dearer(output, k->pusd[TOKEN_audio_output]);
	*ret = (wide)(b->parts.text - b->warm) * input +
	       (wide)b->warm * (warm >= 0 ? warm : input) +
	       (wide)b->parts.images * dearer(input, k->pusd[TOKEN_image_input]) +
	       (wide)b->parts.audio * dearer(input, k->pusd[TOKEN_audio_input]) +
	       (wide)b->output * output;
	return true;
}

/* The dearest of the tiers that a prompt up to that long may fall into. */
static bool
by_row(const struct bill *b, const struct price_row *row, wide *ret)
{
	int64_t input = b->parts.text + b->parts.images + b->parts.audio;
	wide more;

	if (!by_kinds(b, &row->kinds, ret))
		return false;
	for (unsigned i = 0; i < row->tiers && input > row->tier[i].above; i++) {
		if (!by_kinds(b, &row->tier[i].kinds, &more))
			return false;
		if (more > *ret)
			*ret = more;
	}
	return true;
}

static bool
fees(const struct task *task, const struct price_row *row, wide *ret)
{
	*ret = row->request_pusd;
	if (task->searches == 0)
		return true;
	*ret += (wide)task->searches * row->call_pusd;
	return row->call_pusd >= 0;
}

static bool
bound(const struct task *task, const struct candidate *c, int64_t max_output,
    int64_t warm, struct pusd *ret)
{
	const struct model *model = c->model;
	int64_t choices = task->n > task->best_of ? task->n : task->best_of;
	struct bill b = {.task = task, .parts = input_parts(task, model->context)};
	int64_t service;
	wide most, extra;

	b.warm = at_most(warm, b.parts.text);
	b.output = choices * (max_output >= 0 ? max_output : model->max_output);
	if (c->price == NULL || !by_row(&b, c->price, &most) ||
	    !fees(task, c->price, &extra))
		return false;
	service = dearest_service_ppm(task, c);
	if (most > MOST || extra > MOST || service > FACTOR_MAX ||
	    c->contract_ppm > FACTOR_MAX)
		return false;
	return pusd_divide(
	    (most * service + extra * PPM) * c->contract_ppm, PPM * PPM, ret);
}

bool
hold_worst_case(const struct task *task, const struct candidate *c, int64_t max_output,
    struct pusd *ret)
{
	return bound(task, c, max_output, 0, ret);
}

bool
hold_warm(const struct task *task, const struct candidate *c, int64_t max_output,
    struct pusd *ret)
{
	double cached = c->cached_tokens;

	return bound(
	    task, c, max_output, cached > 0 && cached < 1e9 ? (int64_t)cached : 0, ret);
}

bool
hold_may_shorten(const struct task *task)
{
	return task->max_output < 0 && task->tools == 0 && task->format_at.end == 0 &&
	       (task->needs & (1U << CAP_json_schema)) == 0;
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
	if (!hold_may_shorten(task) || !hold_worst_case(task, c, 0, &input) ||
	    input.v >= most.v)
		return false;
	share = (double)(most.v - input.v) / (double)(whole.v - input.v);
	max = (int64_t)(share * (double)(max >= 0 ? max : c->model->max_output)) - 1;
	if (max < LEAST_OUTPUT)
		return false;
	*max_output = max;
	return true;
}
