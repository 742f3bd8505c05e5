/* SPDX-License-Identifier: MIT */
/* What has gathered while etcd stood still: how it is committed, and in which order. */
#include "life_bed.h"

#include <stdlib.h>

/*
 * etcd takes a batch in parts, each at a revision of its own, where its limit on operations is low: what was committed
 * is known by its own, and the next change does not conflict.
 */
static void parts_of_a_batch_have_revisions_of_their_own(void **state)
{
	enum { CLIENTS = 100 };
	static const char *const args[] = {"--max-txn-ops=16", NULL};
	struct server narrow = {0};
	struct ask asks[CLIENTS], ask;
	struct store_bed *f;

	server_start(&narrow, args);
	f = life_bed_in(&narrow);
	server_freeze(&narrow);
	for (unsigned i = 0; i < CLIENTS; i++) {
		bed_prepare(f, &asks[i], ASK_BIND, i + 1, FIRST + i);
		bed_submit(f, &asks[i]);
	}
	bed_wait_queued(f, CLIENTS);
	server_thaw(&narrow);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(bed_answer(f)->result, ASK_GRANTED);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(bed_ask(f, &ask, ASK_CONFIRM, i + 1, FIRST + i), ASK_GRANTED);
	assert_int_equal(counter_read(&store_counters(f->store)->conflicts), 0);
	bed_free(f);
	server_remove(&narrow);
}

static void submit_to(struct store_bed *f, struct lease_net *net, struct ask *ask, enum ask_op op,
		      unsigned who, uint32_t addr)
{
	bed_prepare(f, ask, op, who, addr);
	ask->net = net;
	ask->background = op == ASK_EXTEND;
	ask->client_hash = lease_client_hash(net, ask->client.bytes, ask->client.len);
	bed_submit(f, ask);
}

/*
 * Everybody's extension is due at once, as after an outage, and in line before the first newcomer:
 * newcomers do not wait for all of them. The store is stopped while they gather, so that the order
 * of answers follows from the lines alone.
 */
static void extensions_do_not_hold_up_newcomers(void **state)
{
	enum { OLD = 3000, NEW = 40 };
	struct store_bed *f = *state;
	struct ask *asks = calloc(OLD + NEW, sizeof(*asks));
	struct lease_net *net = f->nets[1];
	unsigned extended = 0, newcomers = 0, before = 0;

	for (unsigned i = 0; i < OLD; i++)
		submit_to(f, net, &asks[i], ASK_BIND, i + 1, LARGE + i);
	for (unsigned i = 0; i < OLD; i++)
		assert_int_equal(bed_answer(f)->result, ASK_GRANTED);
	server_freeze(life_etcd());
	for (unsigned i = 0; i < OLD + NEW; i++)
		submit_to(f, net, &asks[i], i < OLD ? ASK_EXTEND : ASK_BIND, i + 1, LARGE + i);
	bed_wait_queued(f, OLD + NEW);
	server_thaw(life_etcd());
	for (unsigned i = 0; i < OLD + NEW; i++) {
		struct ask *answer = bed_answer(f);
		assert_int_equal(answer->result, ASK_GRANTED);
		extended += answer->op == ASK_EXTEND;
		newcomers += answer->op == ASK_BIND;
		if (newcomers == NEW && !before)
			before = extended;
	}
	print_message("# %u extensions before the last newcomer\n", before);
	assert_in_range(before, 0, OLD / 4);
	free(asks);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_batch_have_revisions_of_their_own),
		TEST(extensions_do_not_hold_up_newcomers),
	};

	return life_run(argc, argv, tests);
}
