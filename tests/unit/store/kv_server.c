/* SPDX-License-Identifier: MIT */
#include "kv_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv_owner.h"

#define ETCD    "/usr/bin/etcd"
#define ETCDCTL "/usr/bin/etcdctl"

bool server_available(void)
{
	if (access(ETCD, X_OK) == 0 && access(ETCDCTL, X_OK) == 0)
		return true;
	printf("1..0 # SKIP " ETCD " or " ETCDCTL
	       " is missing (Debian: etcd-server, etcd-client)\n");
	return false;
}

uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static bool answers(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const char request[] = "GET /health HTTP/1.0\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[1024] = "";
	ssize_t got, used = 0;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
		while (used < (ssize_t)sizeof(answer) - 1 &&
		       (got = read(fd, answer + used, sizeof(answer) - 1 - (size_t)used)) > 0)
			used += got;
	close(fd);
	answer[used] = '\0';
	/* An alarm makes it unhealthy; that it answers is what counts here. */
	return strstr(answer, "\"health\"");
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
	char *argv[32] = {(char *)ETCD, (char *)"--data-dir",
			  data,         (char *)"--listen-client-urls",
			  clients,      (char *)"--advertise-client-urls",
			  clients,      (char *)"--listen-peer-urls",
			  peers,        (char *)"--initial-advertise-peer-urls",
			  peers,        (char *)"--initial-cluster",
			  cluster,      (char *)"--logger",
			  (char *)"zap"};
	size_t n = 15;
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
	for (int i = 0; i < 600; i++) { /* bounded: a cold etcd takes a second */
		if (answers(server->client_port))
			return;
		usleep(50 * 1000);
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
	assert_int_equal(kill(server->pid, SIGSTOP), 0);
}

void server_thaw(struct server *server)
{
	assert_int_equal(kill(server->pid, SIGCONT), 0);
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
	    .timeout_ms = 5000,
	    .ttl_s = 2,
	};
}
