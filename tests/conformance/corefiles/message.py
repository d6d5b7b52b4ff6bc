"""DNS messages as far as two servers' answers to the same query are compared: queries are made, responses read."""

import random
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17, "AAAA": 28,
         "LOC": 29, "SRV": 33, "NAPTR": 35, "DNAME": 39, "OPT": 41, "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47,
         "DNSKEY": 48, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "ANY": 255, "URI": 256, "CAA": 257, "TYPE65280": 65280}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
FLAGS = {"aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "ad": 0x0020, "cd": 0x0010}
# Where the names in the data of types begin, and how many there are.
WITH_NAMES = {"NS": (0, 1), "CNAME": (0, 1), "SOA": (0, 2), "PTR": (0, 1), "MX": (2, 1), "RP": (0, 2), "SRV": (6, 1),
              "DNAME": (0, 1)}


class Query:
    """A question and how it is asked."""

    def __init__(self, name, type_, *, rclass=1, edns=None, do=False, rd=True, cd=False, ad=False):
        self.name, self.type, self.rclass, self.edns, self.do = name, type_, rclass, edns, do
        self.flags = "rd " * rd + "cd " * cd + "ad " * ad

    def __str__(self):
        size = f" edns={self.edns}" if self.edns else ""
        return f"{self.name} {self.type}{' CH' if self.rclass == 3 else ''}{size}{' do' if self.do else ''} {self.flags}"

    def encode(self, number):
        flags = sum(FLAGS[flag] for flag in self.flags.split())
        labels = [label for label in self.name.encode().split(b".") if label]
        name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
        opt = struct.pack("!BHHIH", 0, 41, self.edns, 0x8000 * self.do, 0) if self.edns else b""
        head = struct.pack("!HHHHHH", number, flags, 1, 0, 0, bool(opt))
        return head + name + struct.pack("!HH", TYPES[self.type], self.rclass) + opt


class Response:
    """What a server has sent, readable; records as (owner, type, class, TTL, data)."""

    def __init__(self, wire):
        self.wire = wire
        _, flags, questions, *counts = struct.unpack_from("!6H", wire)
        self.rcode = RCODES[flags & 15] if flags & 15 < len(RCODES) else str(flags & 15)
        self.flags = {name for name, bit in FLAGS.items() if flags & bit}
        self.at, self.opt = 12, None
        self.question = [(self.name(), self.number("!H"), self.number("!H")) for _ in range(questions)]
        self.answer, self.authority, self.additional = ([self.record() for _ in range(count)] for count in counts)
        self.additional = [record for record in self.additional if record[1] != "OPT"]

    def number(self, form):
        value, = struct.unpack_from(form, self.wire, self.at)
        self.at += struct.calcsize(form)
        return value

    def name(self):
        text, at, after = b"", self.at, None
        while size := self.wire[at]:
            if size >= 0xC0:
                after = after or at + 2
                at = struct.unpack_from("!H", self.wire, at)[0] & 0x3FFF
                continue
            text += self.wire[at + 1:at + 1 + size] + b"."
            at += 1 + size
        self.at = after or at + 1
        return (text or b".").decode("latin-1")

    def record(self):
        owner = self.name()
        number, rclass, ttl, size = struct.unpack_from("!HHIH", self.wire, self.at)
        self.at += 10
        end, kind = self.at + size, NAMES.get(number, f"TYPE{number}")
        before, names = WITH_NAMES.get(kind, (0, 0))
        data = self.wire[self.at:self.at + before].hex()
        self.at += before
        for _ in range(names):
            data += " " + self.name()
        data += " " + self.wire[self.at:end].hex()
        self.at = end
        if kind == "OPT":
            self.opt = {"size": rclass, "flags": ttl, "options": data.strip()}
        return owner, kind, rclass, ttl, data.strip()

    def __str__(self):
        lines = [f"{self.question[0]} {self.rcode} {' '.join(sorted(self.flags))} opt={self.opt} {len(self.wire)} bytes"]
        for title in "answer", "authority", "additional":
            lines += [f"  {title[:4]} {owner} {ttl} {kind} {data[:90]}" for owner, kind, _, ttl, data in getattr(self, title)]
        return "\n".join(lines)


def queries(names, count, seed):
    """`count` queries for `names` and names near them, of all kinds and always the same."""
    chance = random.Random(seed)
    common = ["A"] * 6 + ["AAAA"] * 3 + ["MX", "TXT", "NS", "SOA", "CNAME", "SRV", "PTR", "DS", "HTTPS", "CAA", "ANY"]
    made = []
    for number in range(count):
        name, *types = names[number % len(names)].split("/")
        # The first time each name for what it has, later for anything.
        type_ = types[0] if types and number < len(names) else chance.choice(types * 8 + common)
        if chance.random() < 0.1:
            name = "".join(chance.choice((each.upper(), each)) for each in name)
        edns = chance.choice((None, None, 512, 1232, 1232, 4096))
        made.append(Query(name, type_, rclass=3 if name.endswith((".bind", "id.server")) and chance.random() < 0.8 else 1,
                          edns=edns, do=bool(edns) and chance.random() < 0.5, rd=chance.random() < 0.9,
                          cd=chance.random() < 0.1, ad=chance.random() < 0.2))
    return made
