/* slots_file.h: the layout of a slot file:
 * a page that says what it is, then the slots. */
#ifndef METER_SLOTS_FILE_H
#define METER_SLOTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stage/meter.h"

#define SLOTS_PREFIX "slots."
#define SLOTS_LAYOUT 4U

void slots_file_init(void *map, unsigned count);

enum slots_file {
	SLOTS_FILE_good,
	SLOTS_FILE_damaged, /* what lies there whole can be read all the same */
	SLOTS_FILE_empty,   /* nothing but zeros: its creation was cut short */
	SLOTS_FILE_foreign, /* of another layout; `*ret_count` is its number */
};

/* What is it, and how many slots lie in it. */
enum slots_file slots_file_look(const void *map, size_t bytes, uint32_t *ret_count);

static inline struct slot *
slots_file_at(void *map, uint32_t i)
{
	return (struct slot *)(void *)((char *)map + ((size_t)i + 1) * SLOT_BYTES);
}

#endif
