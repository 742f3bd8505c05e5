/* SPDX-License-Identifier: MIT */
/*
 * The XDP program's verdicts as a table, and the same table through steer.h in user space: that
 * both agree on every frame is what "one definition" means.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lab.h"
#include "net/frame.h"
#include "net/port.h"
#include "net/program.h"
#include "net/xdp_port.h"
#include "sample.h"
#include "steer.h"
#include "unit.h"

#define OURS      0x0a060001u /* 10.6.0.1 */
#define DIRECTED  0x0a06ffffu /* 10.6.255.255 */
#define ELSEWHERE 0x0a060002u

static const uint32_t our_addresses[] = {OURS, DIRECTED, 0xc0a80001};

static const struct steer_case {
	const char *name;
	struct sample sample;
	enum steer_reason reason;
} cases[] = {
    {"untagged broadcast", {0}, STEER_OK},
    {"directed broadcast", {.dst = DIRECTED}, STEER_OK},
    {"our unicast", {.dst = OURS}, STEER_OK},
    {"another address of ours", {.dst = 0xc0a80001}, STEER_OK},
    {"another address", {.dst = ELSEWHERE}, STEER_ADDRESS},
    {"byte order of the address", {.dst = 0x0100060a}, STEER_ADDRESS},
    {"from a relay agent", {.src = 0xc0a80102, .dst = OURS}, STEER_OK},

    {"802.1Q, served", {.tags = {{0x8100, 100}}}, STEER_OK},
    {"802.1Q, first of a range", {.tags = {{0x8100, 200}}}, STEER_OK},
    {"802.1Q, last of a range", {.tags = {{0x8100, 299}}}, STEER_OK},
    {"802.1Q, past the range", {.tags = {{0x8100, 300}}}, STEER_VLAN},
    {"802.1Q, other VLAN", {.tags = {{0x8100, 99}}}, STEER_VLAN},
    {"802.1Q, highest id", {.tags = {{0x8100, 4095}}}, STEER_VLAN},
    {"802.1Q, with priority", {.tags = {{0x8100, 0xf064}}}, STEER_OK},
    {"802.1Q, priority tag", {.tags = {{0x8100, 0xe000}}}, STEER_OK},
    {"802.1ad, served", {.tags = {{0x88a8, 100}}}, STEER_OK},
    {"802.1ad, other VLAN", {.tags = {{0x88a8, 101}}}, STEER_VLAN},
    {"QinQ, served", {.tags = {{0x88a8, 250}, {0x8100, 5}}}, STEER_OK},
    {"QinQ, other outer", {.tags = {{0x88a8, 5}, {0x8100, 250}}}, STEER_VLAN},
    {"Q in Q, served", {.tags = {{0x8100, 250}, {0x8100, 4095}}}, STEER_OK},
    {"802.1ad inside", {.tags = {{0x8100, 250}, {0x88a8, 5}}}, STEER_NOT_IPV4},
    {"three tags", {.tags = {{0x88a8, 100}, {0x8100, 1}, {0x8100, 2}}}, STEER_NOT_IPV4},
    {"old QinQ type", {.tags = {{0x9100, 100}}}, STEER_NOT_IPV4},

    {"IPv6", {.ethertype = 0x86dd, .version = 6}, STEER_NOT_IPV4},
    {"ARP", {.ethertype = 0x0806}, STEER_NOT_IPV4},
    {"802.3 length", {.ethertype = 300}, STEER_NOT_IPV4},
    {"tagged ARP", {.tags = {{0x8100, 100}}, .ethertype = 0x0806}, STEER_NOT_IPV4},
    {"IPv4 type, version 6", {.version = 6}, STEER_IP_HEADER},

    {"IHL 1", {.ihl = 1}, STEER_IP_HEADER},
    {"IHL 4", {.ihl = 4}, STEER_IP_HEADER},
    {"IHL 5", {.ihl = 5}, STEER_OK},
    {"IHL 6", {.ihl = 6}, STEER_IP_OPTIONS},
    {"IHL 10", {.ihl = 10}, STEER_IP_OPTIONS},
    {"IHL 15", {.ihl = 15}, STEER_IP_OPTIONS},
    {"options, other protocol", {.ihl = 6, .protocol = 2}, STEER_IP_OPTIONS},

    {"first fragment", {.fragment = 0x2000}, STEER_FRAGMENT},
    {"middle fragment", {.fragment = 0x2010}, STEER_FRAGMENT},
    {"last fragment", {.fragment = 0x1fff}, STEER_FRAGMENT},
    {"don't fragment", {.fragment = 0x4000}, STEER_OK},

    {"TCP", {.protocol = 6}, STEER_NOT_UDP},
    {"ICMP", {.protocol = 1}, STEER_NOT_UDP},
    {"port 68", {.port = 68}, STEER_PORT},
    {"port 53", {.port = 53}, STEER_PORT},
    {"port 17152, 67 swapped", {.port = 0x4300}, STEER_PORT},

    {"padded", {.padding = 1}, STEER_OK},
    {"padded, tagged", {.tags = {{0x8100, 100}}, .padding = 900}, STEER_OK},
    {"IP length 0", {.ip_len_lie = -328}, STEER_LENGTH},
    {"IP length of its header", {.ip_len_lie = -308}, STEER_LENGTH},
    {"IP length short by one", {.ip_len_lie = -1}, STEER_LENGTH},
    {"IP length past the frame", {.ip_len_lie = 1}, STEER_LENGTH},
    {"IP length 65535", {.ip_len_lie = 65535 - 328}, STEER_LENGTH},
    {"IP length covers padding", {.ip_len_lie = 4, .padding = 4}, STEER_OK},
    {"UDP length past IP's", {.udp_len_lie = 1, .padding = 1}, STEER_LENGTH},
    {"UDP length 65535", {.udp_len_lie = 65535 - 308}, STEER_LENGTH},
    {"UDP length 0", {.udp_len_lie = -308}, STEER_LENGTH},
    {"UDP length 7", {.udp_len_lie = -301}, STEER_LENGTH},
    {"UDP length 8", {.udp_len_lie = -300}, STEER_NOT_DHCP},
    {"UDP length short by one", {.udp_len_lie = -1}, STEER_OK},
    {"UDP length one under DHCP's", {.udp_len_lie = -61}, STEER_NOT_DHCP},
    {"UDP length just DHCP's", {.udp_len_lie = -60}, STEER_OK},

    {"smallest DHCP", {.payload = 240}, STEER_OK},
    {"one byte less", {.payload = 239}, STEER_NOT_DHCP},
    {"one byte less, padded", {.payload = 239, .padding = 200}, STEER_NOT_DHCP},
    {"largest", {.payload = 1472}, STEER_OK},
    {"wrong magic", {.wrong_magic = true}, STEER_NOT_DHCP},
    {"BOOTREPLY", {.op = 2}, STEER_NOT_DHCP},
    {"op 255", {.op = 255}, STEER_NOT_DHCP},

    {"wrong IP checksum", {.wrong_ip_sum = true}, STEER_OK},
    {"wrong UDP checksum", {.udp_sum = SUM_WRONG}, STEER_OK},
    {"no UDP checksum", {.udp_sum = SUM_NONE}, STEER_OK},
};

static uint64_t vlans[STEER_VLAN_WORDS];
static struct program *program; /* NULL: this process may not load one */
static uint8_t buffer[SAMPLE_MAX];

static bool is_ours(const void *addresses, __be32 address)
{
	const uint32_t *all = addresses;

	for (size_t i = 0; i < ARRAY_SIZE(our_addresses); i++) {
		if (htobe32(all[i]) == address)
			return true;
	}
	return false;
}

/* What user space makes of a frame, read from memory that ends where the frame does. */
static enum steer_reason classify(const uint8_t *frame, size_t len)
{
	const struct steer_rules rules = {
	    .vlans = (const __u64 *)vlans,
	    .is_ours = is_ours,
	    .addresses = our_addresses,
	};
	struct steer_layers layers;
	uint8_t *exact = malloc(len ? len : 1);
	enum steer_reason reason;

	memcpy(exact, frame, len);
	reason = steer_classify(exact, exact + len, &rules, &layers);
	free(exact);
	return reason;
}

/* Runs the program on a frame; fails unless it counts exactly one frame, under the reason returned.
 */
static enum steer_reason run(const uint8_t *frame, size_t len, uint32_t *action)
{
	uint64_t before[STEER_REASON_COUNT], after[STEER_REASON_COUNT];
	enum steer_reason reason = STEER_REASON_COUNT;
	static uint8_t out[SAMPLE_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	assert_int_equal(program_verdicts(program, before), 0);
	assert_int_equal(bpf_prog_test_run_opts(program_fd(program), &options), 0);
	assert_int_equal(program_verdicts(program, after), 0);
	for (int i = 0; i < STEER_REASON_COUNT; i++) {
		if (after[i] == before[i])
			continue;
		assert_int_equal(after[i], before[i] + 1);
		assert_int_equal(reason, STEER_REASON_COUNT);
		reason = (enum steer_reason)i;
	}
	assert_int_equal(options.data_size_out, len);
	assert_memory_equal(out, frame, len);
	*action = options.retval;
	return reason;
}

static void check(const char *name, enum steer_reason is, enum steer_reason should)
{
	if (is != should)
		fail_msg("%s: %s instead of %s", name, steer_reason_name(is),
			 steer_reason_name(should));
}

static void user_space_judges_as_the_table_says(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = sample_build(&cases[i].sample, buffer);
		check(cases[i].name, classify(buffer, len), cases[i].reason);
	}
}

static void without_a_socket_everything_passes_to_the_kernel(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum steer_reason should =
		    cases[i].reason == STEER_OK ? STEER_NO_SOCKET : cases[i].reason;
		size_t len = sample_build(&cases[i].sample, buffer);
		uint32_t action;

		check(cases[i].name, run(buffer, len, &action), should);
		assert_int_equal(action, XDP_PASS);
	}
}

static void with_a_socket_requests_and_nothing_else_are_redirected(void **state)
{
	struct link_info lo;
	struct xdp_port_options options = {.link = &lo, .kind = PORT_XDP_GENERIC, .frames = 128};
	struct port *port;
	uint32_t action;

	assert_int_equal(link_read("lo", &lo), 0);
	assert_int_equal(xdp_port_open(&options, &port), 0);
	assert_int_equal(program_set_socket(program, 0, port->fd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = sample_build(&cases[i].sample, buffer);

		check(cases[i].name, run(buffer, len, &action), cases[i].reason);
		assert_int_equal(action, cases[i].reason == STEER_OK ? XDP_REDIRECT : XDP_PASS);
	}
	port_close(port);
	/* The kernel took the closed socket out of the map: fail open. */
	check("after the socket", run(buffer, sample_build(&(struct sample){0}, buffer), &action),
	      STEER_NO_SOCKET);
	assert_int_equal(action, XDP_PASS);
}

/* Frames cut short anywhere, and runs of one byte: never an error, and always what user space says.
 */
static void both_agree_on_every_length(void **state)
{
	const struct sample samples[] = {
	    {0}, {.ihl = 15}, {.tags = {{0x88a8, 100}, {0x8100, 7}}}, {.tags = {{0x8100, 100}}}};
	const uint8_t bytes[] = {0x00, 0x08, 0x45, 0x81, 0xff};
	uint32_t action;

	for (size_t s = 0; s < ARRAY_SIZE(samples) + ARRAY_SIZE(bytes); s++) {
		size_t whole = 300;

		if (s < ARRAY_SIZE(samples))
			whole = sample_build(&samples[s], buffer);
		else
			memset(buffer, bytes[s - ARRAY_SIZE(samples)], whole);
		for (size_t len = 0; len <= whole; len++) {
			enum steer_reason reason = classify(buffer, len);

			if (len < whole)
				assert_int_not_equal(reason, STEER_OK);
			if (len <
			    14) { /* the kernel runs programs on whole Ethernet headers alone */
				check("less than a header", reason, STEER_SHORT);
				continue;
			}
			check("cut frame", run(buffer, len, &action),
			      reason == STEER_OK ? STEER_NO_SOCKET : reason);
			assert_int_equal(action, XDP_PASS);
		}
	}
}

/* A request with any byte of its headers changed to anything from a few: both sides agree. */
static void both_agree_on_damaged_headers(void **state)
{
	const uint8_t values[] = {0x00, 0x01, 0x40, 0x45, 0x4f, 0x81, 0x88, 0xff};
	size_t len = sample_build(&(struct sample){.tags = {{0x8100, 100}}}, buffer);

	for (size_t at = 0; at < 18 + 28 + 1; at++) {
		uint8_t former = buffer[at];

		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			enum steer_reason reason;
			uint32_t action;

			buffer[at] = values[v];
			reason = classify(buffer, len);
			check("damaged frame", run(buffer, len, &action),
			      reason == STEER_OK ? STEER_NO_SOCKET : reason);
		}
		buffer[at] = former;
	}
}

#define WAITING_MAX 16

/* What comes in while so many frames wait for the socket's owner. */
static const struct shed_case {
	const char *name;
	struct sample sample;
	uint64_t steered, taken;
	bool shed;
} shed_cases[] = {
    {"nobody waits", {.type = 1}, 5, 5, false},
    {"as many as may", {.type = 1}, 100, 100 - WAITING_MAX, false},
    {"one more", {.type = 1}, 100, 100 - WAITING_MAX - 1, true},
    {"one more, tagged", {.tags = {{0x88a8, 250}, {0x8100, 5}}, .type = 1}, 17, 0, true},
    {"very many", {.type = 1}, UINT32_MAX, 0, true},
    {"the owner is ahead", {.type = 1}, 5, 9, false},
    {"both have gone round", {.type = 1}, 3, UINT64_MAX - 3, false},
    {"REQUEST", {.type = 3}, 100, 0, false},
    {"RELEASE", {.type = 7}, 100, 0, false},
    {"no message type at first", {0}, 100, 0, false},
    {"no options", {.payload = 240, .type = 1}, 100, 0, false},
    {"type cut off", {.payload = 242, .type = 1}, 100, 0, false},
};

static void discovers_are_dropped_while_too_many_wait(void **state)
{
	struct steer_queue *queue = program_queue(program, 0);
	struct link_info lo;
	struct xdp_port_options options = {.link = &lo, .kind = PORT_XDP_GENERIC, .frames = 128};
	struct port *port;

	assert_non_null(queue);
	assert_int_equal(link_read("lo", &lo), 0);
	assert_int_equal(xdp_port_open(&options, &port), 0);
	assert_int_equal(program_set_socket(program, 0, port->fd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(shed_cases); i++) {
		const struct shed_case *c = &shed_cases[i];
		size_t len = sample_build(&c->sample, buffer);
		uint32_t action;

		queue->steered = c->steered;
		queue->taken = c->taken;
		check(c->name, run(buffer, len, &action), c->shed ? STEER_SHED : STEER_OK);
		assert_int_equal(action, c->shed ? XDP_DROP : XDP_REDIRECT);
		assert_int_equal(queue->steered, c->steered + !c->shed);
		assert_int_equal(queue->taken, c->taken);
	}
	queue->steered = queue->taken = 0;
	port_close(port);
}

static void addresses_come_and_go(void **state)
{
	size_t len = sample_build(&(struct sample){.dst = ELSEWHERE}, buffer);
	uint32_t action;

	check("before", run(buffer, len, &action), STEER_ADDRESS);
	assert_int_equal(program_add_address(program, ELSEWHERE), 0);
	assert_int_equal(program_add_address(program, ELSEWHERE), 0);
	check("while ours", run(buffer, len, &action), STEER_NO_SOCKET);
	assert_int_equal(program_remove_address(program, ELSEWHERE), 0);
	assert_int_equal(program_remove_address(program, ELSEWHERE), -ENOENT);
	check("afterwards", run(buffer, len, &action), STEER_ADDRESS);
}

static void as_many_addresses_as_promised_fit(void **state)
{
	struct program *other = NULL;
	int result = 0;
	uint32_t i;

	other = program_new(&(struct program_options){.queues = 1, .vlans = vlans});
	assert_int_equal(program_load(other), 0);
	for (i = 0; result == 0 && i <= STEER_ADDRESSES_MAX; i++)
		result = program_add_address(other, 0x0b000000 + i);
	assert_int_equal(result, -E2BIG);
	assert_true(i >= STEER_ADDRESSES_MAX);
	program_free(other);
}

static int set_up(void **state)
{
	vlans[0] |= 1;
	vlans[100 / 64] |= 1ull << 100 % 64;
	for (unsigned id = 200; id < 300; id++)
		vlans[id / 64] |= 1ull << id % 64;
	if (!lab_may_begin())
		return 0;
	assert_int_equal(unshare(CLONE_NEWNET), 0); /* a loopback interface of its own */
	program = program_new(&(struct program_options){
	    .queues = 2, .vlans = vlans, .waiting_max = WAITING_MAX});
	assert_non_null(program);
	assert_int_equal(program_load(program), 0);
	for (size_t i = 0; i < ARRAY_SIZE(our_addresses); i++)
		assert_int_equal(program_add_address(program, our_addresses[i]), 0);
	return 0;
}

static int tear_down(void **state)
{
	program_free(program);
	return 0;
}

int main(void)
{
	const struct CMUnitTest user_space_tests[] = {
	    cmocka_unit_test(user_space_judges_as_the_table_says),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(user_space_judges_as_the_table_says),
	    cmocka_unit_test(without_a_socket_everything_passes_to_the_kernel),
	    cmocka_unit_test(with_a_socket_requests_and_nothing_else_are_redirected),
	    cmocka_unit_test(both_agree_on_every_length),
	    cmocka_unit_test(both_agree_on_damaged_headers),
	    cmocka_unit_test(discovers_are_dropped_while_too_many_wait),
	    cmocka_unit_test(addresses_come_and_go),
	    cmocka_unit_test(as_many_addresses_as_promised_fit),
	};

	if (!lab_may_begin()) {
		print_message("# skipped: the XDP program; loading it needs root\n");
		return cmocka_run_group_tests(user_space_tests, set_up, tear_down);
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
