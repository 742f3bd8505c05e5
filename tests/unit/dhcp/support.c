/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dhcp/option_table.h"

void message_init(struct message *message)
{
	struct dhcp_header header = {
	    .op = DHCP_BOOTREQUEST,
	    .htype = DHCP_HTYPE_ETHERNET,
	    .hlen = 6,
	    .xid = htobe32(0x12345678),
	    .chaddr = {0x08, 0x9e, 0x08, 0xb5, 0xaf, 0x01},
	    .magic = htobe32(DHCP_MAGIC),
	};

	memset(message, 0, sizeof(*message));
	memcpy(message->bytes, &header, sizeof(header));
	message->len = sizeof(header);
}

void message_init_type(struct message *message, uint8_t type)
{
	message_init(message);
	message_option(message, DHCP_OPT_MESSAGE_TYPE, &type, 1);
}

void message_raw(struct message *message, const void *data, size_t len)
{
	assert_true(message->len + len <= sizeof(message->bytes));
	if (len)
		memcpy(message->bytes + message->len, data, len);
	message->len += len;
}

void message_option(struct message *message, uint8_t code, const void *data, size_t len)
{
	uint8_t head[2] = {code, (uint8_t)len};

	assert_true(len <= 255);
	message_raw(message, head, sizeof(head));
	message_raw(message, data, len);
}

void message_end(struct message *message)
{
	message_raw(message, "\xff", 1);
}

static size_t guard_size(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page + page;
}

uint8_t *guard_copy(const void *data, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = guard_size(len);
	uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *copy;

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + size - page, page, PROT_NONE), 0);
	copy = map + size - page - len;
	if (len)
		memcpy(copy, data, len);
	return copy;
}

void guard_free(uint8_t *copy, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = guard_size(len);

	assert_int_equal(munmap(copy + len + page - size, size), 0);
}

void must_parse(struct dhcp_request *request, const struct message *message)
{
	enum dhcp_reject reject = dhcp_request_parse(request, message->bytes, message->len);

	assert_string_equal(dhcp_reject_name(reject), "accepted");
}

/* Calls back for each option of one field; returns the offset of END, or fails. */
static size_t walk(const uint8_t *field, size_t len, void (*each)(void *, uint8_t, struct span),
		   void *context)
{
	size_t at = 0;

	while (at < len && field[at] != DHCP_OPT_END) {
		if (field[at] == DHCP_OPT_PAD) {
			at++;
			continue;
		}
		assert_true(at + 2 <= len && at + 2 + field[at + 1] <= len);
		each(context, field[at], (struct span){field + at + 2, field[at + 1]});
		at += 2 + (size_t)field[at + 1];
	}
	assert_true(at < len);
	return at;
}

struct search {
	uint8_t code;
	struct found found;
};

static void collect(void *context, uint8_t code, struct span value)
{
	struct search *search = context;
	struct found *found = &search->found;

	if (code != search->code)
		return;
	assert_true(found->len + value.len <= sizeof(found->data));
	memcpy(found->data + found->len, value.data, value.len);
	found->len += value.len;
	found->instances++;
}

struct found reply_find(const uint8_t *reply, size_t len, uint8_t code)
{
	const struct dhcp_header *header = (const struct dhcp_header *)reply;
	struct search overload = {.code = DHCP_OPT_OVERLOAD}, search = {.code = code};
	size_t options_len = len - sizeof(*header);

	walk(header->options, options_len, collect, &overload);
	walk(header->options, options_len, collect, &search);
	if (overload.found.len && (overload.found.data[0] & 1))
		walk(header->file, sizeof(header->file), collect, &search);
	if (overload.found.len && (overload.found.data[0] & 2))
		walk(header->sname, sizeof(header->sname), collect, &search);
	return search.found;
}

void reply_expect(const uint8_t *reply, size_t len, uint8_t code, const void *data, size_t n)
{
	struct found found = reply_find(reply, len, code);

	if (found.instances == 0)
		fail_msg("option %u is absent", code);
	if (found.len != n)
		fail_msg("option %u has %zu bytes, not %zu", code, found.len, n);
	assert_memory_equal(found.data, data, n);
}

void reply_expect_absent(const uint8_t *reply, size_t len, uint8_t code)
{
	if (reply_find(reply, len, code).instances)
		fail_msg("option %u is there", code);
}

struct code_list {
	uint8_t *codes;
	size_t n;
};

static void list_code(void *context, uint8_t code, struct span value)
{
	struct code_list *list = context;

	assert_true(list->n < 256);
	list->codes[list->n++] = code;
}

size_t reply_codes(const uint8_t *reply, size_t len, uint8_t codes[256])
{
	struct code_list list = {codes, 0};

	walk(reply + sizeof(struct dhcp_header), len - sizeof(struct dhcp_header), list_code,
	     &list);
	return list.n;
}

size_t reply_end(const uint8_t *reply, size_t len)
{
	uint8_t codes[256];
	struct code_list list = {codes, 0};

	return sizeof(struct dhcp_header) + walk(reply + sizeof(struct dhcp_header),
						 len - sizeof(struct dhcp_header), list_code,
						 &list);
}

/* Splits in place; the values stay inside @p text. */
static size_t split_values(char *text, const char **values, size_t max)
{
	size_t n = 0;

	for (char *value = text, *next; value; value = next) {
		next = strchr(value, '|');
		if (next)
			*next++ = '\0';
		assert_true(n < max);
		values[n++] = value;
	}
	return n;
}

struct option_set *set_of(const char *const *definitions, size_t n)
{
	struct option_builder *builder = option_builder_new(NULL);
	struct option_set *set;

	assert_non_null(builder);
	for (size_t i = 0; i < n; i++) {
		char *copy = strdup(definitions[i]), *equals = strchr(copy, '=');
		bool always = equals[-1] == '!';
		const char *values[64], *why = "";
		uint8_t out[4096];
		equals[always ? -1 : 0] = '\0';
		const struct option_def *def = option_find(copy);
		assert_non_null(def);
		size_t n_values = split_values(equals + 1, values, 64);
		int len = option_encode(def, values, n_values, out, sizeof(out), &why);
		if (len < 0)
			fail_msg("%s: %s", definitions[i], why);
		assert_int_equal(option_builder_put(builder, def->code, out, (size_t)len, always),
				 0);
		free(copy);
	}
	set = option_builder_finish(builder);
	assert_non_null(set);
	option_builder_free(builder);
	return set;
}
