#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the codec's fuzz targets to corpus/dhcp/ beside this file."""

import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus" / "dhcp"
MAGIC = b"\x63\x82\x53\x63"


def option(code, data):
    return bytes([code, len(data)]) + data


def message(options, op=1, htype=1, hlen=6, sname=b"", file=b"", giaddr=b"\0\0\0\0"):
    header = bytes([op, htype, hlen, 0]) + b"\x12\x34\x56\x78" + bytes(4) + bytes(12) + giaddr
    header += b"\x08\x9e\x08\xb5\xaf\x01".ljust(16, b"\0")
    return header + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + MAGIC + options


DISCOVER, REQUEST, INFORM = (option(53, bytes([kind])) for kind in (1, 3, 8))
CLIENT_ID = option(61, b"\x01\x08\x9e\x08\xb5\xaf\x01")
LIST = option(55, bytes([1, 3, 6, 15, 26, 28, 42, 51, 58, 59, 119, 121]))
RELAY = option(82, b"\x01\x04port\x02\x06switch\x05\x04\x0a\x06\x00\x00")
END = b"\xff"

REQUESTS = {
    "discover": message(DISCOVER + CLIENT_ID + option(12, b"host") + LIST + END),
    "renewal": message(REQUEST + option(57, b"\x05\xdc") + CLIENT_ID + LIST + END + bytes(40)),
    "relayed": message(REQUEST + option(50, b"\x0a\x06\x09\x0a") + option(54, b"\x0a\x06\0\x01") +
                       LIST + RELAY + END, giaddr=b"\x0a\x06\x00\x01"),
    "inform-no-end": message(INFORM + option(118, b"\x0a\x06\0\0")),
    "fqdn": message(REQUEST + option(81, b"\x05\0\0\x04host\x07example\0") + END),
    "infiniband": message(DISCOVER + option(61, b"\xff\x01\x02\x03") + END, htype=32, hlen=0),
    "joined": message(DISCOVER + option(12, b"ab") + option(55, b"\x01") + option(12, b"cd") +
                      option(55, b"\x03") + END),
    "overload-file": message(DISCOVER + option(52, b"\x01") + END, file=LIST + END),
    "overload-sname": message(DISCOVER + option(52, b"\x02") + END, sname=CLIENT_ID + END),
    "overload-both": message(DISCOVER + option(52, b"\x03") + option(12, b"a") + END,
                             file=option(12, b"b") + option(52, b"\x03"), sname=option(12, b"c")),
    "cut-off": message(DISCOVER + b"\x0c\x05ab"),
    "bootp": message(b"")[:236] + bytes(64),
}

SMALL_SET = [(3, 4, 1), (6, 8, 1), (15, 11, 9), (42, 4, 1)]
LARGE_SET = SMALL_SET + [(119, 100, 1), (121, 90, 1), (43, 200, 2), (67, 10, 1), (224, 60, 9)]


def reply(request, kind, flags=7, cap=2048, mtu=1500, names=(0, 0), fqdn=0, text=0, options=()):
    control = bytes([kind, flags]) + cap.to_bytes(2, "big") + mtu.to_bytes(2, "big")
    control += bytes([*names, fqdn, text, len(options), 1])
    return control + b"".join(bytes(choice) for choice in options) + REQUESTS[request]


REPLIES = {
    "offer": reply("discover", 0, options=SMALL_SET),
    "ack": reply("renewal", 1, options=SMALL_SET, fqdn=10),
    "nak": reply("relayed", 2, text=30, options=SMALL_SET),
    "everything": reply("inform-no-end", 1, flags=2, options=LARGE_SET),
    "overload": reply("fqdn", 1, mtu=576, names=(20, 20), fqdn=60, options=LARGE_SET),
    "no-room": reply("relayed", 0, cap=300, options=LARGE_SET),
    "joined": reply("joined", 0, options=LARGE_SET),
    "long": reply("fqdn", 1, mtu=9000, options=[(224, 255, 7), (3, 4, 1), (1, 4, 9)]),
}

OPTIONS = {
    "addresses": "routers\n10.6.0.1\n10.6.0.2",
    "pairs": "policy-filter\n10.0.0.0/8\n10.0.0.0 255.0.0.0",
    "number": "interface-mtu\n1500",
    "signed": "time-offset\n-3600",
    "bool": "ip-forwarding\ntrue",
    "text": "domain-name\nexample.net",
    "hex": "224\n0a:0b:0c",
    "domains": "domain-search\nexample.net\ncampus.example.net\nNET",
    "names": "bcms-controller-names\nexample.net\nexample.net",
    "routes": "classless-static-routes\n10.0.0.0/8 via 10.6.0.1\n0.0.0.0/0 10.6.0.1",
    "vendor": "vivso-suboptions\n4491 01:02:03",
    "mac": "mac:08:9e:08:b5:af:01",
    "id": "id:01089e08b5af01",
}


def main():
    for name, seeds in (("request", REQUESTS), ("reply", REPLIES), ("options", OPTIONS)):
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds.items():
            (folder / seed).write_bytes(data if isinstance(data, bytes) else data.encode())


if __name__ == "__main__":
    main()
