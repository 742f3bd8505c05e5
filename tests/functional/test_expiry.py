# SPDX-License-Identifier: MIT
"""Records that are over leave the store, and whoever watches sees the devices leave."""
import threading
import time

import pytest

from lab import wait_until
from place import NETWORK

pytestmark = pytest.mark.needs("etcd", "etcdctl")

TIMES = {"lease-time": "2s", "min-lease-time": "1s", "horizon": 2.0, "rest-time": "1s",
         "decline-time": "3s"}


class Watch:
    """`etcdctl watch` below a prefix: what changed, in order, as (PUT or DELETE, key)."""

    def __init__(self, etcd, prefix):
        self.events = []
        self.process = etcd.namespace.popen(
            "env", "ETCDCTL_API=3", "etcdctl", "--endpoints", etcd.url, "watch", "--prefix", prefix,
            stdout=-1, text=True, errors="replace")
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        # It says nothing when it is set up: a key of our own, put until it shows, does.
        def seen():
            etcd.put(prefix + "watching", "1")
            return self.events
        wait_until(seen, "the watch is set up", interval=0.1)
        etcd.delete(prefix + "watching")

    def _read(self):
        kind = None
        for line in self.process.stdout:
            line = line.strip()
            if line in ("PUT", "DELETE"):
                kind = line
            elif kind and line.startswith("/"):  # values may be anything
                self.events.append((kind, line, time.time()))
                kind = None

    def of(self, key):
        return [kind for kind, each, _ in self.events if each == key]

    def when(self, kind, key):
        return next(at for each, name, at in self.events if (each, name) == (kind, key))


def client_key(client):
    return f"/etcdhcp/clients/4/{NETWORK}/mac:{client.mac}"


def lease_key(address):
    return f"/etcdhcp/leases/4/{NETWORK}/{address}"


@pytest.fixture
def brief(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd")
    place.start(network=TIMES)
    return place


def test_watching_clients_shows_devices_come_and_go(brief):
    """One that just leaves, one that releases, one that declines; and one that stays."""
    watch = Watch(brief.etcd, f"/etcdhcp/clients/4/{NETWORK}/")
    leases = Watch(brief.etcd, f"/etcdhcp/leases/4/{NETWORK}/")
    silent, released, declined, stays = (brief.client() for _ in range(4))
    for client in (silent, released, declined, stays):
        client.dora()
    addresses = [client.address for client in (silent, released, declined)]
    held_until = brief.record(silent.address).hold_until
    released.release()
    declined.decline()
    probation = wait_until(lambda: brief.record(declined.address).state == "DECLINED" and
                           brief.record(declined.address).hold_until, "declined")

    def all_gone():
        stays.renew()
        return all(leases.of(lease_key(address))[-1:] == ["DELETE"] for address in addresses)
    wait_until(all_gone, "what is over is deleted", 60.0, 0.2)
    # In the same transactions, but told by another process.
    wait_until(lambda: all(watch.of(client_key(client)) == ["PUT", "DELETE"]
                           for client in (silent, released, declined)), "devices come and go")
    assert watch.of(client_key(stays)) == ["PUT"]
    assert leases.of(lease_key(stays.address))[-1] == "PUT"
    assert watch.when("DELETE", client_key(silent)) > held_until
    assert leases.when("DELETE", lease_key(declined.address)) > probation
    assert brief.server.metrics().sum("store_expired_total") == 3
    assert brief.server.metrics().sum("leases", network=NETWORK) == 1


def test_a_survivor_deletes_what_the_dead_server_bound(make_campus):
    campus = make_campus(servers=2)
    campus.start(network=TIMES, server={"load-sharing": "off"})
    clients = [campus.client() for _ in range(8)]
    for number, client in enumerate(clients):
        offer = client.discover(server=None)
        client.select(offer, server=f"10.6.0.{1 + number % 2}")
    assert campus.etcd.keys(f"/etcdhcp/clients/4/{NETWORK}/")
    campus.servers[0].kill()
    wait_until(lambda: not campus.etcd.keys(f"/etcdhcp/clients/4/{NETWORK}/") and
               not campus.etcd.keys(f"/etcdhcp/leases/4/{NETWORK}/"),
               "the survivor has deleted all of them", 60.0, 0.2)
    for client in clients:  # and they can be had again
        xid = client.say_reboot()
        client.expect_silence(xid, wait=0.2)


def test_etcdctl_revokes_by_a_reservation(make_place, xdp):
    """As the manual says: the device loses the address, nobody gets it, and then it is free again."""
    place = make_place(xdp=xdp, store="etcd")
    place.start(subnet={"pools": ["10.6.0.10-10.6.0.11"]})
    client, other = place.client(), place.client()
    address = client.dora().yiaddr
    key = f"/etcdhcp/reservations/4/{NETWORK}/mac:02:00:00:ff:00:01"
    place.etcd.put(key, address)

    def refused():
        return client.answer(client.say_renew(ciaddr=address, src=address), 5, 6).type == 6
    wait_until(refused, "the renewal is refused")
    assert client.dora().yiaddr != address
    xid = other.say(1)
    other.expect_silence(xid, wait=0.3)
    assert place.record(address).hold_until > time.time() + 3600


def test_deleting_a_lease_frees_it_at_once(make_place, xdp):
    """What the manual warns of: the address is free while its device uses it."""
    place = make_place(xdp=xdp, store="etcd")
    place.start(subnet={"pools": ["10.6.0.10-10.6.0.10"]})
    client, other = place.client(), place.client()
    address = client.dora().yiaddr
    place.etcd.delete(lease_key(address))
    place.server.wait_metric("leases", lambda count: count == 0, state="bound")
    assert client.renew().yiaddr == address  # nobody had taken it
    assert place.etcd.get(client_key(client)) == address.encode()
    place.etcd.delete(lease_key(address))
    place.server.wait_metric("leases", lambda count: count == 0, state="bound")
    assert other.dora().yiaddr == address
    assert client.renew(kinds=(6,)).type == 6
