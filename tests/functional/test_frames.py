# SPDX-License-Identifier: MIT
"""Frames of every shape: tags, IP options, fragments, padding, and lies about lengths."""
import pytest
from scapy.layers.inet import IP, UDP, IPOption, fragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from dhcp_client import new_mac
from frames import ACK, DISCOVER, OFFER, build_frame
from matrix import all_modes, native_and_off
from place import POOL

Q, AD = 0x8100, 0x88A8


@pytest.fixture
def tagged(make_place, xdp):
    """A server on VLANs 100 and 200 to 299, double tags under 300, and untagged."""
    place = make_place(xdp=xdp)
    links = [{"interface": "srv0"}, {"interface": "srv0", "vlan": 100},
             {"interface": "srv0", "vlan": 250},
             {"interface": "srv0", "vlan": 300, "inner-vlan": 30}]
    place.start(server={"interfaces": [{"name": "srv0", "vlan": [0, 100, "200-299", 300]}]},
                network={"links": links})
    return place


@all_modes
@pytest.mark.parametrize("tags", [[], [(Q, 100)], [(Q, 250)], [(AD, 300), (Q, 30)],
                                  [(Q, 300), (Q, 30)], [(Q, 0)]],
                         ids=["untagged", "vlan", "vlan-of-a-range", "qinq-802.1ad", "qinq-802.1q",
                              "priority-tag"])
def test_exchange_and_renewal_under_tags(tagged, tags):
    """Replies carry the tags that requests came with."""
    client = tagged.client(tags=tags)
    ack = client.dora()
    assert ack.yiaddr in POOL
    if tags[:1] != [(Q, 0)]:
        assert ack.tags == tags
    assert client.renew().yiaddr == ack.yiaddr


@native_and_off
@pytest.mark.parametrize("tags", [[(Q, 101)], [(Q, 199)], [(AD, 300), (Q, 31)], [(Q, 100), (Q, 100)]],
                         ids=["not-served", "below-the-range", "other-inner-tag", "inner-not-expected"])
def test_other_vlans_are_left_alone(tagged, tags):
    client = tagged.client(tags=tags)
    client.expect_silence(client.say(DISCOVER), tagged.canary())


@all_modes
def test_ip_options_are_accepted(here, client):
    """XDP leaves these to the kernel; the packet socket beside it answers."""
    options = {"ip": {"options": [IPOption(b"\x94\x04\x00\x00")]}}
    offer = client.discover(frame=options)
    ack = client.select(offer, frame=options)
    assert ack.yiaddr == offer.yiaddr
    assert client.renew(frame=options).yiaddr == ack.yiaddr


@all_modes
def test_most_ip_options_there_can_be(here, client):
    """IHL 15: forty bytes of options in front of UDP."""
    options = {"ip": {"options": [IPOption(b"\x01" * 40)]}}
    assert client.discover(frame=options).yiaddr in POOL


def send_fragments(client, payload, size, order=None):
    frame = build_frame(payload, src_mac=client.mac, ip={"id": 77})
    pieces = [Ether(src=client.mac, dst=frame.dst) / piece
              for piece in fragment(frame[IP], fragsize=size)]
    for piece in order(pieces) if order else pieces:
        client.link.send(piece)


@all_modes
@pytest.mark.parametrize("order", [None, lambda pieces: pieces[::-1]], ids=["in-order", "reversed"])
def test_fragmented_request_is_answered(here, client, order):
    payload, xid = client.message(DISCOVER, options=[(60, b"v" * 200), (124, b"w" * 200)])
    send_fragments(client, payload, 256, order)
    assert client.answer(xid, OFFER).yiaddr in POOL


def test_incomplete_fragments_are_not_answered(here, client):
    payload, xid = client.message(DISCOVER, options=[(60, b"v" * 200)])
    send_fragments(client, payload, 256, lambda pieces: pieces[:-1])
    client.expect_silence(xid, here.canary())


@all_modes
def test_largest_request_of_the_link_is_answered(here, client):
    """1500 bytes of IP: a reply in the same buffer must not break."""
    payload, xid = client.message(DISCOVER, options=[(60, b"v" * 240)] * 4)
    payload = payload.ljust(1472, b"\0")
    client.send(payload)
    assert client.answer(xid, OFFER).yiaddr in POOL


@native_and_off
def test_request_without_udp_checksum_is_answered(here, client):
    """RFC 768: 0 means that none was given."""
    payload, xid = client.message(DISCOVER)
    frame = build_frame(payload, src_mac=client.mac)
    frame[UDP].chksum = 0
    client.link.send(frame)
    client.answer(xid, OFFER)


BREAKS = {
    "udp-checksum": lambda frame: setattr(frame[UDP], "chksum", 0x1234),
    "ip-checksum": lambda frame: setattr(frame[IP], "chksum", 0x1234),
    "ip-version-6": lambda frame: setattr(frame[IP], "version", 6),
    "ip-longer-than-frame": lambda frame: setattr(frame[IP], "len", 1400),
    "udp-longer-than-ip": lambda frame: setattr(frame[UDP], "len", 1000),
    "udp-under-eight": lambda frame: setattr(frame[UDP], "len", 7),
    "udp-cuts-the-message": lambda frame: setattr(frame[UDP], "len", 200),
    "other-port": lambda frame: setattr(frame[UDP], "dport", 68),
    "other-protocol": lambda frame: setattr(frame[IP], "proto", 6),
    "other-address": lambda frame: setattr(frame[IP], "dst", "10.6.0.77"),
}


@native_and_off
@pytest.mark.parametrize("name", BREAKS)
def test_broken_frame_is_not_answered(here, client, name):
    payload, xid = client.message(DISCOVER)
    frame = build_frame(payload, src_mac=client.mac)
    BREAKS[name](frame)
    client.link.send(frame)
    client.expect_silence(xid, here.canary())


MESSAGES = {
    "reply-op": {"op": 2},
    "wrong-magic": {"magic": b"\x63\x82\x53\x64"},
    "hlen-17": {"hlen": 17},
    "hlen-0": {"hlen": 0},
    "hlen-8-on-ethernet": {"hlen": 8},
}


@native_and_off
@pytest.mark.parametrize("name", MESSAGES)
def test_broken_message_is_not_answered(here, client, name):
    xid = client.say(DISCOVER, **MESSAGES[name])
    client.expect_silence(xid, here.canary())


def test_option_running_past_the_end_is_not_answered(here, client):
    payload, xid = client.message(DISCOVER, end=b"\x0c\xff")
    client.send(payload)
    client.expect_silence(xid, here.canary())


@native_and_off
def test_frames_of_every_short_length_do_no_harm(here, client):
    payload, _ = client.message(DISCOVER)
    whole = bytes(build_frame(payload, src_mac=client.mac))
    for length in range(14, len(whole)):
        client.link.send(whole[:length])
    # What is cut off inside the options may still be a message; the server must be as it was.
    assert here.canary().dora()


def test_reply_of_another_server_passing_by_is_not_taken_for_a_request(here, client):
    payload = bytearray(client.message(DISCOVER)[0])
    payload[0] = 2
    frame = Ether(src=client.mac, dst="ff:ff:ff:ff:ff:ff") / \
        IP(src="10.6.0.9", dst="255.255.255.255") / UDP(sport=67, dport=68) / Raw(bytes(payload))
    client.link.send(frame)
    assert here.canary().dora()


def test_three_tags_are_left_alone(tagged):
    client = tagged.client()
    payload, xid = client.message(DISCOVER)
    frame = build_frame(payload, src_mac=client.mac)
    client.link.send(Ether(src=client.mac, dst=frame.dst) / Dot1Q(vlan=300) / Dot1Q(vlan=30) /
                     Dot1Q(vlan=3) / frame[IP])
    client.expect_silence(xid, tagged.canary())


def test_infiniband_client_is_known_by_its_identifier(here, client):
    """RFC 4390: hardware type 32 carries no chaddr and must set the broadcast flag."""
    client.client_id = b"\xff\x12\x34\x56\x78infiniband"
    xid = client.say(DISCOVER, htype=32, hlen=0, broadcast=True)
    offer = client.link.wait(lambda reply: reply.xid == xid, "offer").check()
    assert offer.dst == "255.255.255.255" and offer.type == OFFER


def test_request_to_the_servers_address_by_broadcast_frame(here, client):
    """Some clients renew to the right address in a broadcast frame."""
    client.dora()
    assert client.renew(dst_mac="ff:ff:ff:ff:ff:ff").type == ACK


def test_requests_of_one_burst_are_all_answered(here):
    """More than a burst at once, from as many clients."""
    clients = [here.client(mac=new_mac()) for _ in range(80)]
    frames = [(client, *client.message(DISCOVER)) for client in clients]
    built = [bytes(build_frame(payload, src_mac=client.mac)) for client, payload, _ in frames]
    for frame in built:
        here.link.send(frame)
    offers = {client.answer(xid, OFFER).yiaddr for client, _, xid in frames}
    assert len(offers) == 80 and offers <= set(POOL)


def test_unicast_renewal_leaves_no_icmp_unreachable(here, client):
    """The kernel has no DHCP server on port 67, and must not tell the client so."""
    client.dora()
    client.renew(frame={"ip": {"options": [IPOption(b"\x94\x04\x00\x00")]}})
    here.canary().dora()
    assert not client.link.icmp
