/* SPDX-License-Identifier: MIT */
#include "life_bed.h"

#include <stdio.h>

static bool on_etcd;
static struct server server;
static unsigned stores; /* made so far: the last one's prefix */

bool life_begin(int argc, char **argv)
{
	on_etcd = argc == 2 && strcmp(argv[1], "etcd") == 0;
	if (!on_etcd)
		return true;
	if (!server_available())
		return false;
	server_start(&server, NULL);
	return true;
}

int life_end(int failed)
{
	if (on_etcd)
		server_remove(&server);
	return failed;
}

struct server *life_etcd(void)
{
	return on_etcd ? &server : NULL;
}

static struct store_bed *open_store(const struct server *etcd, const char *id)
{
	char section[256];

	snprintf(section, sizeof(section),
		 "{etcd: {endpoints: [\"%s\"], prefix: /life/%u/, timeout: 10s, ttl: 20s}}", etcd->url, stores);
	return bed_new(section, id);
}

struct store_bed *life_bed_in(const struct server *etcd)
{
	stores++;
	return open_store(etcd, "a");
}

struct store_bed *life_peer(void)
{
	return open_store(&server, "b");
}

int life_set_up(void **state)
{
	if (!on_etcd)
		return bed_set_up(state);
	*state = life_bed_in(&server);
	return 0;
}

int life_revoke(struct store_bed *bed, uint32_t addr, int64_t *until_s)
{
	return store_revoke(bed->store, "campus", addr, REVOKE_PATIENCE_MS, until_s);
}
