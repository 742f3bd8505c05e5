# SPDX-License-Identifier: MIT
"""A real etcd of one member inside a namespace, and what a test reads and writes there."""
import json
import pathlib
import signal
import subprocess

from lab import wait_until

BINARY = "/usr/bin/etcd"
CLIENT_PORT, PEER_PORT = 2379, 2380


class Etcd:
    """Starts in about a tenth of a second: the heartbeat is quick, the member alone."""

    def __init__(self, namespace, directory, address="127.0.0.1", options=(), member=0, members=1):
        self.namespace, self.address, self.options = namespace, address, options
        self.name = f"lab{member}" if members > 1 else "lab"
        self.directory = pathlib.Path(directory) / ("etcd" + self.name[3:])
        self.log_path = pathlib.Path(directory) / f"etcd{self.name[3:]}.log"
        self.url = f"http://{address}:{CLIENT_PORT + 10 * member}"
        self.peer = f"http://127.0.0.1:{PEER_PORT + 10 * member}"
        self.cluster = ",".join(f"lab{each if members > 1 else ''}="
                                f"http://127.0.0.1:{PEER_PORT + 10 * each}"
                                for each in range(members))
        self.process = None

    def start(self, ready=True):
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(
                BINARY, "--data-dir", self.directory, "--name", self.name,
                "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                "--initial-cluster", self.cluster,
                "--heartbeat-interval", "20", "--election-timeout", "200", *self.options,
                stdout=log, stderr=subprocess.STDOUT)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        wait_until(self.is_ready, "etcd serves", 60.0)

    def is_ready(self):
        assert self.process.poll() is None, f"etcd ended:\n{self.log_path.read_text()[-2000:]}"
        return "is healthy" in self._ctl("endpoint", "health").stderr

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

    def _ctl(self, *args):
        command = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints", self.url,
                   "--command-timeout=30s", *args]
        return self.namespace.run(*command)

    def ctl(self, *args):
        done = self._ctl(*args)
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

    def get(self, key):
        """The value's bytes, None when there is no such key."""
        done = self.ctl("get", "--hex", "--print-value-only", key).strip()
        return bytes.fromhex(done.replace("\\x", "")) if done else None

    def lease(self, network, address, prefix="/etcdhcp/"):
        """The record of an address, None when there is none."""
        value = self.get(f"{prefix}leases/4/{network}/{address}")
        return None if value is None else Record(value)


class Cluster:
    """Three members in one namespace; their ports differ."""

    def __init__(self, namespace, directory, members=3):
        self.members = [Etcd(namespace, directory, member=number, members=members)
                        for number in range(members)]
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
