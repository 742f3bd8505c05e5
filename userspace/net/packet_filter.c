/* SPDX-License-Identifier: MIT */
#include "net/packet_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "base/types.h"
#include "steer.h"

#define ACCEPT 0x40000 /* bytes: more than any frame */

/* Places to jump to, as indexes of the instructions below; C has no labels for them. */
enum { ETHERTYPE = 2, TAGGED = 7, TWICE_TAGGED = 11, IPV4 = 14, DROP = 26 };

#define LOAD(size, mode, where) BPF_STMT(BPF_LD | (size) | (mode), (where))
#define EQUAL(value, yes, no, here)                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes) - (here)-1, (no) - (here)-1)

static int attach(int fd, const struct sock_filter *code, size_t n)
{
	struct sock_fprog program = {
	    .len = (unsigned short)n,
	    .filter = (struct sock_filter *)(uintptr_t)code,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}

int packet_filter_dhcp(int fd)
{
	/* X holds the offset of the IPv4 header from ETHERTYPE on, and of UDP's at the end. */
	static const struct sock_filter code[] = {
	    [0] = LOAD(BPF_W, BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
	    [1] = BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, DROP - 1 - 1, 0),

	    [ETHERTYPE] = BPF_STMT(BPF_LDX | BPF_IMM, 14),
	    [3] = LOAD(BPF_H, BPF_ABS, 12),
	    [4] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, 5, 4),
	    [5] = EQUAL(STEER_ETHERTYPE_8021AD, TAGGED, 6, 5),
	    [6] = EQUAL(STEER_ETHERTYPE_8021Q, TAGGED, DROP, 6),

	    [TAGGED] = BPF_STMT(BPF_LDX | BPF_IMM, 18),
	    [8] = LOAD(BPF_H, BPF_ABS, 16),
	    [9] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, 10, 9),
	    [10] = EQUAL(STEER_ETHERTYPE_8021Q, TWICE_TAGGED, DROP, 10),

	    [TWICE_TAGGED] = BPF_STMT(BPF_LDX | BPF_IMM, 22),
	    [12] = LOAD(BPF_H, BPF_ABS, 20),
	    [13] = EQUAL(STEER_ETHERTYPE_IPV4, IPV4, DROP, 13),

	    [IPV4] = LOAD(BPF_B, BPF_IND, 9),
	    [15] = EQUAL(STEER_PROTOCOL_UDP, 16, DROP, 15),
	    [16] = LOAD(BPF_H, BPF_IND, 6),
	    [17] = BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, DROP - 17 - 1, 0),
	    [18] = LOAD(BPF_B, BPF_IND, 0),
	    [19] = BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0f),
	    [20] = BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
	    [21] = BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	    [22] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
	    [23] = LOAD(BPF_H, BPF_IND, 2),
	    [24] = EQUAL(STEER_SERVER_PORT, 25, DROP, 24),
	    [25] = BPF_STMT(BPF_RET | BPF_K, ACCEPT),
	    [DROP] = BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, ARRAY_SIZE(code));
}

int packet_filter_nothing(int fd)
{
	static const struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

	return attach(fd, code, ARRAY_SIZE(code));
}
