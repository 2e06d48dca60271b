/* daemon.h: everything that `frugald serve` starts, in order, and stops in reverse. */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include "base/trace.h"

struct daemon_options {
	const char *config_path;
	struct trace trace;
	const char *version;
};

/* Runs until SIGTERM or SIGINT; gives the exit code of the process. */
int daemon_run(const struct daemon_options *o);

#endif
