# SPDX-License-Identifier: MIT
"""One of two servers is killed under new, rebinding and rebooting clients: how many of those that came
within a server's time to live had to wait longer than for one retransmission."""
import contextlib
import time

from figures import alternate
from lab import wait_until
from place import BACK, Pair, Spec
from stores import Etcd
from systems_etcdhcp import Etcdhcp

KINDS = ("dora", "rebind", "reboot")
BEFORE_S = 1.0
# RFC 2131 section 4.1: the first retransmission comes after 4 s, give or take one.
ONE_RETRANSMISSION = "5"
PATIENCE_S = 30.0


def add_arguments(parser):
    parser.add_argument("--clients", type=int, default=60000, metavar="N",
                        help="half of which have leases (60000)")
    parser.add_argument("--rate", type=float, default=2000.0, metavar="N",
                        help="clients that come in a second, of the three kinds alike (2000)")
    parser.add_argument("--ttl", type=int, default=10, metavar="S",
                        help="of servers' registrations, and how long clients are looked at (10)")


def run(bench):
    record = bench.record
    ttl = bench.size(bench.args.ttl, 3)
    record.setting("ttl_s", ttl)
    alternate(bench.rounds, lambda number: failover(bench, number, ttl))
    for kind in KINDS:
        record.figure(f"{kind}_waited_pct", record.median(f"{kind}_waited_pct"))
    record.figure("waited_pct", record.median("waited_pct"))
    record.figure("asked_again_pct", record.median("asked_again_pct"))


def failover(bench, number, ttl):
    clients = bench.size(bench.args.clients, 600)
    options = bench.size({}, {"retransmit_base": 0.5})
    with both(bench, Spec(leases=2 * clients), ttl) as (place, dying, staying):
        with bench.meanwhile(number, dying.name, "failover", place, "mix", values=shown,
                             clients=clients, bound=0.5, mix=",".join(f"{k}=1" for k in KINDS),
                             rate=bench.size(bench.args.rate, 60.0), duration=BEFORE_S + ttl,
                             retransmit=True, loss=1.0, **options) as run:
            wait_until(lambda: staying.server.metrics().sum("leases", state="bound") > clients / 2,
                       "clients come", PATIENCE_S)
            time.sleep(BEFORE_S / 2)
            dying.kill_server()
        exchanges = run.result().measured["exchanges"]
    note(bench, exchanges, ttl / (BEFORE_S + ttl))


@contextlib.contextmanager
def both(bench, spec, ttl):
    """Two servers on one etcd, each aware of the other."""
    first, second = (Etcdhcp("etcd", server={"id": name}, etcd={"ttl": f"{ttl}s"})
                     for name in "ab")
    first.etcd = second.etcd = Etcd(host=BACK[0])
    with bench.place(spec, Pair) as place:
        try:
            first.start(place, spec)
            second.start_server(place.second, spec)
            bench.record.system(first)
            for each in (first, second):
                wait_until(lambda each=each: each.server.metrics().sum("servers") == 2,
                           "both are members", PATIENCE_S)
            yield place, first, second
        finally:
            second.stop_server()
            first.stop()


def note(bench, exchanges, after):
    """@after: the share of all that came after the death; those before waited for nothing."""
    came = {kind: exchanges[kind]["begun"] * after for kind in KINDS}
    waited = {kind: waiting(exchanges[kind], ONE_RETRANSMISSION) for kind in KINDS}
    again = sum(waiting(exchanges[kind], "1") for kind in KINDS)
    for kind in KINDS:
        bench.record.add(f"{kind}_waited_pct", 100.0 * waited[kind] / came[kind], "%")
    bench.record.add("waited_pct", 100.0 * sum(waited.values()) / sum(came.values()), "%")
    bench.record.add("asked_again_pct", 100.0 * again / sum(came.values()), "%")


def waiting(exchange, seconds):
    """Those that waited longer, or in vain."""
    return exchange["longer_than_s"][seconds] + exchange["lost"]


def shown(run):
    exchanges = run.measured["exchanges"]
    return {f"{kind}_{what}": count for kind in KINDS for what, count in (
        ("begun", exchanges[kind]["begun"]), ("over_1s", waiting(exchanges[kind], "1")),
        ("over_5s", waiting(exchanges[kind], ONE_RETRANSMISSION)))}
