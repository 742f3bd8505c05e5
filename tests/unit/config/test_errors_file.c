/* SPDX-License-Identifier: MIT */
/** What is refused of a file as a whole: syntax, unknown keys, aliases. */
#include "errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct error_case syntax_cases[] = {
    {"", "t: file: is empty; see etcdhcp.yaml(5)"},
    {"~\n", "t: file: is empty; see etcdhcp.yaml(5)"},
    {"[1]\n", "t:1: file: does not hold a mapping; begin with a key such as networks:"},
    {"just text\n", "t:1: file: does not hold a mapping; begin with a key such as networks:"},
    {"a: [1\n", "t:2: syntax: while parsing a flow sequence, did not find expected ',' or ']'; "
		"check quotes, brackets and indentation (spaces, not tabs)"},
    {"a: \"x\n", "t:2: syntax: while scanning a quoted scalar, found unexpected end of stream; "
		 "check quotes, brackets and indentation (spaces, not tabs)"},
    {"\tserver: 1\n", "t:1: syntax: while scanning for the next token, found character that cannot "
		      "start any token; check quotes, brackets and indentation (spaces, not tabs)"},
    {"a: 1\n b: 2\n", "t:2: syntax: mapping values are not allowed in this context; check quotes, "
		      "brackets and indentation (spaces, not tabs)"},
    {"a: \377\n", "t:1: syntax: invalid leading UTF-8 octet (byte 3); give plain UTF-8 text"},
    {"a: \"\\0\"\n", "t:1: syntax: a NUL byte inside text; remove it"},
    {"a: !!str x\n", "t:1: tag:yaml.org,2002:str: tags have no meaning here; remove it"},
    {"[a]: 1\n", "t:1: syntax: a list or mapping stands where a key should; give a plain word "
		 "as the key"},
    {"{a: 1}: 1\n", "t:1: syntax: a list or mapping stands where a key should; give a plain word "
		    "as the key"},
    {"? [a]\n: 1\n", "t:1: syntax: a list or mapping stands where a key should; give a plain word "
		     "as the key"},
    {VALID "---\na: 1\n", "t:3: syntax: a second document begins; one file holds one document"},
    {"a: *nowhere\n", "t:1: nowhere: no such anchor; define &nowhere above this line"},
    {"a: &x [*x]\n", "t:1: x: the alias stands inside its own anchor; remove it"},
    {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n",
     "t:1: syntax: nested deeper than anything known here; at most 16 levels"},
    {"\"a\\e[31mb\": 1\n", "t:1: a?[31mb: unknown in the file; allowed here: " ROOT_KEYS},
    {VALID "server: {}\n", "t:3: server: given twice, first at line 1; remove one"},
};

static const struct error_case top_cases[] = {
    {VALID "netwoks: []\n",
     "t:3: netwoks: unknown in the file; did you mean networks? allowed here: " ROOT_KEYS},
    {VALID "foo: []\n", "t:3: foo: unknown in the file; allowed here: " ROOT_KEYS},
    {NETWORKS, "t:1: server: missing; name the interfaces to serve, such as server: {interfaces: "
	       "[{name: eth1}]}"},
    {SERVER, "t:1: networks: missing, so there is nothing to serve; list at least one, such "
	     "as [{name: campus, subnets: [{subnet: 10.6.0.0/16}]}]"},
    {SERVER "networks: []\n",
     "t:2: networks: is empty, so there is nothing to serve; list at least one, "
     "such as [{name: campus, subnets: [{subnet: 10.6.0.0/16}]}]"},
    {SERVER "networks: ~\n",
     "t:2: networks: is empty, so there is nothing to serve; list at least one, "
     "such as [{name: campus, subnets: [{subnet: 10.6.0.0/16}]}]"},
    {SERVER "networks: text\n",
     "t:2: networks: a network is not a mapping; give \"key: value\" pairs"},
    {"server: []\n" NETWORKS, "t:1: server: is not a mapping; give \"key: value\" pairs"},
    {"server: 5\n" NETWORKS, "t:1: server: is not a mapping; give \"key: value\" pairs"},
    {"server: ~\n" NETWORKS,
     "t:1: interfaces: missing in server; name those to serve, such as [{name: eth1}]"},
    {"server: {interface: [eth1]}\n" NETWORKS,
     "t:1: interface: unknown in server; did you mean interfaces? allowed here: "
     "id, interfaces, workers, zero-copy, busy-poll, pending-max, clock-tolerance, "
     "load-sharing, metrics, log-level, xdp"},
};

static const struct error_case aliases_cases[] = {
    {VALID "rest-time: &t 5h\noffer-time: *t\n",
     "t:4: offer-time: \"5h\" is out of range; give 1s to 1h, such as 90s or 1h30m"},
    {VALID "x: &x 1\n", "t:3: x: unknown in the file; allowed here: " ROOT_KEYS},
    {IN_NETWORK "  options: &o {routers: 10.0.0.1}\n  subnets: [{subnet: 10.0.0.0/24, options: "
		"{routers: *o}}]\n",
     "t:4: routers: unknown in an option; allowed here: value, always"},
    {SERVER "networks:\n- &n {name: n, subnets: [{subnet: 10.0.0.0/24}]}\n- *n\n",
     "t:3: name: n is also the network's name at line 3; leases are stored under "
     "it, give each its own"},
    {VALID "lease-time: &t x\noffer-time: *t\n",
     "t:3: lease-time: \"x\" is not a duration in whole seconds; give 1s to 3650d, "
     "such as 90s or 1h30m"},
};

static void test_syntax(void **state)
{
	expect_errors(syntax_cases, ARRAY_SIZE(syntax_cases));
}

static void test_top(void **state)
{
	expect_errors(top_cases, ARRAY_SIZE(top_cases));
}

static void test_aliases(void **state)
{
	expect_errors(aliases_cases, ARRAY_SIZE(aliases_cases));
}

static void test_unreadable_files(void **state)
{
	static const struct error_case cases[] = {
	    {"/nonexistent/t", "/nonexistent/t: file: No such file or directory; name another "
			       "with -c or mend this one"},
	    {"/", "/: file: Is a directory; name another with -c or mend this one"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_error error = {{0}};

		assert_null(config_load(cases[i].text, &error));
		assert_string_equal(error.text, cases[i].error);
	}
}

/* A file without a name in any directory: its path, and its descriptor. */
static int open_file(char *path, size_t cap)
{
	int fd = memfd_create("etcdhcp.yaml", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, cap, "/proc/self/fd/%d", fd);
	return fd;
}

static void test_file_too_long(void **state)
{
	char path[64], expected[256];
	struct config_error error = {{0}};
	int fd = open_file(path, sizeof(path));

	assert_int_equal(ftruncate(fd, CONFIG_FILE_MAX + 1), 0);
	assert_null(config_load(path, &error));
	snprintf(expected, sizeof(expected),
		 "%s: file: is longer than 64 MiB; name another with -c or mend this one", path);
	assert_string_equal(error.text, expected);
	/* one byte less is read, and then found to be no text */
	assert_int_equal(ftruncate(fd, CONFIG_FILE_MAX), 0);
	assert_null(config_load(path, &error));
	snprintf(expected, sizeof(expected),
		 "%s:1: syntax: control characters are not allowed (byte 0); give plain UTF-8 text",
		 path);
	assert_string_equal(error.text, expected);
	close(fd);
}

static void test_file_is_read(void **state)
{
	static const char text[] = VALID;
	static const char shared[] = "networks: [{name: m, subnets: [{subnet: 10.0.0.0/24}]}]\n";
	char path[64];
	struct config_error error = {{0}};
	int fd = open_file(path, sizeof(path));

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	struct config *config = config_load(path, &error);
	assert_non_null(config);
	assert_string_equal(config->networks[0].name, "n");
	config_free(config);
	config = config_load_shared(path, "k", shared, strlen(shared), &error);
	assert_non_null(config);
	assert_string_equal(config->networks[0].name, "m");
	config_free(config);
	close(fd);
}

/* Whatever the names, an error is one printable line that ends, cut where it is too long. */
static void test_error_is_bounded(void **state)
{
	char name[1000];
	struct config_error error = {{0}};
	struct loader loader = {.file = name, .error = &error};

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(config_fail(&loader, 7, "lease-time\n\x1b", "%s; %s", name, name),
			 -EINVAL);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	assert_string_equal(error.text + sizeof(error.text) - 4, "...");
	assert_null(strpbrk(error.text, "\n\x1b"));
	assert_non_null(strstr(error.text, "n:7: lease-time??: n"));
}

/* @p head, then @p n times @p item; free(3) it. */
static char *repeat(const char *head, const char *item, size_t n)
{
	const size_t head_len = strlen(head), item_len = strlen(item);
	char *text = malloc(head_len + n * item_len + 1);

	assert_non_null(text);
	memcpy(text, head, head_len);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head_len + i * item_len, item, item_len);
	text[head_len + n * item_len] = '\0';
	return text;
}

/* Each would take minutes or gigabytes if it were taken in before it is refused. */
static void test_bombs(void **state)
{
	static const struct bomb {
		const char *head, *item;
		size_t n;
		const char *error;
	} bombs[] = {
	    {"", "[", 8 << 20,
	     "t:1: syntax: nested deeper than anything known here; at most 16 levels"},
	    {"", "- ", 4 << 20,
	     "t:1: syntax: nested deeper than anything known here; at most 16 levels"},
	    {"", "- &a x\n", 1 << 20, "t:257: a: one anchor too many; at most 256 are allowed"},
	    {"a: [", "x,", (8 << 20) + 1,
	     "t:1: syntax: more than 8388608 values, aliases expanded; shorten the file"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++) {
		char *text = repeat(bombs[i].head, bombs[i].item, bombs[i].n);

		expect_error(text, bombs[i].error);
		free(text);
	}
}

/* A billion laughs: nine aliases to the line before, on each of twelve lines. */
static void test_alias_bomb(void **state)
{
	char text[2048];
	size_t len = snprintf(text, sizeof(text), "a: &a [x,x,x,x,x,x,x,x,x]\n");

	for (char c = 'b'; c < 'n'; c++) {
		len += snprintf(text + len, sizeof(text) - len, "%c: &%c [*%c", c, c, c - 1);
		for (int i = 0; i < 8; i++)
			len += snprintf(text + len, sizeof(text) - len, ",*%c", c - 1);
		len += snprintf(text + len, sizeof(text) - len, "]\n");
	}
	expect_error(text, "t:8: syntax: more than 8388608 values, aliases expanded; shorten the "
			   "file");
}

/* What lies deeper in an anchor counts as well: a thousand times ten thousand. */
static void test_nested_alias_bomb(void **state)
{
	char *list = repeat("a: &a [[", "x,", 10000);
	const size_t len = strlen(list);
	char *text = malloc(len + 16 + 4 * 1000);

	assert_non_null(text);
	memcpy(text, list, len);
	strcpy(text + len, "]]\nb: [");
	for (char *end = text + strlen(text), *p = end; p < end + 3 * 1000; p += 3)
		strcpy(p, "*a,");
	expect_error(text, "t:2: syntax: more than 8388608 values, aliases expanded; shorten the "
			   "file");
	free(text);
	free(list);
}

static const struct error_case shared_cases[] = {
    {"server: {}\n", "k:1: server: not allowed here; each server has it in its own file, "
		     "remove it from the shared part"},
    {NETWORKS "store: ~\n", "k:2: store: not allowed here; each server has it in its own file, "
			    "remove it from the shared part"},
    {"lease-time: 1h\n", "k:1: networks: missing, so there is nothing to serve; list at least "
			 "one, such as [{name: campus, subnets: [{subnet: 10.6.0.0/16}]}]"},
    {NETWORKS "netwoks: []\n", "k:2: netwoks: unknown in the file; did you mean networks? "
			       "allowed here: networks, " TIME_KEYS ", " SCOPE_KEYS},
    {"a: [\n", "k:2: syntax: while parsing a flow node, did not find expected node content; "
	       "check quotes, brackets and indentation (spaces, not tabs)"},
    {"", "k: file: is empty; see etcdhcp.yaml(5)"},
    {"networks: [{name: n, links: [eth9], subnets: [{subnet: 10.0.0.0/24}]}]\n",
     "k:1: links: \"eth9\" is on no interface of this server; give interface, interface.vlan or "
     "interface.vlan.inner with one of server.interfaces"},
};

static void expect_shared_error(const char *file, const char *shared, const char *expected)
{
	const struct config_source own = {.name = "t", .text = file, .len = strlen(file)};
	const struct config_source key = {.name = "k", .text = shared, .len = strlen(shared)};
	struct config_error error = {{0}};

	assert_null(config_parse(&own, &key, CONFIG_MEMORY_MAX, &error));
	assert_string_equal(error.text, expected);
}

static void test_shared(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shared_cases); i++)
		expect_shared_error(SERVER, shared_cases[i].text, shared_cases[i].error);
	/* the file stays a file that must be right */
	expect_shared_error(VALID "lease-time: x\n", NETWORKS,
			    "t:3: lease-time: \"x\" is not a duration in whole seconds; give 1s to "
			    "3650d, such as 90s or 1h30m");
	expect_shared_error(NETWORKS, NETWORKS,
			    "t:1: server: missing; name the interfaces to serve, such as "
			    "server: {interfaces: [{name: eth1}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_syntax),           cmocka_unit_test(test_top),
	    cmocka_unit_test(test_aliases),          cmocka_unit_test(test_unreadable_files),
	    cmocka_unit_test(test_file_too_long),    cmocka_unit_test(test_file_is_read),
	    cmocka_unit_test(test_error_is_bounded), cmocka_unit_test(test_bombs),
	    cmocka_unit_test(test_alias_bomb),       cmocka_unit_test(test_nested_alias_bomb),
	    cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
