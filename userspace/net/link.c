/* SPDX-License-Identifier: MIT */
#include "net/link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/ethtool.h"
#include "net/netlink.h"

struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct rtattr name_header;
	char name[IF_NAMESIZE];
};

struct address_request {
	struct nlmsghdr header;
	struct ifaddrmsg address;
};

struct address_list {
	unsigned ifindex;
	struct link_address *addresses;
	size_t n, max;
};

static uint32_t read_u32(struct rtattr *first, int len, unsigned short type, uint32_t absent)
{
	const void *data = netlink_attribute(first, len, type, sizeof(uint32_t));
	uint32_t value = absent;

	if (data)
		memcpy(&value, data, sizeof(value));
	return value;
}

static void read_link(struct nlmsghdr *message, void *arg)
{
	struct ifinfomsg *link = NLMSG_DATA(message);
	struct rtattr *first = IFLA_RTA(link);
	int len = (int)IFLA_PAYLOAD(message);
	struct link_info *info = arg;
	const void *mac;

	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	mac = netlink_attribute(first, len, IFLA_ADDRESS, sizeof(info->mac));
	info->ifindex = (unsigned)link->ifi_index;
	info->mtu = (uint16_t)min_u64(read_u32(first, len, IFLA_MTU, 1500), UINT16_MAX);
	if (mac)
		memcpy(info->mac, mac, sizeof(info->mac));
	info->up = link->ifi_flags & IFF_UP;
	info->ethernet = link->ifi_type == ARPHRD_ETHER || link->ifi_type == ARPHRD_LOOPBACK;
	info->rx_queues = read_u32(first, len, IFLA_NUM_RX_QUEUES, 1);
}

int link_read(const char *name, struct link_info *info)
{
	struct link_request request = {
	    .header = {.nlmsg_len = sizeof(request),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST},
	    .name_header = {.rta_len = RTA_LENGTH(sizeof(request.name)), .rta_type = IFLA_IFNAME},
	};
	struct link_info found = {0};
	unsigned queues;
	int result;

	if (strlen(name) >= sizeof(found.name))
		return -ENODEV;
	snprintf(request.name, sizeof(request.name), "%s", name);
	snprintf(found.name, sizeof(found.name), "%s", name);
	result = netlink_request(&request.header, read_link, &found);
	if (result < 0)
		return result;
	if (found.ifindex == 0)
		return -ENODEV;
	queues = ethtool_rx_queues(name);
	if (queues > 0) /* the driver's own word; netlink tells what the device was made with */
		found.rx_queues = queues;
	if (found.rx_queues == 0)
		found.rx_queues = 1;
	*info = found;
	return 0;
}

static void read_address(struct nlmsghdr *message, void *arg)
{
	struct ifaddrmsg *address = NLMSG_DATA(message);
	struct rtattr *first = IFA_RTA(address);
	int len = (int)IFA_PAYLOAD(message);
	struct address_list *list = arg;
	uint32_t host, hosts;

	if (message->nlmsg_type != RTM_NEWADDR || address->ifa_family != AF_INET ||
	    address->ifa_index != list->ifindex || list->n == list->max)
		return;
	/* IFA_ADDRESS is the peer's on a point-to-point link. */
	host = be32toh(read_u32(first, len, IFA_LOCAL, read_u32(first, len, IFA_ADDRESS, 0)));
	hosts = address->ifa_prefixlen < 31 ? UINT32_MAX >> address->ifa_prefixlen : 0;
	list->addresses[list->n++] = (struct link_address){
	    .address = host,
	    .broadcast = be32toh(read_u32(first, len, IFA_BROADCAST, htobe32(host | hosts))),
	};
}

int link_addresses(unsigned ifindex, struct link_address *addresses, size_t max)
{
	struct address_request request = {
	    .header = {.nlmsg_len = sizeof(request),
		       .nlmsg_type = RTM_GETADDR,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .address = {.ifa_family = AF_INET, .ifa_index = ifindex},
	};
	struct address_list list = {.ifindex = ifindex, .addresses = addresses, .max = max};
	int result = netlink_request(&request.header, read_address, &list);

	return result < 0 ? result : (int)list.n;
}

void link_list(char *text, size_t size)
{
	struct if_nameindex *names = if_nameindex();
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; names && names[i].if_index && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? ", " : "",
					names[i].if_name);
	if_freenameindex(names);
}
