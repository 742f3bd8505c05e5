# SPDX-License-Identifier: MIT
"""Latency at half and at 80 % of the highest rate: of renewals beside the reflector's at the same rate,
and of new leases beside the commit alone of the same store. From the intended time of each first
message."""
import limit
import stores
from benches import dora, renewals
from figures import alternate
from place import Spec
from systems_etcdhcp import STORES, Etcdhcp
from systems_reflector import Reflector

SHARES = (50, 80)  # percent of the maximum
QUANTILES = ("p50", "p99", "p99.9")


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="etcd")
    parser.add_argument("--clients", type=int, default=100000, metavar="N",
                        help="with leases, and that come in turn (100000)")


def run(bench):
    args, record = bench.args, bench.record
    spec = Spec(leases=bench.size(args.clients, 2000))
    bench.note_disk()
    # The maximum first, once: everything else is told in shares of it.
    renewals.highest(bench, 0, Etcdhcp(args.store), spec, "renewals_per_s")
    dora.ours(bench, 0, Etcdhcp(args.store))
    alternate(bench.rounds, lambda number: at_shares(bench, number, spec))
    record.figure("store", args.store)
    for share in shares(bench):
        for name in ("renew", "reflector", "dora", "commit"):
            record.figure(f"{name}_p99_us_{share}", record.median(series(name, share, "p99")))
    record.figure("ratio_commit_50", record.ratio("ratio_commit_50", series("dora", 50, "p99"),
                                                  series("commit", 50, "p99")))


def series(name, share, quantile):
    return f"{name} at {share} %, {quantile}"


def shares(bench):
    return bench.size(SHARES, SHARES[:1])


def at_shares(bench, number, spec):
    renewals_per_s, dora_per_s = map(bench.record.median, ("renewals_per_s", "dora_per_s"))
    for share in shares(bench):
        ours = Etcdhcp(bench.args.store)
        exchange(bench, number, spec, ours, "renew", "renew", share, renewals_per_s)
        exchange(bench, number, spec, Reflector(), "reflector", "renew", share, renewals_per_s)
        exchange(bench, number, spec, ours, "dora", "dora", share, dora_per_s)
        commit(bench, number, share, dora_per_s)


def exchange(bench, number, spec, system, name, scenario, share, highest):
    def shown(run):
        return {quantile: run.latency(scenario, quantile) for quantile in QUANTILES}

    with bench.served(system, spec) as place:
        run = bench.measure(number, system.name, f"{scenario} at {share} %", place, scenario,
                            values=shown, rate=highest * share / 100, spin=True,
                            duration=bench.size(5.0, 0.3), repeat=scenario == "dora", loss=1.0,
                            window=256)
    for quantile, value in shown(run).items():
        bench.record.add(series(name, share, quantile), value, "us")


def commit(bench, number, share, highest):
    """The store's client alone, at as many transactions a second as there are new leases."""
    store = bench.args.store
    with stores.alone(bench, store) as (run, where), bench.others() as others:
        row, = limit.measure(run, store, where, bench.size(5.0, 0.3), rate=highest * share / 100)
    values = {"p50": row["p50_us"], "p99": row["p99_us"], "p99.9": row["p999_us"]}
    bench.record.run(number, f"limit-{store}", f"commit at {share} %", values=values,
                     others=others.share)
    for quantile, value in values.items():
        bench.record.add(series("commit", share, quantile), value, "us")
