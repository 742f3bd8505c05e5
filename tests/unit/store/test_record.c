/* SPDX-License-Identifier: MIT */
/* The durable record against bytes written by hand: what stands in stores must be understood for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/record.h"

/* Field 1, bytes: "mABCDEF"; then 2 the state, 3 hold_until, 10 revoked, 11 promised_until: varints. */
#define CLIENT "\x0a\x07mABCDEF"
#define LEN(bytes) (sizeof(bytes) - 1)

struct row {
	const char *name;
	const char *bytes;
	size_t len;
	enum lease_state state;
	int64_t hold_until_s, promised_until_s;
	bool read_only; /* nothing that is written now */
};

#define ROW(name, bytes, ...) {name, bytes, LEN(bytes), __VA_ARGS__}

static const struct row rows[] = {
	ROW("a binding says its hold", CLIENT "\x10\x01\x18\xe8\x07", LEASE_BOUND, 1000, 1000, false),
	ROW("a release says what was promised", CLIENT "\x10\x02\x18\xe8\x07\x58\x88\x27",
	    LEASE_RELEASED, 1000, 5000, false),
	ROW("so does a decline", CLIENT "\x10\x03\x18\xe8\x07\x58\x88\x27", LEASE_DECLINED, 1000, 5000,
	    false),
	ROW("a revoked lease is held that long", CLIENT "\x10\x02\x18\x88\x27\x50\x01", LEASE_REVOKED,
	    5000, 5000, false),
	ROW("a release from before there was such a field", CLIENT "\x10\x02\x18\xe8\x07",
	    LEASE_RELEASED, 1000, 1000, false),
	ROW("less than the hold stands for the hold", CLIENT "\x10\x02\x18\xe8\x07\x58\x64",
	    LEASE_RELEASED, 1000, 1000, true),
	ROW("nor does it go below zero",
	    CLIENT "\x10\x02\x18\xe8\x07\x58\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", LEASE_RELEASED,
	    1000, 1000, true),
};

static void test_reads_what_stands_there(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span value = {(const uint8_t *)rows[i].bytes, rows[i].len};
		struct client_id client;
		int64_t updated_s = -1;
		struct lease lease;

		print_message("# %s\n", rows[i].name);
		assert_true(record_decode(value, &lease, &client, &updated_s));
		assert_int_equal(updated_s, 0); /* not told */
		assert_int_equal(lease.state, rows[i].state);
		assert_int_equal(lease.hold_until_s, rows[i].hold_until_s);
		assert_int_equal(lease.promised_until_s, rows[i].promised_until_s);
		assert_int_equal(client.len, 7);
		assert_memory_equal(client.bytes, "mABCDEF", 7);
	}
}

static void test_writes_no_other_bytes(void **state)
{
	struct kv_batch *batch = kv_batch_new(1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lease lease = {.state = rows[i].state,
				      .hold_until_s = rows[i].hold_until_s,
				      .promised_until_s = rows[i].promised_until_s,
				      .client = (const uint8_t *)"mABCDEF",
				      .client_len = 7};
		struct span value;

		if (rows[i].read_only)
			continue;
		print_message("# %s\n", rows[i].name);
		value = record_encode(batch, &lease, NULL);
		assert_int_equal(value.len, rows[i].len);
		assert_memory_equal(value.data, rows[i].bytes, value.len);
	}
	kv_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_stands_there),
		cmocka_unit_test(test_writes_no_other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
