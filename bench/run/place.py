# SPDX-License-Identifier: MIT
"""Where a server under test and the generator meet: two namespaces and one cable.

    server's namespace   srv0 ======== gen0   generator's namespace
    CPU 0                      veth           CPU 1

Every server gets the same: the same kind of cable (one queue each way, an MTU of 1500), the same
processors, the same addresses. Who is on which processor is the table PLACEMENTS; servers bring
their stores with them. A server with several threads runs all of them on its processor, as ours
does.

The cable is tests/lab's: `tx off`, so that checksums are complete on it. A real network interface
would sum what a server's kernel sends; here the peers' kernel does, about 20 ns a reply against
the 60 us that the quickest of them takes. In return every checksum that the generator sees was
made by somebody, and it verifies them all. Nothing else is set: GRO is off on a veth pair unless
asked for, and no DHCP message is longer than a frame.

On a veth pair it is the sender that pays for what the receiver's kernel does with a frame (XDP
program, socket lookup, copy into an AF_XDP ring): the softirq runs on the sender's processor. So
the generator's processor carries a part of every server's receive path, the same for all, and
the server's processor a part of the generator's.
"""
import contextlib
import copy
import ipaddress
import os
import pathlib
import subprocess
from dataclasses import dataclass

from lab import Lab, ip, wait_until

SERVER_IF, GENERATOR_IF = "srv0", "gen0"
ROUTER = ipaddress.ip_address("10.0.0.2")
NETWORK = ipaddress.ip_network("10.64.0.0/10")

# Processors by placement; "pinned" is what comparisons are made with.
PLACEMENTS = {
    "pinned": {"server": {0}, "generator": {1}},
    "free": {"server": {0, 1}, "generator": {0, 1}},
}
# Where clients are, and what address the server has on srv0: in the clients' own network when
# they are attached directly, in one beside it when they are behind relay agents.
ATTACHMENTS = {"direct": "10.64.0.1/10", "relay": "10.0.0.1/24"}
SECOND = "10.64.0.2/10"  # the other of two servers


@dataclass(frozen=True)
class Spec:
    """What a server under test has to serve, whatever its own words for it are.

    One shared network 10.64.0.0/10 whose pool are the @leases addresses from 10.65.0.0 on (their
    last bytes run from 0 to 255: nobody is kept from using them in a /10). Options as in
    OPTIONS. Clients are attached directly to srv0, or behind @relays relay agents with the
    addresses 10.64.1.0 and following.
    """
    leases: int
    lease_s: int = 3600
    attachment: str = "direct"
    relays: int = 1

    FIRST = ipaddress.ip_address("10.65.0.0")
    FIRST_RELAY = ipaddress.ip_address("10.64.1.0")
    NETWORK = NETWORK

    @property
    def last(self):
        return self.FIRST + self.leases - 1

    @property
    def server(self):
        """The server's address, its identifier, and where relay agents send to."""
        return ipaddress.ip_interface(ATTACHMENTS[self.attachment]).ip


# What every server hands out beside the address and its times.
OPTIONS = {
    "routers": ["10.64.0.1"],
    "domain-name-servers": ["10.0.0.53", "10.0.0.54"],
    "domain-name": "example.net",
}


def processors(placement, role):
    """Those of the table that this machine has; all it has where it lacks one of them."""
    wanted, have = PLACEMENTS[placement][role], os.sched_getaffinity(0)
    return wanted if wanted <= have else have


@contextlib.contextmanager
def on(cpus):
    """What is started meanwhile, by this thread, runs on these processors."""
    home = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, home)


# Between the namespaces of two servers, where the store is that they share.
BACK_IF, BACK = "back0", ("192.0.2.1", "192.0.2.2")


class Place:
    """One cable with a namespace at either end; a context manager that removes everything."""

    def __init__(self, directory, spec, placement="pinned"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.spec = spec
        self.cpus = {role: processors(placement, role) for role in ("server", "generator")}
        self.lab = Lab()
        try:
            self._build()
        except BaseException:
            self.lab.close()
            raise

    def _build(self):
        self.server_ns = self.lab.namespace("server")
        self.generator_ns = self.lab.namespace("generator")
        self.lab.wire(self.server_ns, SERVER_IF, self.generator_ns, GENERATOR_IF)
        self.server_ns.address(SERVER_IF, ATTACHMENTS[self.spec.attachment])
        self.server_mac = self.server_ns.mac(SERVER_IF)
        if self.spec.attachment == "relay":
            self._route_to_clients()

    def _route_to_clients(self):
        """Clients and relay agents are behind one router, which is the generator."""
        mac = self.generator_ns.mac(GENERATOR_IF)
        self.server_ns.ip("neigh", "replace", ROUTER, "lladdr", mac, "dev", SERVER_IF,
                          "nud", "permanent")
        self.server_ns.ip("route", "add", NETWORK, "via", ROUTER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lab.close()

    def on_server_cpus(self):
        return on(self.cpus["server"])

    def start(self, name, *command, env=None, stdout=None):
        """A process in the server's namespace on the server's processors, its output in NAME.log."""
        with open(self.log(name), "ab") as log, self.on_server_cpus():
            return self.server_ns.popen(*command, env=env, stdout=stdout or log, stderr=log,
                                        cwd=self.directory)

    def run(self, *command, timeout=60, **options):
        """To its end, on the server's processors: subprocess.CompletedProcess, which succeeded."""
        with self.on_server_cpus():
            done = self.server_ns.run(*command, timeout=timeout, cwd=self.directory, **options)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: ended with {done.returncode}: "
                               f"{(done.stderr or '').strip()[-500:]}")
        return done

    def log(self, name):
        return self.directory / f"{name}.log"

    def wait(self, process, condition, name, timeout=30.0):
        """Until @condition() of a server that runs; its log's end is told when it does not."""
        def met():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")
            return condition()
        return wait_until(met, f"{name} serves", timeout)

    def tail(self, name, lines=20):
        path = self.log(name)
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @staticmethod
    def end(process, timeout=30):
        """SIGTERM, and SIGKILL when that is not heard. None and ended processes are fine."""
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Pair(Place):
    """Two servers' namespaces and the generator's on one switch, clients attached directly.

    server_ns is the first one's, with the store at BACK[0]; `second` is the same place as the other
    server sees it.
    """

    def _build(self):
        switch = self.lab.switch("link")
        self.server_ns = self.lab.namespace("server")
        self.generator_ns = self.lab.namespace("generator")
        self.lab.plug(self.generator_ns, GENERATOR_IF, switch)
        self.lab.plug(self.server_ns, SERVER_IF, switch)
        self.server_ns.address(SERVER_IF, ATTACHMENTS["direct"])
        self.second = copy.copy(self)
        self.second.directory = self.directory / "second"
        self.second.directory.mkdir()
        self.second.server_ns = self.lab.namespace("second")
        self.lab.plug(self.second.server_ns, SERVER_IF, switch)
        self.second.server_ns.address(SERVER_IF, SECOND)
        self.lab.wire(self.server_ns, BACK_IF, self.second.server_ns, BACK_IF)
        for side, address in zip((self, self.second), BACK):
            side.server_ns.address(BACK_IF, f"{address}/24")


__all__ = ["BACK", "GENERATOR_IF", "NETWORK", "OPTIONS", "PLACEMENTS", "Pair", "Place", "SERVER_IF",
           "Spec", "ip", "on", "processors"]
