/* dialect.h: an API that clients and providers speak; one file of parse/ behind one
 * table of functions. Only parse/, relay/tap and the error writer look inside;
 * everybody else passes the pointer on. */
#ifndef CORE_DIALECT_H
#define CORE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/scan.h"
#include "base/str.h"
#include "core/sets.h"

struct task;
struct arena;
struct tap;

/* What the paths of the data plane mean, whatever the dialect. */
enum endpoint {
	EP_none,
	EP_generate,      /* chat completions, messages: classified, routed, billed */
	EP_count_tokens,  /* the provider counts; no money */
	EP_models,        /* list of models; ours */
	EP_model,         /* one model; ours */
	EP_request,       /* one request's record; ours */
	EP_costs_summary, /* ours */
	EP_costs_gate,    /* ours */
	EP_ci_token,      /* ours: a key for the token of a pipeline's job */
};

/* One replacement in the client's bytes:
 * [start, end) becomes `text`; start == end inserts. */
struct splice {
	size_t start, end;
	struct str text;
};
#define SPLICES_MAX 8

/* What we want the forwarded body to say. */
struct shape_wish {
	struct str model;   /* the name that the provider knows */
	int64_t max_output; /* set it when the client named none; -1: leave it */
	const char
	    *max_field; /* the member that this model takes; NULL: the dialect's */
	bool ask_usage; /* ask for usage at the end of a stream */
	struct str service_tier; /* empty: as the client said */
};

/* Ids of answer paths: the usage object, the model's name and a string that only hides
 * an event's length are the same for all; a dialect's own begin behind. */
enum { ANSWER_usage, ANSWER_model, ANSWER_padding, ANSWER_OWN };

/* How the tap reads a dialect's answers. */
struct answer_reader {
	/* Paths of an answer, or of one event of a stream, that the tap wants. */
	const struct scan_path *paths;
	size_t path_count;
	bool usage_in_parts; /* a stream tells usage at its begin and at its end */
	/* A value at one of those paths; `text` is raw JSON (strings without quotes),
	 * or only its length (`p` NULL) where it was too long to be kept. Of objects
	 * and arrays the begin comes with a length of 0. */
	void (*on_value)(
	    struct tap *t, int path_id, enum scan_kind kind, struct str text);
	/* An event of a stream is complete: what is it, what is to become of it? Of
	 * events that are the same but for one text and padding only the first is told;
	 * of the others the text is counted. */
	void (*on_event)(struct tap *t);
};

/* Answer headers that tell of a limit. */
struct limit_headers {
	const char *most, *left, *reset;
};

struct dialect {
	const char *name; /* as in `api:` of a provider */

	/* How clients are told of their limits: of requests and of tokens, and whether
	 * a reset is a moment (RFC 3339) or a time from now ("6m0s"). */
	struct limit_headers limit_headers[2];
	bool resets_at_moment;

	/* What the reader wants to hear of a client's body,
	 * by the ids of parse/field.h. */
	const struct scan_path *request_paths;
	size_t request_path_count;
	bool max_output_required; /* a body that generates must name it */
	int64_t max_output_least; /* the least that may stand there */
	/* The provider's prompt cache holds what a request marks, not whole prompts by
	 * itself. */
	bool caches_marked;

	/* The target below a provider's base URL, e.g. "/chat/completions"; NULL: the
	 * dialect has nothing of that kind. */
	const char *(*target)(enum endpoint ep);
	/* The header that carries a provider's key: writes "name: value". */
	void (*auth_header)(struct str key, struct buf *ret);
	/* Headers that every request of the dialect needs when the client sent none:
	 * NULL-terminated "name: value" lines. */
	const char *const *default_headers;

	/* What makes the client's body say what `wish` wants: at most SPLICES_MAX, in
	 * order of start; text from `mem`. */
	size_t (*splice)(const struct task *t, const struct shape_wish *wish,
	    struct arena *mem, struct splice ret[static SPLICES_MAX]);

	const struct answer_reader *answer;

	/* An error of ours, as a body of this dialect. `text` NULL: the row's own;
	 * `param` and `request_id` may be NULL. */
	void (*write_error)(struct buf *out, const struct outcome_row *row,
	    const char *text, const char *param, const char *request_id);
	/* The same as the last event of a broken stream. */
	void (*write_stream_error)(struct buf *out, const struct outcome_row *row,
	    const char *text, const char *request_id);
	/* A provider's error answer: appends its message as it stands
	 * (at most 1 KiB; fault_mask() it before anybody sees it),
	 * and gives what kind of fault it is. */
	enum outcome (*read_error)(
	    int http_status, struct str body, struct buf *ret_message);
};

extern const struct dialect dialect_openai, dialect_azure, dialect_anthropic;

/* By the name in `api:`; NULL when unknown. */
const struct dialect *dialect_find(struct str name);

/* Do both speak the same bodies, so that one's bytes serve the other? */
bool dialect_same(const struct dialect *a, const struct dialect *b);

/* What a method and a path of the data plane mean. */
struct endpoint_found {
	/* By the path, in any case: an error has its form. */
	const struct dialect *dialect;
	enum endpoint endpoint;
	bool dry;             /* only the plan is asked for */
	struct str tail;      /* behind a prefix path: an id */
	struct str path_tags; /* TAGS of "/t/TAGS/...", as they came */
	/* OUT_served; OUT_not_found or OUT_bad_method when there is none */
	enum outcome outcome;
};

/* Looks a path up in the table of paths, with or without /v1, below /t/TAGS/ too; all
 * of `*ret` is set, its slices are parts of `path`. False: nothing is there. */
bool endpoint_match(struct str method, struct str path, struct endpoint_found *ret);

#endif
