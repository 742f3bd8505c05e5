/* SPDX-License-Identifier: MIT */
/* Apart from test_http.c, for machines without IPv6: see test_promtool.c on how tests skip. */
#include "../base/unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/http.h"
#include "client.h"

#define EXIT_SKIPPED 77

static bool have_ipv6(void)
{
	const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
					      .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && bind(fd, (const struct sockaddr *)&loopback, sizeof(loopback)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

static void ipv6_is_served_and_the_wildcard_takes_both(void **state)
{
	static const struct {
		const char *listen, *connect;
	} rows[] = {{"::1", "::1"}, {"::", "::1"}, {"::", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"}};
	const struct admin_handlers none = {0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[256] = "";
		struct admin_server *server =
		    admin_start(rows[i].listen, 0, &none, error, sizeof(error));
		struct answer answer;
		int fd;

		assert_string_equal(error, "");
		assert_non_null(server);
		fd = client_connect(NULL, rows[i].connect, admin_port(server));
		assert_true(client_send(fd, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"));
		assert_true(client_receive(fd, &answer));
		assert_int_equal(answer.status, 200);
		answer_free(&answer);
		admin_stop(server);
	}
}

static void a_taken_port_is_named_with_brackets(void **state)
{
	const struct admin_handlers none = {0};
	char error[256] = "";
	struct admin_server *first = admin_start("::1", 0, &none, error, sizeof(error));

	assert_non_null(first);
	assert_null(admin_start("::1", admin_port(first), &none, error, sizeof(error)));
	assert_non_null(strstr(error, "[::1]:"));
	assert_non_null(strstr(error, "Address already in use"));
	admin_stop(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ipv6_is_served_and_the_wildcard_takes_both),
	    cmocka_unit_test(a_taken_port_is_named_with_brackets),
	};

	if (!have_ipv6()) {
		fprintf(stderr, "skipped: no IPv6 loopback on this machine\n");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests_name("admin/ipv6", tests, NULL, NULL);
}
