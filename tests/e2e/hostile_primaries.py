#!/usr/bin/env python3
"""Primaries that are broken, slow or taken over: what they send changes nothing, costs a bounded amount of memory, and keeps
no other zone from being served and transferred.

One zone for each way to be wrong, each from a primary of its own, beside a good one. Each was good once: what it had then
stays. (What goes on for long, a primary that sends a byte a second say, is only seen to be under way.)
"""

import argparse
import base64
import hashlib
import hmac
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from catalog_peers import serial_at
from transfer_peers import Failed, Process, free_port

PATIENCE = 100
KEY, SECRET = "key.test", base64.b64encode(bytes(32)).decode()
SOA, AXFR, IXFR, TSIG = 6, 252, 251, 250
FLOOD = 64 << 20  # bytes that the server takes at most of a transfer here is a quarter of it


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label) + b"\0"


def record(name, kind, rdata, ttl=60):
    return wire(name) + struct.pack("!HHIH", kind, 1, ttl, len(rdata)) + rdata


def soa(zone, serial):
    return record(zone, SOA, wire("ns.test") + wire("host.test") + struct.pack("!IIIII", serial, 1, 1, 3600, 60))


def ns(zone):
    return record(zone, 2, wire("ns.test"))


class Primary:
    """Good at first; then it does what `lie(connection)` says to each transfer that it is asked for."""

    def __init__(self, zone, lie, signed=False):
        self.zone, self.lie, self.signed = zone, lie, signed
        self.serial, self.hostile, self.tries = 1, False, 0
        self.port = free_port()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        for serve in (self.answer_udp, self.answer_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def answer_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            self.udp.sendto(self.head(query, 1) + soa(self.zone, self.serial), client)

    def answer_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def head(self, query, answers):
        question = 12 + len(wire(self.zone)) + 4
        return query[:2] + struct.pack("!HHHHH", 0x8400, 1, answers, 0, 0) + query[12:question]

    def serve(self, connection):
        try:
            with connection:
                size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
                query = connection.recv(size, socket.MSG_WAITALL)
                kind = int.from_bytes(query[12 + len(wire(self.zone)) :][:2], "big")
                session = Session(self, connection, query)
                if kind == SOA:
                    session.send(soa(self.zone, self.serial))
                elif not self.hostile:
                    session.send(soa(self.zone, self.serial), ns(self.zone), soa(self.zone, self.serial))
                else:
                    self.tries += 1
                    self.lie(session)
        except OSError:
            pass


class Session:
    """Messages that answer a request, signed where it is."""

    def __init__(self, primary, connection, query):
        self.primary, self.connection, self.query = primary, connection, query
        self.zone, self.serial = primary.zone, primary.serial
        self.mac = self.mac_of(query) if primary.signed else None
        self.first = True

    def mac_of(self, query):
        at = query.rindex(wire("hmac-sha256")) + len(wire("hmac-sha256")) + 8
        return query[at + 2 : at + 2 + int.from_bytes(query[at : at + 2], "big")]

    def send(self, *records, id=None, forged=False):
        message = self.primary.head(self.query, len(records)) + b"".join(records)
        if id is not None:
            message = struct.pack("!H", id) + message[2:]
        if self.mac is not None:
            now = struct.pack("!HIH", 0, int(time.time()), 300)
            names = wire(KEY) + struct.pack("!HI", 255, 0) + wire("hmac-sha256") if self.first else b""
            behind = b"\0\0\0\0" if self.first else b""
            before = struct.pack("!H", len(self.mac)) + self.mac
            self.mac = hmac.new(bytes(32), before + message + names + now + behind, hashlib.sha256).digest()
            mac = bytes(32) if forged else self.mac
            rdata = wire("hmac-sha256") + now + struct.pack("!H", 32) + mac + message[:2] + b"\0\0\0\0"
            message = message[:10] + b"\0\1" + message[12:] + wire(KEY) + struct.pack("!HHIH", TSIG, 255, 0, len(rdata)) + rdata
            self.first = False
        self.raw(struct.pack("!H", len(message)) + message)

    def raw(self, data):
        self.connection.sendall(data)

    def wait(self):
        self.connection.settimeout(300)
        self.connection.recv(1)


def silent(session):
    session.wait()


def drips(session):
    message = session.primary.head(session.query, 1) + soa(session.zone, session.serial)
    for byte in struct.pack("!H", len(message)) + message:
        session.raw(bytes([byte]))
        time.sleep(1)


def endless(session):
    session.send(soa(session.zone, session.serial), ns(session.zone))
    for sent in range(0, FLOOD, 60000):
        session.send(*(record(f"n{sent}-{i}.{session.zone}", 16, b"\xff" + bytes(255)) for i in range(200)))


def wrong_zone(session):
    session.send(soa("other.test", session.serial), ns("other.test"), soa("other.test", session.serial))


def wrong_id(session):
    session.send(soa(session.zone, session.serial), ns(session.zone), soa(session.zone, session.serial),
                 id=(int.from_bytes(session.query[:2], "big") + 1) & 0xFFFF)


def no_end(session):
    session.send(soa(session.zone, session.serial), ns(session.zone))


def other_end(session):
    session.send(soa(session.zone, session.serial), ns(session.zone), soa(session.zone, session.serial + 1))


def garbage(session):
    session.send(soa(session.zone, session.serial), ns(session.zone))
    session.raw(struct.pack("!H", 300) + os.urandom(300))


def cut_short(session):
    session.send(soa(session.zone, session.serial), ns(session.zone))
    session.raw(struct.pack("!H", 300) + session.query[:2] + b"\x84\0")


def forged(session):
    session.send(soa(session.zone, session.serial), ns(session.zone))
    for i in range(2, 60):
        last = (soa(session.zone, session.serial),) if i == 59 else ()
        session.send(record(f"n{i}.{session.zone}", 1, bytes(4)), *last, forged=i == 50)


def back(session):
    session.send(soa(session.zone, 1), ns(session.zone), soa(session.zone, 1))


# What is wrong, and what the log says of it.
LIES = {
    "silent": (silent, None),
    "drips": (drips, None),
    "endless": (endless, r"the transfer has more than \d+ bytes"),
    "wrongzone": (wrong_zone, r"the SOA record of another zone, other\.test\."),
    "wrongid": (wrong_id, r"a message with another id"),
    "noend": (no_end, r"the primary closed the connection in the middle"),
    "otherend": (other_end, r"it ends with another SOA record|serial"),
    "garbage": (garbage, r"another id|not a response|class|question|whole|message"),
    "cutshort": (cut_short, r"the primary closed the connection in the middle"),
    "forged": (forged, r"the signature of the answer is not right"),
    "back": (back, r"is not newer than|not newer than"),
}


def resident(pid):
    """MB of the largest of the server's processes."""
    pids = subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    sizes = [int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{each}/status").read_text()).group(1)) for each in pids]
    return max(sizes) / 1024


def run(swage, folder, is_instrumented):
    primaries = {name: Primary(f"{name}.test", lie, signed=name == "forged") for name, (lie, _) in LIES.items()}
    primaries["good"] = Primary("good.test", None)
    port = free_port()
    text = f".:{port} {{\n bind 127.0.0.1\n tsig {{\n  secret {KEY} {SECRET}\n }}\n"
    for name, primary in primaries.items():
        signed = f"  tsig {KEY}\n" if primary.signed else ""
        text += f" secondary {primary.zone} {{\n  transfer from 127.0.0.1:{primary.port}\n  refresh 1s 2s\n  max_size {FLOOD // 4}\n{signed} }}\n"
    (folder / "Corefile").write_text(text + "}\n")
    server = Process("swage", [swage, "-conf", str(folder / "Corefile"), "-workers", "1"], folder)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(("127.0.0.1", port))
    udp.settimeout(5)

    def wait(what, is_so):
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            server.check()
            if time.monotonic() > deadline:
                raise Failed(f"not in {PATIENCE} s: {what}\n{server.log.read_text()[-4000:]}")
            time.sleep(0.1)

    try:
        wait("all zones are there", lambda: all(serial_at(udp, each.zone) == 1 for each in primaries.values()))
        before = resident(server.process.pid)
        for primary in primaries.values():
            primary.hostile, primary.serial = primary.lie is not None, 100
        for name, (_, why) in LIES.items():
            zone = re.escape(f"{name}.test.")
            wait(f"{name} is tried", lambda: primaries[name].tries > 0)
            if why:
                said = re.compile(rf"plugin/secondary: {zone}: .*({why})")
                wait(f"{name}: {why}", lambda: said.search(server.log.read_text()))
        wait("the good zone goes on", lambda: serial_at(udp, "good.test") == 100)
        primaries["good"].serial = 101
        wait("the good zone goes on, once more", lambda: serial_at(udp, "good.test") == 101)
        for name in LIES:
            if serial_at(udp, f"{name}.test") != 1:
                raise Failed(f"{name}.test is not what it was")
        grown = resident(server.process.pid) - before
        print(f"{len(LIES)} hostile primaries; the service process has grown by {grown:.0f} MB at most, of a flood of {FLOOD >> 20} MB")
        if grown > 200 and not is_instrumented:
            raise Failed("that is too much")
        server.check()
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swage", required=True)
    options = parser.parse_args()
    swage = Path(options.swage).resolve()
    is_instrumented = b"__asan_init" in swage.read_bytes()  # its memory is another
    with tempfile.TemporaryDirectory(prefix="swage-hostile-") as name:
        run(str(swage), Path(name), is_instrumented)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"{error}")
