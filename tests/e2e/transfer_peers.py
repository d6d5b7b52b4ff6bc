#!/usr/bin/env python3
"""Knot DNS, NSD, BIND and PowerDNS as secondaries of swage: after each change of a zone they have it, record for record.

swage serves zones from files and gives them by the plugin transfer; nothing asks the secondaries to look: NOTIFY tells
them. Ends with 77 where one of them is not installed. --long: larger zones, more changes, and what goes wrong.
"""

import argparse
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SKIPPED = 77
PDNS_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
PEERS = ("knotd", "nsd", "named", "dig")


class Failed(Exception):
    pass


def free_port():
    while True:
        port = random.randrange(20000, 30000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue


class Zone:
    """A zone that changes: records as dig prints them."""

    def __init__(self, name, size, seed):
        self.name, self.serial, self.random = name, 1, random.Random(seed)
        self.next = 0
        self.records = {f"{name} 300 IN NS ns.{name}", f"ns.{name} 300 IN A 192.0.2.1"}
        for _ in range(size):
            self.add()

    def add(self):
        i, pick = self.next, self.random.randrange(10)
        self.next += 1
        owner = f"host{i}.{self.name}"
        if pick < 6:
            data = f"A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        elif pick < 8:
            data = f"AAAA 2001:db8::{i & 0xFFFF or 1:x}"
        elif pick < 9:
            data = f'TXT "text {i}" "{"x" * self.random.randrange(1, 200)}"'
        else:
            data = f"MX 10 Mail{i}.{self.name}"
        self.records.add(f"{owner} {300 + i % 3} IN {data}")

    def edit(self, changes):
        for record in self.random.sample(sorted(self.records - {f"{self.name} 300 IN NS ns.{self.name}"}), changes // 2):
            self.records.discard(record)
        for _ in range(changes - changes // 2):
            self.add()
        self.serial += 1

    def soa(self):
        return f"{self.name} 300 IN SOA ns.{self.name} host.{self.name} {self.serial} 3600 600 86400 300"

    def write(self, path):
        fresh = path.with_suffix(".new")
        fresh.write_text("\n".join([self.soa(), *sorted(self.records)]) + "\n")
        os.replace(fresh, path)


class Process:
    def __init__(self, name, command, folder):
        self.name, self.log = name, folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    def check(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} has ended:\n{self.log.read_text()[-4000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def dig(port, *words, timeout=60):
    command = ["dig", "@127.0.0.1", "-p", str(port), "+nocmd", f"+time={timeout}", "+tries=1", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def serial_at(port, zone):
    fields = dig(port, "+short", "SOA", zone.name, timeout=2).split()
    return int(fields[2]) if len(fields) == 7 and fields[2].isdigit() else None


def records_at(port, zone):
    """All of the zone, the SOA's records once. In lower case, as Knot keeps names."""
    lines = [line for line in dig(port, "+noall", "+answer", "AXFR", zone.name, timeout=600).splitlines() if line and line[0] != ";"]
    return {re.sub(r"[ \t]+", " ", line, count=4).lower() for line in lines}


def knot(folder, primary, zones, key):
    port, own = free_port(), folder / "knot"
    own.mkdir()
    text = f"server:\n  listen: 127.0.0.1@{port}\n  rundir: {own}\n  udp-workers: 1\n  tcp-workers: 1\n"
    text += f"  background-workers: 2\ndatabase:\n  storage: {own}\nlog:\n  - target: stderr\n    any: info\n"
    if key:
        text += f"key:\n  - id: {key[0]}\n    algorithm: hmac-sha256\n    secret: {key[1]}\n"
    signed = f"    key: {key[0]}\n" if key else ""
    text += f"remote:\n  - id: primary\n    address: 127.0.0.1@{primary}\n{signed}"
    text += f"acl:\n  - id: notify\n    address: 127.0.0.1\n    action: notify\n{signed}"
    text += "  - id: dig\n    address: 127.0.0.1\n    action: transfer\n"
    text += f"template:\n  - id: default\n    storage: {own}\n    master: primary\n    acl: [notify, dig]\n    zonefile-sync: -1\n"
    text += "zone:\n" + "".join(f"  - domain: {zone.name}\n" for zone in zones)
    (own / "conf").write_text(text)
    return port, Process("knot", ["knotd", "-c", str(own / "conf")], folder)


def nsd(folder, primary, zones, key):
    port, own = free_port(), folder / "nsd"
    own.mkdir()
    text = f"server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n  username: \"\"\n  database: \"\"\n"
    text += f"  zonesdir: {own}\n  pidfile: {own}/pid\n  xfrdfile: {own}/xfrd\n  zonelistfile: {own}/list\n  xfrdir: {own}\n"
    text += "  rrl-ratelimit: 0\n  verbosity: 2\nremote-control:\n  control-enable: no\n"
    name = key[0] if key else "NOKEY"
    if key:
        text += f"key:\n  name: \"{key[0]}\"\n  algorithm: hmac-sha256\n  secret: \"{key[1]}\"\n"
    for zone in zones:
        text += f"zone:\n  name: {zone.name}\n  zonefile: {zone.name}zone\n  request-xfr: 127.0.0.1@{primary} {name}\n"
        text += f"  allow-notify: 127.0.0.1 {name}\n  provide-xfr: 127.0.0.1 NOKEY\n"
    (own / "conf").write_text(text)
    return port, Process("nsd", ["nsd", "-d", "-c", str(own / "conf")], folder)


def bind(folder, primary, zones, key):
    port, own = free_port(), folder / "bind"
    own.mkdir()
    text = f"options {{ directory \"{own}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;\n"
    text += "lock-file none; session-keyfile none; recursion no; dnssec-validation no; notify no; allow-transfer { any; };\n"
    text += "empty-zones-enable no; transfers-in 20; };\ncontrols { };\n"
    signed = f" key {key[0]}" if key else ""
    if key:
        text += f"key {key[0]} {{ algorithm hmac-sha256; secret \"{key[1]}\"; }};\n"
    for zone in zones:
        text += f"zone \"{zone.name}\" {{ type secondary; file \"{zone.name}zone\"; primaries {{ 127.0.0.1 port {primary}{signed}; }}; }};\n"
    (own / "conf").write_text(text)
    return port, Process("bind", ["named", "-g", "-c", str(own / "conf")], folder)


def powerdns(folder, primary, zones, key):
    port, own = free_port(), folder / "powerdns"
    own.mkdir()
    with sqlite3.connect(own / "db") as database:
        database.executescript(PDNS_SCHEMA.read_text())
    (own / "pdns.conf").write_text(
        f"launch=gsqlite3\ngsqlite3-database={own}/db\nlocal-address=127.0.0.1\nlocal-port={port}\nsecondary=yes\n"
        f"xfr-cycle-interval=1\nallow-axfr-ips=127.0.0.1\nsocket-dir={own}\ndaemon=no\nguardian=no\nzone-cache-refresh-interval=0\n"
        "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsecurity-poll-suffix=\nreceiver-threads=1\nretrieval-threads=1\ngsqlite3-pragma-journal-mode=WAL\nxfr-max-received-mbytes=1000\n")

    def util(*words):
        done = subprocess.run(["pdnsutil", f"--config-dir={own}", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"pdnsutil {words[0]}: {done.stdout}{done.stderr}")

    if key:
        util("import-tsig-key", key[0].rstrip("."), "hmac-sha256", key[1])
    for zone in zones:
        util("create-secondary-zone", zone.name, f"127.0.0.1:{primary}")
        util("set-meta", zone.name, "IXFR", "1")
        if key:
            util("activate-tsig-key", zone.name, key[0].rstrip("."), "secondary")
    return port, Process("powerdns", ["pdns_server", f"--config-dir={own}"], folder)


def swage_of(program):
    """Another swage, by its plugin secondary."""

    def swage(folder, primary, zones, key):
        port, own = free_port(), folder / "secondary"
        own.mkdir()
        keys = f" tsig {{\n  secret {key[0]} {key[1]}\n }}\n" if key else ""
        signed = f"  tsig {key[0]}\n" if key else ""
        (own / "Corefile").write_text(
            f".:{port} {{\n bind 127.0.0.1\n{keys} secondary {' '.join(zone.name for zone in zones)} {{\n"
            f"  transfer from 127.0.0.1:{primary}\n  directory {own}\n{signed} }}\n transfer {{\n  to 127.0.0.0/8\n }}\n}}\n")
        return port, Process("secondary", [program, "-conf", str(own / "Corefile")], folder)

    return swage


class Run:
    """swage as the primary of all of them."""

    def __init__(self, swage, folder, zones, key=None, peers=(knot, nsd, bind)):
        self.folder, self.zones, self.port, self.metrics_port = folder, zones, free_port(), free_port()
        for zone in zones:
            zone.write(self.path(zone))
        self.peers = {make.__name__: make(folder, self.port, zones, key) for make in peers}
        to = " ".join(f"127.0.0.1:{port}" for port, _ in self.peers.values())
        keys = f" tsig {{\n  secret {key[0]} {key[1]}\n }}\n" if key else ""
        files = "".join(f" file {self.path(zone)} {zone.name} {{\n  reload 300ms\n }}\n" for zone in zones)
        (folder / "Corefile").write_text(
            f".:{self.port} {{\n bind 127.0.0.1\n prometheus 127.0.0.1:{self.metrics_port}\n{keys}{files} transfer {{\n"
            f"  to 127.0.0.0/8\n  to {to}\n{'  tsig ' + key[0] if key else ''}\n }}\n}}\n")
        self.swage = Process("swage", [swage, "-conf", str(folder / "Corefile")], folder)

    def path(self, zone):
        return self.folder / f"{zone.name}txt"

    def metric(self, series):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).read().decode()
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0

    def wait(self, zone, patience):
        """Until all of them have the zone as it is; no longer than NOTIFY and a transfer may take."""
        started = time.monotonic()
        waiting = dict(self.peers)
        while waiting:
            self.swage.check()
            for name, (port, process) in list(waiting.items()):
                process.check()
                if serial_at(port, zone) == zone.serial:
                    del waiting[name]
            if time.monotonic() - started > patience:
                raise Failed(f"after {patience} s not at serial {zone.serial} of {zone.name}: {', '.join(waiting)}")
            time.sleep(0.05)
        return time.monotonic() - started

    def compare(self, zone):
        expected = {record.lower() for record in zone.records} | {zone.soa().lower()}
        for name, (port, _) in self.peers.items():
            got = records_at(port, zone)
            if got != expected:
                lacks, has = sorted(expected - got)[:3], sorted(got - expected)[:3]
                raise Failed(f"{name} has another {zone.name} at serial {zone.serial}: it lacks {lacks}, and has {has}")

    def stop(self, failed):
        self.swage.stop()
        for _, process in self.peers.values():
            process.stop()
        if failed:
            for log in sorted(self.folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)


def chain(swage, sizes, edits, key=None, peers=(knot, nsd, bind)):
    """Whole zones first, then changes one after another: told by NOTIFY, transferred by IXFR."""
    with tempfile.TemporaryDirectory(prefix="swage-transfer-") as name:
        zones = [Zone(f"z{size}.test.", size, size) for size in sizes]
        run, failed = Run(swage, Path(name), zones, key, peers), True
        try:
            for zone in zones:
                took = run.wait(zone, 60 + zone.next / 2000)
                run.compare(zone)
                print(f"{zone.name}: {len(zone.records) + 1} records in all {len(peers)} after {took:.1f} s", flush=True)
            whole = run.metric('swage_transfer_requests_total{result="axfr"}') + run.metric(
                'swage_transfer_requests_total{result="ixfr"}')
            for edit in range(edits):
                for zone in zones:
                    zone.edit(min(2 + edit, len(zone.records) // 2))
                    zone.write(run.path(zone))
                for zone in zones:
                    run.wait(zone, 15 + zone.next / 2000)
                    run.compare(zone)
            told = run.metric('swage_notify_results_total{result="acknowledged"}')
            changes = run.metric('swage_transfer_requests_total{result="ixfr"}')
            print(f"{edits} changes of each, equal after each: {whole:.0f} transfers before, {changes:.0f} by IXFR, "
                  f"{told:.0f} notifications acknowledged, bytes {run.metric('swage_transfer_bytes_total'):.0f}", flush=True)
            least = len(peers) * edits * len(zones)
            if changes < least or told < least:
                raise Failed(f"expected at least {least} transfers by IXFR, and as many notifications")
            failed = False
        finally:
            run.stop(failed)


class Client:
    """A secondary that reads as it likes: a whole transfer, message by message."""

    def __init__(self, port, zone, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0))
        name = b"".join(bytes([len(label)]) + label.encode() for label in zone.name.rstrip(".").split(".")) + b"\0"
        query = bytes.fromhex("5357 0000 0001 0000 0000 0000") + name + bytes.fromhex("00fc 0001")
        self.socket.sendall(len(query).to_bytes(2, "big") + query)
        self.buffer, self.records, self.message = b"", 0, b""

    def read(self):
        """The next message; False where the server has closed."""
        while len(self.buffer) < 2 or len(self.buffer) < 2 + int.from_bytes(self.buffer[:2], "big"):
            more = self.socket.recv(1 << 16)
            if not more:
                return False
            self.buffer += more
        size = 2 + int.from_bytes(self.buffer[:2], "big")
        self.message, self.buffer = self.buffer[2:size], self.buffer[size:]
        self.records += int.from_bytes(self.message[6:8], "big")
        return self.message[3] & 15 == 0

    def read_all(self, records):
        """True where that many came, the last of them a SOA record with the serial that is returned."""
        while self.records < records:
            if not self.read():
                raise Failed(f"a transfer ended after {self.records} records of {records}")
        return int.from_bytes(self.message[-20:-16], "big")

    def vanish(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4))
        self.socket.close()


def latencies(port, zone, seconds):
    """Of queries over UDP, one after another: milliseconds, sorted."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in zone.name.rstrip(".").split(".")) + b"\0"
    query = bytes.fromhex("5357 0000 0001 0000 0000 0000") + name + bytes.fromhex("0006 0001")
    found, end = [], time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        udp.settimeout(2)
        while time.monotonic() < end:
            begin = time.perf_counter()
            udp.send(query)
            udp.recv(2048)
            found.append(1e3 * (time.perf_counter() - begin))
            time.sleep(0.001)
    return sorted(found)


def attacks(swage, size):
    """Clients that are slow, gone, many at a time; a new version in the middle."""
    with tempfile.TemporaryDirectory(prefix="swage-transfer-") as name:
        large, small = Zone("large.test.", size, 1), Zone("small.test.", 500, 2)
        run, failed = Run(swage, Path(name), [large, small]), True
        try:
            run.wait(large, 120)
            whole = size + 2 + 2  # two records of the zone, and the SOA twice
            client = Client(run.port, large)
            client.read()
            large.edit(1000)
            large.write(run.path(large))
            run.wait(large, 120)
            if client.read_all(whole) != large.serial - 1:
                raise Failed("a transfer did not go on with the version that it began with")
            if Client(run.port, large).read_all(len(large.records) + 2) != large.serial:
                raise Failed("a new transfer did not have the new version")
            print("a version that is replaced meanwhile is transferred whole")

            broken = run.metric("swage_transfers_broken_total")
            for _ in range(100):
                client = Client(run.port, large)
                client.read()
                client.vanish()
            silent = [Client(run.port, large) for _ in range(20)]  # 10 s, and they are closed
            deadline = time.monotonic() + 40
            while run.metric("swage_transfers_broken_total") < broken + 120:
                if time.monotonic() > deadline:
                    raise Failed("clients that are gone or never read are not cut off")
                Client(run.port, small).read_all(len(small.records) + 2)
                time.sleep(0.5)
            print(f"{100 + len(silent)} clients that vanish or never read are cut off; others are served meanwhile")

            clients = [Client(run.port, small, f"127.0.{i % 8}.{1 + i // 8}") for i in range(1000)]
            for client in clients:
                client.read_all(len(small.records) + 2)
            print("1000 at once get the whole zone")

            alone = latencies(run.port, small, 3)
            readers = [subprocess.Popen([sys.executable, __file__, "--swage", swage, "--read", str(run.port), large.name, str(len(large.records) + 2)])
                       for _ in range(10)]
            time.sleep(1)
            busy = latencies(run.port, small, 3)
            for reader in readers:
                reader.kill()
                reader.wait()
            for what, values in (("alone", alone), ("beside ten transfers", busy)):
                print(f"UDP {what}: median {values[len(values) // 2]:.2f} ms, p99 {values[len(values) * 99 // 100]:.2f} ms", flush=True)
            failed = False
        finally:
            run.stop(failed)


def read_forever(port, name, records):
    while True:
        Client(port, Zone(name, 0, 0)).read_all(records)


def all_peers(swage):
    """PowerDNS too, where it is installed, and swage itself."""
    has_it = shutil.which("pdns_server") is not None and PDNS_SCHEMA.exists()
    return (knot, nsd, bind, swage_of(swage), *((powerdns,) if has_it else ()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swage", required=True)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--attacks", action="store_true", help="what goes wrong, alone")
    parser.add_argument("--signed", action="store_true", help="with TSIG; without --records: alone")
    parser.add_argument("--records", type=int, help="one zone of so many, and three changes, with all that are installed")
    parser.add_argument("--read", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        return read_forever(int(options.read[0]), options.read[1], int(options.read[2]))
    os.environ["PATH"] += ":/usr/sbin"
    missing = [peer for peer in PEERS if shutil.which(peer) is None]
    if missing:
        print(f"SKIPPED: not installed: {', '.join(missing)}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    swage = str(Path(options.swage).resolve())
    key = ("key.test.", "c2VjcmV0IG9mIDMyIGJ5dGVzLCBvciBqdXN0IGFib3V0")
    try:
        if options.records:
            chain(swage, [options.records], 3, key if options.signed else None, all_peers(swage))
        elif options.signed:
            chain(swage, [10, 1000], 20, key, all_peers(swage))
        elif options.attacks:
            attacks(swage, 100_000)
        elif options.long:
            chain(swage, [10, 100_000], 20)
            for keys in (None, key):
                chain(swage, [10, 1000], 20, keys, all_peers(swage))
            attacks(swage, 100_000)
        else:
            chain(swage, [2000], 2)
            chain(swage, [10], 2, key)
    except Failed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
