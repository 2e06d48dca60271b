/* read_message.c: the messages of a body:
 * texts for the classifier, sizes for the bill. */
#include "reader.h"

/* Words of the API are plain: one that is written in escapes is none that we know. */
static enum prompt_role
role_of(struct str word)
{
	if (str_is(word, "system") || str_is(word, "developer"))
		return ROLE_system;
	if (str_is(word, "assistant"))
		return ROLE_assistant;
	if (str_is(word, "tool") || str_is(word, "function"))
		return ROLE_tool;
	return ROLE_user;
}

static void
begin_message(struct reader *r)
{
	r->role = ROLE_user;
	r->tool_result = false;
	r->first_piece = r->pieces.total;
}

/* The role may stand behind the content, so that only now it is known. */
static void
end_message(struct reader *r, uint32_t index)
{
	struct task *t = &r->task;

	piece_list_set_role(&r->pieces, r->first_piece, r->role);
	t->messages = index + 1;
	t->open_tool_call = r->role == ROLE_tool || r->tool_result;
	if (r->role != ROLE_user || r->tool_result)
		return;
	t->turns++;
	r->last_user = index;
	if (r->first_user == UINT32_MAX)
		r->first_user = index;
}

static void
begin_block(struct reader *r)
{
	r->source_bytes = 0;
	r->source_is_text = false;
}

/* What a source holds, its type says, which may stand behind it. */
static void
end_block(struct reader *r)
{
	if (r->source_is_text)
		r->task.text_bytes += r->source_bytes;
	else
		r->task.opaque_bytes += r->source_bytes;
	begin_block(r);
}

static void
read_block_type(struct reader *r, struct str word)
{
	static const struct {
		const char *word;
		enum { IMAGE, AUDIO, FILE_PART, RESULT } what;
	} types[] = {
	    {"image_url", IMAGE},
	    {"image", IMAGE},
	    {"input_audio", AUDIO},
	    {"file", FILE_PART},
	    {"document", FILE_PART},
	    {"container_upload", FILE_PART},
	    {"tool_result", RESULT},
	};

	for (size_t i = 0; i < nitems(types); i++) {
		if (!str_is(word, types[i].word))
			continue;
		r->task.images += types[i].what == IMAGE;
		r->task.audios += types[i].what == AUDIO;
		r->task.files += types[i].what == FILE_PART;
		r->tool_result |= types[i].what == RESULT;
	}
}

static void
read_text(struct reader *r, enum field f, const struct scan_value *v)
{
	struct piece p = {.start = v->start + 1, .end = v->end - 1};

	r->task.text_bytes += p.end - p.start - v->saved;
	if (p.end == p.start)
		return;
	p.message = f == FIELD_system_text ? 0 : v->index[0];
	p.fixed = f != FIELD_text;
	p.role = f == FIELD_system_text ? ROLE_system : ROLE_tool;
	piece_list_add(&r->pieces, &p, r->mem);
}

/* Fields that matter as strings only. */
static void
read_string(struct reader *r, enum field f, const struct scan_value *v)
{
	struct str raw = reader_raw(r, v);

	switch (f) {
	case FIELD_role:
		r->role = role_of(raw);
		break;
	case FIELD_block_type:
		read_block_type(r, raw);
		break;
	case FIELD_source_type:
		r->source_is_text = str_is(raw, "text");
		break;
	case FIELD_source_data:
		r->source_bytes += raw.len;
		break;
	case FIELD_url:
		if (str_starts(raw, STR("data:")))
			r->task.opaque_bytes += raw.len;
		break;
	case FIELD_opaque:
		r->task.opaque_bytes += raw.len;
		break;
	default:
		read_text(r, f, v);
		break;
	}
}

bool
read_message(struct reader *r, enum field f, const struct scan_value *v)
{
	bool begins = v->end == 0;

	if (f == FIELD_messages) {
		r->messages_seen = true;
	} else if (f == FIELD_message) {
		if (begins)
			begin_message(r);
		else
			end_message(r, v->index[0]);
	} else if (f == FIELD_block) {
		if (begins)
			begin_block(r);
		else
			end_block(r);
	} else if (f == FIELD_counted) {
		/* Text that the model reads and the classifier does not. */
		r->task.text_bytes += begins ? 0 : v->end - v->start;
	} else if (v->kind == SCAN_string) {
		read_string(r, f, v);
	}
	return true;
}
