/* SPDX-License-Identifier: MIT */
#include "kv_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv_owner.h"

#define ETCD    "/usr/bin/etcd"
#define ETCDCTL "/usr/bin/etcdctl"

/* In a network of its own nobody takes a port that was just found free. */
static void leave_the_network(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd;

	if (unshare(CLONE_NEWNET))
		return; /* not root: ports are found free or not */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

bool server_available(void)
{
	if (access(ETCD, X_OK) == 0 && access(ETCDCTL, X_OK) == 0) {
		leave_the_network();
		return true;
	}
	printf("1..0 # SKIP " ETCD " or " ETCDCTL
	       " is missing (Debian: etcd-server, etcd-client)\n");
	return false;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Below those that the kernel gives to outgoing connections, each once. */
uint16_t free_port(void)
{
	static uint16_t last;
	bool taken = true;

	if (!last)
		last = (uint16_t)(10000 + getpid() % 1000 * 20);
	while (taken) {
		struct sockaddr_in address = loopback(++last);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		taken = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
		assert_true(!taken || errno == EADDRINUSE);
		close(fd);
	}
	return last;
}

/* The whole answer as a string, "" when there is none. */
static void http_get(uint16_t port, const char *path, char *answer, size_t size)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[128];
	size_t used = 0;
	ssize_t got;
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, request, (size_t)len, MSG_NOSIGNAL) > 0)
		while (used < size - 1 && (got = read(fd, answer + used, size - 1 - used)) > 0)
			used += (size_t)got;
	close(fd);
	answer[used] = '\0';
}

static bool answers(uint16_t port)
{
	char answer[1024];

	http_get(port, "/health", answer, sizeof(answer));
	/* An alarm makes it unhealthy; that it answers is what counts here. */
	return strstr(answer, "\"health\"");
}

double server_metric(const struct server *server, const char *name)
{
	static char answer[1 << 20];
	char line[128];
	const char *found;

	http_get(server->client_port, "/metrics", answer, sizeof(answer));
	snprintf(line, sizeof(line), "\n%s ", name);
	found = strstr(answer, line);
	if (!found)
		fail_msg("etcd has no metric %s", name);
	return strtod(found + strlen(line), NULL);
}

/* Between fork and exec nothing but system calls: the test has threads. */
static void become(char *const *argv, int output)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

void server_restart(struct server *server)
{
	char clients[64], peers[64], cluster[80], data[80], log[96];
	char *argv[32] = {(char *)ETCD, (char *)"--data-dir", data, (char *)"--listen-client-urls",
			  clients, (char *)"--advertise-client-urls", clients,
			  (char *)"--listen-peer-urls", peers,
			  (char *)"--initial-advertise-peer-urls", peers,
			  (char *)"--initial-cluster", cluster, (char *)"--logger", (char *)"zap",
			  /* A member alone elects itself, but not before this time is over. */
			  (char *)"--heartbeat-interval=20", (char *)"--election-timeout=200"};
	size_t n = 17;
	int output;

	snprintf(clients, sizeof(clients), "http://127.0.0.1:%u", server->client_port);
	snprintf(peers, sizeof(peers), "http://127.0.0.1:%u", server->peer_port);
	snprintf(cluster, sizeof(cluster), "default=%s", peers);
	snprintf(data, sizeof(data), "%s/data", server->directory);
	snprintf(log, sizeof(log), "%s/log", server->directory);
	for (size_t i = 0; server->args[i]; i++)
		argv[n++] = (char *)(uintptr_t)server->args[i];
	output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	server->pid = fork();
	if (server->pid == 0)
		become(argv, output);
	close(output);
	assert_true(server->pid > 0);
	for (int i = 0; i < 6000; i++) { /* bounded: a cold etcd takes a second */
		if (answers(server->client_port))
			return;
		usleep(10 * 1000);
	}
	fail_msg("etcd does not answer; see %s", log);
}

void server_move(struct server *server)
{
	server->client_port = free_port();
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->client_port);
}

void server_start(struct server *server, const char *const *args)
{
	*server = (struct server){.peer_port = free_port()};
	for (size_t i = 0; args && args[i]; i++)
		server->args[i] = args[i];
	make_directory(server->directory);
	server_move(server);
	server_restart(server);
}

void server_kill(struct server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void server_freeze(struct server *server)
{
	int status;

	assert_int_equal(kill(server->pid, SIGSTOP), 0);
	/* Its threads stop one after the other: only now does it answer nothing any more. */
	assert_int_equal(waitpid(server->pid, &status, WUNTRACED), server->pid);
	assert_true(WIFSTOPPED(status));
}

void server_thaw(struct server *server)
{
	assert_int_equal(kill(server->pid, SIGCONT), 0);
}

unsigned long server_unread(const struct server *server)
{
	FILE *sockets = fopen("/proc/net/tcp", "re");
	unsigned long unread, sum = 0;
	unsigned port, state;
	char line[256];

	assert_non_null(sockets);
	while (fgets(line, sizeof(line), sockets))
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x %*x:%lx", &port, &state, &unread) == 3 &&
		    port == server->client_port && state == TCP_ESTABLISHED)
			sum += unread;
	fclose(sockets);
	return sum;
}

void server_remove(struct server *server)
{
	server_kill(server);
	if (server->directory[0])
		remove_directory(server->directory);
	server->directory[0] = '\0';
}

void server_control(const struct server *server, const char *const *args)
{
	char *argv[16] = {(char *)ETCDCTL, (char *)"--endpoints", (char *)(uintptr_t)server->url};
	char *env[] = {(char *)"ETCDCTL_API=3", NULL};
	posix_spawn_file_actions_t quiet;
	int status, n = 3;
	pid_t pid;

	for (size_t i = 0; args[i]; i++)
		argv[n++] = (char *)(uintptr_t)args[i];
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawn(&pid, ETCDCTL, &quiet, NULL, argv, env), 0);
	posix_spawn_file_actions_destroy(&quiet);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("etcdctl %s failed", args[0]);
}

struct config_store server_config(struct server *server, const char *prefix)
{
	server->urls[0] = server->url;
	return (struct config_store){
	    .kind = STORE_ETCD,
	    .endpoints = server->urls,
	    .n_endpoints = 1,
	    .prefix = (char *)(uintptr_t)prefix,
	    .timeout_ms = 10000,
	    .ttl_s = 2,
	};
}
