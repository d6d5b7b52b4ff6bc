#!/usr/bin/env python3
"""The user's story from beginning to end, with parts that are not our code. README.md beside this file tells it."""

import sys

sys.dont_write_bytecode = True

import argparse
import base64
import os
import pty
import re
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import forge
import machine
from forge import ACME, BROKER, CA, DOMAIN, ROOT, ROOTS, SHORT_ACME, SHORT_ROOTS, dig, label, served, verify
from machine import Failed, Part, WORK, read, run, until, write


class Skipped(Exception):
    """A step cannot be done on this machine."""


class Story:
    """What the steps know of each other."""

    def __init__(self, options):
        self.swage_program = os.path.abspath(options.swage)
        self.swage_peer = os.path.abspath(options.swage_peer)
        self.js_peer = os.path.abspath(f"{options.interop}/js-peer")
        self.go_peer = os.path.abspath(f"{options.interop}/go-peer")
        self.fleet = options.fleet
        self.swages = []  # those that run, from step 1 on
        self.id = None  # the node's peer ID, from step 2 on


# The steps: each takes the story and say(TEXT), for details. What they prove is their docstring.


def start(story, say):
    """swage is a forge, Pebble the CA, unbound the recursor in front; the broker gets its own certificate"""
    forge.make_authority()
    unbound = Part("unbound", "unbound", "-d", "-p", "-c", f"{forge.HERE}/etc/unbound.conf")
    forge.start_broker_ca()
    story.swages = (forge.start_fleet if story.fleet else forge.start_swage)(story.swage_program)
    forge.start_pebble("pebble", 14000, 15000, ROOTS)
    forge.start_pebble("short-pebble", 14001, 15001, SHORT_ROOTS, certificateValidityPeriod=16)
    for each in story.swages:
        each.says(r"^\d+ dns process")
    unbound.says("start of service")
    if story.fleet:
        forge.start_balancer()

    def healthy():
        try:
            return run("curl", "-sS", "-w", "%{http_code}", f"{BROKER}/v1/health") == "204"
        except Failed:  # without a certificate curl does not connect
            return False

    until(f"{BROKER} is healthy", healthy, 60)
    say(f"{BROKER} is healthy, with a certificate that swage has got")
    name = f"203-0-113-1.k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6.{DOMAIN}"
    if dig(name) != ["203.0.113.1"]:
        raise Failed(f"{name}: {dig(name)}")
    say(f"{name} is 203.0.113.1")


def start_node(story, name, port, *options, acme=ACME):
    """A js-libp2p node with AutoTLS: TCP on `port`, WebSocket on the next one. A public address it has to be told."""
    return Part(name, story.js_peer, "autotls", "--broker", BROKER, "--domain", DOMAIN, "--acme", acme, *options,
                "--announce", f"/ip6/3fff::1/tcp/{port}", "--announce", f"/ip6/3fff::1/tcp/{port + 1}/ws",
                f"/ip4/0.0.0.0/tcp/{port}", f"/ip6/::/tcp/{port}",
                f"/ip4/0.0.0.0/tcp/{port + 1}/ws", f"/ip6/::/tcp/{port + 1}/ws",
                env={"NODE_EXTRA_CA_CERTS": CA, "DEBUG": "libp2p:auto-tls*"})


def js_node(story, say):
    """a js-libp2p node has its certificate, and serves WSS"""
    node = start_node(story, "node", 4011)
    story.id = node.says(r"^id (\S+)")[1]
    say(f"it is {story.id}")
    dialled = forge.says(story.swages, rf"{story.id} from \S+: 200 after (\d+ ms): (\S+)/p2p/\S+, (.*)", timeout=40)
    say(f"the broker has dialled it at {dialled[2]} ({dialled[3]}), in {dialled[1]}")
    value = forge.served_everywhere(story.id)
    if not any(re.fullmatch(r'"[\w-]{43}"', each) for each in value):
        raise Failed(f"its challenge is answered with {value}")
    say(f"its challenge is answered with {value[0]}" + " by both nameservers" * story.fleet)
    subject = node.says(r"^certificate:provision \S+ (.*)", timeout=40)[1]
    if subject != f"DNS:*.{label(story.id)}.{DOMAIN}":
        raise Failed(f"the certificate is for {subject}")
    say(f"its certificate is for {subject[4:]}")
    announced = node.says(rf"^address (/ip6/3fff::1/tcp/4012/tls/sni/3fff--1\.{label(story.id)}\.{DOMAIN}/ws)")
    say(f"it announces {announced[1]}")


def verifiers(story, say):
    """openssl, curl and another js-libp2p node reach it by name, and trust Pebble's root alone"""
    for kind, address in ("dns4", "192-0-2-10"), ("dns6", "3fff--1"):
        name = f"{address}.{label(story.id)}.{DOMAIN}"
        openssl = ["openssl", "s_client", "-connect", f"{name}:4012", "-servername", name, "-verify_hostname", name,
                   "-verify_return_error", "-brief"]
        run(*openssl, "-CAfile", ROOTS)
        run(*openssl, "-CAfile", CA, status=1)
        curl = ["curl", "-sS", "--http1.1", "-o", "/dev/null", f"https://{name}:4012/"]
        run(*curl, "--cacert", ROOTS)
        run(*curl, status=60)  # the certificate cannot be checked
        dial = [story.js_peer, "dial", f"/{kind}/{name}/tcp/4012/tls/ws/p2p/{story.id}"]
        connection, pong, agent = run(*dial, env={"NODE_EXTRA_CA_CERTS": ROOTS}).splitlines()
        say(f"openssl, curl: {name}")
        say(f"js-libp2p:     the same: {connection}, {pong} ms")
    if "network error" not in (refused := run(*dial, status=1)):
        raise Failed(f"js-libp2p without the root: {refused}")
    say("without Pebble's root all three refuse")


def browser(story, say):
    """Chromium dials it from a page, over IPv4 and IPv6, and trusts Pebble's root alone"""
    if not machine.has("chromium", "certutil"):
        raise Skipped("it takes chromium and certutil")
    trusting, other = f"{WORK}/trusting", f"{WORK}/other"
    store = f"{trusting}/.pki/nssdb"
    os.makedirs(store)
    os.mkdir(other)
    run("certutil", "-d", f"sql:{store}", "-N", "--empty-password")
    run("certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "root", "-i", ROOTS)

    addresses = [f"/{kind}/{address}.{label(story.id)}.{DOMAIN}/tcp/4012/tls/ws/p2p/{story.id}"
                 for kind, address in (("dns4", "127-0-0-1"), ("dns6", "3fff--1"))]
    seen = run(story.js_peer, "browse", *addresses, env={"HOME": trusting}, timeout=90)
    pongs = re.findall(r"^remote (\S+)\n(connection .*)\n(pong \d+)$", seen, re.MULTILINE)
    if [address for address, _, _ in pongs] != addresses:
        raise Failed(f"Chromium: {seen}")
    for address, connection, pong in pongs:
        say(f"{address[:address.index('/p2p')]}: {connection}, {pong} ms")
    seen = run(story.js_peer, "browse", addresses[0], env={"HOME": other}, timeout=90, status=1)
    if "ERR_CERT_AUTHORITY_INVALID" not in seen:
        raise Failed(f"Chromium without the root: {seen}")
    say("without Pebble's root it refuses: ERR_CERT_AUTHORITY_INVALID")


def documented_hooks():
    """The two scripts of docs/swage-peer.md: lego's and certbot's."""
    hooks = re.findall(r"^#!/bin/sh\n.*?(?=^```)", read(f"{ROOT}/docs/swage-peer.md"), re.MULTILINE | re.DOTALL)
    if len(hooks) != 2:
        raise Failed(f"docs/swage-peer.md has {len(hooks)} hooks, not lego's and certbot's")
    return hooks


def acme_clients(story, say):
    """lego and certbot have wildcard certificates, by the hooks that swage-peer's documentation shows"""
    if not machine.has("lego", "certbot"):
        raise Skipped("it takes lego and certbot")
    for path, hook in zip(("/etc/lego-hook", "/etc/hook"), documented_hooks()):
        write(path, hook)
        os.chmod(path, 0o755)
    path = {"PATH": f"{os.path.dirname(story.swage_peer)}:{os.environ['PATH']}"}
    wildcard = f"*.{run(story.swage_peer, '--key', '/etc/node.key', '--id').split()[1]}.{DOMAIN}"
    write("/etc/letsencrypt/cli.ini", f"server = {ACME}\nagree-tos = true\nregister-unsafely-without-email = true\n"
          f"non-interactive = true\nwork-dir = {WORK}/certbot\nlogs-dir = {WORK}/certbot\n")

    # Both wait for seconds between two looks at the CA, so they do it side by side; but their hooks listen on one port.
    lego = Part("lego", "lego", "--server", ACME, "--accept-tos", "--email", "operator@example.org",
                "--path", f"{WORK}/lego", "--dns", "exec", "--domains", wildcard, "run",
                env={"EXEC_PATH": "/etc/lego-hook", **path})
    lego.says("Checking DNS record propagation")
    certbot = Part("certbot", "certbot", "certonly", "--manual", "--preferred-challenges", "dns",
                   "--manual-auth-hook", "/etc/hook", "-d", wildcard, env=path)
    for client, chain in ((lego, f"{WORK}/lego/certificates/_{wildcard[1:]}.crt"),
                          (certbot, f"/etc/letsencrypt/live/{wildcard[2:]}/fullchain.pem")):
        if client.wait(60) != 0:
            raise Failed(f"{client.name} ends with another status than 0")
        verify(chain, f"any{wildcard[1:]}")
        say(f"{client.name} has a certificate for {wildcard}")


def go_client(story, say):
    """a go-libp2p node obtains and renews its certificate; p2p-forge's client registers with all types of keys"""
    if not os.path.exists(story.go_peer):
        raise Skipped("it takes build/interop/go-peer, and that a Go toolchain: tests/interop/prepare")
    node = Part("go-node", story.go_peer, "autotls", "--broker", BROKER, "--domain", DOMAIN, "--acme", SHORT_ACME,
                "--storage", f"{WORK}/go-node",
                "/ip4/192.0.2.10/tcp/4021", f"/ip4/192.0.2.10/tcp/4022/tls/sni/*.{DOMAIN}/ws")
    name = f"192-0-2-10.{label(node.says(r'^id (.*)')[1])}.{DOMAIN}"
    node.says("^loaded", timeout=40)
    first = served(name, 4022, SHORT_ROOTS)
    say(f"{name} serves the certificate {first}")
    for port, kind in enumerate(("ed25519", "rsa", "secp256k1", "ecdsa"), 4031):
        say(send_challenge(story, kind, port))
    node.says("^renewed", timeout=40)
    renewed = until("the new certificate is served", lambda: (now := served(name, 4022, SHORT_ROOTS)) != first and now)
    say(f"renewed, it serves the certificate {renewed}")
    node.stop()


def send_challenge(story, kind, port):
    """Registers a value for a go-libp2p node with such a key; returns what to say about it."""
    key = f"{WORK}/{kind}.key"
    id = run(story.swage_peer, "--key", key, "--key-type", kind, "--id").split()[0]
    listener = Part(f"go-{kind}", story.go_peer, "listen", "--key", key, f"/ip4/192.0.2.10/tcp/{port}")
    listener.says("^ready")
    value = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    said = run(story.go_peer, "register", "--key", key, BROKER, "--", value, f"/ip4/192.0.2.10/tcp/{port}")
    answered = forge.served_everywhere(id)
    if said != f"registered {id}\n" or answered != [f'"{value}"']:
        raise Failed(f"SendChallenge with {kind}: {said}, then the answer is {answered}")
    listener.stop()
    return f"SendChallenge with a key of type {kind}: {id} has its value answered"


def disturbances(story, say):
    """two nodes register at once and one renews, while swage is reloaded and its processes are killed"""
    # The client fetches a new certificate 12 s before the end of the old one, which then is 4 s old.
    renewing = start_node(story, "renewing", 4041, "--renew-before", "12", "--save", f"{WORK}/renewing.pem",
                          acme=SHORT_ACME)
    other = start_node(story, "other", 4043, "--save", f"{WORK}/other.pem")
    obtains, asks = r"^certificate:\w+ (\S+)", f"asking {BROKER}"
    renewing.says(asks)
    for each in story.swages:
        forge.reload(each)
    other.says(asks)
    forge.kill("@dns")
    forge.kill("@service")
    first = renewing.says(obtains, timeout=60)[1]
    other.says(obtains, timeout=60)
    renewing.says(asks, times=len(re.findall(asks, renewing.log)) + 1)
    forge.kill("@service")
    for each in story.swages:
        forge.reload(each)
    forge.kill("@dns")
    second = renewing.says(obtains, timeout=60, times=2)[1]

    names = {node: f"192-0-2-10.{label(node.says(r'^id (.*)')[1])}.{DOMAIN}" for node in (renewing, other)}
    verify(f"{WORK}/renewing.pem", names[renewing], SHORT_ROOTS)  # js-libp2p goes on serving the one before
    say(f"{names[renewing]}: {first}, then {second}")
    say(f"{names[other]}: {served(names[other], 4044, ROOTS)}")
    for node in names:
        node.stop()


def end(story, say):
    """swage ends when it is told, and has logged nothing worse than what was done to it"""
    if story.fleet:
        both_had_work(story, say)
    registered = []
    for swage in story.swages:
        status = swage.stop()
        bad = [line for line in swage.log.splitlines()
               if re.search("ERROR|WARNING|Sanitizer|runtime error", line) and not re.search(DONE_TO_IT, line)]
        if status != 0 or bad:
            raise Failed(f"{swage.name}: exit status {status}\n" + "\n".join(bad))
        registered += re.findall(r"(\w+) from \S+: 200 after", swage.log)
    say(f"{len(registered)} registrations, by {len(set(registered))} peers")


def both_had_work(story, say):
    """Each nameserver has answered the CA, and each broker a node with 200; of a few steps alone that may not be so."""
    registered = [len(re.findall(r"\w+ from \S+: 200 after", swage.log)) for swage in story.swages]
    for number, (swage, count) in enumerate(zip(story.swages, registered), 1):
        metrics = run("curl", "-sS", f"http://127.0.0.1:925{number}/metrics")
        answers = re.findall(r'^coredns_forge_acme_dns01_responses_total{.*type="TXT".*} (\S+)', metrics, re.MULTILINE)
        answered = sum(map(float, answers))
        if sum(registered) > 8 and not (answered and count):
            raise Failed(f"{swage.name} has answered {answered:.0f} challenges and {count} registrations")
        say(f"{swage.name} has answered {answered:.0f} challenges and {count} registrations")


STEPS = dict(enumerate((start, js_node, verifiers, browser, acme_clients, go_client, disturbances, end), 1))
DONE_TO_IT = "restarting it"  # in the log
SIDE_BY_SIDE = [[1], [2], [3, 4, 5, 6], [7], [8]]  # most of 5 and 6 is waiting


KEPT = """
This is a shell in the demo's network, with everything still running; exit, or Ctrl-D, ends it all. For example:

    dig +short 192-0-2-10.{label}.{domain}      # by unbound, from swage
    dig +norecurse @192.0.2.1 TXT _acme-challenge.{label}.{domain}      # swage itself
    curl -i {broker}/v1/health
    curl -i --http1.1 --cacert {roots} https://192-0-2-10.{label}.{domain}:4012/
    ls {work}; tail {work}/swage*.log
"""

PROVEN = """
Proven: a libp2p node that had nothing but its key has a certificate for its own names, and Chromium accepts it. Of all
that took part only swage is from this repository."""
GONE = "The network in which it happened is gone now; with --keep you can look around in it."


def play(story, numbers, explain):
    """The steps of these numbers; the exit status. `explain`: with their details, and one after the other."""
    skipped = []
    for group in [[each] for each in STEPS] if explain else SIDE_BY_SIDE:
        group = [number for number in group if number in numbers]
        with ThreadPoolExecutor(max(1, len(group))) as threads:
            done = [threads.submit(take, number, story, explain) for number in group]
            outcomes = [each.result() for each in done]
        if "not ok" in outcomes:
            show_logs()
            return 1
        skipped += [number for number, outcome in zip(group, outcomes) if outcome == "SKIPPED"]
    done = f"all {len(numbers)} steps done"
    if skipped:
        done = f"{len(numbers) - len(skipped)} of {len(numbers)} steps done, {len(skipped)} skipped"
    print(f"the story: {done}", flush=True)
    if explain and {1, 2, 3, 4} <= set(numbers) - set(skipped):
        print(PROVEN)
    return 0


def keep(story):
    """A shell beside everything that runs, until it ends."""
    print(KEPT.format(label=label(story.id) if story.id else "LABEL", domain=DOMAIN, roots=ROOTS, broker=BROKER, work=WORK))
    os.environ["PS1"] = "demo$ "
    pty.spawn(["bash", "--norc", "-i"])  # on a terminal of its own: the one outside belongs to a session outside


def take(number, story, explain):
    """One step: prints and returns how it went."""
    begun = time.monotonic()
    step = STEPS[number]
    outcome, why = "ok", ""
    try:
        step(story, show if explain else lambda text: None)
    except Skipped as reason:
        outcome, why = "SKIPPED", f": {reason}"
    except Exception as failure:  # whatever it is, the logs say more
        outcome, why = "not ok", f": {failure if isinstance(failure, Failed) else repr(failure)}"
    print(f"{outcome} {number} {step.__doc__} ({time.monotonic() - begun:.1f} s){why}", flush=True)
    return outcome


def show(text):
    """A detail; peer IDs, as they are in names, are too long to be read."""
    print("     " + re.sub(r"\b(k51qzi5uqu5d)\w{45,}(\w{5})\b", r"\1…\2", text), flush=True)


def show_logs():
    for part in Part.all:
        print(f"---- {part.name}\n" + "\n".join(part.log.splitlines()[-40:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swage", default=f"{ROOT}/build/release/swage")
    parser.add_argument("--swage-peer", default=f"{ROOT}/build/release/swage-peer")
    parser.add_argument("--interop", default=f"{ROOT}/build/interop", help="where tests/interop/prepare put the peers")
    parser.add_argument("--steps", type=int, nargs="+", choices=STEPS, default=list(STEPS),
                        help="all by default; 1 is needed")
    parser.add_argument("--explain", action="store_true", help="say what each step saw; one step after the other")
    parser.add_argument("--fleet", action="store_true", help="two nameservers with brokers, over three etcds")
    parser.add_argument("--keep", action="store_true", help="then open a shell in the story's network")
    options = parser.parse_args()
    machine.enter("the story", needs=["pebble", "unbound", "dig", "openssl", "curl", "ip", f"{options.interop}/js-peer",
                                      *(["etcd"] if options.fleet else [])])
    machine.make(forge.ADDRESSES)
    # Without a route to the Internet browsers ask for no AAAA.
    run("ip", "-6", "route", "add", "default", "dev", "lo", "src", "3fff::1")
    story = Story(options)
    status = play(story, options.steps, options.explain)
    if options.keep:
        keep(story)
    elif options.explain and status == 0:
        print(GONE)
    sys.exit(status)


if __name__ == "__main__":
    main()
