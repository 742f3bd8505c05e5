# SPDX-License-Identifier: MIT
"""Network namespaces, virtual cables and switches for one test, and their certain removal.

Namespaces are made with `ip netns add` and entered with setns() or nsenter: `ip netns exec` would
remount /sys and hide bpffs. Names carry the pid of the test run, so that a later run can tell
what a killed one has left behind.
"""
import contextlib
import ctypes
import fcntl
import itertools
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

PREFIX = "edt"
MARK = "ETCDHCP_TEST_RUN"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
AF_XDP = 44

_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)

# Sanitizers slow everything down: every bound on waiting is multiplied by this.
SLOWNESS = float(os.environ.get("ETCDHCP_TEST_SLOWNESS", "1"))


class Timeout(AssertionError):
    """Something that had to happen did not happen in time."""


def wait_until(condition, what, timeout=30.0, interval=0.005):
    """
    The first true value of condition(); Timeout naming @what when there is none in time. The bound
    is generous, since only a failure ever waits that long.
    """
    deadline = time.monotonic() + timeout * SLOWNESS
    while True:
        # Once more after the end: this process may have been what had no time to run.
        late = time.monotonic() > deadline
        value = condition()
        if value:
            return value
        if late:
            raise Timeout(f"{what}: not within {timeout * SLOWNESS:g} s")
        time.sleep(interval)


def die_with_parent(sign=signal.SIGKILL):
    """Between fork and exec: what a test starts does not outlive a killed test run."""
    _libc.prctl(PR_SET_PDEATHSIG, sign, 0, 0, 0)


def ip(*args):
    command = ["ip", *(str(arg) for arg in args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def kernel_has_af_xdp():
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError:
        return False
    return True


class Namespace:
    """A network namespace with loopback up and IPv6 off (no stray neighbour discovery)."""

    def __init__(self, lab, role):
        self.lab = lab
        self.role = role
        self.name = f"{PREFIX}{os.getpid()}-{next(_serial)}-{role}"
        self.path = f"/run/netns/{self.name}"
        ip("netns", "add", self.name)
        with self.entered():
            for knob in ("all", "default"):
                write(f"/proc/sys/net/ipv6/conf/{knob}/disable_ipv6", "1")
            # An address is answered for on its own interface alone, as on separate machines.
            write("/proc/sys/net/ipv4/conf/all/arp_ignore", "1")
        self.ip("link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside the namespace while the context lasts."""
        with open("/proc/thread-self/ns/net", encoding="ascii") as home, \
             open(self.path, encoding="ascii") as inside:
            _setns(inside)
            try:
                yield
            finally:
                _setns(home)

    def ip(self, *args):
        return ip("-n", self.name, *args)

    def socket(self, *args):
        with self.entered():
            return socket.socket(*args)

    def argv(self, command):
        return ["nsenter", f"--net={self.path}", "--", *(str(word) for word in command)]

    def run(self, *command, timeout=60, **options):
        options = {"capture_output": True, "text": True, "check": False} | options
        return subprocess.run(self.argv(command), timeout=timeout * SLOWNESS,
                              env=self.lab.environment(), **options)

    def popen(self, *command, env=None, **options):
        """A process inside; the lab ends it with the test if nobody did before."""
        process = subprocess.Popen(self.argv(command), env=self.lab.environment(env),
                                   preexec_fn=die_with_parent, stdin=subprocess.DEVNULL, **options)
        self.lab.processes.append(process)
        return process

    def mac(self, interface):
        with self.entered():
            return _hwaddr(interface)

    def wait_carrier(self, interface):
        """Until it carries frames: the kernel settles that in the background, dropping until then."""
        wait_until(lambda: " state UP " in self.ip("link", "show", interface),
                   f"{interface} has its carrier")

    def address(self, interface, address):
        """Gives the interface an address, "10.6.0.1/24"."""
        self.ip("address", "add", address, "brd", "+", "dev", interface)

    def sysctl(self, name, value):
        with self.entered():
            write("/proc/sys/" + name.replace(".", "/"), str(value))


class Lab:
    """All namespaces and processes of one test."""

    def __init__(self):
        self.namespaces = []
        self.processes = []
        self.closers = []

    def environment(self, extra=None):
        return os.environ | {MARK: str(os.getpid())} | (extra or {})

    def namespace(self, role):
        namespace = Namespace(self, role)
        self.namespaces.append(namespace)
        return namespace

    def switch(self, role="switch"):
        """A namespace with a bridge that forwards from the start."""
        namespace = self.namespace(role)
        namespace.ip("link", "add", "br0", "type", "bridge", "forward_delay", 0, "stp_state", 0,
                     "mcast_snooping", 0)
        namespace.ip("link", "set", "br0", "up")
        return namespace

    def wire(self, a, a_name, b, b_name, queues=1):
        """A cable between two namespaces. Checksums are complete on it, as on a real one."""
        many = ("numrxqueues", queues, "numtxqueues", queues)
        ip("link", "add", a_name, "netns", a.name, *many, "type", "veth",
           "peer", "name", b_name, "netns", b.name, *many)
        ends = ((a, a_name), (b, b_name))
        for namespace, name in ends:
            namespace.run("ethtool", "-K", name, "tx", "off", check=True)
            namespace.ip("link", "set", name, "up")
        for namespace, name in ends:
            namespace.wait_carrier(name)

    def plug(self, namespace, name, switch, queues=1):
        """A cable from a namespace to a free port of a switch; the port's name."""
        port = f"p{next(_serial)}"
        self.wire(namespace, name, switch, port, queues)
        switch.ip("link", "set", port, "master", "br0")
        return port

    def close(self):
        """Ends what still runs and removes everything, even if a server's end was a failure."""
        with contextlib.ExitStack() as last:
            for namespace in self.namespaces:
                last.callback(ip, "netns", "del", namespace.name)
            last.callback(self._end_processes)
            for close in self.closers:
                last.callback(close)
            self.closers, self.namespaces = [], []

    def _end_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
        for process in self.processes:
            process.wait()
        self.processes = []


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _hwaddr(interface):
    """SIOCGIFHWADDR, because /sys shows another namespace's interfaces."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, 0x8927, struct.pack("256s", interface.encode()))
    return ":".join(f"{byte:02x}" for byte in answer[18:24])


def remains(pid=None):
    """Namespaces and processes of the run @pid, or of any run that is no more."""
    found = []
    for name in sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []:
        owner = name.removeprefix(PREFIX).split("-")[0]
        if name.startswith(PREFIX) and owner.isdigit() and _is_ours(int(owner), pid):
            found.append(("namespace", name))
    for process in filter(str.isdigit, os.listdir("/proc")):
        owner = _run_of(process)
        if owner and int(process) != os.getpid() and _is_ours(owner, pid):
            found.append(("process", int(process)))
    return found


def _is_ours(owner, pid):
    return owner == pid if pid else not os.path.exists(f"/proc/{owner}")


def _run_of(process):
    try:
        environment = pathlib.Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return None
    for entry in environment.split(b"\0"):
        if entry.startswith(MARK.encode() + b"="):
            return int(entry.split(b"=")[1])
    return None


def sweep():
    """Removes what a killed run left behind."""
    for kind, what in remains():
        with contextlib.suppress(OSError, RuntimeError):
            if kind == "process":
                os.kill(what, signal.SIGKILL)
            else:
                ip("netns", "del", what)
