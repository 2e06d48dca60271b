/* relay.h: the answer on its way:
 * a tap that looks, a ring that waits for the client. */
#ifndef STAGE_RELAY_H
#define STAGE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ring.h"
#include "base/str.h"
#include "base/util.h"
#include "core/dialect.h"
#include "core/sets.h"

/* How an event of a stream is passed on. */
enum event_fate {
	EVENT_pass,
	EVENT_swallow,  /* asked for by us, not by the client; or not fit for it */
	EVENT_withhold, /* until the next event, or until its cost can be written into
			   it */
	EVENT_terminal, /* withheld until the attempt is settled */
};

/* Room for the numbers that a dialect's usage is computed from. */
#define TAP_COUNTS 12

/* What the taps of one worker share: the compiled paths of the dialects, and scanners
 * that are lent for a text at a time. */
struct taps;
struct taps *taps_new(void);
void taps_free(struct taps *t); /* takes NULL; after the last tap_fini() */

/* Looks at the bytes of one answer: framing, usage, finish reason. It may fail without
 * hurting the stream: `broken` then says that what it knows is not everything. */
struct tap {
	const struct dialect *dialect;
	bool stream;       /* server-sent events, else one JSON body */
	bool usage_wanted; /* by the client */
	/* A JSON string that the client sees as the model's name: the
	 * caller's, set after tap_init(); empty: the name that the provider
	 * tells. Of bodies it is only told where the name stands, and of
	 * events that are too long to wait nothing. */
	struct str model_as;
	struct usage usage;
	bool usage_seen;
	bool finished; /* finish reason or terminal event seen */
	bool terminal; /* the terminal event itself was seen (and is withheld) */
	bool failed;   /* the provider reported an error inside a 200 */
	bool broken;
	int64_t events;       /* content events */
	int64_t output_bytes; /* text the client was given: for bills without usage */
	char model[96];       /* as served, cut */
	char service_tier[24];
	char finish[24];
	char response_id[64];
	struct buf raw_usage;   /* as it came; at most TAP_USAGE_MAX */
	size_t raw_usage_first; /* of which the first part, where it comes in parts */
	struct buf error;       /* the provider's message, at most 1 KiB */

	/* of the event under way; used by the dialect's functions */
	enum event_fate fate;
	struct str event_name; /* of its `event:` line, cut */
	struct str event_data; /* the first bytes of its data, at most TAP_HEAD_MAX */
	uint32_t event_flags;  /* the dialect's own; 0 at the begin of each event */
	bool event_failed;     /* it tells an error: `failed` when it is whole */
	size_t model_at, model_end; /* the model's name in its data, or in the body */
	/* the dialect's own; -1 at the begin of the answer */
	int64_t count[TAP_COUNTS];
	struct tap_private *private;
};
#define TAP_HEAD_MAX  64U
#define TAP_USAGE_MAX 2048U
#define TAP_EVENT_MAX 16384U
/* A usage event longer than this is not withheld. */
#define TAP_HELD_MAX 4096U

/* What the tap hands on: bytes for the client, in order. */
typedef bool tap_out_fn(void *arg, const char *p, size_t len);

void tap_init(struct tap *t, struct taps *taps, const struct dialect *d, bool stream,
    bool usage_wanted);
void tap_fini(struct tap *t); /* takes a zeroed tap */

/* Bytes of the upstream, in any pieces. Whole events go to `out` (unchanged to the byte
 * unless fate says otherwise); a part of an event waits in the tap, at most
 * TAP_EVENT_MAX: a longer one goes out as it comes, unjudged (its usage is still read).
 * False when `out` said no. */
bool tap_feed(
    struct tap *t, const char *p, size_t len, tap_out_fn *out, void *arg) MUST_CHECK;

/* The upstream is done. A last event without its blank line is taken for whole, and
 * given one, when its JSON is whole; else it is dropped, and the tap is `broken`. So is
 * that of a body that is not JSON. Once. */
bool tap_end(struct tap *t, tap_out_fn *out, void *arg) MUST_CHECK;

/* The withheld terminal event, ready to send; empty when there was none. Where the
 * client asked for usage the last usage chunk stands before it with `usage.cost_usd`
 * set (`cost_usd` NULL: without). Valid until the next call on this tap. */
struct str tap_terminal(struct tap *t, const char *cost_usd);

/* Output tokens seen so far, estimated where the provider has not said. */
int64_t tap_output_seen(const struct tap *t, double bytes_per_token);

/* The way from one attempt's answer to the client. Worker only. */
struct relay {
	bool begun;       /* the client has its status line */
	bool buffered;    /* the answer is being held back whole (not a stream) */
	bool overflowed;  /* it was, but is longer than we hold back */
	struct buf whole; /* then here */
	size_t whole_taken;
	struct ring ring; /* else here */
	bool cut;         /* the end can only be told by cutting the connection */
	bool released;    /* the attempt is settled: the last bytes may go */
	int64_t bytes;    /* given to the client */
};

#endif
