/* SPDX-License-Identifier: MIT */
#include "perf/reply_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "base/types.h"
#include "steer.h"

#define ACCEPT 0x40000 /* bytes: more than any frame */

/* Places to jump to, as indexes of the instructions below; C has no labels for them. */
enum { TAGGED = 5, TWICE_TAGGED = 9, IPV4 = 12, ARP = 26, KEEP = 27, DROP = 28 };

#define LOAD(size, mode, where) BPF_STMT(BPF_LD | (size) | (mode), (where))
#define EQUAL(value, yes, no, here)                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes) - (here)-1, (no) - (here)-1)

int reply_filter_attach(int fd)
{
	/* X holds the offset of the IPv4 header, and of UDP's in the end. */
	static const struct sock_filter code[] = {
	    [0] = BPF_STMT(BPF_LDX | BPF_IMM, 14),
	    [1] = LOAD(BPF_H, BPF_ABS, 12),
	    [2] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, 3, 2),
	    [3] = EQUAL(STEER_ETHERTYPE_8021AD, TAGGED, 4, 3),
	    [4] = EQUAL(STEER_ETHERTYPE_8021Q, TAGGED, ARP, 4),

	    [TAGGED] = BPF_STMT(BPF_LDX | BPF_IMM, 18),
	    [6] = LOAD(BPF_H, BPF_ABS, 16),
	    [7] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, 8, 7),
	    [8] = EQUAL(STEER_ETHERTYPE_8021Q, TWICE_TAGGED, ARP, 8),

	    [TWICE_TAGGED] = BPF_STMT(BPF_LDX | BPF_IMM, 22),
	    [10] = LOAD(BPF_H, BPF_ABS, 20),
	    [11] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, ARP, 11),

	    [IPV4] = LOAD(BPF_B, BPF_IND, 9),
	    [13] = EQUAL(STEER_PROTOCOL_UDP, 14, DROP, 13),
	    [14] = LOAD(BPF_H, BPF_IND, 6),
	    [15] = BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, DROP - 15 - 1, 0),
	    [16] = LOAD(BPF_B, BPF_IND, 0),
	    [17] = BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0f),
	    [18] = BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
	    [19] = BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    [20] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    [21] = LOAD(BPF_H, BPF_IND, 0),
	    [22] = EQUAL(STEER_SERVER_PORT, 23, DROP, 22),
	    [23] = LOAD(BPF_H, BPF_IND, 2),
	    [24] = EQUAL(STEER_CLIENT_PORT, KEEP, 25, 24),
	    [25] = EQUAL(STEER_SERVER_PORT, KEEP, DROP, 25),

	    [ARP] = EQUAL(ETH_P_ARP, KEEP, DROP, ARP),
	    [KEEP] = BPF_STMT(BPF_RET | BPF_K, ACCEPT),
	    [DROP] = BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {
	    .len = ARRAY_SIZE(code),
	    .filter = (struct sock_filter *)(uintptr_t)code,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}
