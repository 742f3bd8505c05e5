/* SPDX-License-Identifier: MIT */
/* Somebody else's XDP program: it counts nothing, takes nothing, passes everything on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int foreign(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "MIT";
