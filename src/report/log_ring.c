/* log_ring.c: one writer, one reader, no lock: a worker leaves lines, the report thread
 * collects them. A full ring drops the line: requests never wait for a disk. */
#include "log.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

/* Some hundred lines; the pages are taken when they are first written. */
#define RING_BYTES (256U << 10)

struct log_ring {
	/* Bytes ever put and ever taken; each has one writer. */
	_Atomic uint64_t put_shared, taken_shared;
	_Atomic bool woken_shared;
	bool noticed;           /* reader only: the message is not in the mailbox */
	struct mailbox *reader; /* NULL: nobody is to be woken */
	struct message wake;
	char *bytes;
};

struct log_ring *
log_ring_new(void)
{
	struct log_ring *l = xcalloc(1, sizeof(*l));

	l->bytes = xcalloc(1, RING_BYTES);
	return l;
}

void
log_ring_free(struct log_ring *l)
{
	if (l == NULL)
		return;
	xfree(l->bytes);
	xfree(l);
}

void
log_ring_attach(struct log_ring *l, struct mailbox *reader,
    void (*on_lines)(void *reader, struct message *m))
{
	l->reader = reader;
	l->wake.deliver = on_lines;
}

static void
copy_in(struct log_ring *l, uint64_t at, const void *src, size_t len)
{
	size_t i = (size_t)(at % RING_BYTES);
	size_t first = len < RING_BYTES - i ? len : RING_BYTES - i;

	memcpy(l->bytes + i, src, first);
	memcpy(l->bytes, (const char *)src + first, len - first);
}

static void
copy_out(const struct log_ring *l, uint64_t at, void *dst, size_t len)
{
	size_t i = (size_t)(at % RING_BYTES);
	size_t first = len < RING_BYTES - i ? len : RING_BYTES - i;

	memcpy(dst, l->bytes + i, first);
	memcpy((char *)dst + first, l->bytes, len - first);
}

static void
wake(struct log_ring *l)
{
	/* Once until the reader has looked: the message is the ring's own. */
	if (l->reader != NULL && !atomic_exchange(&l->woken_shared, true))
		mailbox_post(l->reader, &l->wake);
}

bool
log_ring_put(struct log_ring *l, struct str line)
{
	uint64_t put = atomic_load_explicit(&l->put_shared, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&l->taken_shared, memory_order_acquire);
	uint32_t len = (uint32_t)line.len;
	size_t used = (size_t)(put - taken);

	if (line.len == 0)
		return true; /* the log is off */
	if (line.len > RING_BYTES || used + line.len + sizeof(len) > RING_BYTES)
		return false;
	copy_in(l, put, &len, sizeof(len));
	copy_in(l, put + sizeof(len), line.p, line.len);
	atomic_store(&l->put_shared, put + sizeof(len) + line.len);
	wake(l);
	return true;
}

void
log_ring_noticed(struct message *m)
{
	container_of(m, struct log_ring, wake)->noticed = true;
}

void
log_ring_quiet(struct log_ring *l)
{
	if (!l->noticed)
		return; /* to post it now would post it twice */
	l->noticed = false;
	/* Before the lines are taken: one that comes later posts the message again. */
	atomic_store(&l->woken_shared, false);
}

bool
log_ring_take(struct log_ring *l, struct buf *ret)
{
	uint64_t taken = atomic_load_explicit(&l->taken_shared, memory_order_relaxed);
	uint32_t len;

	if (atomic_load(&l->put_shared) == taken)
		return false;
	copy_out(l, taken, &len, sizeof(len));
	if (buf_reserve(ret, (size_t)len + 1)) {
		copy_out(l, taken + sizeof(len), ret->p + ret->len, len);
		ret->len += len;
		buf_add(ret, "\n");
	}
	atomic_store_explicit(
	    &l->taken_shared, taken + sizeof(len) + len, memory_order_release);
	return true;
}
