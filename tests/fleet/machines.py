"""The machines of a fleet: each a network namespace with an address on one bridge. Three have an etcd, others a swage with
a broker; whoever asks is on the bridge itself, 10.77.0.99, and the nodes are at 10.128.0.0 and up, behind it."""

import base64
import hashlib
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from machine import Failed, Part, WORK, read, run, until, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOMAIN = "libp2p.direct"
US, NODES = "10.77.0.99", "10.128.0.0"
SOME_PEER = "k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6"
CHALLENGE, ADDRESS = f"_acme-challenge.{SOME_PEER}.{DOMAIN}", f"203-0-113-1.{SOME_PEER}.{DOMAIN}"
NOERROR, SERVFAIL = 0, 2


def make_bridge():
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "address", "add", f"{US}/24", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")
    run("ip", "route", "add", "local", f"{NODES}/9", "dev", "lo")


class Machine:
    """A namespace, and one program in it, which can be killed, stopped, started again and cut off from other machines."""

    def __init__(self, name, number):
        self.name, self.address = name, f"10.77.0.{number}"
        self.part = None
        link = ["ip", "-n", name, "link", "set"]
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        run(*link, "lo", "up")
        run(*link, "eth0", "up")
        run("ip", "-n", name, "address", "add", f"{self.address}/24", "dev", "eth0")
        run("ip", "-n", name, "route", "add", "default", "via", US)
        run(*self.inside("nft", "-f", "-"), input="table inet cut {\n set from {\n type ipv4_addr\n }\n"
            " chain in {\n type filter hook input priority 0\n ip saddr @from drop\n }\n}\n")

    def inside(self, *command):
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def begin(self, *command, env=None):
        self.part = Part(self.name, *self.inside(*command), env=env)

    def runs(self):
        return self.part is not None and self.part.process.poll() is None

    def pids(self):
        """The program and all that it has started, it first."""
        if not self.runs():
            return []
        found = [self.part.process.pid]
        for pid in found:
            try:
                found += map(int, read(f"/proc/{pid}/task/{pid}/children").split())
            except OSError:
                pass  # it has ended meanwhile
        return found

    def signal(self, number, pids=None):
        for pid in self.pids() if pids is None else pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self, pids=None):
        self.signal(signal.SIGKILL, pids)
        if self.part is not None:
            self.part.process.wait()

    def cut(self, other):
        """Neither hears the other from now on; nobody is told."""
        self._hear("add", other)
        other._hear("add", self)

    def join(self, other):
        self._hear("delete", other)
        other._hear("delete", self)

    def _hear(self, verb, other):
        subprocess.run(self.inside("nft", verb, "element", "inet", "cut", "from", f"{{ {other.address} }}"),
                       stderr=subprocess.DEVNULL)  # of what is not cut


class Etcd(Machine):
    """A member of the engine."""

    def __init__(self, number, data):
        super().__init__(f"etcd{number}", 10 + number)
        self.data = f"{data}/{self.name}"
        self.url = f"http://{self.address}:2379"

    def start(self, members):
        peers = ",".join(f"{each.name}=http://{each.address}:2380" for each in members)
        self.begin("etcd", "--name", self.name, "--data-dir", self.data, "--logger", "zap",
                   "--log-outputs", "stderr", "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                   "--listen-peer-urls", f"http://{self.address}:2380",
                   "--initial-advertise-peer-urls", f"http://{self.address}:2380", "--initial-cluster", peers,
                   "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "10m",
                   "--quota-backend-bytes", str(4 << 30), "--max-txn-ops", "1024", env={"GOMAXPROCS": "2"})

    def healthy(self):
        try:
            return '"true"' in fetch(f"{self.url}/health")
        except OSError:
            return False

    def control(self, *arguments):
        return run("etcdctl", "--endpoints", self.url, *arguments, env={"ETCDCTL_API": "3"})

    def status(self):
        return json.loads(self.control("endpoint", "status", "-w", "json"))[0]["Status"]

    def metric(self, name):
        """The sum over all labels."""
        return metric(f"{self.url}/metrics", name)


class Swage(Machine):
    """A nameserver with a broker, of the zone libp2p.direct."""

    def __init__(self, number, program):
        super().__init__(f"swage{number}", 20 + number)
        self.program = program
        self.broker, self.nameserver = f"{self.address}:8080", f"{self.address}:53"

    def start(self, store, capacity=100_000, lifetime="1h", wait=True):
        write(f"{WORK}/{self.name}.Corefile", COREFILE.format(address=self.address, work=WORK, domain=DOMAIN, root=ROOT,
                                                              store=store(self, capacity), lifetime=lifetime, nodes=NODES))
        self.begin(self.program, "-conf", f"{WORK}/{self.name}.Corefile", "-workers", "2",
                   "-pidfile", f"{WORK}/{self.name}.pid")
        if wait:
            until(f"{self.name} answers", self.answers_addresses, 30)

    def children(self, kind):
        return [pid for pid in self.pids() if f"\0{kind}\0" in read_or_nothing(f"/proc/{pid}/cmdline")]

    def asked(self, name, kind="A", timeout=1.0):
        """The response's code and number of answers, over UDP; nothing where none comes."""
        return ask((self.address, 53), name, kind, timeout)

    def answers_addresses(self):
        return all(self.asked(ADDRESS if kind == "A" else ADDRESS.replace("203-0-113-1", "2001-db8--1"), kind)
                   == (NOERROR, 1) for kind in ("A", "AAAA"))

    def answers_challenges(self):
        return self.asked(CHALLENGE, "TXT") == (NOERROR, 1)

    def fenced(self):
        return self.asked(CHALLENGE, "TXT") == (SERVFAIL, 0)

    def reload(self):
        done = len(re.findall("Reloading complete", self.part.log))
        self.part.process.send_signal(signal.SIGUSR1)
        self.part.says("Reloading complete", times=done + 1, timeout=60)

    def metric(self, name):
        return metric(f"http://{self.address}:9253/metrics", name)


COREFILE = """
{domain} {{
    bind {address}
    prometheus {address}:9253
    errors
    acme-txt {{
        store {store}
        lifetime {lifetime}
    }}
    broker registration.{domain} {{
        listen {address}:8080
        tls off
        secret {work}/secret
        limit peer off
        limit client off
        dial {{
            allow {nodes}/9
            limit network off
            limit foreign off
        }}
    }}
    ipsubdomain
    file {root}/zones/{domain}
}}
"""


def read_or_nothing(path):
    try:
        return read(path)
    except OSError:
        return ""


def cpu_seconds(pid):
    """Of all threads of a process; 0 where it has ended."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return sum(int(read(f"/proc/{pid}/task/{each}/schedstat").split()[0]) for each in threads) * 1e-9
    except OSError:
        return 0.0


def fetch(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read().decode()


def metric(url, name):
    """The sum over all labels of what is exposed there; nothing where that is nothing."""
    found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", fetch(url), re.MULTILINE)
    return sum(map(float, found)) if found else None


def ask(server, name, kind, timeout=1.0):
    """The code and the number of answers of the response, over UDP; nothing where none comes in time."""
    id = random.randrange(1 << 16)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = id.to_bytes(2, "big") + b"\0\0\0\1\0\0\0\0\0\0" + labels + b"\0"
    query += {"A": 1, "TXT": 16, "AAAA": 28}[kind].to_bytes(2, "big") + b"\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        try:
            udp.connect(server)
            udp.send(query)
            response = udp.recv(4096)
        except OSError:
            return None
    if len(response) < 12 or response[:2] != query[:2]:
        raise Failed(f"{server} answers {response!r}")
    return response[3] & 15, int.from_bytes(response[6:8], "big")


class Clock:
    """The clocks of the programs that a machine runs, which can jump. Every program asks for the time in the kernel's vDSO, Go's
    too; here that function is written anew, in these processes alone: it asks the kernel, and adds what it is told."""

    CODE = bytes.fromhex("b8e4000000"      # mov $228, %eax         clock_gettime(edi, rsi)
                         "0f05"            # syscall
                         "488d151a000000"  # lea realtime, %rdx
                         "85ff 740e"       # test %edi, %edi; je add        CLOCK_REALTIME
                         "83ff05 7409"     # cmp $5, %edi; je add           CLOCK_REALTIME_COARSE
                         "4883c208"        # add $8, %rdx                   boottime
                         "83ff07 7506"     # cmp $7, %edi; jne end          CLOCK_BOOTTIME
                         "488b0a 48010e"   # add: mov (%rdx), %rcx; add %rcx, (%rsi)
                         "c3 90")          # end: ret
    FUNCTION = b"__vdso_clock_gettime"

    def __init__(self, machine):
        if os.uname().machine != "x86_64":
            raise Failed("clocks jump on x86_64 alone")
        self.machine, self.pids = machine, machine.pids()
        self.jump()

    def jump(self, realtime=0, boottime=0):
        """So many seconds more, or less, than the kernel says; for all processes at the same time."""
        if self.machine.pids() != self.pids:
            raise Failed(f"{self.machine.name} has other processes than when its clocks were changed")
        for _ in range(100):
            self.machine.signal(signal.SIGSTOP, self.pids)
            until("all are stopped", lambda: all(state in "Tt" for pid in self.pids for state in self._states(pid)), 5)
            spans = {pid: self._span(pid) for pid in self.pids}
            if not any(first <= at < end for pid, (first, end) in spans.items() for at in self._places(pid)):
                for pid, (first, _) in spans.items():
                    self._write(pid, first, self.CODE + struct.pack("qq", realtime, boottime))
                return self.machine.signal(signal.SIGCONT, self.pids)
            self.machine.signal(signal.SIGCONT, self.pids)
        raise Failed(f"{self.machine.name} asks for the time all the time")

    def _tasks(self, pid, file):
        return [read(f"/proc/{pid}/task/{task}/{file}") for task in os.listdir(f"/proc/{pid}/task")]

    def _states(self, pid):
        return [text.rpartition(")")[2].split()[0] for text in self._tasks(pid, "stat")]

    def _places(self, pid):
        """Where the threads of a process are."""
        return [int(text.split()[-1], 16) for text in self._tasks(pid, "syscall")]

    def _span(self, pid):
        """From where to where the function is."""
        start, end = (int(each, 16) for each in re.search(r"^(\w+)-(\w+) .*\[vdso\]$", read(f"/proc/{pid}/maps"), re.MULTILINE).groups())
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(start)
            image = memory.read(end - start)
        table, = struct.unpack_from("<Q", image, 0x28)  # ELF: sections, of which those of type 11 have symbols
        count, = struct.unpack_from("<H", image, 0x3c)
        sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + 64 * each) for each in range(count)]
        for _, kind, _, _, at, size, link, *_ in sections:
            for symbol in range(at, at + size, 24) if kind == 11 else ():
                name, _, _, _, value, length = struct.unpack_from("<IBBHQQ", image, symbol)
                text = sections[link][4] + name
                if image[text:image.index(b"\0", text)] == self.FUNCTION:
                    return start + value, start + value + length
        raise Failed(f"the vDSO has no {self.FUNCTION.decode()}")

    def _write(self, pid, at, data):
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(at)
            memory.write(data)


class Engine:
    """Three etcds, with their data in a folder of memory, or in another one."""

    def __init__(self, data=WORK):
        self.members = [Etcd(number, data) for number in (1, 2, 3)]

    def start(self):
        for each in self.members:
            each.start(self.members)
        self.wait()

    def wait(self):
        for each in self.members:
            until(f"{each.name} is healthy", each.healthy, 30)

    def store(self, swage, capacity):
        """The line of a Corefile, and its block."""
        urls = " ".join(each.url for each in self.members)
        return f"etcd {urls} {{\n            server-id {swage.name}\n            capacity {capacity}\n        }}"

    def revision(self):
        return self.members[0].status()["header"]["revision"]

    def leader(self):
        found = [each for each in self.members if each.status()["leader"] == each.status()["header"]["member_id"]]
        if len(found) != 1:
            raise Failed(f"{len(found)} leaders")
        return found[0]

    def load(self):
        """What all of them have done so far: applied writes, events sent, seconds of CPU, bytes of the database."""
        sums = {name: sum(each.metric(metric) or 0 for each in self.members) for name, metric in
                (("events", "etcd_debugging_mvcc_events_total"), ("cpu", "process_cpu_seconds_total"),
                 ("sent", "etcd_network_client_grpc_sent_bytes_total"))}
        first = self.members[0]
        return {**sums, "writes": first.metric("etcd_debugging_mvcc_put_total") or 0,
                "bytes": first.metric("etcd_mvcc_db_total_size_in_bytes") or 0,
                "memory": max(each.metric("process_resident_memory_bytes") for each in self.members)}


    def fill(self, peers, zone=DOMAIN):
        """Writes a value for each of so many peers, as a broker would, 1,000 at a time."""
        lifetime = 3_600_000
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda first: self._put([self._value(number, zone, lifetime) for number in range(first, first + 1000)],
                                                     self.members[first // 1000 % 3]), range(0, peers, 1000)))

    def _value(self, number, zone, lifetime):
        key = b"\0\x24\x08\x01\x12\x20" + hashlib.sha256(number.to_bytes(8, "big")).digest()
        value = base64.urlsafe_b64encode(key[6:]).decode().rstrip("=")
        return f"/swage/{zone}/txt/{key[-1] % 64:02x}/{base58(key)}/{value}", f"{lifetime} {number % 50_000:x}"

    def _put(self, pairs, member):
        encode = lambda text: base64.b64encode(text.encode()).decode()
        puts = [{"request_put": {"key": encode(key), "value": encode(value)}} for key, value in pairs]
        request = urllib.request.Request(f"{member.url}/v3/kv/txn", json.dumps({"success": puts}).encode())
        urllib.request.urlopen(request, timeout=60).read()


def base58(data):
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def memory_store(swage, capacity):
    return f"memory capacity {capacity}"
