/* words.c: the cue words, sorted, so that one search finds a word's group. */
#include "words.h"

#include <string.h>

#include "base/util.h"

struct word {
	const char *text; /* a stem when it ends in a star */
	enum cue cue;
};

/* Sorted by their bytes without the star; a unit test checks it. */
static const struct word words[] = {
    {"abstract", CUE_summarize},
    {"add", CUE_maths},
    {"address", CUE_extract},
    {"algebra*", CUE_maths},
    {"algorithm*", CUE_code},
    {"analy*", CUE_hard},
    {"api", CUE_code},
    {"architect*", CUE_hard},
    {"arrange*", CUE_reason},
    {"asymptotic*", CUE_proof},
    {"average", CUE_maths},
    {"bash", CUE_code},
    {"beweis*", CUE_proof},
    {"bijection*", CUE_proof},
    {"blog", CUE_write},
    {"bonjour", CUE_easy},
    {"brief*", CUE_easy},
    {"bug*", CUE_code},
    {"bullet*", CUE_summarize},
    {"cache*", CUE_code},
    {"calculate*", CUE_maths},
    {"capital", CUE_fact},
    {"capitale", CUE_fact},
    {"cardinal*", CUE_proof},
    {"categor*", CUE_label},
    {"chinese", CUE_translate},
    {"class", CUE_code},
    {"classif*", CUE_label},
    {"clause*", CUE_special},
    {"clinical*", CUE_special},
    {"code", CUE_code},
    {"compare*", CUE_hard},
    {"compile*", CUE_code},
    {"compiler*", CUE_code},
    {"complexity", CUE_hard},
    {"compute*", CUE_maths},
    {"concurren*", CUE_hard},
    {"constraint*", CUE_reason},
    {"continue", CUE_follow},
    {"contract*", CUE_special},
    {"converge*", CUE_proof},
    {"convert*", CUE_extract},
    {"corollar*", CUE_proof},
    {"counterexample*", CUE_proof},
    {"country", CUE_fact},
    {"cpp", CUE_code},
    {"csv", CUE_extract},
    {"cuál", CUE_fact},
    {"database*", CUE_code},
    {"date", CUE_extract},
    {"dates", CUE_extract},
    {"deadlock*", CUE_hard},
    {"debug*", CUE_code},
    {"deduc*", CUE_reason},
    {"define", CUE_fact},
    {"demuestr*", CUE_proof},
    {"deriv*", CUE_proof},
    {"derivative*", CUE_maths},
    {"design*", CUE_hard},
    {"deutsch*", CUE_translate},
    {"diagnos*", CUE_special},
    {"diagnosis", CUE_special},
    {"differential", CUE_special},
    {"distributed", CUE_hard},
    {"divide*", CUE_maths},
    {"docker*", CUE_code},
    {"dosage*", CUE_special},
    {"draft*", CUE_write},
    {"dutch", CUE_translate},
    {"démontr*", CUE_proof},
    {"eigenvalue*", CUE_proof},
    {"email*", CUE_write},
    {"englisch*", CUE_translate},
    {"english", CUE_translate},
    {"epsilon", CUE_proof},
    {"equation*", CUE_maths},
    {"erklär*", CUE_fact},
    {"escrib*", CUE_write},
    {"essay*", CUE_write},
    {"evaluate*", CUE_hard},
    {"explain*", CUE_fact},
    {"explique*", CUE_fact},
    {"extract*", CUE_extract},
    {"field*", CUE_extract},
    {"fonction*", CUE_code},
    {"fraction*", CUE_maths},
    {"französisch*", CUE_translate},
    {"french", CUE_translate},
    {"función*", CUE_code},
    {"function*", CUE_code},
    {"funktion*", CUE_code},
    {"gaap", CUE_special},
    {"genom*", CUE_special},
    {"geometry", CUE_maths},
    {"german", CUE_translate},
    {"git", CUE_code},
    {"go", CUE_follow},
    {"haiku*", CUE_write},
    {"hash*", CUE_code},
    {"hauptstadt", CUE_fact},
    {"headline*", CUE_write},
    {"hello", CUE_easy},
    {"hey", CUE_easy},
    {"hi", CUE_easy},
    {"hola", CUE_easy},
    {"homomorph*", CUE_proof},
    {"how", CUE_fact},
    {"html", CUE_code},
    {"ifrs", CUE_special},
    {"implement*", CUE_code},
    {"induction", CUE_proof},
    {"inequalit*", CUE_proof},
    {"infinit*", CUE_proof},
    {"integral*", CUE_maths},
    {"invariant*", CUE_hard},
    {"invoice*", CUE_extract},
    {"irrational", CUE_proof},
    {"italian", CUE_translate},
    {"japanese", CUE_translate},
    {"java", CUE_code},
    {"javascript", CUE_code},
    {"joke*", CUE_easy},
    {"json", CUE_extract},
    {"jurisdiction*", CUE_special},
    {"kernel*", CUE_code},
    {"knights", CUE_reason},
    {"korean", CUE_translate},
    {"label*", CUE_label},
    {"lawsuit*", CUE_special},
    {"lemma*", CUE_proof},
    {"letter*", CUE_write},
    {"liabilit*", CUE_special},
    {"liar*", CUE_reason},
    {"limerick*", CUE_write},
    {"linux", CUE_code},
    {"litigation", CUE_special},
    {"lock-free", CUE_hard},
    {"logic*", CUE_reason},
    {"manifold*", CUE_proof},
    {"marketing", CUE_write},
    {"matrix", CUE_maths},
    {"maximi*", CUE_hard},
    {"meaning", CUE_fact},
    {"mechanism*", CUE_hard},
    {"median", CUE_maths},
    {"minimi*", CUE_hard},
    {"minus", CUE_maths},
    {"multiply*", CUE_maths},
    {"mutex*", CUE_hard},
    {"name", CUE_extract},
    {"names", CUE_extract},
    {"negative", CUE_label},
    {"ok", CUE_follow},
    {"okay", CUE_follow},
    {"optimal*", CUE_hard},
    {"optimi*", CUE_hard},
    {"paragraph*", CUE_write},
    {"patient*", CUE_special},
    {"percent*", CUE_maths},
    {"pharmac*", CUE_special},
    {"plan", CUE_reason},
    {"plus", CUE_maths},
    {"poem*", CUE_write},
    {"pointer*", CUE_code},
    {"polish", CUE_translate},
    {"polite*", CUE_write},
    {"population", CUE_fact},
    {"portfolio*", CUE_special},
    {"portuguese", CUE_translate},
    {"positive", CUE_label},
    {"pourquoi", CUE_reason},
    {"president", CUE_fact},
    {"prime*", CUE_maths},
    {"prioriti*", CUE_reason},
    {"probabilit*", CUE_maths},
    {"proceed", CUE_follow},
    {"programm*", CUE_code},
    {"programmier*", CUE_code},
    {"proof*", CUE_proof},
    {"prove*", CUE_proof},
    {"puzzle*", CUE_reason},
    {"python", CUE_code},
    {"quantum", CUE_special},
    {"quelle", CUE_fact},
    {"qué", CUE_fact},
    {"refactor*", CUE_code},
    {"regex*", CUE_code},
    {"rephrase*", CUE_write},
    {"resum*", CUE_summarize},
    {"rewrite*", CUE_write},
    {"riddle*", CUE_reason},
    {"rigorous*", CUE_proof},
    {"rust", CUE_code},
    {"résum*", CUE_summarize},
    {"schedul*", CUE_reason},
    {"schreib*", CUE_write},
    {"sentiment", CUE_label},
    {"shorten*", CUE_summarize},
    {"simpl*", CUE_easy},
    {"slogan*", CUE_write},
    {"solve*", CUE_maths},
    {"spam", CUE_label},
    {"spanish", CUE_translate},
    {"spell*", CUE_easy},
    {"sql", CUE_code},
    {"stacktrace", CUE_code},
    {"statut*", CUE_special},
    {"statute*", CUE_special},
    {"step", CUE_reason},
    {"story", CUE_write},
    {"strateg*", CUE_reason},
    {"subtract", CUE_maths},
    {"sum", CUE_maths},
    {"summar*", CUE_summarize},
    {"sure", CUE_follow},
    {"symptom*", CUE_special},
    {"table", CUE_extract},
    {"tax*", CUE_special},
    {"test*", CUE_code},
    {"thank*", CUE_follow},
    {"theorem*", CUE_proof},
    {"theory", CUE_hard},
    {"thread*", CUE_code},
    {"times", CUE_maths},
    {"tldr", CUE_summarize},
    {"tone", CUE_write},
    {"topolog*", CUE_proof},
    {"trade-off*", CUE_hard},
    {"tradeoff*", CUE_hard},
    {"traduci*", CUE_translate},
    {"traduire", CUE_translate},
    {"translat*", CUE_translate},
    {"triangle*", CUE_maths},
    {"truth*", CUE_reason},
    {"typescript", CUE_code},
    {"valuation*", CUE_special},
    {"wann", CUE_fact},
    {"warum", CUE_reason},
    {"welche*", CUE_fact},
    {"wer", CUE_fact},
    {"what", CUE_fact},
    {"when", CUE_fact},
    {"where", CUE_fact},
    {"which", CUE_fact},
    {"who", CUE_fact},
    {"why", CUE_reason},
    {"word", CUE_easy},
    {"yaml", CUE_extract},
    {"year", CUE_fact},
    {"yes", CUE_follow},
    {"yesterday", CUE_fact},
    {"zusammenfass*", CUE_summarize},
    {"écri*", CUE_write},
    {"übersetz*", CUE_translate},
};

/* Compares a word of the text with an entry: 0 when the entry covers it. */
static int
compare(struct str word, const struct word *w)
{
	size_t len = strlen(w->text);
	bool stem = w->text[len - 1] == '*';
	size_t stem_len = stem ? len - 1 : len;
	size_t common = word.len < stem_len ? word.len : stem_len;
	int order = memcmp(word.p, w->text, common);

	if (order != 0)
		return order;
	if (word.len < stem_len)
		return -1;
	return stem || word.len == stem_len ? 0 : 1;
}

bool
word_cue(struct str word, enum cue *ret)
{
	size_t lo = 0, hi = nitems(words);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = compare(word, &words[mid]);

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
		struct str before = str_of(words[i - 1].text);

		before.len -= before.p[before.len - 1] == '*';
		if (compare(before, &words[i]) >= 0)
			return false;
	}
	return true;
}
