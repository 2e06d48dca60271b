/* init_look.c: keys in the environment and servers on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "init.h"
#include "look.h"

#define PROBE_MS    700L
#define PROBE_BYTES ((size_t)4 << 20)
#define IDS_MAX     200U

static const struct place places[] = {
    {.provider = "openai",
	.api = "openai",
	.url = "https://api.openai.com/v1",
	.region = "us",
	.key = "OPENAI_API_KEY",
	.note = "OpenAI",
	.more = "",
	.models = {"openai/gpt-5.6-sol", "openai/gpt-5.6-luna"}},
    {.provider = "anthropic",
	.api = "anthropic",
	.url = "https://api.anthropic.com",
	.region = "us",
	.key = "ANTHROPIC_API_KEY",
	.note = "Anthropic",
	.more = "",
	.models = {"anthropic/claude-opus-5", "anthropic/claude-sonnet-5"}},
    {.provider = "google",
	.api = "openai",
	.url = "https://generativelanguage.googleapis.com/v1beta/openai",
	.region = "us",
	.key = "GEMINI_API_KEY",
	.note = "Google Gemini",
	.more = "",
	.models = {"google/gemini-3.1-pro-preview", "google/gemini-3.5-flash-lite"}},
    {.provider = "mistral",
	.api = "openai",
	.url = "https://api.mistral.ai/v1",
	.region = "eu",
	.key = "MISTRAL_API_KEY",
	.note = "Mistral",
	.more = ", stream_usage: false",
	.models = {"mistral/mistral-medium-3-5", "mistral/mistral-small-2603"}},
    {.provider = "deepseek",
	.api = "openai",
	.url = "https://api.deepseek.com/v1",
	.region = "cn",
	.key = "DEEPSEEK_API_KEY",
	.note = "DeepSeek",
	.more = "",
	.models = {"deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash"}},
    {.provider = "ollama",
	.api = "openai",
	.url = "http://127.0.0.1:11434/v1",
	.region = "onprem",
	.note = "Ollama",
	.more = ", local: true"},
    {.provider = "llamacpp",
	.api = "openai",
	.url = "http://127.0.0.1:8080/v1",
	.region = "onprem",
	.note = "llama.cpp",
	.more = ", local: true"},
};

/* ---- names ---- */

static const char *
behind_slash(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash == NULL ? id : slash + 1;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* "qwen3:32b" and "/models/x.gguf" as a policy may name them: at most 39 of
 * [A-Za-z0-9._-], a letter or digit first. */
static const char *
policy_name(struct arena *mem, const char *id)
{
	char *name = arena_printf(mem, "%.39s", behind_slash(id));

	for (char *p = name; *p != '\0'; p++) {
		if (!name_char(*p))
			*p = '-';
	}
	while (*name == '.' || *name == '_' || *name == '-')
		name++;
	return name;
}

/* Exact beats a pattern, the longest of which wins. */
static const struct catalogue_model *
find_served(const struct catalogue *known, const char *id)
{
	const struct catalogue_model *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < catalogue_count(known); i++) {
		const struct catalogue_model *m = catalogue_at(known, i);

		for (size_t k = 0; m->match != NULL && m->match[k] != NULL; k++) {
			size_t len = strlen(m->match[k]);

			if (strcmp(m->match[k], id) == 0)
				return m;
			if (len > longest &&
			    str_glob(str_of(m->match[k]), str_of(id))) {
				best = m;
				longest = len;
			}
		}
	}
	return best;
}

/* ---- looking ---- */

static bool
listed(const struct found *f, const char *name)
{
	for (unsigned i = 0; i < f->models; i++) {
		if (strcmp(f->model[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Known models first: of them we know what they can. */
static void
take_models(struct cli *c, const struct catalogue *known, const char *const *ids,
    unsigned count, struct found *ret)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < count && ret->models < FOUND_MODELS; i++) {
			const struct catalogue_model *m = find_served(known, ids[i]);
			const char *name = policy_name(c->mem, ids[i]);

			if ((m != NULL) != (pass == 0) || name[0] == '\0' ||
			    strstr(ids[i], "embed") != NULL || listed(ret, name))
				continue;
			ret->model[ret->models++] = (struct found_model){
			    .name = name, .served_as = ids[i], .known = m};
		}
	}
}

/* What is taken of it: the catalogue's best and its cheap one, or what a server has. */
static void
put_names(const struct found *f)
{
	for (unsigned i = 0; i < f->models; i++)
		fprintf(stderr, "%s%s", i == 0 ? ": takes " : ", ", f->model[i].name);
	fputc('\n', stderr);
}

static bool
probe(struct cli *c, const struct catalogue *known, struct found *ret)
{
	struct call call = {.url = arena_printf(c->mem, "%s/models", ret->place->url),
	    .timeout_ms = PROBE_MS};
	const char *ids[IDS_MAX];
	struct buf body;
	long status;

	buf_init(&body, PROBE_BYTES);
	status = client_call(&call, &body);
	if (status == 200)
		take_models(c, known, ids,
		    look_models(buf_str(&body), c->mem, ids, IDS_MAX), ret);
	if (status == 0) {
		fprintf(stderr, "  no     %s: nothing at %s\n", ret->place->note,
		    ret->place->url);
	} else if (ret->models == 0) {
		fprintf(stderr, "  no     %s: %s serves no models (HTTP %ld)\n",
		    ret->place->note, ret->place->url, status);
	} else {
		fprintf(stderr, "  found  %s at %s", ret->place->note, ret->place->url);
		put_names(ret);
	}
	buf_fini(&body);
	return ret->models > 0;
}

static bool
has_key(const struct catalogue *known, struct found *ret)
{
	const struct place *p = ret->place;
	const char *value = getenv(p->key);

	if (value == NULL || value[0] == '\0') {
		fprintf(stderr, "  no     %s: %s is not set\n", p->note, p->key);
		return false;
	}
	for (size_t i = 0; i < nitems(p->models); i++) {
		const struct catalogue_model *m =
		    catalogue_find(known, str_of(p->models[i]));

		if (m != NULL)
			ret->model[ret->models++] = (struct found_model){
			    .name = behind_slash(m->id), .known = m};
	}
	fprintf(stderr, "  found  %s: its key in %s", p->note, p->key);
	put_names(ret);
	return ret->models > 0;
}

unsigned
init_look(struct cli *c, const struct catalogue *known, struct found *ret, unsigned max)
{
	unsigned n = 0;

	for (size_t i = 0; i < nitems(places) && n < max; i++) {
		ret[n] = (struct found){.place = &places[i]};
		if (places[i].key != NULL ? has_key(known, &ret[n])
					  : probe(c, known, &ret[n]))
			n++;
	}
	return n;
}
