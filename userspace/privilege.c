/* SPDX-License-Identifier: MIT */
#include "privilege.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "base/types.h"

/* What the running server still does with privilege. */
static const cap_value_t kept[] = {
	CAP_NET_ADMIN,       /* take the program off at the end; busy polling */
	CAP_NET_RAW,         /* AF_PACKET and AF_XDP sockets */
	CAP_BPF,             /* update the program's address map at reload */
	CAP_DAC_READ_SEARCH, /* read the configuration again, whoever owns it */
	CAP_IPC_LOCK,        /* memory shared with the kernel is not counted against RLIMIT_MEMLOCK */
};

static void drop_from_bounding_set(void)
{
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool keep = false;
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			keep = keep || kept[i] == cap;
		if (!keep)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* EPERM without CAP_SETPCAP: nothing to drop */
	}
}

int privilege_drop(void)
{
	cap_t now = cap_get_proc(), wanted = cap_init();
	int rc = now && wanted ? 0 : -errno;

	drop_from_bounding_set();
	for (size_t i = 0; i < ARRAY_SIZE(kept) && !rc; i++) {
		cap_flag_value_t have = CAP_CLEAR;
		cap_get_flag(now, kept[i], CAP_PERMITTED, &have);
		if (have == CAP_SET && (cap_set_flag(wanted, CAP_PERMITTED, 1, &kept[i], CAP_SET) ||
					cap_set_flag(wanted, CAP_EFFECTIVE, 1, &kept[i], CAP_SET)))
			rc = -errno;
	}
	if (!rc && cap_set_proc(wanted))
		rc = -errno;
	if (!rc && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		rc = -errno;
	cap_free(now);
	cap_free(wanted);
	return rc;
}
