# SPDX-License-Identifier: MIT
"""New leases: the whole exchange, DISCOVER to ACK, each durable before its ACK; beside what the same
store takes from its client alone, in the same run."""
import limit
import stores
from bench import add_store_options
from figures import alternate
from place import Spec
from systems_etcdhcp import Etcdhcp

LOSS = 0.001
# The store needs the processor more than the generator needs to be punctual.
SLACK_S = 0.0005
# Of which the raw limit is the best.
RAW_BATCHES, RAW_IN_FLIGHT = (40, limit.BATCH), (4, 16)


def add_arguments(parser):
    add_store_options(parser, "embedded", 1000000, "that come in turn")


def run(bench):
    args, record = bench.args, bench.record
    bench.note_disk()
    alternate(bench.rounds,
              lambda number: ours(bench, number, Etcdhcp(args.store, args.members)),
              lambda number: raw_limit(bench, number, args.store, args.members))
    record.figure("store", args.store)
    record.figure("dora_per_s", record.median("dora_per_s"))
    record.figure("etcd_limit_per_s", record.median("etcd_limit_per_s"))
    record.figure("ratio_limit", record.ratio("ratio_limit", "dora_per_s", "etcd_limit_per_s"))
    record.figure("fsyncs_per_s", record.data["machine"]["fsyncs_per_s"])


def ours(bench, number, system, series="dora_per_s"):
    """The highest rate of whole exchanges that @system bears."""
    spec = Spec(leases=bench.size(bench.args.clients, 2000))
    with bench.served(system, spec) as place:
        run = search(bench, number, system.name, place, series)
    bench.record.add(series, run.rate)
    return run


def search(bench, number, name, place, series):
    """Clients begin anew when all have had their turn: as returning ones, with --repeat."""
    known = bench.record.data["series"].get(series)
    options = {"rate": known["values"][-1] * 0.8 if known else 10000.0, "probe": 3.0,
               "duration": 5.0, "loss": LOSS, "slack": SLACK_S}
    if bench.quick:
        options = {"rate": 500.0, "max_rate": 500.0, "probe": 0.2, "duration": 0.3, "loss": 1.0}
    return bench.measure(number, name, "dora", place, "dora", search=True, repeat=True, **options)


def raw_limit(bench, number, store, members, series="etcd_limit_per_s"):
    """The best of a few sizes of batch and numbers in flight, with two puts as allocations have."""
    batches, in_flight = bench.size((RAW_BATCHES, RAW_IN_FLIGHT),
                                    ((limit.BATCH,), (limit.IN_FLIGHT,)))
    with stores.alone(bench, store, members) as (run, where), bench.others() as others:
        rows = limit.measure(run, store, where, bench.size(1.5, 0.3), batches, in_flight)
    best = max(rows, key=lambda row: row["per_s"])
    shown = {key: best[key] for key in ("per_s", "p50_us", "p99_us", "cores")}
    bench.record.run(number, f"limit-{store}", f"{best['batch']:.0f} x {best['in_flight']:.0f}",
                     values=shown, others=others.share)
    bench.record.add(series, best["per_s"])
