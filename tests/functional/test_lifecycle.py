# SPDX-License-Identifier: MIT
"""Starting, stopping, dying, and what is refused at the start."""
import pathlib
import signal
import time

import pytest

from frames import ACK, REQUEST
from matrix import all_modes, both_stores, native_and_off
from place import POOL, configuration
from server import Server, run_once


@both_stores
@native_and_off
def test_stop_and_start_keep_the_leases(here, client):
    address = client.dora().yiaddr
    here.server.stop()
    here.server.start()
    assert client.renew().yiaddr == address
    assert client.reboot().yiaddr == address
    assert here.client().dora().yiaddr != address


@both_stores
@native_and_off
def test_kill_right_after_an_ack_keeps_the_lease(here):
    """Durable before promised: whoever has an ACK has a record."""
    clients = [here.client() for _ in range(8)]
    for client in clients[:-1]:
        client.dora()
    clients[-1].dora()
    here.server.kill()
    here.server.start()
    for client in clients:
        assert client.renew().yiaddr == client.address
    newcomer = here.client()
    assert newcomer.dora().yiaddr not in {client.address for client in clients}


def test_kill_while_many_are_served_forgets_no_ack(here):
    """Whatever was acknowledged at the moment of death is a lease afterwards."""
    clients = [here.client() for _ in range(40)]
    offers = [client.discover() for client in clients]
    for client, offer in zip(clients, offers):
        client.xid = client.say(REQUEST, requested=offer.yiaddr, server=offer.server)
    here.link.wait(lambda reply: reply.type == ACK, "a first ACK")
    here.server.kill()
    acked = {reply.mac: reply.yiaddr
             for reply in here.link.pending(lambda reply: reply.type == ACK)}
    here.server.start()
    for client, offer in zip(clients, offers):
        if client.mac in acked:
            assert client.reboot(acked[client.mac]).yiaddr == offer.yiaddr


@both_stores
def test_what_waited_while_the_server_was_stopped_takes_nothing_away(here, client):
    """The client may have gone on with another server meanwhile; who has no address is served."""
    address = client.dora().yiaddr
    other, newcomer = (each for each in POOL[-2:] if each != address)
    here.server.freeze()
    client.say(REQUEST, requested=other, server=client.server)
    client.release()
    fresh = here.client()
    xid = fresh.say(REQUEST, requested=newcomer, server=client.server)
    time.sleep(2.5)  # longer than what it takes for late
    here.server.thaw()
    assert fresh.answer(xid, ACK).yiaddr == newcomer
    here.server.wait_metric("store_overtaken_total", lambda count: count == 2)
    assert client.reboot(address).yiaddr == address


def test_stop_answers_what_was_received(here):
    """Requests already with the server when SIGTERM comes are not lost."""
    clients = [here.client() for _ in range(20)]
    offers = [client.discover() for client in clients]
    xids = [client.say(REQUEST, requested=offer.yiaddr, server=offer.server)
            for client, offer in zip(clients, offers)]
    here.server.wait_metric("requests_total", lambda count: count >= 20, type="request")
    here.server.stop()
    for client, xid in zip(clients, xids):
        assert client.answer(xid, ACK, timeout=1.0)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_clean_and_prompt(here, client, sign):
    client.dora()
    here.server.process.send_signal(sign)
    assert here.server.wait_exit() == 0
    here.server.process = None


def test_stop_is_prompt_while_etcd_is_deaf(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd", patience="3s")
    server = place.start()
    client = place.client()
    client.dora()
    place.etcd.pause()
    for _ in range(5):
        place.client().say(1)
    server.stop()
    place.etcd.resume()


@all_modes
def test_interface_is_as_before_after_a_stop(here, client):
    """Neither program nor sockets stay behind."""
    client.dora()
    here.server.stop()
    assert "xdp" not in here.server_ns.ip("link", "show", "srv0")
    here.server.start()
    assert client.renew().yiaddr == client.address


# Refusals

def test_version(new_lab, tmp_path):
    code, out, _ = run_once(new_lab.namespace("ns"), tmp_path, "--version")
    assert code == 0 and out.startswith("etcdhcpd ")


def test_help(new_lab, tmp_path):
    code, out, _ = run_once(new_lab.namespace("ns"), tmp_path, "--help")
    assert code == 0 and "--check-config" in out and "usage" in out.lower()


@pytest.mark.parametrize("args", [["--nonsense"], ["surplus"], ["-c"]])
def test_wrong_usage(new_lab, tmp_path, args):
    code, out, err = run_once(new_lab.namespace("ns"), tmp_path, *args)
    assert code == 2 and "usage" in err.lower() and out == ""


def test_check_config_accepts_a_good_file(make_place, tmp_path):
    place = make_place()
    code, out, err = run_once(place.server_ns, tmp_path, "--check-config", config=place.configuration())
    assert code == 0, err
    assert "ok" in out


def test_check_config_needs_neither_interface_nor_store(new_lab, tmp_path):
    config = configuration(store={"etcd": {"endpoints": ["http://192.0.2.1:2379"]}})
    code, _, err = run_once(new_lab.namespace("ns"), tmp_path, "--check-config", config=config)
    assert code == 0, err


def test_check_config_names_file_line_and_key(new_lab, tmp_path):
    text = "server:\n  interfaces: [{name: srv0}]\n  wrokers: 3\nnetworks: []\n"
    code, _, err = run_once(new_lab.namespace("ns"), tmp_path, "--check-config", config=text)
    assert code == 2
    assert "once.yaml:3: wrokers: " in err and "workers" in err


@pytest.mark.parametrize("path, text", [
    ("/nonexistent/etcdhcp.yaml", "No such file"),
    ("/", "/"),
])
def test_unreadable_configuration(new_lab, tmp_path, path, text):
    code, _, err = run_once(new_lab.namespace("ns"), tmp_path, "-c", path)
    assert code == 2 and text in err and path in err


def test_bad_configuration_does_not_start(make_place, tmp_path):
    place = make_place()
    config = place.configuration()
    config["networks"][0]["subnets"][0]["pools"] = ["10.99.0.1-10.99.0.9"]
    code, _, err = run_once(place.server_ns, tmp_path, config=config)
    assert code == 2 and "pools" in err


def test_no_such_interface(make_place, tmp_path):
    """The message names the one wanted and those there are."""
    place = make_place()
    config = place.configuration(server={"interfaces": [{"name": "eth77"}]})
    code, _, err = run_once(place.server_ns, tmp_path, config=config)
    assert code == 1 and "eth77" in err and "srv0" in err


@pytest.mark.needs("setpriv")
@native_and_off
def test_without_permission(make_place, tmp_path, xdp):
    place = make_place(xdp=xdp)
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "env",
            "ASAN_OPTIONS=detect_leaks=0"]
    code, _, err = run_once(place.server_ns, tmp_path, config=place.configuration(), wrapper=drop)
    assert code == 1
    assert "CAP_NET" in err or "root" in err, err


def test_store_path_without_permission(make_place, tmp_path):
    """A file stands where the directory would be."""
    place = make_place()
    (tmp_path / "file").write_text("not a directory")
    config = place.configuration(store={"embedded": {"path": str(tmp_path / "file")}})
    code, _, err = run_once(place.server_ns, tmp_path, config=config)
    assert code in (1, 2) and str(tmp_path / "file") in err


def test_two_servers_cannot_share_one_embedded_store(here, tmp_path):
    second = here.lab.namespace("second")
    here.lab.wire(second, "srv0", here.client_ns, "cli1")
    second.address("srv0", "10.6.0.2/24")
    code, _, err = run_once(second, tmp_path, config=here.configuration())
    assert code == 1 and str(tmp_path / "leases") in err


def test_metrics_port_in_use(here, tmp_path):
    here.lab.wire(here.server_ns, "srv1", here.client_ns, "cli1")
    config = here.configuration(server={"interfaces": [{"name": "srv1"}]},
                                store={"embedded": {"path": str(tmp_path / "other")}})
    code, _, err = run_once(here.server_ns, tmp_path, config=config)
    assert code == 1 and "9842" in err


def test_second_server_on_the_same_interface(here, tmp_path):
    config = here.configuration(server={"metrics": "127.0.0.1:9843"},
                                store={"embedded": {"path": str(tmp_path / "other")}})
    code, _, err = run_once(here.server_ns, tmp_path, config=config)
    assert code == 1 and "srv0" in err
    assert here.client().dora().yiaddr in POOL


def test_two_servers_on_two_interfaces_of_one_host(here, tmp_path):
    here.lab.wire(here.server_ns, "srv1", here.client_ns, "cli1")
    config = here.configuration(server={"interfaces": [{"name": "srv1"}],
                                        "metrics": "127.0.0.1:9843"},
                                store={"embedded": {"path": str(tmp_path / "other")}})
    second = Server(here.server_ns, tmp_path, config, "second").start(ready=False)
    second.wait_log("ready|serving|started")
    assert here.client().dora().yiaddr in POOL
    second.stop()


def test_log_is_one_logfmt_record_a_line(here, client):
    client.dora()
    here.server.stop()
    for line in here.server.log().splitlines():
        assert line.startswith(("time=", "ts=")) and " level=" in line, line


def test_configuration_of_the_example_is_accepted(new_lab, tmp_path):
    """What the documentation shows works."""
    example = pathlib.Path(__file__).resolve().parents[2] / "docs" / "etcdhcp.yaml.example"
    code, _, err = run_once(new_lab.namespace("ns"), tmp_path, "-c", example, "--check-config")
    assert code == 0, err
