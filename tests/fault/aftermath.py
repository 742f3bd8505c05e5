# SPDX-License-Identifier: MIT
"""
When all faults are healed: does everybody serve again, and is the store as it should be?

Each check returns what is wrong, as violations. The last outage is made on purpose: from the moment
that etcd answers again, every server has two seconds.
"""
import time

import campus as places
import wire
from checker import Violation
from etcd import Record
from faults import Outage
from lab import SLOWNESS, Timeout, wait_until

RESUME_S = 2.0
HEAL_S = 60.0
# Offers run out after three seconds; what is wrong must not be given the time to expire.
ADD_UP_S = 10.0


class Canary:
    """A client with a reserved address that asks one server at a time for it: each ACK is a commit."""

    def __init__(self, town):
        self.town, self.acked = town, set()
        town.by_mac[places.CANARY_MAC] = [self]
        self.number, self.network, self.mac, self.client_id = -1, "near", places.CANARY_MAC, None
        self.client = "mac:" + self.mac
        self.xid = 0xCA000000

    def expects(self, reply):
        return True

    def heard(self, reply, now):
        if reply.type == wire.ACK:
            self.acked.add(reply.server)

    def ask(self, server):
        self.xid += 1
        self.town.send(self, wire.REQUEST, None, xid=self.xid, requested=places.CANARY,
                       server=server)


def serving_again(town, canary, since, patience):
    """Seconds after @since until each server has committed again, None where one did not."""
    canary.acked.clear()
    came = {}

    def all_came():
        for server in town.servers:
            if server not in came:
                canary.ask(server)
        time.sleep(0.1)
        for server in canary.acked:
            came.setdefault(server, time.monotonic() - since)
        return len(came) == len(town.servers)
    try:
        wait_until(all_came, "all servers commit", patience)
    except Timeout:
        pass
    return {server: came.get(server) for server in town.servers}


def healed(campus, town, canary):
    """After the last fault: every server is ready and commits."""
    try:
        if campus.members:
            for node in campus.members:
                node.process.wait_ready()
            wait_until(campus.tend, "etcd takes writes again", HEAL_S, 0.2)
        wait_until(lambda: campus.tend() and all(node.process.status("/readyz") == 200
                                                 for node in campus.servers),
                   "all servers are ready", HEAL_S, 0.1)
    except AssertionError as failure:
        return [Violation("silent", str(failure))]
    times = serving_again(town, canary, time.monotonic(), HEAL_S)
    return [Violation("silent", f"{server} does not serve {HEAL_S:g} s after all was healed")
            for server, took in times.items() if took is None]


def resumes(campus, town, canary, log, bound):
    """Whether all serve soon after etcd was deaf and after it was dead; the longest that it took."""
    late, longest = [], 0.0
    for way in Outage.ways:
        more, took = _resumes(campus, town, canary, log, bound, way)
        late, longest = late + more, max(longest, took)
    return late, longest


def _resumes(campus, town, canary, log, bound, way):
    """From etcd's first answer on."""
    outage = Outage(campus, town, town.random)
    outage.ways = (way,)
    began = log.add("fault", name="etcd-outage", target=outage.inject())
    time.sleep(4.0)
    outage.heal()
    log.add("heal", name="etcd-outage", target=began["target"])
    wait_until(lambda: "is healthy" in campus.members[0].process._ctl("endpoint", "health").stderr,
               "etcd answers", HEAL_S)
    times = serving_again(town, canary, time.monotonic(), HEAL_S)
    late = [Violation("silent", f"{server} served only {took or HEAL_S:.1f} s after etcd was back")
            for server, took in times.items() if took is None or took > bound * SLOWNESS]
    return late, max(took or HEAL_S for took in times.values())


def client_of(record):
    kind, rest = record.client[:1], record.client[1:]
    if kind == b"i":
        return "id:" + rest.hex()
    return "mac:" + rest[-6:].hex(":")


def read_store(campus, log):
    """
    What is stored goes into the history: {network: {address: record}} and what the clients' keys
    say, {(network, client): address}.
    """
    before = time.monotonic()
    stored = campus.stored()
    log.add("stored", before, until=time.monotonic())
    found = {network: {} for network in places.NETWORKS}
    clients = {tuple(key.split("/")[-2:]): value.decode() for key, value in stored.items()
               if key.startswith("clients/4/")}
    for key, value in stored.items():
        if not key.startswith("leases/4/"):
            continue
        network, address = key.split("/")[-2:]
        record = found[network][address] = Record(value)
        log.add("record", network=network, address=address, client=client_of(record),
                state=record.state, hold_until=record.hold_until)
    return found, clients


def consistent(records, said):
    """clients/<C> says A exactly when leases/<A> is BOUND by C."""
    bound = {(network, client_of(record)): address for network, found in records.items()
             for address, record in found.items() if record.state == "BOUND"}
    count = sum(record.state == "BOUND" for found in records.values() for record in found.values())
    wrong = [Violation("inconsistent", f"{what}: clients/ says {said.get(what)}, leases/ say "
                       f"{bound.get(what)}")
             for what in sorted(said.keys() | bound.keys()) if said.get(what) != bound.get(what)]
    if count != len(bound):
        wrong.append(Violation("inconsistent", "a client is bound to two addresses of one network"))
    return wrong


def crashes(campus):
    """Servers that ended by themselves, or not cleanly when they were asked to."""
    return [Violation("crashed", f"{name} ended with {code}:\n{tail}")
            for name, code, tail in campus.ended]


def adds_up(campus):
    """Free + held = pool, on every server and network, once nothing moves."""
    return [violation for node in campus.servers for network in places.NETWORKS
            for violation in _adds_up(campus, node, network)]


def _held(stored, network, pool):
    """Addresses whose records are not over; those that are wait for a deletion, and are free."""
    now = int(time.time())
    return sum(key.startswith("leases/4/") and key.split("/")[-2] == network and
               key.split("/")[-1] in pool and Record(value).hold_until >= now
               for key, value in stored.items())


def _adds_up(campus, node, network):
    pool, seen = set(campus.pools[network]), None

    def equal():
        nonlocal seen
        page = node.process.metrics()
        size, offered = (page.sum(f"pool_{what}", network=network) for what in ("size", "offered"))
        free, due, held = (page.sum("pool_addresses", network=network, state=state)
                           for state in ("free", "due", "held"))
        stored = _held(campus.stored(), network, pool)
        seen = (f"size {size:g}, free {free:g}, due {due:g}, held {held:g}, offered {offered:g}, "
                f"held by records {stored}")
        # A server that knows a slow clock holds for longer than our own clock says.
        return size == len(pool) == free + due + held and held >= stored + offered
    try:
        wait_until(equal, "", ADD_UP_S, 0.2)
    except Timeout:
        return [Violation("leak", f"{node.name}, {network}: {seen}")]
    return []
