"""A machine of a test's own: namespaces for processes, mounts and network, which end with all that is in them.

In it /run and /etc are copies in memory, which the test may write to; the network is `lo`, with the addresses that the
test gives it; nothing reaches outside. Whoever enters is process 1: when it ends, the kernel ends all others. Of the
tests that have one (the story, the fleet) each says its name when it enters.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

SKIPPED = 77  # the exit status that says so to ctest
WORK = "/run/test"  # logs, and what the parts write
EITHER = object()  # an exit status that does not matter
SYSTEM_PATH = ":/usr/sbin:/sbin"
_INSIDE = "SWAGE_TEST_INSIDE"


class Failed(Exception):
    """The test cannot go on: what went wrong, in a sentence or two."""


def enter(name, needs):
    """For the test of this name. Runs this program again inside, and does not return; inside, returns. Where that cannot be, or one of the
    programs that it `needs` is missing, it exits with SKIPPED; in CI, where no program is to be missing, with 1."""
    if os.environ.pop(_INSIDE, None) and os.getpid() == 1:
        return
    missing = [program for program in needs if not has(program)]
    if missing:
        leave(name, f"it takes {', '.join(missing)}", 1 if os.environ.get("CI") == "true" else SKIPPED)
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
               "--propagation", "private"]
    if os.geteuid() != 0:
        unshare.append("--map-root-user")
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, text=True)
    if probe.returncode != 0:
        leave(name, f"it takes namespaces, and this machine makes none: {probe.stderr.strip()}", SKIPPED)
    os.environ[_INSIDE] = "yes"
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def leave(name, why, status):
    print(f"SKIPPED {name}: {why}")
    sys.exit(status)


def make(addresses):
    """The file systems and the network of this machine. `addresses` are put on lo."""
    for number in (signal.SIGINT, signal.SIGTERM):  # process 1 has no default actions
        signal.signal(number, interrupted)
    run("mount", "-t", "tmpfs", "tmpfs", "/run")  # without the sockets of name services outside
    os.mkdir(WORK)
    subprocess.run(["cp", "-a", "/etc/.", "/run/etc"], stderr=subprocess.DEVNULL)  # what can be read is enough
    run("mount", "--bind", "/run/etc", "/etc")
    own_name = socket.gethostname()  # certbot looks it up
    write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {own_name}\n")
    write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    run("ip", "link", "set", "lo", "up")
    for address in addresses:
        run("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    home = f"{WORK}/home"
    os.mkdir(home)
    kept = {name: os.environ[name] for name in ("PATH", "TERM", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=home, LC_ALL="C.UTF-8", TMPDIR=WORK)
    os.environ["PATH"] += SYSTEM_PATH


def interrupted(number, _):
    print(f"\nended by {signal.Signals(number).name}; nothing is left", flush=True)
    os._exit(128 + number)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.islink(path):
        os.unlink(path)
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def run(*command, env=None, input="", timeout=30, status=0):
    """Runs a program to its end; its standard output and error in one. Another exit status than expected is a failure;
    `status` None: any but 0; EITHER: any."""
    try:
        done = subprocess.run(command, env={**os.environ, **(env or {})}, input=input, timeout=timeout, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace")
        raise Failed(f"{' '.join(command)}: not done after {timeout} s:\n{output}")
    as_expected = status is EITHER or (done.returncode != 0 if status is None else done.returncode == status)
    if not as_expected:
        raise Failed(f"{' '.join(command)}: exit status {done.returncode}:\n{done.stdout}")
    return done.stdout


def until(what, condition, timeout=20):
    """Waits for `condition()` to be true, and returns what it was."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > end:
            raise Failed(f"not within {timeout} s: {what}")
        time.sleep(0.02)
    return found


class Part:
    """A program that runs in the background, and its log."""

    all = []

    def __init__(self, name, *command, env=None):
        self.name = name
        self.log_path = f"{WORK}/{name}.log"
        with open(self.log_path, "a") as log:  # of all that had this name
            self.process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        Part.all.append(self)

    @property
    def log(self):
        return read(self.log_path)

    def says(self, pattern, timeout=20, times=1):
        """Waits for its log to have `times` matches of the regular expression; returns the last one."""

        def enough():
            found = list(re.finditer(pattern, self.log, re.MULTILINE))
            if len(found) >= times:
                return found
            if self.process.poll() is not None:
                raise Failed(f"{self.name} has ended, with status {self.process.returncode}, and never said: {pattern}")

        return until(f"{self.name} says: {pattern}", enough, timeout)[-1]

    def stop(self):
        """Asks it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(10)

    def wait(self, timeout):
        """Its exit status, when it has ended."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not end within {timeout} s")


def has(*programs):
    return all(shutil.which(program, path=os.environ["PATH"] + SYSTEM_PATH) for program in programs)
