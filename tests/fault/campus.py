# SPDX-License-Identifier: MIT
"""
The place: servers and etcd members, each in a network namespace of its own, whose cables can be cut.

    town (clients) ---- link ---- server0 server1 server2
                                     |       |       |
                                     +---- back -----+---- member0 member1 member2

With the embedded store there is one server and no back. Pools are small and leases short, so that
addresses change hands all the time: that is where a mistake shows.
"""
import contextlib
import glob
import itertools
import json
import pathlib
import subprocess

import disk
from etcd import Etcd, Store
from lab import Lab
from server import Server

NETWORKS = ("near", "far")
SUBNETS = {"near": "10.6.0", "far": "10.7.0"}
SHARED = "10.6.0.100"
CANARY_MAC, CANARY = "02:ca:00:00:00:01", "10.6.0.250"
MEMBER_OPTIONS = ("--heartbeat-interval", "100", "--election-timeout", "1000",
                  "--snapshot-count", "5000", "--max-wals", "2", "--max-snapshots", "2",
                  "--quota-backend-bytes", str(48 << 20), "--auto-compaction-mode", "revision",
                  "--auto-compaction-retention", "2000")
DISK_SIZE = "512m"
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
_serial = itertools.count(1)


def configuration(number, store, pools, servers):
    def network(name):
        first, last = pools[name][0], pools[name][-1]
        subnet = {"subnet": f"{SUBNETS[name]}.0/24", "pools": [f"{first}-{last}"]}
        return {"name": name, "subnets": [subnet | more[name]]} | ways[name]
    more = {"near": {"reservations": [{"mac": CANARY_MAC, "address": CANARY}]}, "far": {}}
    # Far, all servers go by one identifier, and commit before every ACK.
    ways = {"near": {}, "far": {"server-identifier": SHARED, "horizon": 1.0}}
    return {
        "server": {"id": f"fault-{number}", "interfaces": [{"name": "srv0"}], "xdp": "off",
                   "metrics": "127.0.0.1:9842", "workers": 1},
        "store": store,
        "lease-time": "10s", "min-lease-time": "2s", "max-lease-time": "20s",
        "offer-time": "3s", "rest-time": "2s", "decline-time": "15s",
        "networks": [network(name) for name in NETWORKS],
    }


class Cluster(Store):
    """Several members, and their disk space."""

    BALLAST, LUMP = "/ballast/", "x" * (1 << 20)

    def fill(self):
        """Until the quota's alarm is raised, or etcd does not take anything for another reason."""
        for number in range(128):
            done = self._ctl("put", f"{self.BALLAST}{number}", patience=2, input=self.LUMP)
            if done.returncode:
                return

    def make_room(self, members):
        """What an operator does about the alarm; whether it worked."""
        steps = [("del", "--prefix", self.BALLAST), ("compact", None),
                 *((("defrag", "--endpoints", member.url) for member in members)),
                 ("alarm", "disarm")]
        for step in steps:
            words = [word or str(self.revision(patience=2)) for word in step]
            done = self._ctl(*words, patience=2)
            if done.returncode and "compacted" not in done.stderr:
                return False
        return "alarm" not in self._ctl("alarm", "list", patience=2).stdout


def embedded(directory):
    """Everything in an embedded store, read by LMDB's own tool: 8 bytes of revision before each value."""
    done = subprocess.run(["mdb_dump", directory], capture_output=True, text=True, check=True)
    lines = [bytes.fromhex(line) for line in done.stdout.splitlines() if line.startswith(" ")]
    return {key.decode(errors="replace"): value for key, value in zip(lines[::2], lines[1::2])}


class Node:
    """A namespace on a switch or two, the ports that lead to it, and what runs there."""

    def __init__(self, name, namespace):
        self.name, self.namespace = name, namespace
        self.ports = {}          # switch namespace -> port
        self.address = None      # on the back
        self.process = None      # Server or Etcd


class Campus:
    def __init__(self, directory, store="etcd", servers=3, members=3, devices=100, timeout="1s"):
        self.lab = Lab()
        self.directory = pathlib.Path(directory)
        self.kind, self.timeout = store, timeout
        self.claimed = set()     # what a fault has in its hands: "server1", "member0 back"
        self.offsets = {}        # server's name -> seconds that its clock is to be wrong by
        self.ended = []          # (name, exit code, log's end) of servers that ended by themselves
        self.full = None         # what is claimed until etcd has room again; None: it has
        count = servers if store == "etcd" else 1
        members = members if store == "etcd" else 0
        near, far = max(8, devices * 2 // 5), max(6, devices // 4)
        self.pools = {"near": [f"10.6.0.{host}" for host in range(10, 10 + near)],
                      "far": [f"10.7.0.{host}" for host in range(10, 10 + far)]}
        try:
            self._build(count, members)
        except BaseException:
            self.close()
            raise

    def _build(self, count, members):
        self.link = self.lab.switch("link")
        self.town = self.lab.namespace("town")
        self.lab.plug(self.town, "cli0", self.link)
        self.back = self.lab.switch("back") if members else None
        self.servers = [self._server(number) for number in range(count)]
        self.members = [self._member(number) for number in range(members)]
        if members:
            self.back.address("br0", "192.0.2.1/24")
            cluster = {node.name: node.address for node in self.members}
            for node in self.members:
                directory = self.directory / node.name
                disk.mount(self.lab, directory, DISK_SIZE)
                node.process = Etcd(node.namespace, directory, node.address, MEMBER_OPTIONS,
                                    node.name, cluster)
            self.etcd = Cluster(self.back, ",".join(node.process.url for node in self.members))
        for number, node in enumerate(self.servers):
            node.process = Server(node.namespace, self.directory, configuration(
                number, self._store(), self.pools, self.servers), node.name)

    def _plug(self, node, interface, switch, address):
        node.ports[switch] = self.lab.plug(node.namespace, interface, switch)
        node.namespace.address(interface, address + "/24")

    def _server(self, number):
        node = Node(f"server{number}", self.lab.namespace(f"server{number}"))
        self._plug(node, "srv0", self.link, f"10.6.0.{number + 1}")
        if self.back:
            node.address = f"192.0.2.{number + 11}"
            self._plug(node, "back0", self.back, node.address)
        return node

    def _member(self, number):
        node = Node(f"member{number}", self.lab.namespace(f"member{number}"))
        node.address = f"192.0.2.{number + 21}"
        self._plug(node, "back0", self.back, node.address)
        return node

    def _store(self):
        if self.members:
            return {"etcd": {"endpoints": [node.process.url for node in self.members],
                             "timeout": self.timeout, "ttl": "3s"}}
        directory = self.directory / "leases"
        disk.mount(self.lab, directory, DISK_SIZE)
        return {"embedded": {"path": str(directory), "map-size": "64M"}}

    def addresses(self):
        """What the servers are called on the link: {address: hardware address}."""
        return {f"10.6.0.{number + 1}": node.namespace.mac("srv0")
                for number, node in enumerate(self.servers)}

    # Life

    def start(self):
        for node in self.members:
            node.process.start(ready=False)
        for node in self.members:
            node.process.wait_ready()
        for node in self.servers:
            self.start_server(node)
        for node in self.servers:
            node.process.wait_ready()
        return self

    def start_server(self, node):
        """Begins; whether it is ready shows later."""
        wrapper = () if self.members else disk.wrapper(self)
        offset = self.offsets.get(node.name)
        if offset:
            library = glob.glob(FAKETIME)[0]
            wrapper = ("env", f"LD_PRELOAD={library}", f"FAKETIME={offset:+d}",
                       "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", *wrapper)
        node.process.start(ready=False, wrapper=wrapper)

    def close(self):
        self.lab.close()

    def tend(self):
        """What must be tried until it works: whether nothing is left of that."""
        if self.full is not None:
            with contextlib.suppress(AssertionError, KeyError, ValueError):
                if self.etcd.make_room([node.process for node in self.members]):
                    self.give_back(*self.full)
                    self.full = None
        for node in self.servers:
            process = node.process.process
            if node.name not in self.claimed and (process is None or process.poll() is not None):
                self.ended.append((node.name, process and process.returncode,
                                   node.process.tail(10)))
                self.start_server(node)
        return self.full is None

    def make_room(self, claimed):
        """Of etcd's quota, by and by; @claimed is given back when that is done."""
        self.full = claimed

    def stored(self):
        """Everything in the store at one moment: bytes by key, without the prefix."""
        if self.members:
            return {key.removeprefix("/etcdhcp/"): value
                    for key, value in self.etcd.values("/etcdhcp/").items()}
        return {key: value[8:] for key, value in embedded(self.directory / "leases").items()}

    def knows_clocks(self):
        """Whether servers tell each other their clocks: else a wrong one is beyond their contract."""
        members = self.etcd.values("/etcdhcp/servers/") if self.members else {}
        return any(b"clock" in value for value in members.values())

    # Faults' tools

    def claim(self, *things):
        """False when another fault has one of them."""
        if self.claimed & set(things):
            return False
        self.claimed |= set(things)
        return True

    def give_back(self, *things):
        self.claimed -= set(things)

    def plugged(self, node, switch, up):
        """Pulls the cable of a node out of a switch, or puts it back."""
        switch.ip("link", "set", node.ports[switch], "up" if up else "down")

    def rules(self, namespace, family, chains):
        """Puts a table of packet filters into a namespace; a function that takes it away."""
        table = f"{family} fault{next(_serial)}"
        body = "\n".join(f"chain c{number} {{\ntype filter hook {hook} priority 0;\n{rule}\n}}"
                         for number, (hook, rule) in enumerate(chains))
        self._nft(namespace, f"table {table} {{\n{body}\n}}\n")
        return lambda: self._nft(namespace, f"delete table {table}\n")

    @staticmethod
    def _nft(namespace, text):
        done = namespace.run("nft", "-f", "-", input=text)
        assert done.returncode == 0, f"nft: {done.stderr}\n{text}"

    def apart(self, one, other):
        """Two nodes do not hear each other on the back; a function that joins them again."""
        return self.rules(one.namespace, "inet", [
            ("input", f"ip saddr {other.address} drop"),
            ("output", f"ip daddr {other.address} drop")])

    def lossy(self, namespace, interface, percent):
        """Of the frames that arrive, some are gone."""
        return self.rules(namespace, "netdev", [
            (f"ingress device {interface}", f"numgen random mod 100 < {percent} drop")])

    def split(self):
        """
        Whether etcd itself has come apart: members that tell different contents of one revision. What they
        told first that differs, None when they agree or too few can be asked. Not by hashkv: it may differ
        for what a compaction has left of the past.
        """
        answers = [(node, self._told(node)) for node in self.members]
        revisions = [told["header"]["revision"] for _, told in answers if told]
        if not revisions:
            return None
        contents = {node.name: told.get("kvs", []) for node, told in
                    ((node, self._told(node, f"--rev={min(revisions)}")) for node in self.members) if told}
        if all(content == next(iter(contents.values())) for content in contents.values()):
            return None
        return {name: [entry for entry in content
                       if not all(entry in other for other in contents.values())][:1]
                for name, content in contents.items()}

    def _told(self, node, *words):
        """All our keys as one member has them, asking no other; None when it does not say."""
        done = self.back.run("env", "ETCDCTL_API=3", "etcdctl", "--endpoints", node.process.url,
                             "--command-timeout=1s", "get", "--prefix", "/etcdhcp/", "--consistency=s",
                             "--write-out", "json", *words)
        with contextlib.suppress(ValueError):
            return json.loads(done.stdout)
        return None

    def leader(self):
        """The member that leads, as far as one says so."""
        for node in self.members:
            if node.process.process and self._leads(node.process):
                return node
        return None

    @staticmethod
    def _leads(member):
        done = member.namespace.run("env", "ETCDCTL_API=3", "etcdctl", "--endpoints", member.url,
                                    "--command-timeout=1s", "endpoint", "status")
        words = [word.strip() for word in done.stdout.split(",")]
        return len(words) > 4 and words[4] == "true"
