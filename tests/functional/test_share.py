# SPDX-License-Identifier: MIT
"""Load sharing: each client of a link is one server's, as long as that server lives (RFC 3074)."""
import signal

import pytest

from dhcp_client import Client, Relay
from frames import ACK, DISCOVER, NAK, OFFER, REQUEST
from lab import wait_until
from place import NETWORK

pytestmark = pytest.mark.needs("etcd", "etcdctl")
SERVERS = ["10.6.0.1", "10.6.0.2"]
LEFT = {"reason": "another-servers-client"}
# Of so many clients none or all fall to one of two servers once in a million runs at most.
CROWD = 24


def left(server):
    return server.metrics().sum("drops_total", **LEFT)


def wait_shared(campus):
    """Until each server leaves clients to the other."""
    before = [left(server) for server in campus.servers]

    def both_leave():
        campus.client().say(DISCOVER)
        return all(left(server) > count for server, count in zip(campus.servers, before))
    wait_until(both_leave, "clients are shared out")
    campus.settle()
    campus.link.forget()


@pytest.fixture
def start(make_campus):
    """start(...): two servers that share the clients."""
    def started(ttl="5s", **parts):
        campus = make_campus(servers=2)
        etcd = {"endpoints": [campus.etcd.url], "timeout": "10s", "ttl": ttl}
        campus.start(store={"etcd": etcd}, **parts)
        wait_shared(campus)
        return campus
    return started


@pytest.fixture
def campus(start):
    return start()


def answers(campus, asked, kind):
    """Which servers answered each (client, xid), once all that was asked has been dealt with."""
    campus.settle()
    by_client = {}
    for client, xid in asked:
        replies = campus.link.pending(lambda each, client=client, xid=xid: client.is_mine(each, xid))
        assert {reply.check().type for reply in replies} <= {kind}
        by_client[client] = [reply.server for reply in replies]
    return by_client


def check_owners_answer(campus, asked, owners):
    """Each its own clients, once. A commit may be overtaken and tried again, so the first answers are waited for."""
    def all_heard():
        return all(campus.link.pending(lambda each, client=client, xid=xid: client.is_mine(each, xid))
                   for client, xid in asked)
    wait_until(all_heard, "all are answered")
    assert answers(campus, asked, ACK) == {client: [owner] for client, owner in owners.items()}


def discover_all(campus, clients, **fields):
    return answers(campus, [(client, client.say(DISCOVER, **fields)) for client in clients], OFFER)


def served_by(campus, servers, crowd=CROWD):
    """New clients, each of which is offered something at its first try by one of @servers."""
    offers = discover_all(campus, [campus.client() for _ in range(crowd)])
    return (all(len(each) == 1 for each in offers.values()) and
            {server for each in offers.values() for server in each} == set(servers))


def test_each_client_is_offered_one_address_by_one_server(campus):
    assert served_by(campus, SERVERS)


def test_option_61_says_whose_a_client_is(campus):
    """The same client on another card belongs to the same server."""
    for number in range(6):
        client_id = b"\x00client" + bytes([number])
        same = [campus.client(client_id=client_id) for _ in range(4)]
        assert len({servers[0] for servers in discover_all(campus, same).values()}) == 1


def test_a_whole_exchange_needs_one_server(campus):
    """The owner offers and binds; renewals by unicast are answered whoever is asked."""
    for client in [campus.client() for _ in range(6)]:
        ack = lease(client)
        assert client.renew().yiaddr == ack.yiaddr
        other = next(each for each in SERVERS if each != ack.server)
        site = campus.sites[SERVERS.index(other)]
        wait_until(lambda: campus.servers[SERVERS.index(other)].metrics().sum("leases") >= 1, "mirrored")
        wait_until(lambda: client.answer(client.say_renew(dst=other, dst_mac=site.mac("srv0")), ACK),
                   "the other renews")


def lease(client):
    """The ACK. NAK: the other server was first with the address, and this one's mirror lagged."""
    while True:
        reply = client.select(client.discover(), kinds=(ACK, NAK))
        if reply.type == ACK:
            return reply


@pytest.fixture
def owners(campus):
    """Clients with leases that both servers know of, and who gave them."""
    clients = [campus.client() for _ in range(CROWD)]
    owners = {client: lease(client).server for client in clients}
    wait_until(lambda: all(server.metrics().sum("leases", state="bound") == CROWD + 1
                           for server in campus.servers), "mirrored")
    assert set(owners.values()) == set(SERVERS)
    return owners


def test_rebinding_clients_are_answered_once(campus, owners):
    check_owners_answer(campus, [(client, client.say_rebind()) for client in owners], owners)


def test_rebooting_clients_are_answered_once(campus, owners):
    check_owners_answer(campus, [(client, client.say_reboot()) for client in owners], owners)


def test_what_a_relay_agent_sends_to_all_is_answered_once(campus):
    """Each server gets a copy of its own."""
    asked = []
    for _ in range(CROWD):
        client = campus.client(relay=Relay("10.6.0.3", None, None))
        payload, xid = client.message(DISCOVER)
        for server, site in zip(SERVERS, campus.sites):
            client.send(payload, dst=server, dst_mac=site.mac("srv0"), src="10.6.0.3",
                        relayed=False, sport=67)
        asked.append((client, xid))
    offers = answers(campus, asked, OFFER)
    assert all(len(each) == 1 for each in offers.values())
    assert {each[0] for each in offers.values()} == set(SERVERS)


def test_copies_by_two_relay_agents_are_no_repetitions(campus):
    """Redundant relay agents forward the same message each."""
    asked = []
    for _ in range(CROWD):
        client = campus.client()
        payload, xid = client.message(DISCOVER)
        for _ in range(2):
            client.send(payload)
        asked.append((client, xid))
    offers = answers(campus, asked, OFFER)
    assert all(len(set(each)) == 1 for each in offers.values())


@pytest.fixture
def half_deaf(start):
    """The first server is a member, but hears and says nothing."""
    campus = start(ttl="10m")
    campus.servers[0].process.send_signal(signal.SIGSTOP)
    yield campus
    campus.servers[0].process.send_signal(signal.SIGCONT)


def settle_with_second(campus):
    canary = Client(campus.link, campus.canary_mac)
    canary.answer(canary.say(REQUEST, requested="10.6.0.250", server=SERVERS[1]), ACK)


def test_client_that_asks_again_is_answered_by_whoever_hears_it(half_deaf):
    clients = [half_deaf.client() for _ in range(4)]
    wanted = half_deaf.servers[1]
    before = left(wanted)
    first = {client: client.say(DISCOVER) for client in clients}
    settle_with_second(half_deaf)
    waiting = [client for client, xid in first.items()
               if not half_deaf.link.pending(lambda each, xid=xid: each.xid == xid)]
    assert len(waiting) == left(wanted) - before
    for client in clients:
        offer = client.insist(lambda client=client: client.say(DISCOVER), OFFER, "a second answers")
        assert offer.server == SERVERS[1]
        assert client.select(offer).yiaddr == offer.yiaddr


def test_client_that_has_asked_for_long_is_answered_at_once(half_deaf):
    for _ in range(8):
        assert half_deaf.client().discover(secs=4).server == SERVERS[1]


def test_where_too_many_come_back_all_are_answered_at_once(half_deaf):
    """As on a link that only one of the servers is on."""
    for _ in range(CROWD):
        client = half_deaf.client()
        client.insist(lambda client=client: client.say(DISCOVER), OFFER, "answered in the end")
    for _ in range(CROWD):
        assert half_deaf.client().discover().server == SERVERS[1]
    assert half_deaf.servers[1].metrics().sum("stood_in_total") > 0


def test_clients_of_a_server_that_left_are_taken_over_at_once(campus):
    campus.servers[0].stop()
    for _ in range(CROWD):
        assert campus.client().discover().server == SERVERS[1]
    campus.servers[0].start()
    wait_until(lambda: served_by(campus, SERVERS, 8), "it takes its share again")


def test_clients_of_a_dead_server_are_taken_over_when_its_membership_ends(start):
    campus = start(ttl="2s")
    campus.servers[0].kill()
    key = "/etcdhcp/servers/lab-0"
    wait_until(lambda: key not in campus.etcd.keys("/etcdhcp/servers/"), "not a member", 60.0)

    def alone():
        before = left(campus.servers[1])
        for _ in range(CROWD):
            campus.client().say(DISCOVER)
        settle_with_second(campus)
        return left(campus.servers[1]) == before
    wait_until(alone, "nobody is left to the dead one")


def test_sharing_can_be_switched_off_while_they_run(campus):
    """By the one that is alone on a link, or by both."""
    for number, server in enumerate(campus.servers):
        server.reload(campus.configuration(number, server={"load-sharing": "off"}))
        server.wait_log("configuration reloaded")
    offers = discover_all(campus, [campus.client() for _ in range(8)])
    assert all(sorted(each) == SERVERS for each in offers.values())


def test_a_server_alone_has_every_client(make_campus):
    campus = make_campus(servers=1)
    campus.start()
    for _ in range(CROWD):
        assert campus.client().discover().server == SERVERS[0]
    assert left(campus.servers[0]) == 0
    assert campus.etcd.keys(f"/etcdhcp/leases/4/{NETWORK}/") == []
