# SPDX-License-Identifier: MIT
"""Kea with its leases in memory and a file beside it (memfile), or in PostgreSQL."""
import json
import subprocess

from place import OPTIONS, SERVER_IF
from postgresql import PROGRAMS, PostgreSQL
from systems import System, wait_for_port

PROGRAM = "/usr/sbin/kea-dhcp4"
SCHEMA = "/usr/share/kea/scripts/pgsql/dhcpdb_create.pgsql"
# Packets that may wait for a thread. With Kea's own 64, bursts are lost that 512 bear.
QUEUE = 512
# Found by trying 1, 2, 4, 8 (memfile), and 4, 8, 16, 32 (PostgreSQL, where threads wait for the
# disk) on one processor.
THREADS = {"memfile": 4, "postgresql": 8}


class Kea(System):
    packages = ("kea-dhcp4-server",)
    programs = (PROGRAM,)

    def __init__(self, backend="memfile"):
        super().__init__()
        self.backend = backend
        self.database = PostgreSQL() if backend == "postgresql" else None
        self.process = None
        self.name = f"kea-{backend}"
        if self.database:
            self.title = "Kea, PostgreSQL"
            self.durability = "fsync before ACK, by PostgreSQL"
            self.packages = (*self.packages, "kea-admin", *PostgreSQL.packages)
            self.programs = (PROGRAM, SCHEMA, PROGRAMS / "postgres")
        else:
            self.title = "Kea, memfile"
            self.durable = False
            self.durability = "not durable: the lease file is written without fsync"

    def version(self):
        done = subprocess.run([PROGRAM, "-v"], capture_output=True, text=True, check=True)
        return f"Kea {done.stdout.strip()}" + (
            f", {self.database.version()}" if self.database else "")

    def _lease_database(self, place):
        if self.database:
            return {"type": "postgresql", "host": str(self.database.socket_directory(place)),
                    "name": "kea", "user": "kea", "password": ""}
        # lfc-interval 0: no second process that cleans the file up meanwhile.
        return {"type": "memfile", "persist": True, "lfc-interval": 0,
                "name": str(place.directory / "kea.leases")}

    def _config(self, place, spec):
        options = [{"name": name, "data": ", ".join(OPTIONS[name]) if isinstance(
            OPTIONS[name], list) else OPTIONS[name]} for name in OPTIONS]
        # Relayed clients need no raw sockets, and are answered faster without.
        sockets = "udp" if spec.attachment == "relay" else "raw"
        return {"Dhcp4": {
            "interfaces-config": {"interfaces": [SERVER_IF], "dhcp-socket-type": sockets,
                                  "re-detect": False},
            "lease-database": self._lease_database(place),
            "multi-threading": {"enable-multi-threading": True,
                                "thread-pool-size": THREADS[self.backend],
                                "packet-queue-size": QUEUE},
            "valid-lifetime": spec.lease_s,
            "authoritative": True,
            # No "cache-threshold": early renewals would be answered with what is left of the
            # lease. Clients renew when half of it has passed, and then have it extended.
            # Nobody is looked up in a table of reservations that is not there.
            "reservations-global": False, "reservations-in-subnet": False,
            "option-data": options,
            "subnet4": [{"id": 1, "subnet": str(spec.NETWORK),
                         "pools": [{"pool": f"{spec.FIRST} - {spec.last}"}]}],
            "loggers": [{"name": "kea-dhcp4", "severity": "ERROR",
                         "output_options": [{"output": "stderr"}]}],
        }}

    def start(self, place, spec):
        if self.database:
            self.database.start(self, place)
            self.database.create(self, place, "kea", SCHEMA)
        config = self.write(place, "kea.json", json.dumps(self._config(place, spec), indent=1))
        environment = {"KEA_PIDFILE_DIR": str(place.directory), "KEA_LOCKFILE_DIR": "none"}
        self.process = self.launch(place, "kea", PROGRAM, "-c", config, env=environment)
        wait_for_port(place, self.process, "kea")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        self.process = None
        if self.database:
            self.database.stop()

    def processes(self):
        return [self.process] + (self.database.processes() if self.database else [])
