/* SPDX-License-Identifier: MIT */
/* etcdhcp-perf: options -> wire -> scenario -> report. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "perf/progress.h"
#include "perf/report.h"

enum { EXIT_VALID = 0, EXIT_INVALID = 1, EXIT_USAGE = 2 };

static int complain(const char *what, int code)
{
	fprintf(stderr, "etcdhcp-perf: %s: %s\n", what, strerror(-code));
	return EXIT_INVALID;
}

static int open_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int pin(int cpu)
{
	cpu_set_t *set;
	size_t size;
	int result;

	if (cpu < 0)
		return 0;
	set = CPU_ALLOC((size_t)cpu + 1);
	if (!set)
		return -ENOMEM;
	size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)cpu, size, set);
	result = sched_setaffinity(0, size, set) < 0 ? -errno : 0;
	CPU_FREE(set);
	return result;
}

static int write_json(const struct driver *driver, const struct outcome *outcome,
		      const struct verdict *verdict)
{
	const char *path = driver->g->options->json;
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	bool failed;

	if (!out)
		return -errno;
	report_json(out, driver, outcome, verdict);
	failed = fflush(out) != 0 || ferror(out);
	if (out != stdout)
		failed |= fclose(out) != 0;
	return failed ? -EIO : 0;
}

/* Text and JSON do not share standard output. */
static int report(const struct driver *driver, const struct outcome *outcome)
{
	const char *json = driver->g->options->json;
	bool to_stdout = json && strcmp(json, "-") == 0;
	struct verdict verdict;
	int result;

	verdict_reach(&verdict, driver, outcome);
	report_text(to_stdout ? stderr : stdout, driver, outcome, &verdict);
	if (json) {
		result = write_json(driver, outcome, &verdict);
		if (result < 0)
			return complain(json, result);
	}
	return verdict.n == 0 ? EXIT_VALID : EXIT_INVALID;
}

static int run(struct generator *g, int signals)
{
	struct driver driver;
	struct progress progress = {0};
	struct outcome outcome;
	int result = driver_init(&driver, g, signals);

	if (result == 0 && !g->options->quiet)
		result = progress_start(&progress, g, g->options->interval);
	if (result < 0) {
		driver_fini(&driver);
		return complain("starting", result);
	}
	prctl(PR_SET_TIMERSLACK, 1UL); /* wake when asked to, not when it suits */
	result = pin(g->options->cpu); /* after the other thread was made: it goes elsewhere */
	if (result < 0) {
		progress_stop(&progress);
		driver_fini(&driver);
		return complain("--cpu", result);
	}
	scenario_run(&driver, &outcome);
	progress_stop(&progress);
	result = report(&driver, &outcome);
	driver_fini(&driver);
	return result;
}

int main(int argc, char **argv)
{
	static struct generator g;
	static struct wire wire;
	struct options options;
	struct wire_error error;
	int result, signals;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return EXIT_VALID;
	case OPTIONS_WRONG:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	signals = open_signals();
	if (signals < 0)
		return complain("signals", signals);
	if (wire_open(&wire, &options, &error) < 0) {
		fprintf(stderr, "etcdhcp-perf: %s\n", error.text);
		return EXIT_INVALID;
	}
	result = generator_init(&g, &options, &wire);
	if (result < 0)
		result = complain("memory", result);
	else
		result = run(&g, signals);
	generator_fini(&g);
	wire_close(&wire);
	close(signals);
	return result;
}
