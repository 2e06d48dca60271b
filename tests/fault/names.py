"""Names of providers: they move while clients ask, they cannot be looked up, the look-up takes 8 s. Nobody
waits for it but the resolver, and libcurl never asks for itself."""

import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
from harness import CHAT, chat

SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim", "names.c")
# Nobody listens at 127.0.0.2.
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


class Names(harness.Case):
    FIRST = {"llm.test": (0, HERE)}

    @classmethod
    def prepare(cls):
        shim, cls.names = os.path.join(cls.folder, "names.so"), os.path.join(cls.folder, "names")
        made = subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise unittest.SkipTest("no C compiler here")
        cls.ENV = {"LD_PRELOAD": shim, "FRUGALD_TEST_NAMES": cls.names}
        cls.POLICY_PARTS = {"policy": harness.POLICY.replace('"http://127.0.0.1:{openai}/v1"', '"http://llm.test:{openai}/v1"')}
        cls.tell(cls.FIRST)

    @classmethod
    def tell(cls, names):
        with open(cls.names + ".new", "w", encoding="ascii") as f:
            f.writelines(f"{n} {delay} {address}\n" for n, (delay, address) in names.items())
        os.replace(cls.names + ".new", cls.names)

    def threads(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/task"))

    def elsewhere(self, count=10):
        """Requests to a provider with an address are answered meanwhile; gives the slowest."""
        slowest = 0.0
        for _ in range(count):
            began = time.monotonic()
            self.assertEqual(self.ask_chat("x", model="spare").status, 200)
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def again(self, names):
        """Another daemon, that has not learned anything."""
        cls = type(self)
        self.assertEqual(cls.daemon.stop(), 0, cls.daemon.said())
        self.tell(names)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def test_moves_under_load(self):
        self.again({"llm.test": (0, ELSEWHERE)})
        before, stop, statuses, slowest = self.threads(), threading.Event(), [], [0.0]

        def client(_):
            while not stop.is_set():
                began = time.monotonic()
                status = self.ask_chat("x", stream=True).status
                slowest[0] = max(slowest[0], time.monotonic() - began)
                statuses.append(status)
                if status != 200:
                    time.sleep(0.02)
        clients = threading.Thread(target=harness.together, args=(10, client))
        clients.start()
        try:
            harness.wait_for("refusals", lambda: len(statuses) > 50)
            self.assertNotIn(200, statuses)
            self.tell({"llm.test": (0, HERE)})
            # The breaker may keep the provider out for some seconds.
            harness.wait_for("answers", lambda: statuses[-20:] == [200] * 20, 20)
            self.assertLessEqual(self.threads(), before, "libcurl starts no threads of its own")
        finally:
            stop.set()
            clients.join()
        self.assertLess(slowest[0], 2.0)

    def test_an_outage_keeps_the_last_good_answer(self):
        self.again({"llm.test": (0, HERE)})
        self.assertEqual(self.ask_chat("x").status, 200)
        self.tell({"llm.test": (0, "fail")})
        # A connection that cannot be used makes the resolver ask again, in vain.
        self.assertEqual(self.ask_chat("[[sim fault=rst]] x").status, 502)
        for _ in range(5):
            self.assertEqual(self.ask_chat("x").status, 200)

    def test_a_slow_look_up_holds_up_nobody(self):
        began = time.monotonic()
        self.again({"llm.test": (8000, HERE)})
        self.assertLess(time.monotonic() - began, 6.0, "the start waits 3 s for first answers")
        began = time.monotonic()
        answer = self.ask_chat("x")
        self.assertError(answer, 502, "upstream_connect")
        self.assertLess(time.monotonic() - began, 1.0)
        self.assertEqual(self.row_of(answer)["attempt"][0]["basis"], "none")
        self.assertLess(self.elsewhere(), 1.0)
        harness.wait_for("its address", lambda: self.ask_chat("x").status == 200, 20)
        # And one under way does not hold up the stop.
        self.again({"llm.test": (8000, HERE)})
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 3.0)
        self.again_after_stop()

    def again_after_stop(self):
        cls = type(self)
        self.tell({"llm.test": (0, HERE)})
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)


if __name__ == "__main__":
    unittest.main()
