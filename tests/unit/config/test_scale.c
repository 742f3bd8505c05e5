/* SPDX-License-Identifier: MIT */
/** A large site: a thousand subnets, a hundred thousand reservations, in the worst order. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBNETS             1000u
#define RESERVATIONS        100u /* in each */
#define NETWORKS            50u
#define SUBNETS_PER_NETWORK (SUBNETS / NETWORKS)
#define BASE                0x0a000000u
#define TEXT_MAX            ((size_t)16 << 20)

struct text {
	char *data;
	size_t len;
};

static void append(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->len += vsnprintf(text->data + text->len, TEXT_MAX - text->len, format, args);
	va_end(args);
	assert_true(text->len < TEXT_MAX);
}

static void append_subnet(struct text *text, unsigned subnet)
{
	append(text, "  - subnet: 10.%u.%u.0/24\n    pools: [10.%u.%u.128/26]\n    reservations:\n",
	       subnet >> 8, subnet & 255, subnet >> 8, subnet & 255);
	for (unsigned i = RESERVATIONS; i > 0; i--) {
		const unsigned n = subnet * RESERVATIONS + i;

		append(text, "    - {mac: \"02:00:00:%02x:%02x:%02x\", address: 10.%u.%u.%u}\n",
		       n >> 16, n >> 8 & 255, n & 255, subnet >> 8, subnet & 255, i);
	}
}

/* Networks, subnets and reservations all in falling order. */
static struct text large_file(void)
{
	struct text text = {.data = malloc(TEXT_MAX)};

	assert_non_null(text.data);
	append(&text, "server: {id: a, interfaces: [eth1]}\nnetworks:\n");
	for (unsigned i = NETWORKS; i > 0; i--) {
		append(&text, "- name: n%u\n  options: {routers: 10.0.0.1}\n  subnets:\n", i - 1);
		for (unsigned k = SUBNETS_PER_NETWORK; k > 0; k--)
			append_subnet(&text, (i - 1) * SUBNETS_PER_NETWORK + k - 1);
	}
	return text;
}

static void test_large_file(void **state)
{
	struct text text = large_file();
	struct config *c = must_parse(text.data);

	assert_int_equal(c->n_networks, NETWORKS);
	assert_int_equal(c->n_subnets, SUBNETS);
	for (unsigned i = 0; i < SUBNETS; i++) {
		const struct config_subnet *subnet = &c->subnets[i];
		const struct config_network *network = &c->networks[subnet->network];

		assert_int_equal(subnet->first, BASE + (i << 8));
		assert_ptr_equal(config_find_subnet(c, subnet->first + 7), subnet);
		assert_ptr_equal(network->subnets[i % SUBNETS_PER_NETWORK], subnet);
		assert_int_equal(subnet->n_reservations, RESERVATIONS);
		for (unsigned k = 0; k < RESERVATIONS; k++)
			assert_int_equal(subnet->reservations[k].address, subnet->first + k + 1);
	}
	for (unsigned i = 0; i < NETWORKS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		assert_ptr_equal(config_find_network(c, name), &c->networks[NETWORKS - 1 - i]);
	}
	config_free(c);
	free(text.data);
}

/* The needle: the very first client again, in the last subnet of the same network. */
static void test_duplicate_is_found(void **state)
{
	struct text text = large_file();
	struct config_error error = {{0}};

	append(&text, "    - {mac: \"02:00:00:00:00:01\", address: 10.0.0.250}\n");
	assert_null(parse(text.data, &error));
	assert_non_null(strstr(error.text, ": reservations: mac:02:00:00:00:00:01 has a "
					   "reservation at line "));
	free(text.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_large_file),
	    cmocka_unit_test(test_duplicate_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
