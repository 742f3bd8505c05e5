# SPDX-License-Identifier: MIT
"""Somebody else's XDP program: two instructions that pass everything, attached as others would."""
import ctypes
import os
import pathlib
import platform
import socket
import struct
import subprocess

SYSCALL = {"x86_64": 321, "aarch64": 280}
PROG_LOAD, LINK_CREATE = 5, 28
PROG_TYPE_XDP, ATTACH_XDP, XDP_PASS = 6, 37, 2
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr, 128)
    fd = _libc.syscall(SYSCALL[platform.machine()], command, buffer, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return fd


class ForeignProgram:
    """Loaded and attached to an interface of a namespace, by a link or by netlink."""

    def __init__(self, namespace, interface, how):
        code = ctypes.create_string_buffer(
            struct.pack("=BBhi", 0xB7, 0, 0, XDP_PASS) + struct.pack("=BBhi", 0x95, 0, 0, 0))
        license_text = ctypes.create_string_buffer(b"MIT")
        attr = struct.pack("=IIQQIIQII16s", PROG_TYPE_XDP, 2, ctypes.addressof(code),
                           ctypes.addressof(license_text), 0, 0, 0, 0, 0, b"foreign")
        self.namespace, self.interface = namespace, interface
        self.fds = [_bpf(PROG_LOAD, attr)]
        namespace.lab.closers.append(self.close)
        self.id = self._own_id()
        with namespace.entered():
            if how == "link":
                index = struct.pack("=IIII", self.fds[0], _index(interface), ATTACH_XDP, 0)
                self.fds.append(_bpf(LINK_CREATE, index))
            else:
                subprocess.run(["bpftool", "net", "attach", "xdp", "id", str(self.id), "dev",
                                interface], check=True)

    def _own_id(self):
        """Of this descriptor: other tests load programs of the same name meanwhile."""
        info = pathlib.Path(f"/proc/self/fdinfo/{self.fds[0]}").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in info.splitlines()
                    if line.startswith("prog_id:"))

    def is_attached(self):
        """The program is the interface's own, not merely loaded."""
        return f"id {self.id} " in self.namespace.ip("-d", "link", "show", self.interface) + " "

    def close(self):
        while self.fds:
            os.close(self.fds.pop())


def _index(interface):
    return socket.if_nametoindex(interface)
