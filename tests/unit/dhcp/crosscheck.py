#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the codec against scapy's, in both directions.

usage: crosscheck.py CODEC_TOOL

Requests are made by scapy, parsed by the codec, and both compared with what scapy itself reads
out of the same bytes. Replies are built by the codec from configured text and dissected by scapy,
whose typed values are compared with the configured ones. Everything is drawn from a seed, so a
failure can be repeated. Exits 77 (skipped) without scapy.
"""

import ipaddress
import random
import subprocess
import sys

try:
    from scapy.layers.dhcp import BOOTP, DHCP, DHCPOptions
except ImportError as missing:
    print(f"SKIP: scapy cannot be imported ({missing}); the codec was not cross-checked")
    sys.exit(77)

SEED = 2131
REQUESTS = 600
REPLIES = 600
MAGIC = b"\x63\x82\x53\x63"
CLIENT_TYPES = {1: "discover", 3: "request", 4: "decline", 7: "release", 8: "inform"}
# What the codec looks at, as scapy calls it.
READ = {12, 50, 51, 52, 53, 54, 55, 57, 61, 81, 82, 118}

CODE_OF = {}
for number, entry in DHCPOptions.items():
    CODE_OF[entry if isinstance(entry, str) else entry.name] = number


class Mismatch(Exception):
    pass


def expect(what, got, wanted):
    if got != wanted:
        raise Mismatch(f"{what}: {got!r} instead of {wanted!r}")


def run(tool, lines):
    done = subprocess.run([tool], input="".join(line + "\n" for line in lines), text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Mismatch(f"codec_tool ended with {done.returncode}: {done.stderr.strip()}")
    answers = done.stdout.splitlines()
    expect("number of answers", len(answers), len(lines))
    return answers


def scapy_options(data):
    """Code -> values of a field of options as scapy reads it, a tuple for each instance."""
    found = {}
    for option in DHCP(data).options:
        if option == "end":
            break
        if option == "pad":
            continue
        code = option[0] if isinstance(option[0], int) else CODE_OF[option[0]]
        found.setdefault(code, []).append(option[1:])
    return found


def raw_options(data):
    """Code -> list of pieces, read by hand; fails without END."""
    found, at = {}, 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        length = data[at + 1]
        found.setdefault(data[at], []).append(data[at + 2:at + 2 + length])
        at += 2 + length
    expect("END", at < len(data), True)
    expect("what is behind END", any(data[at + 1:]), False)
    return found


# Requests

def random_bytes(rng, low, high):
    return rng.randbytes(rng.randint(low, high))


def random_address(rng):
    return str(ipaddress.IPv4Address(rng.getrandbits(32)))


def random_request_options(rng, kind):
    """Options as scapy takes them, and code -> bytes as they should be understood."""
    makers = {
        "hostname": (12, lambda: random_bytes(rng, 0, 255)),
        "requested_addr": (50, lambda: random_address(rng)),
        "lease_time": (51, lambda: rng.getrandbits(32)),
        "server_id": (54, lambda: random_address(rng)),
        "param_req_list": (55, lambda: [rng.randint(1, 254) for _ in range(rng.randint(1, 60))]),
        "max_dhcp_size": (57, lambda: rng.getrandbits(16)),
        "client_id": (61, lambda: random_bytes(rng, 2, 255)),
        "client_FQDN": (81, lambda: random_bytes(rng, 3, 80)),
        "relay_agent_information": (82, lambda: random_bytes(rng, 1, 255)),
        "subnet-selection": (118, lambda: random_address(rng)),
        "vendor_class_id": (60, lambda: random_bytes(rng, 1, 64)),
        "pxe_client_architecture": (93, lambda: random_bytes(rng, 2, 2)),
    }
    options, wanted = [], {53: bytes([kind])}
    for name in rng.sample(sorted(makers), rng.randint(0, len(makers))):
        code, make = makers[name]
        value = make()
        options.append((name, *value) if isinstance(value, list) else (name, value))
        wanted[code] = encode_value(code, value)
    options.insert(rng.randint(0, len(options)), ("message-type", kind))
    for _ in range(rng.randint(0, 3)):
        options.insert(rng.randint(0, len(options)), "pad")
    if rng.random() < 0.9:
        options.append("end")
    return options, wanted


def encode_value(code, value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return bytes(value)
    if isinstance(value, str):
        return ipaddress.IPv4Address(value).packed
    return value.to_bytes(2 if code == 57 else 4, "big")


def random_request(rng):
    kind = rng.choice(sorted(CLIENT_TYPES))
    options, wanted = random_request_options(rng, kind)
    packet = BOOTP(op=1, htype=1, hlen=6, hops=rng.randint(0, 4), xid=rng.getrandbits(32),
                   secs=rng.getrandbits(16), flags=rng.choice([0, 0x8000]),
                   ciaddr=random_address(rng), yiaddr=random_address(rng),
                   siaddr=random_address(rng), giaddr=rng.choice(["0.0.0.0", random_address(rng)]),
                   chaddr=rng.randbytes(6) + bytes(10), sname=random_bytes(rng, 0, 64),
                   file=random_bytes(rng, 0, 128), options=MAGIC) / DHCP(options=options)
    return kind, wanted, bytes(packet)


def check_requests(tool, rng):
    cases = [random_request(rng) for _ in range(REQUESTS)]
    answers = run(tool, ["parse\t" + message.hex() for _, _, message in cases])
    for (kind, wanted, message), answer in zip(cases, answers):
        words = answer.split(" ")
        expect(f"parse of {message.hex()}", words[:2], ["ok", CLIENT_TYPES[kind]])
        got = {int(word.split("=")[0]): bytes.fromhex(word.split("=")[1]) for word in words[2:]}
        expect("options of the request " + message.hex(), got,
               {code: value for code, value in wanted.items() if code in READ})
        # What the codec reads, scapy reads out of the same bytes.
        theirs = scapy_options(message[240:])
        expect("codes that scapy finds in " + message.hex(), set(theirs), set(wanted))
    return len(cases)


def check_damaged(tool, rng):
    """Cut off and flipped at random: scapy may make what it likes of it, the codec must not die."""
    lines = []
    for _ in range(REQUESTS):
        _, _, message = random_request(rng)
        damaged = bytearray(message[:rng.randint(0, len(message))])
        for _ in range(rng.randint(0, 8)):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.getrandbits(8)
        lines.append("parse\t" + (damaged.hex() or "00"))
    for answer in run(tool, lines):
        expect("kind of answer", answer.split(" ")[0] in ("ok", "reject"), True)
    return len(lines)


# Replies

class Drawn:
    """A configured value: its text, the values scapy should read, the bytes (None: not known)."""

    def __init__(self, configured, values, wire):
        self.configured, self.values, self.wire = configured, values, wire


def draw_addresses(rng, low=1, high=4):
    values = [random_address(rng) for _ in range(rng.randint(low, high))]
    wire = b"".join(ipaddress.IPv4Address(value).packed for value in values)
    return Drawn("|".join(values), tuple(values), wire)


def draw_address(rng):
    return draw_addresses(rng, 1, 1)


def draw_number(low, width):
    def draw(rng):
        value = rng.randint(low, 256 ** width - 1)
        return Drawn(str(value), (value,), value.to_bytes(width, "big"))
    return draw


def draw_text(rng):
    value = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-./:")
                    for _ in range(rng.randint(1, 60)))
    return Drawn(value, (value.encode(),), value.encode())


def draw_bytes(high):
    def draw(rng):
        value = random_bytes(rng, 1, high)
        return Drawn(value.hex(), (value,), value)
    return draw


def draw_domains(rng):
    labels = ["a", "bb", "campus", "example", "net", "org"]
    names = [".".join(rng.choices(labels, k=rng.randint(1, 5))) for _ in range(rng.randint(1, 6))]
    return Drawn("|".join(names), names, None)


def draw_routes(rng):
    configured, wire = [], b""
    for _ in range(rng.randint(1, 5)):
        net = ipaddress.IPv4Network((rng.getrandbits(32), rng.randint(0, 32)), strict=False)
        via = random_address(rng)
        configured.append(f"{net} via {via}")
        wire += bytes([net.prefixlen]) + net.network_address.packed[:(net.prefixlen + 7) // 8]
        wire += ipaddress.IPv4Address(via).packed
    return Drawn("|".join(configured), None, wire)


# Name in the configuration, code, how to draw a value.
CONFIGURED = [
    ("subnet-mask", 1, draw_address),
    ("routers", 3, draw_addresses),
    ("time-servers", 4, draw_addresses),
    ("domain-name-servers", 6, draw_addresses),
    ("log-servers", 7, draw_addresses),
    ("domain-name", 15, draw_text),
    ("root-path", 17, draw_text),
    ("default-ip-ttl", 23, draw_number(1, 1)),
    ("interface-mtu", 26, draw_number(68, 2)),
    ("broadcast-address", 28, draw_address),
    ("arp-cache-timeout", 35, draw_number(0, 4)),
    ("ntp-servers", 42, draw_addresses),
    ("vendor-encapsulated-options", 43, draw_bytes(40)),
    ("netbios-name-servers", 44, draw_addresses),
    ("tftp-server-name", 66, draw_text),
    ("bootfile-name", 67, draw_text),
    ("captive-portal", 114, draw_text),
    ("domain-search", 119, draw_domains),
    ("classless-static-routes", 121, draw_routes),
    ("tftp-server-address", 150, draw_addresses),
    ("224", 224, draw_bytes(300)),
    ("230", 230, draw_bytes(20)),
]
# Codes whose values scapy shows typed: the rest is compared as bytes alone.
TYPED = {1, 3, 4, 6, 7, 15, 17, 23, 26, 28, 35, 42, 44}


def read_names(data):
    """RFC 1035 section 4.1.4, by hand."""
    names, at = [], 0
    while at < len(data):
        labels, here, after = [], at, None
        while data[here]:
            if data[here] >= 0xc0:
                target = (data[here] & 0x3f) << 8 | data[here + 1]
                expect("pointer leads back", target < here, True)
                after, here = after or here + 2, target
                continue
            labels.append(data[here + 1:here + 1 + data[here]].decode())
            here += 1 + data[here]
        names.append(".".join(labels))
        at = after or here + 1
    return names


def random_reply(rng):
    """A command for the tool and what scapy should find in the answer."""
    kind, wanted, message = random_request(rng)
    chosen = rng.sample(CONFIGURED, rng.randint(0, len(CONFIGURED)))
    reply = {"type": rng.choice([2, 5, 6]), "server_id": random_address(rng),
             "yiaddr": random_address(rng), "siaddr": random_address(rng),
             "lease": rng.choice([0, rng.randint(1, 0xffffffff)]), "t1": rng.getrandbits(32),
             "t2": rng.getrandbits(32), "mtu": rng.choice([576, 1500, 9000])}
    if rng.random() < 0.3:
        reply["file"] = "boot/" + "x" * rng.randint(0, 122)
    if rng.random() < 0.3:
        reply["sname"] = "s" * rng.randint(1, 63)
    if rng.random() < 0.3:
        reply["fqdn"] = random_bytes(rng, 3, 100).hex()
    fields = ["build", message.hex()] + [f"{key}={value}" for key, value in reply.items()]
    options = {}
    for name, code, draw in chosen:
        drawn, always = draw(rng), rng.random() < 0.2
        options[code] = (drawn, always)
        fields.append(f"{'always' if always else 'option'}={name}={drawn.configured}")
    return "\t".join(fields), (message, wanted, reply, options)


def check_header(packet, request, reply):
    nak = reply["type"] == 6
    expect("op", packet.op, 2)
    for field in ("htype", "hlen", "xid", "flags", "giaddr", "chaddr"):
        expect(field, getattr(packet, field), getattr(request, field))
    expect("hops, secs", (packet.hops, packet.secs), (0, 0))
    expect("ciaddr", packet.ciaddr, "0.0.0.0")
    expect("yiaddr", packet.yiaddr, "0.0.0.0" if nak else reply["yiaddr"])
    expect("siaddr", packet.siaddr, "0.0.0.0" if nak else reply["siaddr"])


def all_fields(message, packet):
    """The three fields in the order of RFC 3396, those that hold options."""
    overload = raw_options(message[240:]).get(52, [b"\0"])[0][0]
    fields = [message[240:]]
    if overload & 1:
        fields.append(bytes(packet.file))
    if overload & 2:
        fields.append(bytes(packet.sname))
    return overload, fields


def wire_size(length):
    return length + 2 * max(1, -(-length // 255))


def check_mandatory(found, wanted, reply):
    number = lambda value: value.to_bytes(4, "big")
    expect("message type", found[53], bytes([reply["type"]]))
    expect("server identifier", found[54], ipaddress.IPv4Address(reply["server_id"]).packed)
    times = reply["lease"] != 0 and reply["type"] != 6
    expect("times", [found.get(code) for code in (51, 58, 59)],
           [number(reply[key]) if times else None for key in ("lease", "t1", "t2")])
    expect("client identifier", found.get(61), wanted.get(61))
    expect("relay agent information", found.get(82), wanted.get(82))
    nak = reply["type"] == 6
    expect("subnet selection", found.get(118), None if nak else wanted.get(118))


compared_typed = [0]


def check_option(code, drawn, pieces, typed):
    data = b"".join(pieces)
    if drawn.wire is None:
        expect("domain names", read_names(data), drawn.values)
        return
    expect(f"option {code}", data, drawn.wire)
    if code in TYPED and typed is not None:
        expect(f"option {code} as scapy reads it", typed.get(code), [drawn.values])
        compared_typed[0] += 1


def check_options(pieces, typed, overload, case, room):
    """What was asked for is there, unless there was no room; nothing else is."""
    _, wanted, reply, options = case
    eligible = {code for code, (_, always) in options.items()
                if always or 55 not in wanted or code in wanted[55]}
    sent = set(pieces) - {51, 52, 53, 54, 58, 59, 61, 81, 82, 118}
    moved = {66} if overload & 2 and "sname" in reply else set()
    moved |= {67} if overload & 1 and "file" in reply else set()
    expect("options nobody asked for", sent - eligible - moved, set())
    for code in sent & eligible:
        check_option(code, options[code][0], pieces[code], typed)
    known = [options[code][0].wire for code in eligible]
    known += [bytes.fromhex(reply["fqdn"])] if "fqdn" in reply else []
    if None not in known and sum(wire_size(len(wire)) for wire in known) <= room:
        expect("options that were left out", eligible - sent, set())
        expect("name left out", "fqdn" in reply and 81 not in pieces, False)
        expect("overload though there is room", overload, 0)


def check_reply(message, case):
    request_bytes, wanted, reply, _ = case
    packet, request = BOOTP(message), BOOTP(request_bytes)
    overload, fields = all_fields(message, packet)
    pieces, typed = {}, {}
    for field in fields:
        for code, data in raw_options(field).items():
            pieces.setdefault(code, []).extend(data)
    found = {code: b"".join(data) for code, data in pieces.items()}
    if any(len(data) > 1 for data in pieces.values()):
        typed = None  # scapy joins no pieces, and may never end on one that is no whole value
    else:
        for field in fields:
            typed.update(scapy_options(field))
    check_header(packet, request, reply)
    check_mandatory(found, wanted, reply)
    size = max(576, int.from_bytes(wanted.get(57, b""), "big"))
    limit = min(size, reply["mtu"]) - 28
    expect("length", 300 <= len(message) <= limit, True)
    if reply["type"] == 6:
        expect("codes of a NAK", set(found) - {53, 54, 56, 61, 82}, set())
        return overload
    expect("name", found.get(81, b"").hex() in (reply.get("fqdn", ""), ""), True)
    expect("order of mask and routers", 1 in found and 3 in found and
           list(pieces).index(1) > list(pieces).index(3), False)
    fixed = sum(wire_size(len(found[code])) for code in
                (51, 53, 54, 58, 59, 61, 82, 118) if code in found)
    check_options(pieces, typed, overload, case, limit - 240 - 1 - fixed)
    return overload


def check_names(message, case, overload):
    reply, packet = case[2], BOOTP(message)
    if reply["type"] == 6:
        return
    for field, bit, size in (("file", 1, 128), ("sname", 2, 64)):
        if not overload & bit:
            expect(field, bytes(getattr(packet, field)),
                   reply.get(field, "").encode().ljust(size, b"\0"))


def check_replies(tool, rng):
    cases = [random_reply(rng) for _ in range(REPLIES)]
    answers = run(tool, [line for line, _ in cases])
    overloads = [0, 0, 0, 0]
    built = 0
    for (line, case), answer in zip(cases, answers):
        word, _, rest = answer.partition(" ")
        try:
            if word == "error":
                # Only a long identifier and long relay information can leave no room at all,
                # and less of them in a NAK, which may not use `file` and `sname`.
                long_echo = len(case[1].get(61, b"")) + len(case[1].get(82, b""))
                expect("room for a reply", long_echo > (290 if case[2]["type"] == 6 else 400), True)
                continue
            expect("kind of answer", word, "reply")
            message = bytes.fromhex(rest)
            overload = check_reply(message, case)
            check_names(message, case, overload)
        except Mismatch:
            print(f"# command: {line}\n# answer: {answer}")
            raise
        overloads[overload] += 1
        built += 1
    for value, count in enumerate(overloads):
        expect(f"some replies with overload {value}", count > 0, True)
    expect("many values compared as scapy reads them", compared_typed[0] > REPLIES, True)
    return built


def main():
    rng = random.Random(SEED)
    tool = sys.argv[1]
    checks = [("requests", check_requests), ("damaged requests", check_damaged),
              ("replies", check_replies)]
    failed = False
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        try:
            print(f"ok {number} - {name}: {check(tool, rng)}")
        except Mismatch as mismatch:
            print(f"# {mismatch}\nnot ok {number} - {name}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
