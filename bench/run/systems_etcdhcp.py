# SPDX-License-Identifier: MIT
"""etcdhcpd with either of its stores."""
import json
import subprocess

from place import OPTIONS, SERVER_IF
from server import METRICS_PORT, Server, binary
from stores import BINARY, Etcd
from systems import System

STORES = ("embedded", "etcd")


class Etcdhcp(System):
    """Ours. A member of etcd more is a process more on the server's processor."""

    def __init__(self, store="embedded", members=1, server=None, network=None, etcd=None):
        """@server, @network and @etcd are laid over those parts of the configuration."""
        super().__init__()
        self.store, self.more_server, self.more_network = store, server or {}, network or {}
        self.more_etcd = etcd or {}
        self.etcd = Etcd(members) if store == "etcd" else None
        self.server = None  # tests/lab's
        self.name = f"etcdhcp-{store}" + ("" if members == 1 else str(members))
        self.title = "etcdhcp, " + ("embedded store" if store == "embedded" else
                                    f"etcd with {members} member{'s' * (members > 1)}")
        self.durability = ("fsync before ACK" if members == 1 else
                           f"fsync on {members // 2 + 1} of {members} members before ACK")
        self.packages = ("etcd-server", "etcd-client") if self.etcd else ()
        self.programs = (BINARY,) if self.etcd else ()

    def version(self):
        done = subprocess.run([str(binary()), "--version"], capture_output=True, text=True,
                              check=True)
        return done.stdout.strip() + (f", {self.etcd.version()}" if self.etcd else "")

    def config(self, place, spec):
        """The defaults, but for what has to be said."""
        if self.etcd:
            store = {"etcd": {"endpoints": self.etcd.urls, **self.more_etcd}}
        else:
            store = {"embedded": {"path": str(place.directory / "leases")}}
        pool = {"subnet": str(spec.NETWORK), "pools": [f"{spec.FIRST}-{spec.last}"],
                "options": {"routers": OPTIONS["routers"]}}
        network = {"name": "bench", "lease-time": spec.lease_s, "subnets": [pool],
                   "options": {key: value for key, value in OPTIONS.items() if key != "routers"},
                   **self.more_network}
        server = {"id": "bench", "interfaces": [{"name": SERVER_IF}],
                  "metrics": f"127.0.0.1:{METRICS_PORT}", **self.more_server}
        return {"server": server, "store": store, "networks": [network]}

    def start(self, place, spec, ready=True):
        if self.etcd:
            self.etcd.start(self, place)
        self.start_server(place, spec, ready)

    def start_server(self, place, spec, ready=True):
        """The server alone, its store being there."""
        config = self.config(place, spec)
        self.configs["server.yaml"] = json.dumps(config, indent=1)
        self.remember([binary(), "-c", "server.yaml"])
        self.server = Server(place.server_ns, place.directory, config)
        with place.on_server_cpus():
            self.server.start(ready=False)
        if ready:
            self.server.wait_ready(60.0)

    def stop(self):
        self.stop_server()
        if self.etcd:
            self.etcd.stop()

    def kill_server(self):
        """As a crash does."""
        self.server.kill()
        self.server = None

    def stop_server(self):
        if self.server and self.server.process:
            self.server.stop()
        self.server = None

    def metrics(self):
        samples = self.server.metrics().samples
        return {name + "".join(f",{key}={text}" for key, text in sorted(labels.items())): value
                for name, labels, value in samples if value}

    def processes(self):
        return [self.server.process] + (self.etcd.processes if self.etcd else [])
