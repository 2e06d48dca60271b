/* admin.h: the admin listener. */
#ifndef REPORT_ADMIN_H
#define REPORT_ADMIN_H

#include <stdint.h>

#include "report.h"

struct admin;

/* Binds and serves at once, on a thread of libmicrohttpd's. NULL: `ret_why`. */
struct admin *admin_new(struct report *r, char ret_why[static 256]);
/* Every query must have been answered. Takes NULL. */
void admin_free(struct admin *a);

#endif
