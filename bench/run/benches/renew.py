# SPDX-License-Identifier: MIT
"""Renewals end to end: one worker, 1 M leases, from memory; beside the reflector's ceiling."""
from benches import renewals
from figures import alternate
from place import Spec
from systems_etcdhcp import STORES, Etcdhcp
from systems_reflector import Reflector


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="embedded",
                        help="where the leases come from (embedded)")
    parser.add_argument("--leases", type=int, default=1000000, metavar="N")


def run(bench):
    spec = Spec(leases=bench.size(bench.args.leases, 2000))

    def ours(number):
        renewals.highest(bench, number, Etcdhcp(bench.args.store), spec, "renewals_per_s")

    def reflector(number):
        renewals.highest(bench, number, Reflector(), spec)

    bench.record.setting("leases", spec.leases)
    alternate(bench.rounds, ours, reflector)
    record = bench.record
    record.figure("renewals_per_s", record.median("renewals_per_s"))
    record.figure("reflector_per_s", record.median("reflector_per_s"))
    record.figure("ratio_reflector",
                  record.ratio("ratio_reflector", "renewals_per_s", "reflector_per_s"))
