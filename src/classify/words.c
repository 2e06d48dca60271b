/* words.c: the cue words, sorted, so that one search finds a word's group. */
#include "words.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

struct word {
	char text[16]; /* filled up with zero bytes */
	uint8_t len;
	bool stem; /* covers every word that begins so */
	enum cue cue;
};

#define WORD(text, cue)                                  \
	{                                                \
		text, sizeof(text) - 1, false, CUE_##cue \
	}
#define STEM(text, cue)                                 \
	{                                               \
		text, sizeof(text) - 1, true, CUE_##cue \
	}

/* Sorted by their bytes; a unit test checks it. */
static const struct word words[] = {
    WORD("abstract", summarize),
    WORD("add", maths),
    WORD("address", extract),
    STEM("algebra", maths),
    STEM("algorithm", code),
    STEM("analy", hard),
    WORD("api", code),
    STEM("architect", hard),
    STEM("arrange", reason),
    STEM("asymptotic", proof),
    WORD("average", maths),
    WORD("bash", code),
    STEM("beweis", proof),
    STEM("bijection", proof),
    WORD("blog", write),
    WORD("bonjour", easy),
    STEM("brief", easy),
    STEM("bug", code),
    STEM("bullet", summarize),
    STEM("cache", code),
    STEM("calculate", maths),
    WORD("capital", fact),
    WORD("capitale", fact),
    STEM("cardinal", proof),
    STEM("categor", label),
    WORD("chinese", translate),
    WORD("class", code),
    STEM("classif", label),
    STEM("clause", special),
    STEM("clinical", special),
    WORD("code", code),
    STEM("compare", hard),
    STEM("compile", code),
    STEM("compiler", code),
    WORD("complexity", hard),
    STEM("compute", maths),
    STEM("concurren", hard),
    STEM("constraint", reason),
    WORD("continue", follow),
    STEM("contract", special),
    STEM("converge", proof),
    STEM("convert", extract),
    STEM("corollar", proof),
    STEM("counterexample", proof),
    WORD("country", fact),
    WORD("cpp", code),
    WORD("csv", extract),
    WORD("cuál", fact),
    STEM("database", code),
    WORD("date", extract),
    WORD("dates", extract),
    STEM("deadlock", hard),
    STEM("debug", code),
    STEM("deduc", reason),
    WORD("define", fact),
    STEM("demuestr", proof),
    STEM("deriv", proof),
    STEM("derivative", maths),
    STEM("design", hard),
    STEM("deutsch", translate),
    STEM("diagnos", special),
    WORD("diagnosis", special),
    WORD("differential", special),
    WORD("distributed", hard),
    STEM("divide", maths),
    STEM("docker", code),
    STEM("dosage", special),
    STEM("draft", write),
    WORD("dutch", translate),
    STEM("démontr", proof),
    STEM("eigenvalue", proof),
    STEM("email", write),
    STEM("englisch", translate),
    WORD("english", translate),
    WORD("epsilon", proof),
    STEM("equation", maths),
    STEM("erklär", fact),
    STEM("escrib", write),
    STEM("essay", write),
    STEM("evaluate", hard),
    STEM("explain", fact),
    STEM("explique", fact),
    STEM("extract", extract),
    STEM("field", extract),
    STEM("fonction", code),
    STEM("fraction", maths),
    STEM("französisch", translate),
    WORD("french", translate),
    STEM("función", code),
    STEM("function", code),
    STEM("funktion", code),
    WORD("gaap", special),
    STEM("genom", special),
    WORD("geometry", maths),
    WORD("german", translate),
    WORD("git", code),
    WORD("go", follow),
    STEM("haiku", write),
    STEM("hash", code),
    WORD("hauptstadt", fact),
    STEM("headline", write),
    WORD("hello", easy),
    WORD("hey", easy),
    WORD("hi", easy),
    WORD("hola", easy),
    STEM("homomorph", proof),
    WORD("how", fact),
    WORD("html", code),
    WORD("ifrs", special),
    STEM("implement", code),
    WORD("induction", proof),
    STEM("inequalit", proof),
    STEM("infinit", proof),
    STEM("integral", maths),
    STEM("invariant", hard),
    STEM("invoice", extract),
    WORD("irrational", proof),
    WORD("italian", translate),
    WORD("japanese", translate),
    WORD("java", code),
    WORD("javascript", code),
    STEM("joke", easy),
    WORD("json", extract),
    STEM("jurisdiction", special),
    STEM("kernel", code),
    WORD("knights", reason),
    WORD("korean", translate),
    STEM("label", label),
    STEM("lawsuit", special),
    STEM("lemma", proof),
    STEM("letter", write),
    STEM("liabilit", special),
    STEM("liar", reason),
    STEM("limerick", write),
    WORD("linux", code),
    WORD("litigation", special),
    WORD("lock-free", hard),
    STEM("logic", reason),
    STEM("manifold", proof),
    WORD("marketing", write),
    WORD("matrix", maths),
    STEM("maximi", hard),
    WORD("meaning", fact),
    STEM("mechanism", hard),
    WORD("median", maths),
    STEM("minimi", hard),
    WORD("minus", maths),
    STEM("multiply", maths),
    STEM("mutex", hard),
    WORD("name", extract),
    WORD("names", extract),
    WORD("negative", label),
    WORD("ok", follow),
    WORD("okay", follow),
    STEM("optimal", hard),
    STEM("optimi", hard),
    STEM("paragraph", write),
    STEM("patient", special),
    STEM("percent", maths),
    STEM("pharmac", special),
    WORD("plan", reason),
    WORD("plus", maths),
    STEM("poem", write),
    STEM("pointer", code),
    WORD("polish", translate),
    STEM("polite", write),
    WORD("population", fact),
    STEM("portfolio", special),
    WORD("portuguese", translate),
    WORD("positive", label),
    WORD("pourquoi", reason),
    WORD("president", fact),
    STEM("prime", maths),
    STEM("prioriti", reason),
    STEM("probabilit", maths),
    WORD("proceed", follow),
    STEM("programm", code),
    STEM("programmier", code),
    STEM("proof", proof),
    STEM("prove", proof),
    STEM("puzzle", reason),
    WORD("python", code),
    WORD("quantum", special),
    WORD("quelle", fact),
    WORD("qué", fact),
    STEM("refactor", code),
    STEM("regex", code),
    STEM("rephrase", write),
    STEM("resum", summarize),
    STEM("rewrite", write),
    STEM("riddle", reason),
    STEM("rigorous", proof),
    WORD("rust", code),
    STEM("résum", summarize),
    STEM("schedul", reason),
    STEM("schreib", write),
    WORD("sentiment", label),
    STEM("shorten", summarize),
    STEM("simpl", easy),
    STEM("slogan", write),
    STEM("solve", maths),
    WORD("spam", label),
    WORD("spanish", translate),
    STEM("spell", easy),
    WORD("sql", code),
    WORD("stacktrace", code),
    STEM("statut", special),
    STEM("statute", special),
    WORD("step", reason),
    WORD("story", write),
    STEM("strateg", reason),
    WORD("subtract", maths),
    WORD("sum", maths),
    STEM("summar", summarize),
    WORD("sure", follow),
    STEM("symptom", special),
    WORD("table", extract),
    STEM("tax", special),
    STEM("test", code),
    STEM("thank", follow),
    STEM("theorem", proof),
    WORD("theory", hard),
    STEM("thread", code),
    WORD("times", maths),
    WORD("tldr", summarize),
    WORD("tone", write),
    STEM("topolog", proof),
    STEM("trade-off", hard),
    STEM("tradeoff", hard),
    STEM("traduci", translate),
    WORD("traduire", translate),
    STEM("translat", translate),
    STEM("triangle", maths),
    STEM("truth", reason),
    WORD("typescript", code),
    STEM("valuation", special),
    WORD("wann", fact),
    WORD("warum", reason),
    STEM("welche", fact),
    WORD("wer", fact),
    WORD("what", fact),
    WORD("when", fact),
    WORD("where", fact),
    WORD("which", fact),
    WORD("who", fact),
    WORD("why", reason),
    WORD("word", easy),
    WORD("yaml", extract),
    WORD("year", fact),
    WORD("yes", follow),
    WORD("yesterday", fact),
    STEM("zusammenfass", summarize),
    STEM("écri", write),
    STEM("übersetz", translate),
};

/* A word with its first eight bytes as a number that sorts as they do. */
struct key {
	struct str word;
	uint64_t begin;
};

static uint64_t
begin_of(const char *p, size_t len)
{
	char eight[8] = {0};
	uint64_t v;

	memcpy(eight, p, len < sizeof(eight) ? len : sizeof(eight));
	memcpy(&v, eight, sizeof(v));
	return be64toh(v);
}

/* What stands behind the first eight bytes of both. */
static int
compare_rest(struct str word, const struct word *w)
{
	size_t common = word.len < w->len ? word.len : w->len;
	int order = common > 8 ? memcmp(word.p + 8, w->text + 8, common - 8) : 0;

	if (order != 0)
		return order;
	if (word.len < w->len)
		return -1;
	return w->stem || word.len == w->len ? 0 : 1;
}

/* Compares a word of the text with an entry: 0 when the entry covers it. */
static int
compare(const struct key *k, const struct word *w)
{
	uint64_t have = k->begin, want = begin_of(w->text, 8);

	if (w->stem && w->len < 8)
		have &= ~UINT64_C(0) << (64 - 8 * w->len);
	if (have != want)
		return have < want ? -1 : 1;
	return compare_rest(k->word, w);
}

static uint32_t
bit_of(const char *p, size_t len)
{
	uint32_t three = (unsigned char)p[0];

	three = three << 8 | (len > 1 ? (unsigned char)p[1] : 0U);
	three = three << 8 | (len > 2 ? (unsigned char)p[2] : 0U);
	return three * 2654435761U >> 21;
}

void
word_filter_init(struct word_filter *f)
{
	*f = (struct word_filter){0};
	for (size_t i = 0; i < nitems(words); i++) {
		uint32_t bit = bit_of(words[i].text, words[i].len);

		f->bits[bit / 64] |= UINT64_C(1) << bit % 64;
		f->from[(unsigned char)words[i].text[0] + 1] = (uint16_t)(i + 1);
	}
	for (size_t c = 1; c < nitems(f->from); c++) {
		if (f->from[c] == 0)
			f->from[c] = f->from[c - 1];
	}
}

static bool
may_be_there(const struct word_filter *f, struct str word)
{
	uint32_t bit = bit_of(word.p, word.len);

	return (f->bits[bit / 64] >> bit % 64 & 1) != 0;
}

bool
word_cue(const struct word_filter *f, struct str word, enum cue *ret)
{
	struct key k = {.word = word};
	unsigned char first = (unsigned char)word.p[0];
	size_t lo = f->from[first], hi = f->from[first + 1];

	if (!may_be_there(f, word))
		return false;
	k.begin = begin_of(word.p, word.len);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = compare(&k, &words[mid]);

		if (order == 0) {
			*ret = words[mid].cue;
			return true;
		}
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool
words_sorted(void)
{
	for (size_t i = 1; i < nitems(words); i++) {
		const struct word *before = &words[i - 1];
		struct key k = {.word = str_make(before->text, before->len),
		    .begin = begin_of(before->text, before->len)};

		if (compare(&k, &words[i]) >= 0)
			return false;
	}
	return true;
}
