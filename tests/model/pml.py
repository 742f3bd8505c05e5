#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Has spin look through lease.pml: all of it, or for the shortest way to break a promise.

Run by hand, it prints that way step by step: tests/model/pml.py -DWITHOUT_RULE_4 -DSKEW=0 -DLONG=1
"""
import dataclasses
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

MODEL = pathlib.Path(__file__).resolve().parent / "lease.pml"
MEMORY_MB = 1800
SECONDS = 900

# Nothing here is independent of anything else, so partial order reduction would find nothing to leave out.
COMPILE = ["gcc", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c"]
# In depth: quick, little memory. In breadth: the first counter-example is a shortest one.
DEPTH = (["-O3"], ["-m4000000", "-w25"])
BREADTH = (["-O1", "-DBFS", "-DCOLLAPSE"], ["-w22"])


@dataclasses.dataclass
class Outcome:
    said: str    # by the search
    broken: str  # the assertion, as spin prints it; "" when all hold in every state
    trace: str   # the steps that lead there; in breadth alone, in depth there are thousands
    states: int


def limit_memory():
    size = (MEMORY_MB + 400) << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def run(folder, *command, **options):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
                          **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def steps(folder, defines):
    """Spin's trail, a line per step: which process did what, and what it changed of the state."""
    source = MODEL.read_text().splitlines()
    lines, last, seen = [], None, {}
    for line in run(folder, "spin", *defines, "-t", "-p", "-g", MODEL.name).splitlines():
        move = re.match(r"\s*(\d+):\s+proc\s+(\d+) \((\w+):\d+\) \S+:(\d+) ", line)
        change = re.match(r"\s+((?:version|srv|late|uses|last)\S*) = (\S+)", line)
        if move and move[1] != last:
            last = move[1]
            lines.append(f"{move[2]} {move[3]}: {source[int(move[4]) - 1].strip()}")
        elif change and lines and seen.get(change[1]) != change[2]:
            seen[change[1]] = change[2]
            lines[-1] += f"\n        {change[1]} = {change[2]}"
    return "\n".join(lines)


def search(defines, way):
    """Builds the model and looks through it. Raises RuntimeError when the search did not come to an end."""
    options, arguments = way
    with tempfile.TemporaryDirectory(prefix="etcdhcp-model.") as folder:
        for part in MODEL.parent.glob("*.pml"):
            (pathlib.Path(folder) / part.name).write_text(part.read_text())
        run(folder, "spin", *defines, "-a", MODEL.name)
        run(folder, COMPILE[0], *options, *COMPILE[1:])
        said = run(folder, "./pan", *arguments, preexec_fn=limit_memory)
        broken = re.search(r"assertion violated (.*) \(at depth", said)
        errors = re.search(r"errors: (\d+)", said)
        states = re.search(r"(\S+) states, stored", said)
        if not errors or not states or bool(broken) != (errors[1] != "0") or \
           (not broken and re.search("too small|Search not completed|out of memory", said)):
            raise RuntimeError(f"no result: {said}")
        trace = steps(folder, defines) if broken and way is BREADTH else ""
        return Outcome(said, broken[1].strip() if broken else "", trace, int(float(states[1])))


if __name__ == "__main__":
    result = search(sys.argv[1:], BREADTH)
    print(result.trace or "all holds")
    print(f"{result.broken or 'nothing'} is broken; {result.states} states")
