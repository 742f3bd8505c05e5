# SPDX-License-Identifier: MIT
"""etcdhcpd under test: started with a given configuration, watched, reloaded, stopped or killed."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess

from lab import SLOWNESS, Timeout, wait_until

METRICS_PORT = 9842
# More than the manual promises: what hangs is to be found, not a machine with much else to do.
STOP_TIMEOUT = 20.0
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
                       r"SUMMARY: \w+Sanitizer|Sanitizer:DEADLYSIGNAL")


def build_dir():
    root = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(os.environ.get("ETCDHCP_BUILD", root / "build")).resolve()


def binary():
    return build_dir() / "userspace" / "etcdhcpd"


def merge(base, more):
    """A configuration laid over another: mappings merge, all else is replaced."""
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    return {**base, **{key: merge(base.get(key), value) for key, value in more.items()}}


class Metrics:
    """A page of the Prometheus text format."""

    LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            name, labels, value = self.LINE.match(line).groups()
            self.samples.append((name, dict(self.LABEL.findall(labels or "")), float(value)))

    def sum(self, name, **labels):
        """Of every sample with that name and those labels; 0 when there is none."""
        return sum(value for each, have, value in self.samples
                   if each == "etcdhcp_" + name and labels.items() <= have.items())

    def counted(self):
        """The samples that are not zero, histograms apart: for those who look for what happened."""
        return "\n".join(line for line in self.text.splitlines()
                         if not line.startswith("#") and "_bucket{" not in line
                         and not line.endswith(" 0"))

    def names(self):
        return {name for name, _, _ in self.samples}

    def labels(self, name, label):
        return {have.get(label) for each, have, _ in self.samples if each == "etcdhcp_" + name}


class Server:
    """One etcdhcpd in a namespace. Its log and exit code are judged when it ends."""

    def __init__(self, namespace, directory, config, name="server"):
        self.namespace, self.name = namespace, name
        self.directory = pathlib.Path(directory)
        self.config_path = self.directory / f"{name}.yaml"
        self.log_path = self.directory / f"{name}.log"
        self.log_path.touch()
        self.clock_path = self.directory / f"{name}.clock"
        self.config = config
        self.process = None
        self.write_config(config)
        namespace.lab.closers.append(self.close)

    # Configuration

    def write_config(self, config):
        """A mapping (written as JSON, which is YAML) or the text itself."""
        self.config = config
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        self.config_path.write_text(text, encoding="utf-8")

    def reload(self, config=None):
        if config is not None:
            self.write_config(config)
        self.process.send_signal(signal.SIGHUP)

    # Life

    def set_clock(self, seconds):
        """Its machine's clock is off by so much from now on; the first time before it starts."""
        with open(self.clock_path, "r+b" if self.clock_path.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def start(self, ready=True, wrapper=(), more=()):
        """@more are arguments behind the usual ones."""
        if self.clock_path.exists():
            library = build_dir() / "tests" / "lab" / "libwrong_clock.so"
            wrapper = (*wrapper, "env", f"LD_PRELOAD={library}", f"LAB_CLOCK={self.clock_path}")
        assert self.process is None or self.process.poll() is not None, "runs already"
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(*wrapper, binary(), "-c", self.config_path, *more,
                                                stdout=log, stderr=log,
                                                cwd=self.directory, env=self.sanitizer_options())
        if ready:
            self.wait_ready()
        return self

    @staticmethod
    def sanitizer_options():
        suppressions = pathlib.Path(__file__).resolve().parents[1] / "tsan.supp"
        tsan = "second_deadlock_stack=1"
        if suppressions.exists():
            tsan += f":suppressions={suppressions}"
        # What is preloaded for a wrong clock comes before the sanitizer's library.
        return {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:verify_asan_link_order=0",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "TSAN_OPTIONS": tsan}

    def wait_ready(self, timeout=30.0):
        wait_until(self.is_ready, f"{self.name} ready", timeout)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        return self.status("/readyz") == 200

    def wait_exit(self, timeout=STOP_TIMEOUT):
        try:
            return self.process.wait(timeout * SLOWNESS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout * SLOWNESS:g} s:\n"
                                 f"{self.tail()}") from None

    def freeze(self):
        """SIGSTOP: it runs no more until thaw()."""
        def stopped():
            stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
            return stat.rpartition(")")[2].split()[0] in "Tt"
        self.process.send_signal(signal.SIGSTOP)
        wait_until(stopped, f"{self.name} is stopped")

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """SIGTERM: a clean exit within the time promised."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, f"{self.name} ended with {code}:\n{self.tail()}"
        self.process = None

    def kill(self):
        """SIGKILL: what a power failure of the process leaves."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        """At the end of a test: whatever still runs must stop cleanly, and nothing was reported."""
        code = 0
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            code = self.wait_exit()
        report = SANITIZER.search(self.log())
        assert not report, f"{self.name}: a sanitizer's report:\n{self.log()[report.start():]}"
        assert code == 0, f"{self.name} ended with {code}:\n{self.tail()}"

    # What it says

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines=30):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_log(self, pattern, timeout=30.0, since=0):
        """The match of a regular expression in the log, from the character @since on."""
        return wait_until(lambda: re.search(pattern, self.log()[since:]),
                          f"{self.name}'s log has /{pattern}/; it ends\n{self.tail(10)}\n", timeout)

    def get(self, path, method="GET"):
        """(status, body) of its HTTP port; (0, "") when nothing listens."""
        connection = http.client.HTTPConnection("127.0.0.1", METRICS_PORT, timeout=30 * SLOWNESS)
        connection.sock = self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.settimeout(30 * SLOWNESS)
        try:
            connection.sock.connect(("127.0.0.1", METRICS_PORT))
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def status(self, path):
        return self.get(path)[0]

    def metrics(self):
        status, body = self.get("/metrics")
        assert status == 200, f"/metrics: {status}"
        return Metrics(body)

    def wait_metric(self, name, wanted, timeout=30.0, **labels):
        """Until the sum of a metric satisfies wanted(value)."""
        page = None

        def arrived():
            nonlocal page
            page = self.metrics()
            return wanted(page.sum(name, **labels))
        try:
            wait_until(arrived, f"{self.name}: {name}{labels} as wanted", timeout)
        except Timeout as late:
            raise Timeout(f"{late}; in the end:\n{page.counted()}") from None
        return page.sum(name, **labels)

    def threads(self):
        """Thread names by id."""
        task = pathlib.Path(f"/proc/{self.process.pid}/task")
        return {int(entry.name): (entry / "comm").read_text().strip() for entry in task.iterdir()}


def run_once(namespace, directory, *args, wrapper=(), config=None, timeout=30.0):
    """etcdhcpd run to its end: (exit code, stdout, stderr)."""
    if config is not None:
        path = pathlib.Path(directory) / "once.yaml"
        path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
        args = ("-c", path, *args)
    done = namespace.run(*wrapper, binary(), *args, timeout=timeout)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr
