/* replay.h: what `frugald replay` found, for people and for programs. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "core/request.h"
#include "verb.h"

void replay_view(struct cli *c, const struct replay_options *o,
    const struct replay_result *r, struct buf *ret);
void replay_json(
    const struct replay_options *o, const struct replay_result *r, struct buf *ret);

#endif
