/* SPDX-License-Identifier: MIT */
#include "admin/http.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include "base/rcu.h"

#include "admin/listen.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define DEFAULT_HOST        "127.0.0.1"
#define DEFAULT_CONNECTIONS 64
#define DEFAULT_DEADLINE_MS 10000
#define REASONS_MAX_BYTES   4096
#define TEXT_PLAIN          "text/plain; charset=utf-8"
#define TEXT_PROMETHEUS     "text/plain; version=0.0.4; charset=utf-8"

/*
 * A place for each connection, kept by the server's thread. libmicrohttpd times out clients
 * that are silent, not those that send a byte now and then; so each connection has a deadline
 * of its own, past which its socket is shut down and libmicrohttpd finds it closed.
 */
struct place {
	int fd;               /* libmicrohttpd's own; -1: free */
	uint64_t deadline_ns; /* monotonic; UINT64_MAX once shut down */
};

struct admin_server {
	struct admin_handlers handlers;
	struct MHD_Daemon *daemon;
	struct thread thread;
	struct place *places; /* limits.connections of them */
	int listen_fd;        /* until libmicrohttpd has it, then -1 */
	int epoll_fd;         /* libmicrohttpd's own */
	int stop_fd;          /* readable: end the thread */
	uint16_t port;
	bool place_freed; /* in the library's last run */
};

/* What a page answers; the text is on the heap. */
struct page {
	unsigned int status;
	const char *content_type;
	char *text; /* NULL: memory was short */
	size_t len;
};

struct endpoint {
	const char *path;
	const char *about;
	struct page (*make)(const struct admin_handlers *handlers);
};

static struct page plain_page(unsigned int status, const char *text)
{
	char *copy = strdup(text);

	return (struct page){status, TEXT_PLAIN, copy, copy ? strlen(copy) : 0};
}

static struct page make_metrics(const struct admin_handlers *handlers)
{
	struct page page = {MHD_HTTP_OK, TEXT_PROMETHEUS, NULL, 0};
	struct metrics_writer *w = metrics_writer_new();

	if (!w)
		return page;
	if (handlers->metrics) {
		rcu_online();
		handlers->metrics(handlers->ctx, w);
		rcu_offline();
	}
	page.text = metrics_writer_finish(w, &page.len);
	metrics_writer_free(w);
	return page;
}

static struct page make_health(const struct admin_handlers *handlers)
{
	return plain_page(MHD_HTTP_OK, "ok\n");
}

static struct page make_readiness(const struct admin_handlers *handlers)
{
	static const char yes[] = "ready\n";
	char text[sizeof(yes) + REASONS_MAX_BYTES + 1], *why = text + strlen(yes);
	bool ready = true;
	size_t len;

	memcpy(text, yes, sizeof(yes));

	if (handlers->ready) {
		rcu_online();
		ready = handlers->ready(handlers->ctx, why, REASONS_MAX_BYTES);
		rcu_offline();
	}
	len = strlen(why);
	if (len > 0 && why[len - 1] != '\n')
		strcpy(why + len, "\n");
	if (ready)
		return plain_page(MHD_HTTP_OK, text);
	return plain_page(MHD_HTTP_SERVICE_UNAVAILABLE, len ? why : "not ready\n");
}

static struct page make_index(const struct admin_handlers *handlers);

static const struct endpoint endpoints[] = {
    {"/", "this list", make_index},
    {"/metrics", "numbers for Prometheus", make_metrics},
    {"/healthz", "200 while the process answers", make_health},
    {"/readyz", "200 when ready to serve, else 503 and why", make_readiness},
};

static struct page make_index(const struct admin_handlers *handlers)
{
	char text[512] = "etcdhcp " ETCDHCP_VERSION "\n\n";
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%-10s %s\n",
					endpoints[i].path, endpoints[i].about);
	return plain_page(MHD_HTTP_OK, text);
}

static const struct endpoint *find_endpoint(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		if (strcmp(path, endpoints[i].path) == 0)
			return &endpoints[i];
	}
	return NULL;
}

static struct page answer_page(const struct admin_handlers *handlers, const char *path,
			       const char *method)
{
	const struct endpoint *endpoint = find_endpoint(path);

	if (!endpoint)
		return plain_page(MHD_HTTP_NOT_FOUND, "no such page; / lists them\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return plain_page(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	return endpoint->make(handlers);
}

/* Takes the page's text over. */
static struct MHD_Response *make_response(const struct page *page)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(page->len, page->text, MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(page->text);
		return NULL;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->content_type) !=
		MHD_YES ||
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") !=
		MHD_YES ||
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") != MHD_YES ||
	    (page->status == MHD_HTTP_METHOD_NOT_ALLOWED &&
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") != MHD_YES)) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

/* libmicrohttpd calls this once the headers are in; MHD_NO closes the connection. */
static enum MHD_Result handle_request(void *cls, struct MHD_Connection *connection,
				      const char *path, const char *method, const char *version,
				      const char *upload, size_t *upload_len, void **request_ctx)
{
	const struct admin_server *server = cls;
	struct page page = answer_page(&server->handlers, path, method);
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (!page.text)
		page = plain_page(MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	if (!page.text)
		return MHD_NO;
	response = make_response(&page);
	if (!response)
		return MHD_NO;
	queued = MHD_queue_response(connection, page.status, response);
	MHD_destroy_response(response);
	return queued;
}

static void take_place(struct admin_server *server, struct MHD_Connection *connection,
		       void **place_of)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (unsigned int i = 0; info && i < server->handlers.limits.connections; i++) {
		struct place *place = &server->places[i];

		if (place->fd >= 0)
			continue;
		place->fd = info->connect_fd;
		place->deadline_ns =
		    clock_mono_ns() + server->handlers.limits.deadline_ms * NS_PER_MS;
		*place_of = place;
		return;
	}
}

static void notify_connection(void *cls, struct MHD_Connection *connection, void **place_of,
			      enum MHD_ConnectionNotificationCode code)
{
	struct admin_server *server = cls;
	struct place *place = *place_of;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		take_place(server, connection, place_of);
		return;
	}
	server->place_freed = true;
	if (place)
		place->fd = -1;
}

static void drop_late_connections(struct admin_server *server)
{
	uint64_t now = clock_mono_ns();

	for (unsigned int i = 0; i < server->handlers.limits.connections; i++) {
		struct place *place = &server->places[i];

		if (place->fd < 0 || now < place->deadline_ns)
			continue;
		shutdown(place->fd, SHUT_RDWR);
		place->deadline_ns = UINT64_MAX;
	}
}

/*
 * Until the next deadline or libmicrohttpd's own next appointment; -1: for ever.
 *
 * With all places taken libmicrohttpd stops listening, and it looks whether it may listen
 * again only at the beginning of a run. So a run that freed a place is followed by another.
 */
static int sleep_ms(const struct admin_server *server)
{
	MHD_UNSIGNED_LONG_LONG library_ms;
	uint64_t now = clock_mono_ns();
	uint64_t ms = server->place_freed ? 0 : UINT64_MAX;

	for (unsigned int i = 0; i < server->handlers.limits.connections; i++) {
		const struct place *place = &server->places[i];

		if (place->fd < 0 || place->deadline_ns == UINT64_MAX)
			continue;
		/* rounded up, not to wake a moment early and spin */
		ms = min_u64(
		    ms, now < place->deadline_ns ? (place->deadline_ns - now) / NS_PER_MS + 1 : 0);
	}
	if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES)
		ms = min_u64(ms, library_ms);
	return ms == UINT64_MAX ? -1 : (int)min_u64(ms, INT_MAX);
}

static void serve(void *arg)
{
	struct admin_server *server = arg;
	struct pollfd fds[] = {
	    {.fd = server->epoll_fd, .events = POLLIN},
	    {.fd = server->stop_fd, .events = POLLIN},
	};

	/* Online in the callbacks alone: a grace period never waits for a client. */
	rcu_offline();
	while (!fds[1].revents) {
		poll(fds, ARRAY_SIZE(fds), sleep_ms(server));
		drop_late_connections(server);
		server->place_freed = false;
		MHD_run(server->daemon);
	}
}

/* The library's own words, which may quote the client's: at debug, and escaped by the log. */
__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
							      va_list args)
{
	char text[512];
	size_t len;

	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	vsnprintf(text, sizeof(text), format, args);
	len = strlen(text);
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	log_debug("HTTP client dropped or refused", F_STR("detail", text));
}

static struct MHD_Daemon *start_daemon(struct admin_server *server)
{
	unsigned int connections = server->handlers.limits.connections;

	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_ERROR_LOG, server->port, NULL, NULL, handle_request, server,
	    MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET,
	    server->listen_fd, MHD_OPTION_CONNECTION_LIMIT, connections,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections / 4, MHD_OPTION_NOTIFY_CONNECTION,
	    notify_connection, server, MHD_OPTION_END);
}

static int open_daemon(struct admin_server *server)
{
	const union MHD_DaemonInfo *info;

	errno = ENOMEM; /* should the library fail without saying why */
	server->daemon = start_daemon(server);
	if (!server->daemon)
		return -errno;
	server->listen_fd = -1;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOTSUP;
	server->epoll_fd = info->epoll_fd;
	return 0;
}

static struct admin_server *server_new(const struct admin_handlers *handlers)
{
	struct admin_server *server = calloc(1, sizeof(*server));
	struct admin_limits *limits;

	if (!server)
		return NULL;
	server->handlers = *handlers;
	server->listen_fd = server->stop_fd = -1;
	server->thread = (struct thread){
	    .name = "admin",
	    .cpu = THREAD_ANY_CPU,
	    .reads_rcu = true,
	    .run = serve,
	    .arg = server,
	};
	limits = &server->handlers.limits;
	limits->connections = limits->connections ?: DEFAULT_CONNECTIONS;
	limits->deadline_ms = limits->deadline_ms ?: DEFAULT_DEADLINE_MS;
	server->places = calloc(limits->connections, sizeof(*server->places));
	if (!server->places) {
		free(server);
		return NULL;
	}
	for (unsigned int i = 0; i < limits->connections; i++)
		server->places[i].fd = -1;
	return server;
}

static int start_thread(struct admin_server *server)
{
	server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->stop_fd < 0)
		return -errno;
	return thread_start(&server->thread);
}

struct admin_server *admin_start(const char *host, uint16_t port,
				 const struct admin_handlers *handlers, char *error,
				 size_t error_cap)
{
	struct admin_server *server = server_new(handlers);
	int err;

	if (!server) {
		snprintf(error, error_cap, "out of memory");
		return NULL;
	}
	err =
	    listen_open(host && *host ? host : DEFAULT_HOST, port, &server->port, error, error_cap);
	if (err < 0) {
		admin_stop(server);
		return NULL;
	}
	server->listen_fd = err;
	err = open_daemon(server);
	if (!err)
		err = start_thread(server);
	if (err) {
		snprintf(error, error_cap, "cannot serve HTTP: %s", strerrordesc_np(-err));
		admin_stop(server);
		return NULL;
	}
	return server;
}

uint16_t admin_port(const struct admin_server *server)
{
	return server->port;
}

void admin_stop(struct admin_server *server)
{
	const uint64_t one = 1;

	if (!server)
		return;
	if (server->thread.running) {
		while (write(server->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		thread_join(&server->thread);
	}
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->stop_fd >= 0)
		close(server->stop_fd);
	free(server->places);
	free(server);
}
