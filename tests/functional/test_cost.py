# SPDX-License-Identifier: MIT
"""What a renewal and a new lease cost in system calls and transactions: counted, not timed."""
import signal

import pytest

from frames import ACK, REQUEST, build_frame
from lab import wait_until
from matrix import native_and_off

RENEWALS = 1000


def count_system_calls(server, directory, work):
    """System calls of all the server's threads while work() runs, by name."""
    summary, log = directory / "strace.txt", directory / "strace.log"
    with open(log, "wb") as out:
        tracer = server.namespace.popen("strace", "-f", "-c", "-p", server.process.pid,
                                        "-o", summary, stderr=out)
    threads = len(server.threads())
    wait_until(lambda: log.read_text().count(" attached") >= 1 and _traced(server) == threads,
               "strace attached")
    try:
        work()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)
    counts = {}
    for line in summary.read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
            counts[words[-1]] = int(words[3])
    return counts


def _traced(server):
    traced = 0
    for thread in server.threads():
        status = open(f"/proc/{server.process.pid}/task/{thread}/status", encoding="ascii").read()
        traced += "TracerPid:\t0" not in status
    return traced


@pytest.mark.plain
@pytest.mark.needs("strace")
@native_and_off
def test_renewal_makes_no_system_call_of_its_own(here, figure, xdp):
    """A thousand renewals wait in the ring; the calls made to answer them are per burst."""
    client = here.client()
    client.dora()
    frames, xids = [], set()
    for number in range(RENEWALS):
        payload, xid = client.message(REQUEST, ciaddr=client.address, xid=0x70000000 + number)
        xids.add(xid)
        frames.append(bytes(build_frame(payload, src_mac=client.mac, dst_mac=client.server_mac,
                                        src=client.address, dst=client.server)))

    def work():
        here.server.freeze()
        for frame in frames:
            here.link.send(frame)
        here.server.thaw()
        seen = set()
        while len(seen) < RENEWALS:
            reply = here.link.wait(lambda each: each.xid in xids - seen, "an ACK", 60.0)
            assert reply.type == ACK
            seen.add(reply.xid)

    counts = count_system_calls(here.server, here.directory, work)
    total = sum(counts.values())
    figure(f"renewals over {xdp}: {RENEWALS} answered with {total} system calls "
           f"({', '.join(f'{name} {n}' for name, n in sorted(counts.items()))})")
    assert total < RENEWALS / 4


@pytest.mark.needs("etcd", "etcdctl")
def test_transactions_are_far_fewer_than_leases(make_place, xdp, figure):
    """Sixty-four clients ask at once: their leases go to etcd in a few transactions."""
    place = make_place(xdp=xdp, store="etcd")
    server = place.start()
    clients = [place.client() for _ in range(64)]
    offers = [client.discover() for client in clients]
    batches = server.metrics().sum("commit_batch_size_count")
    server.freeze()
    xids = [client.say(REQUEST, requested=offer.yiaddr, server=offer.server)
            for client, offer in zip(clients, offers)]
    server.thaw()
    for client, xid in zip(clients, xids):
        client.answer(xid, ACK, timeout=60.0)
    made = len(set(place.etcd.revisions("/etcdhcp/leases/")))
    sent = server.metrics().sum("commit_batch_size_count") - batches
    figure(f"etcd: 64 leases in {made} revisions, {sent:.0f} transactions by the server's count")
    assert made <= 16
    assert sent <= 20


@pytest.mark.needs("etcd", "etcdctl")
def test_renewals_within_the_horizon_write_nothing(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd")
    place.start()
    clients = [place.client() for _ in range(20)]
    for client in clients:
        client.dora()
    kinds = ("leases", "clients")  # the membership is written every so often
    before = {kind: place.etcd.revisions(f"/etcdhcp/{kind}/") for kind in kinds}
    assert len(before["leases"]) == 20
    for _ in range(5):
        for client in clients:
            client.renew()
    assert {kind: place.etcd.revisions(f"/etcdhcp/{kind}/") for kind in kinds} == before
