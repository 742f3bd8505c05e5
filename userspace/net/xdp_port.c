/* SPDX-License-Identifier: MIT */
#include "net/xdp_port.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#define CHUNK_SMALL  2048
#define CHUNK_LARGE  4096               /* the most the kernel allows: a page */
#define XDP_HEADROOM 256                /* what the kernel leaves free before a received frame */
#define FRAME_EXTRA  (ETH_HLEN + 2 * 4) /* Ethernet header and two tags */
#define TX_PER_CALL  32 /* frames that one system call sends in copy mode, unless told otherwise */
#define BUSY_BUDGET  64

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9 /* Linux 6.17: frames per system call */
#endif

struct xdp_port {
	struct port port;
	struct xsk_ring_cons rx, completed;
	struct xsk_ring_prod tx, fill;
	uint8_t *area;
	uint64_t
	    *free; /* stack of the free chunks' offsets: what was used last is still in the cache */
	struct xdp_port_account account;
	uint32_t chunk_size;
	uint32_t frames;
	uint32_t receiving; /* chunks that may be filling at most */
	bool busy_poll;
	struct steer_queue *queue; /* shared with the XDP program, NULL: not counted */
	struct xsk_socket *socket;
	struct xsk_umem *umem;
};

static struct xdp_port *upcast(struct port *port)
{
	return container_of(port, struct xdp_port, port);
}

static void give_back(struct xdp_port *xdp, uint64_t chunk)
{
	assert(xdp->account.free < xdp->frames);
	xdp->free[xdp->account.free++] = chunk;
}

/* Keeps the fill ring as full as free chunks, and their owner, allow. */
static void refill(struct xdp_port *xdp)
{
	uint32_t slots = xsk_prod_nb_free(&xdp->fill, xdp->fill.size);
	uint32_t room = (uint32_t)min_size(slots, xdp->receiving - xdp->account.filling);
	uint32_t n = room < xdp->account.free ? room : xdp->account.free;
	uint32_t index;

	if (n < room)
		counter_add(&xdp->port.counters.fill_low, 1);
	if (n == 0 || xsk_ring_prod__reserve(&xdp->fill, n, &index) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&xdp->fill, index + i) = xdp->free[--xdp->account.free];
	xsk_ring_prod__submit(&xdp->fill, n);
	xdp->account.filling += n;
}

/* Takes back the chunks of frames that have left. */
static void reap(struct xdp_port *xdp)
{
	uint32_t index, n = xsk_ring_cons__peek(&xdp->completed, xdp->completed.size, &index);

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t address = *xsk_ring_cons__comp_addr(&xdp->completed, index + i);
		give_back(xdp, address & ~(uint64_t)(xdp->chunk_size - 1));
	}
	xsk_ring_cons__release(&xdp->completed, n);
	xdp->account.sending -= n;
}

/* Descriptors that the kernel has not taken yet, as far as it has told. */
static uint32_t unsent(const struct xdp_port *xdp)
{
	return *xdp->tx.producer - __atomic_load_n(xdp->tx.consumer, __ATOMIC_ACQUIRE);
}

/*
 * In copy mode a call sends a batch and says EAGAIN when there is more. It says so, too, when the
 * device is busy, so the number of calls is bounded; what is left then goes with the next flush.
 */
static void kick(struct xdp_port *xdp)
{
	uint32_t queued = unsent(xdp);

	if (queued == 0 || !xsk_ring_prod__needs_wakeup(&xdp->tx))
		return;
	for (uint32_t calls = 0; calls <= queued / TX_PER_CALL; calls++) {
		counter_add(&xdp->port.counters.kicks, 1);
		if (sendto(xdp->port.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
			return;
		if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS && errno != EINTR) {
			counter_add(&xdp->port.counters.tx_errors, 1);
			return;
		}
	}
}

/* The kernel sleeps on an empty fill ring, and polls the device at our request when told to. */
static void wake_receiver(struct xdp_port *xdp)
{
	if (xdp->busy_poll || xsk_ring_prod__needs_wakeup(&xdp->fill))
		recvfrom(xdp->port.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* The XDP program only reads `taken`; nobody else writes it. */
static void tell_taken(struct xdp_port *xdp, uint32_t n)
{
	struct steer_queue *queue = xdp->queue;

	if (!queue)
		return;
	__u64 taken = n ? queue->taken + n : __atomic_load_n(&queue->steered, __ATOMIC_RELAXED);
	__atomic_store_n(&queue->taken, taken, __ATOMIC_RELAXED);
}

static size_t xdp_receive(struct port *port, struct frame *frames, size_t max)
{
	struct xdp_port *xdp = upcast(port);
	uint32_t index, n, limit = (uint32_t)min_size(max, xdp->rx.size);
	uint64_t bytes = 0;

	n = xsk_ring_cons__peek(&xdp->rx, limit, &index);
	if (n == 0) {
		wake_receiver(xdp);
		n = xsk_ring_cons__peek(&xdp->rx, limit, &index);
		if (n == 0) {
			tell_taken(xdp, 0);
			port->emptied = true;
			return 0;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&xdp->rx, index + i);
		uint32_t offset = (uint32_t)desc->addr & (xdp->chunk_size - 1);

		frames[i] = (struct frame){
		    .data = xdp->area + desc->addr,
		    .len = desc->len,
		    .cap = xdp->chunk_size - offset,
		    .handle = desc->addr - offset,
		    .port = port,
		};
		bytes += desc->len;
	}
	xsk_ring_cons__release(&xdp->rx, n);
	tell_taken(xdp, n);
	port->emptied = n < limit;
	xdp->account.filling -= n;
	xdp->account.lent += n;
	counter_add(&port->counters.rx_frames, n);
	counter_add(&port->counters.rx_bytes, bytes);
	return n;
}

static void xdp_drop(struct port *port, const struct frame *frames, size_t n)
{
	struct xdp_port *xdp = upcast(port);

	for (size_t i = 0; i < n; i++)
		give_back(xdp, frames[i].handle);
	xdp->account.lent -= (uint32_t)n;
}

/* Room for up to @p n frames in the transmit ring: asks the kernel once when there is not enough.
 */
static uint32_t transmit_room(struct xdp_port *xdp, uint32_t n)
{
	uint32_t room = xsk_prod_nb_free(&xdp->tx, n);

	if (room < n) {
		kick(xdp);
		reap(xdp);
		room = xsk_prod_nb_free(&xdp->tx, n);
	}
	return room < n ? room : n;
}

static void xdp_send(struct port *port, const struct frame *frames, size_t n)
{
	struct xdp_port *xdp = upcast(port);
	uint32_t index, room = transmit_room(xdp, (uint32_t)n);
	uint64_t bytes = 0;

	if (room > 0 && xsk_ring_prod__reserve(&xdp->tx, room, &index) == room) {
		for (uint32_t i = 0; i < room; i++) {
			*xsk_ring_prod__tx_desc(&xdp->tx, index + i) = (struct xdp_desc){
			    .addr = (uint64_t)(frames[i].data - xdp->area),
			    .len = frames[i].len,
			};
			bytes += frames[i].len;
		}
		xsk_ring_prod__submit(&xdp->tx, room);
		xdp->account.lent -= room;
		xdp->account.sending += room;
		counter_add(&port->counters.tx_frames, room);
		counter_add(&port->counters.tx_bytes, bytes);
	}
	if (room < n) {
		counter_add(&port->counters.tx_full, n - room);
		xdp_drop(port, frames + room, n - room);
	}
}

static void xdp_flush(struct port *port)
{
	struct xdp_port *xdp = upcast(port);

	kick(xdp);
	reap(xdp);
	refill(xdp);
}

static void xdp_close(struct port *port)
{
	struct xdp_port *xdp = upcast(port);

	if (xdp->socket)
		xsk_socket__delete(xdp->socket);
	if (xdp->umem)
		xsk_umem__delete(xdp->umem);
	if (xdp->area)
		munmap(xdp->area, (size_t)xdp->frames * xdp->chunk_size);
	free(xdp->free);
	free(xdp);
}

static const struct port_ops xdp_ops = {
    .receive = xdp_receive,
    .send = xdp_send,
    .drop = xdp_drop,
    .flush = xdp_flush,
    .close = xdp_close,
    .take = xdp_port_take,
};

static uint32_t chunk_size_for(uint16_t mtu)
{
	return mtu + FRAME_EXTRA + XDP_HEADROOM <= CHUNK_SMALL ? CHUNK_SMALL : CHUNK_LARGE;
}

static int make_umem(struct xdp_port *xdp)
{
	size_t size = (size_t)xdp->frames * xdp->chunk_size;
	const struct xsk_umem_config config = {
	    .fill_size = xdp_port_ring(xdp->frames),
	    .comp_size = xdp_port_ring(xdp->frames),
	    .frame_size = xdp->chunk_size,
	};
	void *area;

	xdp->free = calloc(xdp->frames, sizeof(*xdp->free));
	if (!xdp->free)
		return -ENOMEM;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		    -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	xdp->area = area;
	for (uint32_t i = xdp->frames; i > 0; i--)
		give_back(xdp, (uint64_t)(i - 1) * xdp->chunk_size);
	return xsk_umem__create(&xdp->umem, area, size, &xdp->fill, &xdp->completed, &config);
}

/* Every frame of the transmit ring must find room in the socket's send buffer, or it would wait
 * there. */
static void widen_sending(struct xdp_port *xdp)
{
	int fd = xdp->port.fd, budget = (int)xdp->tx.size;
	int bytes = (int)min_u64((uint64_t)xdp->tx.size * 2 * CHUNK_LARGE, INT32_MAX / 2);

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
}

static int make_socket(struct xdp_port *xdp)
{
	struct port *port = &xdp->port;
	const struct xsk_socket_config config = {
	    .rx_size = xdp_port_ring(xdp->frames),
	    .tx_size = xdp_port_ring(xdp->frames),
	    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
	    .bind_flags = (uint16_t)(XDP_USE_NEED_WAKEUP |
				     (port->kind == PORT_XDP_ZEROCOPY ? XDP_ZEROCOPY : XDP_COPY)),
	};
	int result = xsk_socket__create(&xdp->socket, port->interface, port->queue, xdp->umem,
					&xdp->rx, &xdp->tx, &config);

	if (result < 0)
		return result;
	port->fd = xsk_socket__fd(xdp->socket);
	widen_sending(xdp);
	refill(xdp);
	return 0;
}

int xdp_port_open(const struct xdp_port_options *options, struct port **port)
{
	const struct link_info *link = options->link;
	uint32_t frames = options->frames ? options->frames : XDP_PORT_FRAMES_DEFAULT;
	struct xdp_port *xdp;
	int result;

	if (frames < XDP_PORT_FRAMES_MIN || (frames & (frames - 1)))
		return -EINVAL;
	xdp = aligned_alloc(CACHE_LINE, sizeof(*xdp));
	if (!xdp)
		return -ENOMEM;
	memset(xdp, 0, sizeof(*xdp));
	xdp->frames = frames;
	xdp->receiving = options->receiving ? (uint32_t)min_size(options->receiving, frames) : frames;
	xdp->chunk_size = chunk_size_for(link->mtu);
	xdp->port = (struct port){
	    .ops = &xdp_ops,
	    .kind = options->kind,
	    .fd = -1,
	    .ifindex = link->ifindex,
	    .queue = options->queue,
	    .mtu = link->mtu,
	};
	memcpy(xdp->port.mac, link->mac, sizeof(link->mac));
	memcpy(xdp->port.interface, link->name, sizeof(link->name));
	result = make_umem(xdp);
	if (result == 0)
		result = make_socket(xdp);
	if (result < 0) {
		xdp_close(&xdp->port);
		return result;
	}
	*port = &xdp->port;
	return 0;
}

void xdp_port_account_to(struct port *port, struct steer_queue *queue)
{
	upcast(port)->queue = queue;
}

unsigned xdp_port_ring(unsigned frames)
{
	return (frames ? frames : XDP_PORT_FRAMES_DEFAULT) / 2;
}

int xdp_port_busy_poll(struct port *port, unsigned us)
{
	const struct {
		int option, value;
	} settings[] = {
	    {SO_PREFER_BUSY_POLL, 1},
	    {SO_BUSY_POLL, (int)us},
	    {SO_BUSY_POLL_BUDGET, BUSY_BUDGET},
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (setsockopt(port->fd, SOL_SOCKET, settings[i].option, &settings[i].value,
			       sizeof(settings[i].value)) < 0)
			return -errno;
	}
	upcast(port)->busy_poll = true;
	return 0;
}

size_t xdp_port_take(struct port *port, struct frame *frames, size_t max)
{
	struct xdp_port *xdp = upcast(port);
	size_t n = min_size(max, xdp->account.free);

	for (size_t i = 0; i < n; i++) {
		uint64_t chunk = xdp->free[--xdp->account.free];

		frames[i] = (struct frame){
		    .data = xdp->area + chunk,
		    .cap = xdp->chunk_size,
		    .handle = chunk,
		    .port = port,
		};
	}
	xdp->account.lent += (uint32_t)n;
	return n;
}

struct xdp_port_account xdp_port_account(const struct port *port)
{
	return upcast((struct port *)(uintptr_t)port)->account;
}
