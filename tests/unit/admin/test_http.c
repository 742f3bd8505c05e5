/* SPDX-License-Identifier: MIT */
#include "../base/unit.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <urcu/urcu-qsbr.h>

#include "admin/http.h"
#include "client.h"

#define LOOPBACK "127.0.0.1"

/* What the callbacks show, and what they saw. */
struct numbers {
	size_t samples;
	bool ready;
	const char *why;
	bool was_online;
	bool had_signals_blocked;
};

static void write_numbers(void *ctx, struct metrics_writer *w)
{
	struct numbers *numbers = ctx;
	sigset_t mask;

	numbers->was_online = urcu_qsbr_read_ongoing();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	numbers->had_signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE);
	metrics_family(w, "m", METRICS_GAUGE, "h");
	for (size_t i = 0; i < numbers->samples; i++)
		metrics_sample_u64(w, METRICS_NO_LABELS, 1);
}

static bool tell_ready(void *ctx, char *why, size_t cap)
{
	const struct numbers *numbers = ctx;

	if (numbers->why)
		snprintf(why, cap, "%s", numbers->why);
	return numbers->ready;
}

static struct admin_server *start_on(const char *host, uint16_t port, struct numbers *numbers,
				     struct admin_limits limits)
{
	const struct admin_handlers handlers = {
	    .metrics = write_numbers,
	    .ready = tell_ready,
	    .ctx = numbers,
	    .limits = limits,
	};
	char error[256] = "";
	struct admin_server *server = admin_start(host, port, &handlers, error, sizeof(error));

	if (!server)
		print_message("%s\n", error);
	return server;
}

static struct admin_server *start(struct numbers *numbers, struct admin_limits limits)
{
	struct admin_server *server = start_on(LOOPBACK, 0, numbers, limits);

	assert_non_null(server);
	assert_true(admin_port(server) > 0);
	return server;
}

static struct answer ask(const struct admin_server *server, const char *request)
{
	struct answer answer;
	int fd = client_connect(NULL, LOOPBACK, admin_port(server));

	client_send(fd, request);
	assert_true(client_receive(fd, &answer));
	return answer;
}

/*
 * Whatever happened before, the server still answers. Where its deadline is short this process may
 * itself be too slow for it, on a busy machine: then it asks again.
 */
static void assert_alive(const struct admin_server *server)
{
	struct answer answer = ask(server, "GET /healthz HTTP/1.0\r\n\r\n");

	for (int i = 0; i < 50 && answer.status == 0; i++)
		answer = ask(server, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "ok\n");
	answer_free(&answer);
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define PLAIN                 "Content-Type: text/plain; charset=utf-8\r\n"
#define PROMETHEUS            "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
#define SAMPLE                "# HELP m h\n# TYPE m gauge\nm 1\n"

static void every_path_and_method_has_its_answer(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *header;
		const char *body; /* NULL: whatever it is */
	} rows[] = {
	    {REQUEST("GET", "/metrics"), 200, PROMETHEUS, SAMPLE},
	    {REQUEST("GET", "/metrics?name=m"), 200, PROMETHEUS, SAMPLE},
	    {"GET /metrics HTTP/1.0\r\n\r\n", 200, PROMETHEUS, SAMPLE},
	    {REQUEST("GET", "/healthz"), 200, PLAIN, "ok\n"},
	    {REQUEST("GET", "/readyz"), 200, PLAIN, "ready\n"},
	    {REQUEST("GET", "/"), 200, PLAIN, NULL},
	    {REQUEST("GET", "/healthz"), 200, "Connection: close\r\n", "ok\n"},
	    {REQUEST("GET", "/healthz"), 200, "Cache-Control: no-store\r\n", "ok\n"},
	    {REQUEST("GET", "/healthz"), 200, "Content-Length: 3\r\n", "ok\n"},
	    {REQUEST("HEAD", "/healthz"), 200, "Content-Length: 3\r\n", ""},
	    {REQUEST("HEAD", "/metrics"), 200, PROMETHEUS, ""},
	    {REQUEST("GET", "/metrics/"), 404, PLAIN, NULL},
	    {REQUEST("GET", "/metric"), 404, PLAIN, NULL},
	    {REQUEST("GET", "/../etc/passwd"), 404, PLAIN, NULL},
	    {REQUEST("GET", "/METRICS"), 404, PLAIN, NULL},
	    {REQUEST("POST", "/nowhere"), 404, PLAIN, NULL},
	    {REQUEST("POST", "/metrics"), 405, "Allow: GET, HEAD\r\n", NULL},
	    {REQUEST("PUT", "/"), 405, "Allow: GET, HEAD\r\n", NULL},
	    {REQUEST("DELETE", "/readyz"), 405, "Allow: GET, HEAD\r\n", NULL},
	    {REQUEST("OPTIONS", "/healthz"), 405, "Allow: GET, HEAD\r\n", NULL},
	    {REQUEST("get", "/healthz"), 405, "Allow: GET, HEAD\r\n", NULL},
	    {"POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", 405,
	     "Allow: GET, HEAD\r\n", NULL},
	};
	struct numbers numbers = {.samples = 1, .ready = true};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer answer = ask(server, rows[i].request);

		assert_int_equal(answer.status, rows[i].status);
		assert_non_null(strstr(answer.head, rows[i].header));
		if (rows[i].body)
			assert_string_equal(answer.body, rows[i].body);
		answer_free(&answer);
	}
	admin_stop(server);
}

static void index_lists_every_endpoint(void **state)
{
	static const char *const paths[] = {"/metrics ", "/healthz ", "/readyz "};
	struct numbers numbers = {0};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});
	struct answer answer = ask(server, REQUEST("GET", "/"));

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_non_null(strstr(answer.body, paths[i]));
	answer_free(&answer);
	admin_stop(server);
}

static void readiness_says_why_not(void **state)
{
	static const struct {
		bool ready;
		const char *why;
		int status;
		const char *body;
	} rows[] = {
	    {true, NULL, 200, "ready\n"},
	    {true, "warning: a clock is off", 200, "ready\nwarning: a clock is off\n"},
	    {false, NULL, 503, "not ready\n"},
	    {false, "mirror is loading", 503, "mirror is loading\n"},
	    {false, "mirror is loading\n", 503, "mirror is loading\n"},
	    {false, "mirror is loading\nclocks disagree", 503,
	     "mirror is loading\nclocks disagree\n"},
	};
	struct numbers numbers = {0};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer answer;

		numbers.ready = rows[i].ready;
		numbers.why = rows[i].why;
		answer = ask(server, REQUEST("GET", "/readyz"));
		assert_int_equal(answer.status, rows[i].status);
		assert_string_equal(answer.body, rows[i].body);
		answer_free(&answer);
		assert_alive(server); /* not ready is not unhealthy */
	}
	admin_stop(server);
}

static void reasons_that_fill_the_room_are_whole(void **state)
{
	char why[20000];
	struct numbers numbers = {.why = why};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});
	struct answer answer;

	memset(why, 'x', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	answer = ask(server, REQUEST("GET", "/readyz"));
	assert_int_equal(answer.status, 503);
	assert_int_equal(answer.body[answer.body_len - 1], '\n');
	assert_int_equal(strspn(answer.body, "x"), answer.body_len - 1);
	answer_free(&answer);
	admin_stop(server);
}

static void without_callbacks_there_are_no_numbers_and_all_is_ready(void **state)
{
	const struct admin_handlers none = {0};
	struct admin_server *server = admin_start(NULL, 0, &none, NULL, 0);
	struct answer answer;

	assert_non_null(server);
	answer = ask(server, REQUEST("GET", "/metrics"));
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, 0);
	answer_free(&answer);
	answer = ask(server, REQUEST("GET", "/readyz"));
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	admin_stop(server);
}

static void large_pages_arrive_whole(void **state)
{
	struct numbers numbers = {.samples = 1000000};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});
	struct answer answer = ask(server, REQUEST("GET", "/metrics"));

	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, strlen(SAMPLE) + (numbers.samples - 1) * 4);
	answer_free(&answer);
	admin_stop(server);
}

/* The callbacks may read shared tables; a client that dawdles must not delay their writers. */
static void callbacks_are_read_sections_and_clients_are_not(void **state)
{
	struct numbers numbers = {.samples = 1};
	struct admin_server *server = start(&numbers, (struct admin_limits){0});
	int silent = client_connect(NULL, LOOPBACK, admin_port(server));
	struct answer answer;

	assert_alive(server); /* no callback yet */
	urcu_qsbr_synchronize_rcu();
	client_send(silent, "GET /metr");
	answer = ask(server, REQUEST("GET", "/metrics"));
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	assert_true(numbers.was_online);
	assert_true(numbers.had_signals_blocked);
	urcu_qsbr_synchronize_rcu(); /* would wait for ever for an online thread in poll */
	admin_stop(server);
	assert_true(client_sees_end(silent));
	close(silent);
}

static void malformed_requests_do_no_harm(void **state)
{
	static const char *const requests[] = {
	    "",
	    "\r\n\r\n\r\n\r\n",
	    "GET\r\n\r\n",
	    "\x16\x03\x01\x02 not tls\r\n\r\n",
	    "GET /%00%zz%ff HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET / HTTP/9.9\r\n\r\n",
	    "GET /metrics HTTP/1.1\r\nHost\r\n: :\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	struct numbers numbers = {.samples = 1};
	struct admin_server *server = start(&numbers, (struct admin_limits){.deadline_ms = 200});
	char *huge = malloc(1 << 20);
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		fd = client_connect(NULL, LOOPBACK, admin_port(server));
		client_send(fd, requests[i]);
		assert_true(client_sees_end(fd));
		close(fd);
		assert_alive(server);
	}

	/* headers without end */
	assert_non_null(huge);
	memset(huge, 'a', 1 << 20);
	memcpy(huge, "GET / HTTP/1.1\r\nX: ", 19);
	huge[(1 << 20) - 1] = '\0';
	fd = client_connect(NULL, LOOPBACK, admin_port(server));
	client_send(fd, huge);
	assert_true(client_sees_end(fd));
	close(fd);
	free(huge);
	assert_alive(server);
	admin_stop(server);
}

/* A byte now and then resets every idle timer; the deadline it cannot move. */
static void a_trickle_of_bytes_does_not_hold_a_connection(void **state)
{
	struct numbers numbers = {0};
	struct admin_server *server =
	    start(&numbers, (struct admin_limits){.connections = 1, .deadline_ms = 100});
	int fd = client_connect(NULL, LOOPBACK, admin_port(server));
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int sent = 0;

	assert_true(client_send(fd, "GET / HTTP/1.1\r\nX: "));
	while (poll(&pollfd, 1, 5) == 0 && sent < CLIENT_PATIENCE_MS / 5 && client_send(fd, "a"))
		sent++;
	assert_true(sent < CLIENT_PATIENCE_MS / 5);
	assert_true(client_sees_end(fd));
	close(fd);
	assert_alive(server);
	admin_stop(server);
}

static void silent_clients_give_up_their_places(void **state)
{
	struct numbers numbers = {0};
	struct admin_server *server =
	    start(&numbers, (struct admin_limits){.connections = 2, .deadline_ms = 100});
	int silent[6];

	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		silent[i] = client_connect(NULL, LOOPBACK, admin_port(server));
	assert_alive(server); /* behind all six, two at a time */
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		assert_true(client_sees_end(silent[i]));
		close(silent[i]);
	}
	admin_stop(server);
}

static void a_client_that_does_not_read_gives_up_its_place(void **state)
{
	struct numbers numbers = {.samples = 4000000};
	struct admin_server *server =
	    start(&numbers, (struct admin_limits){.connections = 1, .deadline_ms = 200});
	int stuck = client_connect(NULL, LOOPBACK, admin_port(server));

	assert_true(client_send(stuck, REQUEST("GET", "/metrics")));
	assert_alive(server); /* there is one place, so the other client is gone */
	close(stuck);
	admin_stop(server);
}

static void one_address_cannot_take_all_places(void **state)
{
	struct numbers numbers = {0};
	struct admin_server *server = start(&numbers, (struct admin_limits){.connections = 8});
	int silent[2], fd;
	struct answer answer;

	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		silent[i] = client_connect("127.0.0.2", LOOPBACK, admin_port(server));
	fd = client_connect("127.0.0.2", LOOPBACK, admin_port(server));
	client_send(fd, REQUEST("GET", "/healthz"));
	assert_true(client_receive(fd, &answer));
	assert_int_equal(answer.status, 0);
	assert_alive(server); /* from another address */

	admin_stop(server); /* waits for nobody */
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		assert_true(client_sees_end(silent[i]));
		close(silent[i]);
	}
}

static void what_cannot_be_listened_on_is_explained(void **state)
{
	struct numbers numbers = {0};
	struct admin_server *first = start(&numbers, (struct admin_limits){0});
	const struct {
		const char *host;
		uint16_t port;
		const char *says[3];
	} rows[] = {
	    {LOOPBACK, admin_port(first), {"127.0.0.1:", "Address already in use", "ss -ltnp"}},
	    {"192.0.2.1", 0, {"192.0.2.1:0", "no such address", "give one"}},
	    {"::2", 0, {"[::2]:0", "", ""}},
	    {"not an address", 9842, {"\"not an address\"", "127.0.0.1", ""}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct admin_handlers none = {0};
		char error[512] = "";

		assert_null(admin_start(rows[i].host, rows[i].port, &none, error, sizeof(error)));
		for (size_t k = 0; k < 3; k++)
			assert_non_null(strstr(error, rows[i].says[k]));
	}
	assert_alive(first);
	admin_stop(first);
}

static size_t count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void stopping_leaves_nothing_and_the_port_is_free_at_once(void **state)
{
	const struct admin_handlers none = {0};
	size_t before = count_open_files();
	struct numbers numbers = {0};
	uint16_t port = 0;
	char error[256];

	for (int i = 0; i < 3; i++) {
		struct admin_server *server =
		    start_on(LOOPBACK, port, &numbers, (struct admin_limits){0});
		int open;

		assert_non_null(server);
		assert_true(port == 0 || admin_port(server) == port);
		port = admin_port(server);
		open = client_connect(NULL, LOOPBACK, port);
		assert_alive(server);
		assert_null(admin_start(LOOPBACK, port, &none, error, sizeof(error)));
		admin_stop(server);
		close(open);
	}
	admin_stop(NULL);
	assert_int_equal(count_open_files(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_path_and_method_has_its_answer),
	    cmocka_unit_test(index_lists_every_endpoint),
	    cmocka_unit_test(readiness_says_why_not),
	    cmocka_unit_test(reasons_that_fill_the_room_are_whole),
	    cmocka_unit_test(without_callbacks_there_are_no_numbers_and_all_is_ready),
	    cmocka_unit_test(large_pages_arrive_whole),
	    cmocka_unit_test(callbacks_are_read_sections_and_clients_are_not),
	    cmocka_unit_test(malformed_requests_do_no_harm),
	    cmocka_unit_test(a_trickle_of_bytes_does_not_hold_a_connection),
	    cmocka_unit_test(silent_clients_give_up_their_places),
	    cmocka_unit_test(a_client_that_does_not_read_gives_up_its_place),
	    cmocka_unit_test(one_address_cannot_take_all_places),
	    cmocka_unit_test(what_cannot_be_listened_on_is_explained),
	    cmocka_unit_test(stopping_leaves_nothing_and_the_port_is_free_at_once),
	};

	return cmocka_run_group_tests_name("admin/http", tests, NULL, NULL);
}
