/* field.h: ids of the body's members, and the rows of a dialect's table of paths. */
#ifndef PARSE_FIELD_H
#define PARSE_FIELD_H

#include "core/request.h"

enum field {
#define FIELD(name, group, kinds, want) FIELD_##name,
#include "field.def"
	FIELD_COUNT
};

/* A key that stands twice where we read one value and the provider the other would be
 * billed, or walled, for what it is not: that is refused. */
#define ONCE(path, field)                 \
	{                                 \
		path, FIELD_##field, true \
	}
#define MANY(path, field)                  \
	{                                  \
		path, FIELD_##field, false \
	}

#endif
