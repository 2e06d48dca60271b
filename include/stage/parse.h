/* parse.h: the client's body as a task (what is asked for, where it
 * stands in the bytes) and a prompt (the text, for the classifier).
 * Nothing is copied but short names. */
#ifndef STAGE_PARSE_H
#define STAGE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/scan.h"
#include "base/str.h"
#include "core/dialect.h"
#include "core/sets.h"

/* [start, end) of the body; end == 0: absent. */
struct span {
	size_t start, end;
};

/* What a history carries that only one model or provider can read. */
enum bound_kind {
	BOUND_none,
	BOUND_signature, /* signed thinking: to the model */
	BOUND_encrypted, /* encrypted reasoning: to the model */
	BOUND_file,      /* a file id: to the provider */
	BOUND_state, /* previous response, container, conversation: to the provider */
};

/* How long the provider's prompt cache is to hold this prompt, as the request says; of
 * several marks the shortest. */
enum cache_mark { CACHE_unmarked, CACHE_minutes, CACHE_hour /* or longer */ };

#define SEARCHES_EACH 10

/* Written by the parse step, constant afterwards. */
struct task {
	const struct dialect *dialect;
	enum endpoint endpoint;

	struct str model; /* unescaped */
	struct span model_at;
	bool stream;
	struct span stream_at;
	bool usage_wanted;             /* the client asked for usage in the stream */
	struct span stream_options_at; /* the object */
	bool stream_options_bare; /* null or without members: to be replaced whole */
	struct span include_usage_at; /* its value */
	int64_t max_output;           /* -1: none named; the greater, if two are */
	struct span max_tokens_at, max_completion_at; /* null counts as named */
	size_t object_start; /* behind the body's first '{', where members may be put */

	int64_t n, best_of; /* 1 when absent */
	uint32_t needs;     /* 1 << enum capability */
	uint32_t tools;     /* declared */
	/* The most calls of tools that the provider runs itself, for a fee each, and
	 * whose results it puts into the prompt: what the request allows, else
	 * SEARCHES_EACH for each tool, which no provider promises. */
	uint32_t searches;
	bool fetches;             /* others may, whose results are prompt, too */
	uint32_t messages, turns; /* all; those of the user */
	uint32_t images, audios, files;
	bool open_tool_call; /* the last message is a tool's result: inside a loop */
	enum bound_kind bound;
	enum cache_mark cache_mark;

	size_t
	    text_bytes; /* of all strings that the model will read, unescaped roughly */
	size_t opaque_bytes; /* base64 data: images, audio, files */
	size_t body_bytes;   /* all of it, for bounds: an unknown field may be text */
	struct str user;     /* end user's id; attribution only */
	struct str prompt_cache_key;
	struct str session_hint; /* the conversation's part of metadata.user_id */
	struct str service_tier;
	struct span service_tier_at;
	struct span format_at;    /* the object that asks for a form of the answer */
	struct str effort;        /* reasoning effort, or thinking "enabled" */
	uint64_t prefix_hash;     /* of system, tools and the first turn of the user */
	uint64_t first_turn_hash; /* of that turn alone */
};

/* A piece of the prompt's text: raw JSON string
 * content in the body, escapes unresolved. */
enum prompt_role { ROLE_system, ROLE_user, ROLE_assistant, ROLE_tool };
struct prompt_piece {
	struct str raw;
	enum prompt_role role;
	uint32_t message; /* index of its message */
};

struct prompt {
	const struct prompt_piece *pieces; /* in order; in the request's arena */
	uint32_t count;
	bool truncated;     /* more pieces than kept: the middle is missing */
	uint32_t last_user; /* message index of the last turn of the user */
};

/* The body under way: owned by the request, fed by the edge. */
struct reader;

/* What parse needs once per process: compiled path sets.
 * Made by main, shared, immutable. */
struct parse_shared;
struct parse_shared *parse_shared_new(void);
void parse_shared_free(struct parse_shared *p);

/* For a body of this endpoint; from `mem` but for the scanner, so reader_free() it. */
struct reader *reader_new(const struct parse_shared *shared, const struct dialect *d,
    enum endpoint ep, struct arena *mem);
void reader_free(struct reader *r); /* takes NULL */

/* `body` is everything so far, `fresh` how many bytes at its end are new. It may have
 * moved since the last call. False: see reader_finish(). */
bool reader_feed(struct reader *r, struct str body, size_t fresh) MUST_CHECK;

/* Why a body is refused: the field to blame, such as "messages[2].role" (NULL: none has
 * a name), and a sentence for the client; both in the arena or constant. */
struct body_fault {
	const char *param, *text;
};

/* The body is whole: OUT_served. On failure gives
 * OUT_bad_json or OUT_bad_request, and says why. */
enum outcome reader_finish(struct reader *r, struct str body, struct task *ret_task,
    struct prompt *ret_prompt, struct body_fault *ret_fault);

/* The forwarded body: the client's bytes with
 * the splices, as pieces for a gathering read. */
struct pieces {
	struct str piece[2 * SPLICES_MAX + 1];
	unsigned count;
	size_t bytes;
};
void pieces_make(
    struct str body, const struct splice *splices, size_t count, struct pieces *ret);
/* Copies up to `cap` bytes from `offset` of the joined pieces; gives the number. */
size_t pieces_read(const struct pieces *p, size_t offset, char *dst, size_t cap);

#endif
