# SPDX-License-Identifier: MIT
"""Short seeded runs of the whole harness: faults of every kind, no rule broken."""
import pathlib
import subprocess
import sys

import pytest

import history
from checker import Checker

HERE = pathlib.Path(__file__).resolve().parent
RUN = ["unshare", "--mount", "--propagation", "private", sys.executable, HERE / "run.py"]
# The machine has other tests to run beside: how soon all serve again is for the long runs to judge.
PATIENT = ["--resume", "20"]
APART = 3


def verdict(done):
    """What was found, before how it came to be: reports show the beginning."""
    progress, _, found = done.stdout.partition("\n\n")
    return f"{found[:4000]}\n{done.stderr[-2000:]}\n{progress[-2000:]}"


def facts(text):
    """The last line, key by key."""
    return dict(pair.split("=", 1) for pair in text.splitlines()[-1].split())


def run(kept, store, minutes, seed):
    done = subprocess.run([*RUN, "--store", store, "--minutes", str(minutes), "--seed", str(seed),
                           "--pause", "2", "--history", kept, *PATIENT],
                          capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done


@pytest.mark.parametrize("store, minutes, seed", [("etcd", 1.7, 1), ("embedded", 0.6, 2)])
def test_nothing_is_broken(tmp_path, store, minutes, seed):
    """Once more where etcd itself came apart, as it has been seen to: then there is nothing to judge."""
    kept = tmp_path / "history"
    done = run(kept, store, minutes, seed)
    if done.returncode == APART:
        done = run(kept, store, minutes, seed + 100)
    assert done.returncode == 0, verdict(done)
    said = facts(done.stdout)
    assert said["violations"] == "0"
    assert int(said["acks"]) > 100 and int(said["faults"]) > 3 and int(said["running"]) > 0
    assert Checker().run(history.read(kept)).counts["acks"] == int(said["acks"])


def test_wrong_names_are_refused():
    done = subprocess.run([*RUN, "--faults", "no-such"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "no-such" in done.stderr


def test_a_kept_history_is_judged(tmp_path):
    kept = tmp_path / "history"
    log = history.History(kept, seed=1)
    for number, client in enumerate(("mac:02:00:00:00:00:01", "mac:02:00:00:00:00:02")):
        log.add("sent", client=client, network="near", type="REQUEST", xid=number,
                requested="10.6.0.9")
        log.add("received", client=client, type="ACK", xid=number, server="10.6.0.1",
                address="10.6.0.9", lease=60)
    log.close()
    done = subprocess.run([*RUN, "--judge", kept], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and facts(done.stdout)["twice"] == "1"
