# SPDX-License-Identifier: MIT
"""etcd as a real store: absent, late, stopped, deaf; what it holds and what operators put there."""
import time

import pytest

from dhcp_client import Client
from frames import ACK, DISCOVER, NAK, REQUEST, ROUTER, pack_ip
from lab import wait_until
from matrix import native_and_off
from place import NETWORK, POOL
from server import Server

pytestmark = pytest.mark.needs("etcd", "etcdctl")


@pytest.fixture
def store():
    return "etcd"


@pytest.fixture
def doubtful(make_place, xdp):
    """Where etcd is going to fail: the server does not wait for it for long."""
    place = make_place(xdp=xdp, store="etcd", patience="3s")
    place.start()
    return place


def test_records_in_etcd_are_as_documented(here, client):
    """Other programs read them: key, value and meaning are an interface."""
    before = int(time.time())
    ack = client.dora()
    record = here.record(ack.yiaddr)
    assert record.state == "BOUND" and record.hwaddr == client.mac and record.server == "lab-a"
    assert before + 7200 <= record.hold_until <= time.time() + 7200 + 10
    key = f"/etcdhcp/clients/4/{NETWORK}/mac:{client.mac}"
    assert here.etcd.get(key) == ack.yiaddr.encode()


def test_client_key_is_the_hex_of_option_61(here):
    client = here.client(client_id=b"\x00\xff=/")
    ack = client.dora()
    assert here.etcd.get(f"/etcdhcp/clients/4/{NETWORK}/id:00ff3d2f") == ack.yiaddr.encode()


def test_prefix_is_configurable(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.start(store={"etcd": {"endpoints": [place.etcd.url], "prefix": "/site-9/dhcp/"}})
    address = place.client().dora().yiaddr
    assert place.etcd.lease(NETWORK, address, "/site-9/dhcp/").state == "BOUND"
    assert not place.etcd.keys("/etcdhcp/")


def test_release_and_decline_are_recorded(here):
    released, declined = here.client(), here.client()
    gone, bad = released.dora().yiaddr, declined.dora().yiaddr
    promised = here.record(gone).hold_until
    released.release()
    declined.decline()
    wait_until(lambda: here.record(gone).state == "RELEASED", "RELEASED")
    wait_until(lambda: here.record(bad).state == "DECLINED", "DECLINED")
    assert here.record(gone).hold_until <= time.time() + 12
    assert here.record(gone).promised_until == promised  # for whoever has the address next
    assert here.record(bad).hold_until >= time.time() + 86000


def test_membership_is_published_and_withdrawn(here):
    wait_until(lambda: here.etcd.keys("/etcdhcp/servers/") == ["/etcdhcp/servers/lab-a"],
               "the server is a member")
    here.server.stop()
    assert here.etcd.keys("/etcdhcp/servers/") == []


def test_not_ready_without_etcd_and_serving_when_it_comes(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.server = server = Server(place.server_ns, place.directory, place.configuration())
    server.start(ready=False)
    wait_until(lambda: server.status("/healthz") == 200, "alive")
    status, why = server.get("/readyz")
    assert status == 503 and why.strip()
    client = place.client()
    client.expect_silence(client.say(DISCOVER))
    place.etcd.start()
    server.wait_ready()
    assert client.dora().yiaddr in POOL


@native_and_off
def test_renewals_are_answered_from_memory_while_etcd_is_down(doubtful):
    """And nobody gets an address that cannot be recorded, nor a NAK for it."""
    old = [doubtful.client() for _ in range(10)]
    for client in old:
        client.dora()
    doubtful.etcd.kill()
    for client in old:
        assert client.renew().lease_time == 3600
        assert client.rebind().yiaddr == client.address
    newcomer, rebooting = doubtful.client(), Client(doubtful.link, old[0].mac)
    offered = newcomer.say(DISCOVER)
    rebooted = rebooting.say_reboot(old[0].address)
    newcomer.expect_silence(offered, wait=2.5)
    rebooting.expect_silence(rebooted, wait=0.1)
    assert doubtful.server.metrics().sum("replies_total", type="nak") == 0
    wait_until(lambda: doubtful.server.metrics().sum("store_connected") == 0, "seen as down")

    doubtful.etcd.start()
    doubtful.server.wait_ready()
    wait_until(lambda: doubtful.server.metrics().sum("store_connected") == 1, "seen as back")
    doubtful.wait_serving()
    assert newcomer.dora().yiaddr not in {client.address for client in old}
    for client in old:
        assert client.reboot().yiaddr == client.address


def test_no_nak_when_the_store_does_not_answer_in_time(doubtful):
    """Connections stay open and nothing comes back: silence for whatever needs the store."""
    owner = doubtful.client()
    address = owner.dora().yiaddr
    offered = doubtful.client()
    offer = offered.discover()
    doubtful.etcd.pause()
    stranger = doubtful.client()
    asked = [
        (offered, offered.say(REQUEST, requested=offer.yiaddr, server=offer.server)),
        (stranger, stranger.say_reboot(address)),
        (stranger, stranger.say(REQUEST, ciaddr=address, src=address)),
    ]
    doubtful.server.wait_metric("drops_total", lambda count: count >= 3, reason="store-unavailable")
    doubtful.etcd.resume()
    for client, xid in asked:
        assert not doubtful.link.pending(lambda reply, client=client, xid=xid:
                                     client.is_mine(reply, xid))
    assert doubtful.server.metrics().sum("replies_total", type="nak") == 0
    doubtful.wait_serving()
    assert owner.renew().yiaddr == address
    assert stranger.reboot(address, kinds=(NAK,)).type == NAK


def test_unknown_outcome_does_not_give_the_address_twice(doubtful):
    """etcd commits but cannot say so: the address counts as taken until a read clears it up."""
    client = doubtful.client()
    offer = client.discover()
    doubtful.etcd.pause()
    client.say(REQUEST, requested=offer.yiaddr, server=offer.server)
    doubtful.server.wait_metric("drops_total", lambda count: count >= 1, reason="store-unavailable")
    doubtful.etcd.resume()
    doubtful.wait_serving()
    other = doubtful.client()
    given = other.dora(requested=offer.yiaddr).yiaddr
    record = doubtful.record(offer.yiaddr)
    assert (given == offer.yiaddr) == (record is not None and record.hwaddr == other.mac)


def test_second_endpoint_serves_when_the_first_is_dead(make_place, xdp, store):
    place = make_place(xdp=xdp, store=store)
    place.start(store={"etcd": {"endpoints": ["http://127.0.0.1:2377", place.etcd.url],
                                "timeout": "10s", "ttl": "5s"}})
    assert place.client().dora().yiaddr in POOL


# What operators write

def reserve(here, client, address):
    here.etcd.put(f"/etcdhcp/reservations/4/{NETWORK}/mac:{client.mac}", address)


def test_reservation_by_etcdctl_takes_effect_at_once(here, client):
    seen = here.server.metrics().sum("leases")
    reserve(here, client, "10.6.0.177")
    wait_until(lambda: client.discover().yiaddr == "10.6.0.177", "the reserved address is offered")
    ack = client.dora()
    assert ack.yiaddr == "10.6.0.177" and ack.option(ROUTER) == pack_ip("10.6.0.1")
    assert seen == 0


def test_reservation_moves_a_client_that_holds_another_address(here, client):
    """Its renewal is refused by the configuration, and it comes back to the right one."""
    first = client.dora().yiaddr
    reserve(here, client, "10.6.0.178")
    nak = wait_until(lambda: client.answer(client.say_renew(ciaddr=first, src=first), ACK, NAK).type
                     == NAK, "the old address is refused")
    assert nak and client.dora().yiaddr == "10.6.0.178"


def test_reservation_withdrawn_is_forgotten(here, client):
    reserve(here, client, "10.6.0.179")
    wait_until(lambda: client.discover().yiaddr == "10.6.0.179", "reserved")
    here.etcd.delete(f"/etcdhcp/reservations/4/{NETWORK}/mac:{client.mac}")
    wait_until(lambda: here.client(mac=client.mac).discover().yiaddr in POOL, "no longer")


def test_malformed_reservation_harms_nobody(here, client):
    here.etcd.put(f"/etcdhcp/reservations/4/{NETWORK}/mac:{client.mac}", "not an address")
    here.etcd.put(f"/etcdhcp/reservations/4/{NETWORK}/rubbish", "10.6.0.44")
    here.etcd.put(f"/etcdhcp/leases/4/{NETWORK}/10.6.0.50", "rubbish")
    here.etcd.put(f"/etcdhcp/leases/4/{NETWORK}/999.1.1.1", "")
    assert client.dora().yiaddr in POOL
    here.server.wait_log("level=warn")


def test_an_address_with_an_unreadable_record_is_nobodys(here, client):
    """It may be promised to somebody: no offer, no ACK, no NAK, until it has been corrected or deleted."""
    key = f"/etcdhcp/leases/4/{NETWORK}/10.6.0.51"
    here.etcd.put(key, "rubbish")
    here.server.wait_log("entry in the store cannot be used.*10.6.0.51")
    assert here.client().discover(requested="10.6.0.51").yiaddr in set(POOL) - {"10.6.0.51"}
    assert client.dora(requested="10.6.0.52").yiaddr == "10.6.0.52"
    here.etcd.put(f"/etcdhcp/leases/4/{NETWORK}/10.6.0.52", "rubbish")
    here.server.wait_metric("leases", lambda value: value == 2, state="unreadable")
    for say in (client.say_renew, client.say_rebind, lambda: client.say_reboot("10.6.0.52")):
        xid = say()
        here.wait_serving()
        assert not here.link.pending(lambda each, xid=xid: client.is_mine(each, xid))
    assert here.client(mac=client.mac).dora().yiaddr in set(POOL) - {"10.6.0.51", "10.6.0.52"}
    here.etcd.delete(key)
    wait_until(lambda: here.client().discover(requested="10.6.0.51").yiaddr == "10.6.0.51", "free again")


def test_shared_configuration_is_applied_at_once(here, client):
    assert client.dora().option(ROUTER) == pack_ip("10.6.0.1")
    here.etcd.put("/etcdhcp/config/networks", """
networks:
  - name: lab
    lease-time: 1h
    subnets:
      - {subnet: 10.6.0.0/24, pools: [10.6.0.10-10.6.0.99], options: {routers: [10.6.0.254]}}
""")
    wait_until(lambda: client.renew().option(ROUTER) == pack_ip("10.6.0.254"), "the new router")


def test_wrong_shared_configuration_is_refused_whole(here, client):
    client.dora()
    here.etcd.put("/etcdhcp/config/networks", "networks: [{name: lab, subnets: oops}]")
    here.server.wait_log("level=(error|warn).*config/networks")
    assert client.renew().option(ROUTER) == pack_ip("10.6.0.1")
