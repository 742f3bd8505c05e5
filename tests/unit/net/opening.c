/* SPDX-License-Identifier: MIT */
#include "opening.h"

#include <bpf/libbpf.h>
#include <stdio.h>

#include "echo.h"
#include "lab.h"
#include "unit.h"

static struct config_interface config;
struct config_error opening_error;

struct interface *opening_try(const char *name, enum xdp_mode mode)
{
	const struct interface_options options = {
	    .config = &config, .zero_copy = true, .frames = 256};

	config = (struct config_interface){.xdp = mode};
	snprintf(config.name, sizeof(config.name), "%s", name);
	config.vlans.bits[0] = 1;
	config.vlans.bits[1] = 1ull << (100 - 64);
	opening_error.text[0] = '\0';
	return interface_open(&options, &opening_error);
}

struct interface *opening_server(enum xdp_mode mode)
{
	const uint32_t ours[] = {LAB_ADDRESS, 0x0a06ffff};
	struct interface *interface = opening_try(LAB_SERVER, mode);

	if (!interface)
		fail_msg("%s", opening_error.text);
	assert_int_equal(interface_set_addresses(interface, ours, ARRAY_SIZE(ours)), 0);
	return interface;
}

void opening_assert_says(const char *words)
{
	if (!strstr(opening_error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", opening_error.text, words);
}

uint32_t program_on_server(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(LAB_SERVER), 0, &query), 0);
	return query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

enum port_kind arrives_at(struct interface *interface, int client, const struct sample *sample)
{
	size_t n;
	struct port *const *ports = interface_ports(interface, &n);
	enum port_kind kind;
	struct frame frame;

	send_sample(client, sample);
	if (!echo_take(ports, n, &frame, LAB_PATIENCE_MS))
		fail_msg("nothing came to any of %zu ports, the first being %s", n,
			 port_kind_name(ports[0]->kind));
	kind = frame.port->kind;
	port_drop(frame.port, &frame, 1);
	return kind;
}
