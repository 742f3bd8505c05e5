# SPDX-License-Identifier: MIT
"""What a store takes from its client alone: bench/etcd_limit, on the server's processors."""
import subprocess

from server import build_dir

# As the server sends them: its defaults (etcdhcp.yaml(5), txn-allocations and txns-in-flight).
BATCH, IN_FLIGHT, PUTS = 119, 4, 2


def binary():
    return build_dir() / "bench" / "etcd_limit" / "etcdhcp-limit"


def measure(run, store, where, seconds, batch=(BATCH,), in_flight=(IN_FLIGHT,), puts=(PUTS,),
            rate=None, keep=True):
    """A row for each combination: {"per_s": 52000.0, "p99_us": ..., "batch": ...}.

    @run is place.run, or run_here for a store outside of any place; @where is the URL or directory.
    With @keep the keys stay: the store goes with its place.
    """
    words = ["--seconds", seconds, "--batch", _list(batch), "--in-flight", _list(in_flight),
             "--puts", _list(puts)]
    if rate:
        words += ["--rate", f"{rate:.0f}"]
    if keep:
        words += ["--keep"]
    done = run(binary(), *words, store, where, timeout=600)
    return [_row(line) for line in done.stdout.splitlines()]


def run_here(*command, timeout):
    """In the namespace that we were started in."""
    return subprocess.run([str(word) for word in command], timeout=timeout, check=True, text=True,
                          stdout=subprocess.PIPE)


def _list(numbers):
    return ",".join(map(str, numbers))


def _row(line):
    pairs = (word.split("=", 1) for word in line.split())
    return {key: text if key == "store" else float(text) for key, text in pairs}
