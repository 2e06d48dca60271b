/* replay_session.h: conversations that went another way under the other policy. */
#ifndef REPORT_REPLAY_SESSION_H
#define REPORT_REPLAY_SESSION_H

#include "core/request.h"

struct replay_sessions;

struct replay_sessions *replay_sessions_new(void);
void replay_sessions_free(struct replay_sessions *s); /* takes NULL */

/* Where a turn was answered, other than in the ledger; model NULL: as there. */
struct replay_turn {
	const struct model *model;
	const struct provider *provider;
	int64_t cached_tokens;
};

/* Puts into `view`, which is the ledger's, what the turn before left behind, when that
 * went another way. `start_ms`: of this turn; the one before ended view->idle_ms
 * earlier, which tells it from others of the session. True: it did. */
bool replay_session_look(const struct replay_sessions *s, uint64_t id, int64_t start_ms,
    struct session_view *view);
/* A turn that ended at `end_ms`. Turns of a session that went the ledger's way are
 * only remembered when an earlier one did not. */
void replay_session_note(struct replay_sessions *s, uint64_t id, int64_t end_ms,
    const struct replay_turn *turn);

#endif
