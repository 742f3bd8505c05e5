/* SPDX-License-Identifier: MIT */
/* When a port can be opened, and when it cannot. */
#include <errno.h>

#include "port_bed.h"
#include "unit.h"

static void a_port_opened_on_a_down_interface_works_once_it_is_up(void **state)
{
	for (enum mode mode = PACKET; mode <= NATIVE; mode++) {
		struct link_info link;
		struct port_bed bed;
		struct frame frame;

		lab_begin(1);
		lab_run("ip link set " LAB_SERVER " down");
		link = lab_server_link();
		assert_false(link.up);
		port_bed_open(&bed, &link, mode);
		lab_server_up();
		send_sample(bed.client, &(struct sample){.ihl = 6});
		port_bed_take(&bed, &frame);
		port_drop(frame.port, &frame, 1);
		port_bed_send_fragments(&bed, &(struct sample){.payload = 1900}, 1480);
		port_bed_take(&bed, &frame);
		assert_int_equal(frame.port->kind, PORT_PACKET);
		port_drop(frame.port, &frame, 1);
		send_sample(bed.client, &(struct sample){0});
		port_bed_take(&bed, &frame);
		assert_ptr_equal(frame.port, bed.ports[0]);
		port_drop(frame.port, &frame, 1);
		port_bed_end(&bed);
	}
}

static void a_port_refuses_what_it_cannot_have(void **state)
{
	struct link_info link;
	struct xdp_port_options options = {.link = &link, .kind = PORT_XDP_COPY};
	struct port *port = NULL, *second = NULL;

	lab_begin(1);
	link = lab_server_link();
	options.frames = 100; /* not a power of two */
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.frames = 64;
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.frames = 128;
	options.queue = 1;
	assert_int_equal(xdp_port_open(&options, &port), -EINVAL);
	options.queue = 0;
	options.kind = PORT_XDP_ZEROCOPY; /* which veth lacks */
	assert_int_equal(xdp_port_open(&options, &port), -EOPNOTSUPP);
	assert_null(port);
	options.kind = PORT_XDP_COPY;
	assert_int_equal(xdp_port_open(&options, &port), 0);
	assert_int_equal(xdp_port_open(&options, &second), -EBUSY);
	port_close(port);
	port_close(NULL);
	lab_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_port_opened_on_a_down_interface_works_once_it_is_up),
	    cmocka_unit_test(a_port_refuses_what_it_cannot_have),
	};

	if (!lab_may_begin())
		return lab_skip_all("makes network namespaces, which needs root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
