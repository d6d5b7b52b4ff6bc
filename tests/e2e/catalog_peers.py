#!/usr/bin/env python3
"""Knot DNS, BIND, PowerDNS and swage as consumers of a catalog that swage makes of a folder of zone files.

All members arrive at all of them; then zones come and go, by files alone: nothing is reloaded. A primary that restarts
with a broken zone file takes no zone from anybody. Ends with 77 where none of the other nameservers is installed.
NSD takes catalogs from 4.9 on, which Debian 12 does not have.
"""

import argparse
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
from transfer_peers import PDNS_SCHEMA, SKIPPED, Failed, Process, free_port

CATALOG = "catalog.invalid"
PATIENCE = 120  # seconds; on an idle machine it takes a few


def encode(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return bytes.fromhex("5357 0000 0001 0000 0000 0000") + labels + kind.to_bytes(2, "big") + b"\0\1"


def serial_at(udp, zone):
    """Of the zone there; None where it is not served."""
    udp.send(encode(zone, 6))
    try:
        answer = udp.recv(4096)
    except (TimeoutError, ConnectionRefusedError):
        return None
    if answer[3] & 15 or answer[7] == 0:
        return None
    at = 12 + len(zone) + 2 + 4  # the answer
    at = at + 2 if answer[at] >= 0xC0 else at + len(zone) + 2
    size = int.from_bytes(answer[at + 8 : at + 10], "big")
    return int.from_bytes(answer[at + 10 + size - 20 : at + 10 + size - 16], "big")


def knot(folder, primary, swage):
    port, own = free_port(), folder / "knot"
    own.mkdir()
    (own / "conf").write_text(f"""server:
  listen: 127.0.0.1@{port}
  rundir: {own}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 2
database:
  storage: {own}
log:
  - target: stderr
    any: info
remote:
  - id: primary
    address: 127.0.0.1@{primary}
acl:
  - id: notify
    address: 127.0.0.1
    action: notify
template:
  - id: default
    storage: {own}
    master: primary
    acl: notify
    zonefile-sync: -1
  - id: member
    storage: {own}
    master: primary
    acl: notify
    zonefile-sync: -1
zone:
  - domain: {CATALOG}
    catalog-role: interpret
    catalog-template: member
""")
    return port, Process("knot", ["knotd", "-c", str(own / "conf")], folder)


def bind(folder, primary, swage):
    port, own = free_port(), folder / "bind"
    own.mkdir()
    (own / "conf").write_text(f"""options {{
  directory "{own}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none; lock-file none;
  session-keyfile none; recursion no; dnssec-validation no; notify no; empty-zones-enable no;
  transfers-in 50; transfers-per-ns 50; serial-query-rate 1000;
  catalog-zones {{
    zone "{CATALOG}" default-primaries {{ 127.0.0.1 port {primary}; }} in-memory yes min-update-interval 1;
  }};
}};
controls {{ }};
zone "{CATALOG}" {{ type secondary; file "catalog"; primaries {{ 127.0.0.1 port {primary}; }}; }};
""")
    return port, Process("bind", ["named", "-g", "-c", str(own / "conf")], folder)


def powerdns(folder, primary, swage):
    port, own = free_port(), folder / "powerdns"
    own.mkdir()
    with sqlite3.connect(own / "db") as database:
        database.executescript(PDNS_SCHEMA.read_text())
    (own / "pdns.conf").write_text(
        f"launch=gsqlite3\ngsqlite3-database={own}/db\ngsqlite3-pragma-journal-mode=WAL\ngsqlite3-pragma-synchronous=0\n"
        f"local-address=127.0.0.1\nlocal-port={port}\nsecondary=yes\nxfr-cycle-interval=1\nsocket-dir={own}\ndaemon=no\n"
        "guardian=no\nzone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n"
        "security-poll-suffix=\nreceiver-threads=1\nretrieval-threads=4\n")
    for words in (("create-secondary-zone", CATALOG, f"127.0.0.1:{primary}"), ("set-kind", CATALOG, "consumer")):
        done = subprocess.run(["pdnsutil", f"--config-dir={own}", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"pdnsutil {words[0]}: {done.stdout}{done.stderr}")
    return port, Process("powerdns", ["pdns_server", f"--config-dir={own}"], folder)


def secondary(folder, primary, swage):
    port, own = free_port(), folder / "secondary"
    own.mkdir()
    (own / "Corefile").write_text(
        f".:{port} {{\n bind 127.0.0.1\n secondary {CATALOG} {{\n  transfer from 127.0.0.1:{primary}\n  directory {own}\n"
        "  catalog\n }\n}\n")
    return port, Process("secondary", [swage, "-conf", str(own / "Corefile")], folder)


class Primary:
    """swage with a folder of zones, each of which has the serial of its file."""

    def __init__(self, swage, folder, members, makers):
        self.swage, self.folder, self.port = swage, folder, free_port()
        self.zones = folder / "zones"
        self.zones.mkdir()
        self.serials = {}
        for i in range(members):
            self.write(f"z{i}.test")
        self.consumers = {make.__name__: make(folder, self.port, swage) for make in makers}
        to = " ".join(f"127.0.0.1:{port}" for port, _ in self.consumers.values())
        (folder / "Corefile").write_text(
            f".:{self.port} {{\n bind 127.0.0.1\n auto {{\n  directory {self.zones}\n  reload 200ms\n }}\n"
            f" catalog {CATALOG} {{\n  group even z0.test z2.test\n }}\n transfer {{\n  to {to}\n }}\n}}\n")
        self.start()

    def start(self):
        self.process = Process("swage", [self.swage, "-conf", str(self.folder / "Corefile")], self.folder)

    def write(self, zone):
        self.serials[zone] = self.serials.get(zone, 0) + 1
        fresh = self.folder / "fresh"
        fresh.write_text(f"$TTL 60\n@ SOA ns host {self.serials[zone]} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n")
        os.replace(fresh, self.zones / f"db.{zone}")

    def remove(self, zone):
        del self.serials[zone]
        (self.zones / f"db.{zone}").unlink()

    def wait(self, what, gone=()):
        """Until each consumer has all zones, with their serials, and none of those that are gone."""
        began = time.monotonic()
        for name, (port, process) in self.consumers.items():
            missing, present = dict(self.serials), set(gone)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.connect(("127.0.0.1", port))
                udp.settimeout(5)
                while missing or present:
                    self.process.check()
                    process.check()
                    missing = {zone: serial for zone, serial in missing.items() if serial_at(udp, zone) != serial}
                    present = {zone for zone in present if serial_at(udp, zone) is not None}
                    if time.monotonic() - began > PATIENCE:
                        raise Failed(f"{what}: {name} lacks {len(missing)} zones, {sorted(missing)[:3]}, and has {present}")
                    time.sleep(0.05)
        print(f"{what}: {len(self.serials)} zones at {', '.join(self.consumers)} after {time.monotonic() - began:.1f} s", flush=True)

    def stop(self, failed):
        self.process.stop()
        for _, process in self.consumers.values():
            process.stop()
        if failed:
            for log in sorted(self.folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)


def run(swage, members, makers):
    with tempfile.TemporaryDirectory(prefix="swage-catalog-") as name:
        primary, failed = Primary(swage, Path(name), members, makers), True
        try:
            primary.wait("from nothing")
            for zone in ("new.test", "other.example"):
                primary.write(zone)
            primary.remove("z0.test")
            primary.write("z1.test")
            primary.wait("a zone has gone, two have come, one has changed", {"z0.test"})
            primary.write("z0.test")
            primary.remove("other.example")
            primary.wait("one is back, another has gone", {"other.example"})
            # With a new serial of the catalog, and one of its zones not loaded.
            primary.process.stop()
            (primary.zones / "db.z2.test").write_text("rubbish\n")
            primary.start()
            primary.write("last.test")
            primary.wait("after a restart with a broken zone file")
            failed = False
        finally:
            primary.stop(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swage", required=True)
    parser.add_argument("--members", type=int, default=100)
    options = parser.parse_args()
    makers = [knot] if shutil.which("knotd") else []
    makers += [bind] if shutil.which("named") else []
    makers += [powerdns] if shutil.which("pdns_server") and PDNS_SCHEMA.exists() else []
    if not makers:
        return SKIPPED
    run(str(Path(options.swage).resolve()), options.members, [*makers, secondary])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"{error}")
