# SPDX-License-Identifier: MIT
"""Servers with one server identifier between them: any of them answers any packet."""
import signal

import pytest

from dhcp_client import Client
from frames import ACK, DISCOVER, NAK, OFFER, REQUEST
from lab import wait_until
from place import NETWORK, POOL
from test_share import CROWD, wait_shared

pytestmark = pytest.mark.needs("etcd", "etcdctl")
SHARED = "10.6.0.100"
OFF = {"load-sharing": "off"}


@pytest.fixture
def start(make_campus):
    def started(network=None, **parts):
        campus = make_campus(servers=2)
        etcd = {"endpoints": [campus.etcd.url], "timeout": "10s", "ttl": "10m"}
        campus.start(network={"server-identifier": SHARED} | (network or {}), store={"etcd": etcd},
                     **parts)
        if "server" not in parts:
            wait_shared(campus)
        return campus
    return started


def routed(campus, number):
    """How a packet is sent to the shared address when the network leads it to that server."""
    return {"dst": SHARED, "dst_mac": campus.sites[number].mac("srv0")}


def select(client, offer, **fields):
    return client.say(REQUEST, requested=offer.yiaddr, server=SHARED, **fields)


def test_offer_of_one_is_bound_by_the_other(start):
    """What is routed to a server alone it answers, whoever's the client is."""
    campus = start()
    for number in range(8):
        client = campus.client()
        first, second = number % 2, 1 - number % 2
        offer = client.answer(client.say(DISCOVER, **routed(campus, first)), OFFER)
        ack = client.answer(select(client, offer, **routed(campus, second)), ACK)
        assert (ack.yiaddr, ack.server) == (offer.yiaddr, SHARED)
        record = campus.etcd.lease(NETWORK, ack.yiaddr)
        assert (record.hwaddr, record.server) == (client.mac, f"lab-{second}")


def test_renewal_is_answered_wherever_it_is_routed(start):
    campus = start()
    client = campus.client()
    ack = client.dora()
    for number in (0, 1):
        wait_until(lambda number=number: campus.servers[number].metrics().sum("leases") >= 1, "mirrored")
        xid = client.say_renew(**routed(campus, number))
        assert client.answer(xid, ACK).yiaddr == ack.yiaddr


def test_broadcast_request_is_bound_once_by_who_offered(start):
    campus = start()
    commits = [server.metrics().sum("store_commits_total") for server in campus.servers]
    for _ in range(CROWD):
        client = campus.client()
        offer = client.discover()
        xid = select(client, offer)
        assert client.answer(xid, ACK).yiaddr == offer.yiaddr
        campus.settle()
        assert not campus.link.pending(lambda each, client=client, xid=xid: client.is_mine(each, xid))
    made = [server.metrics().sum("store_commits_total") - before
            for server, before in zip(campus.servers, commits)]
    canaries = 2 * CROWD
    assert sum(made) == CROWD + canaries and min(made) > CROWD


def test_broadcast_request_that_comes_again_is_bound_by_whoever_hears_it(start):
    """The one that made the offer has gone deaf meanwhile."""
    campus = start()
    client = campus.client()
    before = [server.metrics().sum("replies_total", type="offer") for server in campus.servers]
    offer = client.discover()
    owner = next(number for number, server in enumerate(campus.servers)
                 if server.metrics().sum("replies_total", type="offer") > before[number])
    campus.servers[owner].process.send_signal(signal.SIGSTOP)
    ack = client.insist(lambda: select(client, offer), ACK, "bound by the other")
    record = campus.etcd.lease(NETWORK, ack.yiaddr)
    campus.servers[owner].process.send_signal(signal.SIGCONT)
    assert ack.yiaddr == offer.yiaddr
    assert (record.hwaddr, record.server) == (client.mac, f"lab-{1 - owner}")


def test_both_bind_the_same_at_the_same_time(start):
    """One commits, the other is refused and finds the client's own binding: never a NAK."""
    campus = start(server=OFF)
    for _ in range(CROWD):
        client = campus.client()
        xid = client.say(DISCOVER)
        offers = [client.answer(xid, OFFER) for _ in campus.servers]
        xid = select(client, offers[0])
        first = client.answer(xid, ACK)
        campus.settle()
        more = campus.link.pending(lambda each, client=client, xid=xid: client.is_mine(each, xid))
        assert {reply.check().type for reply in more} <= {ACK}
        assert {reply.yiaddr for reply in [first, *more]} == {offers[0].yiaddr}
        assert campus.etcd.lease(NETWORK, first.yiaddr).hwaddr == client.mac
        campus.link.forget()
    assert sum(server.metrics().sum("replies_total", type="nak") for server in campus.servers) == 0


def offered_twice(campus):
    """An address and two clients with an offer of it, each by another server."""
    for address in reversed(POOL):  # they are given out from the first on
        clients = [campus.client(), campus.client()]
        offers = [client.answer(client.say(DISCOVER, requested=address, **routed(campus, number)),
                                OFFER).yiaddr for number, client in enumerate(clients)]
        if offers == [address, address]:
            return address, *clients
    raise AssertionError("no address is free with both")


def ask_for(client, address, **fields):
    return client.say(REQUEST, requested=address, server=SHARED, **fields)


def test_address_that_the_other_has_on_offer_to_somebody_else(start):
    """Who asks first has it; who comes too late is told at once, and gets another one."""
    campus = start()
    address, client, rival = offered_twice(campus)
    assert client.answer(ask_for(client, address, **routed(campus, 1)), ACK).yiaddr == address
    assert rival.answer(ask_for(rival, address, **routed(campus, 1)), NAK)
    xid = rival.say(DISCOVER, **routed(campus, 1))
    offer = rival.answer(xid, OFFER)
    assert offer.yiaddr != address
    assert rival.answer(select(rival, offer, **routed(campus, 1)), ACK).yiaddr == offer.yiaddr
    assert campus.etcd.lease(NETWORK, address).hwaddr == client.mac


def test_two_clients_ask_for_one_address_at_once(start):
    """Each was offered it, by another server; all hear both. One has it, the other comes to another."""
    campus = start()
    address, *clients = offered_twice(campus)
    asked = [(client, ask_for(client, address)) for client in clients]
    campus.settle()
    holder = campus.etcd.lease(NETWORK, address).hwaddr
    assert holder in [client.mac for client in clients]
    for client, xid in asked:
        replies = campus.link.pending(lambda each, client=client, xid=xid: client.is_mine(each, xid))
        kinds = {reply.check().type for reply in replies}
        assert kinds == {ACK} if client.mac == holder else ACK not in kinds
    loser = next(client for client in clients if client.mac != holder)
    again = Client(campus.link, loser.mac)
    offer = again.insist(lambda: again.say(DISCOVER), OFFER, "offered another")
    assert offer.yiaddr != address
    assert again.insist(lambda: select(again, offer), ACK, "bound to it").yiaddr == offer.yiaddr
