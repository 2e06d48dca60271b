/* report_csv.c: a cost summary for spreadsheets. */
#include <stdio.h>
#include <string.h>

#include "report.h"

static const char *const numbers[] = {"requests", "attempts", "failed_attempts",
    "input_tokens", "output_tokens", "cost_usd", "per_request_usd", "share_of_cost",
    "saved_usd", "unpriced"};

/* A text of others that a spreadsheet would
 * take for a formula gets a quote in front. */
static void
put_text(const char *text)
{
	bool formula = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;

	putchar('"');
	if (formula)
		putchar('\'');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			putchar('"');
		putchar((unsigned char)*p < ' ' || *p == 0x7F ? '?' : *p);
	}
	putchar('"');
}

static void
put_number(const json_t *v)
{
	if (json_is_string(v))
		fputs(json_string_value(v), stdout);
	else if (json_is_number(v))
		json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
}

static void
put_row(const json_t *group_by, const json_t *row)
{
	bool rest = json_is_true(json_object_get(row, "rest"));
	const json_t *name;
	size_t i;

	json_array_foreach(group_by, i, name)
	{
		const char *value =
		    json_string_value(json_object_get(row, json_string_value(name)));

		if (i > 0)
			putchar(',');
		put_text(rest ? "(rest)" : value == NULL ? "" : value);
	}
	for (size_t k = 0; k < nitems(numbers); k++) {
		putchar(',');
		put_number(json_object_get(row, numbers[k]));
	}
	fputs("\r\n", stdout);
}

void
report_csv(struct cli *c, const json_t *summary)
{
	const json_t *group_by = json_object_get(summary, "group_by");
	const json_t *rows = json_object_get(summary, "rows"), *entry;
	size_t i;

	(void)c;
	json_array_foreach(group_by, i, entry)
	{
		printf("%s%s", i == 0 ? "" : ",", json_string_value(entry));
	}
	for (size_t k = 0; k < nitems(numbers); k++)
		printf(",%s", numbers[k]);
	fputs("\r\n", stdout);
	json_array_foreach(rows, i, entry)
	{
		put_row(group_by, entry);
	}
}
