/* SPDX-License-Identifier: MIT */
/**
 * config/config.h - the YAML file as a checked, immutable object.
 *
 * A struct config is built whole or not at all, never changes afterwards, and is freed when no
 * reader can hold it any more (workers see it through RCU). All addresses are in host order, so
 * that ranges compare as numbers. Everything inherited (global -> network -> subnet -> reservation)
 * is resolved here: the packet path looks at one scope only.
 */
#ifndef ETCDHCP_CONFIG_CONFIG_H
#define ETCDHCP_CONFIG_CONFIG_H

#include <net/if.h>

#include "base/log.h"
#include "dhcp/client_id.h"
#include "dhcp/option_set.h"

#define CONFIG_DEFAULT_PATH   "/etc/etcdhcp/etcdhcp.yaml"
#define CONFIG_MAX_INTERFACES 64

enum xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC, XDP_MODE_OFF, XDP_MODE_COUNT };

/** VLAN ids as bits; id 0 stands for untagged and priority-tagged frames. */
struct vlan_set {
	uint64_t bits[4096 / 64];
};

static inline bool vlan_set_has(const struct vlan_set *set, uint16_t id)
{
	return set->bits[(id & 0xfff) / 64] >> (id % 64) & 1;
}

struct config_interface {
	char name[IF_NAMESIZE];
	struct vlan_set vlans; /* outer tags to serve; without the key `vlan`: untagged alone */
	enum xdp_mode xdp;     /* the server-wide mode unless the interface names its own */
};

struct config_server {
	char id[64]; /* default: the host name */
	struct config_interface *interfaces;
	size_t n_interfaces;      /* >= 1 */
	unsigned workers;         /* 0: auto */
	bool zero_copy;           /* let AF_XDP try zero-copy first (default true) */
	unsigned busy_poll_us;    /* SO_BUSY_POLL of the AF_XDP sockets, 0: off */
	unsigned pending_max;     /* requests a worker may hold back for the store (default 4096) */
	uint32_t share_after_s;   /* another server's client is answered when it has asked this long, 0:
				   * clients are not shared out among the servers (default 4) */
	char metrics_host[64];    /* default 127.0.0.1 */
	uint16_t metrics_port;    /* default 9842; 0: `metrics: off` */
	enum log_level log_level; /* default info */
	uint32_t clock_tolerance_s; /* how far servers' clocks may differ unreported (default 5) */
};

enum store_kind { STORE_EMBEDDED, STORE_ETCD };

struct config_store {
	enum store_kind kind;
	/* embedded */
	char *path;        /* directory, default /var/lib/etcdhcp */
	uint64_t map_size; /* LMDB's bound on the file, bytes (default 64 GiB) */
	/* etcd */
	char **endpoints; /* "http://host:2379", "https://..." */
	size_t n_endpoints;
	char *prefix;                         /* default "/etcdhcp/"; always ends with a slash */
	char *ca_file, *cert_file, *key_file; /* TLS, NULL when absent */
	char *user, *password_file;           /* etcd authentication, NULL when absent */
	uint32_t timeout_ms;                  /* of one transaction (default 2000) */
	uint32_t ttl_s;                       /* of this server's membership (default 10) */
	uint32_t txn_allocations;             /* allocations per transaction (default 40) */
	uint32_t txns_in_flight;              /* default 4 */
};

/** All in seconds. */
struct config_times {
	uint32_t lease_s; /* granted when the client asks for nothing (`lease-time`, default 1h) */
	/* bounds on what it asks for; default: lease_s/4 but at least 60 (and at most lease_s),
	 * and lease_s x 2 */
	uint32_t min_s, max_s;
	uint32_t horizon_pct; /* hold at commit, percent of the lease granted (`horizon: 2.0`) */
	/* extend when less than this percent of the lease remains (`extend-below: 1.5`); at most
	 * horizon_pct */
	uint32_t extend_pct;
	uint32_t t1_pct, t2_pct; /* default 50 and 87 */
	uint32_t offer_s;        /* default 60 */
	uint32_t rest_s;         /* after RELEASE, default 10 */
	uint32_t decline_s;      /* probation, default 24 h */
};

struct addr_range {
	uint32_t first, last; /* host order, both inclusive */
};

/** What a reply takes from the configuration: one per subnet and per reservation adding to it. */
struct config_scope {
	const struct option_set *options;
	uint32_t next_server;    /* siaddr, host order, 0: none */
	const char *boot_file;   /* NULL: none */
	const char *server_name; /* NULL: none */
};

struct config_reservation {
	struct client_id client;
	uint32_t address;
	const struct config_scope *scope; /* its own or its subnet's */
	unsigned line;
};

struct config_subnet {
	uint32_t first, last; /* network and directed broadcast address */
	uint32_t mask;
	uint32_t network;         /* index into config.networks */
	struct addr_range *pools; /* sorted, disjoint, inside the subnet */
	size_t n_pools;
	struct config_reservation *reservations; /* inside the subnet, sorted by address */
	size_t n_reservations;
	struct config_scope scope;
};

/** A link whose broadcasts belong to a network: needed when no interface address tells. */
struct config_link {
	char interface[IF_NAMESIZE];
	uint16_t vlan;       /* outer tag, 0: untagged */
	uint16_t inner_vlan; /* QinQ's inner tag, 0: single tagged */
};

struct config_network {
	const char *name; /* [A-Za-z0-9._-]{1,63}: it is part of keys in the store */
	uint32_t index;   /* in config.networks */
	struct config_times times;
	uint32_t server_identifier; /* host order, 0: that of the interface a request came in on */
	struct config_link *links;
	size_t n_links;
	struct config_subnet *const *subnets; /* those of this network, sorted by address */
	size_t n_subnets;
};

/** A link and the network it belongs to. */
struct config_link_ref {
	struct config_link link;
	uint32_t network; /* index into config.networks */
};

struct config {
	struct config_server server;
	struct config_store store;
	struct config_network *networks; /* none: they come from the store (see config_load) */
	size_t n_networks;
	struct config_subnet *subnets; /* of all networks, sorted by first, disjoint */
	size_t n_subnets;
	/* what config_find_link and config_find_network search, sorted */
	const struct config_link_ref *links;
	size_t n_links;
	const struct config_network *const *by_name;
	void *arena; /* owns every string, option set and array above */
};

/** Where and why a file was refused; text is "file:line: key: problem; remedy". */
struct config_error {
	char text[512];
};

/**
 * Reads, checks and resolves @p path. NULL and *error filled on any fault; the caller prints it.
 *
 * A file without `networks` is a fault with the embedded store: there would be nothing to serve.
 * With etcd they may all be in the shared part, so it loads with n_networks 0.
 */
struct config *config_load(const char *path, struct config_error *error);

/**
 * The shared part (`networks:`, global `options:` and times ...) from a store key laid over a
 * file's `server:` and `store:`: the same grammar and checks, @p name standing for the file's
 * name in errors. It replaces the file's own whole: nothing of that is inherited.
 */
struct config *config_load_shared(const char *path, const char *name, const char *text, size_t len,
				  struct config_error *error);

/** NULL is fine. */
void config_free(struct config *config);

/** The subnet holding @p addr (binary search), NULL when none does. Any thread. */
const struct config_subnet *config_find_subnet(const struct config *config, uint32_t addr);
/** The network whose `links` name this link exactly, NULL when none does. */
const struct config_network *config_find_link(const struct config *config, const char *interface,
					      uint16_t vlan, uint16_t inner_vlan);
const struct config_network *config_find_network(const struct config *config, const char *name);

/**
 * True when a reload may go from @p a to @p b: networks, options, times and log-level may
 * differ. False with *key (static) the first that needs a restart: store, id, interfaces ...
 */
bool config_reload_allowed(const struct config *a, const struct config *b, const char **key);

#endif
