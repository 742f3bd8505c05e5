# SPDX-License-Identifier: MIT
"""Mistakes that other DHCP servers have made, each by its name; and when to say no, when nothing."""
import time

import pytest

from dhcp_client import Client, relay_info
from frames import (ACK, BROADCAST_MAC, CLIENT_ID, DISCOVER, NAK, OFFER, RELAY_INFO, REQUEST, TYPE,
                    build_frame, pack_ip)
from lab import wait_until
from matrix import both_stores, native_and_off
from place import NETWORK, POOL

ONE_ADDRESS = {"pools": ["10.6.0.10"]}


@pytest.mark.needs("etcd")
def test_nak_on_a_store_timeout(make_place, xdp):
    """Doubt is not a reason to refuse. (An embedded store cannot be made to time out.)"""
    place = make_place(xdp=xdp, store="etcd", patience="3s")
    place.start()
    owner, stranger = place.client(), place.client()
    address = owner.dora().yiaddr
    place.etcd.pause()

    def doubted():
        stranger.say_reboot(address)  # again and again, as clients do
        return place.server.metrics().sum("drops_total", reason="store-unavailable")
    wait_until(doubted, "the server does not know", 30.0, interval=1.0)
    assert not place.link.pending(lambda reply: reply.type == NAK)
    place.etcd.resume()


@both_stores
def test_crash_on_release_from_unknown_client(here):
    stranger = here.client()
    stranger.release(ciaddr="10.6.0.50", server="10.6.0.1", src="10.6.0.50", dst="10.6.0.1",
                     dst_mac=here.server_mac)
    stranger.release(ciaddr="10.9.9.9", server="10.6.0.1", src="10.9.9.9", dst="10.6.0.1",
                     dst_mac=here.server_mac)
    stranger.decline(requested="10.6.0.50", server="10.6.0.1")
    stranger.decline(requested="255.255.255.255", server="10.6.0.1")
    assert here.client().dora().yiaddr in POOL
    assert here.server.process.poll() is None


@both_stores
def test_release_by_another_client_frees_nothing(here):
    owner, thief = here.client(), here.client()
    address = owner.dora().yiaddr
    thief.release(ciaddr=address, server=owner.server, src=address, dst=owner.server,
                  dst_mac=here.server_mac)
    thief.decline(requested=address, server=owner.server)
    assert thief.dora(requested=address).yiaddr != address
    assert owner.renew().yiaddr == address
    assert owner.reboot().yiaddr == address


@both_stores
def test_declined_address_offered_again_at_once(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.start(subnet={"pools": ["10.6.0.10-10.6.0.11"]})
    client = place.client()
    declined = client.dora().yiaddr
    client.decline()
    other = place.client(mac=client.mac)
    assert other.dora(requested=declined).yiaddr != declined
    third = place.client()
    third.expect_silence(third.say(DISCOVER), place.canary())
    place.server.stop()
    place.server.start()
    third.expect_silence(third.say(DISCOVER), place.canary())


def test_every_client_offered_the_same_lowest_address(here):
    clients = [here.client() for _ in range(30)]
    offers = [client.discover().yiaddr for client in clients]
    assert len(set(offers)) == 30


@both_stores
def test_last_address_of_a_pool_never_issued(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.start(subnet={"pools": ["10.6.0.10-10.6.0.13"]})
    got = {place.client().dora().yiaddr for _ in range(4)}
    assert got == {"10.6.0.10", "10.6.0.11", "10.6.0.12", "10.6.0.13"}


@native_and_off
def test_ack_of_a_request_that_selected_another_server(here, client):
    offer = client.discover()
    xid = client.say(REQUEST, requested=offer.yiaddr, server="10.6.0.99")
    client.expect_silence(xid, here.canary())
    assert here.server.metrics().sum("drops_total", reason="other-server") == 1


def test_offer_lost_to_another_server_is_free_again(make_place, xdp):
    place = make_place(xdp=xdp)
    place.start(subnet=ONE_ADDRESS)
    first, second = place.client(), place.client()
    offer = first.discover()
    first.say(REQUEST, requested=offer.yiaddr, server="10.6.0.99")
    place.canary().dora()
    assert second.dora().yiaddr == offer.yiaddr


def test_ack_without_checking_option_50(here, client):
    """A REQUEST for an address outside the pools, of another network, or of none."""
    offer = client.discover()
    for wanted in ("10.6.0.240", "10.6.0.1", "10.6.0.0", "10.6.0.255", "10.9.9.9"):
        assert client.select(offer, kinds=(NAK,), requested=wanted).type == NAK
    xid = client.say(REQUEST, server=offer.server)
    client.expect_silence(xid, here.canary())


def test_ack_without_checking_ciaddr(here):
    owner, thief = here.client(), here.client()
    address = owner.dora().yiaddr
    thief.address, thief.server, thief.server_mac = address, owner.server, owner.server_mac
    assert thief.renew(kinds=(NAK,)).type == NAK
    assert owner.renew().yiaddr == address


@pytest.mark.needs("etcd")
def test_since_boot_clock_compared_with_wall_clock(make_place, xdp):
    """hold_until in the store is Unix time, for other servers on other machines to read."""
    place = make_place(xdp=xdp, store="etcd")
    place.start(network={"lease-time": 600, "horizon": 2.0})
    before = int(time.time())
    address = place.client().dora().yiaddr
    after = time.time()
    # The hold may be a little longer than the horizon, for the time that a commit takes.
    hold_until = place.etcd.lease(NETWORK, address).hold_until
    assert before + 1200 <= hold_until <= after + 1200 + 10


@native_and_off
def test_option_82_not_echoed(make_place, xdp):
    place = make_place(xdp=xdp)
    place.start(more_subnets=[{"subnet": "10.7.0.0/24", "pools": ["10.7.0.10-10.7.0.99"]}])
    info = relay_info(b"slot 3 port 17", b"\x00\x11\x22")
    client = place.client(relay=place.relay(info=info))
    assert client.dora().option(RELAY_INFO) == info
    assert client.reboot("10.8.8.8", kinds=(NAK,)).option(RELAY_INFO) == info


@native_and_off
def test_options_found_only_at_fixed_offsets(here, client):
    """Pads between options, the type last, and the address in overloaded fields."""
    offer = client.discover()
    xid = 0x0F0F0001
    packed = (b"\0" * 11 + bytes([50, 4]) + pack_ip(offer.yiaddr) + b"\0\0" +
              bytes([54, 4]) + pack_ip(offer.server) + b"\0" + bytes([TYPE, 1, REQUEST]))
    payload, _ = client.message(REQUEST, xid=xid)
    client.send(payload[:240] + packed + b"\xff")
    assert client.answer(xid, ACK).yiaddr == offer.yiaddr

    second = here.client()
    offer = second.discover()
    xid = 0x0F0F0002
    overloaded = bytes([50, 4]) + pack_ip(offer.yiaddr) + b"\xff"
    payload, _ = second.message(REQUEST, xid=xid)
    payload = (payload[:108] + overloaded.ljust(128, b"\0") + payload[236:240] +
               bytes([TYPE, 1, REQUEST, 52, 1, 1, 54, 4]) + pack_ip(offer.server) + b"\xff")
    second.send(payload)
    assert second.answer(xid, ACK).yiaddr == offer.yiaddr


@native_and_off
def test_frame_padding_counted_as_payload(here, client):
    """Bytes behind the datagram that look like options are not the message's."""
    payload, xid = client.message(DISCOVER, end=b"")
    frame = bytes(build_frame(payload, src_mac=client.mac))
    lies = bytes([CLIENT_ID, 4]) + b"liar" + bytes([82, 3, 1, 1, 66]) + b"\xff"
    client.link.send(frame + lies + b"\0" * 40)
    offer = client.answer(xid, OFFER)
    assert offer.option(CLIENT_ID) is None and offer.option(RELAY_INFO) is None


@native_and_off
@pytest.mark.parametrize("ihl", range(5))
def test_ihl_below_5_accepted(here, client, ihl):
    payload, xid = client.message(DISCOVER)
    frame = build_frame(payload, src_mac=client.mac, ip={"ihl": ihl})
    client.link.send(frame)
    client.expect_silence(xid, here.canary())


def test_relayed_nak_without_the_broadcast_flag(make_place, xdp):
    place = make_place(xdp=xdp)
    place.start(more_subnets=[{"subnet": "10.7.0.0/24", "pools": ["10.7.0.10-10.7.0.99"]}])
    client = place.client(relay=place.relay())
    nak = client.reboot("10.8.8.8", kinds=(NAK,))
    assert nak.flags & 0x8000
    assert nak.dst == place.relay().giaddr and nak.dst_mac != BROADCAST_MAC


# INIT-REBOOT and renewal: who hears NAK, who hears nothing (RFC 2131 section 4.3.2)

@both_stores
def test_reboot_on_the_wrong_network_is_refused(here, client):
    assert client.reboot("10.9.9.9", kinds=(NAK,)).type == NAK


@both_stores
def test_reboot_of_an_unknown_client_meets_silence(here, client):
    """Another server may know it."""
    client.expect_silence(client.say_reboot(POOL[7]), here.canary())


@both_stores
def test_reboot_to_anothers_address_is_refused(here):
    owner, other = here.client(), here.client()
    address = owner.dora().yiaddr
    assert other.reboot(address, kinds=(NAK,)).type == NAK
    assert owner.reboot().yiaddr == address


@both_stores
def test_reboot_to_an_address_left_for_another_is_refused(here, client):
    """The client's record is elsewhere: what it asks for is not its own."""
    address = client.dora().yiaddr
    wrong = next(each for each in POOL if each != address)
    assert client.reboot(wrong, kinds=(NAK,)).type == NAK


@both_stores
def test_renewal_of_an_address_bound_to_another_is_refused(here):
    owner, other = here.client(), here.client()
    address = owner.dora().yiaddr
    xid = other.say(REQUEST, ciaddr=address, src=address)
    assert other.answer(xid, NAK).type == NAK
    assert owner.renew().yiaddr == address


@both_stores
def test_renewal_without_record_binds_a_free_address(here, client):
    """A client that lost its server to a disaster keeps the address that nobody else has."""
    client.address, client.server, client.server_mac = POOL[20], "10.6.0.1", here.server_mac
    assert client.renew().yiaddr == POOL[20]
    other = here.client()
    assert other.dora(requested=POOL[20]).yiaddr != POOL[20]
    assert Client(here.link, client.mac).reboot(POOL[20]).yiaddr == POOL[20]


@both_stores
def test_renewal_of_an_address_of_another_network_is_refused(here, client):
    xid = client.say(REQUEST, ciaddr="10.9.9.9", src="10.9.9.9")
    assert client.answer(xid, NAK).type == NAK


@both_stores
def test_released_address_rests_before_it_goes_to_another(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.start(subnet=ONE_ADDRESS, network={"rest-time": 2})
    first, second = place.client(), place.client()
    first.dora()
    released = time.monotonic()
    first.release()
    place.canary().dora()

    def offered():
        xid = second.say(DISCOVER)
        place.canary().dora()
        return place.link.pending(lambda reply: second.is_mine(reply, xid))
    wait_until(offered, "the address comes free", interval=0.05)
    assert time.monotonic() - released >= 0.9
    assert second.dora().yiaddr == "10.6.0.10"
