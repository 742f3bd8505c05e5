/* SPDX-License-Identifier: MIT */
/** Options and boot fields: what each scope ends up with. */
#include "unit.h"

#include <stdio.h>

#define SERVER "server: {id: a, interfaces: [eth1]}\n"

/* An option of a scope as hexadecimal, "-" when absent, with "!" in front when always sent. */
static const char *show(const struct config_scope *scope, uint8_t code, char *text)
{
	const struct span value = option_set_get(scope->options, code);
	size_t len = 0;

	if (!value.data)
		return strcpy(text, "-");
	if (scope->options->always[code / 64] >> (code % 64) & 1)
		text[len++] = '!';
	text[len] = '\0';
	for (size_t i = 0; i < value.len; i++)
		len += sprintf(text + len, "%02x", value.data[i]);
	return text;
}

static void expect_option(const struct config_scope *scope, uint8_t code, const char *expected)
{
	char text[1024];

	assert_string_equal(show(scope, code, text), expected);
}

static void test_values(void **state)
{
	struct config *c = must_parse(SERVER "networks:\n"
					     "- name: n\n"
					     "  subnets:\n"
					     "  - subnet: 10.0.0.0/24\n"
					     "    options:\n"
					     "      routers: 10.0.0.1\n"
					     "      domain-name-servers: [10.0.0.2, 10.0.0.3]\n"
					     "      224: \"0a:0b\"\n"
					     "      42: [10.0.0.4]\n"
					     "      domain-name: {value: ab, always: true}\n"
					     "      host-name: \"~\"\n"
					     "      time-servers: {value: [10.0.0.5, 10.0.0.6]}\n"
					     "      interface-mtu: {value: 1500, always: no}\n");
	const struct config_scope *scope = &c->subnets[0].scope;

	expect_option(scope, 3, "0a000001");
	expect_option(scope, 6, "0a0000020a000003");
	expect_option(scope, 224, "0a0b");
	expect_option(scope, 42, "0a000004");
	expect_option(scope, 15, "!6162");
	expect_option(scope, 12, "7e"); /* in quotes it is text, not null */
	expect_option(scope, 4, "0a0000050a000006");
	expect_option(scope, 26, "05dc");
	/* the server adds neither of itself */
	expect_option(scope, 1, "-");
	expect_option(scope, 28, "-");
	config_free(c);
}

static const char inheriting[] =
    SERVER "next-server: 10.1.1.1\n"
	   "boot-file: g\n"
	   "server-name: g\n"
	   "options: {domain-name: g, host-name: g, root-path: g, nis-domain: g,"
	   " merit-dump: {value: g, always: true}}\n"
	   "networks:\n"
	   "- name: n\n"
	   "  boot-file: n\n"
	   "  options: {host-name: n, root-path: n, nis-domain: ~, merit-dump: n}\n"
	   "  subnets:\n"
	   "  - subnet: 10.0.0.0/24\n"
	   "    next-server: ~\n"
	   "    server-name: s\n"
	   "    options: {root-path: {value: s, always: true}, nis-domain: s}\n"
	   "    reservations:\n"
	   "    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.1}\n"
	   "    - {mac: \"02:00:00:00:00:02\", address: 10.0.0.2, options: {host-name: r,"
	   " root-path: {value: ~}}}\n"
	   "    - {mac: \"02:00:00:00:00:03\", address: 10.0.0.3, boot-file: r}\n"
	   "    - {mac: \"02:00:00:00:00:04\", address: 10.0.0.4, boot-file: ~}\n"
	   "  - subnet: 10.0.1.0/24\n"
	   "- name: m\n"
	   "  subnets: [{subnet: 10.0.2.0/24}]\n";

static void test_subnet_inherits(void **state)
{
	struct config *c = must_parse(inheriting);
	const struct config_scope *first = &c->subnets[0].scope, *second = &c->subnets[1].scope;
	const struct config_scope *third = &c->subnets[2].scope;

	expect_option(first, 15, "67");
	expect_option(first, 12, "6e");
	expect_option(first, 17, "!73");
	expect_option(first, 40, "73");
	expect_option(first, 14, "6e"); /* replaced with its flag */
	assert_int_equal(first->next_server, 0);
	assert_string_equal(first->boot_file, "n");
	assert_string_equal(first->server_name, "s");

	expect_option(second, 17, "6e");
	expect_option(second, 40, "-");
	assert_int_equal(second->next_server, 0x0a010101);
	assert_string_equal(second->server_name, "g");

	expect_option(third, 12, "67");
	expect_option(third, 40, "67");
	expect_option(third, 14, "!67");
	assert_string_equal(third->boot_file, "g");
	config_free(c);
}

static void test_reservation_inherits(void **state)
{
	struct config *c = must_parse(inheriting);
	const struct config_subnet *subnet = &c->subnets[0];
	const struct config_reservation *r = subnet->reservations;

	assert_ptr_equal(r[0].scope, &subnet->scope);
	expect_option(r[1].scope, 12, "72");
	expect_option(r[1].scope, 17, "-");
	expect_option(r[1].scope, 15, "67");
	expect_option(r[1].scope, 40, "73");
	assert_string_equal(r[1].scope->boot_file, "n");
	assert_string_equal(r[2].scope->boot_file, "r");
	assert_null(r[3].scope->boot_file);
	assert_string_equal(r[3].scope->server_name, "s");
	/* the subnet keeps its own */
	expect_option(&subnet->scope, 12, "6e");
	assert_string_equal(subnet->scope.boot_file, "n");
	config_free(c);
}

/* A scope that gives no options shares the set of the one around it. */
static void test_sets_are_shared(void **state)
{
	struct config *c = must_parse(inheriting);
	const struct config_subnet *subnet = &c->subnets[0];

	assert_ptr_equal(subnet->reservations[2].scope->options, subnet->scope.options);
	assert_ptr_not_equal(subnet->reservations[1].scope->options, subnet->scope.options);
	assert_ptr_not_equal(c->subnets[1].scope.options, subnet->scope.options);
	assert_ptr_not_equal(c->subnets[2].scope.options, c->subnets[1].scope.options);
	config_free(c);
}

static void test_no_options(void **state)
{
	struct config *c =
	    must_parse(SERVER "networks: [{name: n, subnets: [{subnet: 10.0.0.0/24}]}]\n");

	for (unsigned code = 1; code < 255; code++)
		assert_null(option_set_get(c->subnets[0].scope.options, code).data);
	assert_int_equal(c->subnets[0].scope.next_server, 0);
	assert_null(c->subnets[0].scope.boot_file);
	assert_null(c->subnets[0].scope.server_name);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_subnet_inherits),
	    cmocka_unit_test(test_reservation_inherits),
	    cmocka_unit_test(test_sets_are_shared),
	    cmocka_unit_test(test_no_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
