# SPDX-License-Identifier: MIT
"""Servers that break a rule on purpose: the patches apply, and (long) each is caught."""
import subprocess

import pytest

import broken
import faults
from test_run import RUN

NAMES = sorted(path.stem for path in broken.PATCHES.glob("*.patch"))


def test_each_patch_has_its_faults():
    assert NAMES == sorted(broken.EXPOSED_BY)
    for names in broken.EXPOSED_BY.values():
        assert faults.named(names, "etcd")


@pytest.mark.parametrize("name", NAMES)
def test_patch_applies(name):
    assert broken.applies(name) == ""


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_is_caught(name):
    done = subprocess.run([*RUN, "--broken", name, "--minutes", "5", "--seed", "1"],
                          capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr

