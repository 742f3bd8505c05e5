# SPDX-License-Identifier: MIT
"""The whole of etcd dies under renewals and comes back: every renewal is to be answered throughout, new
clients as soon as it is back."""
import time

from bench import add_store_options
from figures import alternate
from lab import wait_until
from place import Spec
from systems_etcdhcp import Etcdhcp

NEWCOMERS = 0.01  # new clients for one renewal
BEFORE_S, AFTER_S = 5.0, 10.0
PATIENCE_S = 30.0


def add_arguments(parser):
    add_store_options(parser, "etcd", 100000, "that renew")
    parser.add_argument("--rate", type=float, default=20000.0, metavar="N",
                        help="renewals a second (20000)")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S",
                        help="without etcd (60)")
    parser.add_argument("--lease", type=int, default=120, metavar="S",
                        help="lease time: holds want to be extended after half of it (120)")


def run(bench):
    args, record = bench.args, bench.record
    if args.store != "etcd":
        raise RuntimeError("outage: the embedded store does not go away; --store etcd")
    seconds = bench.size(args.seconds, 1.0)
    record.setting("outage_s", seconds)
    record.setting("lease_s", args.lease)
    alternate(bench.rounds, lambda number: outage(bench, number, seconds))
    record.figure("renewals", record.median("renewals"))
    record.figure("renewals_lost", max(record.values("renewals_lost")))
    record.figure("outage_s", seconds)
    record.figure("resumed_s", record.median("resumed_s"))


def outage(bench, number, seconds):
    args = bench.args
    rate = bench.size(args.rate, 500.0)
    bound = bench.size(args.clients, 500)
    length = bench.size(BEFORE_S, 0.5) + seconds + bench.size(AFTER_S, 6.0)
    newcomers = round(length * rate * NEWCOMERS) + 1
    system = Etcdhcp("etcd", args.members)
    spec = Spec(leases=2 * (bound + newcomers), lease_s=args.lease)
    with bench.served(system, spec) as place:
        with bench.meanwhile(number, system.name, "outage", place, "mix", values=shown,
                             clients=bound + newcomers, bound=bound / (bound + newcomers),
                             mix=f"renew={1 / NEWCOMERS:.0f},dora=1", repeat=True, window=1024,
                             rate=rate * (1 + NEWCOMERS), duration=length, loss=1.0) as run:
            resumed = go_away(bench, system, place, bound, seconds)
        exchanges = run.result().measured["exchanges"]
    bench.record.add("renewals", exchanges["renew"]["begun"], "")
    bench.record.add("renewals_lost", exchanges["renew"]["lost"] + exchanges["renew"]["naks"], "")
    bench.record.add("resumed_s", resumed, "s")


def go_away(bench, system, place, bound, seconds):
    """For @seconds, a while after all have their leases; how soon after it is back there is a new one."""
    def leases():
        return system.server.metrics().sum("leases", state="bound")
    wait_until(lambda: leases() > bound, "renewals are under way", PATIENCE_S)
    time.sleep(bench.size(BEFORE_S, 0.3))
    system.etcd.kill()
    time.sleep(seconds)
    had = leases()
    system.etcd.start(system, place)
    back = time.monotonic()
    wait_until(lambda: leases() > had, "new clients are served again", PATIENCE_S, interval=0.02)
    return time.monotonic() - back


def shown(run):
    exchanges = run.measured["exchanges"]
    renew, dora = exchanges["renew"], exchanges["dora"]
    return {"renewals": renew["begun"], "lost": renew["lost"], "naks": renew["naks"],
            "renew_p99_us": renew["latency_us"]["p99"], "renew_max_us": renew["latency_us"]["max"],
            "new": dora["done"], "new_unheard": dora["lost"]}
