/* SPDX-License-Identifier: MIT */
#include "net/dispatcher.h"

#include <errno.h>
#include <stdio.h>
#include <xdp/libxdp.h>

#include "base/log.h"

/* Before others: what this program takes, no other needs to see. */
#define RUN_PRIORITY 20

static int print(enum libxdp_print_level level, const char *format, va_list arguments)
{
	(void)level;
	log_foreign("libxdp", format, arguments);
	return 0;
}

void dispatcher_set_print(void)
{
	libxdp_set_print(print);
}

int dispatcher_join(struct bpf_object *object, const char *section, unsigned ifindex, bool generic,
		    struct xdp_program **program)
{
	struct xdp_program *joined = xdp_program__from_bpf_obj(object, section);
	int result = (int)libxdp_get_error(joined);

	if (result < 0)
		return result;
	xdp_program__set_run_prio(joined, RUN_PRIORITY);
	xdp_program__set_chain_call_enabled(joined, XDP_PASS, true);
	result =
	    xdp_program__attach(joined, (int)ifindex, generic ? XDP_MODE_SKB : XDP_MODE_NATIVE, 0);
	if (result < 0) {
		xdp_program__close(joined);
		return result;
	}
	*program = joined;
	return 0;
}

void dispatcher_leave(struct xdp_program *program, unsigned ifindex)
{
	int result;

	if (!program)
		return;
	result = xdp_program__detach(program, (int)ifindex,
				     xdp_program__is_attached(program, (int)ifindex), 0);
	if (result < 0)
		log_warn("XDP program left in the dispatcher; it passes everything on",
			 F_U64("ifindex", ifindex), F_ERR(result));
	xdp_program__close(program);
}

/* The first program of the name, detached; false when there is none. */
static bool clean_one(unsigned ifindex, const char *name)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program = NULL;
	bool removed = false;

	if (libxdp_get_error(all))
		return false;
	while (!xdp_multiprog__is_legacy(all) &&
	       (program = xdp_multiprog__next_prog(program, all)) != NULL) {
		if (strcmp(xdp_program__name(program), name) != 0)
			continue;
		removed = xdp_program__detach(program, (int)ifindex,
					      xdp_multiprog__attach_mode(all), 0) == 0;
		break;
	}
	xdp_multiprog__close(all);
	return removed;
}

unsigned dispatcher_clean(unsigned ifindex, const char *name)
{
	unsigned n = 0;

	while (n < 16 && clean_one(ifindex, name))
		n++;
	return n;
}
