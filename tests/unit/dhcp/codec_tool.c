/* SPDX-License-Identifier: MIT */
/*
 * The codec on standard input and output, so that crosscheck.py can hold it against another one.
 * One command per line, fields separated by tabs; each is answered by one line:
 *
 *     parse  HEX                        ok TYPE CODE=HEX...   | reject REASON
 *     build  HEX KEY=VALUE...           reply HEX             | reject REASON | error ERRNO
 *
 * Keys of build are the rows of the table below; `option` and `always` take NAME=VALUE|VALUE...
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "dhcp/hex.h"
#include "dhcp/option_table.h"
#include "dhcp/reply.h"

#define LINE_BYTES    65536
#define MESSAGE_BYTES 16384

struct job {
	uint8_t message[MESSAGE_BYTES];
	size_t len, cap;
	struct dhcp_reply reply;
	uint8_t fqdn[255];
	struct option_builder *options;
};

/* The caller is a test: what it gets wrong ends the test. */
static _Noreturn void die(const char *what, const char *text)
{
	fprintf(stderr, "codec_tool: %s: %s\n", what, text);
	exit(2);
}

static size_t read_hex(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; *text && *text != '\n'; text += 2) {
		int byte = hex_byte(text);
		if (byte < 0 || n == cap)
			die("not hexadecimal or too long", text);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static void print_hex(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
}

static uint32_t read_address(const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		die("no address", text);
	return ntohl(addr.s_addr);
}

static void put_option(struct job *job, char *text, bool always)
{
	char *value = strchr(text, '=');
	const char *values[64], *why = "";
	uint8_t out[4096];
	size_t n = 0;
	int len;

	if (!value)
		die("no value", text);
	*value++ = '\0';
	const struct option_def *def = option_find(text);
	if (!def)
		die("no such option", text);
	for (char *save, *v = strtok_r(value, "|", &save); v; v = strtok_r(NULL, "|", &save))
		values[n++] = v;
	len = option_encode(def, values, n, out, sizeof(out), &why);
	if (len < 0)
		die(text, why);
	if (option_builder_put(job->options, def->code, out, (size_t)len, always) != 0)
		die("does not fit", text);
}

enum key_kind { KEY_NUMBER, KEY_SIZE, KEY_ADDRESS, KEY_TEXT };

#define REPLY(field) offsetof(struct job, reply.field)

static const struct {
	const char *name;
	enum key_kind kind;
	size_t offset; /* in struct job */
} keys[] = {
    {"type", KEY_NUMBER, REPLY(type)},
    {"server_id", KEY_ADDRESS, REPLY(server_id)},
    {"yiaddr", KEY_ADDRESS, REPLY(yiaddr)},
    {"ciaddr", KEY_ADDRESS, REPLY(ciaddr)},
    {"siaddr", KEY_ADDRESS, REPLY(siaddr)},
    {"lease", KEY_NUMBER, REPLY(lease_s)},
    {"t1", KEY_NUMBER, REPLY(t1_s)},
    {"t2", KEY_NUMBER, REPLY(t2_s)},
    {"mask", KEY_ADDRESS, REPLY(subnet_mask)},
    {"file", KEY_TEXT, REPLY(boot_file)},
    {"sname", KEY_TEXT, REPLY(server_name)},
    {"message", KEY_TEXT, REPLY(message)},
    {"mtu", KEY_SIZE, REPLY(mtu)},
    {"cap", KEY_SIZE, offsetof(struct job, cap)},
};

static void set_field(struct job *job, size_t offset, enum key_kind kind, char *value)
{
	void *field = (char *)job + offset;

	switch (kind) {
	case KEY_NUMBER:
		*(uint32_t *)field = (uint32_t)strtoul(value, NULL, 10);
		break;
	case KEY_SIZE:
		*(size_t *)field = strtoul(value, NULL, 10);
		break;
	case KEY_ADDRESS:
		*(uint32_t *)field = read_address(value);
		break;
	case KEY_TEXT:
		*(const char **)field = value;
		break;
	}
}

static void set_key(struct job *job, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		die("no value", text);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(text, keys[i].name) == 0) {
			set_field(job, keys[i].offset, keys[i].kind, value);
			return;
		}
	}
	if (strcmp(text, "option") == 0 || strcmp(text, "always") == 0)
		put_option(job, value, text[0] == 'a');
	else if (strcmp(text, "fqdn") == 0)
		job->reply.fqdn =
		    (struct span){job->fqdn, read_hex(value, job->fqdn, sizeof(job->fqdn))};
	else
		die("no such key", text);
}

static void answer_parse(const struct job *job)
{
	static const uint8_t codes[DHCP_WANT_COUNT] = {
	    [DHCP_WANT_HOST_NAME] = DHCP_OPT_HOST_NAME,
	    [DHCP_WANT_REQUESTED_ADDRESS] = DHCP_OPT_REQUESTED_ADDRESS,
	    [DHCP_WANT_LEASE_TIME] = DHCP_OPT_LEASE_TIME,
	    [DHCP_WANT_SERVER_ID] = DHCP_OPT_SERVER_ID,
	    [DHCP_WANT_PARAMETER_LIST] = DHCP_OPT_PARAMETER_LIST,
	    [DHCP_WANT_MAX_MESSAGE_SIZE] = DHCP_OPT_MAX_MESSAGE_SIZE,
	    [DHCP_WANT_CLIENT_ID] = DHCP_OPT_CLIENT_ID,
	    [DHCP_WANT_CLIENT_FQDN] = DHCP_OPT_CLIENT_FQDN,
	    [DHCP_WANT_RELAY_AGENT_INFO] = DHCP_OPT_RELAY_AGENT_INFO,
	    [DHCP_WANT_SUBNET_SELECTION] = DHCP_OPT_SUBNET_SELECTION,
	    [DHCP_WANT_MESSAGE_TYPE] = DHCP_OPT_MESSAGE_TYPE,
	    [DHCP_WANT_OVERLOAD] = DHCP_OPT_OVERLOAD,
	};
	struct dhcp_request request;
	enum dhcp_reject reject = dhcp_request_parse(&request, job->message, job->len);

	if (reject) {
		printf("reject %s\n", dhcp_reject_name(reject));
		return;
	}
	printf("ok %s", dhcp_type_name(request.type));
	for (int i = 0; i < DHCP_WANT_COUNT; i++) {
		if (!dhcp_has(&request, (enum dhcp_want)i))
			continue;
		printf(" %u=", codes[i]);
		print_hex(request.opt[i].data, request.opt[i].len);
	}
	putchar('\n');
}

static void answer_build(struct job *job)
{
	struct option_set *set = option_builder_finish(job->options);
	struct dhcp_request request;
	enum dhcp_reject reject = dhcp_request_parse(&request, job->message, job->len);
	int len;

	if (!set)
		die("memory", "short");
	job->reply.options = set;
	if (reject) {
		printf("reject %s\n", dhcp_reject_name(reject));
	} else {
		len = dhcp_reply_build(job->message, job->cap, &request, &job->reply);
		printf(len < 0 ? "error %d\n" : "reply ", -len);
		if (len >= 0) {
			print_hex(job->message, (size_t)len);
			putchar('\n');
		}
	}
	free(set);
}

static void answer(char *line)
{
	static struct job job;
	char *save, *command = strtok_r(line, "\t\n", &save), *hex = strtok_r(NULL, "\t\n", &save);

	if (!command || !hex)
		die("no command", line);
	memset(&job, 0, sizeof(job));
	job.cap = sizeof(job.message);
	job.reply.mtu = 1500;
	job.options = option_builder_new(NULL);
	if (!job.options)
		die("memory", "short");
	job.len = read_hex(hex, job.message, sizeof(job.message));
	for (char *key = strtok_r(NULL, "\t\n", &save); key; key = strtok_r(NULL, "\t\n", &save))
		set_key(&job, key);
	if (strcmp(command, "parse") == 0)
		answer_parse(&job);
	else if (strcmp(command, "build") == 0)
		answer_build(&job);
	else
		die("no such command", command);
	option_builder_free(job.options);
}

int main(void)
{
	static char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin))
		answer(line);
	return 0;
}
