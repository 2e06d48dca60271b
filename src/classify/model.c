/* model.c: is it a weights file, whole and of this version? */
#include "model.h"

#include <math.h>

#include "base/hash.h"
#include "config/snapshot.h"
#include "embed.h"

static const char *
fault_of(struct str file)
{
	const struct classifier *c = (const struct classifier *)(const void *)file.p;
	size_t head = offsetof(struct classifier, crc) + sizeof(c->crc);

	if (file.len < 8 || memcmp(file.p, MODEL_MAGIC, 8) != 0)
		return "it is no file of weights; `frugald classifier train` makes one";
	if (file.len < sizeof(*c))
		return "it is cut off; copy it again";
	if (c->format != MODEL_FORMAT || c->endian != MODEL_ENDIAN ||
	    c->features != FEATURES_VERSION || c->buckets != BUCKETS ||
	    c->surfaces != SURFACE_COUNT || c->heads != HEAD_COUNT)
		return "it is of another release; train it anew with this one";
	if (c->bytes != file.len || c->manifest_bytes != file.len - sizeof(*c))
		return "it is cut off; copy it again";
	if (hash_crc32c(0, file.p + head, file.len - head) != c->crc)
		return "it is damaged: its checksum does not fit; copy it again";
	return NULL;
}

static bool
adds_up(const uint32_t *bin, unsigned bins, uint32_t requests)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < bins; i++)
		sum += bin[i];
	return sum == requests;
}

static bool
profile_sane(const struct profile *p)
{
	return adds_up(p->class, CLASS_COUNT, p->requests) &&
	       adds_up(p->complexity, PROFILE_BINS, p->requests) &&
	       adds_up(p->confidence, PROFILE_BINS, p->requests);
}

static bool
trees_sane(const struct tree *tree, unsigned trees)
{
	for (unsigned t = 0; t < trees; t++) {
		for (unsigned i = 0; i < TREE_NODES; i++) {
			if (tree[t].input[i] >= TREE_INPUTS)
				return false;
		}
		for (unsigned i = 0; i < TREE_LEAVES; i++) {
			if (!(fabsf(tree[t].leaf[i]) < 1e6F))
				return false;
		}
	}
	return true;
}

/* What a checksum does not promise: that sums are numbers and searches end. */
static bool
sane(const struct classifier *c)
{
	const float *from = c->scale, *to = (const float *)(const void *)&c->lexicon;
	unsigned taken = 0;

	for (; from < to; from++) {
		if (!(fabsf(*from) < 1e6F))
			return false;
	}
	if (!profile_sane(&c->profile) || !trees_sane(&c->tier_tree[0][0], 2 * TREES) ||
	    !trees_sane(c->traffic_tree, TREES))
		return false;
	for (unsigned i = 0; i < LEXICON_SLOTS; i++) {
		taken += c->lexicon.slot[i] != 0;
		if ((c->lexicon.slot[i] & 255U) > CUE_COUNT)
			return false;
	}
	return taken < LEXICON_SLOTS && memchr(c->name, 0, sizeof(c->name)) != NULL;
}

const struct classifier *
classifier_open(struct str file, const char **ret_why)
{
	const struct classifier *c = (const struct classifier *)(const void *)file.p;
	const char *why;

	if ((uintptr_t)file.p % 16 != 0)
		why = "its bytes are not aligned"; /* our own mistake */
	else
		why = fault_of(file);
	if (why == NULL && !sane(c))
		why = "its numbers make no sense; train it anew";
	if (why == NULL)
		return c;
	*ret_why = why;
	return NULL;
}

const struct classifier *
classifier_builtin(void)
{
	return (const struct classifier *)(const void *)embed_classifier_bin;
}

bool
classifier_bind(struct snapshot *s, struct diag *d)
{
	struct diag_place at = s->classifier_at;
	const char *why;

	if (s->classifier_path == NULL)
		s->classifier = classifier_builtin();
	else
		s->classifier = classifier_open(s->classifier_file, &why);
	at.file = diag_keep(d, s->path); /* the snapshot may go before the finding */
	if (s->classifier == NULL)
		diag_error(d, at, "'%s': %s", s->classifier_path, why);
	return s->classifier != NULL;
}

const char *
classifier_version(const struct classifier *c)
{
	return c->name;
}

const struct profile *
classifier_profile(const struct classifier *c)
{
	return &c->profile;
}

unsigned
profile_bin(float v)
{
	int bin = (int)(v * PROFILE_BINS);

	return bin < 0                    ? 0
	       : bin >= (int)PROFILE_BINS ? PROFILE_BINS - 1
					  : (unsigned)bin;
}

struct str
classifier_manifest(const struct classifier *c)
{
	return str_make((const char *)c + sizeof(*c), c->manifest_bytes);
}
