#!/usr/bin/env python3
"""PowerDNS as the primary of swage, with its backends gsqlite3 and, where it is installed, bind: after each change, which
NOTIFY announces, swage has the zone record for record. Ends with 77 where PowerDNS is not installed."""

import argparse
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
from transfer_peers import PDNS_SCHEMA, SKIPPED, Failed, Process, Zone, free_port, records_at, serial_at

COMMON = ("local-address=127.0.0.1\nprimary=yes\nxfr-cycle-interval=1\nallow-axfr-ips=127.0.0.1\ndaemon=no\nguardian=no\n"
          "zone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsecurity-poll-suffix=\n"
          "receiver-threads=1\nretrieval-threads=1\nonly-notify=\n")


class PowerDns:
    """Of one zone; `write` makes it what the zone is."""

    def __init__(self, folder, zone, secondary):
        self.port, self.folder, self.zone = free_port(), folder, zone
        folder.mkdir()
        self.configure(COMMON + f"local-port={self.port}\nsocket-dir={folder}\nalso-notify=127.0.0.1:{secondary}\n")
        self.write()
        self.process = Process("pdns", ["pdns_server", f"--config-dir={folder}"], folder)

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def util(self, *words):
        self.run("pdnsutil", f"--config-dir={self.folder}", *words)

    def zone_file(self):
        path = self.folder / "zone"
        self.zone.write(path)
        return path


class Sqlite(PowerDns):
    def configure(self, common):
        with sqlite3.connect(self.folder / "db") as database:
            database.executescript(PDNS_SCHEMA.read_text())
        (self.folder / "pdns.conf").write_text(
            common + f"launch=gsqlite3\ngsqlite3-database={self.folder}/db\ngsqlite3-pragma-synchronous=0\n")

    def write(self):
        self.util("load-zone", self.zone.name, str(self.zone_file()))
        self.util("set-kind", self.zone.name, "primary")


class Bind(PowerDns):
    def configure(self, common):
        (self.folder / "named.conf").write_text(
            f"zone \"{self.zone.name}\" {{ type master; file \"{self.folder}/zone\"; }};\n")
        (self.folder / "pdns.conf").write_text(
            common + f"launch=bind\nbind-config={self.folder}/named.conf\nbind-check-interval=1\n")

    def write(self):
        self.zone_file()
        if self.zone.serial > 1:
            self.run("pdns_control", f"--config-dir={self.folder}", "bind-reload-now", self.zone.name)


def run(swage, backend, edits):
    with tempfile.TemporaryDirectory(prefix="swage-powerdns-") as name:
        folder, zone, port = Path(name), Zone(f"{backend.__name__.lower()}.test.", 300, 1), free_port()
        primary = backend(folder / "pdns", zone, port)
        (folder / "Corefile").write_text(
            f".:{port} {{\n bind 127.0.0.1\n secondary {zone.name} {{\n  transfer from 127.0.0.1:{primary.port}\n"
            f"  refresh 1h\n  directory {folder}\n }}\n transfer {{\n  to 127.0.0.1/32\n }}\n}}\n")
        server = Process("swage", [swage, "-conf", str(folder / "Corefile")], folder)
        try:
            for edit in range(edits + 1):
                if edit > 0:
                    zone.edit(10)
                    primary.write()
                deadline = time.monotonic() + 60
                while serial_at(port, zone) != zone.serial:
                    server.check()
                    primary.process.check()
                    if time.monotonic() > deadline:
                        raise Failed(f"not at serial {zone.serial}:\n{server.log.read_text()}{primary.process.log.read_text()[-3000:]}")
                    time.sleep(0.1)
                expected = {record.lower() for record in zone.records} | {zone.soa().lower()}
                got = records_at(port, zone)
                if got != expected:
                    raise Failed(f"it lacks {sorted(expected - got)[:3]}, and has {sorted(got - expected)[:3]}")
            took = len(re.findall(r"\(AXFR,|\(IXFR,", server.log.read_text()))
            print(f"{backend.__name__}: {len(zone.records) + 1} records, {edits} changes, {took} transfers, equal after each", flush=True)
        finally:
            server.stop()
            primary.process.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swage", required=True)
    parser.add_argument("--edits", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("pdns_server") or not shutil.which("pdnsutil") or not PDNS_SCHEMA.exists():
        return SKIPPED
    backends = [Sqlite]
    if any(Path("/usr/lib").glob("*/pdns/libbindbackend.so")):
        backends.append(Bind)
    for backend in backends:
        run(str(Path(options.swage).resolve()), backend, options.edits)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"{error}")
