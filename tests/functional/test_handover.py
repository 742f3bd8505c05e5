# SPDX-License-Identifier: MIT
"""Stopping, dying and coming back, with every request accounted for."""
import signal
import time

import pytest

import load as load_module
from frames import ACK
from lab import SLOWNESS, wait_until
from load import RenewalLoad
from matrix import both_stores, native_and_off
from test_share import SERVERS, lease, left, settle_with_second, wait_shared


@pytest.fixture
def lossy_load(monkeypatch):
    """RenewalLoads go on sending however many renewals are lost."""
    monkeypatch.setattr(load_module, "MOST_UNANSWERED", 1 << 20)


@native_and_off
@both_stores
def test_what_was_received_before_the_end_is_answered(here, lossy_load):
    """What is lost was sent later than everything that was answered."""
    clients = [here.client() for _ in range(20)]
    for client in clients:
        client.dora()
    load = RenewalLoad(here.link, clients, rate=2000).start()
    load.wait_answered(500)
    here.server.stop()
    lost = load.finish(timeout=0.5)
    answered = [xid in load.acked for xid in load.sent]
    assert answered.index(False) == len(answered) - lost
    assert not load.refused


@native_and_off
@both_stores
@pytest.mark.parametrize("planned", [True, False], ids=["stopped", "killed"])
def test_renewals_are_answered_as_soon_as_the_server_is_back(here, lossy_load, figure, planned):
    clients = [here.client() for _ in range(20)]
    for client in clients:
        client.dora()
    load = RenewalLoad(here.link, clients, rate=1000).start()
    load.wait_answered(200)
    if planned:
        here.server.stop()
    else:
        here.server.kill()
    here.server.start()
    ready = time.monotonic()
    load.wait_answered(200)
    load.finish(timeout=0.5)
    late = [xid for xid, sent in load.sent.items() if sent > ready and xid not in load.acked]
    assert not late, f"{len(late)} renewals lost after the server was ready"
    assert not load.refused
    unanswered = [sent for xid, sent in load.sent.items() if xid not in load.acked]
    figure(f"{here.xdp} {here.kind} {'stopped' if planned else 'killed'} and started again: renewals of "
           f"{1000 * (max(unanswered) - min(unanswered)) if unanswered else 0:.0f} ms lost")


@native_and_off
@pytest.mark.needs("etcd")
def test_requests_wait_while_the_mirror_is_loaded(make_place, xdp):
    """Its clients ask while a server starts, and are answered when it knows their leases."""
    place = make_place(xdp=xdp, store="etcd")
    server = place.start()
    clients = [place.client() for _ in range(20)]
    for client in clients:
        client.dora()
    server.stop()
    place.etcd.pause()
    server.start(ready=False)
    wait_until(lambda: server.status("/healthz") == 200, "it has its interfaces")
    asked = [(client, client.say_renew()) for client in clients]
    place.etcd.resume()
    for client, xid in asked:
        assert client.answer(xid, ACK).yiaddr == client.address


@pytest.fixture
def campus(make_campus):
    made = make_campus(servers=2)
    made.start(subnet={"subnet": "10.6.0.0/22", "pools": ["10.6.1.0-10.6.3.240"]})
    wait_shared(made)
    return made


@pytest.mark.needs("etcd", "etcdctl")
def test_planned_stop_of_one_of_two_loses_no_rebinding_client(campus):
    """Each asks once: before, while or after the first server stops, somebody answers."""
    clients = [campus.client() for _ in range(400)]
    for client in clients:
        lease(client)
    wait_until(lambda: all(server.metrics().sum("leases", state="bound") == len(clients) + 1
                           for server in campus.servers), "mirrored")
    stopping, asked = campus.servers[0].process, {}
    for number, client in enumerate(clients):
        asked[client] = client.say_rebind()
        if number == len(clients) // 8:
            stopping.send_signal(signal.SIGTERM)
        time.sleep(0.001 * SLOWNESS)
    assert campus.servers[0].wait_exit() == 0
    settle_with_second(campus)
    replies = {client: campus.link.pending(lambda each, client=client, xid=xid:
                                           client.is_mine(each, xid))
               for client, xid in asked.items()}
    unheard = [client for client, got in replies.items() if not got]
    assert not unheard, f"{len(unheard)} of {len(clients)} heard nothing"
    assert any(len(got) == 2 for got in replies.values()), "it went before the other took over"
    assert {reply.check().type for got in replies.values() for reply in got} == {ACK}
    assert {reply.server for got in replies.values() for reply in got} == set(SERVERS)
    assert all(reply.yiaddr == client.address for client, got in replies.items() for reply in got)


@pytest.mark.needs("etcd", "etcdctl")
def test_clients_of_a_stopped_server_keep_their_leases_with_the_other(campus):
    """RENEWING goes unheard, REBINDING is answered at the first try."""
    clients = [campus.client() for _ in range(24)]
    for client in clients:
        lease(client)
    theirs = [client for client in clients if client.server == SERVERS[0]]
    campus.servers[0].stop()
    for client in theirs:
        address = client.address
        unheard = client.say_renew()
        assert client.rebind().yiaddr == address
        assert not campus.link.pending(lambda each, xid=unheard: each.xid == xid)
        assert client.server == SERVERS[1]
        assert client.renew().yiaddr == address
    assert theirs
    before = left(campus.servers[1])
    campus.servers[0].start()
    wait_shared(campus)
    assert left(campus.servers[1]) > before
    rebound = [client for client in theirs if client.answer(client.say_rebind(), ACK).server == SERVERS[0]]
    assert rebound == theirs
