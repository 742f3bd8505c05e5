# SPDX-License-Identifier: MIT
"""Metrics, health and readiness over HTTP."""
import socket
import subprocess

import pytest

from frames import DISCOVER, NAK, OFFER
from lab import wait_until
from matrix import both_stores
from server import Server, build_dir


@pytest.mark.needs("promtool")
@both_stores
def test_promtool_accepts_the_metrics(here, client):
    client.dora()
    client.renew()
    done = here.server_ns.run("promtool", "check", "metrics", input=here.server.metrics().text)
    assert done.returncode == 0, done.stdout + done.stderr


@both_stores
def test_metrics_count_what_happened(here):
    one, two = here.client(), here.client()
    one.dora()
    two.dora()
    one.renew()
    two.reboot("10.9.9.9", kinds=(NAK,))
    one.release()
    here.canary().dora()
    # What was just sent is about to be counted; what was just released, to be stored.
    here.server.wait_metric("reply_seconds_count", lambda count: count >= 3, path="store")
    here.server.wait_metric("replies_total", lambda count: count >= 4, type="ack")
    here.server.wait_metric("leases", lambda count: count == 2, network="lab", state="bound")
    metrics = here.server.metrics()
    for kind, count in (("discover", 3), ("request", 5), ("release", 1)):
        assert metrics.sum("requests_total", type=kind) == count, kind
    for kind, count in (("offer", 3), ("ack", 4), ("nak", 1)):
        assert metrics.sum("replies_total", type=kind) == count, kind
    assert metrics.sum("leases", network="lab", state="bound") == 2
    assert metrics.sum("commit_batch_size_count") >= 2
    assert metrics.sum("commit_seconds_count") >= 2
    assert metrics.sum("reply_seconds_count", path="memory") >= 2
    assert metrics.sum("reply_seconds_count", path="store") >= 3
    assert metrics.sum("store_connected") == 1
    assert metrics.sum("store_staleness_seconds") < 60


def test_pool_metrics_add_up(here):
    for _ in range(5):
        here.client().dora()
    wait_until(lambda: here.server.metrics().sum("leases", state="bound") == 5, "counted")
    metrics = here.server.metrics()
    states = metrics.labels("pool_addresses", "state")
    free = metrics.sum("pool_addresses", network="lab", state="free")
    assert free == 85, states


def test_every_family_has_help_and_prefix(here):
    text = here.server.metrics().text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    helped = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert families and sorted(families) == sorted(helped)
    assert len(set(families)) == len(families), "a family given twice"
    assert all(name.startswith(("etcdhcp_", "process_")) for name in families)


def test_health_and_readiness(here):
    assert here.server.get("/healthz")[0] == 200
    assert here.server.get("/readyz")[0] == 200


def test_readiness_names_what_is_wrong(make_place):
    place = make_place(store="etcd", patience="3s")
    server = place.start()
    place.etcd.kill()
    wait_until(lambda: server.status("/readyz") == 503, "not ready")
    assert server.get("/readyz")[1].strip()
    assert server.status("/healthz") == 200
    place.etcd.start()
    server.wait_ready()


def test_other_paths_and_methods(here):
    assert here.server.get("/nonsense")[0] == 404
    assert here.server.get("/metrics", method="POST")[0] == 405


def test_metrics_can_be_turned_off(make_place):
    place = make_place()
    config = place.configuration(server={"metrics": "off"})
    server = Server(place.server_ns, place.directory, config).start(ready=False)
    client = place.client()
    client.insist(lambda: client.say(DISCOVER), OFFER, "serves")
    assert server.get("/metrics") == (0, "")
    server.stop()


def test_hostile_http_clients_do_not_stop_service(here, client):
    """Connections that say nothing or nonsense."""
    socks = []
    for text in [b"", b"GET /metrics HTTP/1.1\r\n", b"\xff" * 4000, b"GET " + b"/" * 60000] * 8:
        sock = here.server_ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.connect(("127.0.0.1", 9842))
        try:
            sock.sendall(text)
        except OSError:
            pass
        socks.append(sock)
    assert client.dora()
    for sock in socks:
        sock.close()
    wait_until(lambda: here.server.status("/healthz") == 200, "still answers")


STATES = ("free", "due", "held", "reserved")


@pytest.mark.plain
@both_stores
def test_pool_numbers_add_up_in_every_scrape(make_place, xdp, store, tmp_path):
    """While leases come, are released, run out and are deleted; reserved addresses are in it."""
    place = make_place(xdp=xdp, store=store)
    place.start(network={"lease-time": "2s", "min-lease-time": "1s", "rest-time": "1s"},
                subnet={"pools": ["10.6.0.10-10.6.0.250"]})
    load = place.client_ns.popen(
        build_dir() / "bench" / "perf" / "etcdhcp-perf", "-i", "cli0", "--socket", "-q",
        "-n", 200, "-r", 400, "-d", 4, "--repeat", "--mix", "dora=2,release=1,renew=1", "mix",
        stdout=open(tmp_path / "perf.log", "wb"), stderr=subprocess.STDOUT)
    seen = {state: set() for state in STATES}
    while load.poll() is None:
        page = place.server.metrics()
        by_state = {state: page.sum("pool_addresses", network="lab", state=state)
                    for state in STATES}
        assert sum(by_state.values()) == page.sum("pool_size", network="lab") == 241, by_state
        for state, count in by_state.items():
            seen[state].add(count)
    assert page.labels("pool_addresses", "state") == set(STATES)
    assert len(seen["held"]) > 3 and len(seen["free"]) > 3, seen
    assert seen["reserved"] == {1.0}
    place.server.wait_metric("pool_addresses", lambda count: count == 240, state="free")
