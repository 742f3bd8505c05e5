/* SPDX-License-Identifier: MIT */
/*
 * The text is checked by Prometheus itself, not by our reading of its format alone. A program of
 * its own, because cmocka 1.1.5 reports a skipped test as a failed one in TAP: it leaves with
 * the exit status that means skipped.
 */
#include "../base/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/metrics.h"

#define EXIT_SKIPPED 77

static void write_sample_page(struct metrics_writer *w)
{
	struct histogram h = {0};

	for (uint64_t ns = 100; ns < UINT64_C(100000000000); ns *= 3)
		histogram_add(&h, ns);
	metrics_family(w, "etcdhcp_frames_total", METRICS_COUNTER, "Frames received.");
	metrics_sample_u64(w, METRICS_LABELS({"interface", "a\"\\\n\xff"}), 1);
	metrics_sample_u64(w, METRICS_LABELS({"interface", "caf\xc3\xa9"}), UINT64_MAX);
	metrics_family(w, "etcdhcp_clock_step_seconds", METRICS_GAUGE, "Quotes \" and \\ and\n.");
	metrics_sample_f64(w, METRICS_LABELS({"server", "a"}), NAN);
	metrics_sample_f64(w, METRICS_LABELS({"server", "b"}), -INFINITY);
	metrics_family(w, "etcdhcp_reply_seconds", METRICS_HISTOGRAM, "Time to answer.");
	metrics_histogram(w, METRICS_LABELS({"path", "memory"}), &h, &metrics_seconds);
	metrics_histogram(w, METRICS_LABELS({"path", "store"}), &h, &metrics_seconds);
	metrics_family(w, "etcdhcp_batch_size", METRICS_HISTOGRAM, "Allocations a batch.");
	metrics_histogram(w, METRICS_NO_LABELS, &h, &metrics_sizes);
}

/* promtool's exit status for @p text; 127 when there is none to run. */
static int run_promtool(const char *text, size_t len)
{
	int input = memfd_create("metrics", MFD_CLOEXEC);
	int status;
	pid_t pid;

	assert_true(input >= 0);
	assert_int_equal(write(input, text, len), len);
	assert_int_equal(lseek(input, 0, SEEK_SET), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(input, STDIN_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("promtool", "promtool", "check", "metrics", NULL);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(input);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void promtool_agrees(void **state)
{
	static const char wrong[] = "# TYPE m gauge\nm{l=\"\xff\"} 1\n";
	struct metrics_writer *w = metrics_writer_new();
	size_t len;
	char *text;
	int status;

	assert_non_null(w);
	write_sample_page(w);
	text = metrics_writer_finish(w, &len);
	metrics_writer_free(w);
	assert_non_null(text);
	status = run_promtool(text, len);
	free(text);
	assert_int_equal(status, 0);
	assert_int_not_equal(run_promtool(wrong, strlen(wrong)), 0); /* it does look */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(promtool_agrees)};

	if (run_promtool("", 0) == 127) {
		fprintf(stderr, "skipped: promtool (package prometheus) is not installed\n");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests_name("admin/promtool", tests, NULL, NULL);
}
