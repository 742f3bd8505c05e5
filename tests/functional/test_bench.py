# SPDX-License-Identifier: MIT
"""A smoke of every benchmark: it runs to its end, each of its runs was valid, and its last line has
the keys that are promised. Speed is not looked at."""
import json
import pathlib
import re
import subprocess
import sys

import lab
import pytest
import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ROOT / "bench" / "run"
ETCD = pytest.mark.needs("etcd", "etcdctl")
ENDING_S = 20

# Arguments, and the keys of the last line that others rely on.
SMOKES = [
    pytest.param(["engine"], {"ns_100k", "ns_offer_empty", "ns_offer_full"}, id="engine"),
    pytest.param(["reflect"], {"reflector_per_s"}, id="reflect"),
    pytest.param(["etcd-limit"], {"etcd_limit_per_s"}, id="etcd-limit", marks=ETCD),
    pytest.param(["etcd-limit", "--store", "embedded"], {"etcd_limit_per_s"},
                 id="etcd-limit-embedded"),
    pytest.param(["renew"], {"renewals_per_s", "reflector_per_s", "ratio_reflector"}, id="renew"),
    pytest.param(["dora"], {"store", "dora_per_s", "etcd_limit_per_s", "ratio_limit"}, id="dora"),
    pytest.param(["dora", "--store", "etcd"],
                 {"store", "dora_per_s", "etcd_limit_per_s", "ratio_limit"}, id="dora-etcd",
                 marks=ETCD),
    pytest.param(["storm"], {"clients", "bound_pct", "seconds", "goodput_ratio"}, id="storm",
                 marks=ETCD),
    pytest.param(["latency", "--store", "embedded"],
                 {"renew_p99_us_50", "reflector_p99_us_50", "dora_p99_us_50", "commit_p99_us_50"}, id="latency"),
    pytest.param(["near-full"], {"ratio_empty"}, id="near-full"),
    pytest.param(["overload", "--store", "embedded"], {"goodput_ratio", "renewal_loss_pct"},
                 id="overload"),
    pytest.param(["compare", "--systems", "etcdhcp-embedded,dnsmasq"],
                 {"etcdhcp_embedded_dora_per_s", "dnsmasq_renew_per_s"}, id="compare",
                 marks=pytest.mark.needs("dnsmasq")),
    pytest.param(["outage"], {"renewals", "renewals_lost", "resumed_s"}, id="outage", marks=ETCD),
    pytest.param(["failover"], {"dora_waited_pct", "waited_pct", "asked_again_pct"}, id="failover",
                 marks=ETCD),
    pytest.param(["recover"], {"leases", "silent_s", "ready_s"}, id="recover", marks=ETCD),
    pytest.param(["start"], {"etcd_s", "embedded_s", "bytes_per_lease"}, id="start", marks=ETCD),
]
pytestmark = pytest.mark.plain


@pytest.fixture(autouse=True)
def needed():
    if not (server.build_dir() / "bench" / "reflect" / "etcdhcp-reflect").exists():
        pytest.skip("the benchmarks' programs are not built")
    if not lab.kernel_has_af_xdp():
        pytest.skip("this kernel has no AF_XDP sockets")


def bench(*args, timeout=120):
    """(exit code, standard output, standard error) of bench/run; ended first when time is out."""
    process = subprocess.Popen([sys.executable, RUN, *args], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=lab.die_with_parent)
    try:
        out, error = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=ENDING_S)
    return process.returncode, out, error


@pytest.mark.parametrize("args, keys", SMOKES)
def test_a_benchmark_runs_and_is_valid(args, keys, tmp_path):
    path = tmp_path / "figures.json"
    code, out, error = bench(*args, "--quick", "--json", path)
    assert code == 0, f"{out}\n{error}"
    last = dict(word.split("=", 1) for word in out.splitlines()[-1].split())
    assert keys <= last.keys()
    figures = json.loads(path.read_text())
    assert figures["valid"] and figures["quick"] and figures["bench"] == args[0]
    assert figures["runs"] and all(run["valid"] for run in figures["runs"])
    assert {key: str(value) for key, value in figures["figures"].items()}.keys() == last.keys()


def test_every_benchmark_has_its_smoke():
    code, out, _ = bench("--help")
    assert code == 0
    names = set(re.findall(r"^    (\S+)", out, re.MULTILINE))
    assert {param.values[0][0] for param in SMOKES} == names


def test_an_unknown_benchmark_is_refused_with_a_list_of_those_there_are():
    done = subprocess.run([ROOT / "scripts" / "bench", "nothing"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert "'nothing'" in done.stderr and "renew" in done.stderr
