/* slots_file.h: the layout of a slot file: a page that says what it is, then the slots.
 */
#ifndef METER_SLOTS_FILE_H
#define METER_SLOTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stage/meter.h"

#define SLOTS_PREFIX "slots."
#define SLOTS_LAYOUT 1U

void slots_file_init(void *map, unsigned count);

/* 0: not a slot file of this layout, or shorter than it says. */
unsigned slots_file_count(const void *map, size_t bytes);

static inline struct slot *
slots_file_at(void *map, uint32_t i)
{
	return (struct slot *)(void *)((char *)map + ((size_t)i + 1) * SLOT_BYTES);
}

#endif
