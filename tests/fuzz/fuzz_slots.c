/* libs: base core config budget meter */
/* fuzz_slots.c: whatever stands in a dead process's slot file, a start books it or says
 * why not; the next one finds nothing new. */
#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "fake_env.h"
#include "fake_vfs.h"
#include "slots_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS      2U
#define FILE_BYTES ((SLOTS + 1) * SLOT_BYTES)

/* A file with two requests; the bytes lie over the first page's end and what follows,
 * and the checksums fit again: damage that no checksum shows. */
static char *
make_file(const uint8_t *data, size_t size)
{
	char *file = xcalloc(1, FILE_BYTES);
	size_t from = SLOT_BYTES - 16;

	slots_file_init(file, SLOTS);
	if (size > FILE_BYTES - from)
		size = FILE_BYTES - from;
	memcpy(file + from, data, size);
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *s = slots_file_at(file, i);

		s->request.id.lo = i;
		s->request.plan_len = 0;
		s->request.decision_len = 0;
		s->request.tags_len = 0;
		s->request.rollup_tags_len = 0;
		memset(s->request.key, 0, sizeof(s->request.key));
		s->crc = hash_crc32c(0, &s->request, sizeof(s->request));
	}
	return file;
}

static int64_t
start(struct fake_env *f)
{
	struct ledger *l = NULL;
	struct ledger_status st = {.recovered = 0};
	char why[256];

	if (!ledger_open(fake_env(f), "/state", &l, why)) {
		assert(strlen(why) > 0);
		return -1;
	}
	ledger_status_get(l, &st);
	ledger_close(l);
	return (int64_t)st.recovered;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_env *f = fake_env_new(1);
	char *file = make_file(data, size);
	int64_t first;

	fake_vfs_use(f);
	assert(fake_env(f)->make_dir(fake_env(f), "/state"));
	fake_env_put(f, "/state/slots.A", str_make(file, FILE_BYTES), 0600);
	first = start(f);
	assert(first <= SLOTS);
	assert(start(f) <= first);
	fake_vfs_forget();
	fake_env_free(f);
	xfree(file);
	return 0;
}
