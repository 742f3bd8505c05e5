# SPDX-License-Identifier: MIT
"""Membership and clocks: who is there, whose clock is wrong, and that neither breaks a promise."""
import itertools
import re
import signal
import time

import pytest

from dhcp_client import new_mac
from frames import ACK, BROADCAST, DISCOVER, NAK, OFFER, REQUEST, pack_ip
from lab import wait_until
from place import NETWORK
from server import Server

pytestmark = pytest.mark.needs("etcd", "etcdctl")
HOUR = 3600
SERVERS_KEY = "/etcdhcp/servers/"
BEHIND = "this server's clock is behind what the store has already seen"


class Others:
    """Servers of a campus, each begun when a test wants it and with the clock that it wants."""

    def __init__(self, campus, **parts):
        self.campus, self.parts = campus, parts
        campus.etcd.start()
        self.servers = {}

    def add(self, number, clock=None, ready=True, name=None, **more):
        server = Server(self.campus.sites[number], self.campus.directory,
                        self.campus.configuration(number, **{**self.parts, **more}),
                        name or f"server{number}")
        if clock is not None:
            server.set_clock(clock)
        self.servers[number] = server
        return server.start(ready=ready)

    def put_record(self, address, hold_until, client=b"paper"):
        """A binding of @client, whose identifier is its option 61, as a server would write it."""
        who = b"i" + client
        value = bytes([0x0A, len(who)]) + who + b"\x10\x01\x18" + varint(int(hold_until))
        self.campus.etcd.put(f"/etcdhcp/leases/4/{NETWORK}/{address}",
                             value.decode("utf-8", "surrogateescape"))
        self.campus.etcd.put(f"/etcdhcp/clients/4/{NETWORK}/id:{client.hex()}", address)


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


@pytest.fixture
def others(make_campus):
    return lambda servers=2, **parts: Others(make_campus(servers=servers), **parts)


def mark_of(campus):
    """The high-water mark in the store, in seconds; None while there is none."""
    value = campus.etcd.get("/etcdhcp/clock")
    return value and int(value.split(b":")[1].split(b",")[0]) / 1e9


def put_mark(campus, seconds):
    campus.etcd.put("/etcdhcp/clock", '{"clock_ns":%d}' % (seconds * 1e9))


def publishes(campus, text):
    return text in (campus.etcd.get(SERVERS_KEY + "lab-0") or b"").decode()


def knows(server, *ids):
    wait_until(lambda: server.metrics().labels("server_info", "id") == set(ids),
               f"{server.name} knows of {ids}", 60.0)
    assert server.metrics().sum("servers") == len(ids)


# Addresses that no test names.
_witnesses = itertools.count(70)


def take_elsewhere(campus, number, address):
    """Another client selects @address through that server: ACK, NAK or, in the end, nothing."""
    client = campus.client()
    xid = client.say(REQUEST, requested=address, server=f"10.6.0.{number + 1}")
    return client.answer(xid, ACK, NAK).type


def refuses(campus, number, address):
    """
    Another client selects @address through that server and does not get it: a NAK, or silence where two
    clocks disagree; a third one is served behind it.
    """
    client, witness = campus.client(), campus.client()
    server = f"10.6.0.{number + 1}"
    xid = client.say(REQUEST, requested=address, server=server)
    witness.answer(witness.say(REQUEST, requested=f"10.6.0.{next(_witnesses)}", server=server), ACK)
    came = campus.link.pending(lambda reply: client.is_mine(reply, xid))
    return all(reply.type == NAK for reply in came)


# Membership

def test_servers_know_of_each_other(others):
    """Join, clean stop, crash and return, as all the others see them."""
    here = others(servers=3)
    a, b, c = (here.add(number) for number in range(3))
    for server in (a, b, c):
        knows(server, "lab-0", "lab-1", "lab-2")
    a.wait_log("server joined.* server=lab-1")
    assert a.metrics().sum("server_registered") == 1
    c.stop()
    knows(a, "lab-0", "lab-1")
    a.wait_log("server left.* server=lab-2")
    b.kill()
    knows(a, "lab-0")
    b.start()
    for server in (a, b):
        knows(server, "lab-0", "lab-1")


def test_the_work_is_divided_among_those_who_are_there(others):
    """Each bucket of clients is one server's; a survivor has all."""
    here = others()
    a = here.add(0)
    a.wait_metric("share_buckets", lambda value: value == 256)
    b = here.add(1)

    def shared():
        shares = [server.metrics().sum("share_buckets") for server in (a, b)]
        return sum(shares) == 256 and min(shares) > 60
    wait_until(shared, "each has some of the 256")
    a.kill()
    b.wait_metric("share_buckets", lambda value: value == 256)


def test_a_clean_stop_is_seen_at_once(others):
    """Long before its key would have run out."""
    here = others(store={"etcd": {"endpoints": ["http://192.0.2.1:2379"], "ttl": "1h"}})
    a, b = here.add(0), here.add(1)
    knows(a, "lab-0", "lab-1")
    b.stop()
    knows(a, "lab-0")


def test_a_return_from_the_dead_is_seen(others):
    """Killed and started again before its key ran out: it serves at once, and is registered in the end."""
    here = others(store={"etcd": {"endpoints": ["http://192.0.2.1:2379"], "ttl": "5s"}})
    a, b = here.add(0), here.add(1)
    knows(a, "lab-0", "lab-1")
    b.wait_metric("server_registered", lambda value: value == 1)
    b.kill()
    assert here.campus.etcd.keys(SERVERS_KEY + "lab-1"), "the key of its former life is there"
    b.start()
    b.wait_metric("server_registered", lambda value: value == 1)
    assert b.metrics().sum("server_id_taken") == 0
    knows(a, "lab-0", "lab-1")
    client = here.campus.client()
    client.insist(lambda: client.say(DISCOVER), OFFER, "an offer")


@pytest.mark.plain
def test_clocks_are_exchanged(others):
    """Who is new is answered at once. An echo makes the interval narrow, so grants and holds are as alone."""
    here = others(store={"etcd": {"endpoints": ["http://192.0.2.1:2379"], "ttl": "1h"}})
    a, b = here.add(0), here.add(1)
    for server, other in ((a, "lab-1"), (b, "lab-0")):
        # without an echo it would be two hours
        server.wait_metric("server_clock_offset_max_seconds", lambda value: 0 <= value < 600, id=other)
        assert -600 < server.metrics().sum("server_clock_offset_min_seconds", id=other) <= 0.1
        assert server.metrics().sum("server_clock_disagreement_seconds") == 0
        assert server.get("/readyz") == (200, "ready\n")
    client = here.campus.client()
    ack = client.dora()
    assert ack.lease_time == HOUR


# One id, two servers

def test_a_second_server_with_the_same_id_refuses_to_start(others):
    here = others()
    a = here.add(0)
    a.wait_metric("server_registered", lambda value: value == 1)
    b = here.add(1, ready=False, server={"id": "lab-0"})
    assert b.wait_exit(60.0) == 1
    b.process = None
    why = b.wait_log("cannot start.*").group()
    assert "/etcdhcp/servers/lab-0" in why and "server.id" in why
    assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", why)
    assert a.status("/readyz") == 200
    assert a.metrics().sum("server_id_taken") == 0
    assert here.campus.etcd.keys(SERVERS_KEY) == [SERVERS_KEY + "lab-0"]


def test_an_id_taken_while_it_was_away(others):
    """Its key ran out unseen and another took it: it says so and serves on."""
    here = others()
    a = here.add(0)
    a.wait_metric("server_registered", lambda value: value == 1)
    a.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: not here.campus.etcd.keys(SERVERS_KEY), "its key ran out", 60.0, 0.2)
    b = here.add(1, server={"id": "lab-0"})
    b.wait_metric("server_registered", lambda value: value == 1)
    a.process.send_signal(signal.SIGCONT)
    a.wait_log("another server has taken this server's id.*/etcdhcp/servers/lab-0")
    a.wait_metric("server_id_taken", lambda value: value == 1)
    status, text = a.get("/readyz")
    assert status == 200 and "taken" in text
    b.stop()
    a.wait_log("this server's id is its own again")
    a.wait_metric("server_registered", lambda value: value == 1)


def test_who_is_not_registered_reclaims_nothing(others):
    """Others need not know of it: what is over by its own clock alone is not over."""
    here = others(servers=1)
    a, etcd = here.add(0), here.campus.etcd
    a.wait_metric("server_registered", lambda value: value == 1)
    wait_until(lambda: mark_of(here.campus), "there is a mark")
    etcd.put(SERVERS_KEY + "lab-0", '{"version":"0.1.0","started":1,"instance":"abc"}')
    a.wait_metric("server_registered", lambda value: value == 0)
    put_mark(here.campus, time.time() - HOUR)
    here.put_record("10.6.0.60", time.time() - 60)
    here.put_record("10.6.0.61", time.time() - 2 * HOUR, b"gone")
    assert refuses(here.campus, 0, "10.6.0.60")
    assert take_elsewhere(here.campus, 0, "10.6.0.61") == ACK, "before the mark it is over for all"
    etcd.delete(SERVERS_KEY + "lab-0")
    a.wait_metric("server_registered", lambda value: value == 1)
    wait_until(lambda: etcd.lease(NETWORK, "10.6.0.60") is None, "it is over")


# A clock that is wrong from the start

@pytest.mark.parametrize("offset", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_one_server_an_hour_off(others, offset):
    """Both say so and by how much; both serve, with full leases."""
    here = others()
    everybody = {"load-sharing": "off"}
    right, wrong = (here.add(0, server=everybody), here.add(1, clock=offset, server=everybody))
    sign = 1 if offset > 0 else -1
    for server, other, off in ((right, "lab-1", sign), (wrong, "lab-0", -sign)):
        server.wait_metric("server_clock_disagreement_seconds",
                           lambda value, off=off: 3500 < off * value < 3700, id=other)
        assert f"server={other}" in server.wait_log("clocks disagree.*").group()
        status, text = server.get("/readyz")
        assert status == 200 and text.startswith("ready\n") and other in text
    client = here.campus.client()
    xid = client.say(DISCOVER)
    for _ in range(2):
        client.answer(xid, OFFER)
    for number in range(2):
        other = here.campus.client()
        xid = other.say(REQUEST, requested=f"10.6.0.{50 + number}", server=f"10.6.0.{number + 1}")
        ack = other.answer(xid, ACK)
        assert ack.lease_time == HOUR
        hold = here.campus.etcd.lease(NETWORK, ack.yiaddr).hold_until
        latest = max(offset, 0) + time.time()
        assert latest + 2 * HOUR - 60 < hold < latest + 2 * HOUR + 60


def test_a_server_ahead_takes_nothing_away(others):
    """A hold that is over by its own clock and by no other's."""
    here = others()
    right, ahead = here.add(0), here.add(1, clock=HOUR)
    ahead.wait_metric("server_clock_disagreement_seconds", lambda value: value < 0)
    ahead.wait_metric("server_registered", lambda value: value == 1)
    here.put_record("10.6.0.60", time.time() + HOUR / 2)
    here.put_record("10.6.0.61", time.time() - 2 * HOUR, b"gone")
    for server in (right, ahead):
        server.wait_metric("store_expired_total", lambda value: value >= 0)
    assert refuses(here.campus, 1, "10.6.0.60")
    assert here.campus.etcd.lease(NETWORK, "10.6.0.60").state == "BOUND"
    wait_until(lambda: here.campus.etcd.lease(NETWORK, "10.6.0.61") is None, "what is over for all goes")
    # the one it knew is gone; what that promised is not
    right.kill()
    knows(ahead, "lab-1")
    assert ahead.metrics().sum("servers_carried") == 1
    assert refuses(here.campus, 1, "10.6.0.60")


def test_a_server_behind_promises_no_more_than_is_held(others):
    """From memory, with no store to ask: what remains by the latest clock."""
    here = others(network={"min-lease-time": 60})
    right, behind = here.add(0), here.add(1, clock=-HOUR)
    behind.wait_metric("server_clock_disagreement_seconds", lambda value: value > 0)
    behind.wait_metric("clock_ahead_seconds", lambda value: HOUR - 5 < value < HOUR + 60)
    client = here.campus.client(client_id=b"paper")
    here.put_record("10.6.0.60", time.time() + 600)
    behind.wait_metric("leases", lambda value: value == 1, state="bound")
    right.kill()
    knows(behind, "lab-1")
    here.campus.etcd.pause()
    xid = client.say(REQUEST, src="10.6.0.60", dst=BROADCAST, ciaddr="10.6.0.60")
    ack = client.answer(xid, ACK)
    here.campus.etcd.resume()
    assert 60 <= ack.lease_time <= 600


# Across a restart

def restart_with_clock(server, offset, ready=True):
    server.stop()
    server.set_clock(offset)
    server.start(ready=ready)


def leave_a_lease_and_a_mark(others):
    """A campus with one server, a client of it and its ACK."""
    here = others()
    server = here.add(0)
    client = here.campus.client()
    ack = client.dora()
    wait_until(lambda: mark_of(here.campus), "there is a mark")
    return here, server, client, ack


def test_a_clock_put_back_across_a_restart(others):
    """It serves nobody, says why, and serves as soon as another server makes up for its clock."""
    here, a, client, ack = leave_a_lease_and_a_mark(others)
    restart_with_clock(a, -HOUR, ready=False)
    a.wait_log(BEHIND)
    wait_until(lambda: a.status("/readyz"), "it answers")
    status, text = a.get("/readyz")
    assert status == 503 and "behind" in text
    a.wait_metric("clock_mark_behind_seconds", lambda value: 3000 < value < 3700)
    wait_until(lambda: publishes(here.campus, '"idle":1'), "it wants no share of the work")
    silent = [client.say(REQUEST, src=ack.yiaddr, ciaddr=ack.yiaddr), client.say(DISCOVER)]
    here.add(1)
    a.wait_ready()
    a.wait_log("no longer behind")
    wait_until(lambda: publishes(here.campus, '"idle":0'), "it wants its share")
    assert a.metrics().sum("clock_mark_behind_seconds") == 0
    came = here.campus.link.pending(lambda each: each.mac == client.mac and each.xid in silent)
    assert not [reply for reply in came if reply.server == "10.6.0.1"]
    renewed = client.rebind()
    assert renewed.lease_time == HOUR


def test_a_mark_put_right_by_its_operator(others):
    """A wrong clock has left its mark in the store: who is sure that it has gone deletes it."""
    here = others()
    a = here.add(0)
    wait_until(lambda: mark_of(here.campus), "there is a mark")
    a.stop()
    put_mark(here.campus, time.time() + 9 * HOUR)
    a.start(ready=False)
    a.wait_log(BEHIND)
    here.campus.etcd.delete("/etcdhcp/clock")
    a.wait_ready()
    wait_until(lambda: abs(mark_of(here.campus) - time.time()) < 60, "the mark is right again")


def test_an_operator_vouches_for_a_clock(make_place):
    """The same without etcd: once, by an option."""
    here = make_place()
    server = here.start()
    client = here.client()
    client.dora()
    restart_with_clock(server, -9 * HOUR, ready=False)
    server.wait_log(BEHIND)
    server.stop()
    server.start(more=["--trust-clock"])
    assert client.renew().lease_time == HOUR
    server.stop()
    server.start()


def test_a_clock_put_forward_across_a_restart(others):
    """Holds that are over by its new clock are not by the store's time."""
    here, a, _, ack = leave_a_lease_and_a_mark(others)
    restart_with_clock(a, 5 * HOUR)
    a.wait_metric("server_registered", lambda value: value == 1)
    assert refuses(here.campus, 0, ack.yiaddr)
    assert here.campus.etcd.lease(NETWORK, ack.yiaddr).state == "BOUND"
    # nor does it lock out others: a right clock beside it serves
    b = here.add(1)
    b.stop()
    a.stop()
    b.start()


# While it runs

@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_step_changes_nothing_but_an_alarm(others, step):
    here = others(servers=1)
    a = here.add(0, clock=0)
    a.wait_metric("clock_step_seconds", lambda value: abs(value) < 1)
    a.set_clock(step)
    a.wait_metric("clock_step_seconds", lambda value: abs(value - step) < 5)
    a.wait_log("the system clock was stepped.*step_s=" + ("-" if step < 0 else "") + "3")
    wait_until(lambda: "stepped" in a.get("/readyz")[1], "it shows behind ready")
    assert a.status("/readyz") == 200
    ack = here.campus.client().dora()
    assert ack.lease_time == HOUR
    hold = here.campus.etcd.lease(NETWORK, ack.yiaddr).hold_until
    assert time.time() + 2 * HOUR - 60 < hold < time.time() + 2 * HOUR + 60
    a.set_clock(0)
    a.wait_log("the system clock agrees again")
