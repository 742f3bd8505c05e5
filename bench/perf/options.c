/* SPDX-License-Identifier: MIT */
#include "perf/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "perf/client.h"
#include "perf/value.h"

struct option_def {
	const char *name;
	char letter;           /* 0: none */
	value_parse_fn *parse; /* NULL: a flag */
	size_t offset;
	double min, max;
	const char *value;
	const char *help;
};

#define TO(field) offsetof(struct options, field)
#define SECONDS   0.001, 86400
#define HEADING(text)                                                                              \
	{                                                                                          \
		.help = text                                                                       \
	}

/* clang-format off */
static const struct option_def defs[] = {
	HEADING("Population"),
	{"interface", 'i', value_text, TO(interface), 0, 0, "NAME", "where to send and receive; required"},
	{"clients", 'n', value_u32, TO(clients), 1, CLIENTS_MAX, "N", "simulated clients (1000)"},
	{"mac-base", 0, value_mac, TO(mac_base), 0, 0, "MAC", "the first one's address (02:00:00:00:00:00)"},
	{"client-id", 0, NULL, TO(client_id), 0, 0, NULL, "identify themselves with option 61, too"},
	{"broadcast", 0, NULL, TO(broadcast), 0, 0, NULL, "ask for replies by broadcast"},
	{"vlan", 0, value_range, TO(vlan), 1, 4094, "ID[-ID]", "802.1Q tag; a range is shared out"},
	{"outer-vlan", 0, value_range, TO(outer_vlan), 1, 4094, "ID[-ID]", "second tag around it (QinQ)"},
	{"outer-tpid", 0, value_u32, TO(outer_tpid), 1536, 65535, "N", "its type (0x88a8)"},
	{"giaddr", 0, value_address, TO(giaddr), 0, 0, "ADDRESS", "clients are behind relay agents, the first one here"},
	{"relays", 0, value_u32, TO(relays), 1, 65536, "N", "number of relay agents (1)"},
	{"relay-step", 0, value_u32, TO(relay_step), 1, 1 << 24, "N", "from one's address to the next one's (1)"},
	{"server", 0, value_address, TO(server), 0, 0, "ADDRESS", "where relay agents send to"},
	{"next-hop", 0, value_address, TO(next_hop), 0, 0, "ADDRESS", "router on the way to it (none)"},
	{"server-mac", 0, value_mac, TO(server_mac), 0, 0, "MAC", "of server or router (asked by ARP)"},

	HEADING("Load"),
	{"rate", 'r', value_real, TO(rate), 0.01, 1e8, "N", "transactions begun per second (1000)"},
	{"duration", 'd', value_real, TO(duration), SECONDS, "S", "of the measurement (10)"},
	{"count", 'c', value_u64, TO(count), 1, 1e12, "N", "transactions, instead of a duration"},
	{"mix", 0, value_weights, TO(weights), 0, 0, "KIND=N,...", "weights: dora, offer, renew, rebind, reboot, release"},
	{"bound", 0, value_real, TO(bound), 0, 1, "SHARE", "of clients that get leases first (as needed)"},
	{"repeat", 0, NULL, TO(repeat), 0, 0, NULL, "when no new client is left, others start over"},
	{"window", 0, value_u32, TO(window), 1, CLIENTS_MAX, "N", "in flight while leases are got first (128)"},
	{"patience", 0, value_real, TO(patience), SECONDS, "S", "without one more lease then, or ARP's answer (60)"},
	{"spread", 0, value_real, TO(spread), 0, 86400, "S", "storm: over which clients come up (1)"},
	{"limit", 0, value_real, TO(limit), 0.001, 1000, "S", "storm: until all must be bound (600)"},
	{"pool", 0, value_u32, TO(pool), 1, CLIENTS_MAX, "N", "near-full: addresses that the server has"},
	{"fill", 0, value_real, TO(fill), 0.01, 1, "SHARE", "near-full: of them taken first (0.999)"},

	HEADING("Search"),
	{"search", 0, NULL, TO(search), 0, 0, NULL, "find the highest rate with loss in bounds"},
	{"loss", 0, value_real, TO(loss), 0, 1, "SHARE", "lost or refused that is borne (0.001)"},
	{"probe", 0, value_real, TO(probe), SECONDS, "S", "length of one try (3)"},
	{"max-rate", 0, value_real, TO(max_rate), 1, 1e8, "N", "do not look beyond (10M)"},
	{"resolution", 0, value_real, TO(resolution), 0.001, 1, "SHARE", "how close to come (0.02)"},

	HEADING("Judgement"),
	{"timeout", 0, value_real, TO(timeout), SECONDS, "S", "after which an answer is lost (2)"},
	{"retransmit", 0, NULL, TO(retransmit), 0, 0, NULL, "as RFC 2131 section 4.1 says, first"},
	{"retransmit-base", 0, value_real, TO(retransmit_base), 0.01, 60, "S", "its first delay (4)"},
	{"lease", 0, value_range, TO(lease), 1, 4294967295.0, "S[-S]", "what the lease time has to be"},

	HEADING("Port"),
	{"socket", 0, NULL, TO(socket), 0, 0, NULL, "AF_PACKET instead of AF_XDP"},
	{"generic", 0, NULL, TO(generic), 0, 0, NULL, "generic XDP, for drivers without native"},
	{"frames", 0, value_u32, TO(frames), 128, 65536, "N", "of packet memory, a power of two (8192)"},
	{"cpu", 0, value_u32, TO(cpu), 0, 1 << 16, "N", "to run on"},
	{"spin", 0, NULL, TO(spin), 0, 0, NULL, "never sleep: steadier latencies at low rates"},
	{"slack", 0, value_real, TO(slack), 0, 0.1, "S", "begin so much late: spares the processor (0)"},

	HEADING("Output"),
	{"json", 0, value_text, TO(json), 0, 0, "FILE", "write the results there, too (-: standard output)"},
	{"quiet", 'q', NULL, TO(quiet), 0, 0, NULL, "no progress lines"},
	{"interval", 0, value_real, TO(interval), 0.01, 3600, "S", "of progress and time line (1)"},
	{"seed", 0, value_u64, TO(seed), 1, 1.8e19, "N", "of everything random (drawn)"},
};
/* clang-format on */

enum { OPTION_HELP = 1000, OPTION_VERSION, OPTION_BASE };

static const struct {
	const char *name, *help;
} scenarios[SCENARIO_COUNT] = {
    [SCENARIO_DORA] = {"dora", "DISCOVER, OFFER, REQUEST, ACK by clients without a lease"},
    [SCENARIO_RENEW] = {"renew", "unicast renewals, of leases obtained first"},
    [SCENARIO_REBIND] = {"rebind", "the same by broadcast or through the relay agents"},
    [SCENARIO_REBOOT] = {"reboot", "INIT-REBOOT, of leases obtained first"},
    [SCENARIO_MIX] = {"mix", "all of it, weighted by --mix"},
    [SCENARIO_RELEASE] = {"release", "gives back leases obtained first"},
    [SCENARIO_STORM] = {"storm", "all clients come up at once and retransmit until bound"},
    [SCENARIO_NEAR_FULL] = {"near-full", "offers, none of them taken, of a pool filled first"},
};

const char *scenario_name(enum scenario scenario)
{
	return scenarios[scenario].name;
}

static void print_help(FILE *out)
{
	fputs(
	    "usage: etcdhcp-perf [OPTION]... -i NAME SCENARIO\n\n"
	    "Drives a DHCPv4 server as a population of clients, measures and checks its answers.\n"
	    "\nScenarios:\n",
	    out);
	for (size_t i = 0; i < SCENARIO_COUNT; i++)
		fprintf(out, "  %-10s %s\n", scenarios[i].name, scenarios[i].help);
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++) {
		const struct option_def *def = &defs[i];
		char left[64];

		if (!def->name) {
			fprintf(out, "\n%s:\n", def->help);
			continue;
		}
		snprintf(left, sizeof(left), "%c%c%s --%s %s", def->letter ? '-' : ' ',
			 def->letter ? def->letter : ' ', def->letter ? "," : " ", def->name,
			 def->value ? def->value : "");
		fprintf(out, "  %-29s %s\n", left, def->help);
	}
	fputs(
	    "\n  -h, --help, --version\n\n"
	    "Numbers may end in k or M. Exit status: 0 the run was valid, 1 it was not, or failed; "
	    "2 usage.\nSee etcdhcp-perf(1).\n",
	    out);
}

static enum options_result wrong(const char *format, const char *what)
{
	fputs("etcdhcp-perf: ", stderr);
	fprintf(stderr, format, what);
	fputs("; see --help\n", stderr);
	return OPTIONS_WRONG;
}

static void set_defaults(struct options *options)
{
	*options = (struct options){
	    .scenario = SCENARIO_COUNT,
	    .clients = 1000,
	    .mac_base = UINT64_C(0x020000000000),
	    .outer_tpid = 0x88a8,
	    .relays = 1,
	    .relay_step = 1,
	    .rate = 1000,
	    .duration = 10,
	    .bound = -1,
	    .window = 128,
	    .patience = 60,
	    .spread = 1,
	    .limit = 600,
	    .fill = 0.999,
	    .loss = 0.001,
	    .probe = 3,
	    .max_rate = 10e6,
	    .resolution = 0.02,
	    .timeout = 2,
	    .retransmit_base = 4,
	    .frames = 8192,
	    .cpu = -1,
	    .interval = 1,
	};
}

/* getopt's two descriptions of the table. */
static void describe(struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = 'h';
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++) {
		const struct option_def *def = &defs[i];

		if (!def->name)
			continue;
		longs[n++] =
		    (struct option){def->name, def->parse ? required_argument : no_argument, NULL,
				    OPTION_BASE + (int)i};
		if (def->letter)
			*shorts++ = def->letter;
		if (def->letter && def->parse)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	longs[n++] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
	longs[n] = (struct option){0};
}

static const struct option_def *find_def(int code)
{
	if (code >= OPTION_BASE)
		return &defs[code - OPTION_BASE];
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++) {
		if (defs[i].letter == code)
			return &defs[i];
	}
	return NULL;
}

static enum options_result apply(struct options *options, const struct option_def *def,
				 const char *text)
{
	void *field = (char *)options + def->offset;

	if (!def->parse) {
		*(bool *)field = true;
		return OPTIONS_RUN;
	}
	if (def->parse(text, def->min, def->max, field))
		return OPTIONS_RUN;
	fprintf(stderr, "etcdhcp-perf: --%s does not take '%s' (wanted: %s%s", def->name, text,
		def->value, def->max > 0 ? "" : ")");
	if (def->max > 0)
		fprintf(stderr, ", %.14g to %.14g)", def->min, def->max);
	fputs("; see --help\n", stderr);
	return OPTIONS_WRONG;
}

static enum options_result read_scenario(struct options *options, int argc, char **argv)
{
	if (optind >= argc)
		return wrong("%s is missing", "the scenario");
	for (int i = 0; i < SCENARIO_COUNT; i++) {
		if (strcmp(argv[optind], scenarios[i].name) == 0)
			options->scenario = (enum scenario)i;
	}
	if (options->scenario == SCENARIO_COUNT)
		return wrong("no scenario is called '%s'", argv[optind]);
	if (optind + 1 < argc)
		return wrong("unexpected argument '%s'", argv[optind + 1]);
	return OPTIONS_RUN;
}

static bool is_searchable(enum scenario scenario)
{
	return scenario != SCENARIO_STORM && scenario != SCENARIO_RELEASE;
}

static bool mixes(const struct options *o)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ACTIVITY_COUNT; i++)
		sum += o->weights[i];
	return sum > 0;
}

static bool relays_fit(const struct options *o)
{
	return o->giaddr + (uint64_t)(o->relays - 1) * o->relay_step <= UINT32_MAX;
}

static uint64_t last_mac(const struct options *o)
{
	return o->mac_base + o->clients - 1;
}

/* What one option demands of others. */
static enum options_result check_together(const struct options *o)
{
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
	    {!o->interface, "--interface is required"},
	    {o->giaddr && !o->server, "--giaddr needs --server"},
	    {!o->giaddr && (o->server || o->relays > 1), "--server and --relays need --giaddr"},
	    {!relays_fit(o), "the relay agents' addresses run past 255.255.255.255"},
	    {o->outer_vlan.first && !o->vlan.first, "--outer-vlan needs --vlan"},
	    {(o->scenario == SCENARIO_MIX) != mixes(o), "--mix belongs to the scenario mix, and "
							"there one weight must not be 0"},
	    {(o->scenario == SCENARIO_NEAR_FULL) != (o->pool > 0),
	     "--pool belongs to the scenario near-full, which needs it"},
	    {o->scenario == SCENARIO_NEAR_FULL && o->clients <= o->pool * o->fill,
	     "near-full needs more --clients than it fills"},
	    {o->search && !is_searchable(o->scenario), "storm and release have no rate to search"},
	    {o->search && o->count, "--count does not go with --search"},
	    {o->frames & (o->frames - 1), "--frames must be a power of two"},
	    {o->socket && o->generic, "--socket and --generic exclude each other"},
	    {o->mac_base >> 40 & 1, "--mac-base is a group address"},
	    {last_mac(o) >> 40 != o->mac_base >> 40,
	     "--mac-base leaves no room for so many clients"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].wrong)
			return wrong("%s", rules[i].text);
	}
	return OPTIONS_RUN;
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(defs) + 3];
	char shorts[2 * ARRAY_SIZE(defs) + 2];
	enum options_result result = OPTIONS_RUN;
	int code;

	set_defaults(options);
	describe(longs, shorts);
	optind = 0; /* begins anew, for callers that parse more than once */
	while (result == OPTIONS_RUN &&
	       (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (code == 'h' || code == OPTION_HELP) {
			print_help(stdout);
			return OPTIONS_DONE;
		}
		if (code == OPTION_VERSION) {
			puts("etcdhcp-perf " ETCDHCP_VERSION);
			return OPTIONS_DONE;
		}
		result = code == '?' ? OPTIONS_WRONG : apply(options, find_def(code), optarg);
	}
	if (result == OPTIONS_RUN)
		result = read_scenario(options, argc, argv);
	return result == OPTIONS_RUN ? check_together(options) : result;
}
