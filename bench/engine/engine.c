/* SPDX-License-Identifier: MIT */
/*
 * etcdhcp-engine: what the server itself costs, without the kernel. Runs the worker's own burst code over a port made of
 * memory, and the allocator as the store thread calls it, in one process and one thread.
 *
 *     renewal   parsed frame in -> finished frame out, clients at random, bursts of 32
 *     offer     a new client gets an address, with the pool empty and 99.9 % full
 *
 * With --callgrind RENEWALS it only does that many renewals between two markers, to count instructions.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <urcu/urcu-qsbr.h>

#include "config/load.h"
#include "lease/allocator.h"
#include "net/checksum.h"
#include "worker/internal.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else /* built without valgrind: --callgrind counts nothing */
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SERVER     IP(10, 0, 0, 1)
#define FIRST      IP(10, 1, 0, 0)
#define FRAME_SIZE 2048
#define ETH_LEN    14
#define HEADERS    (ETH_LEN + 20 + 8)
#define MESSAGE    300
#define LEASE_S    3600
#define WARM_UP    20000
#define OFFER_POOL 1000000u
#define AHEAD      8 /* the processor drops prefetches beyond some twenty */

/* ---- a port made of memory: receive gives out the burst that was prepared ---- */

struct memory_port {
	struct port port; /* first */
	uint8_t frames[BURST][FRAME_SIZE] __attribute__((aligned(CACHE_LINE)));
	size_t n, sent;
};

static size_t memory_receive(struct port *port, struct frame *frames, size_t max)
{
	struct memory_port *p = (struct memory_port *)port;
	size_t n = min_size(p->n, max);

	for (size_t i = 0; i < n; i++)
		frames[i] = (struct frame){.data = p->frames[i], .len = HEADERS + MESSAGE,
					   .cap = FRAME_SIZE, .handle = i, .port = port};
	p->n = 0;
	return n;
}

static void memory_send(struct port *port, const struct frame *frames, size_t n)
{
	((struct memory_port *)port)->sent += n;
}

static void memory_drop(struct port *port, const struct frame *frames, size_t n)
{
}

static void memory_nothing(struct port *port)
{
}

static const struct port_ops memory_ops = {
	.receive = memory_receive,
	.send = memory_send,
	.drop = memory_drop,
	.flush = memory_nothing,
	.close = memory_nothing,
};

/* ---- the server's parts, put together without threads ---- */

struct engine {
	struct config *config;
	struct clock clock;
	struct lease_table *table;
	struct lease_net *net;
	struct server_interface interface;
	struct server_view view;
	struct memory_port *port;
	struct worker *worker;
	uint64_t random;
};

static void die(const char *what)
{
	fprintf(stderr, "etcdhcp-engine: %s\n", what);
	exit(1);
}

/* ---- medians: what else the machine does meanwhile hits the mean, not them ---- */

struct samples {
	uint32_t *ns;
	size_t n;
};

static void samples_init(struct samples *samples, size_t cap)
{
	samples->n = 0;
	samples->ns = malloc(cap * sizeof(*samples->ns));
	if (!samples->ns)
		die("out of memory");
}

static void samples_add(struct samples *samples, uint64_t ns)
{
	samples->ns[samples->n++] = (uint32_t)min_u64(ns, UINT32_MAX);
}

static int compare_ns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Frees them, too. */
static double samples_median(struct samples *samples)
{
	double median;

	qsort(samples->ns, samples->n, sizeof(*samples->ns), compare_ns);
	median = samples->n ? samples->ns[samples->n / 2] : 0;
	free(samples->ns);
	return median;
}

static uint64_t next_random(struct engine *e)
{
	e->random ^= e->random << 13; /* xorshift64: Marsaglia 2003 */
	e->random ^= e->random >> 7;
	e->random ^= e->random << 17;
	return e->random;
}

static void format_address(char *out, size_t cap, uint32_t addr)
{
	snprintf(out, cap, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff,
		 addr & 0xff);
}

static void make_config(struct engine *e, uint32_t addresses)
{
	char yaml[1024], first[16], last[16];
	struct config_source source = {.name = "engine", .text = yaml};
	struct config_error error;

	format_address(first, sizeof(first), FIRST);
	format_address(last, sizeof(last), FIRST + addresses - 1);
	source.len = (size_t)snprintf(
		yaml, sizeof(yaml),
		"server: {interfaces: [{name: eth1}]}\n"
		"networks:\n"
		"  - name: engine\n"
		"    lease-time: %d\n"
		"    options: {domain-name-servers: [10.0.0.2, 10.0.0.3], domain-name: example.net,\n"
		"              ntp-servers: [10.0.0.4]}\n"
		"    subnets: [{subnet: 10.0.0.0/8, pools: [%s-%s],\n"
		"               options: {routers: [10.0.0.1], broadcast-address: 10.255.255.255}}]\n",
		LEASE_S, first, last);
	e->config = config_parse(&source, NULL, CONFIG_MEMORY_MAX, &error);
	if (!e->config)
		die(error.text);
}

static size_t client_of(uint32_t number, uint8_t *client)
{
	client[0] = CLIENT_ID_MAC;
	client[1] = 2;
	client[2] = 0;
	store_be32(client + 3, number);
	return 7;
}

/*
 * Clients 0 to n - 1; with @p gap one address in so many is left free, as leases that end here and there leave them.
 */
static void bind_leases(struct engine *e, uint32_t n, uint32_t gap)
{
	int64_t hold_until_s = clock_read(&e->clock).latest_s + 2 * LEASE_S;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t client[8];

		if (gap && i % gap == 0)
			continue;
		struct lease lease = {
			.addr = FIRST + i,
			.state = LEASE_BOUND,
			.hold_until_s = hold_until_s,
			.revision = i + 1,
			.client = client,
			.client_len = (uint16_t)client_of(i, client),
		};
		if (lease_put(e->net, &lease))
			die("out of memory");
		urcu_qsbr_quiescent_state();
	}
}

static void make_worker(struct engine *e)
{
	struct worker_port port;

	e->port = aligned_alloc(CACHE_LINE, sizeof(*e->port));
	if (!e->port)
		die("out of memory");
	memset(e->port, 0, sizeof(*e->port));
	e->port->port.ops = &memory_ops;
	e->port->port.kind = PORT_XDP_COPY;
	e->port->port.mtu = 1500;
	e->interface = (struct server_interface){"eth1", 1500, 1, {SERVER}};
	e->view = (struct server_view){e->config, &e->net, &e->interface, 1, NULL};
	port = (struct worker_port){&e->port->port, 0};
	e->worker = worker_new(&(struct worker_options){
		.ports = &port, .n_ports = 1, .pending_max = 16, .clock = &e->clock});
	if (!e->worker)
		die("out of memory");
	e->worker->view = &e->view;
}

static void engine_init(struct engine *e, uint32_t addresses)
{
	e->random = 88172645463325252u;
	clock_init(&e->clock, 0);
	make_config(e, addresses);
	e->table = lease_table_new();
	e->net = e->table ? lease_table_net(e->table, "engine", 6) : NULL;
	if (!e->net || allocator_configure(e->net, e->config, &e->config->networks[0]))
		die("out of memory");
	make_worker(e);
}

static void engine_fini(struct engine *e)
{
	worker_free(e->worker);
	free(e->port);
	lease_table_free(e->table);
	config_free(e->config);
}

/* ---- renewals ---- */

/* A renewal as Windows and systemd-networkd send it: 300 bytes, nine parameters asked for. */
static void write_template(uint8_t *frame)
{
	static const uint8_t options[] = {53, 1, 3,  61, 7, 1,  2, 0,  0,  0,   0,   0,
					  55, 9, 1,  3,  6, 15, 28, 42, 119, 121, 252, 57,
					  2,  5, 220, 255};
	struct dhcp_header *header = (struct dhcp_header *)(frame + HEADERS);
	uint8_t *ip = frame + ETH_LEN, *udp = ip + 20;

	memset(frame, 0, HEADERS + MESSAGE);
	memcpy(frame, (uint8_t[]){2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, ETH_LEN);
	ip[0] = 0x45;
	store_be16(ip + 2, 28 + MESSAGE);
	ip[8] = 64;
	ip[9] = 17;
	store_be32(ip + 16, SERVER);
	store_be16(udp, 68);
	store_be16(udp + 2, 67);
	store_be16(udp + 4, 8 + MESSAGE);
	header->op = DHCP_BOOTREQUEST;
	header->htype = DHCP_HTYPE_ETHERNET;
	header->hlen = 6;
	header->chaddr[0] = 2;
	header->magic = htobe32(DHCP_MAGIC);
	memcpy(header->options, options, sizeof(options));
	/* Option 61 stays out of the way: leases are by hardware address. */
	header->options[3] = DHCP_OPT_HOST_NAME;
	memcpy(header->options + 5, "laptop-", 7);
}

static be16_t checksum_udp(const uint8_t *udp, uint32_t src)
{
	uint64_t pseudo = checksum_pseudo_header(htobe32(src), htobe32(SERVER), 8 + MESSAGE);

	return (be16_t)~checksum_fold(checksum_add(udp, 8 + MESSAGE, pseudo));
}

static void write_renewal(uint8_t *frame, const uint8_t *template, uint32_t number)
{
	struct dhcp_header *header = (struct dhcp_header *)(frame + HEADERS);
	uint8_t *ip = frame + ETH_LEN;
	uint32_t addr = FIRST + number, sum = 0;

	memcpy(frame, template, HEADERS + MESSAGE);
	store_be32(ip + 12, addr);
	for (int i = 0; i < 20; i += 2)
		sum += load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(ip + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	header->xid = number;
	header->ciaddr = htobe32(addr);
	store_be32(header->chaddr + 2, number);
	store_be16(ip + 26, 0);
	memcpy(ip + 26, &(be16_t){checksum_udp(ip + 20, addr)}, sizeof(be16_t));
}

static void prepare_burst(struct engine *e, const uint8_t *template, uint32_t n)
{
	for (size_t i = 0; i < BURST; i++)
		write_renewal(e->port->frames[i], template, (uint32_t)(next_random(e) % n));
	e->port->n = BURST;
}

/* Nanoseconds per renewal in the median burst, the making of the requests left out. */
static double renewals(struct engine *e, uint32_t n, uint64_t count)
{
	uint8_t template[HEADERS + MESSAGE];
	uint64_t bursts = count / BURST;
	struct samples samples;

	write_template(template);
	samples_init(&samples, bursts);
	e->port->sent = 0;
	for (uint64_t b = 0; b < bursts; b++) {
		prepare_burst(e, template, n);
		uint64_t begin = clock_mono_ns();
		e->worker->now = clock_read(&e->clock);
		burst_run(e->worker, 0);
		samples_add(&samples, clock_mono_ns() - begin);
		urcu_qsbr_quiescent_state();
	}
	if (e->port->sent != bursts * BURST)
		die("not every renewal was answered: the figures would mean nothing");
	return samples_median(&samples) / BURST;
}

static double measure_renewals(uint32_t n, uint64_t count)
{
	struct engine e;
	double ns, before, after;

	engine_init(&e, n);
	before = (double)lease_table_memory(e.table);
	bind_leases(&e, n, 0);
	after = (double)lease_table_memory(e.table);
	renewals(&e, n, WARM_UP);
	ns = renewals(&e, n, count);
	printf("renewal  %9u leases  %7.1f ns  %6.1f bytes/lease (%.1f before any)\n", n, ns,
	       after / n, before / n);
	engine_fini(&e);
	return ns;
}

static void count_instructions(uint64_t count)
{
	struct engine e;
	uint8_t template[HEADERS + MESSAGE];

	engine_init(&e, 100000);
	bind_leases(&e, 100000, 0);
	write_template(template);
	for (uint64_t b = 0; b < count / BURST; b++) {
		prepare_burst(&e, template, 100000);
		e.worker->now = clock_read(&e.clock);
		CALLGRIND_START_INSTRUMENTATION;
		burst_run(e.worker, 0);
		CALLGRIND_STOP_INSTRUMENTATION;
	}
	printf("renewals %zu\n", e.port->sent);
	engine_fini(&e);
}

/* ---- offers ---- */

static void bring_near(const struct engine *e, uint64_t hash)
{
	lease_prefetch_client(e->net, hash);
	allocator_prefetch(e->net, hash);
}

/*
 * Nanoseconds per offer in the median burst: each new client is offered an address and gives it back, so that the
 * pool stays as full as it is. In bursts, as the store thread takes them: what it looks at first is brought near for
 * each before its turn.
 */
static double offers(struct engine *e, uint64_t count)
{
	struct moment now = clock_read(&e->clock);
	struct client_id clients[BURST];
	uint64_t hashes[BURST], bursts = count / BURST;
	struct samples samples;
	uint32_t addr;

	samples_init(&samples, bursts);
	for (uint64_t b = 0; b < bursts; b++) {
		for (size_t i = 0; i < BURST; i++)
			clients[i].len = (uint16_t)client_of((uint32_t)next_random(e) | 0x80000000u,
							     clients[i].bytes);
		uint64_t begin = clock_mono_ns();
		for (size_t i = 0; i < BURST; i++)
			hashes[i] = lease_client_hash(e->net, clients[i].bytes, clients[i].len);
		for (size_t i = 0; i < AHEAD; i++)
			bring_near(e, hashes[i]);
		for (size_t i = 0; i < BURST; i++) {
			if (i + AHEAD < BURST)
				bring_near(e, hashes[i + AHEAD]);
			if (allocator_offer(e->net, &clients[i], hashes[i], NULL, 0, 0, &now,
					    now.mono_ns + 60 * NS_PER_S, &addr))
				die("no address to offer");
		}
		for (size_t i = 0; i < BURST; i++)
			allocator_offer_end(e->net, &clients[i], hashes[i]);
		samples_add(&samples, clock_mono_ns() - begin);
	}
	return samples_median(&samples) / BURST;
}

/* Of the pool's addresses one in @p gap is free; 0: all of them. */
static double measure_offers(uint32_t gap, uint64_t count, const char *how)
{
	struct engine e;
	double ns;

	engine_init(&e, OFFER_POOL);
	if (gap)
		bind_leases(&e, OFFER_POOL, gap);
	offers(&e, WARM_UP);
	ns = offers(&e, count);
	printf("offer    %9u of %u free  %7.1f ns  (%s)\n", OFFER_POOL / (gap ? gap : 1), OFFER_POOL, ns,
	       how);
	engine_fini(&e);
	return ns;
}

/* ---- the command ---- */

static const char usage[] =
	"usage: etcdhcp-engine [--count N] [--max-leases N] [--callgrind RENEWALS] [--help]\n"
	"\n"
	"Measures the server's own cost of a renewal and of an offer, in process and in one thread.\n"
	"The last line is key=value.\n"
	"\n"
	"  --count N             renewals and offers to time for each figure (default 2000000)\n"
	"  --max-leases N        leave larger tables out (default 10000000; about 100 bytes each)\n"
	"  --callgrind RENEWALS  under valgrind --tool=callgrind --instr-atstart=no: that many, nothing else\n";

struct arguments {
	uint64_t count, max_leases, callgrind;
};

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (*end || end == text || !value) {
		fputs(usage, stderr);
		exit(2);
	}
	return value;
}

static struct arguments parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"count", required_argument, NULL, 'n'},
		{"max-leases", required_argument, NULL, 'm'},
		{"callgrind", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct arguments arguments = {.count = 2000000, .max_leases = 10000000};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			arguments.count = parse_number(optarg);
			break;
		case 'm':
			arguments.max_leases = parse_number(optarg);
			break;
		case 'c':
			arguments.callgrind = parse_number(optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	return arguments;
}

int main(int argc, char **argv)
{
	static const struct {
		uint32_t leases;
		const char *key;
	} sizes[] = {{100000, "ns_100k"}, {1000000, "ns_1m"}, {10000000, "ns_10m"}};
	struct arguments arguments = parse_arguments(argc, argv);
	double ns[ARRAY_SIZE(sizes)] = {0}, empty, full;

	urcu_qsbr_register_thread();
	if (arguments.callgrind) {
		count_instructions(arguments.callgrind);
		urcu_qsbr_unregister_thread();
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (sizes[i].leases <= arguments.max_leases)
			ns[i] = measure_renewals(sizes[i].leases, arguments.count);
	empty = measure_offers(0, arguments.count, "empty");
	full = measure_offers(1000, arguments.count, "99.9 % full");
	urcu_qsbr_unregister_thread();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (ns[i] > 0)
			printf("%s=%.1f ", sizes[i].key, ns[i]);
	printf("ns_offer_empty=%.1f ns_offer_full=%.1f\n", empty, full);
	return 0;
}
