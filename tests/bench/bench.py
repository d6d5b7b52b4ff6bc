"""How servers are started, loaded in turns and stopped: what the scripts of this folder share."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path("tests/bench")  # everything runs from the top of the repository

KNOT = """
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: {workers}
    tcp-workers: 1
    background-workers: 1
    automatic-acl: off
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
mod-synthrecord:
  - id: addresses
    type: forward
    ttl: 604800
    network: [ "0.0.0.0/0", "::/0" ]
zone:
  - domain: {zone}
    file: "{file}"
    zonefile-load: whole
    journal-content: none
    {module}
"""

NSD = """
server:
    server-count: {workers}
    reuseport: yes
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    xfrdir: "{folder}"
    xfrdfile: ""
    zonelistfile: "{folder}/zone.list"
    database: ""
    pidfile: ""
    logfile: ""
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: "{file}"
"""

UNBOUND = """
server:
    interface: 127.0.0.1@{port}
    num-threads: {workers}
    so-reuseport: yes
    do-not-query-localhost: no
    module-config: "iterator"
    msg-cache-size: 64m
    rrset-cache-size: 64m
    cache-max-ttl: {ttl}
    outgoing-range: 4096
    num-queries-per-thread: 2048
    use-syslog: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{upstream}
"""

# One thread reads a socket, so there are as many sockets.
DNSDIST = """
for i = 1, {workers} do addLocal("127.0.0.1:{port}", {{reusePort=true}}) end
newServer({{address="127.0.0.1:{upstream}", healthCheckMode="up"}})
{cache}
setSecurityPollSuffix("")
"""
DNSDIST_CACHE = 'getPool(""):setCache(newPacketCache(50000, {maxTTL=86400}))'

FORGE_ZONE = """$ORIGIN libp2p.direct.
$TTL 86400
@ IN SOA ns hostmaster 1 7200 3600 1209600 86400
@ IN NS ns
ns IN A 192.0.2.53
"""

PR_SET_PDEATHSIG = 1
PRIORITY = True  # to run before other work of the machine; a script may clear it
TURN = 0.25  # seconds; short, since the speed of a virtual machine changes by the second


class Failed(Exception):
    pass


class Kind:
    """A kind of queries: its name, the mix of bench_load that asks them, of how many names or peers, from which file.

    `cached`: from an upstream that answers from the file; the servers that are measured keep what it says. `missed`: they
    keep nothing, and ask it each time.
    """

    def __init__(self, name, asks, names=0, file="", cached=False, missed=False):
        self.name, self.asks, self.names, self.file, self.cached, self.missed = name, asks, names, file, cached, missed

    @property
    def forwarded(self):
        return self.cached or self.missed

    def mix(self):
        return [self.asks, self.names] if self.names else [self.asks]


class Subject:
    """A server to measure: its name, the queries it gets and how its process is started."""

    def __init__(self, name, kind, command):
        self.name, self.kind, self.command = name, kind, command

    def __str__(self):
        return f"{self.name} {self.kind.name}"


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = Path(folder)
        self.forge_file = self.folder / "libp2p.direct"
        self.load = options.build / "tests" / "bench_load"
        self.echo = options.build / "tests" / "bench_echo"
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) <= options.workers:
            raise Failed(f"{options.workers} workers and the generator need {options.workers + 1} CPUs")
        self.server_cpus = cpus[: options.workers]
        self.client_cpus = cpus[options.workers : 2 * options.workers]

    def prepare(self):
        for program in (self.load, self.echo):
            if not os.access(program, os.X_OK):
                raise Failed(f"{program} is missing: cmake --build {self.options.build} --target bench_load bench_echo")
        for kind in self.options.kinds:
            if kind.file:
                self.write_input(kind)
        self.forge_file.write_text(FORGE_ZONE)

    def write_input(self, kind):
        """What the servers of a kind answer from; made once."""
        if kind.asks in ("zone", "popular"):
            command = [self.load, "--write-zone", str(kind.names), self.folder / kind.file]
        else:
            command = [self.options.build / "tests" / "bench_challenges", str(kind.names), self.folder / kind.file]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    # The servers. Each function writes what its server needs and returns the command and its environment.

    def start_echo(self, port):
        return [self.echo, "--port", port, "--workers", self.options.workers, "--grow", self.options.grow], {}

    def start_swage(self, kind):
        def start(port):
            corefile = HERE / f"Corefile.{kind.name if kind.forwarded else kind.asks}"
            command = [self.options.swage, "-conf", corefile, "-workers", self.options.workers, "-quiet"]
            file, number = str(self.folder / kind.file), str(kind.names)
            environment = {"BENCH_PORT": str(port), "BENCH_FILE": file, "BENCH_PEERS": number}
            return command, environment | {"BENCH_UPSTREAM": str(self.upstream_port)}

        return start

    def start_knot(self, zone, file, module):
        def start(port):
            config = self.write("knot", KNOT, port, zone=zone, file=file, module=module)
            return ["/usr/sbin/knotd", "-c", config], {}

        return start

    def start_nsd(self, kind):
        def start(port):
            config = self.write("nsd", NSD, port, zone="bench.example", file=self.folder / kind.file)
            return ["/usr/sbin/nsd", "-d", "-c", config], {}

        return start

    def start_go(self, program, corefile, kind):
        """CoreDNS and p2p-forge, which `tests/interop/prepare` builds; a Go program takes as many CPUs as it is let."""

        def start(port):
            environment = {"BENCH_PORT": str(port), "BENCH_FILE": str(self.folder / kind.file)}
            environment |= {"BENCH_UPSTREAM": str(self.upstream_port), "BENCH_HTTP": str(free_port()), "BENCH_FOLDER": tempfile.mkdtemp(prefix=program, dir=self.folder)}
            command = [ROOT / "build" / "interop" / program, "-conf", HERE / corefile, "-quiet"]
            return command, environment | {"GOMAXPROCS": str(self.options.workers)}

        return start

    def start_unbound(self, kind):
        def start(port):
            ttl = 0 if kind.missed else 86400
            config = self.write("unbound", UNBOUND, port, upstream=self.upstream_port, ttl=ttl)
            return ["/usr/sbin/unbound", "-d", "-p", "-c", config], {}

        return start

    def start_dnsdist(self, kind):
        def start(port):
            cache = "" if kind.missed else DNSDIST_CACHE
            config = self.write("dnsdist", DNSDIST, port, upstream=self.upstream_port, cache=cache)
            return ["/usr/bin/dnsdist", "--supervised", "--disable-syslog", "-C", config], {}

        return start

    def start_upstream(self, port):
        """Whom the servers ask that are measured: a swage with the zone."""
        command = [self.options.swage, "-conf", HERE / "Corefile.zone", "-workers", 1, "-quiet"]
        return command, {"BENCH_PORT": str(port), "BENCH_FILE": str(self.folder / self.upstream_file)}

    def write(self, name, text, port, **more):
        folder = Path(tempfile.mkdtemp(prefix=name, dir=self.folder))
        config = folder / f"{name}.conf"
        config.write_text(text.format(folder=folder, port=port, workers=self.options.workers, **more))
        return config

    def subjects(self, kind):
        """What is measured with a kind of queries: the floor, then the servers that can answer them."""
        servers = self.options.subjects
        wanted = [Subject("echo", kind, self.start_echo)]
        if "swage" in servers:
            wanted.append(Subject("swage", kind, self.start_swage(kind)))
        if "knot" in servers and kind.asks == "synth":
            module = "module: mod-synthrecord/addresses"
            wanted.append(Subject("knot", kind, self.start_knot("libp2p.direct", self.forge_file, module)))
        if "p2p-forge" in servers and kind.asks == "synth":
            wanted.append(Subject("p2p-forge", kind, self.start_go("p2p-forge", "Corefile.p2p-forge", kind)))
        if kind.forwarded:
            if "coredns" in servers:
                wanted.append(Subject("coredns", kind, self.start_go("coredns", f"Corefile.{kind.name}", kind)))
            if "unbound" in servers:
                wanted.append(Subject("unbound", kind, self.start_unbound(kind)))
            if "dnsdist" in servers:
                wanted.append(Subject("dnsdist", kind, self.start_dnsdist(kind)))
        if kind.asks == "zone":
            file = self.folder / kind.file
            if "knot" in servers:
                wanted.append(Subject("knot", kind, self.start_knot("bench.example", file, "")))
            if "nsd" in servers:
                wanted.append(Subject("nsd", kind, self.start_nsd(kind)))
            if "coredns" in servers:
                wanted.append(Subject("coredns", kind, self.start_go("coredns", "Corefile.zone", kind)))
        return wanted

    def round(self, kind, rate=None):
        """Starts all servers of a kind of queries, loads one after the other in many short turns, stops them.

        Returns for each subject what bench_load said of its turns. A server that is not asked costs nothing.
        """
        servers, upstream = {}, None
        subjects = self.subjects(kind)
        try:
            if kind.forwarded:
                self.upstream_port, self.upstream_file = free_port(), kind.file
                start = Subject("upstream", kind, self.start_upstream)
                upstream = Server(start, self.upstream_port, self.client_cpus, self.folder)
                self.wait_for(upstream, kind)
            for subject in subjects:
                servers[str(subject)] = Server(subject, free_port(), self.server_cpus, self.folder)
            if kind.cached:
                for server in list(servers.values())[1:]:  # the first one is the echo
                    self.fill(server, kind)
            turns = self.ask(kind, subjects, servers, rate)
        except Failed as why:
            raise Failed("\n".join([str(why), *(server.log() for server in servers.values())]))
        finally:
            for server in [*servers.values(), *([upstream] if upstream else [])]:
                stop(server.process)
        return {name: [turn for turn in turns if turn["port"] == server.port] for name, server in servers.items()}

    def wait_for(self, server, kind):
        self.load_once(server, ["--mix", "zone", kind.names, "--seconds", 0.1, "--warm-up", 0])

    def fill(self, server, kind):
        """Has the server fetch most names, so that it answers from memory afterwards."""
        mix = ["--mix", *kind.mix(), "--count", 500_000]
        self.load_once(server, [*mix, "--seconds", 4, "--warm-up", 0, "--timeout", 5000])

    def load_once(self, server, mix):
        command = [str(word) for word in [self.load, *mix, "--probe", 60, "--port", server.port]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode not in (0, 1):
            raise Failed(f"{server.subject}: {done.stderr.strip()}\n{server.log()}")

    def ask(self, kind, subjects, servers, rate):
        o = self.options
        # For one worker few sockets with a long window each, for batches in the server; for several many sockets, since
        # the kernel spreads sockets over the workers, not packets. 128 queries a worker fit in its socket's buffer.
        sockets, window = (4, 32) if o.workers == 1 else (16 * o.workers, 8)
        window = o.window or window
        threads = len(self.client_cpus)
        turns = max(1, round(o.seconds / TURN))
        command = [self.load, "--mix", *kind.mix(), "--probe", 60, "--turns", turns]
        command += ["--seconds", o.seconds / turns, "--warm-up", 0.1, "--threads", threads]
        command += ["--sockets", max(1, sockets // threads), "--window", window, "--count", 500000 // threads]
        command += ["--edns"] * o.edns + (["--rate", rate] if rate else [])
        for subject in subjects:
            server = servers[str(subject)]
            command += ["--port", server.port, "--pid", server.process.pid] + ["--echo"] * (subject.name == "echo")
        load = spawn(command, self.client_cpus, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            output, errors = load.communicate(timeout=(2 * o.seconds + 60) * len(subjects))
        except subprocess.TimeoutExpired:
            raise Failed("bench_load does not end")
        finally:
            stop(load)
        if load.returncode not in (0, 1):
            raise Failed(f"{kind.name}: {errors.strip()}")
        return [json.loads(line) for line in output.splitlines()]


class Server:
    """A running server; its port and what it wrote."""

    def __init__(self, subject, port, cpus, folder):
        command, environment = subject.command(str(port))
        self.subject, self.port, self.file = subject, port, folder / f"{subject.name}-{subject.kind.name}.log"
        with self.file.open("w") as output:
            self.process = spawn(command, cpus, env=os.environ | environment, stdout=output, stderr=output)

    def log(self):
        code = self.process.poll()
        state = "running" if code is None else f"ended with status {code}"
        return f"{self.subject} on port {self.port}, {state}: {self.file.read_text()[-2000:].strip()}"


def spawn(command, cpus, **more):
    """Starts a command on these CPUs; it ends with us, and runs before other work of the machine where we may do that."""

    def prepare():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, cpus)
        if PRIORITY:
            try:
                os.nice(-20)
                # A session of its own is a scheduling group of its own (autogroup), with its own priority.
                Path("/proc/self/autogroup").write_text("-20")
            except OSError:
                pass

    words = [str(word) for word in command]
    try:
        return subprocess.Popen(words, start_new_session=True, preexec_fn=prepare, **more)
    except OSError as why:
        raise Failed(f"cannot start {words[0]}: {why.strerror}")


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
                return udp.getsockname()[1]
            except OSError:
                continue
    raise Failed("no free port")


def cpu_model():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "unknown")
