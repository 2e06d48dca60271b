/* replay_outlook.h: what had been learned when a request came. */
#ifndef REPORT_REPLAY_OUTLOOK_H
#define REPORT_REPLAY_OUTLOOK_H

#include "core/request.h"
#include "books.h"

struct replay_outlook;

/* NULL: the books' `why`. */
struct replay_outlook *replay_outlook_new(struct books *b);
void replay_outlook_free(struct replay_outlook *o); /* takes NULL */
/* Outlook `number` as it was published; good until the next call. Going on from one to
 * the next takes as long as what lies between them. */
const struct outlook *replay_outlook_at(struct replay_outlook *o, uint64_t number);

#endif
