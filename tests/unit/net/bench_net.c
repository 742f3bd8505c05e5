/* SPDX-License-Identifier: MIT */
/* What a frame costs here, apart from the kernel's share: figures to look at, not to pass or fail.
 */
#include <bpf/bpf.h>
#include <stdio.h>

#include "base/clock.h"
#include "lab.h"
#include "net/checksum.h"
#include "net/frame.h"
#include "net/port.h"
#include "net/program.h"
#include "sample.h"

#define ROUNDS  200000
#define BATCHES 20

static uint8_t buffer[SAMPLE_MAX];

/* One batch of ROUNDS. */
typedef void (*batch_fn)(void *arg);

/* The best of several batches: the others were disturbed. */
static void measure(const char *what, batch_fn batch, void *arg)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = clock_mono_ns();

		batch(arg);
		best = min_u64(best, clock_mono_ns() - start);
	}
	printf("%-44s %7.1f ns\n", what, (double)best / ROUNDS);
}

static void run_checksum(void *arg)
{
	const size_t *len = arg;
	static volatile uint64_t sink;
	uint64_t sum = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		sum += checksum_fold(checksum_add(buffer + i % 64, *len, i));
	sink = sum;
	(void)sink;
}

static void measure_checksum(size_t len)
{
	char what[48];

	snprintf(what, sizeof(what), "checksum of %zu bytes", len);
	measure(what, run_checksum, &len);
}

struct exchange {
	struct frame frame;
	struct packet packet;
};

static void run_parse(void *arg)
{
	struct exchange *exchange = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		__asm__ volatile("" ::: "memory");
		packet_parse(&exchange->packet, &exchange->frame);
	}
}

static void run_address(void *arg)
{
	struct exchange *exchange = arg;
	struct packet_reply reply = {.dst_port = 68, .payload_len = 300};

	for (unsigned i = 0; i < ROUNDS; i++) {
		reply.dst = i;
		packet_address(&exchange->packet, &reply);
	packet_seal(&exchange->packet);
	}
}

static void measure_packet(void)
{
	struct port port = {.mtu = 1500};
	struct exchange exchange = {.frame = {.data = buffer, .cap = 2048, .port = &port}};

	exchange.frame.len = (uint32_t)sample_build(&(struct sample){0}, buffer);
	measure("packet_parse, both checksums", run_parse, &exchange);
	measure("packet_address, both checksums", run_address, &exchange);
}

/* The kernel's own measure of a run of the program, repeated. */
static void measure_program(const struct program *program, const char *what,
			    const struct sample *sample)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = buffer, .repeat = ROUNDS);

	options.data_size_in = (uint32_t)sample_build(sample, buffer);
	if (bpf_prog_test_run_opts(program_fd(program), &options) == 0)
		printf("%-44s %7u ns\n", what, options.duration);
}

int main(void)
{
	const uint64_t vlans[STEER_VLAN_WORDS] = {1};
	struct program *program;

	measure_checksum(20);
	measure_checksum(342);
	measure_checksum(1480);
	measure_packet();
	if (!lab_may_begin())
		return 0;
	program = program_new(&(struct program_options){.queues = 1, .vlans = vlans});
	if (program && program_load(program) == 0) {
		measure_program(program, "XDP program, broadcast request", &(struct sample){0});
		measure_program(program, "XDP program, unicast to another server",
				&(struct sample){.dst = 0x0a060002});
		measure_program(program, "XDP program, TCP", &(struct sample){.protocol = 6});
	}
	program_free(program);
	return 0;
}
