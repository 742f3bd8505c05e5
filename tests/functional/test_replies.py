# SPDX-License-Identifier: MIT
"""What replies contain, and where they go: RFC 2131 section 4.1, RFC 2132, RFC 3046."""
import pytest

from dhcp_client import relay_info
from frames import (ACK, BROADCAST, BROADCAST_MAC, CLIENT_ID, DISCOVER, DNS, DOMAIN_NAME, HOST_NAME,
                    LEASE_TIME, MAX_SIZE, NAK, OVERLOAD, PARAMETERS, RELAY_INFO, ROUTER, SERVER_ID,
                    SUBNET_MASK, T1, T2, TYPE, pack_ip)
from matrix import native_and_off
from place import RELAYED, SERVER

RELAYED_SUBNET = {"subnet": "10.7.0.0/24", "pools": ["10.7.0.10-10.7.0.99"],
                  "options": {"routers": ["10.7.0.1"]}}


@pytest.fixture
def relayed(make_place, xdp):
    """A place whose server also serves 10.7.0.0/24 through relay agents."""
    place = make_place(xdp=xdp)
    place.start(more_subnets=[RELAYED_SUBNET])
    return place


# Where replies go

@native_and_off
def test_new_client_is_answered_by_unicast_without_arp(here, client):
    """It has no address to answer ARP for yet."""
    ack = client.dora()
    assert (ack.dst_mac, ack.dst) == (client.mac, ack.yiaddr)
    assert (ack.src_mac, ack.src, ack.dport) == (here.server_mac, SERVER, 68)
    assert not client.link.arps


@native_and_off
def test_broadcast_flag_is_answered_by_broadcast(here):
    client = here.client(broadcast=True)
    ack = client.dora()
    assert (ack.dst_mac, ack.dst) == (BROADCAST_MAC, BROADCAST)
    assert ack.flags == 0x8000 and ack.src_mac == here.server_mac


def test_renewing_client_is_answered_at_ciaddr(here, client):
    client.dora()
    ack = client.renew(broadcast=True)
    assert (ack.dst_mac, ack.dst) == (client.mac, client.address)
    assert not client.link.arps


def test_rebinding_client_is_answered_at_ciaddr(here, client):
    client.dora()
    ack = client.rebind()
    assert (ack.dst_mac, ack.dst) == (client.mac, client.address)


def test_nak_without_relay_is_broadcast(here, client):
    nak = client.reboot("10.9.9.9", kinds=(NAK,))
    assert (nak.dst_mac, nak.dst) == (BROADCAST_MAC, BROADCAST)


@native_and_off
def test_relayed_reply_goes_to_the_agent(relayed):
    client = relayed.client(relay=relayed.relay())
    ack = client.dora()
    assert ack.yiaddr.startswith("10.7.0.")
    assert (ack.dst_mac, ack.dst, ack.dport) == (client.relay.mac, RELAYED, 67)
    assert (ack.giaddr, ack.src) == (RELAYED, SERVER)
    assert ack.option(ROUTER) == pack_ip("10.7.0.1")


def test_relayed_client_keeps_its_broadcast_flag(relayed):
    client = relayed.client(relay=relayed.relay(), broadcast=True)
    ack = client.dora()
    assert ack.flags == 0x8000 and ack.dst == RELAYED


def test_routed_renewal_is_answered_through_the_same_router(relayed):
    """A relayed client renews past its agent; the reply takes the request's way back."""
    client = relayed.client(relay=relayed.relay())
    client.dora()
    assert client.renew().dst == client.address


# Relay agents' options

@native_and_off
def test_relay_agent_information_comes_back_verbatim_and_last(relayed):
    info = relay_info(b"eth0/1:100", bytes(range(7)), [(9, b"\0\0\x0d\xe9\x04abcd"), (151, b"vrf")])
    client = relayed.client(relay=relayed.relay(info=info))
    for reply in (client.discover(), client.dora()):
        assert reply.option(RELAY_INFO) == info
        assert reply.codes[-1] == RELAY_INFO


def test_long_relay_agent_information_comes_back(relayed):
    info = relay_info(b"c" * 120, b"r" * 120)
    client = relayed.client(relay=relayed.relay(info=info))
    assert client.dora().option(RELAY_INFO) == info


def test_malformed_relay_agent_information_comes_back(relayed):
    """It is the agent's to understand, not ours (RFC 3046 section 2.2)."""
    info = b"\x01\xff\x01"
    client = relayed.client(relay=relayed.relay(info=info))
    assert client.dora().option(RELAY_INFO) == info


def test_link_selection_chooses_the_subnet(relayed):
    """RFC 3527: the agent's own address is elsewhere, the reply goes there all the same."""
    info = relay_info(b"port", more=[(5, pack_ip("10.7.0.0"))])
    client = relayed.client(relay=relayed.relay(giaddr="10.6.0.9", info=info))
    ack = client.dora()
    assert ack.yiaddr.startswith("10.7.0.") and ack.dst == "10.6.0.9"


def test_server_identifier_override_is_honoured(relayed):
    """RFC 5107: the client is to send its renewals to the agent."""
    info = relay_info(b"port", more=[(11, pack_ip(RELAYED))])
    client = relayed.client(relay=relayed.relay(info=info))
    assert client.dora().server == RELAYED


def test_unknown_relay_is_not_answered(here, client):
    client.relay = here.relay(giaddr="10.99.0.1")
    client.expect_silence(client.say(DISCOVER), here.canary())
    assert here.server.metrics().sum("drops_total", reason="unknown-relay") == 1


# What replies contain

def test_options_come_in_the_order_asked_for(here):
    client = here.client(parameters=bytes([DOMAIN_NAME, DNS, SUBNET_MASK, ROUTER]))
    ack = client.dora()
    mine = [code for code in ack.codes if code in client.parameters]
    assert mine == [DOMAIN_NAME, DNS, SUBNET_MASK, ROUTER]
    assert ack.codes[:2] == [TYPE, SERVER_ID]


def test_subnet_mask_comes_before_the_routers(here):
    """RFC 2132 section 3.3, whatever the client's order."""
    client = here.client(parameters=bytes([ROUTER, DNS, SUBNET_MASK]))
    codes = client.dora().codes
    assert codes.index(SUBNET_MASK) < codes.index(ROUTER)


def test_only_what_was_asked_for_is_sent(here):
    ack = here.client(parameters=bytes([DNS])).dora()
    assert set(ack.codes) == {TYPE, SERVER_ID, LEASE_TIME, T1, T2, DNS}


def test_options_asked_for_twice_are_sent_once(here):
    ack = here.client(parameters=bytes([DNS, DNS, ROUTER, DNS])).dora()
    assert ack.codes.count(DNS) == 1


def test_option_always_sent_needs_no_asking(make_place, xdp):
    place = make_place(xdp=xdp)
    place.start(network={"options": {"domain-name": {"value": "always.example", "always": True}}})
    ack = place.client(parameters=bytes([DNS])).dora()
    assert ack.option(DOMAIN_NAME) == b"always.example"


def test_client_identifier_comes_back(here):
    """RFC 6842."""
    ack = here.client(client_id=b"\xff\x00\x00\x00\x01identity").dora()
    assert ack.option(CLIENT_ID) == b"\xff\x00\x00\x00\x01identity"


def test_boot_parameters_fill_the_header(make_place, xdp):
    place = make_place(xdp=xdp)
    place.start(network={"next-server": "10.6.0.4", "boot-file": "pxe/boot.efi",
                         "server-name": "boot"})
    ack = place.client().dora()
    assert ack.siaddr == "10.6.0.4"
    assert ack.file.rstrip(b"\0") == b"pxe/boot.efi" and ack.sname.rstrip(b"\0") == b"boot"


@pytest.fixture
def talkative(make_place, xdp):
    """A server with more to say than a minimal message holds."""
    place = make_place(xdp=xdp)
    place.start(network={"options": {"domain-name": "d" * 60,
                                     "domain-name-servers": [f"10.6.1.{n}" for n in range(1, 41)],
                                     "ntp-servers": [f"10.6.2.{n}" for n in range(1, 26)]}})
    return place


MANY = bytes([SUBNET_MASK, ROUTER, DNS, DOMAIN_NAME, 42])


def test_reply_keeps_to_the_default_maximum_size(talkative):
    """A client that names no size takes 576 bytes of IP datagram, 548 of message."""
    ack = talkative.client(parameters=MANY).dora()
    assert len(ack.payload) <= 548
    assert ack.option(ROUTER) == pack_ip("10.6.0.1")


def test_large_reply_goes_out_whole_to_a_client_that_takes_it(talkative):
    size = {"options": [(MAX_SIZE, (1400).to_bytes(2, "big"))]}
    ack = talkative.client(parameters=MANY).dora(**size)
    assert len(ack.option(DNS)) == 160 and len(ack.option(42)) == 100
    assert len(ack.option(DOMAIN_NAME)) == 60
    assert ack.option(OVERLOAD) is None


def test_small_reply_overflows_into_file_and_sname(talkative):
    ack = talkative.client(parameters=MANY).dora()
    assert ack.overload in (1, 2, 3)
    assert len(ack.option(DNS)) == 160 and len(ack.option(42)) == 100


def test_maximum_size_under_the_minimum_is_taken_as_the_minimum(talkative):
    size = {"options": [(MAX_SIZE, (100).to_bytes(2, "big"))]}
    ack = talkative.client(parameters=MANY).dora(**size)
    assert len(ack.payload) <= 548 and ack.option(ROUTER)


def test_host_name_is_recorded(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd")
    place.start()
    client = place.client()
    ack = client.dora(options=[(HOST_NAME, b"printer-3")])
    record = place.record(ack.yiaddr)
    assert record.state == "BOUND" and record.host_name == "printer-3"
    assert record.hwaddr == client.mac


# INFORM

@native_and_off
def test_inform_gets_parameters_without_a_lease(here, client):
    ack = client.inform("10.6.0.180")
    assert ack.type == ACK and ack.yiaddr == "0.0.0.0" and ack.ciaddr == "10.6.0.180"
    assert (ack.dst, ack.dst_mac) == ("10.6.0.180", client.mac)
    assert ack.option(DNS) and ack.option(ROUTER)
    for code in (LEASE_TIME, T1, T2):
        assert ack.option(code) is None


def test_inform_leaves_no_lease(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd")
    place.start()
    place.client().inform("10.6.0.50")
    place.canary().dora()
    assert place.record("10.6.0.50") is None


def test_relayed_inform_is_answered_through_the_agent(relayed):
    client = relayed.client(relay=relayed.relay())
    ack = client.inform("10.7.0.200")
    assert ack.dst == RELAYED and ack.option(PARAMETERS) is None
