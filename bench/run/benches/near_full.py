# SPDX-License-Identifier: MIT
"""New clients of a pool that is 99.9 % full, beside the same of one that is nearly empty. For each one
that comes another releases its lease, so that the pool stays as full as it is; both do that."""
from benches.dora import LOSS, SLACK_S
from figures import alternate
from place import Spec
from systems_etcdhcp import STORES, Etcdhcp

FULL, EMPTY = 0.999, 0.02
# An address that was released rests before another client gets it; with a thousand free ones of a
# million and ten seconds' rest there would be 100 new clients a second, whatever the server can do.
REST = {"rest-time": 0}


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="embedded")
    parser.add_argument("--pool", type=int, default=1000000, metavar="N",
                        help="addresses (1000000)")


def run(bench):
    record = bench.record
    bench.note_disk()
    alternate(bench.rounds,
              lambda number: fill(bench, number, "empty_per_s", EMPTY),
              lambda number: fill(bench, number, "full_per_s", FULL))
    record.figure("store", bench.args.store)
    record.figure("empty_per_s", record.median("empty_per_s"))
    record.figure("full_per_s", record.median("full_per_s"))
    record.figure("ratio_empty", record.ratio("ratio_empty", "full_per_s", "empty_per_s"))


def fill(bench, number, series, share):
    system = Etcdhcp(bench.args.store, network=REST)
    pool = bench.size(bench.args.pool, 2000)
    known = bench.record.data["series"].get(series)
    options = {"rate": known["values"][-1] * 0.8 if known else 10000.0, "probe": 3.0,
               "duration": 5.0, "loss": LOSS, "slack": SLACK_S}
    if bench.quick:
        options = {"rate": 100.0, "max_rate": 100.0, "probe": 0.2, "duration": 0.3, "loss": 1.0,
                   "retransmit_base": 0.5, "timeout": 0.5}
    with bench.served(system, Spec(leases=pool)) as place:
        run = bench.measure(number, system.name, f"{share:.1%} full", place, "near-full",
                            clients=2 * pool, pool=pool, fill=share, search=True,
                            **options)
    bench.record.add(series, run.rate)
