# SPDX-License-Identifier: MIT
"""New leases: the whole exchange, DISCOVER to ACK, each ACK durable first."""
from figures import alternate
from place import Spec
from systems_etcdhcp import STORES, Etcdhcp


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="embedded")


def run(bench):
    spec = Spec(leases=bench.size(1000000, 2000))

    def ours(number):
        system = Etcdhcp(bench.args.store)
        with bench.served(system, spec) as place:
            run = bench.measure(number, system.name, "dora", place, "dora", search=True,
                                rate=bench.size(20000.0, 500.0), max_rate=bench.size(None, 500),
                                probe=bench.size(1.0, 0.3), duration=bench.size(3.0, 0.5),
                                repeat=True)
        bench.record.add("dora_per_s", run.rate)

    bench.note_disk()
    alternate(bench.rounds, ours)
    bench.record.figure("store", bench.args.store)
    bench.record.figure("dora_per_s", bench.record.median("dora_per_s"))
