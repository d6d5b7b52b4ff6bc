#!/usr/bin/env python3
"""Every answer of signed zones is secure, to every validating resolver, while keys are rolled.

One swage serves a tree of zones from the root down, on a machine of its own: zones that *dnssec* signs while answering, with NSEC and
with NSEC3 by *file*'s `sign`, a forge's computed names; below each one a signed and an unsigned zone. unbound, Knot Resolver and
PowerDNS's recursor, as many of them as are installed, resolve from the root, validate, and use NSEC records for other questions (RFC 8198).
Each question is of a kind whose answer is known; names are spelled in mixed case. --roll: meanwhile the keys of two zones live
for half a minute, and this program is their registry: it puts what their CDS records say into the parent zone (RFC 7344).

delv, dnsviz and zonemaster-cli look at all of it once, with --roll. Ends with 77 where there is no validating resolver.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import os
import random
import re
import shutil
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import machine
from machine import Failed, Part, WORK, has, read, run, until, write

SWAGE, UNBOUND, KRESD, RECURSOR = "192.0.2.53", "192.0.2.61", "192.0.2.62", "192.0.2.63"  # kresd asks no 127.0.0.1
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "DNAME": 39, "DS": 43, "DNSKEY": 48, "CDS": 59}
PEERS = ("k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk", "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm")
PARENTS = ("online.lab", "nsec.lab", "nsec3.lab")  # each with safe. and plain. below it
ROLLED = ("online.lab", "csk.lab", "signed.lab", "written.lab")  # by *dnssec*, two times; by *file*; by *sign*
KEYS = f"{WORK}/keys"
HINTS = f"{WORK}/hints"
# dnsviz 0.9.4 looks for a version of pygraphviz where Debian's says none.
GROK = """import runpy, sys, types, pygraphviz
pygraphviz.release = types.SimpleNamespace(version="1.7")
sys.argv[0] = "/usr/bin/dnsviz"
runpy.run_path("/usr/bin/dnsviz", run_name="__main__")
"""


class Key:
    """A key that stays, in a folder of its own zone."""

    def __init__(self, zone):
        self.zone, folder = zone, f"{KEYS}/{zone or 'root'}"
        os.makedirs(folder)
        name = run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K", folder, zone or ".").split()[-1]
        self.path = f"{folder}/{name}"
        record = re.search(r"^\S+ +IN +DNSKEY +(.*)$", read(f"{self.path}.key"), re.MULTILINE)
        self.dnskey = record[1]
        self.ds = run("dnssec-dsfromkey", "-2", f"{self.path}.key").split(" DS ")[1].strip()


def zone_text(zone, below=()):
    lines = ["$TTL 2", f"@ SOA ns. host {int(time.time())} 14400 3600 1209600 2", "@ NS ns."]
    lines += [f"h{i} A 192.0.2.{i}" for i in range(1, 100)]
    lines += ["*.w A 192.0.2.200", "a.b.ent A 192.0.2.201", "alias CNAME h7", "gone CNAME nowhere", "old DNAME w", "far CNAME h9.safe"]
    for name, ds in below:
        lines.append(f"{name} NS ns.")
        if ds:
            lines.append(f"{name} DS {ds}")
    return "\n".join(lines) + "\n"


class World:
    def __init__(self, options):
        self.options = options
        self.lock, self.ds = threading.Lock(), {}  # of rolled zones: their DS records in the zone lab.
        self.keys = {zone: Key(zone) for zone in ["", "lab", "libp2p.direct", "nsec.lab", "nsec3.lab"]}
        self.blocks = []
        for parent in PARENTS:
            self.add_signed(f"safe.{parent}")
            write(f"{WORK}/plain.{parent}", zone_text(f"plain.{parent}"))
            self.blocks.append(f"plain.{parent} {{\n bind {SWAGE}\n file {WORK}/plain.{parent}\n}}")
        children = lambda parent: [("safe", self.keys[f"safe.{parent}"].ds), ("plain", "")]
        for parent, more in (("nsec.lab", ""), ("nsec3.lab", "   nsec3\n")):
            write(f"{WORK}/{parent}", zone_text(parent, children(parent)))
            self.blocks.append(f"{parent} {{\n bind {SWAGE}\n file {WORK}/{parent} {{\n  sign {{\n   key file {self.keys[parent].path}\n{more}  }}\n }}\n}}")
        for zone in ROLLED:
            folder, split = f"{KEYS}/{zone}", "split\n   zsk-lifetime 41s" if zone == "online.lab" else ""
            os.makedirs(folder, mode=0o700)
            write(f"{WORK}/{zone}", zone_text(zone, children(zone) if zone in PARENTS else ()))
            lives = f"{split}\n   ksk-lifetime 47s" if options.roll else ""
            keys = (f"keys {folder} {{\n   {lives}\n   parent {SWAGE} every 10s\n   dnskey-ttl 2s\n   zone-ttl 2s\n   propagation 6s\n"
                    "   parent-ttl 2s\n   parent-propagation 6s\n   safety 2s\n  }\n")
            ways = {
                "signed.lab": f"file {WORK}/{zone} {{\n  zonemd generate\n  sign {{\n   {keys}  }}\n }}",
                "written.lab": f"sign {WORK}/{zone} {{\n  {keys}  nsec3\n  zonemd\n  directory {WORK}\n }}\n file {WORK}/db.{zone}.signed {{\n  reload 500ms\n }}",
            }
            way = ways.get(zone, f"dnssec {{\n  budget 1000000\n  {keys} }}\n any\n rewrite name suffix .new.{zone}. .{zone}. answer auto\n file {WORK}/{zone}")
            self.blocks.append(f"{zone} {{\n bind {SWAGE}\n {way}\n}}")
        self.add_signed("libp2p.direct", more=" ipsubdomain\n")
        self.write_lab()
        self.add_dnssec("lab", more="{\n  reload 500ms\n }")
        root = zone_text("", [("lab.", self.keys["lab"].ds), ("libp2p.direct.", self.keys["libp2p.direct"].ds)]) + f"ns. A {SWAGE}\n"
        write(f"{WORK}/root", root)
        self.add_dnssec("", path=f"{WORK}/root")
        write(f"{WORK}/Corefile", "\n".join(self.blocks) + "\n")
        self.server = Part("swage", options.swage, "-workers", "2", "-conf", f"{WORK}/Corefile")
        self.server.says(r"^\d+ dns process")

    def add_signed(self, zone, more=""):
        self.keys.setdefault(zone, None)
        self.keys[zone] = self.keys[zone] or Key(zone)
        write(f"{WORK}/{zone}", zone_text(zone))
        self.add_dnssec(zone, before=more)

    def add_dnssec(self, zone, path="", more="", before=""):
        self.blocks.append(f"{zone or '.'} {{\n bind {SWAGE}\n dnssec {{\n  budget 1000000\n  key file {self.keys[zone].path}\n }}\n{before} file {path or f'{WORK}/{zone}'} {more}\n}}")

    def write_lab(self):
        below = [("safe", ""), *((zone.removesuffix(".lab"), self.keys[zone].ds) for zone in ("nsec.lab", "nsec3.lab"))]
        text = zone_text("lab", below[1:])
        for zone in ROLLED:
            text += f"{zone}. NS ns.\n" + "".join(f"{zone}. DS {ds}\n" for ds in self.ds.get(zone, ()))
        write(f"{WORK}/lab.new", text)
        os.replace(f"{WORK}/lab.new", f"{WORK}/lab")

    def register(self):
        """What their CDS records say becomes what the parent has. The zones must have been seen with their first keys."""
        changed = False
        for zone in ROLLED:
            answer = ask(SWAGE, zone, "CDS")
            said = sorted(answer.data("CDS")) if answer else []
            if said and said != self.ds.get(zone):
                with self.lock:
                    self.ds[zone] = said
                changed = True
        if changed:
            time.sleep(1)  # serials are seconds
            self.write_lab()


class Answer:
    def __init__(self, message):
        self.id, self.flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
        self.rcode, self.authentic, self.truncated = self.flags & 15, bool(self.flags & 0x20), bool(self.flags & 0x200)
        at, self.records = 12, []
        for _ in range(questions):
            at = self.skip(message, at) + 4
        for _ in range(answers):
            at = self.skip(message, at)
            kind, _, _, size = struct.unpack_from("!HHIH", message, at)
            self.records.append((kind, message[at + 10 : at + 10 + size]))
            at += 10 + size

    @staticmethod
    def skip(message, at):
        while message[at]:
            if message[at] >= 0xC0:
                return at + 2
            at += 1 + message[at]
        return at + 1

    def data(self, kind):
        found = [data for number, data in self.records if number == TYPES[kind]]
        if kind in ("CDS", "DS"):
            return [f"{struct.unpack_from('!H', data)[0]} {data[2]} {data[3]} {data[4:].hex().upper()}" for data in found]
        return sorted(socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data) for data in found) if kind in ("A", "AAAA") else found


def ask(server, name, kind, timeout=20, tcp=False):
    number = random.randrange(65536)
    labels = [label for label in name.encode().split(b".") if label]
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", TYPES[kind], 1)
    query = struct.pack("!6H", number, 0x0100, 1, 0, 0, 1) + question + b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0)
    if tcp:
        with socket.create_connection((server, 53), timeout=timeout) as stream:
            stream.sendall(struct.pack("!H", len(query)) + query)
            data = b""
            while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
                piece = stream.recv(65536)
                if not piece:
                    return None
                data += piece
            return Answer(data[2:])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        udp.connect((server, 53))
        try:
            udp.send(query)
            while True:
                answer = Answer(udp.recv(65536))
                if answer.id == number:
                    return ask(server, name, kind, timeout, tcp=True) if answer.truncated else answer
        except (TimeoutError, ConnectionRefusedError):
            return None


class Question:
    """`data`: None: none; `exists`: whether NXDOMAIN would be wrong."""

    def __init__(self, kind, name, type, data=None, exists=True, secure=True):
        self.kind, self.name, self.type, self.data, self.exists, self.secure = kind, name, type, data, exists, secure

    def fault(self, answer):
        if answer is None:
            return "no answer"
        if answer.rcode not in ((0,) if self.exists else (0, 3)):
            return f"rcode {answer.rcode}"
        if answer.data(self.type) != ([self.data] if self.data else []):
            return f"{answer.data(self.type)} in place of {self.data}"
        if answer.authentic != self.secure:
            return "not secure" if self.secure else "secure"
        return None


def in_mixed_case(name, source):
    return "".join(source.choice((letter.upper(), letter.lower())) for letter in name)


def questions(world, source):
    fresh = lambda: f"x{source.randrange(1 << 40):x}"
    while True:
        zone, i = source.choice((*PARENTS, *ROLLED[1:], "lab")), source.randrange(1, 100)
        address = f"192.0.2.{i}"
        kinds = [
            Question("positive", f"h{i}.{zone}", "A", address),
            Question("NODATA", f"h{i}.{zone}", "AAAA"),
            Question("NXDOMAIN", f"{fresh()}.{zone}", "A", exists=False),
            Question("NXDOMAIN", f"{fresh()}.h{i}.{zone}", "TXT", exists=False),
            Question("wildcard", f"{fresh()}.w.{zone}", "A", "192.0.2.200"),
            Question("wildcard NODATA", f"{fresh()}.w.{zone}", "AAAA"),
            Question("DNAME", f"{fresh()}.old.{zone}", "A", "192.0.2.200"),
            Question("CNAME", f"alias.{zone}", "A", "192.0.2.7"),
            Question("CNAME to nothing", f"gone.{zone}", "A", exists=False),
            Question("empty non-terminal", f"b.ent.{zone}", "A"),
            Question("apex NODATA", zone, "AAAA"),
        ]
        if zone in ROLLED[:2]:
            kinds += [
                Question("rewritten", f"h{i}.new.{zone}", "A", address),
                Question("rewritten NODATA", f"h{i}.new.{zone}", "AAAA"),
                Question("rewritten NXDOMAIN", f"{fresh()}.new.{zone}", "A", exists=False),
            ]
        if zone in PARENTS:
            kinds += [
                Question("below a DS", f"h{i}.safe.{zone}", "A", address),
                Question("NXDOMAIN below a DS", f"{fresh()}.safe.{zone}", "A", exists=False),
                Question("CNAME to below a DS", f"far.{zone}", "A", "192.0.2.9"),
                Question("below no DS", f"h{i}.plain.{zone}", "A", address, secure=False),
                Question("NXDOMAIN below no DS", f"{fresh()}.plain.{zone}", "A", exists=False, secure=False),
                Question("DS", f"safe.{zone}", "DS", world.keys[f"safe.{zone}"].ds),
                Question("no DS", f"plain.{zone}", "DS"),
            ]
        address = f"10.{source.randrange(256)}.{source.randrange(256)}.{i}"
        peer = source.choice(PEERS)
        kinds += [
            Question("computed", f"{address.replace('.', '-')}.{peer}.libp2p.direct", "A", address),
            Question("computed", f"2001-db8--{i}.{peer}.libp2p.direct", "AAAA", f"2001:db8::{i}"),
            Question("computed NODATA", f"{address.replace('.', '-')}.{peer}.libp2p.direct", "AAAA"),
            Question("computed NXDOMAIN", f"{fresh()}.{fresh()}.libp2p.direct", "A", exists=False),
        ]
        yield source.choice(kinds)


def unbound(world):
    write(f"{WORK}/unbound.conf", f"""server:
  interface: {UNBOUND}
  outgoing-interface: {UNBOUND}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{WORK}"
  pidfile: ""
  use-syslog: no
  log-servfail: yes
  val-log-level: 2
  num-threads: 1
  access-control: 192.0.2.0/24 allow
  do-not-query-localhost: no
  use-caps-for-id: yes
  qname-minimisation: yes
  aggressive-nsec: yes
  outbound-msg-retry: 10
  root-hints: "{HINTS}"
  trust-anchor: ". DNSKEY {world.keys[''].dnskey}"
remote-control:
  control-enable: no
""")
    return Part("unbound", "unbound", "-d", "-p", "-c", f"{WORK}/unbound.conf")


def kresd(world):
    os.makedirs(f"{WORK}/kresd")
    write(f"{WORK}/root.keys", f". IN DNSKEY {world.keys[''].dnskey}\n")
    write(f"{WORK}/kresd.conf", f"""net.ipv6 = false
net.outgoing_v4('{KRESD}')
net.listen('{KRESD}', 53, {{ kind = 'dns' }})
modules = {{ 'hints > iterate' }}
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_jump')
cache.open(20*MB, 'lmdb://{WORK}/kresd')
hints.root({{ ['ns.'] = {{ '{SWAGE}' }} }})
trust_anchors.remove('.')
trust_anchors.add_file('{WORK}/root.keys', true)
""")
    return Part("kresd", "kresd", "-n", "-c", f"{WORK}/kresd.conf", f"{WORK}/kresd")


def recursor(world):
    os.makedirs(f"{WORK}/recursor")
    write(f"{WORK}/recursor.lua", f"clearTA('.')\naddTA('.', '{world.keys[''].ds}')\n")
    settings = {
        "local-address": RECURSOR, "query-local-address": RECURSOR, "hint-file": HINTS, "dnssec": "validate", "dont-query": "",
        "lua-config-file": f"{WORK}/recursor.lua", "socket-dir": f"{WORK}/recursor", "setuid": "", "setgid": "", "threads": "1", "security-poll-suffix": "", "allow-from": "192.0.2.0/24",
        "disable-syslog": "yes", "max-cache-ttl": "60", "log-timestamp": "no", "write-pid": "no", "dnssec-log-bogus": "yes", "serve-rfc1918": "no",
        "server-down-max-fails": "0", "non-resolving-ns-max-fails": "0",
    }
    return Part("recursor", "pdns_recursor", f"--config-dir={WORK}/recursor", *(f"--{name}={value}" for name, value in settings.items()))


RESOLVERS = {"unbound": ("unbound", unbound, UNBOUND), "kresd": ("kresd", kresd, KRESD), "recursor": ("pdns_recursor", recursor, RECURSOR)}


class Asker:
    """Asks one resolver, and counts."""

    def __init__(self, name, address):
        self.name, self.address, self.kinds, self.faults, self.asked = name, address, {}, [], 0

    def one(self, question, source):
        name = in_mixed_case(question.name, source)
        fault = question.fault(ask(self.address, name, question.type))
        self.asked += 1
        self.kinds[question.kind] = self.kinds.get(question.kind, 0) + 1
        if fault:
            self.faults.append(f"{self.name}: {name} {question.type} ({question.kind}): {fault}")

    def run(self, world, seed, count, done):
        source = random.Random(seed)
        for question in questions(world, source):
            if (self.asked >= count and done()) or len(self.faults) > 20:
                return
            self.one(question, source)


def rolled(world):
    """How many keys each zone of `keys` has had."""
    return {zone: len([name for name in os.listdir(f"{KEYS}/{zone}") if name.endswith(".private")]) for zone in ROLLED}


def retired(world):
    """Whether each zone has seen a key to its end, of each kind."""
    log = world.server.log
    wanted = [("online", "KSK"), ("online", "ZSK"), ("csk", "CSK"), ("signed", "CSK"), ("written", "CSK")]
    return all(re.search(rf"{zone}\.lab\.: {role} \d+ \(\S+\) is (removed|dead)", log) for zone, role in wanted)


def look_once(world):
    """delv, for some names; dnsviz and zonemaster-cli, for zones."""
    said = []
    if has("delv"):
        write(f"{WORK}/anchor", f'trust-anchors {{ . static-key {" ".join(world.keys[""].dnskey.split()[:3])} "{"".join(world.keys[""].dnskey.split()[3:])}"; }};\n')
        asked = [(f"{name}.{zone}", "A") for zone in (*PARENTS, *ROLLED[1:]) for name in ("h1", "nothing", "x.w", "x.old", "b.ent")]
        asked += [(f"{name}.{zone}", "ANY") for zone in ROLLED[:2] for name in ("h1", "nothing", "b.ent")] + [(f"1-2-3-4.{PEERS[0]}.libp2p.direct", "A")]
        for name, kind in asked:
            text = _output("delv", f"@{SWAGE}", "-a", f"{WORK}/anchor", "+root=.", name, kind)
            if "fully validated" not in text:
                said.append(f"delv: {name} {kind}: {text}")
        print(f"delv: {len(asked)} questions")
    if has("dnsviz"):
        zones = [*PARENTS, *ROLLED[1:], "libp2p.direct", *(f"{name}.{parent}" for parent in PARENTS for name in ("safe", "plain"))]
        write(f"{WORK}/anchor.key", f". IN DNSKEY {world.keys[''].dnskey}\n")
        probe = _output("dnsviz", "probe", "-A", "-4", "-d", "1", "-x", f".:ns.={SWAGE}", "-o", f"{WORK}/probe.json", *zones)
        grok = _output("/usr/bin/python3", "-c", GROK, "grok", "-P", "-l", "error", "-t", f"{WORK}/anchor.key", "-r", f"{WORK}/probe.json")
        if grok.strip() not in ("", "{}"):
            said.append(f"dnsviz: {probe[-500:]} {grok[:3000]}")
        print(f"dnsviz: {len(zones)} zones")
    if has("zonemaster-cli"):
        zones = ["online.lab", "nsec3.lab", "signed.lab", "libp2p.direct"]
        tests = [word for module in ("Basic", "Consistency", "DNSSEC", "Nameserver", "Syntax", "Zone") for word in ("--test", module)]
        for zone in zones:
            text = _output("zonemaster-cli", "--hints", HINTS, "--no-ipv6", "--no-time", "--raw", "--no-progress", "--level", "WARNING", *tests, zone)
            found = [line for line in text.splitlines() if re.search(r" (WARNING|ERROR|CRITICAL) ", line) and " IS_A_RECURSOR " not in line]
            if found or "IS_A_RECURSOR" not in text:  # what it says of a server that has the root zone, too, and else nothing
                said.append(f"zonemaster-cli: {zone}: {text}")
        print(f"zonemaster-cli: {len(zones)} zones")
    return said


def _output(*command):
    import subprocess

    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300)
    return done.stdout


def test(options):
    os.makedirs(KEYS)
    write(HINTS, f". 3600 IN NS ns.\nns. 3600 IN A {SWAGE}\n")
    world = World(options)
    until("the first keys' CDS records", lambda: all((answer := ask(SWAGE, zone, "CDS")) and answer.data("CDS") for zone in ROLLED), 60)
    world.register()
    until("the DS records", lambda: all((answer := ask(SWAGE, zone, "DS")) and answer.data("DS") for zone in ROLLED), 60)
    over = threading.Event()

    def registry():
        while not over.wait(1):
            world.register()

    threading.Thread(target=registry, daemon=True).start()
    askers = []
    for name, (program, start, address) in RESOLVERS.items():
        if name not in options.only or not has(program):
            continue
        part = start(world)
        until(f"{name} resolves", lambda: part.process.poll() is not None or ((answer := ask(address, "h1.lab", "A", 2)) and answer.data("A")), 60)
        if part.process.poll() is not None:
            raise Failed(f"{name} has ended:\n{part.log[-2000:]}")
        askers.append(Asker(name, address))
    if not askers:
        machine.leave("validators", "no validating resolver is installed", machine.SKIPPED)
    faults = look_once(world) if options.roll else []
    end = time.monotonic() + options.patience
    done = lambda: not options.roll or retired(world) or time.monotonic() > end
    with ThreadPoolExecutor(len(askers) * 4) as pool:
        each = -(-options.questions // 4)
        for number, asker in enumerate(askers * 4):
            part_of = Asker(asker.name, asker.address)
            asker.parts = getattr(asker, "parts", []) + [part_of]
            pool.submit(part_of.run, world, options.seed + number, each, done)
    over.set()
    for asker in askers:
        kinds = {}
        for part in asker.parts:
            faults += part.faults
            for kind, count in part.kinds.items():
                kinds[kind] = kinds.get(kind, 0) + count
        print(f"{asker.name}: {sum(kinds.values())} questions: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print("keys so far: " + ", ".join(f"{zone} {count}" for zone, count in rolled(world).items()))
    if options.roll and not retired(world):
        faults.append(f"the keys were not rolled within {options.patience} s")
    if faults:
        for part in Part.all:
            print(f"--- {part.name}\n{part.log[-6000:]}")
            if options.logs:
                shutil.copy(part.log_path, options.logs)
        raise Failed(f"{len(faults)} faults:\n" + "\n".join(faults[:20]))
    if world.server.stop() != 0:
        raise Failed(f"swage did not end well:\n{world.server.log[-3000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swage", required=True, type=os.path.abspath)
    parser.add_argument("--questions", type=int, default=400, help="for each resolver (%(default)s)")
    parser.add_argument("--roll", action="store_true", help="roll keys meanwhile, and go on until all kinds of them are done")
    parser.add_argument("--patience", type=int, default=900, help="seconds that rolls may take (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=RESOLVERS, default=list(RESOLVERS), help="these resolvers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", help="folder for whole logs, where something is wrong")
    options = parser.parse_args()
    machine.enter("validators", ["dnssec-keygen", "dnssec-dsfromkey", "ip", "unshare"])
    machine.make([f"{address}/24" for address in (SWAGE, UNBOUND, KRESD, RECURSOR)])
    try:
        test(options)
    except Failed as failed:
        print(f"FAILED: {failed}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
