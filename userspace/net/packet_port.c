/* SPDX-License-Identifier: MIT */
#include "net/packet_port.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/packet_filter.h"

#define BURST        64
#define CHUNK_SIZE   4096
#define TAG_ROOM     sizeof(struct steer_tag) /* before each frame, for a tag to put back */
#define BUFFER_BYTES (8 << 20)                /* of the socket, each way: some 10,000 requests */

struct control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata)) +
					    CMSG_SPACE(sizeof(uint32_t))];
};

struct packet_port {
	struct port port;
	struct steer_rules rules;
	uint64_t vlans[STEER_VLAN_WORDS];
	uint8_t *area;
	uint32_t *free; /* stack of the numbers of free chunks */
	uint32_t n_free;
	uint32_t frames;
	int (*filter)(int fd); /* NULL: DHCP requests, judged by the rules */
	bool tried_defrag;     /* an interface must be up before it can be asked for */
	size_t n_sending;
	struct mmsghdr send[BURST], receive[BURST];
	struct iovec send_data[BURST], receive_data[BURST];
	uint32_t send_chunk[BURST], receive_chunk[BURST];
	struct control control[BURST];
};

static struct packet_port *upcast(struct port *port)
{
	return container_of(port, struct packet_port, port);
}

static void give_back(struct packet_port *packet, uint32_t chunk)
{
	assert(packet->n_free < packet->frames);
	packet->free[packet->n_free++] = chunk;
}

/* Called by steer_classify, inlined. */
static bool is_ours(const void *book, be32_t address)
{
	return address_book_has(book, be32toh(address));
}

/* The kernel reassembles IPv4 fragments for members of a fan-out group alone; this one has a single
 * member. */
static void join_fanout(struct packet_port *packet)
{
	const uint32_t mode =
	    PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG | PACKET_FANOUT_FLAG_UNIQUEID;
	const uint32_t group = mode << 16;

	if (setsockopt(packet->port.fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) == 0)
		packet->tried_defrag = true;
}

/* Puts a tag that the kernel took out back behind the MAC addresses. */
static void restore_tag(struct frame *frame, const struct tpacket_auxdata *aux)
{
	uint16_t tpid =
	    aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q;

	if (!(aux->tp_status & TP_STATUS_VLAN_VALID) || frame->len < 2 * ETH_ALEN)
		return;
	frame->data -= TAG_ROOM;
	frame->len += TAG_ROOM;
	frame->cap += TAG_ROOM;
	memmove(frame->data, frame->data + TAG_ROOM, 2 * ETH_ALEN);
	store_be16(frame->data + 2 * ETH_ALEN, tpid);
	store_be16(frame->data + 2 * ETH_ALEN + 2, aux->tp_vlan_tci);
}

static void read_control(struct packet_port *packet, struct msghdr *message, struct frame *frame)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;

			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			restore_tag(frame, &aux);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t lost;

			memcpy(&lost, CMSG_DATA(c), sizeof(lost));
			counter_set(&packet->port.counters.rx_overrun, lost);
		}
	}
}

/* Makes *frame of a received message; false when it is not for us. */
static bool accept_frame(struct packet_port *packet, size_t i, struct frame *frame)
{
	struct mmsghdr *received = &packet->receive[i];
	struct steer_layers layers;
	enum steer_reason reason;

	*frame = (struct frame){
	    .data = packet->receive_data[i].iov_base,
	    .len = received->msg_len,
	    .cap = CHUNK_SIZE - TAG_ROOM,
	    .handle = packet->receive_chunk[i],
	    .port = &packet->port,
	};
	read_control(packet, &received->msg_hdr, frame);
	if (received->msg_hdr.msg_flags & MSG_TRUNC) {
		counter_add(&packet->port.counters.rx_truncated, 1);
		return false;
	}
	if (packet->filter)
		return true;
	reason = steer_classify(frame->data, frame->data + frame->len, &packet->rules, &layers);
	if (reason != STEER_OK) {
		counter_add(&packet->port.refused[reason], 1);
		return false;
	}
	return true;
}

/* Lays out free chunks for up to @p max frames. */
static size_t prepare(struct packet_port *packet, size_t max)
{
	size_t n = min_size(min_size(max, BURST), packet->n_free);

	if (n == 0)
		counter_add(&packet->port.counters.fill_low, 1);
	for (size_t i = 0; i < n; i++) {
		uint32_t chunk = packet->free[--packet->n_free];

		packet->receive_chunk[i] = chunk;
		packet->receive_data[i] = (struct iovec){
		    .iov_base = packet->area + (size_t)chunk * CHUNK_SIZE + TAG_ROOM,
		    .iov_len = CHUNK_SIZE - TAG_ROOM,
		};
		packet->receive[i].msg_hdr = (struct msghdr){
		    .msg_iov = &packet->receive_data[i],
		    .msg_iovlen = 1,
		    .msg_control = &packet->control[i],
		    .msg_controllen = sizeof(packet->control[i]),
		};
	}
	return n;
}

static size_t packet_receive(struct port *port, struct frame *frames, size_t max)
{
	struct packet_port *packet = upcast(port);
	size_t kept = 0, prepared = prepare(packet, max), n = 0;
	uint64_t bytes = 0;
	int received = 0;

	if (prepared > 0)
		received =
		    recvmmsg(port->fd, packet->receive, (unsigned)prepared, MSG_DONTWAIT, NULL);
	if (received > 0)
		n = (size_t)received;
	port->emptied = prepared > 0 && (received < 0 ? errno == EAGAIN : n < prepared);
	for (size_t i = 0; i < prepared; i++) {
		if (i < n && accept_frame(packet, i, &frames[kept]))
			bytes += frames[kept++].len;
		else
			give_back(packet, packet->receive_chunk[i]);
	}
	if (n > 0 && unlikely(!packet->tried_defrag)) {
		join_fanout(packet);
		packet->tried_defrag = true;
	}
	counter_add(&port->counters.rx_frames, kept);
	counter_add(&port->counters.rx_bytes, bytes);
	return kept;
}

static void packet_drop(struct port *port, const struct frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		give_back(upcast(port), (uint32_t)frames[i].handle);
}

/* Sends from @p first on; returns how many messages are dealt with, for better or worse. */
static size_t send_some(struct packet_port *packet, size_t first)
{
	struct port_counters *counters = &packet->port.counters;
	size_t waiting = packet->n_sending - first;
	uint64_t bytes = 0;
	int sent;

	counter_add(&counters->kicks, 1);
	sent = sendmmsg(packet->port.fd, packet->send + first, (unsigned)waiting, MSG_DONTWAIT);
	if (sent < 0 && errno == EAGAIN) {
		counter_add(&counters->tx_full, waiting);
		return waiting;
	}
	if (sent <= 0) { /* the first one's own fault, or its queue's: others may still pass */
		counter_add(errno == ENOBUFS ? &counters->tx_full : &counters->tx_errors, 1);
		return 1;
	}
	for (int i = 0; i < sent; i++)
		bytes += packet->send_data[first + (size_t)i].iov_len;
	counter_add(&counters->tx_frames, (uint64_t)sent);
	counter_add(&counters->tx_bytes, bytes);
	return (size_t)sent;
}

static void packet_flush(struct port *port)
{
	struct packet_port *packet = upcast(port);

	for (size_t done = 0; done < packet->n_sending;)
		done += send_some(packet, done);
	for (size_t i = 0; i < packet->n_sending; i++)
		give_back(packet, packet->send_chunk[i]);
	packet->n_sending = 0;
}

static void packet_send(struct port *port, const struct frame *frames, size_t n)
{
	struct packet_port *packet = upcast(port);

	for (size_t i = 0; i < n; i++) {
		size_t slot = packet->n_sending++;

		packet->send_chunk[slot] = (uint32_t)frames[i].handle;
		packet->send_data[slot] = (struct iovec){frames[i].data, frames[i].len};
		if (packet->n_sending == BURST)
			packet_flush(port);
	}
}

static void packet_close(struct port *port)
{
	struct packet_port *packet = upcast(port);

	if (port->fd >= 0)
		close(port->fd);
	if (packet->area)
		munmap(packet->area, (size_t)packet->frames * CHUNK_SIZE);
	free(packet->free);
	free(packet);
}

static const struct port_ops packet_ops = {
    .receive = packet_receive,
    .send = packet_send,
    .drop = packet_drop,
    .flush = packet_flush,
    .close = packet_close,
};

static int make_frames(struct packet_port *packet)
{
	void *area;

	packet->free = calloc(packet->frames, sizeof(*packet->free));
	if (!packet->free)
		return -ENOMEM;
	/* Not populated: a stack keeps to the few chunks it needs. */
	area = mmap(NULL, (size_t)packet->frames * CHUNK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	packet->area = area;
	for (uint32_t i = packet->frames; i > 0; i--)
		give_back(packet, i - 1);
	for (size_t i = 0; i < BURST; i++) {
		packet->send[i].msg_hdr.msg_iov = &packet->send_data[i];
		packet->send[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Bound last: until then nothing arrives, so nothing gets past the filter. */
static int make_socket(struct packet_port *packet)
{
	const struct sockaddr_ll address = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htobe16(ETH_P_ALL),
	    .sll_ifindex = (int)packet->port.ifindex,
	};
	int result, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	packet->port.fd = fd;
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) < 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) < 0)
		set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
	result = packet->filter ? packet->filter(fd) : packet_filter_dhcp(fd);
	if (result == 0)
		result = set_option(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (result == 0)
		result = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (result == 0)
		result = set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	if (result == 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		result = -errno;
	if (result == 0)
		join_fanout(packet);
	return result;
}

int packet_port_open(const struct packet_port_options *options, struct port **port)
{
	const struct link_info *link = options->link;
	struct packet_port *packet = aligned_alloc(CACHE_LINE, sizeof(*packet));
	int result;

	if (!packet)
		return -ENOMEM;
	memset(packet, 0, sizeof(*packet));
	packet->frames = options->frames ? options->frames : PACKET_PORT_FRAMES_DEFAULT;
	packet->port = (struct port){
	    .ops = &packet_ops,
	    .kind = PORT_PACKET,
	    .fd = -1,
	    .ifindex = link->ifindex,
	    .mtu = link->mtu,
	};
	memcpy(packet->port.mac, link->mac, sizeof(link->mac));
	memcpy(packet->port.interface, link->name, sizeof(link->name));
	packet->filter = options->filter;
	if (!packet->filter)
		memcpy(packet->vlans, options->vlans, sizeof(packet->vlans));
	packet->rules = (struct steer_rules){
	    .vlans = (const __u64 *)packet->vlans,
	    .is_ours = is_ours,
	    .addresses = options->addresses,
	    .ip_options = true,
	};
	result = make_frames(packet);
	if (result == 0)
		result = make_socket(packet);
	if (result < 0) {
		packet_close(&packet->port);
		return result;
	}
	*port = &packet->port;
	return 0;
}

size_t packet_port_take(struct port *port, struct frame *frames, size_t max)
{
	struct packet_port *packet = upcast(port);
	size_t n = min_size(max, packet->n_free);

	for (size_t i = 0; i < n; i++) {
		uint32_t chunk = packet->free[--packet->n_free];

		frames[i] = (struct frame){
		    .data = packet->area + (size_t)chunk * CHUNK_SIZE + TAG_ROOM,
		    .cap = CHUNK_SIZE - TAG_ROOM,
		    .handle = chunk,
		    .port = port,
		};
	}
	return n;
}

uint32_t packet_port_free(const struct port *port)
{
	return upcast((struct port *)(uintptr_t)port)->n_free;
}
