# SPDX-License-Identifier: MIT
"""The load generator against a scripted server: each fault is reported for what it is."""
import copy

import pytest

from frames import ACK, DISCOVER, NAK, OFFER, RELEASE, REQUEST, pack_ip
from lab import SLOWNESS
from perf import SERVER, Range

EACH = 3  # clients that meet with each fault
CLIENTS = 20
# An answer that comes later is a finding of its own: a busy machine must not make any.
TIMEOUT = 1.5 + 0.5 * SLOWNESS
PORTS = pytest.mark.parametrize("port", [[], ["--socket"]], ids=["xdp", "socket"])


@pytest.fixture(scope="module")
def cable():
    made = Range()
    made.responder = made.respond()
    yield made
    made.close()


@pytest.fixture
def run(cable, tmp_path):
    """run(script, *arguments): the generator's result against a responder with that script."""
    def go(script, *arguments):
        cable.responder.requests.clear()
        cable.responder.script = script
        result = cable.perf(tmp_path, "-q", "--timeout", TIMEOUT, "--lease", 3600, *arguments)
        assert cable.responder.failure is None
        return result
    return go


def honest(answer):
    return [answer]


def index_of(answer):
    return int(answer.mac.replace(":", "")[-4:], 16)


def but(**changes):
    return lambda answer: [answer.but(**changes)]


def twice(answer):
    return [answer, answer]


def dropped(answer):
    return []


def wrong_xid(answer):
    return [answer.but(xid=answer.xid ^ 0x5A5A5A5A)]


def wrong_mac(answer):
    """The hardware address of another client."""
    return [answer.but(mac=answer.mac[:-1] + f"{int(answer.mac[-1], 16) ^ 1:x}")]


def with_stranger(answer):
    """Another answer beside the right one, to somebody whom nobody knows."""
    mac = "06:00:00:00:00:01"
    return [answer, answer.but(mac=mac, dst_mac=mac, xid=answer.xid ^ 0x3C3C3C3C)]


# What the answers of that type are replaced by; the finding; how the exchange ends.
HARMLESS = [
    (ACK, twice, "duplicate", "done"),
    (OFFER, twice, "duplicate", "done"),
    (ACK, with_stranger, "foreign", "done"),
]
HARMFUL = [
    (OFFER, dropped, None, "lost"),
    (ACK, dropped, None, "lost"),
    (ACK, but(type=NAK, address="0.0.0.0", lease=None), None, "naks"),
    (ACK, wrong_xid, "wrong_xid", "lost"),
    (OFFER, wrong_xid, "wrong_xid", "lost"),
    (ACK, wrong_mac, "wrong_client", "lost"),
    (ACK, but(address="10.6.9.8"), "wrong_address", "lost"),
    (OFFER, but(address="0.0.0.0"), "wrong_address", "lost"),
    (ACK, but(lease=60), "lease_time", "done"),
    (ACK, but(lease=None), "lease_time", "lost"),
    (ACK, but(server="10.6.0.2"), "wrong_server", "lost"),
    (OFFER, but(server=None), "no_server_id", "lost"),
    (ACK, but(broken_checksum=True), "bad_checksum", "lost"),
    (ACK, but(ip={"chksum": 1}), "bad_checksum", "lost"),
    (ACK, but(bootp={"end": b"", "pad_to": 0}), "malformed", "lost"),
    (ACK, but(bootp={"magic": b"\0\0\0\0"}), "malformed", "lost"),
    (ACK, but(type=DISCOVER), "malformed", "lost"),
    (ACK, but(dst_mac="02:ff:00:00:00:01"), "misdirected", "lost"),
]


def among(faults):
    """Each client meets with one of them, as its number says."""
    def script(answer):
        kind, spoil = faults[index_of(answer) % len(faults)][:2]
        return spoil(answer) if answer.type == kind else [answer]
    return script


@PORTS
@pytest.mark.parametrize("faults, code", [(HARMLESS, 0), (HARMFUL, 1)], ids=["harmless", "harmful"])
def test_faults_are_reported_for_what_they_are(run, port, faults, code):
    clients = EACH * len(faults)
    result = run(among(faults), *port, "-n", clients, "-r", 200, "-c", clients, "dora")
    found = [finding for _, _, finding, _ in faults if finding]
    assert result.findings == {finding: EACH * found.count(finding) for finding in found}
    ended = {outcome: EACH * sum(fault[3] == outcome for fault in faults)
             for outcome in ("done", "lost", "naks")}
    assert {outcome: result.measured[outcome] for outcome in ended} == ended
    assert result.measured["loss"] == pytest.approx((ended["lost"] + ended["naks"]) / clients)
    assert (result.code, result.json["valid"]) == (code, code == 0), result.text
    told = " ".join(result.json["problems"])
    for finding in set(found):
        assert (f"({finding})" in told) == (code != 0)


@PORTS
def test_one_address_for_two_clients_fails_the_run(run, port):
    def script(answer):
        return [answer.but(address="10.6.9.9") if index_of(answer) in (2, 5) else answer]
    result = run(script, *port, "-n", 8, "-r", 200, "-c", 8, "dora")
    assert result.findings == {"duplicate_address": 1}
    assert result.measured["done"] == 8 and result.measured["loss"] == 0
    assert result.code == 1 and len(result.json["problems"]) == 1, result.text


@pytest.mark.parametrize("bound, code", [(0.2, 1), (0.3, 0)])
def test_losses_are_borne_up_to_the_bound(run, bound, code):
    """NAKs count like answers that never come, and nobody has to wait for them."""
    def script(answer):
        refused = index_of(answer) % 4 == 0 and answer.type == ACK
        return [answer.but(type=NAK, address="0.0.0.0", lease=None) if refused else answer]
    result = run(script, "-n", 20, "-r", 200, "-c", 20, "--loss", bound, "dora")
    assert (result.code, result.measured["naks"], result.measured["loss"]) == (code, 5, 0.25)


@PORTS
def test_nothing_is_found_where_nothing_is_wrong(run, port):
    result = run(honest, *port, "-n", CLIENTS, "-r", 200, "-c", CLIENTS, "dora")
    assert result.findings == {} and result.code == 0, result.text
    assert result.measured["sent"] == result.measured["received"] == 2 * CLIENTS
    assert result.measured["exchanges"]["dora"]["done"] == CLIENTS


def test_a_late_answer_is_told_from_a_lost_one(run):
    """Two clients, two time-outs apart; the first one's ACK is held until the second one comes."""
    held = []

    def script(answer):
        if answer.type == ACK and not held:
            held.append(answer)
            return []
        return [answer, held[0]] if answer.type == OFFER and held else [answer]
    timeout = 0.75 * SLOWNESS
    result = run(script, "--timeout", timeout, "-n", 2, "-c", 2, "-r", 0.5 / timeout, "dora")
    assert result.findings == {"late": 1} and result.measured["lost"] == 1
    assert result.measured["done"] == 1 and result.code == 1, result.text


def test_waiting_counts_from_the_intended_time(run):
    """
    While the server is silent, clients go on coming: half of them see the half second that it took.
    A generator that waited for it would have seen it once.
    """
    held, requests = [], 0

    def script(answer):
        nonlocal requests
        if answer.request.ciaddr == "0.0.0.0":
            return [answer]
        requests += 1
        if requests <= 40 or requests > 140:
            return [answer]
        held.append(answer)
        return held if requests == 140 else []
    result = run(script, "-n", 200, "-c", 200, "-r", 200, "--timeout", 60, "renew")
    latency = result.measured["exchanges"]["renew"]["latency_us"]
    assert result.code == 0 and result.measured["done"] == 200, result.text
    assert latency["max"] >= 490e3 and latency["p90"] >= 390e3, result.text


def test_storm_retransmits_until_all_are_bound(run):
    """Every client's first DISCOVER is ignored."""
    seen = set()

    def script(answer):
        if answer.mac in seen:
            return [answer]
        seen.add(answer.mac)
        return []
    result = run(script, "-n", CLIENTS, "--spread", 0, "--retransmit-base", 0.1, "storm")
    assert result.code == 0 and result.findings == {}, result.text
    assert result.measured["retransmissions"] >= CLIENTS
    storm = result.json["storm"]
    assert (storm["clients"], storm["bound"], storm["bound_pct"]) == (CLIENTS, CLIENTS, 100)
    assert 0 < storm["seconds_50"] <= storm["seconds_99"] <= storm["seconds_100"]


def test_storm_that_does_not_end_is_invalid(run):
    result = run(lambda answer: [], "-n", 5, "--limit", 0.3, "storm")
    assert result.code == 1 and result.json["storm"]["bound"] == 0, result.text


def test_silence_ends_the_preparation(run):
    result = run(lambda answer: [], "-n", 5, "--patience", 0.2, "renew")
    assert result.code == 1 and "measured" not in result.json
    assert "only 0 clients obtained leases" in result.text


@PORTS
def test_relayed_clients(cable, run, port):
    """Three relay agents; renewals pass them by. Option 82 tells subscribers apart."""
    behind = [*port, "--giaddr", "10.6.200.1", "--relays", 3, "--relay-step", 2, "--server", SERVER,
              "-n", 9]
    result = run(honest, *behind, "-r", 200, "-c", 9, "rebind")
    assert result.code == 0 and result.findings == {}, result.text
    requests = cable.responder.requests
    assert {each.giaddr for each in requests} == {"10.6.200.1", "10.6.200.3", "10.6.200.5"}
    assert len({each.options[82] for each in requests}) == 9
    result = run(honest, *behind, "-r", 200, "-c", 9, "renew")
    assert result.code == 0 and result.findings == {}, result.text
    renewals = [each for each in cable.responder.requests if each.ciaddr != "0.0.0.0"]
    assert {each.giaddr for each in renewals} == {"0.0.0.0"} and len(renewals) == 9


def test_relayed_reply_without_option_82_is_noticed(run):
    result = run(but(relay_info=None), "--giaddr", "10.6.200.1", "--server", SERVER,
                 "-n", CLIENTS, "-r", 200, "-c", CLIENTS, "dora")
    assert result.findings == {"agent_info": 2 * CLIENTS} and result.code == 0, result.text


def test_unanswered_arp_is_told(cable, tmp_path):
    result = cable.perf(tmp_path, "-q", "--giaddr", "10.6.200.1", "--server", "10.6.0.77",
                        "--patience", 0.2, "dora")
    assert result.code == 1 and "no answer to ARP" in result.text


@PORTS
@pytest.mark.parametrize("tags", [["--vlan", "100-101"], ["--vlan", "100-101", "--outer-vlan", "7"]],
                         ids=["vlan", "qinq"])
def test_tagged_clients(cable, run, tags, port):
    result = run(honest, *port, *tags, "-n", 6, "-r", 200, "-c", 6, "dora")
    assert result.code == 0 and result.findings == {}, result.text
    outer = [(0x88A8, 7)] if "--outer-vlan" in tags else []
    seen = {tuple(each.tags) for each in cable.responder.requests}
    assert seen == {tuple(outer + [(0x8100, vlan)]) for vlan in (100, 101)}


def test_reply_in_another_vlan_is_misdirected(run):
    """It is not taken: the right one that follows is no duplicate."""
    def script(answer):
        elsewhere = copy.copy(answer.request)
        elsewhere.tags = [(0x8100, 9)]
        return [answer.but(request=elsewhere), answer]
    result = run(script, "--vlan", 8, "-n", 4, "-r", 200, "-c", 4, "dora")
    assert result.findings == {"misdirected": 8} and result.code == 1, result.text
    assert result.measured["done"] == 4


def test_client_identifiers_and_the_broadcast_flag(cable, run):
    run(honest, "--client-id", "--broadcast", "-n", 4, "-r", 200, "-c", 4, "dora")
    for request in cable.responder.requests:
        assert request.options[61] == b"\x01" + bytes.fromhex(request.mac.replace(":", ""))


def test_repeat_lets_clients_start_over(cable, run):
    result = run(honest, "--repeat", "-n", 20, "-r", 50, "-c", 40, "dora")
    assert result.code == 0 and result.measured["done"] == 40, result.text
    assert result.measured["repeats"] == 20


def test_mix_and_release(cable, run):
    result = run(honest, "-n", 60, "-r", 200, "-c", 120, "--mix", "renew=3,release=1,dora=1,reboot=1",
                 "mix")
    assert result.code == 0 and result.findings == {}, result.text
    exchanges = result.measured["exchanges"]
    assert sum(exchanges[kind]["begun"] for kind in ("renew", "release", "dora", "reboot")) == 120
    releases = [each for each in cable.responder.requests if each.type == RELEASE]
    assert len(releases) == exchanges["release"]["done"] > 0


def test_near_full_fills_the_pool_and_takes_no_offer(cable, run):
    """Each client without a lease tells the server that it has selected another one."""
    result = run(honest, "-n", 60, "--pool", 40, "--fill", 0.9, "-r", 400, "-c", 30, "near-full")
    assert result.code == 0 and result.findings == {}, result.text
    assert result.json["leases_first"]["leases"] == 36
    assert result.measured["begun"] == result.measured["done"] == 30
    assert result.measured["exchanges"]["offer"]["done"] == 30 and result.measured["acks"] == 0
    requests = cable.responder.requests
    assert [each.type for each in requests].count(DISCOVER) == 36 + 30
    elsewhere = [each for each in requests if each.elsewhere]
    assert len(elsewhere) == 30 and len({each.mac for each in elsewhere}) == 24
    assert all(each.options[50] == pack_ip(each.address) for each in elsewhere)


def test_an_offer_of_what_another_client_has_fails_the_run(run):
    """When four clients have leases, the fifth one is offered the first one's address."""
    leased = []

    def script(answer):
        if answer.type == ACK:
            leased.append(answer.address)
        elif len(leased) == 4:
            leased.append(answer.address)
            return [answer.but(address=leased[0])]
        return [answer]
    result = run(script, "-n", 8, "--pool", 4, "--fill", 1, "-r", 200, "-c", 4, "near-full")
    assert result.findings == {"taken_offer": 1} and result.code == 1, result.text


def test_search_ends_at_what_the_server_bears(run):
    """Nothing is lost: the bound on the rate is what ends it."""
    result = run(honest, "--search", "-r", 50, "--max-rate", 100, "--probe", 0.2, "-d", 0.3,
                 "-n", 10, "renew")
    assert result.code == 0 and result.findings == {}, result.text
    assert result.json["search"]["rate"] == 100
    assert result.json["search"]["limited_by"] == "max-rate"


def test_search_tells_what_was_too_slow(run):
    """A server that gives out leases and does not renew them."""
    def script(answer):
        return [answer] if answer.request.ciaddr == "0.0.0.0" else []
    result = run(script, "--timeout", 0.2, "--search", "-r", 2, "--probe", 0.1, "-n", 5, "renew")
    assert result.code == 1 and result.json["search"]["limited_by"] == "loss", result.text


def test_progress_is_told_while_it_runs(cable, tmp_path):
    cable.responder.script = honest
    result = cable.perf(tmp_path, "--interval", 0.1, "-n", 5, "-r", 10, "-c", 5, "dora")
    assert "acknowledged" in result.text and result.text.count(" dora ") >= 2
    assert len(result.json["time_line"]) >= 2
