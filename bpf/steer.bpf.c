/* SPDX-License-Identifier: MIT */
/*
 * The XDP program: DHCP requests for this server go to the AF_XDP socket of the queue they came in
 * on, everything else to the kernel. What it does not understand, what has no socket to go to, and
 * everything after the server's death passes as if the program were not there.
 *
 * It drops one thing: DISCOVERs, while so many frames wait in the socket's ring that what comes behind
 * them would soon find no room. A rush of new clients then costs the server no more than a look at
 * each, and those who renew a lease are heard.
 *
 * User space sets `vlans`, `waiting_max` and the sizes of `sockets` and `queues` before loading, and
 * fills `sockets` and `addresses` at any time after it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "steer.h"

/* One bit per outer VLAN id served; bit 0 stands for untagged and priority-tagged frames. */
__u64 vlans[STEER_VLAN_WORDS];

/* Frames that may wait in a socket's ring before DISCOVERs are dropped. */
__s64 waiting_max;

/* The AF_XDP socket of each receive queue. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* What each of those sockets has been given and has taken; mapped by its owner. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct steer_queue);
} queues SEC(".maps");

/* Destination addresses of ours beside 255.255.255.255, in network order; the value means nothing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_ADDRESSES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __be32);
	__type(value, __u8);
} addresses SEC(".maps");

/* Frames seen, by enum steer_reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_REASON_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

static _Bool is_ours(const void *map, __be32 address)
{
	return bpf_map_lookup_elem((void *)map, &address) != 0;
}

/* On the way out: one frame, one reason. */
static int count(enum steer_reason reason, int action)
{
	__u32 key = reason;
	__u64 *frames = bpf_map_lookup_elem(&verdicts, &key);

	if (frames)
		++*frames;
	return action;
}

/* To the queue's socket, unless it has enough to do. */
static int steer(struct xdp_md *ctx, const void *end, const struct steer_layers *layers)
{
	__u32 index = ctx->rx_queue_index;
	struct steer_queue *queue = bpf_map_lookup_elem(&queues, &index);
	int action;

	if (queue && (__s64)(queue->steered - queue->taken) > waiting_max &&
	    steer_is_discover(end, layers))
		return count(STEER_SHED, XDP_DROP);
	action = bpf_redirect_map(&sockets, index, XDP_PASS);
	if (action != XDP_REDIRECT)
		return count(STEER_NO_SOCKET, action);
	if (queue)
		__sync_fetch_and_add(&queue->steered, 1);
	return count(STEER_OK, action);
}

SEC("xdp")
int etcdhcp_steer(struct xdp_md *ctx)
{
	const struct steer_rules rules = {
	    .vlans = vlans,
	    .is_ours = is_ours,
	    .addresses = &addresses,
	};
	struct steer_layers layers;
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	enum steer_reason reason = steer_classify(data, end, &rules, &layers);

	return reason == STEER_OK ? steer(ctx, end, &layers) : count(reason, XDP_PASS);
}

char LICENSE[] SEC("license") = "MIT";
