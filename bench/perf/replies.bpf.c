/* SPDX-License-Identifier: MIT */
/*
 * The load generator's XDP program: DHCP replies, to clients or to relay agents, go to the AF_XDP
 * socket of the queue they came in on, everything else to the kernel. Any VLAN, any address: the
 * simulated population has them all. User space judges the replies; what is malformed must reach
 * it to be counted, so only ports and the message's first byte are looked at here.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "steer.h"

#define BOOTREPLY 2

/* The AF_XDP socket of each receive queue; user space sets the size before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

static _Bool is_reply(const struct steer_udp *udp, const void *end)
{
	const __u8 *op = (const __u8 *)(udp + 1);

	if (!steer_fits(udp, sizeof(*udp) + 1, end))
		return 0;
	if (udp->src_port != steer_be16(STEER_SERVER_PORT) || *op != BOOTREPLY)
		return 0;
	return udp->dst_port == steer_be16(STEER_CLIENT_PORT) ||
	       udp->dst_port == steer_be16(STEER_SERVER_PORT);
}

SEC("xdp")
int etcdhcp_perf(struct xdp_md *ctx)
{
	const struct steer_rules rules = {0};
	struct steer_layers layers = {0};
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;

	if (steer_link(data, end, &layers) != STEER_OK ||
	    steer_network(end, &rules, &layers) != STEER_OK || !is_reply(layers.udp, end))
		return XDP_PASS;
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

char LICENSE[] SEC("license") = "MIT";
