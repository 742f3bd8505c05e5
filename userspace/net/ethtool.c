/* SPDX-License-Identifier: MIT */
#include "net/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FEATURE_WORDS 8 /* 256 features: Linux has about 60 */

/* One ethtool command; @p data begins with its number and receives the answer. */
static int command(const char *name, void *data)
{
	struct ifreq request = {.ifr_data = data};
	int result, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	result = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(fd);
	return result;
}

unsigned ethtool_rx_queues(const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	return command(name, &channels) < 0 ? 0 : channels.combined_count + channels.rx_count;
}

/* The features that matter here, in the order of their bits in *changed. */
static const char *const tag_features[] = {"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};

static unsigned count_features(const char *name)
{
	union {
		struct ethtool_sset_info info;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} set = {.room = {0}};

	set.info.cmd = ETHTOOL_GSSET_INFO;
	set.info.sset_mask = 1ull << ETH_SS_FEATURES;
	if (command(name, &set) < 0 || !set.info.sset_mask)
		return 0;
	return (unsigned)min_u64(set.info.data[0], FEATURE_WORDS * 32);
}

/* Numbers of the tag features in this kernel; -1 for one it does not know. */
static int find_features(const char *name, unsigned n, int numbers[ARRAY_SIZE(tag_features)])
{
	struct ethtool_gstrings *strings;
	int result;

	strings = calloc(1, sizeof(*strings) + (size_t)n * ETH_GSTRING_LEN);
	if (!strings)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = n;
	result = command(name, strings);
	for (size_t f = 0; f < ARRAY_SIZE(tag_features); f++) {
		numbers[f] = -1;
		for (unsigned i = 0; result == 0 && i < strings->len; i++) {
			const char *text =
			    (const char *)strings->data + (size_t)i * ETH_GSTRING_LEN;

			if (strncmp(text, tag_features[f], ETH_GSTRING_LEN) == 0)
				numbers[f] = (int)i;
		}
	}
	free(strings);
	return result;
}

/* Which tag features are on, as bits. Negative errno when the driver says nothing. */
static int read_features(const char *name, unsigned n, const int *numbers)
{
	union {
		struct ethtool_gfeatures head;
		uint8_t room[sizeof(struct ethtool_gfeatures) +
			     FEATURE_WORDS * sizeof(struct ethtool_get_features_block)];
	} features = {.room = {0}};
	int on = 0, result;

	features.head.cmd = ETHTOOL_GFEATURES;
	features.head.size = (n + 31) / 32;
	result = command(name, &features);
	for (size_t f = 0; result == 0 && f < ARRAY_SIZE(tag_features); f++) {
		if (numbers[f] >= 0 &&
		    features.head.features[numbers[f] / 32].active >> (numbers[f] % 32) & 1)
			on |= 1 << f;
	}
	return result < 0 ? result : on;
}

static int write_features(const char *name, unsigned n, const int *numbers, unsigned which, bool on)
{
	union {
		struct ethtool_sfeatures head;
		uint8_t room[sizeof(struct ethtool_sfeatures) +
			     FEATURE_WORDS * sizeof(struct ethtool_set_features_block)];
	} features = {.room = {0}};

	features.head.cmd = ETHTOOL_SFEATURES;
	features.head.size = (n + 31) / 32;
	for (size_t f = 0; f < ARRAY_SIZE(tag_features); f++) {
		if (!(which >> f & 1) || numbers[f] < 0)
			continue;
		features.head.features[numbers[f] / 32].valid |= 1u << (numbers[f] % 32);
		features.head.features[numbers[f] / 32].requested |= (uint32_t)on
								     << (numbers[f] % 32);
	}
	return command(name, &features);
}

int ethtool_keep_vlan_tags(const char *name, unsigned *changed)
{
	int numbers[ARRAY_SIZE(tag_features)], on, result;
	unsigned n = count_features(name);

	*changed = 0;
	if (n == 0)
		return 0; /* a driver without features takes nothing out */
	result = find_features(name, n, numbers);
	on = result < 0 ? result : read_features(name, n, numbers);
	if (on <= 0)
		return on;
	result = write_features(name, n, numbers, (unsigned)on, false);
	if (result == 0)
		result = read_features(name, n, numbers);
	if (result == 0) {
		*changed = (unsigned)on;
		return 0;
	}
	write_features(name, n, numbers, (unsigned)on, true);
	return result < 0 ? result : -EOPNOTSUPP;
}

void ethtool_restore_vlan_tags(const char *name, unsigned changed)
{
	int numbers[ARRAY_SIZE(tag_features)];
	unsigned n = count_features(name);

	if (changed && n && find_features(name, n, numbers) == 0)
		write_features(name, n, numbers, changed, true);
}
