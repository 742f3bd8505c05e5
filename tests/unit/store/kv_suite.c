/* SPDX-License-Identifier: MIT */
#include "kv_suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "kv_server.h"

static const struct kv_ops *ops;
static struct server server;

bool suite_begin(int argc, char **argv)
{
	ops = argc == 2 && strcmp(argv[1], "etcd") == 0 ? &kv_etcd : &kv_embedded;
	if (ops != &kv_etcd)
		return true;
	if (!server_available())
		return false;
	server_start(&server, NULL);
	return true;
}

void suite_end(void)
{
	server_remove(&server);
}

int suite_set_up(void **state)
{
	static unsigned counter;
	struct bed *bed = calloc(1, sizeof(*bed));

	if (ops == &kv_etcd) {
		snprintf(bed->place, sizeof(bed->place), "/suite/%u/", counter++);
		bed->config = server_config(&server, bed->place);
	} else {
		make_directory(bed->place);
		bed->config = (struct config_store){
		    .path = bed->place,
		    .map_size = UINT64_C(1) << 30,
		    .timeout_ms = 5000,
		};
	}
	bed->ops = ops;
	owner_begin(&bed->owner, ops, &bed->config);
	*state = bed;
	return 0;
}

int suite_tear_down(void **state)
{
	struct bed *bed = *state;

	owner_close(&bed->owner);
	if (ops == &kv_embedded)
		remove_directory(bed->place);
	free(bed);
	return 0;
}

void suite_reopen(struct bed *bed)
{
	owner_close(&bed->owner);
	owner_begin(&bed->owner, ops, &bed->config);
}
