# SPDX-License-Identifier: MIT
"""A PostgreSQL of one's own: as its own user, on a unix socket, in a folder that goes away."""
import pathlib
import shutil
import signal
import subprocess

VERSION = "15"
PROGRAMS = pathlib.Path(f"/usr/lib/postgresql/{VERSION}/bin")
USER = "postgres"
# It refuses to run as root. Search rights on the folders above its own are all that it keeps.
AS_USER = ("setpriv", "--reuid", USER, "--regid", USER, "--init-groups",
           "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search",
           "--pdeathsig", "KILL")
# The defaults sync every commit before it is acknowledged, and stay. What is set makes room and
# leaves out what a lone server does not need: replication, and checkpoints within a measurement.
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
}


class PostgreSQL:
    packages = (f"postgresql-{VERSION}", f"postgresql-client-{VERSION}")

    def __init__(self):
        self.process = None

    @staticmethod
    def version():
        done = subprocess.run([PROGRAMS / "postgres", "--version"], capture_output=True, text=True,
                              check=True)
        return done.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")

    @staticmethod
    def socket_directory(place):
        return place.directory / "postgresql"

    def start(self, system, place):
        """@system (systems.System) remembers command lines and settings."""
        home = self.socket_directory(place)
        home.mkdir()
        shutil.chown(home, USER, USER)
        data = home / "data"
        self._run(system, place, *AS_USER, PROGRAMS / "initdb", "--pgdata", data, "--auth=trust",
                  "--username=kea", "--no-locale", "--encoding=UTF8")
        settings = SETTINGS | {"unix_socket_directories": f"'{home}'"}
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with open(data / "postgresql.conf", "a", encoding="ascii") as file:
            file.write(text)
        system.configs["postgresql.conf (appended)"] = text
        self.process = system.launch(place, "postgresql", *AS_USER, PROGRAMS / "postgres",
                                     "-D", data)
        ready = [PROGRAMS / "pg_isready", "--host", home]
        place.wait(self.process, lambda: place.server_ns.run(*ready).returncode == 0, "postgresql")

    def create(self, system, place, name, schema):
        """A database with the tables that the SQL script @schema makes."""
        psql = [PROGRAMS / "psql", "--quiet", "--host", self.socket_directory(place),
                "--username=kea", "-v", "ON_ERROR_STOP=1"]
        self._run(system, place, *psql, "--dbname=postgres", "-c", f"CREATE DATABASE {name}")
        self._run(system, place, *psql, f"--dbname={name}", "-f", schema)

    @staticmethod
    def _run(system, place, *command):
        system.remember(command)
        place.run(*command)

    def stop(self):
        """SIGINT is its "fast" shutdown: it waits for no client."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
        self.process = None

    def processes(self):
        return [self.process] if self.process else []
