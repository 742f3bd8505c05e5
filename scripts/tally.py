#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up JUnit files: names what failed and what was skipped, then counts, on the last line."""
import argparse
import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def why(case, found):
    """What the test gave as its reason; meson leaves that of a whole skipped program in TAP."""
    said = found.get("message") or found.text or ""
    if not said and found.tag == "skipped":
        _, _, said = (case.findtext("system-out") or "").partition("# SKIP ")
    return said.strip()


def outcomes(path):
    """(name, "passed" | "failed" | "skipped", why) of each test case in a file."""
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for case in suite.findall("testcase"):
            name = f"{path.stem}: {suite.get('name')}: {case.get('name')}"
            for tag, outcome in (("failure", "failed"), ("error", "failed"),
                                 ("skipped", "skipped")):
                found = case.find(tag)
                if found is not None:
                    yield name, outcome, why(case, found)
                    break
            else:
                yield name, "passed", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broken", type=int, default=0, help="failures that are not tests")
    parser.add_argument("--failed-runs", default="", help="files whose run ended with failure")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    counts = collections.Counter(failed=options.broken)
    failed_in = collections.Counter()
    for path in sorted(options.folder.glob("*.xml")):
        for name, outcome, why in outcomes(path):
            counts[outcome] += 1
            failed_in[path.stem] += outcome == "failed"
            if outcome != "passed":
                print(f"{outcome}: {name}" + (f" ({why.splitlines()[0]})" if why else ""))
    # A run can fail without a failing test: a crash between tests, something left behind.
    for run in filter(None, options.failed_runs.split(",")):
        if not failed_in[run]:
            counts["failed"] += 1
            print(f"failed: {run}: the run itself")
    if not counts["passed"]:
        counts["failed"] += not counts["failed"]
        print("failed: no test was run")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
