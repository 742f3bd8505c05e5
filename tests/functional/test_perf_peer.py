# SPDX-License-Identifier: MIT
"""The load generator against a server that is not ours: dnsmasq."""
import pytest

from lab import SLOWNESS, wait_until
from perf import Range


BASES = "02:00:01:00:00:00", "02:00:02:00:00:00"
CLIENTS = 20


def reserved():
    """dnsmasq offers one address to all clients that ask at the same time, and refuses all but one:
    each gets its own."""
    return [f"--dhcp-host={base[:-2]}{index:02x},10.6.{subnet}.{index + 10}"
            for subnet, base in enumerate(BASES, 1) for index in range(CLIENTS)]


@pytest.fixture
def dnsmasq(tmp_path):
    cable = Range()
    log = open(tmp_path / "dnsmasq.log", "wb")
    try:
        process = cable.server_ns.popen(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
            "--interface=srv0", "--bind-interfaces", "--dhcp-authoritative", "--no-ping",
            "--dhcp-range=10.6.1.0,10.6.2.199,1h", *reserved(), f"--dhcp-leasefile={tmp_path}/leases",
            "--user=root", "--pid-file=", "--dhcp-lease-max=5000", "--log-facility=-",
            stdout=log, stderr=log)
        listening = ("ss", "-H", "-l", "-u", "-n", "sport", "=", ":67")
        wait_until(lambda: process.poll() is not None or cable.server_ns.run(*listening).stdout,
                   "dnsmasq listens")
        assert process.poll() is None, (tmp_path / "dnsmasq.log").read_text()
        yield cable
    finally:
        log.close()
        cable.close()


@pytest.mark.needs("dnsmasq", "ss")
@pytest.mark.parametrize("port", [[], ["--socket"]], ids=["xdp", "socket"])
def test_dnsmasq_serves_every_scenario(dnsmasq, tmp_path, port):
    def drive(*arguments):
        result = dnsmasq.perf(tmp_path, "-q", *port, "--lease", 3600, "-n", CLIENTS, "-r", 100,
                              "-c", CLIENTS, "--timeout", 20 * SLOWNESS, *arguments)
        assert result.code == 0 and result.findings == {}, result.text
        return result.measured["exchanges"]
    assert drive("--mac-base", BASES[0], "dora")["dora"]["done"] == CLIENTS
    # Of so many that none of the kinds is left out by chance.
    mixed = drive("--mac-base", BASES[1], "-c", 200, "--mix",
                  "dora=1,renew=4,rebind=1,reboot=1,release=1", "mix")
    assert mixed["renew"]["done"] > 0 and mixed["rebind"]["done"] > 0
