/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "config/section.h"
#include "config/value.h"
#include "dhcp/option_table.h"

#define MAC_LEN             6
#define CLIENT_ID_BYTES_MIN 2 /* RFC 2132 section 9.14 */

static const char text_prefix[] = "text:";

/* Hexadecimal as options have it; the length, or negative errno with *why. */
static int parse_hex(const char *text, uint8_t *out, size_t cap, const char **why)
{
	static const struct option_def hex = {.code = 61, .name = "client-id", .type = OPTION_HEX};

	return option_encode(&hex, &text, 1, out, cap, why);
}

static void set_client(struct client_id *client, enum client_id_kind kind, const void *data,
		       size_t len)
{
	client->len = len + 1;
	client->bytes[0] = kind;
	memcpy(client->bytes + 1, data, len);
}

static int mac_read(struct loader *loader, const struct schema_key *key, const struct node *node,
		    void *target)
{
	struct config_reservation *reservation = target;
	uint8_t mac[MAC_LEN];
	char text[3 * MAC_LEN] = "";
	const char *why = NULL;
	int err = schema_need_scalar(loader, node, key->name, key->help);

	if (err)
		return err;
	/* dashes are how Windows shows them */
	for (size_t i = 0; i < sizeof(text) - 1 && node->text[i]; i++)
		text[i] = node->text[i] == '-' ? ':' : node->text[i];
	if (node->count >= sizeof(text) || parse_hex(text, mac, sizeof(mac), &why) != MAC_LEN)
		return config_fail(loader, node->line, key->name, "\"%.64s\" is not six bytes; %s",
				   node->text, key->help);
	if (mac[0] & 1)
		return config_fail(loader, node->line, key->name,
				   "%s is a group address, which no client sends from; %s",
				   node->text, key->help);
	set_client(&reservation->client, CLIENT_ID_MAC, mac, sizeof(mac));
	return 0;
}

static int client_id_read(struct loader *loader, const struct schema_key *key,
			  const struct node *node, void *target)
{
	struct config_reservation *reservation = target;
	uint8_t raw[CLIENT_ID_MAX - 1];
	const size_t skip = sizeof(text_prefix) - 1;
	const char *why = NULL;
	int err = schema_need_scalar(loader, node, key->name, key->help);
	int len;

	if (err)
		return err;
	if (strncmp(node->text, text_prefix, skip) == 0) {
		len = min_size(node->count - skip, CLIENT_ID_MAX);
		memcpy(raw, node->text + skip, min_size(len, sizeof(raw)));
	} else {
		len = parse_hex(node->text, raw, sizeof(raw), &why);
	}
	if (len == -EINVAL)
		return config_fail(loader, node->line, key->name, "\"%.64s\": %s; %s", node->text,
				   why ? why : "not hexadecimal", key->help);
	if (len < CLIENT_ID_BYTES_MIN || len > (int)sizeof(raw))
		return config_fail(loader, node->line, key->name,
				   "\"%.64s\" is not %d to %zu bytes long; %s", node->text,
				   CLIENT_ID_BYTES_MIN, sizeof(raw), key->help);
	set_client(&reservation->client, CLIENT_ID_OPTION, raw, len);
	return 0;
}

#define CLIENT_ID_HELP "give option 61 as bytes, such as \"01:08:9e:08:b5:af:01\", or \"text:name\""

/* clang-format off */
static const struct schema_key reservation_keys[] = {
	{"mac", VALUE_CUSTOM, READ_BY(mac_read, "give one such as \"08:9e:08:b5:af:01\"")},
	{"client-id", VALUE_CUSTOM, READ_BY(client_id_read, CLIENT_ID_HELP)},
	{"address", VALUE_IP4, FIELD(struct config_reservation, address), .flags = SCHEMA_REQUIRED},
};
/* clang-format on */

const struct schema config_reservation_schema = SCHEMA(reservation_keys);

static int check_inside(struct loader *loader, const struct config_subnet *subnet, uint32_t address,
			unsigned line)
{
	const struct addr_range usable = subnet_usable(subnet);
	char text[IP4_TEXT_MAX], range[RANGE_TEXT_MAX];

	if (address >= usable.first && address <= usable.last)
		return 0;
	const char *what = address == subnet->first  ? "the network address of"
			   : address == subnet->last ? "the broadcast address of"
						     : "outside";

	return config_fail(loader, line, "address", "%s is %s its subnet; give one of %s",
			   value_format_ip4(address, text), what,
			   value_format_range(&usable, range));
}

/* A scope of its own where the mapping gives anything of one; NULL stands for the subnet's. */
static int own_scope(struct loader *loader, const struct schema_part *given,
		     const struct config_scope *outer, struct config_scope *merged,
		     const struct config_scope **scope)
{
	bool any = false;

	for (size_t i = 0; i < given->schema->n; i++)
		any = any || given->found[i];
	if (!any)
		return 0;
	int err = config_scope_resolve(loader, given, merged);
	if (err)
		return err;
	*scope = arena_copy(loader->arena, merged, sizeof(*merged));
	return *scope ? 0 : config_fail_memory(loader);
}

static int reservation_read(struct loader *loader, const struct node *node, void *context)
{
	struct config_subnet *subnet = context;
	struct config_reservation *reservation = &subnet->reservations[subnet->n_reservations];
	struct config_scope merged = subnet->scope;
	struct schema_part parts[] = {
	    {.schema = &config_reservation_schema, .target = reservation},
	    {.schema = &config_scope_schema, .target = &merged},
	};
	int err =
	    schema_read(loader, node, "reservations", "a reservation", parts, ARRAY_SIZE(parts));

	if (err)
		return err;
	const struct node *mac = schema_found(&parts[0], "mac");
	const struct node *client_id = schema_found(&parts[0], "client-id");
	if (!mac == !client_id)
		return config_fail(loader, node->line, "reservations",
				   "%s; give exactly one of mac and client-id",
				   mac ? "one client is named in two ways" : "no client is named");
	reservation->line = node->line;
	err = check_inside(loader, subnet, reservation->address,
			   schema_found(&parts[0], "address")->line);
	if (!err)
		err = own_scope(loader, &parts[1], &subnet->scope, &merged, &reservation->scope);
	if (!err)
		subnet->n_reservations++;
	return err;
}

int config_reservations_read(struct loader *loader, const struct node *node,
			     struct subnet_source *source)
{
	const size_t n = schema_count_items(node);

	if (n == 0)
		return 0;
	source->subnet.reservations =
	    arena_array(loader->arena, n, sizeof(struct config_reservation));
	if (!source->subnet.reservations)
		return config_fail_memory(loader);
	return schema_read_list(loader, node, reservation_read, &source->subnet);
}
