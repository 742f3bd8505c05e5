# SPDX-License-Identifier: MIT
"""Real clients and a real relay agent through the whole life of a lease."""
import pytest

from clients import Dhclient, Dhcrelay, Udhcpc
from dhcp_client import Client
from frames import NAK, Link
from lab import wait_until
from matrix import all_modes, native_and_off
from place import POOL, configuration
from server import Server

pytestmark = [pytest.mark.needs("udhcpc", "dhclient", "dhcrelay")]


@all_modes
def test_udhcpc_gets_renews_and_releases(here):
    udhcpc = Udhcpc(here.client_ns, "cli0", here.directory).start()
    bound = udhcpc.bound()
    assert bound.address in POOL and bound.values["server"] == "10.6.0.1"
    assert bound.values["lease"] == "3600" and bound.values["router"] == "10.6.0.1"
    assert bound.values["domain"] == "example.net"
    assert udhcpc.renew().address == bound.address
    udhcpc.release()
    here.server.wait_metric("requests_total", lambda count: count >= 1, type="release")
    udhcpc.end()


def test_udhcpc_rebinds(make_place, xdp):
    """With under two minutes left udhcpc broadcasts at once instead of asking its server."""
    place = make_place(xdp=xdp)
    place.start(network={"lease-time": 60})
    udhcpc = Udhcpc(place.client_ns, "cli0", place.directory).start()
    address = udhcpc.bound().address
    assert udhcpc.renew().address == address
    assert place.server.metrics().sum("replies_total", type="nak") == 0


def test_udhcpc_declines_an_address_in_use(make_campus, xdp):
    """A squatter answers ARP for the pool's first pick: the client declines and gets another."""
    campus = make_campus(servers=1, xdp=xdp)
    server, = campus.start()
    taken = campus.client()
    address = taken.dora().yiaddr
    taken.release()
    squatter = campus.lab.namespace("squatter")
    campus.lab.plug(squatter, "sq0", campus.link_switch)
    squatter.ip("address", "add", f"{address}/24", "dev", "sq0")

    udhcpc = Udhcpc(campus.client_ns, "cli0", campus.directory)
    udhcpc.start("-a", "-r", address)
    got = udhcpc.bound().address
    assert got in POOL and got != address
    state = "DECLINED" if server.metrics().sum("requests_total", type="decline") else "RELEASED"
    wait_until(lambda: campus.etcd.lease("lab", address).state == state, state)


def test_dhclient_gets_renews_reboots_and_releases(make_place, xdp):
    place = make_place(xdp=xdp)
    server = place.start(network={"lease-time": 12, "min-lease-time": 4, "t1": 0.25, "t2": 0.9})
    dhclient = Dhclient(place.client_ns, "cli0", place.directory).start()
    address = dhclient.bound().address
    assert address in POOL
    assert dhclient.wait_event("RENEW").address == address
    dhclient.end()

    seen = len(dhclient.events())
    again = Dhclient(place.client_ns, "cli0", place.directory).start()
    assert again.wait_event("REBOOT", after=seen).address == address
    again.release()
    server.wait_metric("requests_total", lambda count: count >= 1, type="release")


def test_dhclient_rebinds(make_place, xdp):
    """T1 and T2 fall together, so the client asks everybody."""
    place = make_place(xdp=xdp)
    place.start(network={"lease-time": 12, "min-lease-time": 4, "t1": 0.2, "t2": 0.25})
    place.server_ns.ip("address", "add", "10.6.0.5/24", "dev", "srv0")
    dhclient = Dhclient(place.client_ns, "cli0", place.directory).start()
    address = dhclient.bound().address
    assert dhclient.wait_event("RENEW", "REBIND").address == address


def test_dhclient_declines(make_place, xdp):
    """Its script refuses the first address; the server sets that one aside."""
    place = make_place(xdp=xdp, store="etcd")
    server = place.start()
    dhclient = Dhclient(place.client_ns, "cli0", place.directory)
    dhclient.accept(status=1)
    dhclient.start()
    refused = dhclient.wait_event("BOUND").address
    server.wait_metric("requests_total", lambda count: count >= 1, type="decline")
    dhclient.accept()
    wait_until(lambda: place.record(refused).state == "DECLINED", "the record says DECLINED")
    assert place.client().dora(requested=refused).yiaddr != refused


class RelayPlace:
    """client -- relay agent (dhcrelay, and a router) -- server."""

    def __init__(self, lab, directory, xdp):
        self.lab, self.directory = lab, directory
        self.server_ns, self.relay_ns, self.client_ns = \
            (lab.namespace(role) for role in ("server", "relay", "client"))
        lab.wire(self.server_ns, "srv0", self.relay_ns, "up0")
        lab.wire(self.relay_ns, "down0", self.client_ns, "cli0")
        self.server_ns.address("srv0", "10.6.0.1/24")
        self.relay_ns.address("up0", "10.6.0.5/24")
        self.relay_ns.address("down0", "10.7.0.1/24")
        self.relay_ns.sysctl("net.ipv4.ip_forward", 1)
        self.server_ns.ip("route", "add", "10.7.0.0/24", "via", "10.6.0.5")
        config = configuration(
            xdp=xdp, store={"embedded": {"path": str(directory / "leases"), "map-size": "1G"}},
            more_subnets=[{"subnet": "10.7.0.0/24", "pools": ["10.7.0.10-10.7.0.99"],
                           "options": {"routers": ["10.7.0.1"]}}])
        self.server = Server(self.server_ns, directory, config).start()
        self.relay = Dhcrelay(self.relay_ns, "down0", "up0", "10.6.0.1", directory)


@pytest.fixture
def relayed(new_lab, tmp_path, xdp):
    return RelayPlace(new_lab, tmp_path, xdp)


@native_and_off
def test_udhcpc_through_dhcrelay(relayed):
    """Broadcasts go through the agent, the renewal is routed past it and finds its way back."""
    udhcpc = Udhcpc(relayed.client_ns, "cli0", relayed.directory).start()
    bound = udhcpc.bound()
    assert bound.address.startswith("10.7.0.") and bound.values["server"] == "10.6.0.1"
    assert udhcpc.renew().address == bound.address
    udhcpc.release()
    relayed.server.wait_metric("requests_total", lambda count: count >= 1, type="release")


def test_dhclient_through_dhcrelay_reboots(relayed):
    dhclient = Dhclient(relayed.client_ns, "cli0", relayed.directory).start()
    address = dhclient.bound().address
    assert address.startswith("10.7.0.")
    dhclient.end()
    seen = len(dhclient.events())
    again = Dhclient(relayed.client_ns, "cli0", relayed.directory).start()
    assert again.wait_event("REBOOT", after=seen).address == address


def test_nak_through_dhcrelay_reaches_a_client_without_address(relayed):
    """The agent must broadcast it: the client has no address (RFC 2131 section 4.3.2)."""
    client = Client(Link(relayed.client_ns, "cli0"))
    nak = client.link.wait(lambda reply, xid=client.say_reboot("10.9.9.9"):
                           client.is_mine(reply, xid), "NAK")
    assert nak.type == NAK and nak.dst_mac == "ff:ff:ff:ff:ff:ff"
