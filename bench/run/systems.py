# SPDX-License-Identifier: MIT
"""What a server under test is to the benchmarks: ours (systems_etcdhcp.py) and the peers alike.

A module beside this one defines subclasses of System and nothing else is asked of it. A system is
started in a place (place.py) that is its alone, measured, and stopped; it may be started again,
in another place. All it writes goes below place.directory.
"""
import abc
import os


class System(abc.ABC):
    """One way to serve DHCP.

    name        a key for tables and figures: "etcdhcp-embedded", "kea-memfile"
    title       for people: "Kea 2.2, memfile"
    durability  what an ACK promises, in a phrase that stands beside every rate: "fsync before ACK",
                "none: memfile is written without fsync"
    durable     whether what an ACK promises survives a power failure
    packages    Debian packages that it needs; scripts/bench installs them (scripts/lib.sh has the
                same list under bench_NAME)
    programs    absolute paths of what has to be there
    most_leases the largest pool that it is of any use with; None: any
    """
    name = title = durability = ""
    durable = True
    packages = ()
    programs = ()
    most_leases = None

    def __init__(self):
        self.commands = []  # exact command lines, in the order they were run, for the report
        self.configs = {}   # file name -> text

    @abc.abstractmethod
    def version(self):
        """As the program itself says; works before start."""

    def installed(self):
        """Whether start can find all its programs."""
        return all(os.path.exists(program) for program in self.programs)

    @abc.abstractmethod
    def start(self, place, spec):
        """Serves what @spec (place.Spec) asks for, on place.SERVER_IF, when this returns.

        Fair settings: no ping check, no logging per packet, all its threads, whatever else its
        manual recommends for speed without giving up what `durability` says. Processes are started
        by place.start, files are written by self.write.
        """

    @abc.abstractmethod
    def stop(self):
        """Ends all that start started; harmless when it had not got far."""

    def metrics(self):
        """Counters of its own for the report, {name: number}; {} where it has none."""
        return {}

    def memory(self):
        """Bytes resident in all its processes (stores included), beside pages of files."""
        return sum(resident(process.pid) for process in self.processes())

    def processes(self):
        """The subprocess.Popen of all its processes."""
        return []

    def describe(self):
        """For the report."""
        return {"title": self.title, "durability": self.durability, "durable": self.durable,
                "version": self.version(),
                "packages": list(self.packages), "commands": list(self.commands),
                "configs": dict(self.configs)}

    # For subclasses

    def launch(self, place, name, *command, env=None):
        """place.start, remembered for the report."""
        self.remember(command)
        return place.start(name, *command, env=env)

    def remember(self, command):
        line = " ".join(str(word) for word in command)
        if line not in self.commands:
            self.commands.append(line)

    def write(self, place, name, text):
        """A configuration file, remembered for the report; its path."""
        path = place.directory / name
        path.write_text(text, encoding="utf-8")
        self.configs[name] = text
        return path


def wait_for_port(place, process, name, port=67):
    """Until a socket of somebody's is bound to the UDP port, that is, until @name serves."""
    needle = f":{port:04X} "

    def bound():
        with place.server_ns.entered(), open("/proc/thread-self/net/udp", encoding="ascii") as udp:
            return needle in udp.read()
    place.wait(process, bound, name)


def resident(pid):
    """Bytes of memory that a process and its children have resident, beside pages of files: those of
    a database are the kernel's cache, which it takes back when it wants to."""
    return sum(_rss(each) for each in [pid, *_children(pid)])


def _rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return sum(int(fields[key].split()[0]) * 1024 for key in ("RssAnon", "RssShmem"))


def _children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            direct = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return direct + [each for child in direct for each in _children(child)]
