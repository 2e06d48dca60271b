/* value.c: how values are spelt in our files, to numbers and back. */
#include "value.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"

#define NAME_LEN_MAX 39

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest last: reading takes the one that fits, writing the largest that divides. */
static const struct unit times[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit sizes[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

bool
value_int(struct str s, int64_t *ret)
{
	uint64_t v;

	if (!str_to_u64(s, &v) || v > INT64_MAX)
		return false;
	*ret = (int64_t)v;
	return true;
}

static size_t
digits(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n;
}

bool
value_number(struct str s, double *ret)
{
	char text[32];
	size_t whole = digits(s), part;

	if (whole == 0 || s.len >= sizeof(text))
		return false;
	if (whole < s.len) {
		part = digits(str_skip(s, whole + 1));
		if (s.p[whole] != '.' || part == 0 || whole + 1 + part != s.len)
			return false;
	}
	str_copy(text, sizeof(text), s);
	*ret = strtod(text, NULL);
	return true;
}

static bool
with_unit(struct str s, const struct unit *u, size_t count, int64_t *ret)
{
	size_t n = digits(s);
	int64_t v;

	for (size_t i = 0; i < count; i++) {
		if (!str_is(str_skip(s, n), u[i].name))
			continue;
		if (!value_int(str_make(s.p, n), &v) || v > INT64_MAX / u[i].factor)
			return false;
		*ret = v * u[i].factor;
		return true;
	}
	return false;
}

static void
put_unit(struct buf *b, int64_t v, const struct unit *u, size_t count)
{
	size_t i = count - 1;

	while (i > 0 && v % u[i].factor != 0)
		i--;
	buf_printf(b, "%lld%s", (long long)(v / u[i].factor), u[i].name);
}

bool
value_ms(struct str s, int64_t *ret)
{
	return with_unit(s, times, nitems(times), ret);
}

bool
value_bytes(struct str s, int64_t *ret)
{
	return with_unit(s, sizes, nitems(sizes), ret);
}

bool
value_percent(struct str s, double *ret)
{
	double v;

	if (s.len < 2 || s.p[s.len - 1] != '%' ||
	    !value_number(str_make(s.p, s.len - 1), &v))
		return false;
	*ret = v / 100;
	return true;
}

/* "YYYY-MM-DD", then nothing or "THH:MM:SSZ". */
bool
value_time(struct str s, int64_t *ret_utc_s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	struct tm t = {0}, same;
	char text[sizeof(shape)];
	time_t at;

	if (s.len != 10 && s.len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';

		if (shape[i] == 'd' ? !digit : s.p[i] != shape[i])
			return false;
	}
	str_copy(text, sizeof(text), s);
	t.tm_year = (int)strtol(text, NULL, 10) - 1900;
	t.tm_mon = (int)strtol(text + 5, NULL, 10) - 1;
	t.tm_mday = (int)strtol(text + 8, NULL, 10);
	if (s.len > 10) {
		t.tm_hour = (int)strtol(text + 11, NULL, 10);
		t.tm_min = (int)strtol(text + 14, NULL, 10);
		t.tm_sec = (int)strtol(text + 17, NULL, 10);
	}
	same = t;
	at = timegm(&t);
	/* The 31st of February has become a day of March. */
	if (t.tm_mday != same.tm_mday || t.tm_mon != same.tm_mon ||
	    t.tm_hour != same.tm_hour || t.tm_min != same.tm_min ||
	    t.tm_sec != same.tm_sec)
		return false;
	*ret_utc_s = at;
	return true;
}

bool
value_price(struct str s, int64_t *ret_pusd)
{
	struct pusd v;

	if (!pusd_parse(s, &v) || v.v % 1000000 != 0)
		return false;
	*ret_pusd = v.v / 1000000;
	return true;
}

/* "host:port" or "[host]:port"; the host numeric, so that nothing is looked up. */
bool
value_address(struct str s, struct str *ret_host, uint16_t *ret_port)
{
	char host[64];
	unsigned char raw[16];
	size_t colon = s.len;
	struct str h;
	int64_t port;

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || !value_int(str_skip(s, colon), &port) || port > 65535)
		return false;
	h = str_make(s.p, colon - 1);
	if (h.len > 2 && h.p[0] == '[' && h.p[h.len - 1] == ']') {
		h = str_make(h.p + 1, h.len - 2);
		str_copy(host, sizeof(host), h);
		if (inet_pton(AF_INET6, host, raw) != 1)
			return false;
	} else {
		str_copy(host, sizeof(host), h);
		if (inet_pton(AF_INET, host, raw) != 1)
			return false;
	}
	*ret_host = h;
	*ret_port = (uint16_t)port;
	return true;
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool
value_name(struct str s)
{
	if (s.len == 0 || s.len > NAME_LEN_MAX || !is_word(s.p[0]))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (!is_word(s.p[i]) && strchr("._-/", s.p[i]) == NULL)
			return false;
	}
	return true;
}

void
value_put_ms(struct buf *b, int64_t ms)
{
	if (ms == 0)
		buf_add(b, "0s");
	else
		put_unit(b, ms, times, nitems(times));
}

void
value_put_bytes(struct buf *b, int64_t bytes)
{
	if (bytes == 0)
		buf_add(b, "0");
	else
		put_unit(b, bytes, sizes, nitems(sizes));
}

/* At most nine places, without trailing zeros. */
void
value_put_number(struct buf *b, double v)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%.9f", v);

	while (n > 0 && text[n - 1] == '0')
		n--;
	if (n > 0 && text[n - 1] == '.')
		n--;
	text[n] = '\0';
	buf_add(b, text);
}

void
value_put_percent(struct buf *b, double share)
{
	value_put_number(b, round(share * 1e9) / 1e7);
	buf_add(b, "%");
}

/* Cents at least: "2.00", "0.005". */
void
value_put_usd(struct buf *b, struct pusd v)
{
	char text[PUSD_TEXT_BYTES];
	size_t len;

	pusd_format(v, text);
	len = strlen(text);
	while (len > 3 && text[len - 1] == '0' && text[len - 3] != '.')
		len--;
	text[len] = '\0';
	buf_add(b, text);
}

void
value_put_time(struct buf *b, int64_t utc_s)
{
	time_t at = (time_t)utc_s;
	struct tm t;
	char text[32];

	if (gmtime_r(&at, &t) == NULL)
		return;
	(void)strftime(text, sizeof(text),
	    utc_s % 86400 == 0 ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &t);
	buf_add(b, text);
}

static bool
plain_is_safe(struct str s)
{
	static const char *const nulls[] = {"null", "Null", "NULL"};

	if (s.len == 0 || (!is_word(s.p[0]) && s.p[0] != '/' && s.p[0] != '_'))
		return false;
	for (size_t i = 0; i < nitems(nulls); i++) {
		if (str_is(s, nulls[i]))
			return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool inner_colon = c == ':' && i + 1 < s.len && s.p[i + 1] != ':';

		if (!is_word(c) && !inner_colon &&
		    (c == '\0' || strchr("._-/%+@", c) == NULL))
			return false;
	}
	return true;
}

/* The code point of a character that str_utf8() accepted. */
static unsigned
code_point(const char *p, size_t len)
{
	static const unsigned char lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	unsigned c = (unsigned char)p[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3F);
	return c;
}

static bool
printable(unsigned c)
{
	if (c < 0x20 || (c >= 0x7F && c < 0xA0))
		return false;
	return c != 0x2028 && c != 0x2029 && c != 0xFEFF && (c & 0xFFFE) != 0xFFFE;
}

void
value_put_text(struct buf *b, struct str s)
{
	if (plain_is_safe(s)) {
		buf_printf(b, "%.*s", (int)s.len, s.p);
		return;
	}
	buf_add(b, "\"");
	while (s.len > 0) {
		size_t n = str_utf8(s);
		unsigned c = n == 0 ? 0xFFFD : code_point(s.p, n);

		if (n == 1 && (c == '"' || c == '\\'))
			buf_printf(b, "\\%c", (char)c);
		else if (n == 0 || !printable(c))
			buf_printf(b, "\\U%08X", c);
		else
			buf_printf(b, "%.*s", (int)n, s.p);
		s = str_skip(s, n == 0 ? 1 : n);
	}
	buf_add(b, "\"");
}
