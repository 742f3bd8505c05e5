# SPDX-License-Identifier: MIT
"""
What befalls an etcd: full, locked, stingy, compacted, partitioned, without a leader. Each shows in
log and metric with the next step; renewals go on; nobody is refused for it; and when it is over
service resumes without a restart.
"""
import pytest

from etcd import Cluster
from frames import DISCOVER
from lab import wait_until
from place import NETWORK, POOL

pytestmark = pytest.mark.needs("etcd", "etcdctl")


def problem(server, source):
    return server.metrics().sum("store_problem", source=source)


def wait_problem(server, source, words):
    """In the metric and, with what to do, in the log."""
    wait_until(lambda: problem(server, source) == 1, f"a problem of the {source} shows")
    server.wait_log(f'msg="store problem".*{words}')


def no_nak(server):
    return server.metrics().sum("replies_total", type="nak") == 0


@pytest.fixture
def make_full(make_place, xdp):
    """make_full(*options): a place whose etcd has these options; its server is not started."""
    def make(*options, **parts):
        place = make_place(xdp=xdp, store="etcd", patience="3s")
        place.etcd.options = options
        place.etcd.start()
        place.start(**parts)
        return place
    return make


# ---- full

def fill(etcd):
    """Beyond its quota: etcd raises its alarm."""
    for number in range(200):
        done = etcd._ctl("put", f"/filler/{number}", "x" * 100000)
        if "database space exceeded" in done.stderr:
            return
    raise AssertionError("etcd took everything")


def test_full_etcd(make_full):
    place = make_full("--quota-backend-bytes", "4194304")
    client = place.client()
    client.dora()
    place.server.stop()
    fill(place.etcd)
    place.server.start(ready=False)
    wait_until(lambda: place.server.status("/healthz") == 200, "alive")
    wait_problem(place.server, "session", "etcdctl alarm disarm")
    assert client.renew().yiaddr == client.address
    assert no_nak(place.server)
    place.etcd.ctl("del", "--prefix", "/filler/")
    newest = max(place.etcd.revisions("/etcdhcp/")) + 1
    place.etcd.ctl("compact", str(newest))
    place.etcd.ctl("defrag")
    place.etcd.ctl("alarm", "disarm")
    wait_until(lambda: problem(place.server, "session") == 0, "the problem is over")
    place.wait_serving()
    assert place.client().dora().yiaddr in POOL


# ---- credentials

def enable_authentication(etcd):
    for words in (("user", "add", "root:rootpw"), ("user", "grant-role", "root", "root"),
                  ("user", "add", "dhcp:secret"), ("role", "add", "dhcp"),
                  ("role", "grant-permission", "dhcp", "--prefix=true", "readwrite", "/etcdhcp/"),
                  ("user", "grant-role", "dhcp", "dhcp"), ("auth", "enable")):
        etcd.ctl(*words)


def as_root(etcd, *words):
    etcd.ctl("--user", "root:rootpw", *words)


def restart(etcd):
    """
    What a right is needed for is asked anew: etcd 3.4 checks it when a watch begins, and never for
    transactions that are nested in others.
    """
    etcd.kill()
    etcd.start(ready=False)  # its health check would ask for a user, too


def silent_but_renewing(place, old):
    newcomer = place.client()
    assert old.renew().yiaddr == old.address
    newcomer.expect_silence(newcomer.say(DISCOVER), wait=0.3)
    assert no_nak(place.server)


def test_authentication_switched_on_while_it_runs(make_full):
    place = make_full()
    client = place.client()
    client.dora()
    enable_authentication(place.etcd)
    restart(place.etcd)
    wait_problem(place.server, "link", "set store.etcd.user")
    silent_but_renewing(place, client)
    as_root(place.etcd, "auth", "disable")
    place.wait_serving()
    wait_until(lambda: not any(problem(place.server, each) for each in
                               ("link", "commit", "mirror", "session")), "all is well again")
    assert place.client().dora().yiaddr in POOL


def provoke(place):
    """A commit that has to be tried: the canary's, whatever becomes of it."""
    canary = place.canary()
    for _ in range(3):
        canary.say(3, requested="10.6.0.250", server="10.6.0.1")


def test_credentials_revoked_while_it_runs(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd", patience="3s")
    place.etcd.start()
    enable_authentication(place.etcd)
    password = place.directory / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    place.start(store={"etcd": {"endpoints": [place.etcd.url], "timeout": "3s", "ttl": "5s",
                                "user": "dhcp", "password-file": str(password)}})
    client = place.client()
    client.dora()
    as_root(place.etcd, "user", "revoke-role", "dhcp", "dhcp")
    restart(place.etcd)
    wait_problem(place.server, "link", "grant the etcd user readwrite")
    silent_but_renewing(place, client)
    as_root(place.etcd, "user", "grant-role", "dhcp", "dhcp")
    place.wait_serving()
    assert place.client().dora().yiaddr in POOL


# ---- limits

def test_few_operations_in_a_transaction(make_full):
    """It adapts, and says what to raise."""
    place = make_full("--max-txn-ops", "16")
    clients = [place.client() for _ in range(60)]
    for client in clients:
        client.offer_xid = client.say(DISCOVER)
    offers = [client.answer(client.offer_xid, 2) for client in clients]
    xids = [client.say(3, requested=offer.yiaddr, server=offer.server)
            for client, offer in zip(clients, offers)]
    given = {client.answer(xid, 5).yiaddr for client, xid in zip(clients, xids)}
    assert len(given) == len(clients)
    assert place.server.metrics().sum("store_problem") == 0


def test_hardly_any_operations_in_a_transaction(make_full):
    """Less than one allocation needs: nothing to adapt to, but precise words."""
    place = make_full("--max-txn-ops", "2")
    client = place.client()
    offer = client.discover()
    client.say(3, requested=offer.yiaddr, server=offer.server)
    wait_problem(place.server, "commit", "raise etcd's --max-txn-ops to 128")
    assert no_nak(place.server)


# ---- the watch

@pytest.fixture
def campus(make_campus):
    made = make_campus(servers=2)
    made.start(server={"load-sharing": "off"})
    return made


def bind_through(campus, number, client):
    offers = {}
    xid = client.say(DISCOVER)
    while f"10.6.0.{number + 1}" not in offers:
        offer = client.answer(xid, 2)
        offers[offer.server] = offer
    return client.select(offers[f"10.6.0.{number + 1}"])


def bound(server):
    return server.metrics().sum("leases", network=NETWORK, state="bound")


def test_compaction_while_a_server_is_cut_off(campus):
    """What it missed can no longer be told one by one: it loads all of it."""
    old = campus.client()
    bind_through(campus, 0, old)
    wait_until(lambda: bound(campus.servers[1]) == 1, "mirrored")
    cut = campus.sites[0]
    cut.ip("link", "set", "back0", "down")
    wait_until(lambda: campus.servers[0].metrics().sum("store_connected") == 0, "cut off", 60.0)
    assert old.renew().server == "10.6.0.1"
    fresh = [campus.client() for _ in range(5)]
    for client in fresh:
        bind_through(campus, 1, client)
    campus.etcd.ctl("compact", str(max(campus.etcd.revisions("/etcdhcp/"))))
    cut.ip("link", "set", "back0", "up")
    campus.servers[0].wait_metric("store_reloads_total", lambda count: count >= 1, 60.0)
    campus.servers[0].wait_ready()
    wait_until(lambda: bound(campus.servers[0]) == bound(campus.servers[1]) == 6, "it knows all of them")
    for client in fresh:
        xid = client.say_rebind()
        assert {client.answer(xid, 5).server for _ in range(2)} == {"10.6.0.1", "10.6.0.2"}


def test_a_server_that_is_slow_to_watch(campus):
    """Stopped for a while, it goes on where it was."""
    old = campus.client()
    bind_through(campus, 1, old)
    wait_until(lambda: bound(campus.servers[0]) == 1, "mirrored")
    campus.servers[0].process.send_signal(19)
    clients = [campus.client() for _ in range(30)]
    for client in clients:
        offer = client.discover()
        assert client.select(offer).server == "10.6.0.2"
    for client in clients[:10]:
        client.release()
    wait_until(lambda: bound(campus.servers[1]) == 21, "released")
    campus.servers[0].process.send_signal(18)
    wait_until(lambda: bound(campus.servers[0]) == 21, "it has caught up", 60.0)
    assert campus.servers[0].metrics().sum("store_reloads_total") == 0


# ---- members

def test_members_and_leaders_come_and_go(make_place, xdp):
    place = make_place(xdp=xdp, store="etcd", patience="3s")
    cluster = Cluster(place.server_ns, place.directory).start()
    place.etcd = cluster.members[0]
    place.start(store={"etcd": {"endpoints": cluster.urls, "timeout": "3s", "ttl": "5s"}})
    old = place.client()
    old.dora()
    for _ in range(2):  # also the one whose endpoint is in use, sooner or later
        leader = wait_until(cluster.leader, "there is a leader")
        leader.kill()
        assert old.renew().yiaddr == old.address
        place.wait_serving()
        newcomer = place.client()
        newcomer.insist(lambda: newcomer.say(DISCOVER), 2, "offers are made again")
        leader.start(ready=False)
        leader.wait_ready()
    dead = cluster.members[:2]
    for member in dead:
        member.kill()
    assert old.renew().yiaddr == old.address
    provoke(place)
    wait_until(lambda: place.server.status("/readyz") == 503, "not ready without a quorum", 60.0)
    wait_until(lambda: problem(place.server, "link") + problem(place.server, "commit") +
               problem(place.server, "mirror") >= 1, "and why", 60.0)
    silent_but_renewing(place, old)
    for member in dead:
        member.start(ready=False)
    place.server.wait_ready(60.0)
    place.wait_serving()
    assert old.reboot().yiaddr == old.address
    assert no_nak(place.server)


# ---- a store that is not what it was

def astray(server):
    return server.metrics().sum("store_astray") == 1


def test_etcd_restored_from_a_backup(make_full, tmp_path):
    """What was acknowledged since is missing there: it is renewed from memory, and nobody is given its address."""
    place = make_full()
    old, since, newcomer = (place.client() for _ in range(3))
    old.dora()
    place.etcd.save(tmp_path / "backup")
    address = since.dora().yiaddr
    place.etcd.kill()
    place.etcd.restore(tmp_path / "backup")
    place.etcd.start()
    wait_until(lambda: astray(place.server), "it is seen", 60.0)
    place.server.wait_log("the store has gone back")
    assert place.record(address) is None and place.record(old.address)
    status, why = place.server.get("/readyz")
    assert status == 503 and "gone back" in why and "just failed" not in why
    assert old.renew().yiaddr == old.address and since.renew().yiaddr == address
    xid = newcomer.say(DISCOVER, requested=address)
    since.renew()
    assert not place.link.pending(lambda each: newcomer.is_mine(each, xid))
    place.server.stop()
    place.server.start()
    assert newcomer.dora().yiaddr in POOL and not astray(place.server)
    assert old.renew().yiaddr == old.address


def test_a_server_whose_etcd_member_is_another_truth(campus):
    """It sees a publication that tells of what is still to come; others do its work."""
    seen = 10 * campus.etcd.revision()
    client = campus.client()
    bind_through(campus, 0, client)
    campus.etcd.put("/etcdhcp/servers/elsewhere", f'{{"version":"1","seen":{seen},"idle":1}}')
    campus.servers[0].wait_metric("servers", lambda count: count == 3)
    assert not astray(campus.servers[0]), "who is astray itself is no witness"
    campus.etcd.put("/etcdhcp/servers/elsewhere", f'{{"version":"1","seen":{seen}}}')
    for server in campus.servers:
        wait_until(lambda server=server: astray(server), "it is seen")
    assert client.renew().server == "10.6.0.1"
    campus.etcd.delete("/etcdhcp/servers/elsewhere")
    server = campus.servers[0]
    server.stop()
    server.start()
    server.wait_ready()
    fresh = campus.client()
    assert bind_through(campus, 0, fresh).yiaddr in POOL
    assert astray(campus.servers[1])
