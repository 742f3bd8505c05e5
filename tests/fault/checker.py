# SPDX-License-Identifier: MIT
"""
Judges a history: was an address promised to two clients at once, an ACK contradicted, a lease lost,
a client refused that was right? From the packets alone, and from the store's content at the end.

What counts as a promise
    An ACK to a REQUEST. It promises its address to its client from the moment it was seen on the
    client's side of the link until the time of the *sending* of the request plus the time granted.
    That is RFC 2131 section 4.4.1: a client counts from its sending. So both ends are the careful
    ones: a client cannot use an address before the ACK is there, and one that counts as it must
    does not use it after. A server that decided, was stopped for a minute and then sent its ACK has
    promised nothing, or the rest. Of a request that was sent several times with one transaction id
    the first sending counts.

    An ACK that was lost on its last hop ("lost") is a promise like any other: the server cannot
    know. One that never reached the link is none: nobody was told.

    ACKs of one client for one address are one promise, until the latest of their ends: that a later
    ACK grants less takes nothing from what an earlier one said.

    One identifier is one client, though two devices may use it (a cloned hardware address): no
    server can tell them apart.

When a promise ends early
    When its client sends RELEASE or DECLINE for the address: from then on it must not use it,
    whether or not a server hears. An ACK to a request that was sent before that RELEASE comes too
    late to promise anything. A renewal that is sent after it is no right of the client's either
    (RFC 2131 section 4.4.6); such an ACK is counted ("stale_renewals"), not judged, until the
    client has the address again by SELECTING or INIT-REBOOT.

    A refusal (NAK) ends nothing: of a promise that still runs it is a violation by itself, and it
    does not hand the address on.

What is a violation
    twice         an address is promised to a client while a promise to another one runs.
    contradicted  one request is both acknowledged and refused, before its client has said anything
                  else on that network or its lease has ended; an ACK names an address that the
                  request did not ask for, or comes from a server that was not selected, or answers
                  nothing. Not so: a renewal of what the client has given up is refused by those
                  that know that, and may be acknowledged by one that lags; and an INIT-REBOOT may
                  be refused, and then confirmed by another server, where the client had sent a
                  renewal or selection of that address before, which nobody had answered yet: that
                  one bound it in between ("overtaken_naks").
    refused       NAK to a client that was right: during the whole time from its request to the NAK
                  it was promised what it asked for, on the network it asked from, and had not
                  meanwhile asked for another address there (a server moves a client to what it
                  asked for last).
    missing       at the end, a running promise without its record in the store: BOUND to that
                  client and held to the promise's end at least. RELEASED will do when the client
                  has since asked for another address on that network: what it was promised stays
                  held.
"""
import collections

import history

# Of the wall clock against the monotonic one, within a run: slewing, not steps.
DRIFT_S = 0.25


class Violation:
    """A rule that was broken, and the events that prove it."""

    def __init__(self, rule, text, *proof):
        self.rule, self.text, self.proof = rule, text, proof

    def __str__(self):
        lines = "".join(f"\n    {history.show(entry)}" for entry in self.proof if entry)
        return f"{self.rule}: {self.text}{lines}"


class Request:
    """A REQUEST as first sent, and what came back."""

    __slots__ = ("sent", "asked", "ack", "nak")

    def __init__(self, sent):
        self.sent, self.asked = sent, {asked(sent)}
        self.ack = self.nak = None

    @property
    def renews(self):
        return bool(self.sent.get("ciaddr"))

    @property
    def binds(self):
        """Anything but INIT-REBOOT, which confirms what is bound."""
        return self.renews or bool(self.sent.get("server"))

    def answered_before(self, when):
        return any(answer and answer["t"] < when for answer in (self.ack, self.nak))


class Promise:
    """To one client, of one address: what all its ACKs together said."""

    __slots__ = ("client", "network", "address", "start", "end", "asked_at", "sent", "ack")

    def __init__(self, request, ack):
        self.client, self.address = request.sent["client"], ack["address"]
        self.network, self.start, self.end = request.sent["network"], ack["t"], 0.0
        self.asked_at = 0.0
        self.renew(request, ack)

    def renew(self, request, ack):
        until = request.sent["t"] + ack["lease"]
        self.asked_at = max(self.asked_at, request.sent["t"])
        if until > self.end:
            self.end, self.sent, self.ack = until, request.sent, ack


def asked(sent):
    """The address that a REQUEST is about."""
    return sent.get("requested") or sent.get("ciaddr")


class Checker:
    """Walks through the events once, in the order of their times."""

    def __init__(self):
        self.violations = []
        self.counts = collections.Counter()
        self.requests = {}   # (client, xid)
        self.binding = collections.defaultdict(list)   # (client, network, address) -> those that bind
        self.promises = collections.defaultdict(dict)  # address -> client
        self.gave_up = {}    # (client, address) -> when last
        self.spoke = {}      # (client, network) -> when it last sent a REQUEST, RELEASE or DECLINE
        self.regained = {}   # (client, address) -> when it was last asked for, other than to renew
        self.moves = collections.defaultdict(dict)  # (client, network) -> address -> last REQUEST
        self.start = {"wall": 0.0}
        self.records, self.stored = {}, None

    def run(self, events):
        actions = {"sent": self._sent, "received": self._answered, "lost": self._answered,
                   "record": self._record, "stored": self._stored, "start": self._start,
                   "fault": self._fault}
        for entry in sorted(events, key=lambda each: each["t"]):
            action = actions.get(entry["event"])
            if action:
                action(entry)
        if self.stored:
            self._judge_store()
        return self

    def _violation(self, rule, text, *proof):
        self.counts[rule] += 1
        self.violations.append(Violation(rule, text, *proof))

    def _start(self, entry):
        self.start = entry

    def _fault(self, entry):
        self.counts["faults"] += 1

    # What clients say

    def _sent(self, entry):
        self.counts["sent"] += 1
        kind = entry["type"]
        if kind != "DISCOVER":
            self.spoke[entry["client"], entry["network"]] = entry["t"]
        if kind == "REQUEST":
            self._request(entry)
        elif kind == "RELEASE":
            self._give_up(entry, entry["ciaddr"])
        elif kind == "DECLINE":
            self._give_up(entry, entry["requested"])

    def _request(self, entry):
        known = self.requests.get((entry["client"], entry["xid"]))
        if known:
            known.asked.add(asked(entry))
        else:
            request = self.requests[entry["client"], entry["xid"]] = Request(entry)
            if request.binds:
                self.binding[entry["client"], entry["network"], asked(entry)].append(request)
        self.moves[entry["client"], entry["network"]][asked(entry)] = entry

    def _give_up(self, entry, address):
        self.gave_up[entry["client"], address] = entry["t"]
        promise = self.promises[address].get(entry["client"])
        if promise:
            promise.end = min(promise.end, entry["t"])

    def _went_elsewhere(self, client, network, address, since):
        """A REQUEST of the client for another address on that network, later than @since."""
        for other, entry in self.moves[client, network].items():
            if other != address and entry["t"] > since:
                return entry
        return None

    # What servers say

    def _answered(self, entry):
        self.counts["received"] += 1
        kind = entry["type"]
        if kind not in ("ACK", "NAK"):
            return
        request = self.requests.get((entry["client"], entry["xid"]))
        if not request:
            self._violation("contradicted", f"{kind} to no request", entry)
        elif kind == "ACK":
            self._acknowledged(request, entry)
        else:
            self._refused(request, entry)

    def _after_giving_up(self, request, address):
        """Whether the client gave the address up between its request and now."""
        return self.gave_up.get((request.sent["client"], address), 0.0) >= request.sent["t"]

    def _is_waited_for(self, request):
        sent = request.sent
        return self.spoke[sent["client"], sent["network"]] <= sent["t"]

    def _acknowledged(self, request, ack):
        self.counts["acks"] += 1
        sent, address = request.sent, ack["address"]
        if address not in request.asked:
            self._violation("contradicted", "ACK of another address than asked for", sent, ack)
        if sent.get("server") and ack["server"] != sent["server"]:
            self._violation("contradicted", "ACK of a server that was not selected", sent, ack)
        stale = self._has_no_right(request, address)
        if request.nak and not stale and self._is_waited_for(request):
            self._contradicted(request, ack)
        request.ack = request.ack or ack
        if self._after_giving_up(request, address):
            self.counts["late_acks"] += 1
        elif stale:
            self.counts["stale_renewals"] += 1
        else:
            self._promise(request, ack)

    def _contradicted(self, request, ack):
        if not request.binds and self._has_bound_since(request):
            self.counts["overtaken_naks"] += 1
        else:
            self._violation("contradicted", "NAK, then ACK to one request", request.sent,
                            request.nak, ack)

    def _has_bound_since(self, request):
        """Whether an older request may have bound the address after this one was refused."""
        sent = request.sent
        return any(older.sent["t"] < sent["t"] and not older.answered_before(request.nak["t"])
                   for older in self.binding[sent["client"], sent["network"], asked(sent)])

    def _has_no_right(self, request, address):
        """A renewal of what the client has given up, and not got anew."""
        what = (request.sent["client"], address)
        if not request.renews:
            self.regained[what] = max(self.regained.get(what, 0.0), request.sent["t"])
        return request.renews and self.regained.get(what, 0.0) < self.gave_up.get(what, 0.0)

    def _promise(self, request, ack):
        holders = self.promises[ack["address"]]
        now, client = ack["t"], request.sent["client"]
        if request.sent["t"] + ack["lease"] <= now:
            self.counts["late_acks"] += 1
            return
        self.counts["promises"] += 1
        for other in [each for each in holders.values() if each.client != client]:
            if other.end > now:
                self._violation("twice", f"{ack['address']} is promised to {other.client} until "
                                f"{other.end:.3f} and from {now:.3f} on to {client}",
                                other.sent, other.ack, request.sent, ack)
            else:
                del holders[other.client]
        own = holders.get(client)
        if own and own.end > now:
            own.renew(request, ack)
        else:
            holders[client] = Promise(request, ack)

    def _refused(self, request, nak):
        self.counts["naks"] += 1
        sent = request.sent
        address = asked(sent)
        if self._after_giving_up(request, address):
            return
        if (request.ack and self._is_waited_for(request) and
                sent["t"] + request.ack["lease"] > nak["t"]):
            self._violation("contradicted", "ACK, then NAK to one request", sent, request.ack, nak)
        request.nak = request.nak or nak
        self._forget_move(sent)
        promise = self.promises[address].get(sent["client"])
        if (promise and promise.start <= sent["t"] and promise.end > nak["t"] and
                promise.network == sent["network"] and
                not self._went_elsewhere(sent["client"], sent["network"], address,
                                         promise.asked_at)):
            self._violation("refused", f"NAK though {address} is promised until {promise.end:.3f}",
                            promise.sent, promise.ack, sent, nak)

    def _forget_move(self, sent):
        """A move that was refused did not happen."""
        moves = self.moves[sent["client"], sent["network"]]
        if moves.get(asked(sent)) is sent:
            del moves[asked(sent)]

    # What the store holds

    def _record(self, entry):
        self.records[entry["address"]] = entry

    def _stored(self, entry):
        self.stored = entry

    def _judge_store(self):
        for address, holders in self.promises.items():
            for promise in holders.values():
                if promise.end > self.stored["until"] and promise.ack["t"] < self.stored["t"]:
                    self.counts["running"] += 1
                    self._judge_record(promise, self.records.get(address))

    def _judge_record(self, promise, record):
        until = promise.end + self.start["wall"] - DRIFT_S
        moved = self._went_elsewhere(promise.client, promise.network, promise.address,
                                     promise.asked_at)
        if not record or record["client"] != promise.client:
            why = "no record of the client's"
        elif record["hold_until"] < until:
            why = f"held {until - record['hold_until']:.3f} s too short"
        elif record["state"] != "BOUND" and not (moved and record["state"] == "RELEASED"):
            why = f"the record is {record['state']}"
        else:
            return
        self._violation("missing", f"{promise.address} is promised to {promise.client} until "
                        f"{promise.end:.3f}: {why}", promise.sent, promise.ack, moved, record)
