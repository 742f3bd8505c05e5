# SPDX-License-Identifier: MIT
"""SIGHUP: the new configuration as a whole, or the old one as a whole; and not a request lost."""
from frames import DOMAIN_NAME, LEASE_TIME, NAK, ROUTER, pack_ip
from lab import wait_until
from load import RenewalLoad
from matrix import native_and_off
from place import POOL


def set_router(place, address, **parts):
    return place.configuration(**{"subnet": {"options": {"routers": [address]}}, **parts})


def reloaded(place, client, address):
    wait_until(lambda: client.renew().option(ROUTER) == pack_ip(address), f"router {address}")


@native_and_off
def test_reload_under_load_loses_no_request(here):
    clients = [here.client() for _ in range(20)]
    for client in clients:
        client.dora()
    load = RenewalLoad(here.link, clients).start()
    for turn in range(10):
        address = f"10.6.0.{turn % 2 + 101}"
        load.wait_answered(50)
        here.server.reload(set_router(here, address))
        reloaded(here, clients[0], address)
    load.wait_answered(50)
    assert (load.finish(), load.refused) == (0, [])


def test_bad_file_under_load_changes_nothing_and_says_so(here):
    clients = [here.client() for _ in range(20)]
    for client in clients:
        client.dora()
    load = RenewalLoad(here.link, clients).start()
    load.wait_answered(50)
    since = len(here.server.log())
    here.server.reload("networks: [{name: lab, subnets: [{subnet: 10.6.0.0/24, pools: [10.7.0.1]}]}]")
    here.server.wait_log(r"level=error.*server\.yaml:\d+", since=since)
    load.wait_answered(50)
    assert (load.finish(), load.refused) == (0, [])
    assert clients[0].renew().option(ROUTER) == pack_ip("10.6.0.1")
    assert here.server.status("/readyz") == 200


def test_missing_file_changes_nothing_and_says_so(here, client):
    client.dora()
    here.server.config_path.unlink()
    here.server.reload()
    here.server.wait_log("level=error.*No such file")
    assert client.renew().option(ROUTER) == pack_ip("10.6.0.1")


def test_key_that_needs_a_restart_is_refused_by_name(here, client):
    client.dora()
    config = set_router(here, "10.6.0.102", server={"id": "renamed"})
    here.server.reload(config)
    here.server.wait_log("level=error.*id")
    assert client.renew().option(ROUTER) == pack_ip("10.6.0.1")


def test_lease_time_and_options_change(here, client):
    client.dora()
    here.server.reload(here.configuration(
        network={"lease-time": 1200, "options": {"domain-name": "new.example"}}))
    wait_until(lambda: client.renew().option(DOMAIN_NAME) == b"new.example", "new options")
    assert client.renew().option(LEASE_TIME) == (1200).to_bytes(4, "big")


def test_new_subnet_and_pool_are_served(here):
    here.server.reload(here.configuration(
        subnet={"pools": ["10.6.0.10-10.6.0.99", "10.6.0.120-10.6.0.121"]},
        more_subnets=[{"subnet": "10.7.0.0/24", "pools": ["10.7.0.10-10.7.0.20"]}]))
    client = here.client(relay=here.relay())

    def served():
        xid = client.say(1)
        here.canary().dora()
        return here.link.pending(lambda reply: client.is_mine(reply, xid))
    wait_until(served, "the relay's subnet is known")
    assert client.dora().yiaddr.startswith("10.7.0.")
    assert here.client().dora(requested="10.6.0.121").yiaddr == "10.6.0.121"


def test_address_taken_from_the_pools_is_refused_at_renewal(here, client):
    client.dora(requested=POOL[50])
    here.server.reload(here.configuration(subnet={"pools": ["10.6.0.10-10.6.0.20"]}))

    def refused():
        xid = client.say_renew(ciaddr=POOL[50], src=POOL[50])
        return client.answer(xid, 5, NAK).type == NAK
    wait_until(refused, "the address is no longer given out")
    assert client.dora().yiaddr in POOL[:11]


def test_reservation_in_the_file_takes_effect(here, client):
    here.server.reload(here.configuration(
        reservations=[{"mac": client.mac, "address": "10.6.0.201"}]))
    wait_until(lambda: client.discover().yiaddr == "10.6.0.201", "reserved")
    assert client.dora().yiaddr == "10.6.0.201"


def test_leases_survive_many_reloads(here):
    clients = [here.client() for _ in range(10)]
    for client in clients:
        client.dora()
    for turn in range(20):
        here.server.reload(set_router(here, f"10.6.0.{turn + 101}"))
    reloaded(here, clients[0], "10.6.0.120")
    for client in clients:
        assert client.reboot().yiaddr == client.address
