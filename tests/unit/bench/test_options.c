/* SPDX-License-Identifier: MIT */
/* The command line: what is taken, what is refused. */
#include <stdio.h>
#include <unistd.h>

#include "perf/options.h"
#include "unit.h"

/* Parses words up to NULL behind the program's name, with standard error out of the way. */
static enum options_result parse(struct options *options, const char *const *words)
{
	char *argv[24] = {(char *)"etcdhcp-perf"};
	enum options_result result;
	int argc = 1, kept = dup(STDERR_FILENO);

	while (words[argc - 1]) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	fflush(stderr);
	assert_non_null(freopen("/dev/null", "w", stderr));
	result = options_parse(options, argc, argv);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	return result;
}

static void test_values(void **state)
{
	static const char *const words[] = {
	    "-i",           "eth1",     "-n",         "10M",
	    "-r",           "1.5k",     "--vlan",     "100-199",
	    "--outer-vlan", "7",        "--mac-base", "02:11:22:33:44:00",
	    "--giaddr",     "10.7.0.1", "--server",   "10.0.0.1",
	    "--lease",      "3600",     "--mix",      "renew=9,dora=1",
	    "mix",          NULL};
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, words), OPTIONS_RUN);
	assert_int_equal(o.scenario, SCENARIO_MIX);
	assert_string_equal(o.interface, "eth1");
	assert_int_equal(o.clients, 10000000);
	assert_true(o.rate == 1500);
	assert_int_equal(o.vlan.first, 100);
	assert_int_equal(o.vlan.last, 199);
	assert_int_equal(o.outer_vlan.last, 7);
	assert_int_equal(o.mac_base, UINT64_C(0x021122334400));
	assert_int_equal(o.giaddr, 0x0a070001);
	assert_int_equal(o.lease.first, 3600);
	assert_int_equal(o.lease.last, 3600);
	assert_int_equal(o.weights[ACTIVITY_RENEW], 9);
	assert_int_equal(o.weights[ACTIVITY_DORA], 1);
	assert_int_equal(o.weights[ACTIVITY_RELEASE], 0);
}

static void test_refused(void **state)
{
	static const char *const bad[][8] = {
	    {"dora"},
	    {"-i", "e"},
	    {"-i", "e", "dance"},
	    {"-i", "e", "dora", "renew"},
	    {"-i", "e", "-n", "0", "dora"},
	    {"-i", "e", "-n", "20M", "dora"},
	    {"-i", "e", "-n", "1.5", "dora"},
	    {"-i", "e", "-r", "fast", "dora"},
	    {"-i", "e", "-r", "-1", "dora"},
	    {"-i", "e", "--vlan", "4095", "dora"},
	    {"-i", "e", "--vlan", "9-8", "dora"},
	    {"-i", "e", "--outer-vlan", "8", "dora"},
	    {"-i", "e", "--giaddr", "10.0.0.1", "dora"},
	    {"-i", "e", "--server", "10.0.0.1", "dora"},
	    {"-i", "e", "--giaddr", "10.0.0", "--server", "10.0.0.1", "dora"},
	    {"-i", "e", "--mac-base", "03:00:00:00:00:00", "dora"},
	    {"-i", "e", "--mac-base", "fe:ff:ff:ff:ff:ff", "dora"},
	    {"-i", "e", "mix"},
	    {"-i", "e", "--mix", "dora=0", "mix"},
	    {"-i", "e", "--mix", "dora=1,nap=2", "mix"},
	    {"-i", "e", "--mix", "dora=1", "dora"},
	    {"-i", "e", "near-full"},
	    {"-i", "e", "--pool", "1000", "-n", "999", "near-full"},
	    {"-i", "e", "--search", "storm"},
	    {"-i", "e", "--search", "-c", "5", "dora"},
	    {"-i", "e", "--frames", "1000", "dora"},
	    {"-i", "e", "--socket", "--generic", "dora"},
	    {"-i", "e", "--what", "dora"},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(&o, bad[i]) != OPTIONS_WRONG)
			fail_msg("line %zu was taken", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
