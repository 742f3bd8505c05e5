/* SPDX-License-Identifier: MIT */
#include "net/program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/dispatcher.h"
#include "steer.skel.h"

#define PROGRAM_NAME "etcdhcp_steer"
#define SECTION      "xdp"

#define LEAVING_TRIES    20
#define LEAVING_RETRY_MS 10

struct program {
	struct steer *steer;
	int link_fd;                /* bpf_link, -1: none */
	struct xdp_program *shared; /* NULL: not in a dispatcher */
	unsigned ifindex;
	unsigned n_queues;
	struct steer_queue *queues; /* the map, NULL: not mapped yet */
};

static size_t queues_size(const struct program *program)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (program->n_queues * sizeof(struct steer_queue) + page - 1) / page * page;
}

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	log_foreign("libbpf", format, arguments);
	return 0;
}

struct program *program_new(const struct program_options *options)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return NULL;
	libbpf_set_print(print);
	dispatcher_set_print();
	program->link_fd = -1;
	program->steer = steer__open();
	program->n_queues = options->queues;
	if (!program->steer ||
	    bpf_map__set_max_entries(program->steer->maps.sockets, options->queues) < 0 ||
	    bpf_map__set_max_entries(program->steer->maps.queues, options->queues) < 0) {
		program_free(program);
		return NULL;
	}
	program->steer->bss->waiting_max = options->waiting_max ? options->waiting_max : INT64_MAX;
	memcpy(program->steer->bss->vlans, options->vlans, sizeof(program->steer->bss->vlans));
	return program;
}

void program_free(struct program *program)
{
	if (!program)
		return;
	program_detach(program);
	if (program->queues)
		munmap(program->queues, queues_size(program));
	steer__destroy(program->steer);
	free(program);
}

int program_load(struct program *program)
{
	return steer__load(program->steer);
}

static int explain_load(int code, const struct link_info *link, struct config_error *error)
{
	if (code == -EPERM || code == -EACCES)
		return net_fail(error, code,
				"%s: may not load the XDP program; run as root or grant CAP_BPF, "
				"CAP_PERFMON and CAP_NET_ADMIN",
				link->name);
	return net_fail(error, code,
			"%s: the kernel refuses the XDP program: %s; Linux 5.18 or later is "
			"needed (log level debug shows the verifier's words)",
			link->name, strerror(-code));
}

static int explain_attach(int code, const struct link_info *link, bool generic,
			  struct config_error *error)
{
	const char *mode = generic ? "generic" : "native";

	if (code == -EPERM)
		return net_fail(error, code,
				"%s: may not attach an XDP program; run as root or grant "
				"CAP_NET_ADMIN",
				link->name);
	return net_fail(error, code,
			"%s: %s XDP cannot be attached: %s; a driver without support, too few "
			"queues or an MTU above one page (%u here) are the usual reasons",
			link->name, mode, strerror(-code), link->mtu);
}

/* The id of a program on the interface, in whatever mode; 0: none. */
static uint32_t attached_program(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query) < 0)
		return 0;
	if (query.prog_id)
		return query.prog_id;
	if (query.drv_prog_id)
		return query.drv_prog_id;
	return query.skb_prog_id ? query.skb_prog_id : query.hw_prog_id;
}

static int attach_alone(struct program *program, const struct link_info *link, bool generic,
			struct config_error *error)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int result = program_load(program);

	if (result < 0)
		return explain_load(result, link, error);
	result = bpf_link_create(program_fd(program), (int)link->ifindex, BPF_XDP, &options);
	if (result < 0)
		return explain_attach(result, link, generic, error);
	program->link_fd = result;
	return 0;
}

static int join(struct program *program, const struct link_info *link, bool generic,
		uint32_t occupant, struct config_error *error)
{
	int result =
	    dispatcher_join(program->steer->obj, SECTION, link->ifindex, generic, &program->shared);

	if (result == 0)
		return 0;
	return net_fail(error, -EBUSY,
			"%s: another XDP program (id %u) is attached and cannot be shared with "
			"(libxdp: %s); it was left alone: detach it, or set `xdp: off` for this "
			"interface",
			link->name, occupant, strerror(-result));
}

/* As attached_program; but one whose process has just died gets time to go, as the kernel removes
 * it. */
static uint32_t staying_program(unsigned ifindex)
{
	uint32_t id = attached_program(ifindex);

	for (int i = 0; id && i < LEAVING_TRIES; i++) {
		poll(NULL, 0, LEAVING_RETRY_MS);
		id = attached_program(ifindex);
	}
	return id;
}

int program_attach(struct program *program, const struct link_info *link, bool generic,
		   struct config_error *error)
{
	uint32_t occupant = staying_program(link->ifindex);

	program->ifindex = link->ifindex;
	if (occupant && dispatcher_clean(link->ifindex, PROGRAM_NAME) > 0) {
		log_info("removed what a killed server left in the XDP dispatcher",
			 F_STR("interface", link->name));
		occupant = attached_program(link->ifindex);
	}
	return occupant ? join(program, link, generic, occupant, error)
			: attach_alone(program, link, generic, error);
}

void program_detach(struct program *program)
{
	if (program->link_fd >= 0)
		close(program->link_fd);
	program->link_fd = -1;
	dispatcher_leave(program->shared, program->ifindex);
	program->shared = NULL;
}

bool program_is_shared(const struct program *program)
{
	return program->shared;
}

int program_set_socket(struct program *program, unsigned queue, int fd)
{
	int map = bpf_map__fd(program->steer->maps.sockets);
	return bpf_map_update_elem(map, &queue, &fd, BPF_ANY);
}

struct steer_queue *program_queue(struct program *program, unsigned queue)
{
	int map = bpf_map__fd(program->steer->maps.queues);

	assert(queue < program->n_queues);
	if (!program->queues) {
		void *area = mmap(NULL, queues_size(program), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
		if (area == MAP_FAILED)
			return NULL;
		program->queues = area;
	}
	return &program->queues[queue];
}

int program_add_address(struct program *program, uint32_t address)
{
	be32_t key = htobe32(address);
	const uint8_t present = 1;

	return bpf_map_update_elem(bpf_map__fd(program->steer->maps.addresses), &key, &present,
				   BPF_ANY);
}

int program_remove_address(struct program *program, uint32_t address)
{
	be32_t key = htobe32(address);
	return bpf_map_delete_elem(bpf_map__fd(program->steer->maps.addresses), &key);
}

int program_verdicts(const struct program *program, uint64_t counts[STEER_REASON_COUNT])
{
	int map = bpf_map__fd(program->steer->maps.verdicts);
	int cpus = libbpf_num_possible_cpus();
	uint64_t *per_cpu, sums[STEER_REASON_COUNT] = {0};
	int result = 0;

	if (cpus < 0)
		return cpus;
	per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	for (uint32_t reason = 0; reason < STEER_REASON_COUNT && result == 0; reason++) {
		result = bpf_map_lookup_elem(map, &reason, per_cpu);
		for (int cpu = 0; cpu < cpus; cpu++)
			sums[reason] += per_cpu[cpu];
	}
	free(per_cpu);
	if (result == 0)
		memcpy(counts, sums, sizeof(sums));
	return result;
}

int program_fd(const struct program *program)
{
	return bpf_program__fd(program->steer->progs.etcdhcp_steer);
}
