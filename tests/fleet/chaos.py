"""Random faults of machines: killed, stopped, cut off from each other; each is undone after a while."""

import random
import signal
import threading
import time


class Chaos:
    """Hands that do harm side by side, each one thing at a time, until told to end. What they did is in `done`."""

    def __init__(self, engine, swages, store, seed, hands=2, longest=12.0):
        self.engine, self.swages, self.store, self.longest = engine, swages, store, longest
        self.done, self.ending = [], threading.Event()
        self.lock = threading.Lock()  # of machines that are harmed: each by one hand
        self.harmed = set()
        self.failure = None
        self.threads = [threading.Thread(target=self._work, args=(random.Random(f"{seed}-{hand}"),), daemon=True)
                        for hand in range(hands)]
        for each in self.threads:
            each.start()

    def end(self):
        """All is as it should be when this returns."""
        self.ending.set()
        for each in self.threads:
            each.join()
        if self.failure:
            raise self.failure

    def _work(self, luck):
        try:
            while not self.ending.is_set():
                harm = luck.choice((self._kill_swage, self._kill_supervisor, self._kill_child, self._stop_swage, self._stop_child,
                                    self._kill_etcd, self._stop_etcd, self._cut_pair, self._cut_pair, self._isolate))
                harm(luck)
                self._pause(luck.uniform(0.5, 5))  # some quiet, so that much is acknowledged in between
        except Exception as failure:
            self.failure = failure

    def _pause(self, seconds):
        self.ending.wait(seconds)

    def _take(self, luck, machines):
        """One of them that nobody has."""
        with self.lock:
            free = [each for each in machines if each.name not in self.harmed]
            if not free:
                return None
            machine = luck.choice(free)
            self.harmed.add(machine.name)
            return machine

    def _harm(self, luck, machines, what, harm, undo, longest=None):
        machine = self._take(luck, machines)
        if machine is None:
            return self._pause(0.2)
        seconds = luck.uniform(0.3, longest or self.longest)
        begun = time.strftime("%X")
        try:
            context = harm(machine)
            done = what if isinstance(what, str) else what(context)
            self.done.append(f"{begun} {machine.name} {done} for {seconds:.1f} s")
            self._pause(seconds)
            undo(machine, context)
        finally:
            with self.lock:
                self.harmed.discard(machine.name)

    def _kill_swage(self, luck):
        self._harm(luck, self.swages, "killed", lambda it: it.kill(), lambda it, _: it.start(self.store), 5)

    def _kill_supervisor(self, luck):
        """Its children end by themselves."""
        self._harm(luck, self.swages, "supervisor killed", lambda it: it.kill(it.pids()[:1]),
                   lambda it, _: it.start(self.store), 5)

    def _kill_etcd(self, luck):
        self._harm(luck, self.engine.members, "killed", lambda it: it.kill(),
                   lambda it, _: it.start(self.engine.members))

    def _kill_child(self, luck):
        kind = luck.choice(("@dns", "@stream", "@service"))
        self._harm(luck, self.swages, f"{kind} killed",
                   lambda it: it.signal(signal.SIGKILL, it.children(kind)[:1]), lambda it, _: None, 1)

    def _stop(self, luck, machines, what, pids):
        def stop(machine):
            stopped = pids(machine)
            machine.signal(signal.SIGSTOP, stopped)
            return stopped

        self._harm(luck, machines, what, stop, lambda it, stopped: it.signal(signal.SIGCONT, stopped))

    def _stop_swage(self, luck):
        self._stop(luck, self.swages, "stopped", lambda it: it.pids())

    def _stop_child(self, luck):
        kind = luck.choice(("@dns", "@stream", "@service"))
        self._stop(luck, self.swages, f"{kind} stopped", lambda it: it.children(kind)[:1])

    def _stop_etcd(self, luck):
        self._stop(luck, self.engine.members, "stopped", lambda it: it.pids())

    def _cut_pair(self, luck):
        def cut(machine):
            other = luck.choice([each for each in self.engine.members if each is not machine])
            machine.cut(other)
            return other

        self._harm(luck, self.engine.members + self.swages, lambda other: f"cut off from {other.name}", cut,
                   lambda it, other: it.join(other))

    def _isolate(self, luck):
        def isolate(machine):
            others = [each for each in self.engine.members if each is not machine]
            for each in others:
                machine.cut(each)
            return others

        def undo(machine, others):
            for each in others:
                machine.join(each)

        self._harm(luck, self.engine.members + self.swages, "cut off from the whole engine", isolate, undo)
