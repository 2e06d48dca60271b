/* admin_guard.h: who may speak to the admin plane. */
#ifndef REPORT_ADMIN_GUARD_H
#define REPORT_ADMIN_GUARD_H

#include <stdbool.h>

/* What a request shows of itself; NULL: absent. */
struct admin_guard_input {
	const char *host, *origin, *authorization;
	const char *token;  /* of the policy; NULL: none is set */
	bool post;          /* it changes something */
	bool open;          /* health: nothing to protect */
	bool from_loopback; /* the peer's address */
};

/* 0: let it through; else the HTTP status, and why and what to do. */
int admin_guard(const struct admin_guard_input *in, const char **ret_why);

#endif
