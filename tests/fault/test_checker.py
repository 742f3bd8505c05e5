# SPDX-License-Identifier: MIT
"""The checker against histories made by hand: each rule broken, and each nearly broken."""
import json
import time

import pytest

import history
from checker import Checker

ANNA, BORIS = "mac:02:00:00:00:00:0a", "mac:02:00:00:00:00:0b"
ONE, TWO = "10.6.0.10", "10.6.0.11"
FIRST, SECOND = "10.6.0.1", "10.6.0.2"
WALL = 1_700_000_000


class Story:
    """A history told line by line; times are given, transaction ids made up."""

    def __init__(self):
        self.events = [{"t": 0.0, "event": "start", "wall": WALL}]
        self.xid = 0

    def tell(self, t, event, **fields):
        self.events.append({"t": t, "event": event, **fields})
        return self

    def says(self, t, client, kind, network="near", xid=None, **fields):
        """Sends; the transaction id."""
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.tell(t, "sent", client=client, network=network, type=kind, xid=xid, **fields)
        return xid

    def hears(self, t, client, kind, xid, server=FIRST, event="received", **fields):
        return self.tell(t, event, client=client, type=kind, xid=xid, server=server, **fields)

    def select(self, t, client, address, lease=10, server=FIRST, network="near", took=0.01):
        xid = self.says(t, client, "REQUEST", network, requested=address, server=server)
        return self.hears(t + took, client, "ACK", xid, server, address=address, lease=lease)

    def reboot(self, t, client, address, answer="ACK", lease=10, network="near", took=0.01):
        xid = self.says(t, client, "REQUEST", network, requested=address)
        given = {"address": address, "lease": lease} if answer == "ACK" else {}
        return self.hears(t + took, client, answer, xid, **given)

    def renew(self, t, client, address, answer="ACK", lease=10, network="near", took=0.01):
        xid = self.says(t, client, "REQUEST", network, ciaddr=address)
        given = {"address": address, "lease": lease} if answer == "ACK" else {}
        return self.hears(t + took, client, answer, xid, **given)

    def release(self, t, client, address):
        self.says(t, client, "RELEASE", ciaddr=address, server=FIRST)
        return self

    def decline(self, t, client, address):
        self.says(t, client, "DECLINE", requested=address, server=FIRST)
        return self

    def record(self, t, client, address, held, state="BOUND", network="near"):
        """In the store, held until the harness's time @held."""
        return self.tell(t, "record", network=network, address=address, client=client, state=state,
                         hold_until=WALL + held)

    def stored(self, t, until=None):
        return self.tell(t, "stored", until=until or t)

    def judged(self):
        return Checker().run(self.events)


@pytest.fixture
def story():
    return Story()


def broken(story):
    return [violation.rule for violation in story.judged().violations]


# No address twice

def test_one_client_after_the_other_is_fine(story):
    story.select(1, ANNA, ONE).select(11, BORIS, ONE)
    assert broken(story) == []


def test_two_clients_at_once(story):
    story.select(1, ANNA, ONE).select(10.9, BORIS, ONE, took=0.05)
    assert broken(story) == ["twice"]


def test_a_lease_is_counted_from_the_request(story):
    """An ACK that took its time promises the rest."""
    story.select(1, ANNA, ONE, took=5).select(11, BORIS, ONE)
    assert broken(story) == []


def test_an_answer_on_its_way_promises_nothing_before_it_comes(story):
    story.select(1, ANNA, ONE)
    story.select(10.5, BORIS, ONE, took=0.6)
    assert broken(story) == []


def test_an_answer_that_comes_after_the_lease_promises_nothing(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE, server=FIRST)
    story.select(12, BORIS, ONE)
    story.hears(13, ANNA, "ACK", xid, address=ONE, lease=10)
    assert broken(story) == [] and story.judged().counts["late_acks"] == 1


def test_a_renewal_carries_the_promise_on(story):
    story.select(1, ANNA, ONE).renew(6, ANNA, ONE).select(15.9, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_a_renewal_that_grants_less_takes_nothing_away(story):
    story.select(1, ANNA, ONE, lease=20).renew(6, ANNA, ONE, lease=5).select(15, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_a_lost_ack_is_a_promise(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE, server=FIRST)
    story.hears(1.01, ANNA, "ACK", xid, event="lost", address=ONE, lease=10)
    story.select(5, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_a_retransmission_counts_from_the_first_sending(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE, server=FIRST)
    story.says(5, ANNA, "REQUEST", requested=ONE, server=FIRST, xid=xid)
    story.hears(5.01, ANNA, "ACK", xid, address=ONE, lease=10)
    story.select(11.5, BORIS, ONE)
    assert broken(story) == []


@pytest.mark.parametrize("give_up", [Story.release, Story.decline])
def test_given_up_is_given_up(story, give_up):
    story.select(1, ANNA, ONE)
    give_up(story, 2, ANNA, ONE).select(3, BORIS, ONE)
    assert broken(story) == []


def test_a_release_of_anothers_address_frees_nothing(story):
    story.select(1, ANNA, ONE).release(2, BORIS, ONE).select(3, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_an_ack_that_crosses_the_release_promises_nothing(story):
    story.select(1, ANNA, ONE)
    xid = story.says(2, ANNA, "REQUEST", ciaddr=ONE)
    story.release(2.01, ANNA, ONE).hears(2.02, ANNA, "ACK", xid, address=ONE, lease=10)
    story.select(3, BORIS, ONE)
    assert broken(story) == []


def test_a_renewal_after_the_release_is_no_right(story):
    story.select(1, ANNA, ONE).release(2, ANNA, ONE).renew(2.1, ANNA, ONE).select(5, BORIS, ONE)
    assert broken(story) == [] and story.judged().counts["stale_renewals"] == 1


@pytest.mark.parametrize("again", [Story.select, Story.reboot])
def test_back_after_the_release_is_promised_anew(story, again):
    story.select(1, ANNA, ONE).release(2, ANNA, ONE)
    again(story, 3, ANNA, ONE).renew(4, ANNA, ONE).select(12, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_two_devices_with_one_identity_are_one_client(story):
    story.select(1, ANNA, ONE).select(2, ANNA, ONE, server=SECOND)
    assert broken(story) == []


def test_a_client_that_moves_keeps_what_it_was_promised(story):
    story.select(1, ANNA, ONE).select(2, ANNA, TWO).select(5, BORIS, ONE)
    assert broken(story) == ["twice"]


def test_offers_promise_nothing(story):
    xid = story.says(1, ANNA, "DISCOVER")
    story.hears(1.01, ANNA, "OFFER", xid, address=ONE, lease=10).select(2, BORIS, ONE)
    assert broken(story) == []


# No ACK contradicted

def test_yes_and_no_to_one_request(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE)
    story.hears(1.01, ANNA, "ACK", xid, address=ONE, lease=10)
    story.hears(1.02, ANNA, "NAK", xid, SECOND)
    assert broken(story) == ["contradicted"]


def test_no_and_yes_to_one_request(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE)
    story.hears(1.01, ANNA, "NAK", xid)
    story.hears(1.02, ANNA, "ACK", xid, SECOND, address=ONE, lease=10)
    assert broken(story) == ["contradicted"]


def test_one_that_lags_may_say_yes_to_what_was_given_up(story):
    story.select(1, ANNA, ONE)
    story.says(2, ANNA, "DECLINE", requested=ONE, server=FIRST)
    xid = story.says(3, ANNA, "REQUEST", ciaddr=ONE)
    story.hears(3.01, ANNA, "NAK", xid).hears(3.02, ANNA, "ACK", xid, SECOND, address=ONE, lease=10)
    assert broken(story) == []


@pytest.mark.parametrize("answered, way, wrong", [
    (False, {"ciaddr": ONE}, []), (False, {"requested": ONE, "server": FIRST}, []),
    (True, {"ciaddr": ONE}, ["contradicted"]), (False, {"ciaddr": TWO}, ["contradicted"]),
    (False, {"requested": ONE}, ["contradicted"])])
def test_what_was_asked_before_may_bind_between_no_and_yes(story, answered, way, wrong):
    """A reboot binds nothing by itself."""
    before = story.says(1, ANNA, "REQUEST", **way)
    if answered:
        story.hears(1.5, ANNA, "ACK", before, address=ONE, lease=0.1)
    xid = story.says(2, ANNA, "REQUEST", requested=ONE)
    story.hears(2.01, ANNA, "NAK", xid).hears(2.02, ANNA, "ACK", xid, SECOND, address=ONE, lease=10)
    assert broken(story) == wrong


def test_an_answer_that_nobody_waits_for_contradicts_nothing(story):
    """A server that was stopped answers what its client asked before it moved on."""
    xid = story.says(1, ANNA, "REQUEST", requested=ONE)
    story.hears(1.01, ANNA, "NAK", xid).select(2, ANNA, ONE)
    story.hears(3, ANNA, "ACK", xid, SECOND, address=ONE, lease=10)
    assert broken(story) == []


def test_a_no_that_comes_after_the_lease_contradicts_nothing(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE)
    story.hears(1.01, ANNA, "ACK", xid, address=ONE, lease=10).hears(11.1, ANNA, "NAK", xid, SECOND)
    assert broken(story) == []


def test_ack_of_another_address(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE, server=FIRST)
    story.hears(1.01, ANNA, "ACK", xid, address=TWO, lease=10)
    assert broken(story) == ["contradicted"]


def test_ack_of_a_server_that_was_not_selected(story):
    xid = story.says(1, ANNA, "REQUEST", requested=ONE, server=FIRST)
    story.hears(1.01, ANNA, "ACK", xid, SECOND, address=ONE, lease=10)
    assert broken(story) == ["contradicted"]


def test_ack_to_nobody(story):
    story.hears(1.01, ANNA, "ACK", 99, address=ONE, lease=10)
    assert broken(story) == ["contradicted"]


def test_several_servers_may_say_yes(story):
    xid = story.says(1, ANNA, "REQUEST", ciaddr=ONE)
    for server in (FIRST, SECOND):
        story.hears(1.01, ANNA, "ACK", xid, server, address=ONE, lease=10)
    assert broken(story) == []


# No NAK to a client that was right

@pytest.mark.parametrize("ask", [Story.reboot, Story.renew])
def test_refused_though_right(story, ask):
    ask(story.select(1, ANNA, ONE), 5, ANNA, ONE, "NAK")
    assert broken(story) == ["refused"]


@pytest.mark.parametrize("ask", [Story.reboot, Story.renew])
def test_refused_when_the_lease_was_over(story, ask):
    ask(story.select(1, ANNA, ONE), 11.1, ANNA, ONE, "NAK")
    assert broken(story) == []


def test_refused_while_the_lease_ran_out(story):
    """The server may have decided after the end."""
    story.select(1, ANNA, ONE).renew(10.9, ANNA, ONE, "NAK", took=0.2)
    assert broken(story) == []


def test_refused_while_the_lease_began(story):
    """It may have decided before the promise was made."""
    xid = story.says(0.9, ANNA, "REQUEST", requested=ONE)
    story.select(1, ANNA, ONE).hears(1.5, ANNA, "NAK", xid, SECOND)
    assert broken(story) == []


def test_refused_on_another_network(story):
    story.select(1, ANNA, ONE).reboot(2, ANNA, ONE, "NAK", network="far")
    assert broken(story) == []


def test_refused_what_is_anothers(story):
    story.select(1, ANNA, ONE).reboot(2, BORIS, ONE, "NAK")
    assert broken(story) == []


def test_refused_after_giving_up(story):
    story.select(1, ANNA, ONE).release(2, ANNA, ONE).reboot(3, ANNA, ONE, "NAK")
    assert broken(story) == []


def test_refused_after_coming_back(story):
    """The release was carried out late, over what the client has got since."""
    story.select(1, ANNA, ONE).release(2, ANNA, ONE).select(4, ANNA, ONE)
    story.renew(5, ANNA, ONE, "NAK")
    assert broken(story) == ["refused"]


def test_refused_what_it_left_for_another_address(story):
    """The answer to what it asked for last may have been lost: the servers may have moved it."""
    story.select(1, ANNA, ONE)
    story.says(2, ANNA, "REQUEST", requested=TWO, server=FIRST)
    story.reboot(3, ANNA, ONE, "NAK")
    assert broken(story) == []


def test_refused_though_it_stayed(story):
    """It asked for another address, in vain: it is still right about its own."""
    story.select(1, ANNA, ONE).reboot(2, ANNA, TWO, "NAK").reboot(3, ANNA, ONE, "NAK")
    assert broken(story) == ["refused"]


def test_a_refusal_hands_nothing_on(story):
    story.select(1, ANNA, ONE).renew(5, ANNA, ONE, "NAK").select(6, BORIS, ONE)
    assert broken(story) == ["refused", "twice"]


# No lease missing

def test_stored_as_promised(story):
    story.select(1, ANNA, ONE).stored(5).record(5, ANNA, ONE, held=11)
    assert broken(story) == [] and story.judged().counts["running"] == 1


def test_no_record(story):
    story.select(1, ANNA, ONE).stored(5)
    assert broken(story) == ["missing"]


@pytest.mark.parametrize("client, state, held", [
    (BORIS, "BOUND", 99), (ANNA, "RELEASED", 99), (ANNA, "DECLINED", 99), (ANNA, "BOUND", 10)])
def test_another_record(story, client, state, held):
    story.select(1, ANNA, ONE).stored(5).record(5, client, ONE, held, state)
    assert broken(story) == ["missing"]


def test_no_record_is_needed_for_what_is_over(story):
    story.select(1, ANNA, ONE).select(1, BORIS, TWO).release(2, BORIS, TWO).stored(11.5)
    assert broken(story) == []


def test_what_runs_out_while_the_store_is_read_is_not_judged(story):
    story.select(1, ANNA, ONE).stored(10.9, until=11.1)
    assert broken(story) == []


def test_what_a_client_left_stays_held(story):
    story.select(1, ANNA, ONE).select(2, ANNA, TWO).stored(5)
    story.record(5, ANNA, ONE, 11, "RELEASED").record(5, ANNA, TWO, 12)
    assert broken(story) == []


def test_what_a_client_left_is_held_too_short(story):
    story.select(1, ANNA, ONE).select(2, ANNA, TWO).stored(5)
    story.record(5, ANNA, ONE, 8, "RELEASED").record(5, ANNA, TWO, 12)
    assert broken(story) == ["missing"]


# The record itself

def test_a_violation_shows_the_packets_that_prove_it(story):
    story.select(1, ANNA, ONE).select(2, BORIS, ONE)
    proof = story.judged().violations[0].proof
    assert [entry["event"] for entry in proof] == ["sent", "received"] * 2
    assert {entry["client"] for entry in proof} == {ANNA, BORIS}


def test_events_may_come_out_of_order(story):
    story.select(5, BORIS, ONE).select(1, ANNA, ONE)
    assert broken(story) == ["twice"]


def test_a_history_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "history"
    log = history.History(path, seed=5)
    log.add("sent", client=ANNA, network="near", type="REQUEST", xid=1, requested=ONE)
    log.add("fault", name="server-kill", target="server1")
    log.close()
    assert history.read(path) == log.events
    assert [entry["event"] for entry in log.events] == ["start", "sent", "fault"]
    assert log.events[0]["t"] <= log.events[1]["t"] <= time.monotonic()


def test_a_run_that_was_cut_off_can_be_judged(tmp_path, story):
    path = tmp_path / "history"
    story.select(1, ANNA, ONE).select(2, BORIS, ONE)
    lines = "".join(json.dumps(entry) + "\n" for entry in story.events)
    path.write_text(lines + '{"t": 3.0, "ev')
    assert [each.rule for each in Checker().run(history.read(path)).violations] == ["twice"]


def test_a_long_history_is_judged(story):
    """An hour of a hundred clients: one pass, and nothing that grows with what is over."""
    count = 60_000
    for turn in range(count):
        client = f"mac:02:00:00:00:{turn % 500 // 256:02x}:{turn % 256:02x}"
        story.select(turn * 0.1, client, f"10.6.{turn % 500 // 256}.{turn % 256}", lease=20)
        story.renew(turn * 0.1 + 0.02, client, f"10.6.{turn % 500 // 256}.{turn % 256}", lease=20)
    judged = story.judged()
    assert judged.violations == [] and judged.counts["acks"] == 2 * count
