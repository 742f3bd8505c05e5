# SPDX-License-Identifier: MIT
"""ISC dhcpd, whose leases file is written with fsync before every ACK."""
import subprocess

from place import OPTIONS, SERVER_IF, Place
from systems import System, wait_for_port

PROGRAM = "/usr/sbin/dhcpd"
# Each pool is a sorted list that is walked for every lease: with many small pools it is several
# times as fast as with one large one.
POOL = 1024
# ACKs that wait for one fsync, and for how many microseconds at most.
DELAYED_ACK, MAX_ACK_DELAY = 28, 2000


class Dhcpd(System):
    name = "dhcpd"
    title = "ISC dhcpd"
    durability = "fsync before ACK, several at once"
    packages = ("isc-dhcp-server",)
    programs = (PROGRAM,)
    most_leases = 65536  # it walks its pools, too: with twice as many, 50 clients a second

    def __init__(self):
        super().__init__()
        self.process = None

    def version(self):
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        return (done.stderr or done.stdout).strip().replace("isc-dhcpd-", "ISC dhcpd ")

    @staticmethod
    def _config(spec):
        lines = [
            "authoritative;", "ping-check false;", "ddns-update-style none;",
            "dhcp-cache-threshold 0; # early renewals extend the lease, too, as they do elsewhere",
            f"delayed-ack {DELAYED_ACK};", f"max-ack-delay {MAX_ACK_DELAY};",
            f"default-lease-time {spec.lease_s};", f"max-lease-time {spec.lease_s};",
            f'option domain-name "{OPTIONS["domain-name"]}";',
            f"option domain-name-servers {', '.join(OPTIONS['domain-name-servers'])};",
        ]
        if spec.attachment == "relay":
            lines += ["# The server's own link, on which nobody is served.",
                      "subnet 10.0.0.0 netmask 255.255.255.0 { }"]
        lines += [f"subnet {spec.NETWORK.network_address} netmask {spec.NETWORK.netmask} {{",
                  f"  option routers {', '.join(OPTIONS['routers'])};"]
        for first in range(0, spec.leases, POOL):
            last = min(first + POOL, spec.leases) - 1
            lines.append(f"  pool {{ range {spec.FIRST + first} {spec.FIRST + last}; }}")
        return "\n".join([*lines, "}", ""])

    def start(self, place, spec):
        config = self.write(place, "dhcpd.conf", self._config(spec))
        leases = place.directory / "dhcpd.leases"
        leases.touch()
        self.process = self.launch(
            place, "dhcpd", PROGRAM, "-4", "-f", "-q", "--no-pid", "-user", "root",
            "-group", "root", "-cf", config, "-lf", leases, SERVER_IF)
        wait_for_port(place, self.process, "dhcpd")

    def stop(self):
        Place.end(self.process)
        self.process = None

    def processes(self):
        return [self.process]
