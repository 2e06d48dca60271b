/* libs: base edge */
/* fuzz_head.c: any bytes as a request's head: what is let through says in one way only
 * where its body ends, and an address is a slice of what was said. */
#include <stdint.h>
#include <stdlib.h>

#include "guard.h"
#include "peer.h"
#include "wire.h"

#define FIELDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct str
line_of(struct str *rest)
{
	struct str line = {.p = "", .len = 0};

	if (str_split(rest, '\n', &line) && line.len > 0 &&
	    line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* As a reader would that believes everything. */
static void
read_head(struct str rest, struct http_head *ret, struct http_field *field)
{
	struct str line = line_of(&rest), part = line;

	ret->field = field;
	(void)str_split(&line, ' ', &ret->method);
	(void)str_split(&line, ' ', &ret->target);
	ret->version = line.p == NULL ? str_make("", 0) : line;
	while (ret->fields < FIELDS_MAX && (line = line_of(&rest)).len > 0) {
		(void)str_split(&line, ':', &part);
		field[ret->fields].name = part;
		field[ret->fields++].value =
		    str_trim(line.p == NULL ? str_make("", 0) : line);
	}
}

static void
check_framing(const struct http_head *h, const struct framing *f)
{
	bool chunked = head_count(h, STR("transfer-encoding")) == 1;

	must(head_count(h, STR("content-length")) + chunked <= 1);
	must(head_count(h, STR("host")) <= 1);
	must(f->body == (f->content_length != 0));
	must(chunked == (f->content_length == -1));
	must(f->content_length >= -1);
}

static void
check_peer(struct str list)
{
	static const char *const networks[] = {"127.0.0.0/8", "::/3", NULL};
	struct str direct = STR("127.0.0.1");
	struct str client = peer_client(direct, list, networks);

	must(client.p == direct.p ||
	     (client.p >= list.p && client.p + client.len <= list.p + list.len));
	must(client.len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str bytes = str_make((const char *)data, len), target;
	struct http_field field[FIELDS_MAX];
	struct http_head h = {.method = STR(""), .target = STR("")};
	struct framing f;

	if (len == 0)
		return 0;
	if (wire_check(bytes, &target) == NULL)
		must(target.len <= len);
	read_head(bytes, &h, field);
	if (guard_check(&h, &f) == NULL)
		check_framing(&h, &f);
	check_peer(bytes);
	return 0;
}
