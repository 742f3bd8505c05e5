# SPDX-License-Identifier: MIT
"""The ceiling of this machine: the highest rate of renewals at which a reflector over the server's
own AF_XDP ports loses fewer than one in a thousand."""
from benches import renewals
from figures import alternate
from place import Spec
from systems_reflector import Reflector


def run(bench):
    spec = Spec(leases=bench.size(100000, 2000))
    alternate(bench.rounds, lambda number: renewals.highest(bench, number, Reflector(), spec))
    bench.record.figure("reflector_per_s", bench.record.median("reflector_per_s"))
