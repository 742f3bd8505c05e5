# SPDX-License-Identifier: MIT
"""No address twice, none left over: many clients at once on pools that just suffice."""
import random

import pytest

from frames import ACK, DISCOVER, NAK, OFFER, REQUEST
from matrix import both_stores, native_and_off

SIZE = 200
EXACT = {"pools": ["10.6.0.20-10.6.0.219"]}


def send_all(clients, say):
    """Everybody speaks before anybody listens."""
    return {client: say(client) for client in clients}


def collect(xids, *kinds):
    return {client: client.answer(xid, *kinds, timeout=60.0) for client, xid in xids.items()}


@both_stores
@native_and_off
def test_as_many_clients_as_addresses_all_get_one(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    server = place.start(subnet=EXACT)
    clients = [place.client() for _ in range(SIZE)]
    offers = collect(send_all(clients, lambda client: client.say(DISCOVER)), OFFER)
    assert len({offer.yiaddr for offer in offers.values()}) == SIZE
    acks = collect(send_all(clients, lambda client: client.say(
        REQUEST, requested=offers[client].yiaddr, server=offers[client].server)), ACK)
    given = {ack.yiaddr for ack in acks.values()}
    assert given == {f"10.6.0.{host}" for host in range(20, 220)}

    late = place.client()
    late.expect_silence(late.say(DISCOVER), place.canary())
    assert server.metrics().sum("drops_total", reason="no-free-address") >= 1
    # What was refused changed nothing.
    for client in clients[:5]:
        client.address, client.server, client.server_mac = \
            acks[client].yiaddr, acks[client].server, acks[client].src_mac
        assert client.renew().yiaddr == acks[client].yiaddr


@both_stores
def test_requests_for_one_address_at_once_bind_one_client(make_place, xdp, store):
    """Thirty clients, offered or not, all insist on the same address."""
    place = make_place(xdp=xdp, store=store)
    server = place.start()
    clients = [place.client() for _ in range(30)]
    xids = send_all(clients, lambda client: client.say(REQUEST, requested="10.6.0.60",
                                                       server="10.6.0.1"))
    by_xid = {xid: client for client, xid in xids.items()}
    # First of all the ACK: a store answers what it is asked at once in any order.
    won = place.link.wait(lambda reply: reply.xid in by_xid and reply.type == ACK, "one is bound")
    place.canary().dora()
    others = place.link.pending(lambda reply: reply.xid in by_xid)
    assert all(reply.type == NAK for reply in others), others
    assert server.process.poll() is None
    winner = by_xid[won.xid]
    winner.address = "10.6.0.60"
    assert winner.reboot().yiaddr == "10.6.0.60"


def test_retransmissions_bind_one_address_each(make_place, xdp):
    """Impatient clients repeat everything; each still has one address."""
    place = make_place(xdp=xdp)
    server = place.start()
    clients = [place.client() for _ in range(20)]
    for client in clients:
        xid = client.say(DISCOVER)
        client.say(DISCOVER, xid=xid)
        offer = client.answer(xid, OFFER)
        again = client.say(DISCOVER)
        assert client.answer(again, OFFER).yiaddr == offer.yiaddr
        xid = client.say(REQUEST, requested=offer.yiaddr, server=offer.server)
        client.say(REQUEST, requested=offer.yiaddr, server=offer.server, xid=xid)
        assert client.answer(xid, ACK).yiaddr == offer.yiaddr
    place.canary().dora()
    assert server.metrics().sum("leases", state="bound") == 21


@pytest.mark.needs("etcd")
@pytest.mark.parametrize("seed", [1, 2])
def test_two_servers_never_give_one_address_to_two_clients(make_campus, seed):
    """Three hundred clients ask both servers, or either, for sixty addresses."""
    campus = make_campus(servers=2)
    campus.start(subnet={"pools": ["10.6.0.10-10.6.0.69"]},
                 network={"offer-time": 1, "lease-time": "1h"})
    dice = random.Random(seed)
    holders = {}
    # What was offered in one round and not taken is free again when the offer has ended.
    for turn in range(60):
        if turn >= 5 and len(holders) >= 50:
            break
        clients = [campus.client() for _ in range(60)]
        xids = send_all(clients, lambda client: client.say(DISCOVER))
        campus.settle()
        requests = {}
        for client, xid in xids.items():
            offers = campus.link.pending(lambda each: client.is_mine(each, xid))
            if offers:
                offer = dice.choice(offers)
                server = dice.choice(["10.6.0.1", "10.6.0.2"])
                requests[client] = client.say(REQUEST, requested=offer.yiaddr, server=server)
        campus.settle()
        for client, xid in requests.items():
            for reply in campus.link.pending(lambda each: client.is_mine(each, xid)):
                if reply.type == ACK:
                    assert reply.yiaddr not in holders, f"{reply.yiaddr} given twice"
                    holders[reply.yiaddr] = client
        campus.link.forget()
    assert len(holders) >= 50, "the pool should be all but used up"
    for address, client in holders.items():
        record = campus.etcd.lease("lab", address)
        assert record.state == "BOUND" and record.hwaddr == client.mac
