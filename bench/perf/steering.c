/* SPDX-License-Identifier: MIT */
#include "perf/steering.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "replies.skel.h"

struct steering {
	struct replies *replies;
	int link_fd; /* bpf_link, -1: none */
};

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	log_foreign("libbpf", format, arguments);
	return 0;
}

static int load(struct steering *steering, unsigned queues)
{
	int result;

	steering->replies = replies__open();
	if (!steering->replies)
		return -errno;
	result = bpf_map__set_max_entries(steering->replies->maps.sockets, queues);
	return result < 0 ? result : replies__load(steering->replies);
}

static int attach(struct steering *steering, unsigned ifindex, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_program__fd(steering->replies->progs.etcdhcp_perf);
	int result = bpf_link_create(fd, (int)ifindex, BPF_XDP, &options);

	if (result < 0)
		return result;
	steering->link_fd = result;
	return 0;
}

int steering_open(unsigned ifindex, unsigned queues, bool generic, struct steering **steering)
{
	struct steering *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return -ENOMEM;
	libbpf_set_print(print);
	made->link_fd = -1;
	result = load(made, queues);
	if (result == 0)
		result = attach(made, ifindex, generic);
	if (result < 0) {
		steering_close(made);
		return result;
	}
	*steering = made;
	return 0;
}

void steering_close(struct steering *steering)
{
	if (!steering)
		return;
	if (steering->link_fd >= 0)
		close(steering->link_fd);
	replies__destroy(steering->replies);
	free(steering);
}

int steering_set_socket(struct steering *steering, unsigned queue, int fd)
{
	int map = bpf_map__fd(steering->replies->maps.sockets);

	return bpf_map_update_elem(map, &queue, &fd, BPF_ANY);
}
