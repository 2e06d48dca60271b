/* libs: base */
/* test_ip.c: what is private, what is public, what is no address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ip.h"
#include "base/util.h"

static void
test_reach(void **state)
{
	static const char *const yes[] = {"127.0.0.1", "127.8.9.1", "10.0.0.1",
	    "0.0.0.0", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
	    "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1",
	    "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
	    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1",
	    "64:ff9b::7f00:1"};
	static const char *const none[] = {"", "localhost", "1.2.3", "[::1]", "::1%lo"};
	static const char *const no[] = {"1.1.1.1", "172.32.0.1", "172.15.0.1",
	    "100.128.0.1", "169.253.1.1", "192.167.1.1", "223.255.255.255",
	    "2606:4700::1111", "::ffff:8.8.8.8"};

	(void)state;
	for (size_t i = 0; i < nitems(yes); i++)
		assert_int_equal(ip_reach(yes[i]), IP_private);
	for (size_t i = 0; i < nitems(no); i++)
		assert_int_equal(ip_reach(no[i]), IP_public);
	for (size_t i = 0; i < nitems(none); i++)
		assert_int_equal(ip_reach(none[i]), IP_none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_reach)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
