#!/usr/bin/env python3
"""Certificates by ACME between swage and Pebble, with somebody in between who can refuse, lie, count, and kill.

What the CA refuses is said, and waited for; a service process that is killed at every step of an order ends with one
certificate and one order; while short-lived certificates are renewed, nodes register without one error, and queries over TLS
are answered; p2p-forge's own Corefile has a certificate from where p2p-forge would ask for one; what the CA says
of renewals (ARI, RFC 9773) is followed, but not without end; profiles. --long: two servers of a fleet as well.

In a network and with a file system of its own, see tests/support/machine.py.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import machine
from machine import EITHER, Failed, Part, WORK, read, run, until, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOMAIN = "registration.libp2p.direct"
LETS_ENCRYPT = "acme-v02.api.letsencrypt.org"
PATIENCE = 120
PREFIX = "urn:ietf:params:acme:error:"


class Between:
    """Hands requests on to Pebble. As Boulder does, and Pebble does not, it gives an account that asks again for what it
    has an open order for that very order."""

    def __init__(self, port, pebble_port, certificate, address="127.0.0.1", host=None):
        self.port, self.pebble_port, self.host = port, pebble_port, host or f"localhost:{port}"
        self.lock = threading.Lock()
        self.forget()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = ThreadingHTTPServer((address, port), self.handler())
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # whoever was killed does not wait for answers
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def forget(self):
        self.before = lambda kind: None  # may answer: (status, fields, JSON)
        self.instead = lambda kind, body: body  # may change what the CA says
        self.after = lambda kind: None  # when the CA has answered, and swage does not know it
        self.asked = []  # kinds of requests
        self.orders = []  # what was asked for
        self.open = {}  # orders that are under way, by their names
        self.most_open = self.issued = 0

    def handler(between):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = "/dir" if self.path == "/directory" else self.path  # as Let's Encrypt calls it
                status, fields, answer = between.answer(self.command, path, body)
                self.send_response_only(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_HEAD = forward

            def log_message(self, *_):
                pass

        return Handler

    def ask_pebble(self, method, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.pebble_port, timeout=30,
                                                 context=ssl._create_unverified_context())
        fields = {"Host": self.host, "User-Agent": "tests"} | ({"Content-Type": "application/jose+json"} if body else {})
        try:
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            kept = ("Replay-Nonce", "Location", "Retry-After", "Content-Type")
            return response.status, {name: response.headers[name] for name in kept if name in response.headers}, response.read()
        finally:
            connection.close()

    def answer(self, method, path, body):
        kind = path.strip("/").split("/")[0] if "renewalInfo" not in path else "renewalInfo"
        with self.lock:
            self.asked.append(kind)
            said = self.before(kind)
        if said:
            status, fields, text = said
            nonce = self.ask_pebble("HEAD", "/nonce-plz")[1]
            return status, nonce | fields, json.dumps(text).encode()
        if kind == "order-plz":
            return self.answer_order(path, body)
        answer = self.ask_pebble(method, path, body or None)
        with self.lock:
            self.note(path, answer)
            answer = answer[0], answer[1], self.instead(kind, answer[2])
            self.after(kind)
        return answer

    def answer_order(self, path, body):
        order = json.loads(base64.urlsafe_b64decode(json.loads(body)["payload"] + "=="))
        names = tuple(each["value"] for each in order["identifiers"])
        with self.lock:
            known = self.open.get(names, [])
        if known:
            status, fields, text = known[-1]
            return status, fields | self.ask_pebble("HEAD", "/nonce-plz")[1], text
        answer = self.ask_pebble("POST", path, body)
        with self.lock:
            if answer[0] == 201:
                self.orders.append(order)
                self.open.setdefault(names, []).append(answer)
                self.most_open = max(self.most_open, len(self.open[names]))
            self.after("order-plz")
        return answer

    def note(self, path, answer):
        """Orders end when they are valid, or invalid."""
        status, _, text = answer
        if status != 200 or b'"finalize"' not in text:
            return
        order = json.loads(text)
        if order["status"] in ("valid", "invalid"):
            names = tuple(each["value"] for each in order["identifiers"])
            if self.open.pop(names, None) and order["status"] == "valid":
                self.issued += 1


def problem(kind, detail):
    return {"type": PREFIX + kind, "detail": detail}


class World:
    """Pebble, who is in between, and servers."""

    def __init__(self, options):
        self.swage = os.path.abspath(options.swage)
        self.swage_peer = os.path.abspath(options.swage_peer)
        self.newer = os.path.abspath(f"{options.interop}/pebble")
        self.number = 0
        write(f"{WORK}/openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n")
        run("openssl", "req", "-config", f"{WORK}/openssl.cnf", "-x509", "-days", "30", "-subj", "/CN=localhost", "-nodes",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", f"subjectAltName=DNS:localhost,DNS:{LETS_ENCRYPT}",
            "-keyout", f"{WORK}/ca.key", "-out", f"{WORK}/ca.pem")
        write(f"{WORK}/both.pem", read(f"{WORK}/ca.key") + read(f"{WORK}/ca.pem"))
        shutil.copy(f"{ROOT}/zones/libp2p.direct", f"{WORK}/zone")

    def begin(self):
        """Everything anew but the ports."""
        for part in Part.all:
            part.process.kill()
            part.process.wait()
        Part.all.clear()
        self.number += 1
        self.folder = f"{WORK}/{self.number}"
        os.makedirs(self.folder)

    def start_pebble(self, program="pebble", between=None, **settings):
        """`between`: where it is asked, as Between has it, instead of at localhost."""
        port, self.management = 14500 + self.number, 15000 + self.number
        write(f"{self.folder}/pebble.json", json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": f"{WORK}/ca.pem", "privateKey": f"{WORK}/ca.key", "httpPort": 80, "tlsPort": 443,
            "ocspResponderURL": "", "externalAccountBindingRequired": False, **settings}}))
        self.pebble = Part(f"pebble{self.number}", program, "-config", f"{self.folder}/pebble.json", "-dnsserver",
                           "127.0.0.1:53", env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
                                                "PEBBLE_WFE_NONCEREJECT": "0"})
        self.pebble.says("ACME directory available")
        between = between or {"port": 14000 + self.number}
        self.between = Between(pebble_port=port, certificate=f"{WORK}/both.pem", **between)

    def acme(self, *more, number=1):
        """The block of that name, with `more` lines."""
        lines = [f"directory https://localhost:{self.between.port}/dir", f"ca-file {WORK}/ca.pem",
                 f"state {self.folder}/state{number}", *more]
        return "acme {\n" + "\n".join(lines) + "\n}"

    def start(self, name, corefile, number=1):
        """A server that keeps the certificate for `name`."""
        write(f"{self.folder}/Corefile{number}", corefile)
        swage = Part(f"swage{self.number}-{number}", "env", "-C", self.folder, self.swage, "-conf",
                     f"Corefile{number}", "-workers", "1")
        swage.state = f"{self.folder}/state{number}/{name}"
        return swage

    def start_swage(self, *acme, number=1, store="memory"):
        return self.start(DOMAIN, number=number, corefile=f"""libp2p.direct {{
    bind 127.0.0.{number}
    errors
    prometheus 127.0.0.{number}:9153
    acme-txt {{
        store {store}
    }}
    broker {DOMAIN} {{
        listen 127.0.0.{number}:443
        limit peer off
        limit client off
        {self.acme(*acme, number=number)}
        dial {{
            allow 127.0.0.0/8
            limit network off
            limit foreign off
        }}
    }}
    ipsubdomain
    file {WORK}/zone
}}
""")

    def roots(self):
        path = f"{self.folder}/root.pem"
        write(path, run("curl", "-sS", "--fail", "-k", f"https://127.0.0.1:{self.management}/roots/0"))
        return path

    def is_healthy(self, address="127.0.0.1"):
        said = run("sh", "-c", f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {self.roots()} --resolve {DOMAIN}:443:{address} "
                   f"https://{DOMAIN}/v1/health || true")
        return said == "204"

    def wait_for_health(self):
        until("the broker has a certificate", self.is_healthy, PATIENCE)


def children_of(swage):
    return sorted(read(f"/proc/{swage.process.pid}/task/{swage.process.pid}/children").split())


def service_of(swage):
    """The newest service process of that server."""
    services = [int(pid) for pid in children_of(swage) if "@service" in read(f"/proc/{pid}/cmdline")]
    return max(services, default=None)


def kill_service(swage):
    if (pid := service_of(swage)) is not None:
        os.kill(pid, signal.SIGKILL)
    return pid


def try_again(swage, of):
    """As if the pause were over that follows this problem."""
    until(f"{of} is written down", lambda: of in read(swage.state + ".json"), PATIENCE)
    record = json.loads(read(swage.state + ".json"))
    write(swage.state + ".json", json.dumps(record | {"not-before": 0}))
    kill_service(swage)


def metric(name, address="127.0.0.1"):
    text = run("curl", "-sS", f"http://{address}:9153/metrics")
    found = re.search(rf"^{name}{{[^}}]*}} (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else None


def certificate(swage):
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", read(swage.state + ".pem"), re.DOTALL)
    return pem[0]


class Tls:
    """A client of DNS over TLS that verifies the server, and its certificate's serial number."""

    def __init__(self, roots, name):
        plain = socket.create_connection(("127.0.0.1", 853), timeout=PATIENCE)
        self.stream = ssl.create_default_context(cafile=roots).wrap_socket(plain, server_hostname=name)
        self.serial = self.stream.getpeercert()["serialNumber"]

    def ask(self):
        query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\x06libp2p\x06direct\0\0\6\0\1"  # its SOA record
        self.stream.sendall(struct.pack(">H", len(query)) + query)
        answer = self.read(struct.unpack(">H", self.read(2))[0])
        if answer[:2] != query[:2] or answer[3] & 15 != 0:
            raise Failed(f"the answer: {answer.hex()}")

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.stream.recv(size - len(data))
            if not part:
                raise Failed("the server has closed the connection")
            data += part
        return data

    def close(self):
        self.stream.close()


# The cases. What they show is their docstring.


def refused(world, _):
    """what the CA refuses (rate limits, an account, CAA) is said, counted, and asked for again after a pause that grows"""
    world.start_pebble()
    between = world.between
    between.before = lambda kind: (429, {"Retry-After": "7200"}, problem("rateLimited", "too many, says the test")) \
        if kind == "order-plz" else None
    swage = world.start_swage()
    said = swage.says(r"no certificate: making an order: rateLimited: too many, says the test; again in (\d+) s", PATIENCE)
    if int(said[1]) < 7200:
        raise Failed(f"the CA says 7200 s, swage asks again after {said[1]} s")

    between.before = lambda kind: (403, {}, problem("unauthorized", "the account is deactivated")) \
        if kind == "order-plz" else None
    try_again(swage, "rateLimited")
    said = swage.says(r"no certificate: .*unauthorized: the account is deactivated; again in (\d+) s", PATIENCE)
    if not 90 <= int(said[1]) <= 150:  # the second in a row
        raise Failed(f"the second refusal: again after {said[1]} s")

    def forbidden(kind, body):
        if kind != "authZ":
            return body
        authorization = json.loads(body)
        for each in authorization["challenges"]:
            each["error"] = problem("caa", f"CAA record for {DOMAIN} prevents issuance")
        return json.dumps(authorization | {"status": "invalid"}).encode()

    between.before = lambda kind: None
    between.instead = forbidden
    try_again(swage, "unauthorized")
    said = swage.says(r"no certificate: .*caa: CAA record for \S+ prevents issuance; again in (\d+) s", PATIENCE)
    if not 180 <= int(said[1]) <= 300:
        raise Failed(f"the third refusal: again after {said[1]} s")
    until("the failures are counted", lambda: metric("swage_acme_failures") == 3, PATIENCE)
    if between.issued or not re.search(r"\[ERROR\].*no certificate", swage.log):
        raise Failed("a certificate, or no error")
    between.forget()
    try_again(swage, "caa")
    world.wait_for_health()
    if metric("swage_acme_failures") != 0:
        raise Failed("there is a certificate, and failures")


def killed(world, _):
    """the service process is killed at every request of an order, before the CA hears it or before its answer arrives"""
    world.start_pebble()
    between, lives = world.between, []

    def kill_at(kind):
        """The n-th life ends at its n-th request."""
        pid = service_of(swage)
        if not lives or lives[-1][0] != pid:
            lives.append([pid, 0])
        lives[-1][1] += 1
        if len(lives) <= 60 and lives[-1][1] >= 1 + (len(lives) - 1) // 2 and pid is not None:
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def before(kind):
        if len(lives) % 2 == 0 and kill_at(kind):
            return 503, {}, problem("serverInternal", "it is killed")
        return None

    between.before = before
    between.after = lambda kind: kill_at(kind) if len(lives) % 2 else None
    swage = world.start_swage()
    until("there is a certificate", lambda: os.path.exists(swage.state + ".pem"), PATIENCE)
    between.before, between.after = lambda kind: None, lambda kind: None
    world.wait_for_health()
    if between.most_open != 1 or between.issued != 1:
        raise Failed(f"{between.most_open} orders at once, {between.issued} certificates")
    if len(lives) < 10:
        raise Failed(f"only {len(lives)} processes were killed")
    print(f"     {len(lives)} processes, {len(between.asked)} requests, {len(between.orders)} orders")


def renewed(world, options):
    """while short-lived certificates are renewed, nodes register without one error"""
    life = 45  # seconds, of which a third is left for each renewal: time enough on a machine that is busy
    world.start_pebble(certificateValidityPeriod=life)
    world.start_swage()
    world.wait_for_health()
    key, roots = f"{world.folder}/node.key", world.roots()
    registered, wanted = 0, world.between.issued + (8 if options.long else 1)
    first_ends = time.monotonic() + life
    while world.between.issued < wanted or time.monotonic() < first_ends:
        value = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        run(world.swage_peer, "--register", f"https://{DOMAIN}", f"--value={value}", "--ca", roots, "--key", key,
            "--listen", "/ip4/127.0.0.1/tcp/4001", timeout=60)
        registered += 1
        time.sleep(0.5)
    print(f"     {registered} registrations, {world.between.issued} certificates")


def listener(world, options):
    """`tls auto`: DNS over TLS and HTTPS are refused until there is a certificate; when it is renewed, no query goes without an answer"""
    name = "ns.libp2p.direct"
    world.start_pebble(certificateValidityPeriod=45)  # seconds, as in renewed()
    world.between.before = lambda kind: (503, {"Retry-After": "1"}, problem("serverInternal", "not yet"))
    swage = world.start(name, f"""libp2p.direct tls://libp2p.direct https://libp2p.direct {{
    bind 127.0.0.1
    errors
    acme-txt
    tls auto {name} {{
        {world.acme()}
    }}
    file {WORK}/zone
}}
""")
    swage.says(r"no certificate in \S+ yet: connections are refused until there is one", PATIENCE)
    swage.says("no certificate: .*not yet", PATIENCE)
    for port in (853, 443):
        said = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", status=None)
        if "BEGIN CERTIFICATE" in said:
            raise Failed(f"a certificate before there is one:\n{said}")
    answer = run("kdig", "@127.0.0.1", "libp2p.direct", "SOA")
    if "NOERROR" not in answer:
        raise Failed(f"UDP waits for the certificate:\n{answer}")
    world.between.forget()
    try_again(swage, "not yet")
    roots = world.roots()
    verified = ["@127.0.0.1", "+retry=0", f"+tls-ca={roots}", f"+tls-host={name}", "libp2p.direct", "SOA"]
    for way in (["+tls"], ["+https"], ["+https-get"]):
        until(f"kdig {way[0]} has an answer", lambda: "NOERROR" in run("kdig", *way, *verified, status=EITHER), PATIENCE)
    held, processes, since = Tls(roots, name), children_of(swage), len(swage.log)
    serials, asked, end = {held.serial}, 0, time.monotonic() + PATIENCE
    while len(serials) < (4 if options.long else 2):  # it is renewed
        if time.monotonic() > end:
            raise Failed(f"not within {PATIENCE} s: it is renewed; {len(serials)} certificates")
        fresh = Tls(roots, name)
        serials.add(fresh.serial)
        for each in (held, fresh):
            each.ask()
            asked += 1
        fresh.close()
        time.sleep(0.1)
    if children_of(swage) != processes:
        raise Failed("processes were replaced")
    # Which plugins/tls says of each certificate as short as that, though nobody has to do anything about it.
    said_since = swage.log[since:].replace("[WARNING] plugin/tls: %s.pem: the certificate expires within a week" % swage.state, "")
    if said := re.search(r".*(reload|\[WARNING\]|\[ERROR\]).*", said_since):
        raise Failed(f"the log says: {said[0]}")
    print(f"     {asked} queries, {len(serials)} certificates, one connection through all of them")


def forge(world, _):
    """p2p-forge's own Corefile, without `external-tls`: swage asks the CA that p2p-forge asks, and a node registers"""
    with open("/etc/ssl/certs/ca-certificates.crt", "a") as trusted:  # this machine's own
        trusted.write(read(f"{WORK}/ca.pem"))
    run("ip", "route", "replace", "local", "128.1.0.5/32", "dev", "lo")  # an address that may be dialled, and is here
    world.start_pebble(between={"address": "127.0.0.9", "port": 443, "host": LETS_ENCRYPT})
    published = read(f"{ROOT}/tests/support/p2p_forge/Corefile.local-dev")
    corefile = published.replace("listen-address=:5380 external-tls=true", "listen-address=127.0.0.1:443")
    write(f"{world.folder}/zones/libp2p.direct", read(f"{WORK}/zone"))
    swage = world.start(DOMAIN, corefile)
    swage.state = f"{world.folder}/{DOMAIN}"
    world.wait_for_health()
    if corefile == published or world.between.issued != 1:
        raise Failed(f"{world.between.issued} certificates")
    value = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    run(world.swage_peer, "--register", f"https://{DOMAIN}", f"--value={value}", "--ca", world.roots(), "--key",
        f"{world.folder}/node.key", "--listen", "/ip4/128.1.0.5/tcp/4001", timeout=60)
    swage.says(r"status=200", PATIENCE)


def suggested(world, _):
    """a CA that wants a certificate renewed gets that, with `replaces`; one that always does, no more than one an hour"""
    if not os.path.exists(world.newer):
        return "it takes build/interop/pebble: tests/interop/prepare pebble"
    world.start_pebble(world.newer, profiles={"default": {"description": "", "validityPeriod": 7776000},
                                              "shortlived": {"description": "", "validityPeriod": 518400}})
    between = world.between
    swage = world.start_swage("profile shortlived")
    world.wait_for_health()
    if between.orders[0].get("profile") != "shortlived" or "replaces" in between.orders[0]:
        raise Failed(f"the order: {between.orders[0]}")
    first = certificate(swage)
    days = run("openssl", "x509", "-noout", "-checkend", str(5 * 86400), input=first)  # six days, not ninety
    run("openssl", "x509", "-noout", "-checkend", str(7 * 86400), input=first, status=1)
    due = until("it is known when to renew", lambda: metric("swage_acme_renewal_timestamp_seconds"), PATIENCE)
    if not time.time() + 86400 < due < time.time() + 6 * 86400:
        raise Failed(f"{days}to be renewed at {due}")

    past = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}
    run("curl", "-sS", "--fail", "-k", f"https://127.0.0.1:{world.management}/set-renewal-info/", "-d",
        json.dumps({"Certificate": first, "ARIResponse": json.dumps(past)}))
    kill_service(swage)  # so that it asks at once
    until("it is renewed", lambda: certificate(swage) != first, PATIENCE)
    if "replaces" not in between.orders[1] or len(between.orders) != 2:
        raise Failed(f"the orders: {between.orders}")
    world.pebble.says("ARI: order .* is a replacement of")

    between.instead = lambda kind, body: json.dumps(past).encode() if kind == "renewalInfo" else body
    kill_service(swage)
    until("it is renewed once more", lambda: len(between.orders) == 3 and not between.open, PATIENCE)
    asked = between.asked.count("renewalInfo")
    until("the CA was asked for the new one", lambda: between.asked.count("renewalInfo") > asked, PATIENCE)
    end = run("openssl", "x509", "-noout", "-startdate", input=certificate(swage))
    until("the next one is in an hour", lambda: abs(metric("swage_acme_renewal_timestamp_seconds") - time.time() - 3600) < 900,
          PATIENCE)
    if len(between.orders) != 3:
        raise Failed(f"{len(between.orders)} orders, {end}")
    return None


def without_profile(world, _):
    """a profile that the CA does not have is said, with those that it has"""
    world.start_pebble()
    swage = world.start_swage("profile longlived")
    swage.says("no certificate: the CA has no profile 'longlived'; it has ", PATIENCE)


def fleet(world, options):
    """two servers with one store in etcd ask for their first certificate at once: one order at a time, two certificates"""
    if not options.long:
        return "it takes two minutes: --long"
    if not machine.has("etcd"):
        return "it takes etcd"
    world.start_pebble()
    Part("etcd", "etcd", "--name", "etcd", "--data-dir", f"{world.folder}/etcd", "--listen-client-urls",
         "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls",
         "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380", "--initial-cluster",
         "etcd=http://127.0.0.1:2380")
    for number in (1, 2):
        world.start_swage(number=number,
                          store=f"etcd http://127.0.0.1:2379 {{\n            server-id ns{number}\n        }}")
    for address in ("127.0.0.1", "127.0.0.2"):
        until(f"{address} has a certificate", lambda: world.is_healthy(address), 3 * PATIENCE)
    if world.between.most_open != 1 or world.between.issued != 2:
        raise Failed(f"{world.between.most_open} orders at once, {world.between.issued} certificates")
    return None


CASES = {each.__name__: each for each in (refused, killed, renewed, listener, forge, suggested, without_profile, fleet)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swage", default=f"{ROOT}/build/release/swage")
    parser.add_argument("--swage-peer", default=f"{ROOT}/build/release/swage-peer")
    parser.add_argument("--interop", default=f"{ROOT}/build/interop", help="where tests/interop/prepare put the newer Pebble")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(unknown)}")
    machine.enter("the test of certificates", needs=["pebble", "openssl", "curl", "ip", "kdig"])
    machine.make([])
    write("/etc/hosts", f"{read('/etc/hosts')}127.0.0.1 {DOMAIN}\n127.0.0.9 {LETS_ENCRYPT}\n")
    world = World(options)
    for name in options.cases or CASES:
        begun = time.monotonic()
        world.begin()
        try:
            skipped = CASES[name](world, options)
        except Failed as failure:
            print(f"not ok {name}: {failure}")
            for part in Part.all:
                print(f"---- {part.name}\n" + "\n".join(part.log.splitlines()[-60:]))
            sys.exit(1)
        outcome = f"SKIPPED {name}: {skipped}" if skipped else f"ok {name}: {CASES[name].__doc__}"
        print(f"{outcome} ({time.monotonic() - begun:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
