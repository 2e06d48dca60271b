/* libs: base config core parse */
/* fuzz_reader.c: any bytes as a client's body: refused with words, or a task that is
 * the same in any pieces and whose splices make a body that says what was wished. The
 * first byte chooses dialect, wish and pieces. */
#include <stdint.h>

#include "../unit/read_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_fault(const struct body_read *b)
{
	if (b->outcome != OUT_bad_json && b->outcome != OUT_bad_request)
		abort();
	if (b->fault.text == NULL || strlen(b->fault.text) > 400)
		abort();
}

/* The forwarded body is read again. */
static void
check_splices(const struct parse_shared *shared, const struct dialect *d,
    const struct body_read *b, size_t len, unsigned choice)
{
	struct shape_wish wish = {.model = STR("served \"model\"/\\1"),
	    .max_output = choice & 2 ? 77 : -1,
	    .max_field = choice & 4 ? "max_completion_tokens" : NULL,
	    .ask_usage = (choice & 8) != 0,
	    .service_tier = choice & 16 ? STR("flex") : STR("")};
	struct splice splices[SPLICES_MAX];
	struct pieces pieces;
	struct body_read again;
	char *forwarded;

	pieces_make(str_make(b->bytes, len), splices,
	    d->splice(&b->task, &wish, b->mem, splices), &pieces);
	forwarded = xcalloc(1, pieces.bytes);
	if (pieces_read(&pieces, 0, forwarded, pieces.bytes) != pieces.bytes)
		abort();
	body_read(&again, shared, d, str_make(forwarded, pieces.bytes), 0, 0);
	xfree(forwarded);
	if (again.outcome != OUT_served || !str_eq(again.task.model, wish.model) ||
	    again.task.messages != b->task.messages ||
	    again.task.stream != b->task.stream ||
	    again.task.prefix_hash != b->task.prefix_hash)
		abort();
	if (wish.ask_usage && again.task.stream && d == &dialect_openai &&
	    !again.task.usage_wanted)
		abort();
	if (b->task.max_output >= 0 && again.task.max_output != b->task.max_output)
		abort();
	body_read_end(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct parse_shared *shared;
	const struct dialect *d;
	struct body_read whole, parts;
	struct buf a, b;
	struct str body;

	if (len < 2)
		return 0;
	if (shared == NULL)
		shared = parse_shared_new();
	d = data[0] & 1 ? &dialect_anthropic : &dialect_openai;
	body = str_make((const char *)data + 1, len - 1);
	buf_init(&a, 64 << 20);
	buf_init(&b, 64 << 20);
	body_read(&whole, shared, d, body, 0, 0);
	/* Small bodies in single bytes, longer ones cut once. */
	body_read(&parts, shared, d, body, len < 512, len / (1 + data[0] % 7U));
	print_read(&a, &whole);
	print_read(&b, &parts);
	if (!str_eq(buf_str(&a), buf_str(&b)))
		abort();
	if (whole.outcome == OUT_served)
		check_splices(shared, d, &whole, body.len, data[0]);
	else
		check_fault(&whole);
	body_read_end(&whole);
	body_read_end(&parts);
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}
