# SPDX-License-Identifier: MIT
"""
Disks of the harness: small ones that can be filled, and one that is slow or takes the server down
in the middle of a write (slow_disk.c, loaded before the C library).
"""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def mount(lab, directory, size):
    """A file system of its own. The harness runs in a mount namespace of its own, too: see run.py."""
    directory.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "fault", directory], check=True)
    lab.closers.append(lambda: subprocess.run(["umount", "--lazy", directory], check=True))


def fill(directory):
    """Until nothing more goes in; the file that did it."""
    ballast = directory / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
    return ballast


def build(directory):
    """The shim; where it is."""
    shim = directory / "slow_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, HERE / "slow_disk.c", "-ldl"],
                   check=True)
    return shim


def wrapper(campus):
    """Before the server's command: loads the shim, which reads what to do from a file."""
    shim = campus.directory / "slow_disk.so"
    if not shim.exists():
        build(campus.directory)
    orders(campus, "")
    return ("env", f"LD_PRELOAD={shim}", f"SLOW_DISK={campus.directory / 'orders'}")


def orders(campus, text):
    """"delay MILLISECONDS" of each flush, "die WRITES" after so many in the middle of one, or nothing."""
    new = campus.directory / "orders.new"
    new.write_text(text)
    new.rename(campus.directory / "orders")
