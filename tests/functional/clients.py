# SPDX-License-Identifier: MIT
"""Real clients and a real relay agent: udhcpc, dhclient, dhcrelay, each with private files."""
import pathlib
import shlex
import signal
import subprocess

from lab import wait_until

# Both clients run this on every event: it notes what was told and configures the address.
SCRIPT = """#!/bin/sh
# One line per event: the reason, then the variables of interest.
exec 9>>{events}
reason="${{reason:-$1}}"
address="${{new_ip_address:-$ip}}"
device="${{interface}}"
printf '%s address=%s server=%s lease=%s router=%s dns=%s domain=%s\\n' "$reason" "$address" \\
    "${{new_dhcp_server_identifier:-$serverid}}" "${{new_dhcp_lease_time:-$lease}}" \\
    "${{new_routers:-$router}}" "${{new_domain_name_servers:-$dns}}" \\
    "${{new_domain_name:-$domain}}" >&9
case "$reason" in
bound|renew|BOUND|RENEW|REBIND|REBOOT)
    ip address replace "$address/24" dev "$device"
    for router in ${{new_routers:-$router}}; do
        ip route replace default via "$router" dev "$device"
    done
    ;;
deconfig|PREINIT|EXPIRE|FAIL|RELEASE|STOP)
    ip address flush dev "$device"
    ;;
esac
exit {status}
"""


class Event:
    def __init__(self, line):
        self.reason, *pairs = line.split(" ")
        self.values = dict(pair.partition("=")[::2] for pair in pairs)
        self.address = self.values["address"]

    def __repr__(self):
        return f"{self.reason} {self.values}"


class RealClient:
    """What udhcpc and dhclient have in common: a script, a log of events, a process."""

    def __init__(self, namespace, interface, directory, name):
        self.namespace, self.interface = namespace, interface
        self.directory = pathlib.Path(directory) / f"{name}-{interface}"
        self.directory.mkdir(exist_ok=True)
        self.events_path = self.directory / "events"
        self.events_path.touch()
        self.script = self.directory / "script"
        self.log_path = self.directory / "log"
        self.process = None
        self.accept()

    def accept(self, status=0):
        """Rewrites the script; dhclient declines an address whose script ends with not 0."""
        self.script.write_text(SCRIPT.format(events=shlex.quote(str(self.events_path)),
                                             status=status), encoding="ascii")
        self.script.chmod(0o755)

    def spawn(self, *command):
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(*command, stdout=log, stderr=subprocess.STDOUT)
        return self

    def events(self):
        return [Event(line) for line in self.events_path.read_text().splitlines()]

    def wait_event(self, *reasons, after=0, timeout=60.0):
        """The first event with one of those reasons past the first @after events."""
        def find():
            return next((event for event in self.events()[after:] if event.reason in reasons), None)
        return wait_until(find, f"{self.log_path}: {'/'.join(reasons)} in {self.events()[after:]}, "
                                f"log: {self.log_path.read_text()[-600:]}", timeout, 0.02)

    def send_signal(self, sign):
        self.process.send_signal(sign)

    def end(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        self.process.wait(60)


class Udhcpc(RealClient):
    """busybox's client: SIGUSR1 renews, SIGUSR2 releases."""

    def __init__(self, namespace, interface, directory):
        super().__init__(namespace, interface, directory, "udhcpc")

    def start(self, *options):
        return self.spawn("udhcpc", "-f", "-i", self.interface, "-s", self.script, "-t", 5, "-T", 1,
                          "-A", 1, "-S", *options)

    def bound(self):
        return self.wait_event("bound")

    def renew(self):
        """Unicast, if the lease is of two minutes or more; else udhcpc broadcasts at once."""
        seen = len(self.events())
        self.send_signal(signal.SIGUSR1)
        return self.wait_event("renew", after=seen)

    def release(self):
        seen = len(self.events())
        self.send_signal(signal.SIGUSR2)
        self.wait_event("deconfig", after=seen)


class Dhclient(RealClient):
    """ISC's client, without its random delays."""

    CONFIG = """
initial-interval 1;
initial-delay 0;
select-timeout 0;
reboot 5;
retry 2;
timeout 10;
backoff-cutoff 2;
request subnet-mask, routers, domain-name-servers, domain-name;
"""

    def __init__(self, namespace, interface, directory, config=""):
        super().__init__(namespace, interface, directory, "dhclient")
        self.config = self.directory / "conf"
        self.config.write_text(self.CONFIG + config, encoding="ascii")

    def command(self):
        return ["dhclient", "-4", "-d", "-sf", self.script, "-lf", self.directory / "leases",
                "-pf", self.directory / "pid", "-cf", self.config, self.interface]

    def start(self):
        return self.spawn(*self.command())

    def bound(self):
        """The script runs before the lease is written: it is there for the next start only then."""
        event = self.wait_event("BOUND")
        leases = self.directory / "leases"
        wait_until(lambda: event.address in leases.read_text(), f"{event.address} in {leases}")
        return event

    def release(self):
        """A second dhclient ends the first and tells the server."""
        self.namespace.run(*self.command(), "-r")
        self.process.wait(60)


class Dhcrelay:
    """ISC's relay agent between two interfaces of one namespace, adding option 82."""

    def __init__(self, namespace, inside, outside, server, directory):
        self.namespace = namespace
        self.log_path = pathlib.Path(directory) / "dhcrelay.log"
        with open(self.log_path, "ab") as log:
            self.process = namespace.popen(
                "dhcrelay", "-4", "-d", "--no-pid", "-a", "-m", "replace", "-id", inside,
                "-iu", outside, server, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: "Sending on   Socket" in self.log_path.read_text(),
                   "dhcrelay is up")

    def log(self):
        return self.log_path.read_text()
