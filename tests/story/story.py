#!/usr/bin/env python3
"""The user's story from beginning to end, with parts that are not our code: see README.md beside this file."""

import argparse
import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import sys
import time

import machine
from machine import Failed, Part, WORK, read, run, until, write

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DOMAIN = "libp2p.direct"
BROKER = f"https://registration.{DOMAIN}"
ACME = "https://localhost:14000/dir"
CA = f"{WORK}/ca/ca.pem"  # stands for the authorities that every system trusts: signs the broker's certificate
ROOTS = f"{WORK}/pebble-root.pem"  # stands for Let's Encrypt: signs the nodes' certificates
SHORT_ACME, SHORT_ROOTS = "https://localhost:14001/dir", f"{WORK}/short-root.pem"  # whose certificates are short-lived
ADDRESSES = ["192.0.2.1/32", "192.0.2.2/32", "198.51.100.1/32", "203.0.113.1/32",  # swage's, as in zones/libp2p.direct
             "2001:db8:1::1/128", "2001:db8:2::1/128", "2001:db8:3::1/128", "2001:db8:4::1/128",
             "192.0.2.80/32", "2001:db8:80::1/128",  # the broker's
             "192.0.2.10/32", "3fff::1/128"]  # the nodes'


class Skipped(Exception):
    """A step cannot be done on this machine."""


class Story:
    """What the steps know of each other."""

    def __init__(self, options):
        self.options = options
        self.steps = []
        self.proven = []

    def say(self, text):
        """A detail, for who looks on."""
        if self.options.explain:
            print(f"     {text}", flush=True)



# 1 ----------------------------------------------------------------------------------------------------------------------


def certificate(name, subject, *extensions, signed_by=None):
    """A key and a certificate in WORK/ca."""
    path = f"{WORK}/ca/{name}"
    write(f"{WORK}/ca/openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n")
    signer = ["-CA", f"{WORK}/ca/{signed_by}.pem", "-CAkey", f"{WORK}/ca/{signed_by}.key"] if signed_by else []
    run("openssl", "req", "-config", f"{WORK}/ca/openssl.cnf", "-x509", "-days", "2", "-subj", f"/CN={subject}", "-nodes",
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", f"{path}.key", "-out", f"{path}.pem",
        *(f"-addext={each}" for each in extensions), *signer)


def trust_everywhere(authority):
    """Adds it to those of the system, where OpenSSL, curl, Go and Python look."""
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    before = read(bundle) if os.path.exists(bundle) else ""
    write(bundle, before + read(authority))
    digest = run("openssl", "x509", "-noout", "-hash", "-in", authority).strip()
    shutil.copy(authority, f"/etc/ssl/certs/{digest}.0")


def dig(*question):
    return run("dig", "+short", *question).split("\n")[:-1]


def forge(story):
    """swage is a forge, Pebble the CA, unbound the recursor"""
    certificate("ca", "The story's CA", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    certificate("leaf", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1", signed_by="ca")
    certificate("broker", "broker", f"subjectAltName=DNS:registration.{DOMAIN}", signed_by="ca")
    trust_everywhere(CA)

    write("/etc/swage/Corefile", read(f"{HERE}/etc/Corefile"))
    shutil.copy(f"{ROOT}/zones/libp2p.direct", "/etc/swage/libp2p.direct")
    shutil.copy(f"{WORK}/ca/broker.pem", "/etc/swage/fullchain.pem")
    shutil.copy(f"{WORK}/ca/broker.key", "/etc/swage/privkey.pem")
    story.swage = Part("swage", story.options.swage, "-conf", "/etc/swage/Corefile", "-workers", "2")
    unbound = Part("unbound", "unbound", "-d", "-p", "-c", f"{HERE}/etc/unbound.conf")
    start_pebble("pebble", 14000, 15000, ROOTS)
    start_pebble("short-pebble", 14001, 15001, SHORT_ROOTS, certificateValidityPeriod=16)
    story.swage.says(r"^\d+ dns processes")
    unbound.says("start of service")

    health = run("curl", "-sS", "-w", "%{http_code} from %{remote_ip}", f"{BROKER}/v1/health")
    if not health.startswith("204"):
        raise Failed(f"the broker's health: {health}")
    name = f"203-0-113-1.k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6.{DOMAIN}"
    if dig(name) != ["203.0.113.1"]:
        raise Failed(f"{name}: {dig(name)}")
    story.say(f"{name} is {dig(name)[0]}")
    story.say(f"{BROKER}/v1/health: {health}")


def start_pebble(name, port, management, roots, **settings):
    """Its root, a new one each time it starts, is written to `roots`."""
    config = json.loads(read(f"{HERE}/etc/pebble.json"))
    config["pebble"].update(listenAddress=f"127.0.0.1:{port}", managementListenAddress=f"127.0.0.1:{management}", **settings)
    write(f"{WORK}/{name}.json", json.dumps(config))
    pebble = Part(name, "pebble", "-config", f"{WORK}/{name}.json", "-dnsserver", "127.0.0.1:53", "-strict=false",
                  env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"})
    pebble.says("Root CA certificate available at")
    root = ["curl", "-sS", "--retry", "10", "--retry-connrefused", "--retry-delay", "1", f"https://localhost:{management}/roots/0"]
    write(roots, run(*root))


# 2 ----------------------------------------------------------------------------------------------------------------------


def start_node(story, name, port, *options, acme=ACME):
    """A js-libp2p node with AutoTLS: TCP on `port`, WebSocket on the next one. lo's addresses are not announced unless said."""
    return Part(name, f"{story.options.interop}/js-peer", "autotls", "--broker", BROKER, "--domain", DOMAIN,
                "--acme", acme, *options,
                "--announce", f"/ip6/3fff::1/tcp/{port}", "--announce", f"/ip6/3fff::1/tcp/{port + 1}/ws",
                f"/ip4/0.0.0.0/tcp/{port}", f"/ip6/::/tcp/{port}",
                f"/ip4/0.0.0.0/tcp/{port + 1}/ws", f"/ip6/::/tcp/{port + 1}/ws",
                env={"NODE_EXTRA_CA_CERTS": CA, "DEBUG": "libp2p:auto-tls*"})


def js_node(story):
    """a js-libp2p node has its certificate, and serves WSS"""
    node = start_node(story, "node", 4011)
    story.id = node.says(r"^id (\S+)")[1]
    issued = node.says(r"^certificate:provision (\S+) (.*)", timeout=30)
    announced = node.says(rf"^address (/ip6/\S+/tls/sni/3fff--1\.(\w+)\.{re.escape(DOMAIN)}/ws\S*)")
    story.label = announced[2]
    if issued[2] != f"DNS:*.{story.label}.{DOMAIN}":
        raise Failed(f"the certificate is for {issued[2]}")
    dialled = story.swage.says(rf"{story.id} from (\S+): 200 after (\d+ ms): (.*)")
    value = dig("TXT", f"_acme-challenge.{story.label}.{DOMAIN}")
    if not any(re.fullmatch(r'"[\w-]{43}"', each) for each in value):
        raise Failed(f"the challenge is answered with {value}")
    story.say(f"{story.id}")
    story.say(f"the broker has dialled it: {dialled[3]}, in {dialled[2]}")
    story.say(f"the challenge is answered: {value[0]}")
    story.say(f"certificate for {issued[2][4:]}")
    story.say(f"announced: {announced[1]}")


# 3 ----------------------------------------------------------------------------------------------------------------------


def verifiers(story):
    """openssl, curl and another js-libp2p node reach it by name"""
    v4, v6 = f"192-0-2-10.{story.label}.{DOMAIN}", f"3fff--1.{story.label}.{DOMAIN}"
    for name in (v4, v6):
        openssl = ["openssl", "s_client", "-connect", f"{name}:4012", "-servername", name, "-verify_hostname", name,
                   "-verify_return_error", "-brief"]
        run(*openssl, "-CAfile", ROOTS)
        run(*openssl, "-CAfile", CA, status=None)
        # A web socket, to curl, is an upgrade that is not followed by HTTP: that it was granted is what counts.
        curl = ["curl", "-sS", "--http1.1", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}"]
        answer = run(*curl, "--cacert", ROOTS, f"https://{name}:4012/")
        run(*curl, f"https://{name}:4012/", status=60)  # CURLE_PEER_FAILED_VERIFICATION
        story.say(f"openssl and curl: {name} verified ({answer})")
        kind = "dns4" if name == v4 else "dns6"
        dial = [f"{story.options.interop}/js-peer", "dial", f"/{kind}/{name}/tcp/4012/tls/ws/p2p/{story.id}"]
        pong = run(*dial, env={"NODE_EXTRA_CA_CERTS": ROOTS})
        story.say(f"js-libp2p: {dial[-1]}: {', '.join(pong.splitlines())}")
    if "network error" not in (refused := run(*dial, status=1)):
        raise Failed(f"js-libp2p dials without the root: {refused}")
    story.say("without Pebble's root, all three refuse")


# 4 ----------------------------------------------------------------------------------------------------------------------


def browser(story):
    """Chromium dials the node from a page, over IPv4 and IPv6, and trusts nothing but Pebble's root"""
    if not machine.has("chromium", "certutil"):
        raise Skipped("it takes chromium and certutil")
    addresses = [f"/dns4/127-0-0-1.{story.label}.{DOMAIN}/tcp/4012/tls/ws/p2p/{story.id}",
                 f"/dns6/3fff--1.{story.label}.{DOMAIN}/tcp/4012/tls/ws/p2p/{story.id}"]
    trusting, strange = f"{WORK}/trusting", f"{WORK}/strange"
    store = f"sql:{trusting}/.pki/nssdb"
    os.makedirs(f"{trusting}/.pki/nssdb")
    os.mkdir(strange)
    run("certutil", "-d", store, "-N", "--empty-password")
    run("certutil", "-d", store, "-A", "-t", "C,,", "-n", "root", "-i", ROOTS)

    browse = [f"{story.options.interop}/js-peer", "browse"]
    seen = run(*browse, *addresses, env={"HOME": trusting}, timeout=90)
    pongs = re.findall(r"^remote (\S+)\nconnection (.*)\npong (\d+)$", seen, re.MULTILINE)
    if [each[0] for each in pongs] != addresses:
        raise Failed(f"Chromium: {seen}")
    for address, connection, milliseconds in pongs:
        story.say(f"{address}: {connection}, ping {milliseconds} ms")
    seen = run(*browse, addresses[0], env={"HOME": strange}, timeout=90, status=1)
    if "ERR_CERT_AUTHORITY_INVALID" not in seen:
        raise Failed(f"Chromium without the root: {seen}")
    story.say("without Pebble's root: ERR_CERT_AUTHORITY_INVALID")


# 5 ----------------------------------------------------------------------------------------------------------------------


def documented_hooks():
    """The two scripts of docs/swage-peer.md: lego's and certbot's."""
    hooks = re.findall(r"^#!/bin/sh\n.*?(?=^```)", read(f"{ROOT}/docs/swage-peer.md"), re.MULTILINE | re.DOTALL)
    if len(hooks) != 2:
        raise Failed(f"docs/swage-peer.md has {len(hooks)} hooks, not lego's and certbot's")
    return hooks


def acme_clients(story):
    """lego and certbot have wildcard certificates, with swage-peer as their hook"""
    if not machine.has("lego", "certbot"):
        raise Skipped("it takes lego and certbot")
    os.mkdir(f"{WORK}/bin")
    os.symlink(os.path.abspath(story.options.swage_peer), f"{WORK}/bin/swage-peer")
    os.environ["PATH"] = f"{WORK}/bin:{os.environ['PATH']}"
    for path, hook in zip(("/etc/lego-hook", "/etc/hook"), documented_hooks()):
        write(path, hook)
        os.chmod(path, 0o755)
    label = run("swage-peer", "--key", "/etc/node.key", "--id").split()[1]

    write("/etc/letsencrypt/cli.ini", f"server = {ACME}\nagree-tos = true\nregister-unsafely-without-email = true\n"
          f"non-interactive = true\nwork-dir = {WORK}/certbot\nlogs-dir = {WORK}/certbot\n")

    # Both wait for seconds between two looks at the CA, so they do it side by side; their hooks listen on the same port.
    lego = Part("lego", "lego", "--server", ACME, "--accept-tos", "--email", "operator@example.org", "--path", f"{WORK}/lego",
                "--dns", "exec", "--domains", f"*.{label}.{DOMAIN}", "run", env={"EXEC_PATH": "/etc/lego-hook"})
    lego.says("Checking DNS record propagation")
    certbot = Part("certbot", "certbot", "certonly", "--manual", "--preferred-challenges", "dns",
                   "--manual-auth-hook", "/etc/hook", "-d", f"*.{label}.{DOMAIN}")
    for client in (lego, certbot):
        if client.process.wait(40) != 0:
            raise Failed(f"{client.name} has no certificate")
    check_certificate(story, "lego", f"any.{label}.{DOMAIN}", f"{WORK}/lego/certificates/_.{label}.{DOMAIN}.crt")
    check_certificate(story, "certbot", f"any.{label}.{DOMAIN}", f"/etc/letsencrypt/live/{label}.{DOMAIN}/fullchain.pem")


def label(id):
    """A peer ID as it is in names: base58btc becomes a CIDv1 of codec libp2p-key in base36."""
    number = 0
    for letter in id:
        number = 58 * number + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(letter)
    multihash = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if id.startswith("1"):
        multihash = b"\0" + multihash
    number = int.from_bytes(b"\x01\x72" + multihash, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return "k" + digits


def served(name, port, roots):
    """The serial number of the certificate that is served there, which is good for that name."""
    try:
        with socket.create_connection((name, port), timeout=5) as connection:
            with ssl.create_default_context(cafile=roots).wrap_socket(connection, server_hostname=name) as tls:
                return tls.getpeercert()["serialNumber"]
    except OSError as error:
        raise Failed(f"{name}, port {port}: {error}")


def check_certificate(story, whose, name, chain, roots=ROOTS):
    run("openssl", "verify", "-CAfile", roots, "-untrusted", chain, "-verify_hostname", name, chain)
    story.say(f"{whose}: a certificate that is good for {name}")


# 6 ----------------------------------------------------------------------------------------------------------------------


def go_client(story):
    """a go-libp2p node obtains and renews its certificate; p2p-forge's client registers with all types of keys"""
    go_peer = f"{story.options.interop}/go-peer"
    if not os.path.exists(go_peer):
        raise Skipped("it takes Go: tests/interop/prepare says which")
    node = Part("go-node", go_peer, "autotls", "--broker", BROKER, "--domain", DOMAIN, "--acme", SHORT_ACME,
                "--storage", f"{WORK}/go-node", "/ip4/192.0.2.10/tcp/4021", f"/ip4/192.0.2.10/tcp/4022/tls/sni/*.{DOMAIN}/ws")
    name = f"192-0-2-10.{label(node.says(r'^id (.*)')[1])}.{DOMAIN}"
    node.says("^loaded", timeout=30)
    first = served(name, 4022, SHORT_ROOTS)
    story.say(f"{name}: a certificate, its serial {first}")

    for port, kind in enumerate(("ed25519", "rsa", "secp256k1", "ecdsa"), 4031):
        key = f"{WORK}/{kind}.key"
        id = run(story.options.swage_peer, "--key", key, "--key-type", kind, "--id").split()[0]
        listener = Part(f"go-{kind}", go_peer, "listen", "--key", key, f"/ip4/192.0.2.10/tcp/{port}")
        listener.says("^ready")
        value = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        said = run(go_peer, "register", "--key", key, BROKER, value, f"/ip4/192.0.2.10/tcp/{port}")
        answered = dig("TXT", f"_acme-challenge.{label(id)}.{DOMAIN}")
        if said != f"registered {id}\n" or answered != [f'"{value}"']:
            raise Failed(f"SendChallenge with {kind}: {said}, then answered: {answered}")
        listener.stop()
        story.say(f"SendChallenge of {id} ({kind}): answered")

    node.says("^renewed", timeout=40)
    renewed = until("the new certificate is served", lambda: (now := served(name, 4022, SHORT_ROOTS)) != first and now)
    story.say(f"renewed: the serial is {renewed} now")
    node.stop()


# 7 ----------------------------------------------------------------------------------------------------------------------


def disturbances(story):
    """two nodes register at once and one renews, while swage is reloaded and its processes are killed"""
    # The client fetches a new certificate that long before the end of the old one, which is then 4 s old.
    renewing = start_node(story, "node-renewing", 4041, "--renew-before", "12", "--save", f"{WORK}/renewing.pem", acme=SHORT_ACME)
    other = start_node(story, "node-other", 4043, "--save", f"{WORK}/other.pem")
    certificates = r"^certificate:\w+ (\S+)"
    asks = "asking https://registration"

    renewing.says(asks)
    reload(story)
    other.says(asks)
    kill(story, "@dns")
    kill(story, "@service")
    first = renewing.says(certificates, timeout=60)[1]
    other.says(certificates, timeout=60)

    renewing.says(asks, times=len(re.findall(asks, renewing.log)) + 1)
    kill(story, "@service")
    reload(story)
    kill(story, "@dns")
    second = renewing.says(certificates, timeout=60, times=2)[1]
    story.say(f"renewed: {first}, then {second}")

    for node, port, roots in ((renewing, None, SHORT_ROOTS), (other, 4044, ROOTS)):
        name = f"192-0-2-10.{label(node.says(r'^id (.*)')[1])}.{DOMAIN}"
        check_certificate(story, node.name, name, f"{WORK}/{node.name[5:]}.pem", roots)
        if port:  # js-libp2p goes on serving what it had before a renewal
            served(name, port, roots)
        node.stop()


def reload(story):
    done = len(re.findall("reload: done", story.swage.log))
    story.swage.process.send_signal(signal.SIGUSR1)
    story.swage.says("reload: done", times=done + 1)


def kill(story, kind):
    """Kills the newest process of swage of that kind; its successor is waited for."""
    victim = max(children(kind))
    os.kill(victim, signal.SIGKILL)
    until(f"{kind} is started again", lambda: max(children(kind), default=0) > victim)


def children(kind):
    """The processes that are called `swage @service`, `swage @dns 0` …"""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = read(f"/proc/{pid}/cmdline").split("\0")
        except OSError:
            continue
        if len(arguments) > 1 and arguments[1] == kind:
            found.append(int(pid))
    return found


# 8 ----------------------------------------------------------------------------------------------------------------------


def end(story):
    """swage ends as it was told, and has logged nothing worse than what was done to it"""
    status = story.swage.stop()
    bad = [line for line in story.swage.log.splitlines()
           if re.search("ERROR|WARNING|Sanitizer|runtime error", line) and "it is started again" not in line]
    if status != 0 or bad:
        raise Failed(f"swage: exit status {status}\n" + "\n".join(bad))
    peers = re.findall(r"(\w+) from \S+: 200 after", story.swage.log)
    story.say(f"{len(peers)} registrations, by {len(set(peers))} peers")


# ------------------------------------------------------------------------------------------------------------------------

STEPS = {1: forge, 2: js_node, 3: verifiers, 4: browser, 5: acme_clients, 6: go_client, 7: disturbances, 8: end}


def play(story):
    """All steps that were chosen; the exit status."""
    for number, step in sorted(STEPS.items()):
        if number not in story.options.steps:
            continue
        begun = time.monotonic()
        try:
            step(story)
        except Skipped as why:
            print(f"SKIPPED {number} {step.__doc__}: {why}", flush=True)
            continue
        except Failed as failure:
            print(f"not ok {number} {step.__doc__} ({time.monotonic() - begun:.1f} s)\n{failure}", flush=True)
            show_logs()
            return 1
        print(f"ok {number} {step.__doc__} ({time.monotonic() - begun:.1f} s)", flush=True)
    return 0


def show_logs():
    for part in Part.all:
        print(f"---- {part.name}\n" + "\n".join(part.log.splitlines()[-40:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swage", default=f"{ROOT}/build/release/swage")
    parser.add_argument("--swage-peer", default=f"{ROOT}/build/release/swage-peer")
    parser.add_argument("--interop", default=f"{ROOT}/build/interop", help="where tests/interop/prepare put the peers")
    parser.add_argument("--steps", type=int, nargs="+", default=sorted(STEPS), help="by default all; 1 and 2 must be among them")
    parser.add_argument("--explain", action="store_true", help="what each step saw")
    options = parser.parse_args()
    machine.enter()
    machine.make(ADDRESSES)
    machine.run("ip", "-6", "route", "add", "default", "dev", "lo", "src", "3fff::1")
    sys.exit(play(Story(options)))


if __name__ == "__main__":
    main()
