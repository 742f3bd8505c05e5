# SPDX-License-Identifier: MIT
"""A guest on the interface: other traffic and other programs are left alone, in life and in death."""
import os
import signal

import pytest

from bpf import ForeignProgram
from dhcp_client import Client
from frames import ACK, DISCOVER, Link
from lab import wait_until
from matrix import all_modes, native, native_and_off
from place import POOL, SERVER
from server import Server

RING = 4096   # frames that an AF_XDP socket of the server holds
RUSH = 5000   # more than that
BURST = 64    # what may be under way between the program and the ring

pytestmark = pytest.mark.needs("bpftool", "ping")


def ping(here):
    done = here.client_ns.run("ping", "-c", 1, "-W", 20, "-n", SERVER)
    return done.returncode == 0


def has_program(here):
    return "xdp" in here.server_ns.ip("link", "show", "srv0")


@all_modes
def test_other_traffic_passes_in_life_and_after_death(here, client, xdp):
    here.client_ns.address("cli0", "10.6.0.240/24")
    client.dora()
    assert ping(here), "while the server runs"
    assert has_program(here) == (xdp != "off")
    here.server.process.send_signal(19)
    assert ping(here), "while the server is stuck"
    here.server.kill()
    wait_until(lambda: not has_program(here), "the program is gone with its process")
    assert ping(here), "after the server was killed"


@all_modes
def test_what_xdp_takes_is_not_seen_twice(here, client):
    """The packet socket beside the program does not answer again."""
    client.dora()
    here.canary().dora()
    assert not here.link.pending(lambda reply: reply.mac == client.mac)
    assert here.server.metrics().sum("requests_total", type="request") == 2


@native
def test_replies_come_through_the_xdp_port(here, client):
    client.dora()
    metrics = here.server.metrics()
    kinds = metrics.labels("port_rx_frames_total", "kind")
    assert any(kind.startswith("xdp") for kind in kinds)
    taken = sum(metrics.sum("port_rx_frames_total", kind=kind)
                for kind in kinds if kind.startswith("xdp"))
    assert taken == 2
    assert metrics.sum("xdp_verdicts_total", reason="steered", interface="srv0") == 2


@native
def test_a_rush_of_discovers_leaves_room_for_renewals(here):
    """While the server gets nowhere its ring fills: half of it with DISCOVERs, not more."""
    bound = [here.client() for _ in range(20)]
    for client in bound:
        client.dora()
    before = here.server.metrics()
    newcomer = here.client()
    here.server.process.send_signal(signal.SIGSTOP)
    for _ in range(RUSH):
        newcomer.say(DISCOVER)
    renewals = [client.say_renew() for client in bound]
    here.server.process.send_signal(signal.SIGCONT)
    for client, xid in zip(bound, renewals):
        assert client.answer(xid, ACK).yiaddr == client.address
    after = here.server.metrics()
    steered, shed = (after.sum("xdp_verdicts_total", reason=reason) -
                     before.sum("xdp_verdicts_total", reason=reason)
                     for reason in ("steered", "shed"))
    assert steered + shed == RUSH + len(renewals)
    assert shed >= RUSH - RING / 2 - BURST
    assert here.client().dora().yiaddr in POOL, "when the ring is empty DISCOVERs are heard"


@native
def test_every_queue_is_served(make_place, xdp):
    """The veth pair maps each sender's queue to a receiver's; four of them, any of which works."""
    place = make_place(xdp=xdp, queues=2)
    place.start()
    queues = place.server.metrics().labels("port_rx_frames_total", "queue")
    assert {"0", "1"} <= queues
    available = sorted(os.sched_getaffinity(0))
    try:
        for cpu in available:
            os.sched_setaffinity(0, {cpu})
            assert place.client().dora().yiaddr in POOL
    finally:
        os.sched_setaffinity(0, available)


@native_and_off
def test_request_routed_through_to_another_server_is_left_alone(here):
    """Unicast to another address: this machine is a router for it, no more."""
    beyond = here.lab.namespace("beyond")
    here.lab.wire(here.server_ns, "srv1", beyond, "far0")
    here.server_ns.address("srv1", "10.8.0.1/24")
    here.server_ns.sysctl("net.ipv4.ip_forward", 1)
    here.server_ns.sysctl("net.ipv4.conf.all.rp_filter", 0)
    far = Link(beyond, "far0")
    here.server_ns.ip("neighbour", "add", "10.8.0.2", "lladdr", far.mac, "dev", "srv1")
    client = here.client()
    xid = client.say(DISCOVER, src="10.6.0.200", dst="10.8.0.2", dst_mac=here.server_mac)

    def arrived():
        far.pending(lambda _: False)
        return any(xid.to_bytes(4, "big") in frame for frame in far.others)
    wait_until(arrived, "the request goes on to the other server")
    client.expect_silence(xid, here.canary())


@native_and_off
def test_replies_to_a_relay_agent_on_this_machine_are_left_alone(here):
    """BOOTREPLY to port 67 of our own address is not a request."""
    agent = here.client()
    payload, _ = agent.message(2, op=2)
    agent.send(payload, src="10.6.0.9", dst=SERVER, dst_mac=here.server_mac, sport=67)
    assert here.canary().dora()
    assert here.server.metrics().sum("requests_total", type="discover") == 1


@native_and_off
def test_frames_for_other_stations_are_not_answered(here, client, xdp):
    """A switch floods what it does not know; the address says that it is not for us."""
    payload, xid = client.message(DISCOVER)
    client.send(payload, dst="10.6.0.77", dst_mac="02:99:99:99:99:99")
    client.expect_silence(xid, here.canary())


@native
@pytest.mark.parametrize("how", ["link", "netlink"])
def test_foreign_program_is_not_evicted(make_place, xdp, how):
    """The server joins it or says why it cannot; either way the other program stays at work."""
    place = make_place(xdp=xdp)
    foreign = ForeignProgram(place.server_ns, "srv0", how)
    assert foreign.is_attached()
    server = Server(place.server_ns, place.directory, place.configuration())
    server.start(ready=False)
    wait_until(lambda: server.process.poll() is not None or server.status("/readyz") == 200,
               "refused or served")
    if server.process.poll() is None:
        assert place.client().dora().yiaddr in POOL
        server.stop()
    else:
        assert server.process.returncode == 1
        assert "srv0" in server.log() and "program" in server.log()
        server.process = None
    assert foreign.is_attached()
    server.write_config(place.configuration(server={"xdp": "off"}))
    server.start()
    assert Client(place.link).dora().yiaddr in POOL
    assert foreign.is_attached()


def test_interface_address_added_later_is_served(here, client):
    """A renewal sent to a second address of the interface is taken as ours once it exists."""
    client.dora()
    here.server_ns.address("srv0", "10.6.0.8/24")
    client.insist(lambda: client.say_renew(dst="10.6.0.8"), ACK, "served at the new address")


def test_link_down_and_up_again(here, client):
    client.dora()
    here.server_ns.ip("link", "set", "srv0", "down")
    here.server_ns.ip("link", "set", "srv0", "up")
    here.server_ns.wait_carrier("srv0")
    here.client_ns.wait_carrier("cli0")
    assert client.renew().yiaddr == client.address
