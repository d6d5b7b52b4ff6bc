#!/usr/bin/env python3
"""What each process of a running server has: its user, capabilities, filters, descriptors and memory, as the kernel tells.

Memory that a process may only read is mapped to be read, and sealed, so that it cannot be written by another mapping
either; what a dns process can write is its own. As root alone, who may look.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import fcntl
import itertools
import os
import re

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import machine
from machine import Failed, Part, WORK, read, until, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEALED = fcntl.F_SEAL_WRITE | 0x10  # F_SEAL_FUTURE_WRITE
RESIZED = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
SECRET = "SWAGE_TEST_SECRET"

COREFILE = """example.org {
    bind 127.0.0.1
    user nobody
    file %s/zones/example.org
    prometheus 127.0.0.1:9153
}
libp2p.direct {
    bind 127.0.0.1
    acme-txt
    ipsubdomain
    file %s/zones/libp2p.direct
}
. {
    bind 127.0.0.1
    cache
    forward . 192.0.2.53
}
""" % (ROOT, ROOT)


class Process:
    def __init__(self, pid):
        self.pid, self.folder = pid, f"/proc/{pid}"
        self.name = read(f"{self.folder}/cmdline").replace("\0", " ").strip()
        self.status = dict(line.split(":\t", 1) for line in read(f"{self.folder}/status").splitlines() if ":\t" in line)
        self.descriptors = {}
        for each in os.listdir(f"{self.folder}/fd"):
            try:
                self.descriptors[int(each)] = os.readlink(f"{self.folder}/fd/{each}")
            except FileNotFoundError:
                pass

    def fail(self, what):
        raise Failed(f"{self.name}: {what}")

    def mappings(self):
        """(permissions, inode, name) of each piece of shared memory."""
        for line in read(f"{self.folder}/maps").splitlines():
            parts = line.split(maxsplit=5)
            if len(parts) == 6:
                yield parts[1], int(parts[4]), parts[5]


def children(pid):
    return [Process(int(each)) for each in read(f"/proc/{pid}/task/{pid}/children").split()]


def seals(supervisor):
    """Of all memory that the supervisor keeps, by inode."""
    found = {}
    for number, target in supervisor.descriptors.items():
        if not target.startswith("/memfd:"):
            continue
        memory = os.open(f"{supervisor.folder}/fd/{number}", os.O_RDONLY)
        found[os.fstat(memory).st_ino] = fcntl.fcntl(memory, fcntl.F_GET_SEALS)
        os.close(memory)
    return found


def check_rights(process):
    """A user of its own, and nothing that it could gain."""
    status = process.status
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if int(status[field], 16) != 0:
            process.fail(f"{field} is {status[field]}")
    if status["NoNewPrivs"] != "1" or status["Seccomp"] != "2":
        process.fail(f"NoNewPrivs {status['NoNewPrivs']}, Seccomp {status['Seccomp']}")
    users = set(status["Uid"].split())
    if len(users) != 1 or "0" in users:
        process.fail(f"its users are {users}")
    if os.stat(f"{process.folder}/maps").st_uid != 0:
        process.fail("it can be traced by processes of its user")  # else /proc/PID is root's
    if not re.search(r"^Max core file size +0 +0 ", read(f"{process.folder}/limits"), re.MULTILINE):
        process.fail("it may leave a core dump")
    if SECRET in read(f"{process.folder}/environ"):
        process.fail("it has the environment")
    for permissions, _, name in process.mappings():
        if "w" in permissions and "x" in permissions:
            process.fail(f"{name} is {permissions}")
    return users.pop()


def check_dns(process, sealed):
    """No file, and no memory of others that it could write."""
    for number, target in process.descriptors.items():
        if not re.match(r"socket:|/memfd:|anon_inode:|pipe:|/dev/null|/run/test/swage.log", target):
            process.fail(f"its descriptor {number} is {target}")
    written, seen = set(), set()
    for permissions, inode, name in process.mappings():
        if not name.startswith("/memfd:"):
            continue
        name = name.removeprefix("/memfd:").removesuffix(" (deleted)")
        if inode not in sealed:
            process.fail(f"{name} is memory that the supervisor does not know")
        if "w" in permissions:
            if not name.endswith(f" of {process.name.removeprefix('swage @')}"):  # "swage metrics of dns 0"
                process.fail(f"it may write {name}")
            written.add((name, inode))
        elif not sealed[inode] & SEALED or not sealed[inode] & RESIZED == RESIZED:
            process.fail(f"{name} ({permissions}) has the seals {sealed[inode]:#x}: it could be mapped once more, to be written")
        seen.add(name)
    return written, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swage", default=f"{ROOT}/build/release/swage")
    parser.add_argument("--show", action="store_true", help="what dns processes map")
    options = parser.parse_args()
    program = os.path.abspath(options.swage)
    if os.geteuid() != 0:
        machine.leave("the test of processes", "only root may look", machine.SKIPPED)
    machine.enter("the test of processes", needs=[])
    machine.make([])
    write(f"{WORK}/Corefile", COREFILE)
    swage = Part("swage", program, "-conf", f"{WORK}/Corefile", "-workers", "2", env={SECRET: "yes"})
    try:
        swage.says(r"^2 dns processes", 60)
        supervisor = Process(swage.process.pid)
        processes = until("all processes are there", lambda: len(found := children(supervisor.pid)) == 6 and found)
        users = [check_rights(each) for each in processes]
        if len(set(users)) != len(users):
            raise Failed(f"they share users: {users}")
        sealed = seals(supervisor)
        own = []
        for each in processes:
            if "@dns" not in each.name and "@stream" not in each.name:
                continue
            written, seen = check_dns(each, sealed)
            if options.show:
                print(f"{each.name}: writes {sorted(name for name, _ in written)}, reads {sorted(seen - {name for name, _ in written})}")
            own.append(written)
            if not any("libp2p.direct" in name or "example.org" in name for name in seen):
                each.fail(f"it has no zone: {seen}")
        for one, other in itertools.combinations(own, 2):
            if both := one & other:
                raise Failed(f"two dns processes write the same memory: {both}")
        swage.stop()
    except Failed as failure:
        print(f"not ok: {failure}\n{swage.log}")
        sys.exit(1)
    print(f"ok: {len(processes)} processes, {len(sealed)} pieces of memory, of which a dns process writes {len(own[0])}")


if __name__ == "__main__":
    main()
