/* SPDX-License-Identifier: MIT */
/* etcdhcpd: arguments -> configuration -> start -> wait -> stop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "audit.h"
#include "daemon.h"

enum { EXIT_OK = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

static const char usage[] =
	"usage: etcdhcpd [-c FILE] [--check-config | --audit] [--trust-clock] [--version] [--help]\n"
	"\n"
	"A DHCPv4 server on AF_XDP whose leases are shared through etcd or kept on this machine.\n"
	"\n"
	"  -c, --config FILE   configuration (default " CONFIG_DEFAULT_PATH ")\n"
	"      --check-config  check the configuration, say what is wrong with it, and exit\n"
	"      --audit         read the store, report what is inconsistent in it, and exit\n"
	"      --trust-clock   serve though the store has seen a later time: this clock is right\n"
	"      --version       print the version and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"SIGHUP reads the configuration again; SIGTERM and SIGINT stop cleanly.\n"
	"Exit status: 0 clean stop, 1 failed while starting or running, 2 wrong usage or configuration;\n"
	"of --audit: 0 nothing found, 1 inconsistencies found, 2 the store could not be read.\n"
	"See etcdhcpd(8) and etcdhcp.yaml(5).\n";

struct arguments {
	struct daemon_options options;
	bool check_only, audit;
};

enum { OPTION_CHECK = 256, OPTION_AUDIT, OPTION_TRUST_CLOCK, OPTION_VERSION };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, OPTION_CHECK},
	{"audit", no_argument, NULL, OPTION_AUDIT},
	{"trust-clock", no_argument, NULL, OPTION_TRUST_CLOCK},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Exits for everything that is not a run. */
static struct arguments parse_arguments(int argc, char **argv)
{
	struct arguments arguments = {.options.config_path = CONFIG_DEFAULT_PATH};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.options.config_path = optarg;
			break;
		case OPTION_CHECK:
			arguments.check_only = true;
			break;
		case OPTION_AUDIT:
			arguments.audit = true;
			break;
		case OPTION_TRUST_CLOCK:
			arguments.options.trust_clock = true;
			break;
		case OPTION_VERSION:
			puts("etcdhcpd " ETCDHCP_VERSION);
			exit(EXIT_OK);
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_OK);
		default:
			fputs(usage, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "etcdhcpd: unexpected argument '%s'\n%s", argv[optind], usage);
		exit(EXIT_USAGE);
	}
	return arguments;
}

/* Every signal is blocked in every thread; main reads those it cares about. */
static int open_signals(void)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

/* True when the server is to go on. */
static bool handle_signal(struct daemon *daemon, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGHUP) {
		daemon_reload(daemon);
		return true;
	}
	log_info("stopping", F_STR("signal", strsignal((int)info.ssi_signo)));
	return false;
}

/* Until the server is to end; its exit code. */
static int wait_for_signals(struct daemon *daemon, int signals)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = daemon_address_fd(daemon), .events = POLLIN},
		{.fd = daemon_shared_fd(daemon), .events = POLLIN},
		{.fd = daemon_refused_fd(daemon), .events = POLLIN},
	};

	struct config_error error;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			daemon_readdress(daemon);
		if (fds[2].revents)
			daemon_reload(daemon);
		if (fds[0].revents && !handle_signal(daemon, signals))
			return EXIT_OK;
		if (fds[3].revents) {
			daemon_refusal(daemon, &error);
			log_error("cannot start", F_STR("reason", error.text));
			return EXIT_RUNTIME;
		}
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments = parse_arguments(argc, argv);
	struct config_error error = {""};
	struct config *config = config_load(arguments.options.config_path, &error);
	struct daemon *daemon;
	int signals, code;

	if (!config) {
		fprintf(stderr, "etcdhcpd: %s\n", error.text);
		return EXIT_USAGE;
	}
	if (arguments.check_only) {
		printf("%s: ok (%zu networks, %zu subnets)\n", arguments.options.config_path,
		       config->n_networks, config->n_subnets);
		config_free(config);
		return EXIT_OK;
	}
	if (arguments.audit) {
		int status = audit_run(config, arguments.options.config_path);
		config_free(config);
		return status;
	}
	signals = open_signals();
	if (signals < 0) {
		fprintf(stderr, "etcdhcpd: signals: %s\n", strerror(errno));
		config_free(config);
		return EXIT_RUNTIME;
	}
	log_set_level(config->server.log_level);
	daemon = daemon_start(config, &arguments.options, &error);
	if (!daemon) {
		log_error("cannot start", F_STR("reason", error.text));
		return EXIT_RUNTIME;
	}
	code = wait_for_signals(daemon, signals);
	daemon_stop(daemon);
	close(signals);
	log_info("stopped");
	return code;
}
