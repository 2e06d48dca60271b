/* classifier_train.c: `frugald classifier train`: weights from rows with labels. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier.h"

/* ---- parameters ---- */

static const struct {
	const char *name;
	size_t at;
	float def;
} settings[] = {
    {"l2_words", offsetof(struct train_options, l2_words), 3},
    {"l2_surface", offsetof(struct train_options, l2_surface), 200},
    {"requests", offsetof(struct train_options, requests), 8},
    {"l2_class", offsetof(struct train_options, l2_class), 2},
    {"l2_tier_words", offsetof(struct train_options, l2_tier_words), 0.1F},
    {"l2_tier_surface", offsetof(struct train_options, l2_tier_surface), 30},
    {"need_tier", offsetof(struct train_options, need_tier), 0.1F},
};

static bool
set_one(struct cli *c, struct str pair, struct train_options *o)
{
	struct str name;
	char number[32], *end;
	float value;

	(void)str_split(&pair, '=', &name);
	str_copy(number, sizeof(number), pair);
	value = strtof(number, &end);
	for (size_t i = 0; i < nitems(settings); i++) {
		if (!str_is(name, settings[i].name))
			continue;
		if (number[0] == '\0' || *end != '\0' || !(value >= 0)) {
			cli_misuse(c, "--set %s: expected a number from 0, not '%s'",
			    settings[i].name, number);
			return false;
		}
		*(float *)(void *)((char *)o + settings[i].at) = value;
		return true;
	}
	cli_misuse(c,
	    "--set: there is no '%.*s'; there are l2_words, l2_surface, l2_class, "
	    "l2_tier_words, l2_tier_surface, need_tier",
	    (int)name.len, name.p);
	return false;
}

static bool
read_settings(struct cli *c, struct train_options *o)
{
	struct str rest = str_of(c->opt[OPT_set]), pair;
	uint64_t seed = 1;

	for (size_t i = 0; i < nitems(settings); i++)
		*(float *)(void *)((char *)o + settings[i].at) = settings[i].def;
	o->rounds = 80;
	while (rest.len > 0 && str_split(&rest, ',', &pair)) {
		if (!set_one(c, pair, o))
			return false;
	}
	if (c->opt[OPT_seed] != NULL && !str_to_u64(str_of(c->opt[OPT_seed]), &seed)) {
		cli_misuse(
		    c, "--seed: expected a whole number, not '%s'", c->opt[OPT_seed]);
		return false;
	}
	o->seed = (unsigned)seed;
	return true;
}

/* ---- sources ---- */

struct source {
	const char *name;
	unsigned rows;
};

struct training {
	struct cli *c;
	struct trainer *t;
	struct source source[LESSON_SOURCES];
	unsigned sources;
	int64_t start_ns;
};

/* Labelled requests without a source are one. */
static unsigned
source_index(struct training *x, const char *name)
{
	unsigned i = 0;

	if (name[0] == '\0')
		name = "requests";
	while (i < x->sources && strcmp(x->source[i].name, name) != 0)
		i++;
	if (i == LESSON_SOURCES)
		return LESSON_SOURCES - 1;
	if (i == x->sources) {
		x->source[i].name = arena_str(x->c->mem, str_of(name));
		x->sources++;
	}
	x->source[i].rows++;
	return i;
}

static bool
add_row(void *arg, struct row_read *row)
{
	struct training *x = arg;

	row->lesson.source = source_index(x, row->source);
	if (row->is_request)
		trainer_add(x->t, &row->task, &row->prompt, &row->lesson);
	else
		trainer_add_text(x->t, row->text, &row->lesson);
	return true;
}

/* ---- the manifest ---- */

static void
put_source_files(struct training *x, struct json *j)
{
	json_array_begin(j, "files");
	for (unsigned i = 0; i < x->c->args; i++) {
		const char *path = x->c->arg[i], *slash = strrchr(path, '/');
		struct buf text;
		struct sha256 hash;
		char hex[65];

		buf_init(&text, ROW_FILE_BYTES);
		if (!x->c->env->read_file(x->c->env, path, ROW_FILE_BYTES - 1, &text))
			buf_clear(&text);
		hash = hash_sha256(buf_str(&text));
		hash_sha256_hex(&hash, hex);
		buf_fini(&text);
		json_object_begin(j, NULL);
		json_str(j, "name", str_of(slash == NULL ? path : slash + 1));
		json_str(j, "sha256", str_of(hex));
		json_object_end(j);
	}
	json_array_end(j);
}

static void
put_manifest(struct training *x, const struct train_options *o, struct buf *ret)
{
	struct json j;

	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_int(&j, "seed", o->seed);
	for (size_t i = 0; i < nitems(settings); i++)
		json_num(&j, settings[i].name,
		    (double)*(
			const float *)(const void *)((const char *)o + settings[i].at),
		    6);
	json_object_begin(&j, "sources");
	for (unsigned i = 0; i < x->sources; i++)
		json_int(&j, x->source[i].name, x->source[i].rows);
	json_object_end(&j);
	put_source_files(x, &j);
	json_object_end(&j);
}

/* ---- the verb ---- */

static void
say(void *arg, const char *line)
{
	struct training *x = arg;
	int64_t ms = (x->c->env->mono_ns(x->c->env) - x->start_ns) / NS_PER_MS;

	fprintf(stderr, "%6.1f s  %s\n", (double)ms / 1000, line);
}

static int
fit_and_write(struct training *x, const struct train_options *o, const char *path)
{
	struct env *env = x->c->env;
	struct buf manifest, file;
	int code = CLI_found;

	buf_init(&manifest, 1 << 16);
	buf_init(&file, CLASSIFIER_BYTES_MAX);
	put_manifest(x, o, &manifest);
	if (!trainer_fit(x->t, buf_str(&manifest), &file))
		cli_fail("there are no rows to learn from");
	else if (!env->write_file(env, path, buf_str(&file)))
		cli_fail("%s cannot be written: %s", path, strerror(errno));
	else
		code = CLI_fine;
	if (code == CLI_fine)
		printf("%s: %zu bytes\n", path, file.len);
	buf_fini(&manifest);
	buf_fini(&file);
	return code;
}

int
verb_classifier_train(struct cli *c)
{
	struct training *x = arena_alloc(c->mem, sizeof(*x));
	struct train_options o = {.say = say, .arg = x};
	const char *path = c->opt[OPT_output];
	struct rows rows;
	int code = CLI_found;
	bool ok = true;

	*x = (struct training){.c = c, .start_ns = c->env->mono_ns(c->env)};
	if (path == NULL)
		return cli_misuse(c, "name the file to write with --output");
	if (!read_settings(c, &o))
		return CLI_usage;
	x->t = trainer_new(&o);
	rows_init(&rows, c);
	for (unsigned i = 0; ok && i < c->args; i++) {
		say(x, c->arg[i]);
		ok = rows_each(&rows, c->arg[i], add_row, x);
	}
	if (ok)
		code = fit_and_write(x, &o, path);
	rows_fini(&rows);
	trainer_free(x->t);
	return code;
}
