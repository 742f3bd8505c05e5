/* SPDX-License-Identifier: MIT */
/* A reply is the same with a memo and without one, whatever the memo has seen before. */
#include "support.h"

#define CAP 2048

static void make_request(struct message *message, const uint8_t *asked, size_t n)
{
	message_init_type(message, DHCP_REQUEST);
	if (asked)
		message_option(message, DHCP_OPT_PARAMETER_LIST, asked, n);
	message_option(message, DHCP_OPT_CLIENT_ID, BYTES("\x01\x08\x9e\x08\xb5\xaf\x01"));
	message_end(message);
}

static struct dhcp_reply make_reply(const struct option_set *set, uint32_t mask,
				    struct reply_memo *memo)
{
	return (struct dhcp_reply){
	    .type = DHCP_ACK,
	    .server_id = 0x0a060001,
	    .yiaddr = 0x0a06090a,
	    .lease_s = 3600,
	    .t1_s = 1800,
	    .t2_s = 3150,
	    .subnet_mask = mask,
	    .options = set,
	    .mtu = 1500,
	    .memo = memo,
	};
}

static int build(struct message *message, const struct option_set *set, uint32_t mask,
		 struct reply_memo *memo)
{
	struct dhcp_reply reply = make_reply(set, mask, memo);
	struct dhcp_request request;

	must_parse(&request, message);
	return dhcp_reply_build(message->bytes, CAP, &request, &reply);
}

/* Builds with the memo and without it; both must agree to the last byte. */
static void expect_same(const uint8_t *asked, size_t n, const struct option_set *set, uint32_t mask,
			struct reply_memo *memo)
{
	struct message with, without;
	int len;

	make_request(&with, asked, n);
	without = with;
	len = build(&without, set, mask, NULL);
	assert_true(len >= DHCP_MIN_MESSAGE);
	assert_int_equal(build(&with, set, mask, memo), len);
	assert_memory_equal(with.bytes, without.bytes, (size_t)len);
}

static struct reply_memo *new_memo(void)
{
	struct reply_memo *memo = calloc(1, sizeof(*memo));

	assert_non_null(memo);
	return memo;
}

static const uint8_t usual[] = {1, 3, 6, 15, 28, 42, 119, 121, 252};

static size_t entries_used(const struct reply_memo *memo)
{
	size_t n = 0;

	for (size_t i = 0; i < REPLY_MEMO_ENTRIES; i++)
		n += memo->entries[i].n_asked != 0;
	return n;
}

static void second_reply_comes_from_the_memo(void **state)
{
	struct option_set *set = SET("routers=10.6.0.1", "domain-name=example.net");
	struct reply_memo *memo = new_memo();

	expect_same(usual, sizeof(usual), set, 0xffff0000, memo);
	assert_int_equal(entries_used(memo), 1);
	/* What it holds is what is sent: seen by changing it. */
	for (size_t i = 0; i < REPLY_MEMO_ENTRIES; i++)
		if (memo->entries[i].n_asked)
			memo->entries[i].block[2] ^= 1;
	struct message with, without;
	make_request(&with, usual, sizeof(usual));
	without = with;
	int len = build(&without, set, 0xffff0000, NULL);
	assert_int_equal(build(&with, set, 0xffff0000, memo), len);
	assert_memory_not_equal(with.bytes, without.bytes, (size_t)len);
	free(memo);
	free(set);
}

/* Anything that may change the block keeps it from being taken for another one. */
static void sets_masks_and_lists_are_told_apart(void **state)
{
	struct option_set *sets[] = {
	    SET("routers=10.6.0.1", "domain-name=example.net"),
	    SET("routers=10.6.0.2", "domain-name=example.net"),
	    SET("routers=10.6.0.1", "domain-name!=example.net"),
	    SET("routers=10.6.0.1"),
	    SET("subnet-mask=255.0.0.0", "routers=10.6.0.1"),
	};
	static const uint8_t permuted[] = {3, 1, 6, 15, 28, 42, 119, 121, 252};
	static const uint8_t longer[] = {1, 3, 6, 15, 28, 42, 119, 121, 252, 12};
	static const uint8_t twice[] = {1, 3, 6, 15, 28, 42, 119, 1, 3};
	struct reply_memo *memo = new_memo();

	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
			expect_same(usual, sizeof(usual), sets[i], 0xffff0000, memo);
			expect_same(usual, sizeof(usual), sets[i], 0xffffff00, memo);
			expect_same(permuted, sizeof(permuted), sets[i], 0xffff0000, memo);
			expect_same(longer, sizeof(longer), sets[i], 0xffff0000, memo);
			expect_same(twice, sizeof(twice), sets[i], 0xffff0000, memo);
			expect_same(NULL, 0, sets[i], 0xffff0000, memo);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		free(sets[i]);
	free(memo);
}

/* A reload frees a set; another may lie at its address. */
static void new_set_in_the_same_place_is_another(void **state)
{
	struct option_set *first = SET("routers=10.6.0.1", "domain-name=example.net");
	struct option_set *second = SET("routers=10.6.0.9", "domain-name=example.org");
	struct reply_memo *memo = new_memo();
	size_t size = sizeof(*first) + first->cap;
	struct option_set *place = malloc(size);

	assert_non_null(place);
	assert_int_equal(first->cap, second->cap);
	memcpy(place, first, size);
	expect_same(usual, sizeof(usual), place, 0, memo);
	memcpy(place, second, size);
	expect_same(usual, sizeof(usual), place, 0, memo);
	free(place);
	free(first);
	free(second);
	free(memo);
}

/* Far more lists than entries: places are taken over all the time, in lists of every length. */
static void places_are_taken_over(void **state)
{
	struct option_set *set =
	    SET("routers=10.6.0.1", "domain-name=example.net", "domain-name-servers=10.6.0.2",
		"ntp-servers=10.6.0.3", "broadcast-address=10.6.255.255", "interface-mtu=1500",
		"domain-search=a.example.net|b.example.net|c.example.net|d.example.net");
	static const uint8_t pool[] = {1, 3, 6, 15, 28, 42, 119, 26, 12, 50, 51, 66, 67, 120, 252};
	struct reply_memo *memo = new_memo();
	uint32_t random = 1;

	for (unsigned turn = 0; turn < 20000; turn++) {
		uint8_t asked[40];
		size_t n = 1 + turn % sizeof(asked);
		for (size_t i = 0; i < n; i++) {
			random = random * 1103515245 + 12345;
			asked[i] = pool[(random >> 16) % (turn % 3 ? 4 : sizeof(pool))];
		}
		expect_same(asked, n, set, 0xffff0000, memo);
	}
	assert_int_equal(entries_used(memo), REPLY_MEMO_ENTRIES);
	free(memo);
	free(set);
}

/* Longer than an entry's block: not kept, and right all the same, the second time too. */
static void long_blocks_are_not_kept(void **state)
{
	char text[300] = "domain-name=";
	struct option_set *set;
	struct reply_memo *memo = new_memo();

	memset(text + strlen(text), 'x', 200);
	set = SET(text, "routers=10.6.0.1");
	expect_same(usual, sizeof(usual), set, 0xffff0000, memo);
	expect_same(usual, sizeof(usual), set, 0xffff0000, memo);
	assert_int_equal(entries_used(memo), 0);
	free(memo);
	free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(second_reply_comes_from_the_memo),
	    cmocka_unit_test(sets_masks_and_lists_are_told_apart),
	    cmocka_unit_test(new_set_in_the_same_place_is_another),
	    cmocka_unit_test(places_are_taken_over),
	    cmocka_unit_test(long_blocks_are_not_kept),
	};

	return cmocka_run_group_tests_name("reply_memo", tests, NULL, NULL);
}
