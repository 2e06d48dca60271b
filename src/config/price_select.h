/* price_select.h: of a long price book only the rows that somebody needs. Private to
 * config/. */
#ifndef CONFIG_PRICE_SELECT_H
#define CONFIG_PRICE_SELECT_H

#include "base/buf.h"
#include "config/prices.h"

/* How much of a name a rule of `match` takes: all of it, its begin ("gpt-5*"), its end
 * ("*-luna") or a part ("*luna*"). 0: it does not fit. */
size_t price_match(struct str rule, struct str name);

/* The book's head and the rows that one of the wishes could mean. False: the text is
 * not written as scripts/prices-update does, so that it has to be read in whole. */
bool price_select(struct str yaml, const struct price_wish *wish, unsigned wishes,
    struct buf *ret) MUST_CHECK;

#endif
