/* kept.c: the texts that decide, by their hashes. */
#include "config/kept.h"

#include "base/util.h"
#include "embed.h"

/* Weights: more than a megabyte that is not read for this. */
static const struct str built_in = STR(EMBED_CLASSIFIER_BIN_SHA256);

static const char *const kinds[KEPT_PARTS] = {
    "policy", "catalogue", "prices", "weights", "contracts"};

struct snapshot_texts
snapshot_texts(const struct snapshot *s)
{
	return (struct snapshot_texts){.policy = str_of(s->canonical),
	    .catalogue = s->catalogue_text,
	    .prices = price_book_text(s->prices),
	    .weights = s->classifier_file,
	    .contracts = s->contracts_text};
}

void
kept_name(struct str basis, char ret[static KEPT_NAME])
{
	struct sha256 hash = hash_sha256(basis);
	char hex[65];

	hash_sha256_hex(&hash, hex);
	str_copy(ret, KEPT_NAME, str_of(hex));
}

void
kept_parts(const struct snapshot *s, struct kept_part ret[static KEPT_PARTS])
{
	const struct snapshot_texts t = snapshot_texts(s);
	const struct str text[] = {
	    t.policy, t.catalogue, t.prices, t.weights, t.contracts};
	/* As people know them; the others by the first digits of their hash. */
	const char *key[] = {
	    s->short_hash, NULL, price_book_version(s->prices), NULL, NULL};

	for (size_t i = 0; i < KEPT_PARTS; i++) {
		struct kept_part *p = &ret[i];
		char hex[65];

		*p = (struct kept_part){.kind = kinds[i], .text = text[i]};
		if (i == KEPT_contracts && text[i].len == 0)
			continue;
		if (text[i].len > 0 || !hash_sha256_parse(built_in, &p->hash))
			p->hash = hash_sha256(text[i]);
		hash_sha256_hex(&p->hash, hex);
		if (key[i] != NULL)
			str_copy(p->key, sizeof(p->key), str_of(key[i]));
		else
			str_copy(p->key, KEPT_NAME, str_of(hex));
	}
}

void
kept_print(const struct kept_part part[static KEPT_PARTS], struct buf *ret)
{
	char hex[65];

	for (size_t i = 0; i < KEPT_PARTS; i++) {
		if (part[i].key[0] == '\0')
			continue;
		hash_sha256_hex(&part[i].hash, hex);
		buf_printf(ret, "%s %s %s\n", part[i].kind, part[i].key, hex);
	}
}

bool
kept_read(struct str text, struct kept_part ret[static KEPT_PARTS])
{
	for (size_t i = 0; i < KEPT_PARTS; i++) {
		struct str line = {0}, kind = {0}, key = {0};

		ret[i] = (struct kept_part){.kind = kinds[i]};
		if (i == KEPT_contracts && text.len == 0)
			continue;
		if (!str_split(&text, '\n', &line) || !str_split(&line, ' ', &kind) ||
		    !str_split(&line, ' ', &key) || !str_is(kind, kinds[i]) ||
		    key.len == 0 || key.len >= sizeof(ret[i].key) ||
		    !hash_sha256_parse(line, &ret[i].hash))
			return false;
		str_copy(ret[i].key, sizeof(ret[i].key), key);
	}
	return true;
}
