/* peek.c: finds values in JSON text by counting brackets. */
#include "peek.h"

#include "base/scan.h"

static struct str
skip_blanks(struct str s)
{
	while (
	    s.len > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r'))
		s = str_skip(s, 1);
	return s;
}

/* With both quotes; 0: it does not end. */
static size_t
string_bytes(struct str s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

static size_t
container_bytes(struct str s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '"') {
			size_t n = string_bytes(str_skip(s, i));

			if (n == 0)
				return 0;
			i += n - 1;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static size_t
word_bytes(struct str s)
{
	size_t n = 0;

	while (n < s.len && strchr(",]}: \t\r\n", s.p[n]) == NULL)
		n++;
	return n;
}

static bool
take_value(struct str *rest, struct str *ret)
{
	struct str s = skip_blanks(*rest);
	size_t n;

	if (s.len == 0)
		return false;
	if (*s.p == '"')
		n = string_bytes(s);
	else if (*s.p == '{' || *s.p == '[')
		n = container_bytes(s);
	else
		n = word_bytes(s);
	if (n == 0)
		return false;
	*ret = str_make(s.p, n);
	*rest = skip_blanks(str_skip(s, n));
	return true;
}

static void
take_comma(struct str *rest)
{
	if (rest->len > 0 && *rest->p == ',')
		*rest = str_skip(*rest, 1);
}

struct str
peek_open(struct str container)
{
	struct str s = skip_blanks(container);

	if (s.len < 2 || (*s.p != '{' && *s.p != '['))
		return str_make("", 0);
	return str_skip(s, 1);
}

bool
peek_next_member(struct str *rest, struct str *ret_key, struct str *ret_value)
{
	struct str key;

	if (!take_value(rest, &key) || *key.p != '"' || rest->len == 0 ||
	    *rest->p != ':')
		return false;
	*rest = str_skip(*rest, 1);
	if (!take_value(rest, ret_value))
		return false;
	*ret_key = peek_text(key);
	take_comma(rest);
	return true;
}

bool
peek_next_element(struct str *rest, struct str *ret_value)
{
	if (!take_value(rest, ret_value))
		return false;
	take_comma(rest);
	return true;
}

struct str
peek_member(struct str object, const char *key)
{
	struct str rest = peek_open(object), name, value;

	if (!peek_is_object(object))
		return str_make("", 0);
	while (peek_next_member(&rest, &name, &value)) {
		if (str_is(name, key))
			return value;
	}
	return str_make("", 0);
}

struct str
peek_text(struct str value)
{
	if (value.len < 2 || *value.p != '"')
		return str_make("", 0);
	return str_make(value.p + 1, value.len - 2);
}

int64_t
peek_int(struct str value, int64_t fallback)
{
	int64_t n;

	return scan_int(value, &n) ? n : fallback;
}

bool
peek_true(struct str value)
{
	return str_is(value, "true");
}

bool
peek_is_object(struct str value)
{
	value = skip_blanks(value);
	return value.len > 0 && *value.p == '{';
}

bool
peek_is_array(struct str value)
{
	value = skip_blanks(value);
	return value.len > 0 && *value.p == '[';
}

bool
peek_whole(struct str text)
{
	struct str value;

	return take_value(&text, &value) && peek_is_object(value) && text.len == 0;
}
