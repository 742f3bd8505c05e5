# SPDX-License-Identifier: MIT
"""The server's own cost, in process and without the kernel: a renewal from parsed frame in to finished
frame out by size of the lease table, and an offer by fullness of the pool (bench/engine)."""
import shutil
import subprocess

from figures import alternate
from place import on, processors
from server import build_dir

KEYS = ("ns_100k", "ns_1m", "ns_10m", "ns_offer_empty", "ns_offer_full")
COUNTED = 32000  # renewals under callgrind


def run(bench):
    words = bench.size([], ["--max-leases", "100000", "--count", "20000"])
    cpus = processors(bench.args.placement, "server")
    alternate(bench.rounds, lambda number: time(bench, number, words, cpus))
    record = bench.record
    for key in filter(record.data["series"].get, KEYS):
        record.figure(key, record.median(key))
    if shutil.which("valgrind"):
        record.figure("instructions", instructions(bench))


def binary():
    return build_dir() / "bench" / "engine" / "etcdhcp-engine"


def time(bench, number, words, cpus):
    with on(cpus), bench.others() as others:
        done = subprocess.run([binary(), *words], capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1]
    values = {key: float(text) for key, text in (word.split("=") for word in last.split())}
    bench.record.run(number, "engine", "in process", values=values, others=others.share,
                     command=" ".join(["etcdhcp-engine", *words]))
    for key, value in values.items():
        bench.record.add(key, value, "ns")


def instructions(bench):
    """Of one renewal, as callgrind counts them: no clock in it, so one run is enough."""
    count, out = bench.size(COUNTED, 320), bench.directory / "callgrind.out"
    subprocess.run(["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no",
                    f"--callgrind-out-file={out}", binary(), "--callgrind", str(count)],
                   stdout=subprocess.DEVNULL, check=True)
    for line in out.read_text().splitlines():
        if line.startswith("totals:") and line.split()[1] != "0":
            return float(line.split()[1]) / count
    raise RuntimeError("callgrind counted nothing: etcdhcp-engine was built without valgrind")
