# SPDX-License-Identifier: MIT
"""The machine that figures come from, and what its disk can do."""
import os
import pathlib
import platform
import time


def describe():
    return {"cpu": _cpu(), "cores": os.cpu_count(), "memory_bytes": _memory(),
            "kernel": platform.release(), "distribution": _distribution()}


def load():
    """Run-queue averages over 1, 5 and 15 minutes."""
    return list(os.getloadavg())


def _cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _distribution():
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return "unknown"


def fsyncs_per_s(directory, seconds=1.0, size=4096):
    """How often a second this disk makes an appended block of @size bytes durable (fdatasync)."""
    path = pathlib.Path(directory) / "fsync"
    block, count = b"\xa5" * size, 0
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, 64 << 20)
        os.fsync(descriptor)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            os.pwrite(descriptor, block, count * size % (64 << 20))
            os.fdatasync(descriptor)
            count += 1
        return count / (time.monotonic() - begin)
    finally:
        os.close(descriptor)
        path.unlink()
