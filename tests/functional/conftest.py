# SPDX-License-Identifier: MIT
"""Fixtures of the functional tests. See ../lab/lab.py for where they happen, place.py for the usual set-up."""
import hashlib
import os
import pathlib
import shutil
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import lab  # noqa: E402 (the path comes first)
import place  # noqa: E402
import server  # noqa: E402

NEEDED = ["ip", "nsenter", "ethtool"]
_figures = []


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*programs): skipped, by name, where one is missing")
    config.addinivalue_line("markers", "plain: meaningless under a sanitizer")


def pytest_sessionstart(session):
    """A run cannot begin with another's remains, without root or without a server."""
    if os.geteuid() != 0:
        pytest.exit("the functional tests make network namespaces: they need root", 2)
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.exit(f"missing programs: {', '.join(missing)}", 2)
    if not server.binary().exists():
        pytest.exit(f"{server.binary()} is not built", 2)
    lab.sweep()
    # SIGTERM unwinds like Ctrl-C does: fixtures clean up.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))


def pytest_sessionfinish(session, exitstatus):
    left = lab.remains(os.getpid())
    lab_names = [f"{kind} {what}" for kind, what in left]
    if left:
        session.exitstatus = 1
        print(f"\nleft behind: {', '.join(lab_names)}", file=sys.stderr)


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("figures")
        for line in _figures:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(config, items):
    """Under a sanitizer plain tests are no tests: nothing is missing that a skip should name."""
    plain = [item for item in items if item.get_closest_marker("plain")]
    if plain and lab.SLOWNESS > 1:
        config.hook.pytest_deselected(items=plain)
        items[:] = [item for item in items if not item.get_closest_marker("plain")]


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the ends of the logs that its servers wrote."""
    outcome = yield
    report = outcome.get_result()
    directory = item.funcargs.get("tmp_path") if hasattr(item, "funcargs") else None
    if report.failed and directory:
        for log in sorted(directory.glob("*.log")):
            text = log.read_text(errors="replace").splitlines()[-40:]
            report.sections.append((log.name, "\n".join(text)))


def _claimed(items, claims):
    """Those of the items that no other process took before, each taken when it is come to."""
    for item in items:
        name = hashlib.sha1(item.nodeid.encode()).hexdigest()
        try:
            (claims / name).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield item


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """
    ETCDHCP_TEST_CLAIMS=FOLDER: processes that are given the same new folder share the tests, each
    taking the next one that is left. They wait more than they compute.
    """
    folder = os.environ.get("ETCDHCP_TEST_CLAIMS")
    if not folder or session.testsfailed or session.config.option.collectonly:
        return None
    mine = _claimed(session.items, pathlib.Path(folder))
    item = next(mine, None)
    while item:
        following = next(mine, None)  # fixtures are kept for it, so it must be known
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


@pytest.fixture
def figure():
    """figure("text"): a measurement, printed at the end of the run."""
    return _figures.append


@pytest.fixture
def xdp(request):
    """The port mode: native XDP unless a test asks for others by parametrising it indirectly."""
    mode = getattr(request, "param", "native" if lab.kernel_has_af_xdp() else "off")
    if mode != "off" and not lab.kernel_has_af_xdp():
        pytest.skip("this kernel has no AF_XDP sockets")
    return mode


@pytest.fixture
def store(request):
    return getattr(request, "param", "embedded")


@pytest.fixture
def make_place(tmp_path):
    """make_place(xdp=, store=, queues=): a place, closed with the test."""
    yield from _closing(lambda **options: place.Place(tmp_path, **options))


@pytest.fixture
def make_campus(tmp_path):
    yield from _closing(lambda **options: place.Campus(tmp_path, **options))


def _closing(make):
    made = []

    def remember(**options):
        made.append(make(**options))
        return made[-1]

    yield remember
    for each in reversed(made):
        each.close()


@pytest.fixture
def here(make_place, xdp, store):
    """The usual place with its server running."""
    usual = make_place(xdp=xdp, store=store)
    usual.start()
    return usual


@pytest.fixture
def client(here):
    return here.client()


@pytest.fixture
def new_lab():
    """An empty lab for set-ups of a test's own."""
    made = lab.Lab()
    yield made
    made.close()


