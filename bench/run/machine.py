# SPDX-License-Identifier: MIT
"""The machine that figures come from, and what its disk can do."""
import contextlib
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


class Others:
    """What processes that are none of ours take of the processors meanwhile: a context manager.

    Kernel threads are left out (they work for us, too); children that have ended are in what their
    parents have waited for. Unlike the load averages it does not see ourselves.
    """
    share = 0.0  # of all processors, 0 to 1

    def __enter__(self):
        self._began, self._ticks = time.monotonic(), _foreign_ticks()
        return self

    def __exit__(self, *_):
        seconds = (_foreign_ticks() - self._ticks) / os.sysconf("SC_CLK_TCK")
        elapsed = max(time.monotonic() - self._began, 1e-6)
        self.share = max(0.0, seconds / elapsed / os.cpu_count())


def wait_for_calm(seconds, share=0.05, look=1.0):
    """Until others take less than @share of the processors for @look seconds; at most @seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with Others() as others:
            time.sleep(look)
        if others.share < share:
            return


def _foreign_ticks():
    processes = dict(_processes())
    ours = {os.getpid(): True, 2: True}
    return sum(ticks for pid, (_, ticks) in processes.items()
               if not _belongs(pid, processes, ours))


def _belongs(pid, processes, known):
    """Whether it descends from a process that @known says True of; remembered there."""
    if pid not in known:
        parent = processes[pid][0] if pid in processes else 0
        known[pid] = parent > 0 and _belongs(parent, processes, known)
    return known[pid]


def _processes():
    """(pid, (parent, ticks)): user and system time, its own and that of children it waited for."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
            fields = text[text.rindex(")") + 2:].split()
            yield int(name), (int(fields[1]), sum(map(int, fields[11:15])))


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
