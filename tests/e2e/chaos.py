#!/usr/bin/env python3
"""Faults at random, under load: whatever happens to processes, disks and files, no answer is wrong, nothing that was
acknowledged is lost, and nothing stays down.

chaos.py --swage PROGRAM [--seconds N] [--seed N] [--longest-gap N] [--only FAULT...]:
prints what was done, and counts. In namespaces of its
own (tests/support/machine.py); ends with 77 where there are none.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import base64
import hashlib
import hmac
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import Counter

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import machine
from machine import Failed, read, write

SERVER = ("127.0.0.1", 53)
DISK = "/run/disk"  # of 4 MiB: the zone that is updated, its journal, the challenge store
PEER = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk"
SECRET = bytes(range(32))
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
A, SOA, TXT, TSIG, IN, ANY = 1, 6, 16, 250, 1, 255
QUERY, UPDATE = 0, 5
TRY = 1.0  # seconds that a client waits for an answer
WATCHDOG = 20  # seconds in which what hangs is to be replaced; a quiet machine takes 5

SOA_RECORD = "@ 300 IN SOA ns host 1 3600 600 86400 60\n@ 300 IN NS ns\nns 300 IN A 192.0.2.53\n"
COREFILE = f"""static.example {{
    bind 127.0.0.1
    errors
    file /run/zones/static
}}
dyn.example {{
    bind 127.0.0.1
    errors
    file {DISK}/dyn {{
        update {{
            secrets /run/zones/keys
            key chaos. may change *.dyn.example. any
        }}
    }}
}}
libp2p.direct {{
    bind 127.0.0.1
    errors
    acme-txt {{
        store memory {DISK}/challenges capacity 1000
    }}
    ipsubdomain
}}
"""


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def query(qname, qtype, identifier):
    return struct.pack("!6H", identifier, 0x0100, 1, 0, 0, 0) + name(qname) + struct.pack("!2H", qtype, IN)


def skip_name(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def answers(message):
    """The rcode, and the data of all records in the answer section."""
    _, flags, questions, count, _, _ = struct.unpack_from("!6H", message)
    at, found = 12, []
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(count):
        at = skip_name(message, at)
        rtype, _, _, size = struct.unpack_from("!2HIH", message, at)
        at += 10
        found.append((rtype, message[at:at + size]))
        at += size
    return flags & 15, found


def update(owner, text, identifier):
    """Adds a TXT record, signed (RFC 8945)."""
    data = bytes([len(text)]) + text.encode()
    message = struct.pack("!5H", identifier, UPDATE << 11, 1, 0, 1) + b"\0\0"
    message += name("dyn.example") + struct.pack("!2H", SOA, IN)
    message += name(owner) + struct.pack("!2HIH", TXT, IN, 60, len(data)) + data
    algorithm, key, now = name("hmac-sha256"), name("chaos"), int(time.time()).to_bytes(6, "big")
    variables = key + struct.pack("!HI", ANY, 0) + algorithm + now + struct.pack("!3H", 300, 0, 0)
    mac = hmac.new(SECRET, message + variables, hashlib.sha256).digest()
    signature = algorithm + now + struct.pack("!2H", 300, len(mac)) + mac + struct.pack("!3H", identifier, 0, 0)
    record = key + struct.pack("!2HIH", TSIG, ANY, 0, len(signature)) + signature
    return message[:10] + struct.pack("!H", 1) + message[12:] + record


class Server:
    """Started again when it ends, as systemd does it: what is left of it is killed first."""

    def __init__(self, program):
        self.program, self.log, self.lock = program, open("/run/log", "ab"), threading.Lock()
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, "-conf", "/run/Corefile", "-workers", "2", "-pidfile", "/run/pid"],
                                        stdout=self.log, stderr=self.log)

    def pid(self):
        return self.process.pid

    def children(self):
        """(pid, kind) of each."""
        found = []
        for pid in read(f"/proc/{self.pid()}/task/{self.pid()}/children").split():
            try:
                words = read(f"/proc/{pid}/cmdline").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
            if len(words) > 1 and words[1].startswith("@"):
                found.append((int(pid), words[1]))
        return found

    def start_again(self):
        rest = [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != self.pid() and self.is_of_swage(pid)]
        for pid in rest:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        time.sleep(0.1)
        self.start()

    def is_of_swage(self, pid):
        try:
            return read(f"/proc/{pid}/cmdline").split("\0")[0] == self.program
        except (FileNotFoundError, ProcessLookupError):
            return False


class Load:
    """Clients that ask and count, and one that updates; each a thread with sockets of its own."""

    def __init__(self, seed):
        self.counts, self.wrong, self.acknowledged, self.lock = Counter(), [], {}, threading.Lock()
        self.times, self.latest = {}, 0.0  # when each was acknowledged; how long one has not been there after that
        self.answered, self.gap, self.ending = time.monotonic(), 0.0, threading.Event()
        self.threads = [threading.Thread(target=work, args=(random.Random(f"{seed}-{number}"),), daemon=True)
                        for number, work in enumerate([self.ask_udp] * 3 + [self.ask_tcp, self.update])]
        for each in self.threads:
            each.start()

    def end(self):
        self.ending.set()
        for each in self.threads:
            each.join()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def question(self, luck):
        """A name, its type, and the data that it has; None: it does not exist."""
        known = list(self.acknowledged.items())
        choice = luck.randrange(4)
        if choice == 0 and known:
            owner, text = luck.choice(known)
            return owner, TXT, bytes([len(text)]) + text.encode()
        if choice == 1:
            address = [luck.randrange(1, 224) for _ in range(4)]
            address[0] = 8  # one that nodes have
            return f"{'-'.join(map(str, address))}.{PEER}.libp2p.direct", A, bytes(address)
        number = luck.randrange(200)
        if number >= 100:
            return f"nobody{number}.static.example", A, None
        return f"host{number}.static.example", A, bytes([192, 0, 2, number])

    def judge(self, asked, message, way):
        qname, qtype, expected = asked
        rcode, found = answers(message)
        with self.lock:
            now = time.monotonic()
            if rcode != SERVFAIL:
                self.gap, self.answered = max(self.gap, now - self.answered), now
        if rcode == SERVFAIL:
            self.count(f"{way}: SERVFAIL")
        elif qname in self.acknowledged and rcode == NXDOMAIN:
            self.count(f"{way}: acknowledged and not there yet")
            late = time.monotonic() - self.times[qname]
            self.latest = max(self.latest, late)
        elif (rcode, found) == ((NXDOMAIN, []) if expected is None else (NOERROR, [(qtype, expected)])):
            self.count(f"{way}: right")
        else:
            self.wrong.append(f"{time.strftime('%T')} {qname} {qtype} over {way}: rcode {rcode}, {found}")

    def ask_udp(self, luck):
        while not self.ending.is_set():
            asked, identifier = self.question(luck), luck.randrange(65536)
            try:
                message = exchange(query(*asked[:2], identifier))
                self.judge(asked, message, "UDP")
            except OSError:
                self.count("UDP: no answer")
            time.sleep(0.002)

    def ask_tcp(self, luck):
        while not self.ending.is_set():
            try:
                with socket.create_connection(SERVER, timeout=TRY) as connection:
                    for _ in range(20):
                        asked, identifier = self.question(luck), luck.randrange(65536)
                        message = query(*asked[:2], identifier)
                        connection.sendall(struct.pack("!H", len(message)) + message)
                        size, = struct.unpack("!H", exactly(connection, 2))
                        message = exactly(connection, size)
                        if message[:2] != struct.pack("!H", identifier):
                            self.wrong.append(f"{asked[0]} over TCP: another ID")
                        self.judge(asked, message, "TCP")
            except OSError:
                self.count("TCP: no answer")
                time.sleep(0.01)

    def update(self, luck):
        number = 0
        while not self.ending.is_set():
            number += 1
            owner, text = f"n{number}.dyn.example", f"{luck.randrange(1 << 60)}"
            try:
                rcode, _ = answers(exchange(update(owner, text, luck.randrange(65536)), patience=10))
                self.count(f"update: rcode {rcode}")
                if rcode == NOERROR:
                    self.times[owner] = time.monotonic()
                    self.acknowledged[owner] = text
            except OSError:
                self.count("update: no answer")  # it may be in force or not
            time.sleep(0.02)


def exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def exchange(message, patience=TRY):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(patience)
        client.connect(SERVER)
        client.send(message)
        while True:
            answer = client.recv(65535)
            if answer[:2] == message[:2]:
                return answer


class Faults:
    """One at a time; each is undone before the next."""

    ALL = ("kill_child", "stop_child", "kill_supervisor", "stop_supervisor", "full_disk", "read_only_disk", "broken_corefile",
           "no_corefile", "upgrade", "truncated_store", "reload")

    def __init__(self, server, luck, names):
        self.server, self.luck, self.names, self.counts = server, luck, names, Counter()

    def one(self):
        getattr(self, self.luck.choice(self.names))()

    def pick(self):
        children = self.server.children()
        return self.luck.choice(children) if children else (0, "")

    def done(self, what):
        self.counts[what] += 1

    def kill_child(self):
        pid, kind = self.pick()
        if pid:
            os.kill(pid, signal.SIGKILL)
            self.done(f"kill -9 of {kind}")

    def stop_child(self):
        pid, kind = self.pick()
        if not pid:
            return
        os.kill(pid, signal.SIGSTOP)
        until(lambda: pid not in [each for each, _ in self.server.children()], WATCHDOG, f"{kind} that hangs is replaced")
        self.done(f"SIGSTOP of {kind}")

    def kill_supervisor(self):
        os.kill(self.server.pid(), signal.SIGKILL)
        self.server.start_again()
        self.done("kill -9 of the supervisor")

    def stop_supervisor(self):
        os.kill(self.server.pid(), signal.SIGSTOP)
        time.sleep(self.luck.uniform(0.5, 6))
        os.kill(self.server.pid(), signal.SIGCONT)
        self.done("SIGSTOP of the supervisor")

    def full_disk(self):
        try:
            with open(f"{DISK}/filler", "wb", buffering=0) as filler:
                while filler.write(bytes(4096)):
                    pass
        except OSError:
            pass
        self.during_it()
        if os.path.exists(f"{DISK}/filler"):
            os.unlink(f"{DISK}/filler")
        self.done("full disk")

    def read_only_disk(self):
        # Over the disk, so that files that are open can be written to: what is opened anew cannot.
        machine.run("mount", "--bind", DISK, DISK)
        machine.run("mount", "-o", "remount,bind,ro", DISK)
        self.during_it()
        machine.run("umount", "--lazy", DISK)
        self.done("read-only disk")

    def during_it(self):
        if self.luck.random() < 0.5:
            self.luck.choice((self.kill_child, self.reload))()
        time.sleep(self.luck.uniform(0.2, 2))

    def signal(self, number):
        self.server.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)
        self.done("reload")

    def broken_corefile(self):
        write("/run/Corefile", COREFILE.replace("file /run", "fiel /run"))
        self.signal(signal.SIGHUP)
        time.sleep(self.luck.uniform(0.2, 1))
        write("/run/Corefile", COREFILE)
        self.done("a Corefile that is wrong")

    def no_corefile(self):
        os.unlink("/run/Corefile")
        self.signal(signal.SIGHUP)
        time.sleep(self.luck.uniform(0.2, 1))
        write("/run/Corefile", COREFILE)
        self.done("no Corefile")

    # Of a program that fails: what succeeds has another parent, and is in upgrade_test.
    def upgrade(self):
        write("/run/Corefile", COREFILE.replace("file /run", "fiel /run"))
        self.signal(signal.SIGUSR2)
        time.sleep(self.luck.uniform(0.5, 1))
        write("/run/Corefile", COREFILE)
        self.done("an upgrade that fails or not")

    def truncated_store(self):
        try:
            os.truncate(f"{DISK}/challenges", self.luck.choice((0, 4096)))
            self.done("a challenge store that is truncated")
        except FileNotFoundError:
            pass


def until(holds, seconds, what):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def serves():
    try:
        return answers(exchange(query("host1.static.example", A, 7), 0.2))[0] == NOERROR
    except OSError:
        return False


def prepare():
    machine.make([])
    os.makedirs(DISK)
    machine.run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", DISK)
    write("/run/zones/static", "$ORIGIN static.example.\n" + SOA_RECORD +
          "".join(f"host{number} 300 IN A 192.0.2.{number}\n" for number in range(100)))
    write(f"{DISK}/dyn", "$ORIGIN dyn.example.\n" + SOA_RECORD)
    write("/run/zones/keys", 'key "chaos." {\n algorithm hmac-sha256;\n secret "%s";\n};\n' % base64.b64encode(SECRET).decode())
    write("/run/Corefile", COREFILE)


def run(options):
    server = Server(options.swage)
    until(serves, 30, "the server starts")
    load, faults = Load(options.seed), Faults(server, random.Random(options.seed), options.only or Faults.ALL)
    end = time.monotonic() + options.seconds
    try:
        while time.monotonic() < end and not load.wrong:
            time.sleep(faults.luck.uniform(0.1, 1.5))
            if server.process.poll() is not None:
                raise Failed(f"the supervisor has ended: {server.process.returncode}")
            faults.one()
            until(serves, options.longest_gap, f"an answer after {list(faults.counts)[-1]}")
    finally:
        load.end()
        for counts in (faults.counts, load.counts):
            for what, count in sorted(counts.items()):
                print(f"{count:8} {what}")
        print(f"{len(load.acknowledged):8} updates acknowledged; at most {load.gap:.2f} s without an answer")
    for owner, text in load.acknowledged.items():
        until(lambda: is_there(owner, text), 10, f"{owner} was acknowledged and is not there")
    if load.wrong:
        raise Failed(f"{len(load.wrong)} wrong answers: " + "; ".join(load.wrong[:5]))
    if load.latest > 0:
        raise Failed(f"an update was acknowledged {load.latest:.3f} s before it was in force everywhere")
    if load.gap > options.longest_gap:
        raise Failed(f"{load.gap:.1f} s without an answer")
    server.process.terminate()
    if server.process.wait(30) != 0:
        raise Failed(f"told to end: exit {server.process.returncode}")


def is_there(owner, text):
    try:
        return answers(exchange(query(owner, TXT, 9))) == (NOERROR, [(TXT, bytes([len(text)]) + text.encode())])
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swage", required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--longest-gap", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", choices=Faults.ALL, nargs="+", metavar="FAULT", help=", ".join(Faults.ALL))
    options = parser.parse_args()
    machine.enter("chaos", ["ip", "mount"])
    options.swage = os.path.abspath(options.swage)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {options.seed}", flush=True)
    prepare()
    try:
        run(options)
    except Failed as failure:
        print(f"FAILED {failure}\n{os.listdir(DISK)}\nlast lines of the log:\n" + "\n".join(read("/run/log").splitlines()[-40:]))
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
