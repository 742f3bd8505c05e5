# SPDX-License-Identifier: MIT
"""The usual places that tests happen in: a server and clients on one link, or several servers.

The servers' network is 10.6.0.0/24: servers from 10.6.0.1 on, the pool 10.6.0.10-99, the canary
at 10.6.0.250 by reservation so that it never takes an address from the pool under test.
"""
from dhcp_client import Client, Relay, new_mac
from etcd import Etcd
from frames import ACK, REQUEST, Link
from lab import Lab, wait_until
from server import Server, merge

NETWORK = "lab"
SERVER = "10.6.0.1"
POOL_FIRST, POOL_LAST = "10.6.0.10", "10.6.0.99"
POOL = [f"10.6.0.{host}" for host in range(10, 100)]
CANARY = "10.6.0.250"
ETCD = "192.0.2.1"
RELAYED = "10.7.0.1"


def configuration(xdp="off", store=None, server=None, network=None, subnet=None, more_subnets=(),
                  reservations=(), canary=None):
    """The usual configuration; @server, @network and @subnet are laid over their parts of it."""
    canaries = [{"mac": canary, "address": CANARY}] if canary else []
    first = merge({"subnet": "10.6.0.0/24", "pools": [f"{POOL_FIRST}-{POOL_LAST}"],
                   "options": {"routers": ["10.6.0.1"]},
                   "reservations": canaries + list(reservations)}, subnet or {})
    return {
        "server": merge({"id": "lab-a", "interfaces": [{"name": "srv0"}], "xdp": xdp,
                         "metrics": "127.0.0.1:9842"}, server or {}),
        "store": store,
        "networks": [merge({"name": NETWORK, "lease-time": "1h",
                            "options": {"domain-name-servers": ["10.6.0.2", "10.6.0.3"],
                                        "domain-name": "example.net"},
                            "subnets": [first, *more_subnets]}, network or {})],
    }


class Place:
    """One server on one link with as many scripted clients as wanted; closed with its lab."""

    def __init__(self, directory, xdp="off", store="embedded", queues=1, patience="10s"):
        """@patience is the server's, with etcd: what never times out on purpose should not at all."""
        self.lab = Lab()
        self.patience = patience
        self.directory, self.xdp, self.kind = directory, xdp, store
        self.canary_mac = new_mac()
        self.etcd = None
        try:
            self._build(queues)
        except BaseException:
            self.lab.close()
            raise
        self.server = None

    def _build(self, queues):
        self.server_ns = self.lab.namespace("server")
        self.client_ns = self.lab.namespace("client")
        self.lab.wire(self.server_ns, "srv0", self.client_ns, "cli0", queues)
        self.server_ns.address("srv0", SERVER + "/24")
        self.server_mac = self.server_ns.mac("srv0")
        self.link = Link(self.client_ns, "cli0")
        if self.kind == "etcd":
            self.etcd = Etcd(self.server_ns, self.directory)

    def store(self):
        if self.etcd:
            return {"etcd": {"endpoints": [self.etcd.url], "timeout": self.patience, "ttl": "5s"}}
        return {"embedded": {"path": str(self.directory / "leases"), "map-size": "1G"}}

    def configuration(self, **parts):
        return configuration(xdp=self.xdp, **{"store": self.store(), "canary": self.canary_mac,
                                              **parts})

    def start(self, **parts):
        """Store and server, ready to serve."""
        if self.etcd and not self.etcd.process:
            self.etcd.start()
        self.server = Server(self.server_ns, self.directory, self.configuration(**parts))
        self.server.start()
        return self.server

    def client(self, **options):
        return Client(self.link, **options)

    def canary(self):
        return Client(self.link, self.canary_mac)

    def wait_serving(self):
        """Until a commit goes through again: a request repeated as clients repeat theirs."""
        canary = self.canary()
        canary.insist(lambda: canary.say(REQUEST, requested=CANARY, server=SERVER), ACK,
                      "the server commits again")

    def relay(self, giaddr=RELAYED, info=None):
        return Relay(giaddr, SERVER, self.server_mac, info)

    def record(self, address):
        """The stored record (etcd only)."""
        return self.etcd.lease(NETWORK, address)

    def close(self):
        self.lab.close()


class Campus:
    """Several servers and clients on one switch, one etcd behind the servers."""

    def __init__(self, directory, servers=2, xdp="off"):
        self.lab = Lab()
        self.directory = directory
        self.canary_mac = new_mac()
        try:
            self._build(servers, xdp)
        except BaseException:
            self.lab.close()
            raise

    def _build(self, servers, xdp):
        self.link_switch = self.lab.switch("link")
        self.back = self.lab.switch("back")
        self.back.address("br0", ETCD + "/24")
        self.etcd = Etcd(self.back, self.directory, ETCD)
        self.client_ns = self.lab.namespace("client")
        self.lab.plug(self.client_ns, "cli0", self.link_switch)
        self.link = Link(self.client_ns, "cli0")
        self.xdp = xdp
        self.sites = [self._site(number) for number in range(servers)]
        self.servers = []

    def _site(self, number):
        namespace = self.lab.namespace(f"srv{number}")
        self.lab.plug(namespace, "srv0", self.link_switch)
        self.lab.plug(namespace, "back0", self.back)
        namespace.address("srv0", f"10.6.0.{number + 1}/24")
        namespace.address("back0", f"192.0.2.{number + 11}/24")
        return namespace

    def configuration(self, number, **parts):
        store = {"etcd": {"endpoints": [self.etcd.url], "timeout": "10s", "ttl": "5s"}}
        server = merge({"id": f"lab-{number}"}, parts.pop("server", {}))
        return configuration(xdp=self.xdp, server=server,
                             **{"store": store, "canary": self.canary_mac, **parts})

    def start(self, **parts):
        if not self.etcd.process:
            self.etcd.start()
        for number, namespace in enumerate(self.sites):
            server = Server(namespace, self.directory, self.configuration(number, **parts),
                            f"server{number}")
            self.servers.append(server.start(ready=False))
        for server in self.servers:
            server.wait_ready()
        wait_until(lambda: len(self.etcd.keys("/etcdhcp/servers/")) == len(self.servers),
                   "all are members")
        return self.servers

    def client(self, **options):
        return Client(self.link, **options)

    def settle(self):
        """A commit through every server: what was asked before it has been answered."""
        canary = Client(self.link, self.canary_mac)
        for number in range(len(self.sites)):
            xid = canary.say(REQUEST, requested=CANARY, server=f"10.6.0.{number + 1}")
            canary.answer(xid, ACK)

    def close(self):
        self.lab.close()
