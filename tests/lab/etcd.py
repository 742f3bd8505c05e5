# SPDX-License-Identifier: MIT
"""A real etcd inside a namespace, of one member or of several, and what a test reads and writes there."""
import base64
import json
import pathlib
import shutil
import signal
import subprocess

from lab import wait_until

BINARY = "/usr/bin/etcd"
CLIENT_PORT, PEER_PORT = 2379, 2380


class Store:
    """What is read and written through etcdctl. @url may name several members, with commas."""

    def __init__(self, namespace, url):
        self.namespace, self.url = namespace, url

    def _ctl(self, *args, patience=30, **options):
        command = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints", self.url,
                   f"--command-timeout={patience}s", *args]
        return self.namespace.run(*command, **options)

    def ctl(self, *args, **options):
        done = self._ctl(*args, **options)
        assert done.returncode == 0, f"etcdctl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def revisions(self, prefix):
        """Of the last change of each key below the prefix."""
        answer = json.loads(self.ctl("get", "--prefix", "--keys-only", "--write-out", "json", prefix))
        return [entry["mod_revision"] for entry in answer.get("kvs", [])]

    def put(self, key, value):
        self.ctl("put", key, value)

    def delete(self, key):
        self.ctl("del", key)

    def keys(self, prefix):
        return [key for key in self.ctl("get", "--prefix", "--keys-only", prefix).split() if key]

    def revision(self, **options):
        answer = json.loads(self.ctl("get", "--write-out", "json", "-", **options))
        return answer["header"]["revision"]

    def compact(self, **options):
        """Forgets all but the present: who was not watching must load anew."""
        self.ctl("compact", str(self.revision(**options)), **options)

    def values(self, prefix):
        """Bytes by key, of all keys below the prefix."""
        answer = json.loads(self.ctl("get", "--prefix", "--write-out", "json", prefix))
        return {base64.b64decode(entry["key"]).decode(): base64.b64decode(entry.get("value", ""))
                for entry in answer.get("kvs", [])}

    def get(self, key):
        """The value's bytes, None when there is no such key."""
        done = self.ctl("get", "--hex", "--print-value-only", key).strip()
        return bytes.fromhex(done.replace("\\x", "")) if done else None

    def lease(self, network, address, prefix="/etcdhcp/"):
        """The record of an address, None when there is none."""
        value = self.get(f"{prefix}leases/4/{network}/{address}")
        return None if value is None else Record(value)


class Etcd(Store):
    """
    One member. Alone, it starts in about a tenth of a second, since its heartbeat is quick; @options that
    say otherwise come later and count. @cluster: the address of each member by its name, this one's
    among them.
    """

    QUICK = ("--heartbeat-interval", "20", "--election-timeout", "200")

    def __init__(self, namespace, directory, address="127.0.0.1", options=(), name="lab",
                 cluster=None):
        super().__init__(namespace, f"http://{address}:{CLIENT_PORT}")
        self.address, self.options, self.name = address, options, name
        self.cluster = cluster or {name: "127.0.0.1"}
        self.directory = pathlib.Path(directory) / "etcd"
        self.log_path = pathlib.Path(directory) / "etcd.log"
        self.process = None

    def start(self, ready=True):
        peers = {name: f"http://{address}:{PEER_PORT}" for name, address in self.cluster.items()}
        own = peers[self.name]
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(
                BINARY, "--data-dir", self.directory, "--name", self.name,
                "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                "--listen-peer-urls", own, "--initial-advertise-peer-urls", own,
                "--initial-cluster", ",".join(f"{name}={peer}" for name, peer in peers.items()),
                *self.QUICK, *self.options, stdout=log, stderr=subprocess.STDOUT)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        wait_until(self.is_ready, "etcd serves", 60.0)

    def is_ready(self):
        assert self.process.poll() is None, f"etcd ended:\n{self.log_path.read_text()[-2000:]}"
        return "is healthy" in self._ctl("endpoint", "health").stderr

    def save(self, path):
        """A backup of what there is."""
        self.ctl("snapshot", "save", str(path))

    def restore(self, path):
        """What there was, in place of what there is; it must not run. Alone."""
        shutil.rmtree(self.directory)
        self.ctl("snapshot", "restore", str(path), "--data-dir", str(self.directory), "--name", self.name,
                 "--initial-cluster", f"{self.name}=http://{self.cluster[self.name]}:{PEER_PORT}",
                 "--initial-advertise-peer-urls", f"http://{self.cluster[self.name]}:{PEER_PORT}")

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, sign):
        self.process.send_signal(sign)
        self.process.wait(60)
        self.process = None

    def pause(self):
        """Alive but deaf: connections stay open, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """Three members in one namespace, on loopback addresses of their own."""

    def __init__(self, namespace, directory, members=3):
        cluster = {f"lab{number}": f"127.0.0.{number + 1}" for number in range(members)}
        self.members = []
        for name, address in cluster.items():
            home = pathlib.Path(directory) / name
            home.mkdir()
            self.members.append(Etcd(namespace, home, address, name=name, cluster=cluster))
        self.urls = [member.url for member in self.members]

    def start(self):
        for member in self.members:
            member.start(ready=False)
        for member in self.members:
            member.wait_ready()
        return self

    def leader(self):
        """The running member that leads; None when there is none just now."""
        for member in self.members:
            if not member.process:
                continue
            done = member._ctl("endpoint", "status", "--write-out", "json")
            if done.returncode == 0:
                status = json.loads(done.stdout)[0]["Status"]
                if status.get("leader") == status["header"]["member_id"]:
                    return member
        return None


class Record:
    """proto/lease.proto, taken apart independently of the server."""

    STATES = {1: "BOUND", 2: "RELEASED", 3: "DECLINED"}

    def __init__(self, data):
        fields = dict(_fields(data))
        self.client = fields.get(1, b"")
        self.state = self.STATES[fields[2]]
        self.hold_until = fields.get(3, 0)
        self.promised_until = max(self.hold_until, fields.get(11, 0))
        self.hwaddr = fields.get(4, b"").hex(":")
        self.host_name = fields.get(5, b"").decode()
        self.server = fields.get(6, b"").decode()
        self.circuit, self.remote = fields.get(8, b""), fields.get(9, b"")


def _fields(data):
    """(number, int or bytes) of a protobuf message with varints and byte strings."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        else:
            assert tag & 7 == 0, f"unexpected wire type in {data.hex()}"
        yield tag >> 3, value


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
