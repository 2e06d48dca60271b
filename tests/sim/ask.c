/* ask.c: one pass over a request's body; both dialects have the same outline, and what
 * only one of them has does no harm in the other. */
#include "ask.h"

#include "base/hash.h"
#include "base/mem.h"
#include "peek.h"

#define BYTES_PER_TOKEN    4
#define TOKENS_PER_MESSAGE 4

static void
add_piece(struct ask *a, struct str text, uint8_t mark)
{
	struct piece *p;
	uint64_t key[2] = {0x73696d, 0};

	if (a->piece_count == a->piece_cap) {
		a->piece_cap = a->piece_cap == 0 ? 16 : 2 * a->piece_cap;
		a->pieces = xrealloc(a->pieces, a->piece_cap * sizeof(*a->pieces));
	}
	if (a->piece_count > 0)
		key[1] = a->pieces[a->piece_count - 1].hash;
	a->text_bytes += (int64_t)text.len;
	p = &a->pieces[a->piece_count++];
	*p = (struct piece){.text = text, .mark = mark};
	p->hash = hash_sip(key, text);
	p->tokens = a->text_bytes / BYTES_PER_TOKEN + a->messages * TOKENS_PER_MESSAGE;
}

static uint8_t
mark_of(struct str block)
{
	struct str mark = peek_member(block, "cache_control");

	if (!peek_is_object(mark))
		return 0;
	return str_is(peek_text(peek_member(mark, "ttl")), "1h") ? 2 : 1;
}

static void
read_signature(struct ask *a, struct str block)
{
	struct str s = peek_text(peek_member(block, "signature"));

	/* Ours are "sim.MODEL.HASH". */
	if (s.len == 0 || a->foreign_signature)
		return;
	a->foreign_signature =
	    s.len < a->model.len + 5 || !str_starts(s, STR("sim.")) ||
	    !str_starts(str_skip(s, 4), a->model) || s.p[4 + a->model.len] != '.';
	a->signature = s;
}

static void
read_block(struct ask *a, struct str block, bool user)
{
	struct str text = peek_text(peek_member(block, "text"));
	struct str type = peek_text(peek_member(block, "type"));

	if (str_is(type, "tool_result")) {
		a->tool_result_last = true;
		text = peek_member(block, "content");
	} else if (str_is(type, "thinking")) {
		read_signature(a, block);
		text = peek_text(peek_member(block, "thinking"));
	} else if (text.len == 0) {
		text = block; /* an image, a tool call: its bytes stand for it */
	}
	if (user && str_is(type, "text"))
		a->last_user = text;
	add_piece(a, text, mark_of(block));
}

static void
read_content(struct ask *a, struct str content, bool user)
{
	struct str rest, block;

	if (!peek_is_array(content)) {
		if (user)
			a->last_user = peek_text(content);
		add_piece(a, peek_text(content), 0);
		return;
	}
	rest = peek_open(content);
	while (peek_next_element(&rest, &block))
		read_block(a, block, user);
}

static void
read_messages(struct ask *a, struct str messages)
{
	struct str rest = peek_open(messages), message;

	while (peek_next_element(&rest, &message)) {
		struct str role = peek_text(peek_member(message, "role"));
		struct str calls = peek_member(message, "tool_calls");

		a->messages++;
		a->tool_result_last = str_is(role, "tool");
		read_content(a, peek_member(message, "content"), str_is(role, "user"));
		if (calls.len > 0)
			add_piece(a, calls, 0);
	}
}

static void
read_tools(struct ask *a, struct str tools)
{
	struct str rest = peek_open(tools), first = {0}, last = {0}, tool;

	while (peek_next_element(&rest, &tool)) {
		if (first.len == 0)
			first = tool;
		last = tool;
	}
	if (first.len == 0)
		return;
	add_piece(a, tools, mark_of(last));
	tool = peek_member(first, "function");
	if (tool.len == 0)
		tool = first;
	a->tool_name = peek_text(peek_member(tool, "name"));
	a->tool_schema = peek_member(tool, "parameters");
	if (a->tool_schema.len == 0)
		a->tool_schema = peek_member(tool, "input_schema");
}

static void
read_choice(struct ask *a, struct str choice)
{
	struct str type = peek_text(choice);

	if (peek_is_object(choice))
		type = peek_text(peek_member(choice, "type"));
	a->tool_forbidden = str_is(type, "none");
	a->tool_forced = str_is(type, "required") || str_is(type, "any") ||
			 str_is(type, "function") || str_is(type, "tool");
}

/* OpenAI's response_format, Anthropic's output_format. */
static void
read_format(struct ask *a, struct str format)
{
	struct str type = peek_text(peek_member(format, "type"));
	struct str schema = peek_member(format, "json_schema");

	a->schema_wanted = str_is(type, "json_schema") || str_is(type, "json_object");
	a->schema = peek_member(schema.len > 0 ? schema : format, "schema");
}

static void
read_scalar(struct ask *a, struct str key, struct str value)
{
	if (str_is(key, "stream"))
		a->stream = peek_true(value);
	else if (str_is(key, "stream_options"))
		a->include_usage = peek_true(peek_member(value, "include_usage"));
	else if (str_is(key, "max_tokens") || str_is(key, "max_completion_tokens"))
		a->max_output =
		    peek_int(value, a->max_output); /* null: the other one */
	else if (str_is(key, "n"))
		a->n = peek_int(value, 1);
	else if (str_is(key, "service_tier"))
		a->service_tier = peek_text(value);
	else if (str_is(key, "thinking"))
		a->thinking =
		    !str_is(peek_text(peek_member(value, "type")), "disabled");
	else if (str_is(key, "tool_choice"))
		read_choice(a, value);
	else if (str_is(key, "response_format") || str_is(key, "output_format"))
		read_format(a, value);
}

/* In the order of a provider's cache: tools, system, messages. */
static void
read_prompt(struct ask *a, struct str tools, struct str system, struct str messages)
{
	if (tools.len > 0)
		read_tools(a, tools);
	if (system.len > 0)
		read_content(a, system, false);
	read_messages(a, messages);
	a->tokens =
	    a->text_bytes / BYTES_PER_TOKEN + a->messages * TOKENS_PER_MESSAGE + 3;
}

bool
ask_read(struct str body, struct ask *ret, const char **ret_why)
{
	struct str rest, key, value, tools = {0}, system = {0}, messages = {0};

	*ret = (struct ask){.body = body, .max_output = -1, .n = 1};
	*ret_why = "the body is not a JSON object";
	if (!peek_whole(body))
		return false;
	rest = peek_open(body);
	while (peek_next_member(&rest, &key, &value)) {
		if (str_is(key, "model"))
			ret->model = peek_text(value);
		else if (str_is(key, "messages"))
			messages = value;
		else if (str_is(key, "tools"))
			tools = value;
		else if (str_is(key, "system"))
			system = value;
		else
			read_scalar(ret, key, value);
	}
	*ret_why = "you must provide a model parameter";
	if (ret->model.len == 0)
		return false;
	*ret_why = "messages: expected an array with at least one message";
	read_prompt(ret, tools, system, messages);
	if (ret->n < 1 || ret->n > 8)
		ret->n = 1;
	return ret->messages > 0;
}

void
ask_fini(struct ask *a)
{
	xfree(a->pieces);
	a->pieces = NULL;
}
