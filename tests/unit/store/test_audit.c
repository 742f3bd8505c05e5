/* SPDX-License-Identifier: MIT */
/* Stores with one thing wrong each, and what the audit says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load.h"
#include "store/audit.h"
#include "store/record.h"

#define NOW  INT64_C(1700000000)
#define LIVE (NOW + 1000)
#define OVER (NOW - 1)

#define ANNA  "\x6d\x02\x00\x00\x00\x00\x0a"
#define BORIS "\x6d\x02\x00\x00\x00\x00\x0b"
#define CARLA "\x69\x01\x02\x03" /* by option 61 */
#define ANNAS_KEY  "clients/4/campus/mac:02:00:00:00:00:0a"
#define BORIS_KEY  "clients/4/campus/mac:02:00:00:00:00:0b"
#define CARLAS_KEY "clients/4/campus/id:010203"
#define LEASE(host) "leases/4/campus/10.6.0." host

/* Pool 10-19, of which 15 is reserved for Anna; 5 is reserved outside the pools, for Boris. */
static const char yaml[] = "server: {interfaces: [{name: eth1}]}\n"
			   "store: {embedded: {path: /nowhere}}\n"
			   "networks:\n"
			   "  - name: campus\n"
			   "    lease-time: 1000\n"
			   "    max-lease-time: 2000\n"
			   "    decline-time: 3000\n"
			   "    subnets:\n"
			   "      - subnet: 10.6.0.0/24\n"
			   "        pools: [10.6.0.10-10.6.0.19]\n"
			   "        reservations:\n"
			   "          - {mac: \"02:00:00:00:00:0a\", address: 10.6.0.15}\n"
			   "          - {mac: \"02:00:00:00:00:0b\", address: 10.6.0.5}\n"
			   "  - name: other\n"
			   "    subnets:\n"
			   "      - {subnet: 10.7.0.0/24, pools: [10.7.0.10-10.7.0.19]}\n";

#define MAX_ENTRIES 6
#define MAX_FOUND   4

struct entry {
	const char *key;
	const char *text; /* the value; NULL: a lease */
	enum lease_state state;
	const char *client; /* of a lease */
	int64_t hold_until_s;
	const char *chaddr; /* six bytes, NULL: not told */
	int64_t promised_until_s;
};

struct found {
	enum audit_rule rule;
	const char *key;
};

struct row {
	const char *name;
	struct entry entries[MAX_ENTRIES];
	struct found found[MAX_FOUND]; /* in any order; a NULL key ends it */
	bool embedded;
};

#define BOUND(host, who) {LEASE(host), NULL, LEASE_BOUND, who, LIVE, NULL}
#define KEY(key, host)	 {key, "10.6.0." host}

static const struct row rows[] = {
	{"an empty store", {{0}}, {{0}}},
	{"a lease and its client's key", {KEY(ANNAS_KEY, "12"), BOUND("12", ANNA)}, {{0}}},
	{"a client known by option 61", {KEY(CARLAS_KEY, "12"), BOUND("12", CARLA)}, {{0}}},
	{"a lease that is over and waits for deletion, with its key",
	 {KEY(ANNAS_KEY, "12"), {LEASE("12"), NULL, LEASE_BOUND, ANNA, OVER}}, {{0}}},
	{"a released and a declined lease have no key",
	 {{LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE},
	  {LEASE("13"), NULL, LEASE_DECLINED, BORIS, LIVE}}, {{0}}},
	{"a client's former lease stays held, released",
	 {KEY(ANNAS_KEY, "13"), {LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE},
	  BOUND("13", ANNA)}, {{0}}},
	{"a key without its lease", {KEY(ANNAS_KEY, "12")}, {{AUDIT_KEY_ALONE, ANNAS_KEY}}},
	{"a key of another's lease",
	 {KEY(ANNAS_KEY, "12"), KEY(BORIS_KEY, "12"), BOUND("12", BORIS)},
	 {{AUDIT_KEY_ANOTHERS, ANNAS_KEY}}},
	{"a key of a lease that was released",
	 {KEY(ANNAS_KEY, "12"), {LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE}},
	 {{AUDIT_KEY_GIVEN_UP, ANNAS_KEY}}},
	{"a key that names another address than the lease",
	 {KEY(ANNAS_KEY, "13"), BOUND("12", ANNA)}, {{AUDIT_KEY_ELSEWHERE, ANNAS_KEY}}},
	{"a bound lease without its client's key", {BOUND("12", ANNA)},
	 {{AUDIT_NO_KEY, LEASE("12")}}},
	{"the embedded store has no such keys", {BOUND("12", ANNA)}, {{0}}, true},
	{"two leases for one client: the one its key names is its own",
	 {KEY(ANNAS_KEY, "13"), BOUND("12", ANNA), BOUND("13", ANNA)},
	 {{AUDIT_TWO_LEASES, LEASE("12")}}},
	{"two leases for one client, in the other order",
	 {KEY(ANNAS_KEY, "12"), BOUND("12", ANNA), BOUND("13", ANNA)},
	 {{AUDIT_TWO_LEASES, LEASE("13")}}},
	{"two leases for one client without a key, embedded",
	 {BOUND("12", ANNA), BOUND("13", ANNA)}, {{AUDIT_TWO_LEASES, LEASE("13")}}, true},
	{"one client in two networks is two clients",
	 {KEY(ANNAS_KEY, "12"), {"clients/4/other/mac:02:00:00:00:00:0a", "10.7.0.12"},
	  BOUND("12", ANNA), {"leases/4/other/10.7.0.12", NULL, LEASE_BOUND, ANNA, LIVE}}, {{0}}},
	{"a lease outside the pools", {KEY(ANNAS_KEY, "99"), BOUND("99", ANNA)},
	 {{AUDIT_OUTSIDE, LEASE("99")}}},
	{"a lease in the pool of another network",
	 {KEY(ANNAS_KEY, "12"), BOUND("12", ANNA),
	  {"clients/4/other/mac:02:00:00:00:00:0b", "10.6.0.14"},
	  {"leases/4/other/10.6.0.14", NULL, LEASE_BOUND, BORIS, LIVE}},
	 {{AUDIT_OUTSIDE, "leases/4/other/10.6.0.14"}}},
	{"a reserved lease outside the pools", {KEY(BORIS_KEY, "5"), BOUND("5", BORIS)}, {{0}}},
	{"a reserved address that is another's", {KEY(BORIS_KEY, "15"), BOUND("15", BORIS)},
	 {{AUDIT_RESERVED, LEASE("15")}}},
	{"the same, over already",
	 {KEY(BORIS_KEY, "15"), {LEASE("15"), NULL, LEASE_BOUND, BORIS, OVER}}, {{0}}},
	{"reserved by hardware address, held by option 61",
	 {KEY(CARLAS_KEY, "15"),
	  {LEASE("15"), NULL, LEASE_BOUND, CARLA, LIVE, "\x02\x00\x00\x00\x00\x0a"}}, {{0}}},
	{"the same from another hardware address",
	 {KEY(CARLAS_KEY, "15"),
	  {LEASE("15"), NULL, LEASE_BOUND, CARLA, LIVE, "\x02\x00\x00\x00\x00\x0b"}},
	 {{AUDIT_RESERVED, LEASE("15")}}},
	{"a reservation of the store, for an address that is another's",
	 {KEY(ANNAS_KEY, "12"), BOUND("12", ANNA),
	  {"reservations/4/campus/mac:02:00:00:00:00:0c", "10.6.0.12"}},
	 {{AUDIT_RESERVED, LEASE("12")}}},
	{"a reservation of the store outweighs that of the file",
	 {KEY(BORIS_KEY, "15"), BOUND("15", BORIS),
	  {"reservations/4/campus/mac:02:00:00:00:00:0a", "10.6.0.16"}}, {{0}}},
	{"the longest hold and a little more",
	 {KEY(ANNAS_KEY, "12"), {LEASE("12"), NULL, LEASE_BOUND, ANNA, NOW + 4060}}, {{0}}},
	{"held beyond the horizon",
	 {KEY(ANNAS_KEY, "12"), {LEASE("12"), NULL, LEASE_BOUND, ANNA, NOW + 4061}},
	 {{AUDIT_TOO_FAR, LEASE("12")}}},
	{"released, and remembered for as long as it was held",
	 {{LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE, NULL, NOW + 4000}}, {{0}}},
	{"released, and remembered for longer than anything is held",
	 {{LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE, NULL, NOW + 4061}},
	 {{AUDIT_TOO_FAR, LEASE("12")}}},
	{"remembered for ever", {{LEASE("12"), NULL, LEASE_RELEASED, ANNA, LIVE, NULL, INT64_MAX}},
	 {{AUDIT_TOO_FAR, LEASE("12")}}},
	{"held for ever, released", {{LEASE("12"), NULL, LEASE_RELEASED, ANNA, INT64_MAX}},
	 {{AUDIT_TOO_FAR, LEASE("12")}}},
	{"a network that is not configured",
	 {{"leases/4/gone/10.9.0.1", NULL, LEASE_RELEASED, ANNA, LIVE},
	  {"leases/4/gone/10.9.0.2", NULL, LEASE_RELEASED, BORIS, INT64_MAX}},
	 {{AUDIT_NO_NETWORK, "leases/4/gone/"}}},
	{"records that are none", {{LEASE("12"), "rubbish"}, {LEASE("13"), ""}},
	 {{AUDIT_BAD_RECORD, LEASE("12")}, {AUDIT_BAD_RECORD, LEASE("13")}}},
	{"keys that are none",
	 {{"leases/4/campus/10.6.0.300", "x"}, {"clients/4/campus/mac:zz", "10.6.0.12"},
	  {"clients/4/campus/mac:02:00:00:00:00:0A", "10.6.0.12"}, {"what/ever\x07", "x"}},
	 {{AUDIT_BAD_KEY, "leases/4/campus/10.6.0.300"}, {AUDIT_BAD_KEY, "clients/4/campus/mac:zz"},
	  {AUDIT_BAD_KEY, "clients/4/campus/mac:02:00:00:00:00:0A"},
	  {AUDIT_OTHER_KEY, "what/ever?"}}},
	{"values that are no addresses",
	 {{ANNAS_KEY, "10.6.0"}, {"reservations/4/campus/mac:02:00:00:00:00:0c", "here"}},
	 {{AUDIT_BAD_ADDRESS, ANNAS_KEY},
	  {AUDIT_BAD_ADDRESS, "reservations/4/campus/mac:02:00:00:00:00:0c"}}},
	{"members are none of its business", {{"servers/a", "{}"}}, {{0}}},
};

struct fixture {
	struct config *config;
	struct kv_batch *batch;
	struct audit *audit;
	struct {
		enum audit_rule rule;
		char key[KV_MAX_KEY];
	} found[16];
	size_t n_found;
};

static void on_found(void *ctx, const struct audit_finding *finding)
{
	struct fixture *f = ctx;

	assert_true(f->n_found < ARRAY_SIZE(f->found));
	assert_true(finding->what[0] && finding->remedy[0]);
	f->found[f->n_found].rule = finding->rule;
	snprintf(f->found[f->n_found++].key, KV_MAX_KEY, "%s", finding->key);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct config_source source = {.name = "test.yaml", .text = yaml, .len = strlen(yaml)};
	struct config_error error;

	f->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!f->config)
		fail_msg("%s", error.text);
	f->batch = kv_batch_new(1);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	config_free(f->config);
	kv_batch_free(f->batch);
	free(f);
	return 0;
}

static void begin(struct fixture *f, bool client_keys)
{
	struct kv_event reset = {.type = KV_EVENT_RESET};

	f->n_found = 0;
	f->audit = audit_new(client_keys, on_found, f);
	assert_int_equal(audit_take(f->audit, &reset), 0);
}

static struct span span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static struct span value_of(struct fixture *f, const struct entry *entry)
{
	struct record_details details = {.server = "a"};
	struct lease lease = {
		.state = entry->state,
		.hold_until_s = entry->hold_until_s,
		.promised_until_s = entry->promised_until_s,
		.client = (const uint8_t *)entry->client,
	};

	if (entry->text)
		return span_of(entry->text);
	lease.client_len = entry->client[0] == CLIENT_ID_MAC ? 7 : 4;
	if (entry->chaddr)
		details.hwaddr = (struct span){(const uint8_t *)entry->chaddr, 6};
	kv_batch_reset(f->batch);
	return record_encode(f->batch, &lease, &details);
}

static void take(struct fixture *f, const struct entry *entry)
{
	struct kv_event put = {.type = KV_EVENT_PUT, .revision = 7, .key = span_of(entry->key)};

	put.value = value_of(f, entry);
	assert_int_equal(audit_take(f->audit, &put), 0);
}

static void judge(struct fixture *f, struct audit_counts *counts)
{
	struct kv_event loaded = {.type = KV_EVENT_LOADED, .revision = 9};

	assert_int_equal(audit_take(f->audit, &loaded), 1);
	assert_int_equal(audit_judge(f->audit, f->config, NOW, counts), 0);
}

static bool was_found(const struct fixture *f, const struct found *wanted)
{
	for (size_t i = 0; i < f->n_found; i++)
		if (f->found[i].rule == wanted->rule && !strcmp(f->found[i].key, wanted->key))
			return true;
	return false;
}

static void assert_adds_up(const struct audit_counts *counts)
{
	assert_int_equal(counts->pool, counts->reserved + counts->free + counts->bound +
					       counts->released + counts->declined + counts->over);
}

static void check_row(struct fixture *f, const struct row *row)
{
	struct audit_counts counts[2];
	size_t wanted = 0;

	begin(f, !row->embedded);
	for (size_t i = 0; i < MAX_ENTRIES && row->entries[i].key; i++)
		take(f, &row->entries[i]);
	judge(f, counts);
	for (; wanted < MAX_FOUND && row->found[wanted].key; wanted++)
		if (!was_found(f, &row->found[wanted]))
			fail_msg("%s: rule %d not found at %s", row->name, row->found[wanted].rule,
				 row->found[wanted].key);
	if (f->n_found != wanted)
		fail_msg("%s: %zu findings, the last at %s", row->name, f->n_found,
			 f->found[f->n_found - 1].key);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(counts[i].pool, 10);
		assert_adds_up(&counts[i]);
	}
	audit_free(f->audit);
}

static void test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# %s\n", rows[i].name);
		check_row(*state, &rows[i]);
	}
}

/* Every address of a pool is counted as what it is, once. */
static void test_counts(void **state)
{
	static const struct entry entries[] = {
		KEY(ANNAS_KEY, "15"), KEY(BORIS_KEY, "10"), KEY(CARLAS_KEY, "13"),
		BOUND("15", ANNA), /* reserved */
		BOUND("10", BORIS),
		{LEASE("11"), NULL, LEASE_RELEASED, BORIS, LIVE},
		{LEASE("12"), NULL, LEASE_DECLINED, BORIS, LIVE},
		{LEASE("13"), NULL, LEASE_BOUND, CARLA, OVER},
		{LEASE("14"), NULL, LEASE_DECLINED, BORIS, NOW}, /* its last second */
	};
	struct fixture *f = *state;
	struct audit_counts counts[2];
	struct audit_summary summary;

	begin(f, true);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		take(f, &entries[i]);
	judge(f, counts);
	assert_int_equal(f->n_found, 0);
	assert_int_equal(counts[0].reserved, 1);
	assert_int_equal(counts[0].bound, 1);
	assert_int_equal(counts[0].released, 1);
	assert_int_equal(counts[0].declined, 2);
	assert_int_equal(counts[0].over, 1);
	assert_int_equal(counts[0].free, 4);
	assert_adds_up(&counts[0]);
	assert_int_equal(counts[1].free, 10);
	audit_summarize(f->audit, &summary);
	assert_int_equal(summary.leases, 6);
	assert_int_equal(summary.clients, 3);
	assert_int_equal(summary.revision, 9);
	audit_free(f->audit);
}

/* Notes are told of and not counted among what is wrong. */
static void test_notes_are_no_faults(void **state)
{
	static const struct entry outside = {LEASE("99"), NULL, LEASE_RELEASED, ANNA, LIVE};
	static const struct entry alone = KEY(ANNAS_KEY, "12");
	struct fixture *f = *state;
	struct audit_counts counts[2];
	struct audit_summary summary;

	begin(f, true);
	take(f, &outside);
	take(f, &alone);
	judge(f, counts);
	audit_summarize(f->audit, &summary);
	assert_int_equal(summary.faults, 1);
	assert_int_equal(summary.notes, 1);
	audit_free(f->audit);
}

/* A load that begins anew forgets what came before. */
static void test_second_load(void **state)
{
	static const struct entry alone = KEY(ANNAS_KEY, "12");
	struct kv_event reset = {.type = KV_EVENT_RESET};
	struct fixture *f = *state;
	struct audit_counts counts[2];

	begin(f, true);
	take(f, &alone);
	assert_int_equal(audit_take(f->audit, &reset), -EAGAIN);
	judge(f, counts);
	assert_int_equal(f->n_found, 0);
	audit_free(f->audit);
}

/* Many of everything: references hold while what they refer to moves. */
static void test_many(void **state)
{
	enum { N = 100000 };
	struct fixture *f = *state;
	struct audit_counts counts[2];
	struct audit_summary summary;

	begin(f, true);
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < N; i++) {
			char key[64], address[16], client[7] = ANNA;
			struct entry entry = {key, NULL, LEASE_BOUND, client, LIVE, NULL};

			store_be32((uint8_t *)client + 3, i);
			snprintf(address, sizeof(address), "11.%u.%u.%u", i >> 16, i >> 8 & 255,
				 i & 255);
			if (pass)
				snprintf(key, sizeof(key), "leases/4/gone/%s", address);
			else
				snprintf(key, sizeof(key),
					 "clients/4/gone/mac:02:00:%02x:%02x:%02x:%02x", i >> 24,
					 i >> 16 & 255, i >> 8 & 255, i & 255);
			entry.text = pass ? NULL : address;
			take(f, &entry);
		}
	judge(f, counts);
	audit_summarize(f->audit, &summary);
	assert_int_equal(summary.leases, N);
	assert_int_equal(summary.clients, N);
	assert_int_equal(summary.faults, 0);
	assert_int_equal(f->n_found, 1); /* the network is not configured */
	audit_free(f->audit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_notes_are_no_faults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
