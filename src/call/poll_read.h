/* poll_read.h: what a local machine's server tells of itself, out of its pages. */
#ifndef CALL_POLL_READ_H
#define CALL_POLL_READ_H

#include <stdbool.h>

#include "base/str.h"

struct told;

enum poll_page {
	PAGE_vllm_metrics,
	PAGE_llamacpp_slots,
	PAGE_llamacpp_metrics,
	PAGE_ollama_ps,
	POLL_PAGES
};

/* Adds to `ret` what the page tells; numbers that cannot be are not told. False, and
 * `ret` untouched: it tells nothing that we know. */
bool poll_read(enum poll_page page, struct str body, struct told *ret);

#endif
