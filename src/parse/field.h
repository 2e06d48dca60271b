/* field.h: ids of the body's members, and the rows that dialects share. */
#ifndef PARSE_FIELD_H
#define PARSE_FIELD_H

#include "core/request.h"

enum field {
#define FIELD(name, param, kinds, text) FIELD_##name,
#include "field.def"
	FIELD_COUNT
};

/* Rows of a table of struct scan_path. */
#define ONCE(path, field)                 \
	{                                 \
		path, FIELD_##field, true \
	}
#define MANY(path, field)                  \
	{                                  \
		path, FIELD_##field, false \
	}

/* ---- helpers of the dialects ---- */

/* Replaces a value or, where there is none, puts a member at the object's start. */
struct splicer {
	struct splice *list; /* room for SPLICES_MAX */
	size_t count;
	struct buf members; /* to be put behind the body's first '{' */
};

/* At most `SPLICE_TEXT_MAX` bytes of our own text in all. */
#define SPLICE_TEXT_MAX 4096U

void splicer_init(struct splicer *s, struct splice ret[static SPLICES_MAX]);
/* `value` is JSON, and outlives the splices. */
void splicer_set(
    struct splicer *s, struct span at, const char *member, struct str value);
void splicer_replace(struct splicer *s, struct span at, struct str value);
void splicer_insert(struct splicer *s, size_t at, struct str text);
/* Puts the splices in order; gives their number. Frees what the splicer holds. */
size_t splicer_done(struct splicer *s, const struct task *t, struct arena *mem);

/* A JSON string of `text`, in the arena. */
struct str splice_string(struct str text, struct arena *mem);
struct str splice_int(int64_t v, struct arena *mem);

/* What a provider's error answer says. */
struct error_answer {
	char message[1024], type[64], code[64];
};
void error_answer_read(struct str body, struct error_answer *ret);
/* Does the message say that the prompt is longer than the context window? */
bool error_answer_context(const struct error_answer *e);

/* Appends `text` without control characters and with what looks like a key masked. */
void error_mask(struct str text, struct buf *ret);

#endif
