"""SIGHUP: the new policy is taken whole or not at all, while streams run on under the old one."""

import unittest

import harness
from harness import BACKUP, CHAT, OPENAI, chat

SWAPPED = harness.POLICY.replace("luna:   {{is: openai/gpt-5.6-luna,       at: [openai]",
                                 "luna:   {{is: openai/gpt-5.6-luna,       at: [backup]")


class Reload(harness.Case):
    def setUp(self):
        super().setUp()
        self.use(harness.POLICY)
        self.wait_served_at(OPENAI)

    def use(self, policy, **parts):
        self.daemon.policy = policy
        self.daemon.write(**parts)
        return self.daemon.reload()

    def served_at(self):
        since = self.sim.stats()["requests"]
        answer = self.ask_chat("x")
        self.assertEqual(answer.status, 200, answer)
        return self.sim.records(since=since)[0]["port"]

    def wait_served_at(self, port):
        """Every worker takes the policy from its next request on."""
        harness.wait_for("the new policy", lambda: all(self.served_at() == port for _ in range(12)))

    def test_taken_whole(self):
        self.assertEqual(self.served_at(), OPENAI)
        said = self.use(SWAPPED)
        self.assertIn("reload: policy", said)
        self.wait_served_at(BACKUP)

    def test_running_streams_are_not_touched(self):
        streams = [self.open(CHAT, chat(f"[[sim events=10 gate=4]] {i}", stream=True)) for i in range(8)]
        self.sim.wait_gated(8)
        self.use(SWAPPED)
        self.wait_served_at(BACKUP)
        self.sim.release()
        for s in streams:
            self.assertEqual(s.read_until(lambda a: a.end).events()[-1].data, b"[DONE]")
            s.close()

    def test_not_at_all(self):
        for broken in (harness.POLICY.replace("version: 1", "version: 99"),
                       harness.POLICY.replace("baseline: sol", "baseline: nobody"),
                       SWAPPED + "\nno_such_key: 1\n", SWAPPED.replace("at: [backup]", "at: [backup]]"), "", "\0"):
            said = self.use(broken)
            self.assertIn("reload refused", said)
            self.assertEqual(self.served_at(), OPENAI)
        self.assertTrue(self.daemon.alive())

    def test_many_in_a_row_under_load(self):
        stop = []

        def ask(i):
            n = 0
            while not stop or n < 3:
                answer = self.ask_chat(f"{i} {n}", stream=n % 2 == 0)
                self.assertEqual((answer.status, answer.end), (200, "whole"), answer)
                n += 1
            return n

        def work(i):
            if i > 0:
                return ask(i)
            for n in range(12):
                self.use(SWAPPED if n % 2 == 0 else harness.POLICY)
            stop.append(True)
            return 0
        self.assertGreater(sum(harness.together(5, work)), 8)

    def test_asked_by_the_admin_port(self):
        self.daemon.policy = SWAPPED
        self.daemon.write()
        self.assertEqual(harness.ask(self.daemon.admin, "POST", "/admin/reload", b"{}").status // 100, 2)
        self.wait_served_at(BACKUP)


if __name__ == "__main__":
    unittest.main()
