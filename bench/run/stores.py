# SPDX-License-Identifier: MIT
"""etcd as a store under test: one member, or several on one machine."""
import contextlib
import pathlib
import subprocess

from place import Place, Spec

BINARY = "/usr/bin/etcd"
CLIENT_PORT, PEER_PORT, STEP = 2379, 2380, 10
# Debian's defaults, but for the database: it may grow past 2 GiB while history is kept.
OPTIONS = ("--quota-backend-bytes", str(8 << 30))


class Etcd:
    """Members in the server's namespace, on loopback or on @host, on the server's processors."""

    def __init__(self, members=1, host="127.0.0.1"):
        self.members, self.host = members, host
        self.processes = []

    @property
    def urls(self):
        return [f"http://{self.host}:{CLIENT_PORT + STEP * n}" for n in range(self.members)]

    @staticmethod
    def version():
        done = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0].replace(" Version:", "")

    def _command(self, place, number):
        peers = [f"http://{self.host}:{PEER_PORT + STEP * n}" for n in range(self.members)]
        cluster = ",".join(f"m{n}={peer}" for n, peer in enumerate(peers))
        return [BINARY, "--name", f"m{number}", "--data-dir", self.directory(place, number),
                "--listen-client-urls", self.urls[number],
                "--advertise-client-urls", self.urls[number],
                "--listen-peer-urls", peers[number],
                "--initial-advertise-peer-urls", peers[number],
                "--initial-cluster", cluster, *OPTIONS]

    @staticmethod
    def directory(place, number):
        return pathlib.Path(place.directory) / f"etcd{number}"

    def start(self, system, place):
        """@system (systems.System, or None) remembers the command lines."""
        for number in range(self.members):
            command = self._command(place, number)
            if system:
                system.remember(command)
            self.processes.append(place.start(f"etcd{number}", *command))
        for number, process in enumerate(self.processes):
            place.wait(process, lambda url=self.urls[number]: self._is_healthy(place, url),
                       f"etcd{number}")

    @staticmethod
    def _is_healthy(place, url):
        done = place.server_ns.run("env", "ETCDCTL_API=3", "etcdctl", "--endpoints", url,
                                   "endpoint", "health")
        return "is healthy" in done.stderr

    def stop(self):
        for process in self.processes:
            Place.end(process)
        self.processes = []

    def kill(self):
        """All members at once, as a power failure does; start brings them back with what they had."""
        for process in self.processes:
            process.kill()
        self.stop()


@contextlib.contextmanager
def alone(bench, store, members=1):
    """A store of its own without a server: (place.run, its directory or URL), for limit.measure."""
    etcd = Etcd(members)
    with bench.place(Spec(leases=1)) as place:
        where = place.directory / "leases"
        where.mkdir()
        try:
            if store == "etcd":
                bench.record.version("etcd", etcd.version())
                etcd.start(None, place)
                where = etcd.urls[0]
            yield place.run, where
        finally:
            etcd.stop()
