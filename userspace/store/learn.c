/* SPDX-License-Identifier: MIT */
/* What the store shows of an address, by the mirror or in a transaction's answer, into the table. */
#include "store/internal.h"

const char *learn_lease(struct store *store, struct lease_net *net, uint32_t addr, struct span value,
		       int64_t revision)
{
	struct client_id client;
	struct lease lease;
	int64_t updated_s;
	bool readable = record_decode(value, &lease, &client, &updated_s);

	if (readable)
		mark_see_record(&store->membership.mark, updated_s);
	else
		record_unreadable(&lease);
	lease.addr = addr;
	lease.revision = revision;
	if (lease_put(net, &lease) < 0)
		return "out of memory";
	return readable ? NULL : "not a lease record; its address is given to nobody";
}
