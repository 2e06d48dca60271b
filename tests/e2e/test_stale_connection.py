"""A kept connection that dies under a request: one new attempt on a fresh connection, with a row of its own.
Nothing is ever sent twice in silence: what the simulator saw is what the ledger has."""

import unittest

import harness
from harness import OPENAI


class Stale(harness.Case):
    POLICY_PARTS = {"workers": 1}  # so that the second request finds the first one's connection

    def warm(self):
        self.assertEqual(self.ask_chat("warm").status, 200)

    def test_stale(self):
        self.warm()
        answer = self.ask_chat("[[sim fault=stale]] x")
        self.assertEqual(answer.status, 200, answer)
        row = self.assertAttempts(answer, ("luna", "openai", "stale", "unknown"), ("luna", "openai", "served", "reported"))
        self.assertGreater(row["attempt"][0]["amount_pusd"], 0, "it may have been billed")
        seen = self.sim.records(OPENAI)[1:]
        self.assertEqual(len(seen), len(row["attempt"]))
        self.assertNotEqual(seen[0]["conn"], seen[1]["conn"])
        self.assertEqual(seen[1]["on_conn"], 1, "the second goes out on a fresh connection")

    def test_many_kept_connections(self):
        """All of them may be dead: the new attempt takes none of these."""
        streams = [self.open(harness.CHAT, harness.chat(f"[[sim events=2 gate=1]] {i}", stream=True)) for i in range(5)]
        self.sim.wait_gated(5)
        self.sim.release()
        for s in streams:
            s.read_until(lambda a: a.end)
            s.close()
        answer = self.ask_chat("[[sim fault=stale]] x")
        self.assertEqual(answer.status, 200, answer)
        self.assertAttempts(answer, ("luna", "openai", "stale", "unknown"), ("luna", "openai", "served", "reported"))

    def test_only_once(self):
        """A fresh connection that closes without an answer is no stale one."""
        self.warm()
        answer = self.ask_chat("[[sim fault=close]] x")
        self.assertError(answer, 502, "upstream_closed")
        self.assertAttempts(answer, ("luna", "openai", "stale", "unknown"), ("luna", "openai", "no_answer", "unknown"))
        self.assertEqual(len(self.sim.records(OPENAI)), 3)

    def test_idle_connections_may_close(self):
        """A provider that closes idle connections costs nothing."""
        for i in range(5):
            self.assertEqual(self.ask_chat(f"warm {i}").status, 200)
            self.sim.listen(OPENAI, "drop")
            answer = self.ask_chat("x")
            self.assertEqual(answer.status, 200, answer)
            attempts = self.row_of(answer)["attempt"]
            self.assertIn([a["outcome"] for a in attempts], (["served"], ["stale", "served"]))

    def test_attempts_are_what_the_provider_saw(self):
        """Every fault that could tempt a library to send again."""
        for do in ("fault=rst", "fault=close", "fault=stale", "status=503", "status=408", "fault=empty", "fault=redirect"):
            for stream in (False, True):
                with self.subTest(do=do, stream=stream):
                    self.sim.reset()
                    self.warm()
                    answer = self.ask_chat(f"[[sim {do}]] x", stream=stream)
                    self.row_of(answer)
                    sent = [a for a in self.row_of(answer)["attempt"] if a["flags"] & 1]
                    self.assertEqual(len(self.sim.records(OPENAI)) - 1, len(sent), (answer, sent))


if __name__ == "__main__":
    unittest.main()
