/* classifier_run.c: `frugald classifier run`: a verdict for every line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "classifier.h"

#define LINE_OUT_BYTES ((size_t)1 << 16)

const struct classifier *
classifier_given(struct cli *c)
{
	const char *path = c->opt[OPT_weights], *why;
	const struct classifier *weights;
	struct buf file;
	char *kept;

	if (path == NULL)
		return classifier_builtin();
	buf_init(&file, CLASSIFIER_BYTES_MAX + 1);
	if (!c->env->read_file(c->env, path, CLASSIFIER_BYTES_MAX, &file)) {
		cli_fail("%s cannot be read: %s", path, strerror(errno));
		buf_fini(&file);
		return NULL;
	}
	kept = arena_alloc(c->mem, file.len + 1);
	memcpy(kept, buf_str(&file).p, file.len);
	weights = classifier_open(str_make(kept, file.len), &why);
	buf_fini(&file);
	if (weights == NULL)
		cli_fail("%s: %s", path, why);
	return weights;
}

struct run {
	struct cli *c;
	const struct classifier *weights;
	struct buf out;
};

/* As it came: ids are often numbers. */
static void
put_id(struct json *j, const struct row_read *row)
{
	const json_t *number = json_object_get(row->json, "id");

	if (number == NULL)
		number = json_object_get(row->json, "qid");
	if (json_is_integer(number))
		json_int(j, "id", json_integer_value(number));
	else
		json_str(j, "id", str_of(row->id));
}

static bool
print_verdict(void *arg, struct row_read *row)
{
	struct run *x = arg;
	struct verdict v;
	struct json j;
	int64_t start = x->c->env->mono_ns(x->c->env), took;

	classify_row(x->weights, row, &v);
	took = x->c->env->mono_ns(x->c->env) - start;
	buf_clear(&x->out);
	json_init(&j, &x->out);
	json_object_begin(&j, NULL);
	put_id(&j, row);
	json_num(&j, "complexity", (double)v.complexity, 6);
	json_str(&j, "class", str_of(class_name(v.class)));
	json_num(&j, "p_small", (double)v.p_small, 6);
	json_num(&j, "p_frontier", (double)v.p_frontier, 6);
	json_num(&j, "need", (double)v.need, 6);
	json_num(&j, "confidence", (double)v.confidence, 4);
	json_num(&j, "us", (double)took / 1000, 4);
	json_object_end(&j);
	puts(x->out.p);
	return true;
}

/* Line by line, so that it may stand in a pipe. */
static bool
run_input(struct rows *rows, struct run *x)
{
	char piece[65536];
	struct buf line;
	bool ok = true;
	unsigned number = 0;

	buf_init(&line, ROW_LINE_BYTES);
	while (ok && fgets(piece, sizeof(piece), stdin) != NULL) {
		struct row_read row;

		ok = buf_append_str(&line, str_of(piece));
		if (ok && line.p[line.len - 1] != '\n' && !feof(stdin))
			continue;
		number++;
		if (ok && str_trim(buf_str(&line)).len > 0) {
			ok = rows_read(rows, buf_str(&line), &row);
			if (ok)
				print_verdict(x, &row);
			row_done(&row);
		}
		buf_clear(&line);
		if (!ok)
			cli_fail("line %u: %s", number,
			    rows->why == NULL ? "it is too long" : rows->why);
		fflush(stdout);
	}
	buf_fini(&line);
	return ok;
}

int
verb_classifier_run(struct cli *c)
{
	struct run x = {.c = c};
	struct rows rows;
	bool ok = true;

	x.weights = classifier_given(c);
	if (x.weights == NULL)
		return CLI_found;
	buf_init(&x.out, LINE_OUT_BYTES);
	rows_init(&rows, c);
	if (c->args == 0)
		ok = run_input(&rows, &x);
	for (unsigned i = 0; ok && i < c->args; i++)
		ok = rows_each(&rows, c->arg[i], print_verdict, &x);
	rows_fini(&rows);
	buf_fini(&x.out);
	return ok ? CLI_fine : CLI_found;
}
