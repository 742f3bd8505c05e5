/* SPDX-License-Identifier: MIT */
#include "perf/generator.h"

#include <errno.h>

#include "base/hash.h"

static void make_templates(struct generator *g)
{
	const struct options *o = g->options;
	const struct message_style style = {
	    .relayed = options_relayed(o),
	    .client_id = o->client_id,
	    .broadcast = o->broadcast,
	    .tags = (uint8_t)((o->vlan.first != 0) + (o->outer_vlan.first != 0)),
	    .outer_tpid = (uint16_t)o->outer_tpid,
	};

	for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++)
		message_make_template(&g->templates[kind], &style, (enum message_kind)kind);
}

int generator_init(struct generator *g, const struct options *options, struct wire *wire)
{
	uint64_t seed = options->seed ? options->seed : hash_random_seed() | 1;
	uint32_t relays = options_relayed(options) ? options->relays : 0;

	*g = (struct generator){
	    .options = options,
	    .wire = wire,
	    .phase = "start",
	    .random = seed,
	    .timeout_ns = (uint64_t)(options->timeout * 1e9),
	    .retransmit_base_ns = (uint64_t)(options->retransmit_base * 1e9),
	    .origin_ns = clock_mono_ns(),
	};
	make_templates(g);
	g->wheel = wheel_new(options->clients);
	if (!g->wheel ||
	    population_init(&g->population, options->clients, options->mac_base,
			    (uint32_t)(random_next(&g->random) >> 32)) < 0 ||
	    relays_init(&g->relays, options->giaddr, options->relay_step, relays,
			options->server_mac) < 0 ||
	    leases_init(&g->leases) < 0) {
		generator_fini(g);
		return -ENOMEM;
	}
	queue_shuffle(&g->population.cold, &g->random);
	return 0;
}

void generator_fini(struct generator *g)
{
	leases_fini(&g->leases);
	relays_fini(&g->relays);
	population_fini(&g->population);
	wheel_free(g->wheel);
	g->wheel = NULL;
}

double generator_bytes_per_client(const struct generator *g)
{
	const size_t fixed =
	    sizeof(struct client) + 2 * sizeof(uint32_t) + sizeof(*g->leases.holder);

	return (double)fixed + (double)wheel_bytes(g->wheel) / g->population.n;
}

/* Shares out the ids of a range. */
static uint16_t share(struct number_range range, uint32_t number)
{
	return (uint16_t)(range.first + number % (range.last - range.first + 1));
}

struct place generator_place(const struct generator *g, uint32_t index)
{
	const struct options *o = g->options;
	struct place place = {0};
	uint32_t segment = index;

	if (g->relays.n)
		segment = place.relay = index % g->relays.n;
	place.vlan = share(o->vlan, segment);
	place.outer_vlan = share(o->outer_vlan, segment / (o->vlan.last - o->vlan.first + 1));
	return place;
}
