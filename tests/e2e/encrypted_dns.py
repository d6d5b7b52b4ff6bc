#!/usr/bin/env python3
"""DNS over TLS and HTTPS as clients see it: kdig, dig, curl, openssl, OpenSSL of Python, unbound, and swage's own *forward*.

encrypted_dns.py --swage PROGRAM [--only NAME]: prints a line for each test; ends with 77 where a program is not installed.
"""

import argparse
import base64
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
NEEDED = ("kdig", "dig", "curl", "openssl", "unbound", "h2load")
PATIENCE = 60  # seconds, on a busy machine
ZONE = """$ORIGIN example.org.
@ 300 IN SOA ns host 1 3600 600 86400 120
@ 300 IN NS ns
ns 300 IN A 192.0.2.1
www 77 IN A 192.0.2.2
www 60 IN TXT "text"
""" + "".join(f"host{i} 300 IN TXT \"{'x' * 200}\"\n" for i in range(500))


class Failed(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failed(what)


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


def run(*command, fails=False):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PATIENCE, errors="replace")
    if not fails and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise Failed(f"waited in vain: {what}")


def make_certificate(folder, name, issuer=None):
    """A key and a certificate, folder/NAME.key and .pem; of `issuer`, or its own authority."""
    key, pem = folder / f"{name}.key", folder / f"{name}.pem"
    sign = ["-CA", f"{folder}/{issuer}.pem", "-CAkey", f"{folder}/{issuer}.key"] if issuer else []
    extensions = ["-addext", "subjectAltName=DNS:ns.example.org,IP:127.0.0.1"] if issuer else []
    if not issuer:
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", pem, "-days", "30", "-subj", f"/CN={name}")
        return
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
        "-out", pem, "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:FALSE", *extensions, *sign)


class Server:
    def __init__(self, swage, corefile, folder, workers=1):
        self.folder, self.log_file = folder, folder / f"log{random.randrange(1 << 30)}"
        self.ports = {name: free_port() for name in ("PORT", "TLS", "HTTPS", "METRICS")}
        self.corefile = folder / f"Corefile{self.ports['PORT']}"
        self.write(corefile)
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([swage, "-conf", self.corefile, "-workers", str(workers)], stdout=log,
                                            stderr=subprocess.STDOUT, cwd=folder)
        self.wait_log("dns process")

    def write(self, text):
        for name, port in self.ports.items():
            text = text.replace(f"@{name}@", str(port))
        self.corefile.write_text(text)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_log(self, text):
        def there():
            check(self.process.poll() is None, f"swage ended:\n{self.log()}")
            return text in self.log()
        wait_for(there, f"'{text}' in the log:\n{self.log()}")

    def metric(self, name):
        text = run("curl", "-s", f"http://127.0.0.1:{self.ports['METRICS']}/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = -9
        log = self.log()
        if kind is not None:
            print(log, file=sys.stderr)
        elif code != 0 or "restarting it" in log or "[ERROR]" in log:
            raise Failed(f"exit {code}\n{log}")


COREFILE = """
example.org:@PORT@ tls://example.org:@TLS@ https://example.org:@HTTPS@ {
    bind 127.0.0.1
    tls server.pem server.key
    timeouts {
        idle 60s
    }
    prometheus 127.0.0.1:@METRICS@
    log . "{proto} {name} {type} {rcode}"
    transfer {
        to *
    }
    file example.org.zone
}
"""


def query(name="www.example.org", kind=1, padding=False, number=0x1234):
    encoded = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    option = b"\0\x0c\0\0" if padding else b""
    return (struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 1) + encoded + struct.pack(">HH", kind, 1) +
            b"\0" + struct.pack(">HHIH", 41, 1232, 0, len(option)) + option)


def context(folder, alpn=(), **options):
    made = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if alpn:
        made.set_alpn_protocols(list(alpn))
    for name, value in options.items():
        setattr(made, name, value)
    return made


def connect(server, scheme, made, session=None):
    plain = socket.create_connection(("127.0.0.1", server.ports[scheme]), timeout=PATIENCE)
    return made.wrap_socket(plain, server_hostname="ns.example.org", session=session)


def read_exactly(stream, size):
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            raise Failed(f"the connection ended after {len(data)} of {size} bytes")
        data += piece
    return data


def ask(stream, message):
    stream.sendall(struct.pack(">H", len(message)) + message)
    return read_answer(stream)


def read_answer(stream):
    return read_exactly(stream, struct.unpack(">H", read_exactly(stream, 2))[0])


def test_clients(swage, folder):
    """kdig over TLS and HTTPS (GET, POST), dig, curl's own DoH, HTTP/1.1; what the log and the metrics say"""
    with Server(swage, COREFILE, folder, workers=2) as server:
        tls, https = server.ports["TLS"], server.ports["HTTPS"]
        ca = ("+tls-ca=" + str(folder / "ca.pem"), "+tls-host=ns.example.org")
        for extra in (["-p", tls, *ca], ["-p", https, *ca, "+https=/dns-query"], ["-p", https, *ca, "+https=/dns-query", "+https-get"]):
            answer = run("kdig", "@127.0.0.1", *extra, "www.example.org", "A")
            check("192.0.2.2" in answer and "NOERROR" in answer, answer)
        answer = run("kdig", "@127.0.0.1", "-p", tls, *ca, "+padding", "+bufsize=1232", "www.example.org", "A")
        check("468 B" in answer, f"not padded:\n{answer}")
        wrong = run("kdig", "@127.0.0.1", "-p", tls, ca[0], "+tls-host=other.example", "+retry=0", "www.example.org", "A", fails=True)
        check("192.0.2.2" not in wrong, "a client takes another name for the server's")
        resolved = run("curl", "-s", "-o", "/dev/null", "-w", "%{remote_ip}", "--connect-timeout", "1", "--cacert", folder / "ca.pem",
                       "--doh-url", f"https://127.0.0.1:{https}/dns-query", "http://www.example.org:1/", "-v", fails=True)
        check("192.0.2.2" in resolved, f"curl has not resolved the name:\n{resolved}")
        for line in ("tls www.example.org. A NOERROR", "https www.example.org. A NOERROR"):
            server.wait_log(line)
        for name in ("tls", "https"):
            count = server.metric(f'coredns_dns_requests_total{{server="{name}://127.0.0.1:{server.ports[name.upper()]}"')
            check(count >= 1, f"no request counted for {name}")


def test_https(swage, folder):
    """status codes, cache headers, methods and types, over HTTP/2 and HTTP/1.1 (RFC 8484)"""
    with Server(swage, COREFILE, folder) as server:
        url = f"https://127.0.0.1:{server.ports['HTTPS']}/dns-query"
        dns = base64.urlsafe_b64encode(query(number=0)).rstrip(b"=").decode()
        body = folder / "query"
        body.write_bytes(query(number=0))
        kind = ["-H", "content-type: application/dns-message"]
        nothing = base64.urlsafe_b64encode(query("none.example.org", number=0)).rstrip(b"=").decode()
        refused = base64.urlsafe_b64encode(query("other.example", number=0)).rstrip(b"=").decode()
        transfer = base64.urlsafe_b64encode(query("example.org", 252, number=0)).rstrip(b"=").decode()
        cases = [
            ([f"{url}?dns={dns}"], 200, "max-age=77"), (["--data-binary", f"@{body}", *kind, url], 200, "max-age=77"),
            ([f"{url}?dns={nothing}"], 200, "max-age=120"), ([f"{url}?dns={refused}"], 200, "no-store"),
            ([f"{url}?dns={transfer}"], 200, "no-store"),
            (["-I", f"{url}?dns={dns}"], 200, "max-age=77"), ([url], 400, ""), ([f"{url}?dns=!!"], 400, ""), ([f"{url}?dns=AAAA"], 400, ""),
            (["--data-binary", f"@{body}", "-H", "content-type: text/plain", url], 415, ""), (["-X", "PUT", url], 405, "allow: get, head, post"),
            (["-X", "OPTIONS", url], 405, ""), ([url.replace("dns-query", "other")], 404, ""),
            (["--data-binary", f"@{folder / 'example.org.zone'}", *kind, url], 413, ""),
        ]
        for version in ("--http2", "--http1.1"):
            for arguments, status, field in cases:
                if status == 413 and version == "--http2":  # a reset stream: curl shows nothing of it
                    continue
                text = run("curl", "-s", "-D", "-", "-o", "/dev/null", version, "--cacert", folder / "ca.pem", *arguments, fails=True).lower()
                head = text.splitlines()[0] if text else "nothing"
                check(f" {status}" in head and field in text, f"{version} {arguments}: expected {status} {field}:\n{text}")
                check(head.startswith("http/2" if version == "--http2" else "http/1.1"), head)


def test_tls(swage, folder):
    """versions, ALPN, pipelining, pieces, a zone transfer, resumption, close, and a connection with nothing to say"""
    with Server(swage, COREFILE, folder) as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made = context(folder, ("dot",), maximum_version=version)
            stream = connect(server, "TLS", made)
            check(stream.selected_alpn_protocol() == "dot", "no ALPN")
            asked = b"".join(struct.pack(">H", len(one)) + one for one in (query(number=i) for i in range(1000)))
            stream.sendall(asked)
            for i in range(1000):
                check(struct.unpack(">H", read_answer(stream)[:2])[0] == i, "not in order")
            message = query(number=7)
            for byte in struct.pack(">H", len(message)) + message:
                stream.sendall(bytes([byte]))
            check(read_answer(stream)[:2] == b"\0\x07", "in pieces")
            check(len(ask(stream, query(padding=True))) == 468, "not padded")
            session = stream.session
            stream.unwrap()
            again = connect(server, "TLS", made, session)
            check(again.session_reused, f"not resumed: {version}")
            check(ask(again, query())[3] & 15 == 0, "after resumption")
            # A transfer of 500 records of 200 bytes.
            again.sendall(struct.pack(">H", len(query("example.org", 252))) + query("example.org", 252))
            records = 0
            while records < 506:
                records += struct.unpack(">H", read_answer(again)[6:8])[0]
            again.close()
        for alpn in (("h2",), ("http/1.1",)):
            try:
                connect(server, "TLS", context(folder, alpn))
                raise Failed(f"DNS over TLS for {alpn}")
            except ssl.SSLError:
                pass
        for hello in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 2000, query(), b"\0" * 5000):
            with socket.create_connection(("127.0.0.1", server.ports["TLS"]), timeout=PATIENCE) as plain:
                try:
                    plain.sendall(hello)
                    plain.shutdown(socket.SHUT_WR)
                    while plain.recv(4096):
                        pass
                except OSError:
                    pass
        check(ask(connect(server, "TLS", context(folder)), query())[3] & 15 == 0, "after bad clients")
        old = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['TLS']}", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", fails=True)
        check("Cipher is (NONE)" in old or "alert" in old, f"TLS 1.1:\n{old}")


def test_certificates(swage, folder):
    """clients' certificates, a new certificate while the server runs, a bad one, a reload with one that is wrong"""
    shutil.copy(folder / "server.pem", folder / "moving.pem")
    shutil.copy(folder / "server.key", folder / "moving.key")
    corefile = """
example.org:@PORT@ {
    bind 127.0.0.1
    file example.org.zone
}
tls://example.org:@TLS@ {
    bind 127.0.0.1
    tls moving.pem moving.key ca.pem {
        client_auth require_and_verify
    }
    file example.org.zone
}
tls://example.org:@HTTPS@ {
    bind 127.0.0.1
    tls moving.pem moving.key
    file example.org.zone
}
"""
    with Server(swage, corefile, folder) as server:
        own = context(folder)
        own.load_cert_chain(folder / "client.pem", folder / "client.key")
        first = connect(server, "TLS", own)
        check(ask(first, query())[3] & 15 == 0, "with a certificate")
        session = first.session
        again = connect(server, "TLS", own, session)
        check(ask(again, query())[3] & 15 == 0, "resumed, with a certificate")
        foreign = context(folder)
        foreign.load_cert_chain(folder / "foreign.pem", folder / "foreign.key")
        stranger = context(folder)
        easy = connect(server, "HTTPS", stranger)
        ask(easy, query())
        for made, ticket in ((context(folder), None), (foreign, None), (stranger, easy.session)):
            try:
                stream = connect(server, "TLS", made, ticket)
                ask(stream, query())
                raise Failed("served without a certificate of the authority")
            except (ssl.SSLError, ConnectionError):
                pass
        serial = connect(server, "TLS", own).getpeercert()["serialNumber"]
        for suffix in ("pem", "key"):
            shutil.copy(folder / f"other.{suffix}", folder / f"new.{suffix}")
            os.replace(folder / f"new.{suffix}", folder / f"moving.{suffix}")
        wait_for(lambda: connect(server, "TLS", own).getpeercert()["serialNumber"] != serial, "the new certificate")
        (folder / "moving.key").write_text("nothing")
        server.wait_log("the certificate stays as it was")
        check(ask(connect(server, "TLS", own), query())[3] & 15 == 0, "after a bad file")
        check("[ERROR]" in server.log(), "no error")
        # The configuration stays, too.
        server.process.send_signal(signal.SIGUSR1)
        server.wait_log("no private key in PEM")
        check(ask(connect(server, "TLS", own), query())[3] & 15 == 0, "after a reload that failed")
        shutil.copy(folder / "other.key", folder / "moving.key")
        server.log_file.write_text("")  # what was expected


class H2:
    """Frames of HTTP/2, without a library."""

    def __init__(self, server, folder):
        self.stream = connect(server, "HTTPS", context(folder, ("h2",)))
        self.stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    @staticmethod
    def literal(name, value):
        def text(one):
            check(len(one) < 127, "short texts alone")
            return bytes([len(one)]) + one.encode()
        return b"\0" + text(name) + text(value)

    def headers(self, extra=b"", method="GET"):
        dns = base64.urlsafe_b64encode(query()).rstrip(b"=").decode()
        return (self.literal(":method", method) + self.literal(":scheme", "https") + self.literal(":authority", "ns.example.org") +
                self.literal(":path", f"/dns-query?dns={dns}") + extra)

    def ends(self, data):
        """Whether the server closes after it got `data`, or in the middle."""
        try:
            for at in range(0, len(data), 16384):
                self.stream.sendall(data[at:at + 16384])
            self.stream.settimeout(PATIENCE)
            while self.stream.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        except socket.timeout:
            return False
        return True


def test_hostile_http(swage, folder):
    """rapid resets, CONTINUATION without end, bombs of fields, settings and pings, bodies that do not come, rubbish, HTTP/1.1 smuggling"""
    with Server(swage, COREFILE, folder) as server:
        frame, literal = H2.frame, H2.literal

        def one():
            return H2(server, folder)

        peer = one()
        resets = b"".join(frame(1, 5, i, peer.headers()) + frame(3, 0, i, b"\0\0\0\x08") for i in range(1, 20001, 2))
        check(peer.ends(resets), "rapid resets go on")
        peer = one()
        check(peer.ends(frame(1, 1, 1, peer.headers()) + frame(9, 0, 1, literal("a", "b" * 100) * 100) * 2000), "CONTINUATION goes on")
        peer = one()
        bomb = b"\x40" + bytes([1]) + b"x" + bytes([100]) + b"y" * 100  # into the table, and then again and again
        check(peer.ends(frame(1, 4, 1, peer.headers(bomb + b"\xbe" * 10000)) + frame(7, 0, 0, b"\0" * 8)) or True, "")
        for flood in (frame(6, 0, 0, b"12345678"), frame(4, 0, 0, b""), frame(8, 0, 0, b"\0\0\0\0"), b"\xff" * 64):
            one().ends(flood * 20000)
        peer = one()
        slow = b"".join(frame(1, 4, i, peer.headers(literal("content-type", "application/dns-message"), "POST")) for i in range(1, 601, 2))
        peer.stream.sendall(slow)
        with socket.create_connection(("127.0.0.1", server.ports["HTTPS"]), timeout=PATIENCE) as plain:
            plain.sendall(b"GET /dns-query HTTP/1.1\r\n\r\n")
            check(not plain.recv(100).startswith(b"HTTP"), "HTTP in clear text")
        for text, status in ((b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
                             (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
                             (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", b"505"),
                             (b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 3, b"404")):
            stream = connect(server, "HTTPS", context(folder, ("http/1.1",)))
            stream.sendall(text)
            check(status in stream.recv(100), f"{text[:60]}: expected {status}")
        # Whoever behaves is served all the while.
        url = f"https://127.0.0.1:{server.ports['HTTPS']}/dns-query"
        peer = run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", folder / "ca.pem",
                   f"{url}?dns={base64.urlsafe_b64encode(query()).rstrip(b'=').decode()}")
        check(peer == "200", f"after all that: {peer}")
        load = run("h2load", "-n", "5000", "-c", "20", "-m", "20",
                   f"{url}?dns={base64.urlsafe_b64encode(query()).rstrip(b'=').decode()}")
        check("5000 succeeded" in load, load)


def test_forwarding(swage, folder):
    """unbound and swage's *forward* ask swage over TLS, and *forward* over HTTPS"""
    with Server(swage, COREFILE, folder) as server:
        port = free_port()
        (folder / "unbound.conf").write_text(f"""
server:
    interface: 127.0.0.1
    port: {port}
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    do-not-query-localhost: no
    tls-cert-bundle: "{folder}/ca.pem"
    module-config: "iterator"
remote-control:
    control-enable: no
forward-zone:
    name: "example.org"
    forward-tls-upstream: yes
    forward-addr: 127.0.0.1@{server.ports['TLS']}#ns.example.org
""")
        unbound = subprocess.Popen(["unbound", "-d", "-p", "-c", folder / "unbound.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: "192.0.2.2" in run("dig", "+tries=1", "+time=2", "@127.0.0.1", "-p", port, "www.example.org", "A", fails=True),
                     "unbound's answer")
        finally:
            unbound.kill()
            unbound.wait()
        for upstream in (f"tls://127.0.0.1:{server.ports['TLS']}", f"https://127.0.0.1:{server.ports['HTTPS']}"):
            corefile = f"""
.:@PORT@ {{
    bind 127.0.0.1
    forward . {upstream} {{
        tls ca.pem
        tls_servername ns.example.org
    }}
}}
"""
            if upstream.startswith("https"):
                corefile = corefile.replace("        tls_servername ns.example.org\n", "")
            with Server(swage, corefile, folder) as forwarder:
                wait_for(lambda: "192.0.2.2" in run("dig", "+tries=1", "+time=2", "@127.0.0.1", "-p", forwarder.ports["PORT"],
                                                    "www.example.org", "A", fails=True), f"an answer by {upstream}")


def test_proxy(swage, folder):
    """a header of the PROXY protocol comes before TLS, in pieces too, and *acl* sees whom it names"""
    corefile = """
tls://example.org:@TLS@ https://example.org:@HTTPS@ {
    bind 127.0.0.1
    tls server.pem server.key
    proxyproto {
        allow 127.0.0.1
    }
    acl {
        block net 192.0.2.0/24
    }
    file example.org.zone
}
"""
    with Server(swage, corefile, folder) as server:
        for client, rcode in (("198.51.100.7", 0), ("192.0.2.7", 5)):
            for pieces in (1, 7):
                plain = socket.create_connection(("127.0.0.1", server.ports["TLS"]), timeout=PATIENCE)
                header = f"PROXY TCP4 {client} 127.0.0.1 1234 853\r\n".encode()
                for at in range(0, len(header), len(header) // pieces):
                    plain.sendall(header[at:at + len(header) // pieces])
                    time.sleep(0.01)
                stream = context(folder).wrap_socket(plain, server_hostname="ns.example.org")
                check(ask(stream, query())[3] & 15 == rcode, f"{client}: expected {rcode}")


def test_broker(swage, folder):
    """the broker speaks HTTP/2 by ALPN, many requests beside each other, and HTTP/1.1"""
    corefile = """
libp2p.direct:@PORT@ {
    bind 127.0.0.1
    acme-txt
    broker ns.example.org {
        listen 127.0.0.1:@HTTPS@
        tls server.pem server.key
    }
    ipsubdomain
}
"""
    with Server(swage, corefile, folder) as server:
        url = f"https://ns.example.org:{server.ports['HTTPS']}/v1"
        resolve = ["--resolve", f"ns.example.org:{server.ports['HTTPS']}:127.0.0.1", "--cacert", folder / "ca.pem"]
        for version, head in (("--http2", "http/2 "), ("--http1.1", "http/1.1 ")):
            curl = ["curl", "-s", "-i", version, *resolve]
            text = run(*curl, f"{url}/health").lower()
            check(text.startswith(head + "2"), text)
            check("date: " in text, text)
            text = run(*curl, "-H", "content-type: application/json", "-d", "{}", f"{url}/_acme-challenge").lower()
            check(text.startswith(head + "401") and "www-authenticate: libp2p-peerid" in text, text)
            if version == "--http2":
                continue
            text = run(*curl, "--data-binary", f"@{folder / 'example.org.zone'}", f"{url}/_acme-challenge", fails=True).lower()
            check(text.startswith((head + "413", head + "401")), text)
        load = run("h2load", "-n", "3000", "-c", "10", "-m", "50", f"--connect-to=127.0.0.1:{server.ports['HTTPS']}", f"{url}/health")
        check("3000 succeeded" in load, load)
        check(H2(server, folder).ends(b"\xff" * 5000), "rubbish goes on")
        peer = H2(server, folder)
        check(peer.ends(b"".join(H2.frame(1, 5, i, peer.headers()) + H2.frame(3, 0, i, b"\0\0\0\x08") for i in range(1, 20001, 2))),
              "rapid resets go on")
        check(run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *resolve, f"{url}/health").startswith("2"),
              "after that")


TESTS = [test_clients, test_https, test_tls, test_certificates, test_hostile_http, test_forwarding, test_proxy, test_broker]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swage", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        print(f"SKIPPED: not installed: {', '.join(missing)}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    swage = str(Path(options.swage).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        make_certificate(folder, "ca")
        make_certificate(folder, "foreign")
        for each in ("server", "other", "client"):
            make_certificate(folder, each, "ca")
        (folder / "example.org.zone").write_text(ZONE)
        for test in TESTS:
            if options.only not in test.__name__:
                continue
            began = time.monotonic()
            try:
                test(swage, folder)
            except Failed as error:
                print(f"FAILED: {test.__name__}: {error}", file=sys.stderr)
                return 1
            print(f"{test.__name__}: {test.__doc__} ({time.monotonic() - began:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
