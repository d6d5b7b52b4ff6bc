#!/usr/bin/env python3
"""PowerDNS, with its backends gsqlite3 and, where it is installed, bind, Knot DNS, NSD and BIND as primaries of swage: after
each change, which NOTIFY announces, swage has the zone record for record. Ends with 77 where none of them is installed.

--signed: with TSIG. --storm: while thousands of other notifications arrive.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from transfer_peers import PDNS_SCHEMA, SKIPPED, Failed, Process, Zone, free_port, latencies, records_at, serial_at

KEY = ("key.test.", "c2VjcmV0IG9mIDMyIGJ5dGVzLCBvciBqdXN0IGFib3V0")
COMMON = ("local-address=127.0.0.1\nprimary=yes\nxfr-cycle-interval=1\nallow-axfr-ips={allowed}\ndaemon=no\nguardian=no\n"
          "zone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsecurity-poll-suffix=\n"
          "receiver-threads=1\nretrieval-threads=1\nonly-notify=\nlocal-port={port}\nsocket-dir={folder}\n"
          "also-notify=127.0.0.1:{secondary}\n")


class Primary:
    """Of one zone; `change` makes it what the zone is."""

    program, takes_keys = "", True

    def __init__(self, folder, zone, secondary, key):
        self.port, self.folder, self.zone, self.secondary, self.key = free_port(), folder, zone, secondary, key
        folder.mkdir()
        self.file = folder / "zone"
        self.zone.write(self.file)
        self.process = Process(self.program, self.prepared(), folder)

    def change(self):
        """The program hears of a new file, whose time it may look at in whole seconds."""
        self.zone.write(self.file)
        later = time.time() + self.zone.serial
        os.utime(self.file, (later, later))
        self.process.process.send_signal(signal.SIGHUP)

    def configured(self, text):
        (self.folder / "conf").write_text(text)
        return str(self.folder / "conf")

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")


class PowerDns(Primary):
    program = "pdns_server"

    def prepared(self):
        allowed = "" if self.key else "127.0.0.1"
        common = COMMON.format(allowed=allowed, port=self.port, folder=self.folder, secondary=self.secondary)
        (self.folder / "pdns.conf").write_text(common + self.backend())
        self.load()
        return ["pdns_server", f"--config-dir={self.folder}"]

    def util(self, *words):
        self.run("pdnsutil", f"--config-dir={self.folder}", *words)


class Sqlite(PowerDns):
    def backend(self):
        with sqlite3.connect(self.folder / "db") as database:
            database.executescript(PDNS_SCHEMA.read_text())
        return f"launch=gsqlite3\ngsqlite3-database={self.folder}/db\ngsqlite3-pragma-synchronous=0\n"

    def load(self):
        self.util("load-zone", self.zone.name, str(self.file))
        self.util("set-kind", self.zone.name, "primary")
        if self.key:
            self.util("import-tsig-key", self.key[0].rstrip("."), "hmac-sha256", self.key[1])
            self.util("activate-tsig-key", self.zone.name, self.key[0].rstrip("."), "primary")

    def change(self):
        self.zone.write(self.file)
        self.util("load-zone", self.zone.name, str(self.file))


class BindBackend(PowerDns):
    takes_keys = False  # it keeps them in a database of its own, which Debian's is built without

    def backend(self):
        (self.folder / "named.conf").write_text(f"zone \"{self.zone.name}\" {{ type master; file \"{self.file}\"; }};\n")
        return f"launch=bind\nbind-config={self.folder}/named.conf\nbind-check-interval=1\n"

    def load(self):
        pass

    def change(self):
        self.zone.write(self.file)
        self.run("pdns_control", f"--config-dir={self.folder}", "bind-reload-now", self.zone.name)


class Knot(Primary):
    program = "knotd"

    def prepared(self):
        key = f"key:\n  - id: {self.key[0]}\n    algorithm: hmac-sha256\n    secret: {self.key[1]}\n" if self.key else ""
        signed = f"    key: {self.key[0]}\n" if self.key else ""
        return ["knotd", "-c", self.configured(
            f"server:\n  listen: 127.0.0.1@{self.port}\n  rundir: {self.folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"  background-workers: 1\ndatabase:\n  storage: {self.folder}\nlog:\n  - target: stderr\n    any: info\n{key}"
            f"remote:\n  - id: swage\n    address: 127.0.0.1@{self.secondary}\n{signed}"
            f"acl:\n  - id: all\n    address: 127.0.0.1\n    action: transfer\n{signed}"
            f"zone:\n  - domain: {self.zone.name}\n    file: {self.file}\n    notify: swage\n    acl: all\n"
            "    zonefile-sync: -1\n    zonefile-load: difference\n    journal-content: changes\n")]


class Nsd(Primary):
    program = "nsd"

    def prepared(self):
        key = f"key:\n  name: \"{self.key[0]}\"\n  algorithm: hmac-sha256\n  secret: \"{self.key[1]}\"\n" if self.key else ""
        name, own = self.key[0] if self.key else "NOKEY", self.folder
        return ["nsd", "-d", "-c", self.configured(
            f"server:\n  ip-address: 127.0.0.1@{self.port}\n  server-count: 1\n  username: \"\"\n  database: \"\"\n  zonesdir: \"{own}\"\n"
            f"  pidfile: \"{own}/pid\"\n  xfrdfile: \"{own}/xfrd\"\n  zonelistfile: \"{own}/list\"\n  xfrdir: \"{own}\"\n  rrl-ratelimit: 0\n"
            f"  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\n{key}zone:\n  name: {self.zone.name}\n  zonefile: {self.file}\n"
            f"  store-ixfr: yes\n  create-ixfr: yes\n  provide-xfr: 127.0.0.1 {name}\n  notify: 127.0.0.1@{self.secondary} {name}\n")]


class Bind(Primary):
    program = "named"

    def prepared(self):
        key = f"key {self.key[0]} {{ algorithm hmac-sha256; secret \"{self.key[1]}\"; }};\n" if self.key else ""
        signed, allowed = (f" key {self.key[0]}", f"key {self.key[0]}") if self.key else ("", "127.0.0.1")
        return ["named", "-g", "-c", self.configured(
            f"options {{ directory \"{self.folder}\"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;\n"
            "lock-file none; session-keyfile none; recursion no; dnssec-validation no; empty-zones-enable no; notify-delay 0; };\n"
            f"controls {{ }};\n{key}zone \"{self.zone.name}\" {{ type primary; file \"{self.file}\"; ixfr-from-differences yes; notify explicit;\n"
            f"also-notify {{ 127.0.0.1 port {self.secondary}{signed}; }}; allow-transfer {{ {allowed}; }}; }};\n")]


class Storm:
    """Notifications of the zone and of others, as from its primary, as fast as one client sends them."""

    def __init__(self, port, zone):
        self.sent, self.ends = 0, threading.Event()
        self.thread = threading.Thread(target=self.send, args=(port, zone))
        self.thread.start()

    def send(self, port, zone):
        def notify(name):
            labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
            return bytes.fromhex("5357 2400 0001 0000 0000 0000") + labels + bytes.fromhex("0006 0001")

        messages = [notify(zone), notify(zone), notify("other.test.")]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(("127.0.0.1", port))
            udp.setblocking(False)
            while not self.ends.is_set():
                try:
                    udp.send(messages[self.sent % len(messages)])
                    self.sent += 1
                    udp.recv(512)
                except OSError:
                    time.sleep(0.0005)

    def stop(self):
        self.ends.set()
        self.thread.join()


def run(swage, make, records, edits, key, with_storm):
    with tempfile.TemporaryDirectory(prefix="swage-primary-") as name:
        folder, zone, port = Path(name), Zone(f"{make.__name__.lower()}.test.", records, 1), free_port()
        primary = make(folder / "primary", zone, port, key)
        keys, signed = (f" tsig {{\n  secret {key[0]} {key[1]}\n }}\n", f"  tsig {key[0]}\n") if key else ("", "")
        (folder / "Corefile").write_text(
            f".:{port} {{\n bind 127.0.0.1\n{keys} secondary {zone.name} {{\n  transfer from 127.0.0.1:{primary.port}\n{signed}"
            f"  refresh 1h\n  directory {folder}\n }}\n transfer {{\n  to 127.0.0.1/32\n }}\n}}\n")
        server, storm, failed = Process("swage", [swage, "-conf", str(folder / "Corefile")], folder), None, True
        try:
            for edit in range(edits + 1):
                if edit > 0:
                    zone.edit(min(10, len(zone.records) // 2))
                    primary.change()
                deadline = time.monotonic() + 60 + records / 2000
                while serial_at(port, zone) != zone.serial:
                    server.check()
                    primary.process.check()
                    if time.monotonic() > deadline:
                        raise Failed(f"not at serial {zone.serial}")
                    time.sleep(0.1)
                if with_storm and storm is None:
                    storm = Storm(port, zone.name)
                expected = {record.lower() for record in zone.records} | {zone.soa().lower()}
                got = records_at(port, zone)
                if got != expected:
                    raise Failed(f"it lacks {sorted(expected - got)[:3]}, and has {sorted(got - expected)[:3]}")
            storm_text = ""
            if storm:
                late = latencies(port, zone, 2)
                storm_text = f"; {storm.sent} other notifications meanwhile, UDP median {late[len(late) // 2]:.2f} ms, p99 {late[len(late) * 99 // 100]:.2f} ms"
            log = server.log.read_text()
            by_changes = len(re.findall(r"\(IXFR,", log))
            took = by_changes + len(re.findall(r"\(AXFR,", log))
            print(f"{make.__name__}{' with TSIG' if key else ''}: {len(zone.records) + 1} records, {edits} changes, {took} transfers, "
                  f"{by_changes} by IXFR, equal after each{storm_text}", flush=True)
            failed = False
        finally:
            if storm:
                storm.stop()
            server.stop()
            primary.process.stop()
            if failed:
                for log in (server.log, primary.process.log):
                    print(f"--- {make.__name__}: {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)


def installed():
    found = []
    if shutil.which("pdns_server") and shutil.which("pdnsutil") and PDNS_SCHEMA.exists():
        found.append(Sqlite)
        if any(Path("/usr/lib").glob("*/pdns/libbindbackend.so")):
            found.append(BindBackend)
    return found + [each for each in (Knot, Nsd, Bind) if shutil.which(each.program)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swage", required=True)
    parser.add_argument("--edits", type=int, default=3)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--signed", action="store_true")
    parser.add_argument("--storm", action="store_true")
    parser.add_argument("--only", help="one of them")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    primaries = installed()
    if not primaries:
        return SKIPPED
    for each in primaries:
        if (options.only and each.__name__ != options.only) or (options.signed and not each.takes_keys):
            continue
        run(str(Path(options.swage).resolve()), each, options.records, options.edits, KEY if options.signed else None, options.storm)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"{error}")
