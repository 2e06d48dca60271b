/* own_books.c: price books of contracts, from files or from what was kept of them.
 *
 * Kept they are one text, for each book "book BYTES PATH", a line of its own, and
 * behind it its bytes and a newline. */
#include "own_books.h"

#include <errno.h>
#include <string.h>

#define ID_MAX 46

struct kept_book {
	struct str path, text;
};

/* Takes the next one off. False: there is no further one. */
static bool
next_kept(struct str *rest, struct kept_book *ret)
{
	struct str line, word;
	uint64_t bytes;

	if (!str_split(rest, '\n', &line) || !str_split(&line, ' ', &word) ||
	    !str_is(word, "book") || !str_split(&line, ' ', &word) ||
	    !str_to_u64(word, &bytes) || bytes >= rest->len)
		return false;
	*ret =
	    (struct kept_book){.path = line, .text = str_make(rest->p, (size_t)bytes)};
	*rest = str_skip(*rest, (size_t)bytes + 1);
	return true;
}

/* False after a finding. */
static bool
read_book(struct build *b, const char *path, struct diag_place at, struct buf *ret)
{
	struct str rest = b->texts != NULL ? b->texts->contracts : (struct str){0};
	struct kept_book kept;

	if (b->texts == NULL) {
		if (b->env->read_file(b->env, path, TREE_BYTES_MAX, ret))
			return true;
		diag_error(b->r.d, at, "'%s' cannot be read: %s; check the path", path,
		    strerror(errno));
		return false;
	}
	while (next_kept(&rest, &kept)) {
		if (str_is(kept.path, path)) {
			return buf_append(ret, kept.text.p, kept.text.len);
		}
	}
	diag_error(b->r.d, at, "'%s' was not kept", path);
	return false;
}

/* A row of the ledger holds so much. */
static void
check_ids(struct build *b, const struct price_book *book, struct diag_place at)
{
	for (size_t i = 0; i < price_book_count(book); i++) {
		const char *id = price_book_at(book, i)->id;

		if (strlen(id) > ID_MAX)
			diag_error(b->r.d, at,
			    "the id '%s' in it is longer than %d characters; shorten "
			    "it",
			    id, ID_MAX);
	}
}

const struct price_book *
own_book(struct build *b, struct own_books *o, const char *path, struct diag_place at)
{
	struct price_book *book = NULL;
	struct buf text;

	for (unsigned i = 0; i < o->count; i++) {
		if (strcmp(o->path[i], path) == 0)
			return o->book[i];
	}
	if (o->count == CONTRACT_BOOKS) {
		diag_error(b->r.d, at,
		    "prices: at most %d price books of contracts; put them together",
		    CONTRACT_BOOKS);
		return NULL;
	}
	buf_init(&text, TREE_BYTES_MAX + 1);
	if (read_book(b, path, at, &text))
		book =
		    price_book_parse(buf_str(&text), diag_keep(b->r.d, path), b->r.d);
	buf_fini(&text);
	if (book == NULL)
		return NULL;
	check_ids(b, book, at);
	price_book_prefix(book, CONTRACT_ID);
	o->path[o->count] = path;
	o->book[o->count++] = book;
	return book;
}

void
own_books_print(const struct own_books *o, struct buf *ret)
{
	for (unsigned i = 0; i < o->count; i++) {
		struct str text = price_book_text(o->book[i]);

		buf_printf(ret, "book %zu %s\n", text.len, o->path[i]);
		if (text.len == 0 || !buf_append(ret, text.p, text.len))
			continue;
		buf_add(ret, "\n");
	}
}

void
own_books_fini(struct own_books *o)
{
	for (unsigned i = 0; i < o->count; i++)
		price_book_free(o->book[i]);
	o->count = 0;
}

unsigned
contract_books(struct str kept, struct price_book **ret, unsigned cap)
{
	struct kept_book one;
	unsigned count = 0;

	while (count < cap && next_kept(&kept, &one)) {
		struct diag *d = diag_new();
		struct price_book *book = price_book_parse(one.text, "(kept)", d);

		diag_free(d);
		if (book == NULL)
			continue;
		price_book_prefix(book, CONTRACT_ID);
		ret[count++] = book;
	}
	return count;
}
