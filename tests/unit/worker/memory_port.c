/* SPDX-License-Identifier: MIT */
#include "memory_port.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int64_t wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static size_t memory_receive(struct port *port, struct frame *frames, size_t max)
{
	struct memory_port *p = (struct memory_port *)port;
	uint64_t value;
	size_t n = 0;

	sleep(atomic_exchange(&p->held_up_s, 0));
	atomic_store(&p->received_s, wall_s());
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < FRAMES && n < max; i++) {
		if (!p->arriving[i])
			continue;
		p->arriving[i] = false;
		p->lent[i] = true;
		frames[n++] = (struct frame){.data = p->memory[i], .len = p->len[i],
					     .cap = FRAME_SIZE, .handle = i, .port = port};
	}
	if (!n && read(port->fd, &value, sizeof(value)) < 0)
		value = 0;
	port->emptied = n < max;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void take_back(struct memory_port *p, const struct frame *frame)
{
	if (frame->handle >= FRAMES || !p->lent[frame->handle])
		p->strays++;
	else
		p->lent[frame->handle] = false;
}

static void memory_send(struct port *port, const struct frame *frames, size_t n)
{
	struct memory_port *p = (struct memory_port *)port;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++) {
		memcpy(p->last, frames[i].data, frames[i].len);
		p->last_len = frames[i].len;
		take_back(p, &frames[i]);
		p->sent++;
	}
	pthread_mutex_unlock(&p->lock);
}

static void memory_drop(struct port *port, const struct frame *frames, size_t n)
{
	struct memory_port *p = (struct memory_port *)port;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++, p->dropped++)
		take_back(p, &frames[i]);
	pthread_mutex_unlock(&p->lock);
}

static void memory_flush(struct port *port)
{
}

static void memory_close(struct port *port)
{
}

static size_t memory_take(struct port *port, struct frame *frames, size_t max)
{
	struct memory_port *p = (struct memory_port *)port;
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < FRAMES && n < max; i++) {
		if (p->arriving[i] || p->lent[i])
			continue;
		p->lent[i] = true;
		frames[n++] = (struct frame){
			.data = p->memory[i], .cap = FRAME_SIZE, .handle = i, .port = port};
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

static const struct port_ops memory_ops = {
	.receive = memory_receive,
	.send = memory_send,
	.drop = memory_drop,
	.flush = memory_flush,
	.close = memory_close,
};

static const struct port_ops lending_ops = {
	.receive = memory_receive,
	.send = memory_send,
	.drop = memory_drop,
	.flush = memory_flush,
	.close = memory_close,
	.take = memory_take,
};

struct memory_port *memory_port_new(bool lends)
{
	struct memory_port *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	pthread_mutex_init(&p->lock, NULL);
	p->port.ops = lends ? &lending_ops : &memory_ops;
	p->port.kind = PORT_XDP_COPY;
	p->port.fd = eventfd(0, EFD_NONBLOCK);
	p->port.mtu = 1500;
	return p;
}

void memory_port_free(struct memory_port *p)
{
	close(p->port.fd);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void arrive(struct memory_port *p, size_t first, size_t n)
{
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++)
		p->arriving[first + i] = true;
	pthread_mutex_unlock(&p->lock);
	assert_int_equal(write(p->port.fd, &one, sizeof(one)), sizeof(one));
}

void wait_for_frames(struct memory_port *p, unsigned home, unsigned sent)
{
	for (int i = 0; i < 30000; i++) {
		pthread_mutex_lock(&p->lock);
		bool done = p->sent + p->dropped >= home && p->sent >= sent;
		pthread_mutex_unlock(&p->lock);
		if (done)
			return;
		usleep(1000);
	}
	fail_msg("frames did not come back: %u sent, %u dropped", p->sent, p->dropped);
}

void wait_home(struct memory_port *p, unsigned n)
{
	wait_for_frames(p, n, 0);
}

void handle_one(struct memory_port *p, size_t slot)
{
	unsigned home = p->sent + p->dropped;

	arrive(p, slot, 1);
	wait_home(p, home + 1);
}

void check_accounts(struct memory_port *p)
{
	assert_int_equal(p->strays, 0);
	for (size_t i = 0; i < FRAMES; i++)
		assert_false(p->lent[i]);
}
