# SPDX-License-Identifier: MIT
"""The raw ceiling of a store: guarded nested transactions through the server's own client of it, by
batch size, batches in flight and puts in each."""
import limit
import stores
from figures import alternate, number_text, say
from systems_etcdhcp import STORES

BATCHES = (1, 8, 40, 118)
IN_FLIGHT = (1, 4, 16)
PUTS = (1, 2)


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="etcd")
    parser.add_argument("--members", type=int, default=1, choices=(1, 3), metavar="1|3",
                        help="of etcd, all on this machine (1)")
    parser.add_argument("--endpoint", metavar="URL",
                        help="an etcd that runs already, reachable from here, instead of our own")


def run(bench):
    name = bench.args.store + ("" if bench.args.members == 1 else str(bench.args.members))
    if bench.args.endpoint:
        bench.record.setting("endpoint", bench.args.endpoint)
        alternate(bench.rounds, lambda number: sweep(bench, number, "etcd", limit.run_here, "etcd",
                                                     bench.args.endpoint, keep=False))
    else:
        bench.note_disk()
        bench.record.setting("members", bench.args.members)
        alternate(bench.rounds, lambda number: sweep_own(bench, number, name))
    finish(bench, bench.args.store)


def sweep_own(bench, number, name):
    """A store of our own, empty at the start of each round."""
    with stores.alone(bench, bench.args.store, bench.args.members) as (run, where):
        sweep(bench, number, name, run, bench.args.store, where)


def sweep(bench, number, name, run, store, where, keep=True):
    seconds = bench.size(1.5, 0.1)
    batches, in_flight = bench.size((BATCHES, IN_FLIGHT), ((limit.BATCH,), (limit.IN_FLIGHT,)))
    with bench.others() as others:
        rows = limit.measure(run, store, where, seconds, batches, in_flight, PUTS, keep=keep)
    for row in rows:
        what = f"{row['batch']:.0f} x {row['in_flight']:.0f}, {row['puts']:.0f} put"
        shown = {key: row[key] for key in ("per_s", "p50_us", "p99_us", "cores")}
        bench.record.run(number, name, what, values=shown, others=others.share)
        bench.record.add(what, row["per_s"])


def finish(bench, store):
    """The best of each number of puts, and what the server's own settings reach."""
    record = bench.record
    medians = {what: record.median(what) for what in record.data["series"]}
    say("")
    for puts in PUTS:
        best = max((what for what in medians if what.endswith(f"{puts} put")), key=medians.get)
        say(f"best with {puts} put{'s' * (puts > 1)}: {best.split(',')[0]}, "
            f"{number_text(medians[best])}/s")
        record.figure(f"best_{puts}_put_per_s", medians[best])
    record.figure("store", store)
    record.figure("etcd_limit_per_s", medians[f"{limit.BATCH} x {limit.IN_FLIGHT}, {limit.PUTS} put"])
