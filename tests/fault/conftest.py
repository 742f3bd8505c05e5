# SPDX-License-Identifier: MIT
"""Paths and marks of the fault tests; those marked long run only when asked for by name (-m long)."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: minutes; only with -m long")
    if not config.option.markexpr:
        config.option.markexpr = "not long"
