"""What stands on the story's machine: swage as a forge, the CA, the recursor; and how to ask them."""

import json
import os
import re
import shutil
import signal
import socket
import ssl

from machine import Failed, Part, WORK, read, run, until, write

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DOMAIN = "libp2p.direct"
BROKER = f"https://registration.{DOMAIN}"
ACME, ROOTS = "https://localhost:14000/dir", f"{WORK}/pebble-root.pem"  # stands for Let's Encrypt: signs for the nodes
SHORT_ACME, SHORT_ROOTS = "https://localhost:14001/dir", f"{WORK}/short-root.pem"  # one whose certificates live 16 s
BROKER_ACME, BROKER_ROOTS = "https://localhost:14002/dir", f"{WORK}/broker-root.pem"  # signs for the broker
CA = f"{WORK}/ca/ca.pem"  # stands for the authorities that every system trusts; with it the root of the broker's CA
NAMESERVERS = (("192.0.2.1", "192.0.2.2", "2001:db8:1::1", "2001:db8:2::1"),  # as in zones/libp2p.direct: in a fleet,
               ("198.51.100.1", "203.0.113.1", "2001:db8:3::1", "2001:db8:4::1"))  # of one swage and of the other
NO_PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
ADDRESSES = [*(f"{each}/{128 if ':' in each else 32}" for addresses in NAMESERVERS for each in addresses),
             "192.0.2.80/32", "2001:db8:80::1/128",  # the broker's
             "192.0.2.10/32", "3fff::1/128"]  # the nodes'


def make_authority():
    """The CA that everything here trusts, where OpenSSL, curl, Go and Python look, and what it has signed."""
    certificate("ca", "The story's CA", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    certificate("acme", "localhost", "subjectAltName=DNS:localhost", signed_by="ca")
    trust(CA)


def trust(root):
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    before = read(bundle) if os.path.exists(bundle) else ""
    write(bundle, before + read(root))
    digest = run("openssl", "x509", "-noout", "-hash", "-in", root).strip()
    shutil.copy(root, f"/etc/ssl/certs/{digest}.0")
    if root != CA:
        write(CA, read(CA) + read(root))


def start_broker_ca():
    """A CA as Let's Encrypt is one: everything trusts it."""
    start_pebble("broker-pebble", 14002, 15002, BROKER_ROOTS, certificateValidityPeriod=7776000)
    trust(BROKER_ROOTS)


def certificate(name, subject, *extensions, signed_by=None):
    """A key and a certificate, in WORK/ca."""
    path = f"{WORK}/ca/{name}"
    write(f"{WORK}/ca/openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n")
    signer = ["-CA", f"{WORK}/ca/{signed_by}.pem", "-CAkey", f"{WORK}/ca/{signed_by}.key"] if signed_by else []
    run("openssl", "req", "-config", f"{WORK}/ca/openssl.cnf", "-x509", "-days", "30", "-subj", f"/CN={subject}",
        "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-keyout", f"{path}.key", "-out", f"{path}.pem", *(f"-addext={each}" for each in extensions), *signer)


def prepare_swage():
    os.makedirs("/etc/swage")
    shutil.copy(f"{ROOT}/zones/libp2p.direct", "/etc/swage/libp2p.direct")


def start_swage(program):
    prepare_swage()
    write("/etc/swage/Corefile", read(f"{HERE}/etc/Corefile"))
    return [Part("swage", program, "-conf", "/etc/swage/Corefile", "-workers", "2")]


def start_fleet(program):
    """Two nameservers with brokers over three etcds."""
    prepare_swage()
    members = {f"etcd{number}": number for number in (1, 2, 3)}
    for name, number in members.items():
        client, peer = f"http://127.0.0.1:237{number}", "http://127.0.0.1:238{}"
        Part(name, "etcd", "--name", name, "--data-dir", f"{WORK}/{name}", "--listen-client-urls", client,
             "--advertise-client-urls", client, "--listen-peer-urls", peer.format(number),
             "--initial-advertise-peer-urls", peer.format(number),
             "--initial-cluster", ",".join(f"{each}={peer.format(other)}" for each, other in members.items()))
    write("/etc/swage/secret", "the same for both: 32 bytes or more")
    os.chmod("/etc/swage/secret", 0o600)
    swages = []
    for number, addresses in enumerate(NAMESERVERS, 1):
        corefile = read(f"{HERE}/etc/Corefile.fleet").replace("@NUMBER@", str(number))
        write(f"/etc/swage/Corefile{number}", corefile.replace("@ADDRESSES@", " ".join(addresses)))
        swages.append(Part(f"swage{number}", program, "-conf", f"/etc/swage/Corefile{number}", "-workers", "2"))
    for addresses in NAMESERVERS:
        until(f"{addresses[0]} answers challenges", lambda: values(NO_PEER, addresses[0]), 30)
    return swages


def start_balancer():
    """It ends TLS, with the certificate that swage keeps in a file."""
    certificate = f"{WORK}/certificates/registration.{DOMAIN}.pem"
    until("there is a certificate", lambda: os.path.exists(certificate), 60)
    balancer = Part("balancer", f"{HERE}/balancer.py", certificate, certificate, "8081", "8082")
    balancer.says("ready")


def says(swages, pattern, timeout):
    """Waits until one of them says so."""

    def found():
        return next((match for each in swages if (match := re.search(pattern, each.log, re.MULTILINE))), None)

    return until(f"swage says: {pattern}", found, timeout)


def values(id, nameserver=None):
    """The TXT records of a peer's challenge, by the recursor or at a nameserver."""
    at = [f"@{nameserver}", "+norecurse", "+time=1", "+tries=1"] if nameserver else []
    try:
        return [each for each in dig(*at, "TXT", f"_acme-challenge.{label(id)}.{DOMAIN}") if each.startswith('"')]
    except Failed:
        return []


def served_everywhere(id):
    """The values of a peer, which are the same at each nameserver and by the recursor."""
    here = values(id)
    for addresses in NAMESERVERS:
        for each in addresses:
            if sorted(values(id, each)) != sorted(here):
                raise Failed(f"{id}: by the recursor {here}, at {each} {values(id, each)}")
    return here


def start_pebble(name, port, management, roots, **settings):
    """Its root, a new one each time it starts, is written to `roots`."""
    config = json.loads(read(f"{HERE}/etc/pebble.json"))
    config["pebble"].update(listenAddress=f"127.0.0.1:{port}", managementListenAddress=f"127.0.0.1:{management}",
                            **settings)
    write(f"{WORK}/{name}.json", json.dumps(config))
    # By default it rejects one good nonce in twenty, and certbot gives up at the second one in a row.
    pebble = Part(name, "pebble", "-config", f"{WORK}/{name}.json", "-dnsserver", "127.0.0.1:53", "-strict=false",
                  env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0"})
    pebble.says("Root CA certificate available at")
    until(f"{name} listens", lambda: listens(management) and listens(port))
    write(roots, run("curl", "-sS", "--fail", f"https://localhost:{management}/roots/0"))


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dig(*question):
    """The records of the answer, in presentation format."""
    return run("dig", "+short", *question).splitlines()


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
    """The serial number of the certificate that is served there. It has to be good for the name."""
    try:
        with socket.create_connection((name, port), timeout=5) as connection:
            with ssl.create_default_context(cafile=roots).wrap_socket(connection, server_hostname=name) as tls:
                return tls.getpeercert()["serialNumber"]
    except OSError as error:
        raise Failed(f"{name}, port {port}: {error}")


def verify(chain, name, roots=ROOTS):
    """The certificate in that file has to be good for the name."""
    run("openssl", "verify", "-CAfile", roots, "-untrusted", chain, "-verify_hostname", name, chain)


def reload(swage):
    done = len(re.findall("Reloading complete", swage.log))
    swage.process.send_signal(signal.SIGUSR1)
    swage.says("Reloading complete", times=done + 1)


def kill(kind):
    """Kills the newest process `swage @dns …` or `swage @service`, and waits for its successor."""
    victim = max(children(kind))
    os.kill(victim, signal.SIGKILL)
    until(f"{kind} is started again", lambda: max(children(kind), default=0) > victim)


def children(kind):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = read(f"/proc/{pid}/cmdline").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        if len(arguments) > 1 and arguments[1] == kind:
            found.append(int(pid))
    return found
