/* libs: base edge */
/* test_edge_peer.c: an address is believed as far as those who told it are trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/util.h"
#include "peer.h"

static const char *const proxies[] = {
    "10.0.0.0/8", "192.168.7.9", "fd00::/9", "::1/128", "bad", "1.2.3.4/33", NULL};

static void
test_trusted(void **state)
{
	static const struct {
		const char *address;
		bool trusted;
	} rows[] = {
	    {"10.255.0.1", true},
	    {"11.0.0.1", false},
	    {"192.168.7.9", true},
	    {"192.168.7.8", false},
	    {"fd7f::1", true},
	    {"fd80::1", false},
	    {"::1", true},
	    {"::2", false},
	    {"::ffff:10.1.2.3", true},
	    {"::ffff:11.1.2.3", false},
	    {"1.2.3.4", false},
	    {"bad", false},
	    {"", false},
	    {"10.0.0.1 ", false},
	    {"10.0.0.1:80", false},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		if (peer_trusted(str_of(rows[i].address), proxies) != rows[i].trusted)
			fail_msg("%s", rows[i].address);
	}
	assert_false(peer_trusted(STR("10.0.0.1"), NULL));
}

static void
test_everything_and_nothing(void **state)
{
	static const char *const all[] = {"0.0.0.0/0", NULL};

	(void)state;
	assert_true(peer_trusted(STR("8.8.8.8"), all));
	assert_false(peer_trusted(STR("2001:db8::1"), all));
}

static void
test_client(void **state)
{
	static const struct {
		const char *direct, *list, *client;
	} rows[] = {
	    /* Nobody we trust: what it says counts for nothing. */
	    {"8.8.8.8", "1.1.1.1", "8.8.8.8"},
	    {"10.0.0.1", "", "10.0.0.1"},
	    {"10.0.0.1", "1.1.1.1", "1.1.1.1"},
	    /* The client made up the first. */
	    {"10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"},
	    {"10.0.0.1", "6.6.6.6, 1.1.1.1,10.0.0.2 , 192.168.7.9", "1.1.1.1"},
	    {"10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"},
	    {"::1", "2001:db8::5", "2001:db8::5"},
	    /* No address: the last that is one. */
	    {"10.0.0.1", "unknown", "10.0.0.1"},
	    {"10.0.0.1", "1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"},
	    {"10.0.0.1", ",,1.1.1.1", "1.1.1.1"},
	    {"10.0.0.1", "1.1.1.1,", "10.0.0.1"},
	    {"", "1.1.1.1", ""},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct str client =
		    peer_client(str_of(rows[i].direct), str_of(rows[i].list), proxies);

		if (!str_is(client, rows[i].client))
			fail_msg("row %zu: %.*s", i, (int)client.len, client.p);
	}
}

static void
test_format(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr none = {.sa_family = AF_UNIX};
	char text[48];

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
	peer_format((struct sockaddr *)&in, text, sizeof(text));
	assert_string_equal(text, "192.0.2.7");
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	peer_format((struct sockaddr *)&in6, text, sizeof(text));
	assert_string_equal(text, "2001:db8::7");
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
	peer_format((struct sockaddr *)&in6, text, sizeof(text));
	assert_string_equal(text, "192.0.2.7");
	peer_format(&none, text, sizeof(text));
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trusted),
	    cmocka_unit_test(test_everything_and_nothing),
	    cmocka_unit_test(test_client),
	    cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
