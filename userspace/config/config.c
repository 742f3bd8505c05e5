/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/section.h"

#define SHARED_HELP "each server has it in its own file, remove it from the shared part"

static const struct schema_key root_keys[] = {
    {.name = "server"},
    {.name = "store"},
    {.name = "networks"},
};

static const struct schema_key shared_keys[] = {
    {"server", VALUE_FORBIDDEN, .help = SHARED_HELP},
    {"store", VALUE_FORBIDDEN, .help = SHARED_HELP},
    {.name = "networks"},
};

const struct schema config_root_schema = SCHEMA(root_keys);
const struct schema config_shared_schema = SCHEMA(shared_keys);

/* A document's top level: the table's keys in the first part, and all that is inherited. */
struct root {
	struct schema_part parts[3];
	struct global global;
};

static int root_read(struct loader *loader, const struct config_source *source,
		     const struct schema *schema, struct root *root)
{
	const struct node *node;

	*root = (struct root){
	    .parts =
		{
		    {.schema = schema},
		    {.schema = &config_times_schema, .target = &root->global.times.value},
		    {.schema = &config_scope_schema, .target = &root->global.scope},
		},
	};
	int err = config_compose(loader, source, &node);
	if (!err)
		err = schema_set_defaults(loader, &config_times_schema, &root->global.times.value);
	if (!err)
		err = schema_read(loader, node, "file", "the file", root->parts,
				  ARRAY_SIZE(root->parts));
	root->global.times.given = root->parts[1];
	return err;
}

static int own_part_read(struct loader *loader, const struct root *root)
{
	struct config *config = loader->config;
	int err =
	    config_server_read(loader, schema_found(&root->parts[0], "server"), &config->server);

	if (err)
		return err;
	return config_store_read(loader, schema_found(&root->parts[0], "store"), &config->store);
}

static int fail_nothing_to_serve(struct loader *loader, const struct node *networks)
{
	return config_fail(loader, networks ? networks->line : 1, "networks",
			   "%s, so there is nothing to serve; list at least one, such as "
			   "[{name: campus, subnets: [{subnet: 10.6.0.0/16}]}]",
			   networks ? "is empty" : "missing");
}

static int shared_part_read(struct loader *loader, struct root *root, bool may_be_absent)
{
	const struct node *networks = schema_found(&root->parts[0], "networks");
	struct sources sources = {0};

	if (schema_count_items(networks) == 0 && (networks || !may_be_absent))
		return fail_nothing_to_serve(loader, networks);
	int err = config_scope_resolve(loader, &root->parts[2], &root->global.scope);
	if (!err)
		err = config_networks_read(loader, networks, &root->global, &sources);
	if (!err)
		err = config_sources_check(loader, &sources);
	return err ? err : config_sources_assemble(loader, &sources);
}

static int read_all(struct loader *loader, const struct config_source *file,
		    const struct config_source *shared)
{
	struct root root;
	int err = root_read(loader, file, &config_root_schema, &root);

	if (!err)
		err = own_part_read(loader, &root);
	if (err)
		return err;
	if (!shared)
		return shared_part_read(loader, &root, loader->config->store.kind == STORE_ETCD);
	err = root_read(loader, shared, &config_shared_schema, &root);
	return err ? err : shared_part_read(loader, &root, false);
}

struct config *config_parse(const struct config_source *file, const struct config_source *shared,
			    size_t memory_max, struct config_error *error)
{
	struct loader loader = {
	    .arena = arena_new(memory_max),
	    .scratch = arena_new(memory_max),
	    .memory_max = memory_max,
	    .file = file->name,
	    .error = error,
	};
	int err;

	loader.config = loader.arena ? arena_alloc(loader.arena, sizeof(*loader.config)) : NULL;
	if (!loader.config || !loader.scratch) {
		err = config_fail_memory(&loader);
	} else {
		loader.config->arena = loader.arena;
		err = read_all(&loader, file, shared);
	}
	arena_free(loader.scratch);
	if (err) {
		arena_free(loader.arena);
		return NULL;
	}
	return loader.config;
}

void config_free(struct config *config)
{
	if (config)
		arena_free(config->arena);
}

static int fail_file(struct config_error *error, const char *path, const char *problem)
{
	struct loader loader = {.file = path, .error = error};

	return config_fail(&loader, 0, "file", "%s; name another with -c or mend this one",
			   problem);
}

/* Reads to the end, one byte past the limit at most; grows, for a pipe tells no size. */
static int read_stream(int fd, char **text, size_t *len)
{
	size_t cap = (size_t)64 << 10, used = 0;
	char *buffer = malloc(cap);

	while (buffer) {
		ssize_t n = read(fd, buffer + used, cap - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			const int err = -errno;

			free(buffer);
			return err;
		}
		used += n;
		if (n == 0 || used > CONFIG_FILE_MAX) {
			*text = buffer;
			*len = used;
			return used > CONFIG_FILE_MAX ? -EFBIG : 0;
		}
		if (used == cap) {
			char *larger = realloc(buffer, cap *= 2);

			if (!larger)
				free(buffer);
			buffer = larger;
		}
	}
	return -ENOMEM;
}

static int read_file(const char *path, char **text, size_t *len, struct config_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : read_stream(fd, text, len);

	if (fd >= 0)
		close(fd);
	if (err == -EFBIG)
		return fail_file(error, path, "is longer than 64 MiB");
	return err ? fail_file(error, path, strerror(-err)) : 0;
}

static struct config *load(const char *path, const struct config_source *shared,
			   struct config_error *error)
{
	struct config_source file = {.name = path};
	struct config *config = NULL;
	char *text = NULL;

	if (read_file(path, &text, &file.len, error) == 0) {
		file.text = text;
		config = config_parse(&file, shared, CONFIG_MEMORY_MAX, error);
	}
	free(text);
	return config;
}

struct config *config_load(const char *path, struct config_error *error)
{
	return load(path, NULL, error);
}

struct config *config_load_shared(const char *path, const char *name, const char *text, size_t len,
				  struct config_error *error)
{
	const struct config_source shared = {.name = name, .text = text, .len = len};

	return load(path, &shared, error);
}

const struct config_subnet *config_find_subnet(const struct config *config, uint32_t addr)
{
	size_t low = 0, high = config->n_subnets;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (config->subnets[middle].last < addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == config->n_subnets || config->subnets[low].first > addr)
		return NULL;
	return &config->subnets[low];
}

static int compare_link_to_ref(const void *key, const void *element)
{
	return config_link_compare(key, &((const struct config_link_ref *)element)->link);
}

const struct config_network *config_find_link(const struct config *config, const char *interface,
					      uint16_t vlan, uint16_t inner_vlan)
{
	struct config_link link = {.vlan = vlan, .inner_vlan = inner_vlan};

	if (config->n_links == 0 || strlen(interface) >= sizeof(link.interface))
		return NULL;
	memcpy(link.interface, interface, strlen(interface));
	const struct config_link_ref *ref = bsearch(&link, config->links, config->n_links,
						    sizeof(*config->links), compare_link_to_ref);
	return ref ? &config->networks[ref->network] : NULL;
}

static int compare_name_to_network(const void *name, const void *element)
{
	return strcmp(name, (*(const struct config_network *const *)element)->name);
}

const struct config_network *config_find_network(const struct config *config, const char *name)
{
	if (config->n_networks == 0)
		return NULL;
	const struct config_network *const *found =
	    bsearch(name, config->by_name, config->n_networks,
		    sizeof(const struct config_network *), compare_name_to_network);
	return found ? *found : NULL;
}

bool config_reload_allowed(const struct config *a, const struct config *b, const char **key)
{
	const char *change = config_store_is_equal(&a->store, &b->store)
				 ? config_server_find_change(&a->server, &b->server)
				 : "store";

	if (change)
		*key = change;
	return !change;
}
