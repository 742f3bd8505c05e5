/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <linux/if_ether.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/checksum.h"
#include "perf/dhcp.h"
#include "unit.h"

static const uint8_t server_mac[6] = {0x02, 0xaa, 0, 0, 0, 1};
static const uint8_t link_mac[6] = {0x02, 0xbb, 0, 0, 0, 2};

static struct scene *scene_of(struct port *port)
{
	return container_of(port, struct scene, port);
}

static size_t take(struct port *port, struct frame *frames, size_t max)
{
	struct scene *scene = scene_of(port);
	size_t n = min_size(max, scene->n_free);

	for (size_t i = 0; i < n; i++) {
		uint32_t chunk = scene->free[--scene->n_free];

		frames[i] = (struct frame){scene->memory[chunk], 0, 2048, chunk, port};
	}
	return n;
}

static void drop(struct port *port, const struct frame *frames, size_t n)
{
	struct scene *scene = scene_of(port);

	for (size_t i = 0; i < n; i++)
		scene->free[scene->n_free++] = (uint32_t)frames[i].handle;
}

static void send_frames(struct port *port, const struct frame *frames, size_t n)
{
	struct scene *scene = scene_of(port);

	for (size_t i = 0; i < n; i++) {
		assert_in_range(frames[i].len, 60, MESSAGE_FRAME_MAX);
		memcpy(scene->sent[scene->n_sent], frames[i].data, frames[i].len);
		scene->sent_len[scene->n_sent++] = frames[i].len;
	}
	drop(port, frames, n);
}

static void flush(struct port *port)
{
	(void)port;
}

static void close_port(struct port *port)
{
	(void)port;
}

static const struct port_ops ops = {
    .send = send_frames, .drop = drop, .flush = flush, .close = close_port};

struct scene *scene_new(const char *const *arguments)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	char *argv[32] = {strdup("etcdhcp-perf"), strdup("-i"), strdup("none"), strdup("--seed"),
			  strdup("7")};
	int argc = 5;

	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; arguments[i]; i++)
		argv[argc++] = strdup(arguments[i]);
	assert_int_equal(options_parse(&scene->options, argc, argv), OPTIONS_RUN);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	scene->options.interface = "none";
	scene->port.ops = &ops;
	scene->wire = (struct wire){.ports = {&scene->port}, .n_ports = 1, .take = take};
	memcpy(scene->wire.link.mac, link_mac, 6);
	for (uint32_t i = 0; i < SCENE_FRAMES; i++)
		scene->free[scene->n_free++] = i;
	assert_int_equal(generator_init(&scene->g, &scene->options, &scene->wire), 0);
	scene->g.now_ns = 100 * NS_PER_S;
	return scene;
}

void scene_free(struct scene *scene)
{
	wire_flush(&scene->wire);
	wire_close(&scene->wire);
	assert_int_equal(scene->n_free, SCENE_FRAMES); /* no frame was lost */
	generator_fini(&scene->g);
	free(scene);
}

const uint8_t *scene_sent(struct scene *scene, uint32_t *len)
{
	wire_flush(&scene->wire);
	assert_int_equal(scene->n_sent, 1);
	scene->n_sent = 0;
	if (len)
		*len = scene->sent_len[0];
	return scene->sent[0];
}

void scene_silent(struct scene *scene)
{
	wire_flush(&scene->wire);
	assert_int_equal(scene->n_sent, 0);
}

void scene_advance(struct scene *scene, uint64_t ns)
{
	struct generator *g = &scene->g;
	uint32_t indexes[16], tick;
	size_t n;

	g->now_ns += ns;
	wire_prepare(&scene->wire, WIRE_OUTBOX);
	while ((n = wheel_take(g->wheel, wheel_tick(g->now_ns), &tick, indexes, 16)) > 0) {
		for (size_t i = 0; i < n; i++)
			exchange_expire(g, indexes[i], tick);
	}
}

struct answer scene_answer(const struct scene *scene, uint32_t index, uint8_t type,
			   uint32_t address)
{
	const struct generator *g = &scene->g;
	struct place place = generator_place(g, index);
	struct answer answer = {
	    .type = type,
	    .xid = population_xid(&g->population, index),
	    .src = SCENE_SERVER,
	    .dst = 0xffffffff,
	    .yiaddr = type == DHCP_NAK ? 0 : address,
	    .src_port = 67,
	    .dst_port = 68,
	    .server = SCENE_SERVER,
	    .lease_s = type == DHCP_NAK ? 0 : SCENE_LEASE,
	    .op = 2,
	    .hlen = 6,
	    .vlan = place.vlan,
	    .outer_vlan = place.outer_vlan,
	};

	population_mac(&g->population, index, answer.chaddr);
	memcpy(answer.dst_mac, answer.chaddr, 6);
	memcpy(answer.src_mac, server_mac, 6);
	return answer;
}

static uint8_t *put(uint8_t *at, uint8_t code, const void *data, size_t len)
{
	at[0] = code;
	at[1] = (uint8_t)len;
	memcpy(at + 2, data, len);
	return at + 2 + len;
}

static uint8_t *put_u32(uint8_t *at, uint8_t code, uint32_t value)
{
	be32_t wire = htobe32(value);

	return value ? put(at, code, &wire, 4) : at;
}

static uint8_t *write_options(const struct answer *a, struct dhcp_message *dhcp)
{
	uint8_t *at = (uint8_t *)(dhcp + 1);
	uint8_t *side = dhcp->file;

	at = put(at, OPTION_TYPE, &a->type, 1);
	if (a->overload) {
		at = put(at, OPTION_OVERLOAD, (const uint8_t[]){1}, 1);
		side = put_u32(put_u32(side, OPTION_SERVER_ID, a->server), OPTION_LEASE_TIME,
			       a->lease_s);
		*side = OPTION_END;
	} else {
		at = put_u32(put_u32(at, OPTION_SERVER_ID, a->server), OPTION_LEASE_TIME,
			     a->lease_s);
	}
	if (a->agent_info)
		at = put(at, OPTION_AGENT_INFO, a->agent_info, a->agent_info_len);
	*at++ = OPTION_PAD;
	if (a->long_option) {
		at[0] = 12;
		at[1] = 200;
		at += 4;
	}
	if (!a->no_end)
		*at++ = OPTION_END;
	return at;
}

static uint8_t *write_ethernet(const struct answer *a, uint8_t *frame)
{
	uint8_t *at = frame + 12;

	memcpy(frame, a->dst_mac, 6);
	memcpy(frame + 6, a->src_mac, 6);
	if (a->outer_vlan) {
		store_be16(at, 0x88a8);
		store_be16(at + 2, a->outer_vlan);
		at += 4;
	}
	if (a->vlan) {
		store_be16(at, ETH_P_8021Q);
		store_be16(at + 2, a->vlan);
		at += 4;
	}
	store_be16(at, ETH_P_IP);
	return at + 2;
}

static void write_sums(const struct answer *a, struct steer_ipv4 *ip, struct steer_udp *udp,
		       uint16_t udp_len)
{
	ip->checksum = (be16_t)~checksum_fold(checksum_add(ip, sizeof(*ip), 0));
	ip->checksum ^= a->bad_ip_sum;
	udp->checksum = (be16_t)~checksum_fold(
	    checksum_add(udp, udp_len, checksum_pseudo_header(ip->src, ip->dst, udp_len)));
	udp->checksum ^= a->bad_udp_sum;
}

uint32_t scene_write(const struct answer *a, uint8_t *frame)
{
	struct steer_ipv4 *ip;
	struct steer_udp *udp;
	struct dhcp_message *dhcp;
	uint16_t udp_len;

	memset(frame, 0, MESSAGE_FRAME_MAX);
	ip = (struct steer_ipv4 *)write_ethernet(a, frame);
	udp = (struct steer_udp *)(ip + 1);
	dhcp = (struct dhcp_message *)(udp + 1);
	*dhcp = (struct dhcp_message){
	    .op = a->op,
	    .htype = 1,
	    .hlen = a->hlen,
	    .xid = htobe32(a->xid),
	    .yiaddr = htobe32(a->yiaddr),
	    .giaddr = htobe32(a->giaddr),
	    .magic = a->no_magic ? 0 : htobe32(STEER_MAGIC),
	};
	memcpy(dhcp->chaddr, a->chaddr, 6);
	udp_len = (uint16_t)(write_options(a, dhcp) - (uint8_t *)udp);
	*udp = (struct steer_udp){htobe16(a->src_port), htobe16(a->dst_port),
				  htobe16((uint16_t)(udp_len + a->udp_len_lie)), 0};
	*ip = (struct steer_ipv4){
	    .version_ihl = 0x45,
	    .total_len = htobe16((uint16_t)(udp_len + 20)),
	    .ttl = 64,
	    .protocol = 17,
	    .src = htobe32(a->src),
	    .dst = htobe32(a->dst),
	};
	write_sums(a, ip, udp, udp_len);
	return (uint32_t)((uint8_t *)udp + udp_len - frame);
}

void scene_deliver(struct scene *scene, const struct answer *answer)
{
	uint8_t bytes[MESSAGE_FRAME_MAX];
	struct frame frame = {.data = bytes, .cap = sizeof(bytes)};
	struct judged judged;

	frame.len = scene_write(answer, bytes);
	wire_prepare(&scene->wire, WIRE_OUTBOX);
	judge_prepare(&scene->g, &frame, &judged);
	judge_reply(&scene->g, &judged);
}

uint32_t scene_begin(struct scene *scene, enum activity activity)
{
	const struct population *p = &scene->g.population;
	bool cold = activity == ACTIVITY_DORA || activity == ACTIVITY_OFFER;
	uint32_t index = queue_peek(cold ? &p->cold : &p->bound, 0);

	wire_prepare(&scene->wire, WIRE_OUTBOX);
	assert_true(exchange_begin(&scene->g, activity, scene->g.now_ns));
	return index;
}

uint32_t scene_bind(struct scene *scene, uint32_t address)
{
	uint32_t index = scene_begin(scene, ACTIVITY_DORA);
	struct answer answer = scene_answer(scene, index, DHCP_OFFER, address);

	scene_sent(scene, NULL);
	scene_deliver(scene, &answer);
	scene_sent(scene, NULL);
	answer.type = DHCP_ACK;
	scene_deliver(scene, &answer);
	scene_silent(scene);
	return index;
}

uint64_t scene_findings(const struct scene *scene, enum finding finding)
{
	return counter_read(&scene->g.findings[finding]);
}

uint64_t scene_all_findings(const struct scene *scene)
{
	uint64_t sum = 0;

	for (int i = 0; i < FINDING_COUNT; i++)
		sum += scene_findings(scene, (enum finding)i);
	return sum;
}

const uint8_t *scene_option(const uint8_t *frame, uint32_t len, uint8_t code, uint8_t *option_len)
{
	uint32_t at = 12, end = len;

	while (load_be16(frame + at) != ETH_P_IP)
		at += 4;
	at += 2 + 20 + 8 + 240;
	while (at < end && frame[at] != OPTION_END) {
		if (frame[at] == code) {
			*option_len = frame[at + 1];
			return frame + at + 2;
		}
		at += frame[at] == OPTION_PAD ? 1 : 2u + frame[at + 1];
	}
	return NULL;
}
