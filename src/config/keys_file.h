/* keys_file.h: the keys file as records, for reading it and for changing it. */
#ifndef CONFIG_KEYS_FILE_H
#define CONFIG_KEYS_FILE_H

#include "config/keys.h"
#include "row.h"
#include "terms.h"

struct key_draft {
	const struct node *node;
	struct key_record k;
	struct terms_draft terms;
	const struct node *tags;
};

struct keys_draft {
	struct key_draft *keys;
	unsigned count;
};

extern const struct row keys_rows[];

/* False when there were findings. An empty text is an empty file. */
bool keys_file_read(
    const struct reading *r, struct str text, const char *file, struct keys_draft *ret);

#endif
