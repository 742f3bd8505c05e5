# SPDX-License-Identifier: MIT
"""etcdhcpd --audit: what it says of stores that are sound and of such that are not."""
import re

import pytest

from lab import wait_until
from matrix import both_stores
from place import NETWORK, POOL
from server import binary

CLEAN, INCONSISTENT, UNREADABLE = 0, 1, 2


def audit(place, code):
    """The report of an audit that ends with that code."""
    done = place.server_ns.run(binary(), "--audit", "-c", place.server.config_path, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code != UNREADABLE else done.stderr


def table(report):
    """The counts of the network, by column."""
    lines = report.splitlines()
    head = next(line.split() for line in lines if line.startswith("network "))
    row = next(line.split() for line in lines if line.startswith(NETWORK + " "))
    counts = dict(zip(head[1:], map(int, row[1:])))
    assert counts["pool"] == sum(counts.values()) - counts["pool"]
    return counts


def lines_about(report, key):
    return [line for line in report.splitlines() if f"{key}: " in line]


@both_stores
def test_a_store_in_use_is_sound(here):
    """Beside the server that has it open, also when that is the only one that may write."""
    bound, released, declined = here.client(), here.client(), here.client()
    for client in (bound, released, declined):
        client.dora()
    released.release()
    declined.decline()
    here.server.wait_metric("leases", lambda count: count == 1, state="bound")
    report = audit(here, CLEAN)
    assert "inconsistent:" not in report and report.splitlines()[-1].startswith("0 inconsistencies")
    counts = table(report)
    assert counts == {"pool": len(POOL), "reserved": 0, "free": len(POOL) - 3, "bound": 1,
                      "released": 1, "declined": 1, "over": 0}
    assert bound.renew().yiaddr == bound.address
    here.server.stop()
    assert table(audit(here, CLEAN)) == counts


def test_an_embedded_store_that_is_not_there(make_place):
    place = make_place(store="embedded")
    place.start()
    place.server.stop()
    config = place.configuration()
    config["store"]["embedded"]["path"] = str(place.directory / "nowhere")
    place.server.write_config(config)
    assert "nowhere" in audit(place, UNREADABLE)
    assert not (place.directory / "nowhere").exists()


@pytest.mark.needs("etcd", "etcdctl")
class TestEtcd:
    @pytest.fixture
    def store(self):
        return "etcd"

    def test_every_fault_has_its_line(self, here):
        etcd = here.etcd
        keyless, moved, stranger = here.client(), here.client(), here.client()
        for client in (keyless, moved, stranger):
            client.dora()
        etcd.delete(f"/etcdhcp/clients/4/{NETWORK}/mac:{keyless.mac}")
        etcd.put(f"/etcdhcp/clients/4/{NETWORK}/mac:{moved.mac}", "10.6.0.98")
        etcd.put(f"/etcdhcp/clients/4/{NETWORK}/mac:02:00:00:00:00:99", stranger.address)
        etcd.put(f"/etcdhcp/leases/4/{NETWORK}/10.6.0.97", "rubbish")
        report = audit(here, INCONSISTENT)
        for key in (f"leases/4/{NETWORK}/{keyless.address}",
                    f"clients/4/{NETWORK}/mac:{moved.mac}",
                    f"clients/4/{NETWORK}/mac:02:00:00:00:00:99",
                    f"leases/4/{NETWORK}/10.6.0.97"):
            about = lines_about(report, "/etcdhcp/" + key)
            assert len(about) == 1 and about[0].startswith("inconsistent: "), (key, report)
        assert report.splitlines()[-1].startswith("4 inconsistencies, 0 notes in 3 leases")
        table(report)

    def test_its_remedies_mend_what_they_are_for(self, here, client):
        """A missing client's key, put as the report says, leaves nothing to report."""
        client.dora()
        key = f"/etcdhcp/clients/4/{NETWORK}/mac:{client.mac}"
        here.etcd.delete(key)
        report = audit(here, INCONSISTENT)
        about = lines_about(report, f"/etcdhcp/leases/4/{NETWORK}/{client.address}")[0]
        named = re.search(r"\((\S+)\)", about).group(1)
        here.etcd.put("/etcdhcp/" + named, client.address)
        assert here.etcd.get(key) == client.address.encode()
        audit(here, CLEAN)

    def test_networks_come_from_the_store_where_it_has_them(self, here, client):
        client.dora()
        here.etcd.put("/etcdhcp/config/networks", """
networks:
  - name: lab
    subnets: [{subnet: 10.6.0.0/24, pools: [10.6.0.200-10.6.0.209]}]
""")
        report = audit(here, CLEAN)
        assert table(report)["pool"] == 10
        about = lines_about(report, f"/etcdhcp/leases/4/{NETWORK}/{client.address}")
        assert len(about) == 1 and about[0].startswith("note: ")
        here.etcd.put("/etcdhcp/config/networks", "networks: oops")
        report = audit(here, INCONSISTENT)
        assert lines_about(report, "/etcdhcp/config/networks")
        assert table(report)["pool"] == len(POOL)

    def test_it_is_no_member_and_writes_nothing(self, here, client):
        client.dora()
        wait_until(lambda: here.etcd.keys("/etcdhcp/servers/"), "the server is a member")
        here.server.stop()
        before = sorted(here.etcd.revisions("/etcdhcp/"))
        audit(here, CLEAN)
        assert sorted(here.etcd.revisions("/etcdhcp/")) == before
        assert not here.etcd.keys("/etcdhcp/servers/")

    def test_etcd_that_does_not_answer(self, here):
        here.server.stop()
        here.etcd.kill()
        assert "audit:" in audit(here, UNREADABLE)
