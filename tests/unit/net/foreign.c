/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

/* What libxdp last said of its dispatcher, before it did without. */
static char complaint[200];

static int listen_to_libxdp(enum libxdp_print_level level, const char *format, va_list arguments)
{
	char text[sizeof(complaint)];

	vsnprintf(text, sizeof(text), format, arguments);
	if (strstr(text, "dispatcher") && strstr(text, "failed")) {
		text[strcspn(text, "\n")] = '\0';
		memcpy(complaint, text, sizeof(text));
	}
	return 0;
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

int foreign_attach(const char *object, unsigned ifindex, bool generic)
{
	struct xdp_program *program;
	int result;

	libxdp_set_print(listen_to_libxdp);
	libbpf_set_print(be_silent);
	program = xdp_program__open_file(object, "xdp", NULL);
	result = (int)libxdp_get_error(program);
	if (result < 0)
		return result;
	result =
	    xdp_program__attach(program, (int)ifindex, generic ? XDP_MODE_SKB : XDP_MODE_NATIVE, 0);
	xdp_program__close(program);
	if (result < 0)
		return result;
	return foreign_count(ifindex, "foreign") == 1 ? 0 : -EOPNOTSUPP;
}

unsigned foreign_count(unsigned ifindex, const char *name)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program = NULL;
	unsigned n = 0;

	if (libxdp_get_error(all))
		return 0;
	while (!xdp_multiprog__is_legacy(all) &&
	       (program = xdp_multiprog__next_prog(program, all)) != NULL)
		n += strcmp(xdp_program__name(program), name) == 0;
	xdp_multiprog__close(all);
	return n;
}

bool foreign_dispatcher_works(const char *object, char *why, size_t size)
{
	int result = unshare(CLONE_NEWNET) < 0 ? -errno : 0;

	if (result == 0)
		result = foreign_attach(object, if_nametoindex("lo"), true);
	snprintf(why, size, "no dispatcher with this kernel: %s",
		 complaint[0] ? complaint : strerror(-result));
	return result == 0;
}
