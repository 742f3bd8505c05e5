# SPDX-License-Identifier: MIT
"""Two servers, one etcd: any server, any packet. Clients are not shared out here: see test_share.py."""
import pytest

from frames import ACK, DISCOVER, OFFER, REQUEST
from lab import wait_until
from place import NETWORK

pytestmark = pytest.mark.needs("etcd", "etcdctl")
SERVERS = ["10.6.0.1", "10.6.0.2"]


@pytest.fixture
def campus(make_campus):
    made = make_campus(servers=2)
    made.start(server={"load-sharing": "off"})
    return made


def offers_of_both(campus, client):
    xid = client.say(DISCOVER)
    by_server = {}
    for _ in SERVERS:
        offer = client.answer(xid, OFFER)
        by_server[offer.server] = offer
    assert sorted(by_server) == SERVERS
    return by_server


def test_both_offer_and_one_is_selected(campus):
    client = campus.client()
    offers = offers_of_both(campus, client)
    ack = client.select(offers["10.6.0.2"])
    assert ack.server == "10.6.0.2"
    assert campus.etcd.lease(NETWORK, ack.yiaddr).server == "lab-1"


def test_lease_of_one_server_is_known_to_the_other(campus):
    """Both offer the same address to a returning client; the other renews it when rebinding."""
    client = campus.client()
    ack = client.select(offers_of_both(campus, client)["10.6.0.1"])

    def agreed():
        offers = offers_of_both(campus, client)
        return {offer.yiaddr for offer in offers.values()} == {ack.yiaddr}
    wait_until(agreed, "the mirror has it")
    xid = client.say_rebind()
    replies = [client.answer(xid, ACK) for _ in SERVERS]
    assert {reply.server for reply in replies} == set(SERVERS)
    assert {reply.yiaddr for reply in replies} == {ack.yiaddr}


def test_clients_go_on_when_a_server_dies(campus):
    client = campus.client()
    ack = client.select(offers_of_both(campus, client)["10.6.0.1"])
    wait_until(lambda: campus.servers[1].metrics().sum("leases", state="bound") == 1, "mirrored")
    campus.servers[0].kill()
    rebound = client.rebind()
    assert (rebound.yiaddr, rebound.server) == (ack.yiaddr, "10.6.0.2")
    assert client.reboot().server == "10.6.0.2"


def test_request_for_the_others_offer_is_honoured(campus):
    """Rule 8: a REQUEST for a free address can be committed by any server it names."""
    client = campus.client()
    offers = offers_of_both(campus, client)
    address = offers["10.6.0.1"].yiaddr
    xid = client.say(REQUEST, requested=address, server="10.6.0.2")
    ack = client.answer(xid, ACK)
    assert (ack.yiaddr, ack.server) == (address, "10.6.0.2")


def test_release_through_one_server_and_reboot_through_the_other(campus):
    """Memory may lag behind a release: the store is asked, and no ACK comes."""
    client = campus.client()
    ack = client.select(offers_of_both(campus, client)["10.6.0.1"])
    wait_until(lambda: campus.servers[1].metrics().sum("leases", state="bound") == 1, "mirrored")
    client.release()
    wait_until(lambda: campus.etcd.lease(NETWORK, ack.yiaddr).state == "RELEASED", "released")
    xid = client.say_reboot(ack.yiaddr)
    campus.settle()
    assert not [reply for reply in campus.link.pending(lambda each: client.is_mine(each, xid))
                if reply.type == ACK]


def test_reservation_is_known_to_all(campus):
    client = campus.client()
    campus.etcd.put(f"/etcdhcp/reservations/4/{NETWORK}/mac:{client.mac}", "10.6.0.222")

    def agreed():
        offers = offers_of_both(campus, client)
        return {offer.yiaddr for offer in offers.values()} == {"10.6.0.222"}
    wait_until(agreed, "both offer the reserved address")


def test_servers_are_members(campus):
    wait_until(lambda: campus.etcd.keys("/etcdhcp/servers/") == ["/etcdhcp/servers/lab-0",
                                                                 "/etcdhcp/servers/lab-1"],
               "both are members")
    campus.servers[0].kill()
    wait_until(lambda: campus.etcd.keys("/etcdhcp/servers/") == ["/etcdhcp/servers/lab-1"],
               "the dead one is gone when its lease in etcd has run out", 60.0, 0.2)


def test_shared_server_identifier(make_campus):
    """Servers with one identifier between them: whichever answers, the lease is the same."""
    campus = make_campus(servers=2)
    campus.start(network={"server-identifier": "10.6.0.100"}, server={"load-sharing": "off"})
    client = campus.client()
    xid = client.say(DISCOVER)
    offers = [client.answer(xid, OFFER) for _ in SERVERS]
    assert {offer.server for offer in offers} == {"10.6.0.100"}
    xid = client.say(REQUEST, requested=offers[0].yiaddr, server="10.6.0.100")
    first = client.answer(xid, ACK)
    assert first.yiaddr == offers[0].yiaddr
    assert campus.etcd.lease(NETWORK, first.yiaddr).hwaddr == client.mac
