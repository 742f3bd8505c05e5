/* SPDX-License-Identifier: MIT */
#include "net/port.h"

static const char *const kind_names[PORT_KIND_COUNT] = {
    [PORT_XDP_ZEROCOPY] = "xdp-zerocopy",
    [PORT_XDP_COPY] = "xdp-copy",
    [PORT_XDP_GENERIC] = "xdp-generic",
    [PORT_PACKET] = "packet",
};

const char *port_kind_name(enum port_kind kind)
{
	return kind_names[kind];
}

void port_close(struct port *port)
{
	if (port)
		port->ops->close(port);
}
