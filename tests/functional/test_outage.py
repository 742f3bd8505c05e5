# SPDX-License-Identifier: MIT
"""An outage of etcd as clients see it: every grant is held against the record that was committed before."""
import time

import pytest

from dhcp_client import Client
from frames import ACK, DISCOVER, INFORM, OFFER
from lab import wait_until

pytestmark = pytest.mark.needs("etcd", "etcdctl")
LEASE = 6
TIMES = {"lease-time": f"{LEASE}s", "min-lease-time": "1s"}


@pytest.fixture
def place(make_place, xdp):
    made = make_place(xdp=xdp, store="etcd", patience="1s")
    made.start(network=TIMES)
    return made


@pytest.fixture
def clients(place):
    """Bound for as long as their records say."""
    bound = [place.client() for _ in range(5)]
    for client in bound:
        client.dora()
        client.hold_until = place.record(client.address).hold_until
    return bound


def renew(client, say):
    """The time granted or None; the server's answer to an INFORM proves that it was silent before."""
    before, xid = time.time(), say()
    client.answer(client.say(INFORM, ciaddr=client.address, src=client.address), ACK)
    replies = client.link.pending(lambda each: client.is_mine(each, xid))
    client.link.forget()
    if not replies:
        return None
    assert replies[0].check().type == ACK
    assert before + replies[0].lease_time <= client.hold_until, "more than is committed"
    return replies[0].lease_time


def renew_all(clients, grants):
    """One round, in RENEWING and REBINDING in turn; whether anybody is still granted something."""
    for client in clients:
        rebinding = len(grants[client]) % 2
        grants[client].append(renew(client, client.say_rebind if rebinding else client.say_renew))
    return any(grants[client][-1] for client in clients)


def replies(place, kind):
    return place.server.metrics().sum("replies_total", type=kind)


def test_renewals_go_on_as_long_as_is_committed(place, clients, figure):
    """First with full times, then with shrinking ones, then silence; newcomers hear nothing at all."""
    offers, process = replies(place, "offer"), place.server.process
    place.etcd.kill()
    grants = {client: [] for client in clients}
    newcomers = []
    while renew_all(clients, grants):
        newcomers += [place.client(), Client(place.link, clients[0].mac)]
        newcomers[-2].say(DISCOVER)
        newcomers[-1].say_reboot(clients[0].address)
    for client in clients:
        granted = [each for each in grants[client] if each]
        assert granted[0] == LEASE and set(granted) > {LEASE, LEASE - 2, 2}
        assert granted == sorted(granted, reverse=True)
        assert None not in grants[client][:len(granted)], "silent, then granted again"
        assert client.hold_until - time.time() < 2
    assert replies(place, "nak") == 0 and replies(place, "offer") == offers
    renewals = sum(map(len, grants.values()))
    figure(f"etcd away for {LEASE} s leases: {renewals} renewals, none granted beyond its record")

    place.etcd.start()
    back = time.monotonic()
    newcomer = place.client()
    newcomer.insist(lambda: newcomer.say(DISCOVER), OFFER, "new clients are served again")
    figure(f"etcd back: offers again after {1000 * (time.monotonic() - back):.0f} ms")
    for client in clients:
        ack = client.insist(client.say_renew, ACK, "and so are old ones")
        assert ack.lease_time == LEASE and ack.yiaddr == client.address
    assert place.server.process is process and process.poll() is None


def test_holds_are_extended_when_etcd_is_back(place, clients):
    """Before they ran out: grants are full again, and the records with them."""
    place.etcd.kill()
    grants = {client: [] for client in clients}

    def shrinking():
        assert renew_all(clients, grants)
        return all(grants[client][-1] < LEASE for client in clients)
    wait_until(shrinking, "grants shrink")
    former = {client: client.hold_until for client in clients}
    place.etcd.start()
    for client in clients:
        client.hold_until = float("inf")
        wait_until(lambda client=client: renew(client, client.say_renew) == LEASE, "full grants again")
        record = place.record(client.address)
        assert record.state == "BOUND" and record.hold_until > former[client]
    assert replies(place, "nak") == 0
