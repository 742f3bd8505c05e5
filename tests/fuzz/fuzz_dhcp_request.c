/* SPDX-License-Identifier: MIT */
/**
 * A UDP payload as it comes from the network.
 *
 * Whatever is accepted has spans inside the message or the scratch area, lengths that the header
 * promises, and a client that its text names again.
 */
#include "fuzz.h"

#include "dhcp/client_id.h"

static bool inside(struct span value, const uint8_t *area, size_t len)
{
	return value.data >= area && value.data <= area + len &&
	       value.len <= (size_t)(area + len - value.data);
}

static bool length_allowed(enum dhcp_want want, size_t len)
{
	switch (want) {
	case DHCP_WANT_REQUESTED_ADDRESS:
	case DHCP_WANT_LEASE_TIME:
	case DHCP_WANT_SERVER_ID:
	case DHCP_WANT_SUBNET_SELECTION:
		return len == 4;
	case DHCP_WANT_MAX_MESSAGE_SIZE:
		return len == 2;
	case DHCP_WANT_MESSAGE_TYPE:
	case DHCP_WANT_OVERLOAD:
		return len == 1;
	case DHCP_WANT_CLIENT_ID:
		return len >= 2 && len <= 255;
	default:
		return true;
	}
}

static void check_client(const struct dhcp_request *request)
{
	struct client_id id, again;
	char text[CLIENT_ID_TEXT_MAX];
	size_t len;

	client_id_from_request(&id, request);
	CHECK(id.len >= 2 && id.len <= CLIENT_ID_MAX);
	len = client_id_format(id.bytes, id.len, text);
	CHECK(len > 0 && len < CLIENT_ID_TEXT_MAX && text[len] == '\0');
	CHECK(client_id_parse(&again, text, len) == 0);
	CHECK(client_id_equal(&again, id.bytes, id.len));
	client_id_from_chaddr(&id, request);
	CHECK(id.len == (request->header->hlen ? 1 + request->header->hlen : 0));
}

static void check_request(const struct dhcp_request *request, const uint8_t *payload, size_t len)
{
	struct span relay = request->opt[DHCP_WANT_RELAY_AGENT_INFO];

	for (int i = 0; i < DHCP_WANT_COUNT; i++) {
		struct span option = request->opt[i];
		if (!option.data) {
			CHECK(option.len == 0);
			continue;
		}
		CHECK(inside(option, payload, len) ||
		      inside(option, request->scratch, request->scratch_used));
		CHECK(length_allowed((enum dhcp_want)i, option.len));
	}
	CHECK(request->opt[DHCP_WANT_MESSAGE_TYPE].data[0] == request->type);
	CHECK(strcmp(dhcp_type_name(request->type), "unknown") != 0);
	for (unsigned code = 0; code < 256; code++) {
		struct span found = dhcp_relay_suboption(request, (uint8_t)code);
		CHECK(!found.data || inside(found, relay.data, relay.len));
	}
	check_client(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_request request;

	if (dhcp_request_parse(&request, data, size) == DHCP_ACCEPTED)
		check_request(&request, data, size);
	return 0;
}
