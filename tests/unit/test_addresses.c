/* libs: base call */
/* test_addresses.c: where a provider
 * is reached, lists of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/util.h"
#include "config/snapshot.h"
#include "resolve.h"

static void
target(const char *proxy, const char *want_host, uint16_t want_port)
{
	struct provider p = {.host = "api.example.com", .port = 443, .proxy = proxy};
	char host[256];
	uint16_t port = 0;

	resolve_target(&p, host, sizeof(host), &port);
	assert_string_equal(host, want_host);
	assert_int_equal(port, want_port);
}

static void
test_target(void **state)
{
	(void)state;
	target(NULL, "api.example.com", 443);
	target("http://proxy.example.com:3128", "proxy.example.com", 3128);
	target("proxy.example.com:3128", "proxy.example.com", 3128);
	target("socks5h://user:word@[2001:db8::1]:99", "2001:db8::1", 99);
	target("http://proxy.example.com", "proxy.example.com", 1080);
}

static void
test_format(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET}, b = {.sin_family = AF_INET};
	struct sockaddr_in6 c = {.sin6_family = AF_INET6};
	struct addrinfo third = {.ai_family = AF_INET6,
	    .ai_addr = (struct sockaddr *)&c,
	    .ai_addrlen = sizeof(c)};
	struct addrinfo second = {.ai_family = AF_INET,
	    .ai_addr = (struct sockaddr *)&b,
	    .ai_addrlen = sizeof(b),
	    .ai_next = &third};
	struct addrinfo again = {.ai_family = AF_INET,
	    .ai_addr = (struct sockaddr *)&a,
	    .ai_addrlen = sizeof(a),
	    .ai_next = &second};
	struct addrinfo first = again;
	struct buf text;

	(void)state;
	first.ai_next = &again;
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &a.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.10", &b.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &c.sin6_addr), 1);
	buf_init(&text, 4096);
	resolve_format(&first, &text);
	assert_string_equal(text.p, "192.0.2.1,192.0.2.10,[2001:db8::1]");
	buf_fini(&text);
}

static void
test_same(void **state)
{
	(void)state;
	assert_true(resolve_same("192.0.2.1,192.0.2.2", "192.0.2.2,192.0.2.1"));
	assert_true(resolve_same("192.0.2.1", "192.0.2.1"));
	assert_false(resolve_same("192.0.2.1,192.0.2.2", "192.0.2.1,192.0.2.3"));
	assert_false(resolve_same("192.0.2.1", "192.0.2.1,192.0.2.2"));
	assert_false(resolve_same("192.0.2.1", "192.0.2.11"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
