# SPDX-License-Identifier: MIT
"""
The safety rules, on a model of one address: with all of them nothing can go wrong, without any of them something can.

docs/architecture.md says what is modelled and within which bounds.
"""
import os

import pytest
from pml import BREADTH, DEPTH, search

# Time, lateness and lease times in one make hundreds of millions of states, so each of these does without something.
CLOCKS = ("-DLONG=1", "-DVERSIONS=3", "-DPUNCTUAL")            # clocks that differ; no late transactions
# ... and what is known of them; plain leases alone.
TIME = ("-DTIME", "-DPLAIN", "-DINSTANT", "-DLONG=2", "-DVERSIONS=2", "-DPUNCTUAL")
NEW_STORE = (*TIME, "-DNEW_STORE")
LATE = ("-DSKEW=0", "-DLONG=1", "-DVERSIONS=3")                # transactions committed late, or after a crash
OFFERS = (*LATE, "-DCHECK_OFFERS")                             # ... and what is offered meanwhile
LEASES = ("-DSKEW=0", "-DLONG=2", "-DVERSIONS=4", "-DNO_FAULTS")   # two lease times, a mirror that lags more
# Longer ones, with room for a binding in between; transactions take no time.
THREE_LEASES = ("-DSKEW=0", "-DLONG=3", "-DVERSIONS=4", "-DNO_FAULTS", "-DINSTANT")
LONG = {
    "clocks and late transactions": ("-DLONG=1", "-DVERSIONS=3"),
    "clocks further apart": ("-DLONG=1", "-DVERSIONS=3", "-DPUNCTUAL", "-DSKEW=2"),
    "lease times and faults": ("-DSKEW=0", "-DLONG=2", "-DVERSIONS=4", "-DPUNCTUAL"),
}

NEVER_TWO = "uses[0]"      # what spin prints of the assertion begins so
NO_NAK = "srv[me].waits"
NO_SUCH_OFFER = "0"
NO_NAK_MEANWHILE = "srv[(1-me)].op"
TWO = "-DONLY_NEVER_TWO"

# What is taken out, the property that breaks without it, and within which bounds.
RULES = {
    "WITHOUT_RULE_1": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_2_COMPARE": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_2_HOLD": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_2_RELEASE": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_2_LATE": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_2_REVOKED": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_3": (NEVER_TWO, LEASES, TWO),
    "WITHOUT_RULE_3_PROMISED": (NEVER_TWO, LEASES, TWO),
    "WITHOUT_RULE_3_BETWEEN": (NEVER_TWO, THREE_LEASES, TWO),
    "WITHOUT_RULE_4": (NEVER_TWO, LATE, TWO),
    "WITHOUT_RULE_5": (NO_NAK, LATE),
    "WITHOUT_RULE_5_DOUBT": (NO_NAK_MEANWHILE, CLOCKS),
    "WITHOUT_RULE_6": (NO_SUCH_OFFER, OFFERS),
    "WITHOUT_RULE_7_GRANTS": (NEVER_TWO, CLOCKS, TWO),
    "WITHOUT_RULE_7_RECLAIM": (NEVER_TWO, CLOCKS, TWO),
    "WITHOUT_RULE_7_FORMER": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_FORGETS": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_M1": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_M2": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_M3": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_ANEW": (NEVER_TWO, TIME, TWO),
    "WITHOUT_RULE_7_NEW_STORE": (NEVER_TWO, NEW_STORE, TWO),
}

# Likewise, where the shortest way is long: any will do.
FAR = {
    "WITHOUT_RULE_3_FORGETTABLE": (NEVER_TWO, LEASES, TWO),
}

# What userspace/ does not cover: "Time is an interval" in docs/architecture.md says of each why it is rare.
UNCOVERED = ("UNCOVERED_MARGIN",)

# What must be able to happen, or the model would be safe because nothing does.
GOALS = {
    "REACH_BOTH_IN_TURN": LATE,              # one client has the address, and later the other
    "REACH_RENEWAL_IN_OUTAGE": LATE,         # a renewal while no server reaches the store
    "REACH_RENEWAL_FROM_STALE_TABLE": LATE,  # a renewal from a table that the store has gone beyond
    "REACH_SHORTENED_GRANT": LEASES,         # a renewal for less than the lease time
    "REACH_RECLAIM": LATE,                   # a binding that is over passes to the other client
    "REACH_DELETED": LATE,                   # a record that is over is deleted
    "REACH_CONFLICT": LATE,                  # a transaction is overtaken
    "REACH_RESOLVED": LATE,                  # an outcome was unknown, and it turns out that it had happened
    "REACH_LATE_COMMIT": LATE,               # a transaction is committed when its sender has given up on it
    "REACH_MARK_AHEAD": TIME,                # the high-water mark goes beyond the clock that is behind
    "REACH_NAK": LATE,                       # a client is refused
    "REACH_RENEWAL_OF_REVOKED": LATE,        # a table that lags renews what an operator has taken back
}


@pytest.mark.parametrize("bounds", [CLOCKS, TIME, NEW_STORE, OFFERS, LEASES, THREE_LEASES],
                         ids=["clocks", "time", "new store", "late", "leases", "longer"])
def test_holds(bounds):
    outcome = search(("-DSWAP_CLIENTS", *bounds), DEPTH)
    assert not outcome.broken, outcome.said
    assert outcome.states > 10_000


@pytest.mark.parametrize("bounds", LONG.values(), ids=LONG)
@pytest.mark.skipif("ETCDHCP_MODEL_LONG" not in os.environ, reason="minutes and gigabytes: set ETCDHCP_MODEL_LONG")
def test_holds_within_wider_bounds(bounds):
    outcome = search(("-DSWAP_CLIENTS", *bounds), DEPTH)
    assert not outcome.broken, outcome.said


@pytest.mark.parametrize("rule", RULES)
def test_breaks_without(rule):
    broken, bounds, *more = RULES[rule]
    outcome = search((f"-D{rule}", *bounds, *more), BREADTH)
    assert broken in outcome.broken, outcome.said


@pytest.mark.parametrize("rule", FAR)
def test_breaks_somehow_without(rule):
    broken, bounds, *more = FAR[rule]
    outcome = search((f"-D{rule}", "-DSWAP_CLIENTS", *bounds, *more), DEPTH)
    assert broken in outcome.broken, outcome.said


@pytest.mark.parametrize("hole", UNCOVERED)
def test_does_not_cover(hole):
    outcome = search((f"-D{hole}", *TIME, TWO), BREADTH)
    assert NEVER_TWO in outcome.broken, f"covered by now: {hole}"


@pytest.mark.parametrize("goal", GOALS)
def test_reaches(goal):
    outcome = search((f"-D{goal}", *GOALS[goal]), BREADTH)
    assert outcome.broken, f"never happens: {goal}"


def test_never_two_does_not_hang_on_rule_6():
    """Every change compares the revision: what was wrongly taken not to have happened is found out in time."""
    outcome = search(("-DWITHOUT_RULE_6", TWO, "-DSWAP_CLIENTS", *LATE), DEPTH)
    assert not outcome.broken, outcome.said
