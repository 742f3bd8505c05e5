# SPDX-License-Identifier: MIT
"""
Servers with a rule taken out on purpose (broken/*.patch): what the harness is worth shows in how
soon it catches them.
"""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = HERE / "broken"

# The faults that expose each.
EXPOSED_BY = {
    "no-compare": ["server-cut", "server-stop", "compaction", "apart"],
    "ack-first": ["etcd-outage", "member-stop", "member-kill", "server-kill", "server-cut"],
    "reboot-from-table": ["server-cut", "server-stop"],
    "latest-reclaims": ["clock"],
}


def patch(name):
    return PATCHES / f"{name}.patch"


def applies(name):
    """What git says against it, "" when nothing."""
    done = subprocess.run(["git", "apply", "--check", patch(name)], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    return done.stderr


def build(name, directory):
    """A server from a copy of the tree with the patch in it; the folder of its build."""
    source = directory / "source"
    source.mkdir()
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, check=True).stdout
    copy = directory / "copy.tar"
    subprocess.run(["tar", "--create", f"--file={copy}", "--null", "--files-from=-"], input=files,
                   cwd=ROOT, check=True)
    subprocess.run(["tar", "--extract", f"--file={copy}"], cwd=source, check=True)
    subprocess.run(["git", "apply", "--unsafe-paths", f"--directory={source}", patch(name)],
                   cwd="/", check=True)
    target = directory / "build"
    for command in (["meson", "setup", "-Dtests=false", "-Dbuildtype=release", target, source],
                    ["ninja", "-C", target, "userspace/etcdhcpd"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {' '.join(map(str, command))}:\n{done.stdout[-4000:]}"
                               f"{done.stderr}")
    return target
