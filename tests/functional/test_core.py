# SPDX-License-Identifier: MIT
"""The life of a lease over every kind of port and store."""
from frames import (ACK, DISCOVER, DNS, DOMAIN_NAME, LEASE_TIME, NAK, OFFER, REQUEST, ROUTER, SERVER_ID,
                    SUBNET_MASK, T1, T2, pack_ip)
from matrix import all_modes, both_stores
from place import POOL, SERVER


@all_modes
@both_stores
def test_discover_offer_request_ack(here, client):
    offer = client.discover()
    assert offer.yiaddr in POOL and offer.server == SERVER
    ack = client.select(offer)
    assert ack.yiaddr == offer.yiaddr and ack.server == SERVER
    assert ack.lease_time == 3600
    assert ack.seconds(T1) == 1800 and 3130 <= ack.seconds(T2) <= 3150
    assert ack.option(SUBNET_MASK) == pack_ip("255.255.255.0")
    assert ack.option(ROUTER) == pack_ip("10.6.0.1")
    assert ack.option(DNS) == pack_ip("10.6.0.2") + pack_ip("10.6.0.3")
    assert ack.option(DOMAIN_NAME) == b"example.net"


@all_modes
@both_stores
def test_renew_and_rebind(here, client):
    first = client.dora()
    renewed = client.renew()
    assert (renewed.yiaddr, renewed.ciaddr) == (first.yiaddr, first.yiaddr)
    assert renewed.lease_time == 3600
    rebound = client.rebind()
    assert rebound.yiaddr == first.yiaddr and rebound.lease_time == 3600


@all_modes
def test_reboot_keeps_the_address(here, client):
    first = client.dora()
    again = client.reboot()
    assert again.yiaddr == first.yiaddr and again.ciaddr == "0.0.0.0"


@both_stores
def test_reboot_after_release_is_not_acknowledged(here, client):
    address = client.dora().yiaddr
    client.release()
    xid = client.say_reboot(address)
    client.expect_refusal(xid, here.canary())


@both_stores
def test_release_frees_the_address_for_its_client(here, client):
    address = client.dora().yiaddr
    client.release()
    assert here.client(mac=client.mac).dora().yiaddr == address


@both_stores
def test_returning_client_gets_its_address_again(here, client):
    address = client.dora().yiaddr
    for _ in range(5):
        here.client().dora()
    assert client.discover().yiaddr == address


@both_stores
def test_requested_address_is_given_if_free(here, client):
    assert client.dora(requested=POOL[40]).yiaddr == POOL[40]


@both_stores
def test_requested_lease_time_is_granted_within_bounds(here, client):
    wanted = {"options": [(LEASE_TIME, (1800).to_bytes(4, "big"))]}
    ack = client.dora(**wanted)
    assert ack.lease_time == 1800
    long = {"options": [(LEASE_TIME, (0xFFFFFFFF).to_bytes(4, "big"))]}
    assert here.client().dora(**long).lease_time == 7200
    short = {"options": [(LEASE_TIME, (1).to_bytes(4, "big"))]}
    assert here.client().dora(**short).lease_time == 900


@both_stores
def test_lease_ends_and_goes_to_another(make_place, xdp, store):
    """The pool's one address passes on when its lease, horizon and all, has run out."""
    place = make_place(xdp=xdp, store=store)
    place.start(subnet={"pools": ["10.6.0.10"]},
                network={"lease-time": 2, "min-lease-time": 1, "max-lease-time": 2, "horizon": 1.0,
                         "extend-below": 1.0})
    first, second = place.client(), place.client()
    assert first.dora().yiaddr == "10.6.0.10"
    offer = second.insist(lambda: second.say(DISCOVER), OFFER, "the address is offered again")
    assert second.select(offer).yiaddr == "10.6.0.10"


def test_selecting_again_is_acknowledged_again(here, client):
    """A client whose ACK was lost repeats its REQUEST."""
    offer = client.discover()
    assert client.select(offer).yiaddr == offer.yiaddr
    assert client.select(offer).yiaddr == offer.yiaddr


def test_request_that_states_the_server_and_its_address_is_a_renewal(here, client):
    """Some clients keep option 54 while renewing: ciaddr decides (RFC 2131 table 4)."""
    client.dora()
    assert client.renew(server=client.server).yiaddr == client.address


def test_clients_are_told_apart_by_client_identifier(here):
    one = here.client(client_id=b"\x00one")
    two = here.client(mac=one.mac, client_id=b"\x00two")
    assert one.dora().yiaddr != two.dora().yiaddr


def test_same_client_identifier_on_another_card_is_the_same_client(here):
    one = here.client(client_id=b"\x00roaming")
    two = here.client(client_id=b"\x00roaming")
    assert one.dora().yiaddr == two.dora().yiaddr


def test_reserved_address_is_given_to_its_client_alone(make_place, xdp):
    place = make_place(xdp=xdp)
    owner, other = place.client(), place.client()
    place.start(reservations=[{"mac": owner.mac, "address": POOL[3]}])
    refused = other.discover(requested=POOL[3])
    assert refused.yiaddr != POOL[3]
    assert owner.dora().yiaddr == POOL[3]


def test_reservation_brings_its_own_options(make_place, xdp):
    place = make_place(xdp=xdp)
    owner = place.client()
    place.start(reservations=[{"mac": owner.mac, "address": "10.6.0.200",
                               "options": {"domain-name": "special.example"}}])
    ack = owner.dora()
    assert ack.yiaddr == "10.6.0.200"
    assert ack.option(DOMAIN_NAME) == b"special.example"
    assert ack.option(ROUTER) == pack_ip("10.6.0.1")


def test_request_of_two_kinds_at_once_is_judged_by_option_54(here, client):
    """Option 54 of another server with ciaddr 0 is that server's business alone."""
    offer = client.discover()
    xid = client.say(REQUEST, requested=offer.yiaddr, server="10.6.0.77")
    client.expect_silence(xid, here.canary())


def test_nak_is_bare(here, client):
    """RFC 2131 table 3: no address, no lease time, no parameters."""
    nak = client.reboot("10.9.9.9", kinds=(NAK,))
    assert (nak.yiaddr, nak.ciaddr, nak.siaddr) == ("0.0.0.0",) * 3
    assert set(nak.codes) <= {53, SERVER_ID, 56, 61, 82}
    assert nak.type != ACK
