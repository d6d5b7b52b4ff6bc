#!/usr/bin/env python3
"""A fleet, with real parts: nameservers with brokers over three etcds, and what is done to them. README.md tells it."""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import re
import signal
import subprocess
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import machine
from chaos import Chaos
from machine import Failed, Part, WORK, until, write
from machines import Clock, Engine, NODES, ROOT, Swage, make_bridge, memory_store


class Fleet:
    """What the steps know of each other."""

    def __init__(self, options):
        self.options = options
        self.load_program, self.swage_program = map(os.path.abspath, (options.load, options.swage))
        self.engine = Engine()
        self.swages = [Swage(number, self.swage_program) for number in range(1, options.nameservers + 1)]
        self.next = 0  # registration: each has a node of its own
        self.acknowledged = []

    def load(self, brokers=None, nameservers=None, **flags):
        """Starts fleet_load; finish() has what it saw."""
        command = [self.load_program, "--nodes", NODES,
                   "--brokers", ",".join(each.broker for each in brokers or self.swages),
                   "--nameservers", ",".join(each.nameserver for each in nameservers or self.swages),
                   "--first", str(self.next)]
        self.next += 200_000  # of 8 million addresses
        for name, value in flags.items():
            command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def finish(self, load, timeout=600):
        """What fleet_load saw. A nameserver that answered without an acknowledged value is a failure."""
        said = load.communicate(timeout=timeout)[0]
        if load.returncode not in (0, 1):
            raise Failed(f"fleet_load ends with status {load.returncode}")
        seen = json.loads(said)
        self.acknowledged += seen.pop("acknowledged")
        if seen["violations"]:
            raise Failed(f"{seen['violations']} answers without a value that was acknowledged:\n" + "\n".join(seen["texts"]))
        if seen["without_retry_after"]:
            raise Failed(f"{seen['without_retry_after']} responses 503 without Retry-After")
        return seen

    def run_load(self, **arguments):
        return self.finish(self.load(**arguments))

    def register_for_a_while(self, broker):
        """Ten, whose values will end; which ones."""
        before = len(self.acknowledged)
        expect_only_200(self.run_load(brokers=[broker], count=10))
        ending, self.acknowledged = self.acknowledged[before:], self.acknowledged[:before]
        return ending

    def ask_for(self, registrations):
        """What each nameserver answers for them."""
        command = [self.load_program, "--verify", "--nodes", NODES,
                   "--nameservers", ",".join(each.nameserver for each in self.swages)]
        said = subprocess.run(command, input="\n".join(map(str, registrations)), capture_output=True, text=True)
        return json.loads(said.stdout)

    def verify(self):
        """Every nameserver has all that was ever acknowledged."""
        seen = self.ask_for(self.acknowledged)
        if seen["violations"]:
            raise Failed(f"{seen['violations']} acknowledged values are lost:\n" + "\n".join(seen["texts"]))
        expect_all_have(seen, len(self.acknowledged))
        return f"{len(self.acknowledged)} acknowledged values, {len(self.swages)} nameservers: all there, over UDP and TCP"

    def well(self, timeout=40):
        """Waits until all is as it should be."""
        self.engine.wait()
        for each in self.swages:
            until(f"{each.name} answers challenges", each.answers_challenges, timeout)


def expect_all(seen, what, count):
    for name, answers in seen["nameservers"].items():
        for over, counts in answers.items():
            if counts[what] != count:
                raise Failed(f"{name} over {over.upper()}: of {count} values: {counts}")


def expect_all_have(seen, count):
    expect_all(seen, "has", count)


def expect_only_200(seen):
    if set(seen["statuses"]) != {"200"}:
        raise Failed(f"not all of these are 200: {seen['statuses']}")


def summary(seen):
    statuses = ", ".join(f"{count} times {status}" if status != "0" else f"{count} without a response"
                         for status, count in seen["statuses"].items())
    times = seen["milliseconds"]
    return (f"{statuses} in {seen['seconds']:.1f} s; to the 200: {times['p50']:.0f} ms (p50), {times['p99']:.0f} ms (p99), "
            f"{times['most']:.0f} ms at most")


def silent_or_fenced(seen):
    counts = {kind: sum(over[kind] for answers in seen["nameservers"].values() for over in answers.values())
              for kind in ("has", "servfail", "silent", "other")}
    if counts["other"]:
        raise Failed(f"answers that are neither: {seen['nameservers']}")
    return f"of the answers {counts['has']} had the value, {counts['servfail']} were SERVFAIL, {counts['silent']} did not come"


# The steps: each takes the fleet and say(TEXT), for details. What they prove is their docstring.


def control(fleet, say):
    """the checker can see what must not be: with a store of its own each nameserver answers without others' values"""
    for each in fleet.swages:
        each.start(memory_store)
    seen = json.loads(fleet.load(count=20).communicate(timeout=60)[0])
    expected = 2 * 20 * (len(fleet.swages) - 1)  # UDP and TCP, at all but the broker's own
    if seen["violations"] != expected or set(seen["statuses"]) != {"200"}:
        raise Failed(f"of {expected} answers without the value it has seen {seen['violations']}: {seen}")
    for each in fleet.swages:
        if each.part.stop() != 0:
            raise Failed(f"{each.name} ends with {each.part.process.returncode}")
    say(f"{expected} of {expected} wrong answers are found")


def start(fleet, say):
    """nameservers whose engine is not there yet answer addresses, and SERVFAIL for challenges; then it comes"""
    for each in fleet.swages:
        each.start(fleet.engine.store, wait=False)
    for each in fleet.swages:
        until(f"{each.name} answers addresses", each.answers_addresses, 30)
        if not each.fenced():
            raise Failed(f"{each.name} answers challenges without an engine")
    seen = fleet.run_load(count=3, at_once=3)
    if set(seen["statuses"]) != {"503"}:
        raise Failed(f"without an engine: {seen['statuses']}")
    say(f"without etcd: {summary(seen)}")
    begun = time.monotonic()
    fleet.engine.start()
    fleet.well()
    say(f"{time.monotonic() - begun:.1f} s after etcd was started all answer challenges")


def registrations(fleet, say):
    """registrations at any broker; right after each 200 every nameserver has the value, over UDP and TCP"""
    before, begun = fleet.engine.load(), time.monotonic()
    seen = fleet.run_load(count=fleet.options.registrations, at_once=32)
    after, seconds = fleet.engine.load(), time.monotonic() - begun
    say(summary(seen))
    say(f"etcd: {(after['writes'] - before['writes']) / seen['statuses'].get('200', 1):.1f} writes a registration, "
        f"{(after['cpu'] - before['cpu']) / seconds * 100:.0f} % of a CPU for all three")
    expect_only_200(seen)
    expect_all_have(seen, fleet.options.registrations)


def reloads(fleet, say):
    """reloads, and service processes that are killed, under load: no registration is lost"""
    load = fleet.load(seconds=6, at_once=8, tries=5)
    for each in fleet.swages:
        each.reload()
    say("each was reloaded")
    for each in fleet.swages:
        each.signal(signal.SIGKILL, each.children("@service"))
        until(f"{each.name} has a service process again", lambda: each.children("@service"), 30)
    say("of each the service process was killed")
    seen = fleet.finish(load)
    say(summary(seen))
    say(silent_or_fenced(seen))
    fleet.well()
    say(fleet.verify())


def cut_off(fleet, say):
    """one is cut off from the engine, another sleeps: fenced in time, addresses all the time; they heal, after a compaction"""
    lonely, sleeper, others = fleet.swages[-1], fleet.swages[-2], fleet.swages[:-2]
    load, begun, pids = fleet.load(brokers=others, seconds=12, at_once=4), time.monotonic(), sleeper.pids()
    sleeper.signal(signal.SIGSTOP, pids)
    for each in fleet.engine.members:
        lonely.cut(each)
    addresses = 0
    while not lonely.fenced():
        if time.monotonic() - begun > 10:
            raise Failed(f"{lonely.name} is not fenced after 10 s")
        addresses += has_addresses(lonely)
    say(f"cut off, it is fenced after {time.monotonic() - begun:.1f} s")
    seen = fleet.run_load(brokers=[lonely], count=4, at_once=4)
    if set(seen["statuses"]) != {"503"}:
        raise Failed(f"the broker that is cut off says {seen['statuses']}")
    say(f"its broker: {summary(seen)}")
    while load.poll() is None and time.monotonic() - begun < 12:
        addresses += has_addresses(lonely)
        if not lonely.fenced():
            raise Failed(f"{lonely.name} answers challenges while it is cut off")
    sleeper.signal(signal.SIGCONT, pids)
    seen = fleet.finish(load)
    say(f"the others: {summary(seen)}")
    say(f"the queries that waited while one slept are answered, too: {silent_or_fenced(seen)}")
    expect_only_200(seen)
    fleet.engine.members[0].control("compact", str(fleet.engine.revision()))
    for each in fleet.engine.members:
        lonely.join(each)
    begun = time.monotonic()
    fleet.well()
    say(f"{addresses} queries for addresses were answered meanwhile; it heals within {time.monotonic() - begun:.1f} s, "
        "although the revisions that it missed are compacted")
    say(fleet.verify())


def has_addresses(swage):
    """How many queries for addresses were answered: all."""
    time.sleep(0.01)
    if not swage.answers_addresses():
        raise Failed(f"{swage.name} does not answer addresses while it is cut off")
    return 2


def no_quorum(fleet, say):
    """without a quorum registrations get 503 with Retry-After, challenges SERVFAIL; addresses go on; nothing is lost"""
    begun = time.monotonic()
    for each in fleet.engine.members[1:]:
        each.kill()
    seen = fleet.run_load(count=6, at_once=6)
    if set(seen["statuses"]) - {"503"}:
        raise Failed(f"without a quorum: {seen['statuses']}")
    say(summary(seen))
    for each in fleet.swages:
        until(f"{each.name} is fenced", each.fenced, 12)
        if not each.answers_addresses():
            raise Failed(f"{each.name} does not answer addresses without a quorum")
    say(f"all are fenced {time.monotonic() - begun:.1f} s after")
    for each in fleet.engine.members[1:]:
        each.start(fleet.engine.members)
    begun = time.monotonic()
    fleet.well()
    say(f"{time.monotonic() - begun:.1f} s after the two are started again all answer challenges")
    expect_only_200(fleet.run_load(count=30))
    say(fleet.verify())


def chaos(fleet, say):
    """random faults: no 200 whose value a live, unfenced nameserver does not have, and nothing acknowledged is lost"""
    seconds = fleet.options.chaos
    load = fleet.load(seconds=seconds, at_once=16, tries=3)
    harm = Chaos(fleet.engine, fleet.swages, fleet.engine.store, fleet.options.seed, longest=min(12, seconds / 3))
    try:
        seen = fleet.finish(load, seconds + 60)
    finally:
        harm.end()
        for each in harm.done:
            say(each)
    say(summary(seen))
    say(silent_or_fenced(seen))
    fleet.well()
    say(fleet.verify())


def clock(fleet, say):
    """clocks that are set, of a nameserver and of an etcd: nothing that lives is lost, nothing lives on; and a machine sleeps"""
    jumping, others, seconds = fleet.swages[-1], fleet.swages[:-1], 12
    jumping.part.stop()
    jumping.start(fleet.engine.store, lifetime=f"{seconds}s")  # of what is registered there
    fleet.well()
    for machine in (jumping, fleet.engine.leader()):
        clock = Clock(machine)
        for ahead in (7200, -7200):
            short_lived = fleet.register_for_a_while(jumping)
            clock.jump(realtime=ahead)
            seen = fleet.run_load(brokers=others, count=100, at_once=8)
            expect_only_200(seen)
            expect_all_have(seen, 100)
            short_lived += fleet.register_for_a_while(jumping)
            say(f"{machine.name}'s clock is {ahead} s from the others': {summary(seen)}")
            say(fleet.verify())
            time.sleep(seconds + 0.5)
            expect_all(fleet.ask_for(short_lived), "missing", len(short_lived))
            say(f"after {seconds} s nobody answers what was to live for {seconds} s")
        clock.jump()
    clock = Clock(jumping)
    for each in fleet.engine.members:
        jumping.cut(each)  # networks wake up later
    clock.jump(boottime=60)
    if not jumping.fenced():
        raise Failed("a machine that slept for a minute is not fenced when it wakes up")
    for each in fleet.engine.members:
        jumping.join(each)
    fleet.well()
    say("after a minute's sleep it is fenced at once, and then goes on")
    expect_only_200(fleet.run_load(brokers=others, count=50))
    say(fleet.verify())
    jumping.part.stop()
    jumping.start(fleet.engine.store)
    fleet.well()


def million(fleet, say):
    """nameservers begin with 1,000,000 peers in the engine"""
    for each in fleet.swages:
        each.part.stop()
    begun = time.monotonic()
    fleet.engine.fill(fleet.options.peers)
    say(f"{fleet.options.peers} values were written in {time.monotonic() - begun:.0f} s; the database has "
        f"{fleet.engine.load()['bytes'] / 1e6:.0f} MB, an etcd {fleet.engine.load()['memory'] / 1e6:.0f} MB of memory")
    for each in fleet.swages:
        before, begun = fleet.engine.load(), time.monotonic()
        each.start(fleet.engine.store, capacity=int(fleet.options.peers * 1.2) + 20_000)
        addresses = time.monotonic() - begun
        until(f"{each.name} answers challenges", each.answers_challenges, 300)
        seconds, after = time.monotonic() - begun, fleet.engine.load()
        if each.metric("swage_challenges") < fleet.options.peers:
            raise Failed(f"{each.name} has {each.metric('swage_challenges'):.0f} peers")
        say(f"{each.name} answers addresses after {addresses:.1f} s, challenges after {seconds:.1f} s; its service process has "
            f"{peak(each.children('@service')[0]):.0f} MB at most; the etcds took {after['cpu'] - before['cpu']:.1f} s of CPU, "
            f"one of them has {after['memory'] / 1e6:.0f} MB of memory")
    expect_only_200(fleet.run_load(count=200, at_once=8))
    say(fleet.verify())


def peak(pid):
    """Megabytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", machine.read(f"/proc/{pid}/status"))[1]) / 1024


def end(fleet, say):
    """the nameservers end when they are told"""
    for each in fleet.swages:
        status = each.part.stop()
        if status != 0 or "Sanitizer" in each.part.log or "runtime error" in each.part.log:
            raise Failed(f"{each.name} ends with {status}")


SHORT = (control, start, registrations, reloads, cut_off, no_quorum, chaos, end)
LONG = (*SHORT[:-1], clock, million, end)


SHORT_FORM = {"registrations": 300, "chaos": 10.0, "steps": [step.__name__.replace("_", "-") for step in SHORT]}


def play(fleet, steps):
    for number, step in enumerate(steps, 1):
        begun = time.monotonic()
        try:
            step(fleet, lambda text: print(f"     {text}", flush=True))
        except Exception as failure:
            why = failure if isinstance(failure, Failed) else repr(failure)
            print(f"not ok {number} {step.__doc__} ({time.monotonic() - begun:.1f} s): {why}", flush=True)
            show_logs()
            return 1
        print(f"ok {number} {step.__doc__} ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"the fleet: all {len(steps)} steps done", flush=True)
    return 0


def show_logs():
    for name in sorted({part.name for part in Part.all}):
        print(f"---- {name}\n" + "\n".join(machine.read(f"{WORK}/{name}.log").splitlines()[-40:]))


def main():
    names = {step.__name__.replace("_", "-"): step for step in LONG}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swage", default=f"{ROOT}/build/release/swage")
    parser.add_argument("--load", default=f"{ROOT}/build/release/tests/fleet_load")
    parser.add_argument("--nameservers", type=int, default=3)
    parser.add_argument("--registrations", type=int, default=10_000)
    parser.add_argument("--chaos", type=float, default=300, help="seconds")
    parser.add_argument("--peers", type=int, default=1_000_000, help="of the last step but one")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of the faults")
    parser.add_argument("--short", action="store_true", help="what every test run does: a minute")
    parser.add_argument("--steps", nargs="+", choices=names, default=list(names))
    parser.set_defaults(**SHORT_FORM if "--short" in sys.argv else {})
    options = parser.parse_args()
    machine.enter("the fleet", needs=["etcd", "etcdctl", "ip", "nft", "nsenter"])
    machine.make([])
    write(f"{WORK}/secret", "s" * 40 + "\n")
    os.chmod(f"{WORK}/secret", 0o600)
    print(f"faults: --seed {options.seed}", flush=True)
    try:
        make_bridge()
        fleet = Fleet(options)
    except Failed as failure:
        machine.leave("the fleet", f"it takes bridges, namespaces and nftables: {failure}", machine.SKIPPED)
    sys.exit(play(fleet, [names[each] for each in options.steps]))


if __name__ == "__main__":
    main()
