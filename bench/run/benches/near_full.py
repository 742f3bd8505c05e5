# SPDX-License-Identifier: MIT
"""Offers of a pool that is 99.9 % full, beside those of one that is nearly empty.

Measured is DISCOVER to OFFER, at the highest rate that the server bears. Whole exchanges would say
nothing of it: what a new client takes is free again only when another has released it and its hold is
over, seconds later, so the free addresses would bound the rate, whatever the server can do.

Each client then sends a REQUEST that names another server, as clients of a site with two servers do
all day. That ends the offer at once, so that the next client is given another address by the
allocator; a client whose own offer still stood would only be told that again. There are as many
clients without a lease as a full pool has free addresses, a thousand, with either pool: none finds it
empty, however long the machine lets answers wait.
"""
from benches.dora import LOSS, SLACK_S
from figures import alternate
from place import Spec
from systems_etcdhcp import STORES, Etcdhcp

FULL, EMPTY = 0.999, 0.02
# After a try that was too much, in which REQUESTs were lost, offers must not stand in the next one's way.
OFFERS = {"offer-time": "1s"}
CLIENTS_MIN = 50  # of the smoke, whose pool has fewer free: some of them may find it empty there


def add_arguments(parser):
    parser.add_argument("--store", choices=STORES, default="embedded")
    parser.add_argument("--pool", type=int, default=1000000, metavar="N",
                        help="addresses (1000000)")


def run(bench):
    record = bench.record
    alternate(bench.rounds,
              lambda number: offers(bench, number, "empty_per_s", EMPTY),
              lambda number: offers(bench, number, "full_per_s", FULL))
    record.figure("store", bench.args.store)
    record.figure("empty_per_s", record.median("empty_per_s"))
    record.figure("full_per_s", record.median("full_per_s"))
    record.figure("ratio_empty", record.ratio("ratio_empty", "full_per_s", "empty_per_s"))


def offers(bench, number, series, share):
    system = Etcdhcp(bench.args.store, network=OFFERS)
    pool = bench.size(bench.args.pool, 2000)
    known = bench.record.data["series"].get(series)
    options = {"rate": known["values"][-1] * 0.8 if known else 50000.0, "loss": LOSS,
               "slack": SLACK_S}
    if bench.quick:
        options = {"rate": 100.0, "max_rate": 100.0, "probe": 0.2, "duration": 0.3, "loss": 1.0,
                   "retransmit_base": 0.5, "timeout": 0.5}
    clients = round(pool * share) + max(round(pool * (1 - FULL)), CLIENTS_MIN)
    with bench.served(system, Spec(leases=pool)) as place:
        run = bench.measure(number, system.name, f"{share:.1%} full", place, "near-full",
                            clients=clients, pool=pool, fill=share, search=True,
                            **options)
    bench.record.add(series, run.rate)
