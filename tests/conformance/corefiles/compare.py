#!/usr/bin/env python3
"""Runs each Corefile of this folder with swage and with CoreDNS, and compares what they answer, to the byte.

Both run on a machine of this test's own, one after the other, with the same nameservers to forward to: Knot DNS at
10.53.0.53, authoritative for zones/, and unbound at 10.53.0.54, which resolves from it, also over TLS. Each is asked the
same queries over UDP and TCP. What may differ is in explained.py, with the reason. Lines of a Corefile that begin with
"# ask:" have names to ask for beside those of zones/, "# at:" where it is asked, "# from:" from which addresses.
CoreDNS is built where it is not there and Go is, which takes minutes; with --short the test is skipped then.
"""

import argparse
import collections
import copy
import glob
import os
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent.parent / "support"))
import machine
from explained import Explained
from machine import WORK, Failed, Part, run, until, write
from message import Response, queries

ZONES = "example.com", "example.net", "2.0.192.in-addr.arpa"  # of the upstreams
TIMEOUT = 7  # seconds: longer than a query waits in either
ENVIRONMENT = {"CA": f"{WORK}/ca.pem", "CERT": f"{WORK}/client.pem", "KEY": f"{WORK}/client.key",
               "DOMAIN": "example.com", "PORT": "53", "UPSTREAM": "10.53.0.53"}
KNOT = """server:
  rundir: {work}
  listen: 10.53.0.53@53
database:
  storage: {work}/knot
policy:
- id: one
  single-type-signing: on
template:
- id: default
  storage: {work}/zones
  file: %s
  zonefile-sync: -1
zone:
- domain: example.net
- domain: 2.0.192.in-addr.arpa
- domain: example.com
  dnssec-signing: on
  dnssec-policy: one
"""
UNBOUND = """server:
  directory: {work}
  chroot: ""
  username: ""
  pidfile: ""
  interface: 10.53.0.54@53
  access-control: 10.53.0.0/24 allow
  interface: 10.53.0.54@853
  tls-port: 853
  tls-service-key: {work}/dns.key
  tls-service-pem: {work}/dns.pem
  module-config: "iterator"
  use-syslog: no
  minimal-responses: no
  rrset-roundrobin: no
  serve-original-ttl: yes
  local-zone: "2.0.192.in-addr.arpa" nodefault
  local-zone: "lan" static
"""


def certificate(name, *options):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{WORK}/{name}.key", "-out", f"{WORK}/{name}.pem",
        *options)


def generate(line):
    return "\n".join(line[3].replace("$", str(number)) for number in range(int(line[1]), int(line[2]) + 1))


def start_upstreams():
    certificate("dns.example")
    certificate("client")
    for suffix in "key", "pem":
        os.rename(f"{WORK}/dns.example.{suffix}", f"{WORK}/dns.{suffix}")
    write(f"{WORK}/ca.pem", machine.read(f"{WORK}/dns.pem"))
    run("ip", "netns", "add", "upstreams")
    run("ip", "link", "add", "name", "near", "type", "veth", "peer", "name", "far", "netns", "upstreams")
    run("ip", "address", "add", "10.53.0.1/24", "dev", "near")
    run("ip", "link", "set", "near", "up")
    inside = ("ip", "netns", "exec", "upstreams")
    for number in 53, 54, 55:
        run("ip", "-n", "upstreams", "address", "add", f"10.53.0.{number}/24", "dev", "far")
    for link in "lo", "far":
        run("ip", "-n", "upstreams", "link", "set", link, "up")
    os.mkdir(f"{WORK}/knot")
    for zone in ZONES:  # without $GENERATE, which Debian 12's Knot DNS does not know
        write(f"{WORK}/zones/{zone}", re.sub(r"\$GENERATE (\d+)-(\d+) (.*)", generate, (HERE / "zones" / zone).read_text()))
    write(f"{WORK}/knot.conf", KNOT.format(work=WORK))
    stubs = f"stub-zone:\n  name: \".\"\n  stub-addr: 10.53.0.53\n" + "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: 10.53.0.53\n' for zone in ZONES)
    write(f"{WORK}/unbound.conf", UNBOUND.format(work=WORK) + stubs)
    Part("knot", *inside, "knotd", "-c", f"{WORK}/knot.conf").says("server started")
    Part("unbound", *inside, "unbound", "-d", "-c", f"{WORK}/unbound.conf")
    for server in "10.53.0.53", "10.53.0.54":
        until(f"{server} answers", lambda: exchange(Server((server, 53)), queries(["example.com/SOA"], 1, 0)[0]))
    until("example.com is signed", lambda: exchange(Server(("10.53.0.53", 53)), queries(["example.com/DNSKEY"], 1, 0)[0]).answer)


class Server:
    """Where and how a server is asked."""

    def __init__(self, address, source="0.0.0.0", tcp=False):
        self.address, self.source, self.tcp = address, source, tcp

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]} from {self.source} over {'TCP' if self.tcp else 'UDP'}"


def receive(connection, size):
    data = b""
    while len(data) < size:
        if not (more := connection.recv(size - len(data))):
            raise OSError("closed")
        data += more
    return data


def exchange(server, query, number=4711, timeout=TIMEOUT):
    """The Response; None where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if server.tcp else socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.bind((server.source, 0))
            connection.connect(server.address)
            wire = query.encode(number)
            connection.sendall(struct.pack("!H", len(wire)) * server.tcp + wire)
            if not server.tcp:
                return Response(connection.recv(65535))
            return Response(receive(connection, struct.unpack("!H", receive(connection, 2))[0]))
        except OSError:
            return None


def said(text, word):
    return [each for line in re.findall(rf"^# {word}: (.*)", text, re.MULTILINE) for each in line.split()]


def zone_names():
    """NAME/TYPE… of what the upstreams have, and of what they do not have."""
    names = collections.defaultdict(list)
    for zone in ZONES:
        owner = zone
        for line in (HERE / "zones" / zone).read_text().splitlines():
            if line.startswith("$"):
                continue
            words = line.split()
            if not line[0].isspace():
                owner = zone if words[0] == "@" else f"{words[0]}.{zone}"
                del words[0]
            names[owner].append(words[1] if words[0].isdigit() else words[0])
    return [f"{name}/{'/'.join(types)}" for name, types in names.items()] + [
        "huge.example.com/A", "none.example.com", "a.none.example.com", "x.wild.example.com/A/TXT", "a.b.wild.example.com/A",
        "empty.nonterminal.example.com", "x.sub.example.com", "www.dn.example.com/A", "none.example.net", "h7.example.com/A",
        "9.2.0.192.in-addr.arpa/PTR", "www.unheard.example", "h8.example.com/A"]


def ask_all(program, corefile, count, passes):
    """The answers of one server to all queries, in order: [(server, query, Response)]."""
    text = corefile.read_text()
    part = Part(f"{program[0]}-{corefile.name}", *program[1:], "-conf", str(corefile), env=ENVIRONMENT)
    places = [place.rsplit(":", 1) for place in said(text, "at") or ["127.0.0.1:53"]]
    servers = [Server((address, int(port)), source, tcp) for address, port in places
               for source in said(text, "from") or ["127.0.0.1"] for tcp in (False, True)]
    own = said(text, "ask")
    probe = queries(["probe.invalid/A"], 1, 1)[0]

    def is_up():
        if part.process.poll() is not None:
            raise Failed(f"{part.name} has ended with status {part.process.returncode}:\n{part.log}")
        return all(exchange(server, probe, timeout=1) for server in servers)

    until(f"{part.name} answers", is_up, 30)
    answers = []
    for _ in range(passes):
        for number, query in enumerate(queries(own + zone_names(), count, corefile.name)):
            server = servers[number % len(servers)] if len(servers) > 2 else None
            for each in [server] if server else servers:
                answers.append((each, query, exchange(each, query, number + 1)))
    part.stop()
    return answers


def differs(swage, coredns, query, corefile, explained):
    """Whether more differs than is explained; counts what is."""
    if swage is None or coredns is None:
        return swage is not coredns
    ours, theirs = copy.deepcopy(swage), copy.deepcopy(coredns)
    view = lambda each: (each.rcode, each.flags, each.question, each.opt, each.answer, each.authority, each.additional)
    explained["compression"] += view(ours) == view(theirs)
    for known in Explained.all:
        if known.only and not re.search(known.only, corefile.name):
            continue
        before = view(copy.deepcopy(ours)), view(copy.deepcopy(theirs))
        if before[0] == before[1]:
            break
        known.apply(ours, theirs, query)
        if (view(ours), view(theirs)) != before and (view(ours) == view(theirs) or before[0] != before[1]):
            explained[known.title] += 1
    return view(ours) != view(theirs)


def compare(corefile, options):
    begun = time.monotonic()
    passes = 2 if "cache" in corefile.read_text() else 1
    swage = ask_all(("swage", options.swage), corefile, options.queries, passes)
    coredns = ask_all(("coredns", options.coredns), corefile, options.queries, passes)
    explained, wrong, same = collections.Counter(), [], 0
    for (server, query, ours), (_, _, theirs) in zip(swage, coredns):
        if ours and theirs and ours.wire == theirs.wire:
            same += 1
        elif differs(ours, theirs, query, corefile, explained):
            wrong.append(f"  {query} at {server}\n  swage:   {ours}\n  CoreDNS: {theirs}\n")
    said = ", ".join(f"{title} {count}" for title, count in explained.most_common())
    print(f"{corefile.name}: {len(swage)} queries, {same} the same to the byte, {len(wrong)} differ"
          f" ({time.monotonic() - begun:.1f} s){': ' + said if said else ''}", flush=True)
    for each in wrong[:options.show]:
        print(each)
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swage", default="build/release/swage")
    parser.add_argument("--coredns", default="build/interop/coredns")
    parser.add_argument("--queries", type=int, default=200, help="for each Corefile")
    parser.add_argument("--short", action="store_true", help="every sixth Corefile, and fewer queries: under half a minute")
    parser.add_argument("--show", type=int, default=10, help="differences of each Corefile")
    parser.add_argument("corefiles", nargs="*", help="numbers, such as 07; all without")
    options = parser.parse_args()
    if not options.short and not os.path.exists(options.coredns):
        subprocess.run([HERE.parent.parent / "interop" / "prepare", "coredns"])
    for program in "swage", "coredns":
        setattr(options, program, os.path.abspath(getattr(options, program)))
    if not os.path.exists(options.coredns):
        print(f"SKIPPED corefiles: {options.coredns} is not there; `tests/interop/prepare coredns` builds it")
        sys.exit(machine.SKIPPED)
    machine.enter("corefiles", ("knotd", "unbound", "openssl", "ip"))
    machine.make(["127.0.9.1/8"])
    os.chdir(HERE)
    corefiles = [Path(each) for each in sorted(glob.glob("[0-9][0-9]-*"))]
    if options.short:
        corefiles, options.queries = corefiles[::6], 80
    if options.corefiles:
        corefiles = [each for each in corefiles if each.name[:2] in options.corefiles]
    start_upstreams()
    wrong = 0
    for each in corefiles:
        try:
            wrong += compare(each, options)
        except Failed as error:
            print(f"{each.name}: {error}", flush=True)
            wrong += 1
    for part in Part.all:
        part.stop()
    print("as CoreDNS, but for what explained.py lists" if not wrong else f"{wrong} differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        print(f"FAILED corefiles: {error}", *(part.log[-2000:] for part in Part.all), sep="\n")
        sys.exit(1)
