"""kill -9: what was under way is booked once by what was known of it, what was settled is not booked again."""

import os
import signal
import unittest

import harness
from harness import CHAT, chat


class Crash(harness.Case):
    POLICY_PARTS = {"workers": 2}

    def crash(self):
        cls = type(self)
        cls.daemon.signal(signal.SIGKILL)
        cls.daemon.wait()
        cls.daemon.process.stdout.close()
        cls.daemon = harness.Daemon(self.folder, self.sim, **self.POLICY_PARTS)

    def test_streams_under_way(self):
        streams = [self.open(CHAT, chat(f"[[sim events=40 gate=20]] {i}", stream=True)) for i in range(10)]
        ids = [s.answer.header("x-request-id") for s in streams]
        self.sim.wait_gated(10)
        for s in streams:
            s.read_until(lambda a: len(a.events()) >= 18)
        self.crash()
        for s, request_id in zip(streams, ids):
            s.close()
            row = self.daemon.row(request_id)
            attempt = row["attempt"][0]
            self.assertEqual((row["outcome"], attempt["outcome"], attempt["basis"]), ("crashed", "crashed", "partial"))
            self.assertGreaterEqual(attempt["output"], 15)
            self.assertGreater(attempt["amount_pusd"], 0)
        self.assertEqual(len(self.daemon.query("SELECT id FROM request")),
                         len({r["id"] for r in self.daemon.query("SELECT id FROM request")}))

    def test_sent_and_not_answered(self):
        c = harness.Connection(self.daemon.port)
        c.send("POST", CHAT, chat("[[sim fault=hang]] x"))
        harness.wait_for("the upstream call", lambda: self.sim.port_stats(0)["inflight"] == 1)
        before = len(self.daemon.query("SELECT seq FROM request"))
        self.crash()
        c.close()
        attempt = self.daemon.last_row(before + 1)["attempt"][0]
        self.assertEqual(attempt["basis"], "unknown")
        self.assertGreater(attempt["amount_pusd"], 0)

    def test_nothing_settled_is_lost_or_doubled(self):
        """The client has its last byte only when the bill is where kill -9 cannot lose it."""
        for _ in range(3):
            ids = [a.header("x-request-id") for a in harness.together(30, lambda i: self.ask_chat(f"{i}", stream=i % 2 == 0))]
            self.crash()
            for request_id in ids:
                row = self.daemon.row(request_id)
                self.assertEqual([a["outcome"] for a in row["attempt"]], ["served"])
        rows = [r["id"] for r in self.daemon.query("SELECT id FROM request")]
        self.assertEqual(len(rows), len(set(rows)))

    def test_one_daemon_to_a_ledger(self):
        """A second daemon on the same state says so and leaves."""
        with open(self.daemon.config, encoding="utf-8") as f:
            text = f.read()
        port, admin = harness.free_ports(2)
        text = text.replace(f":{self.daemon.port}", f":{port}").replace(f":{self.daemon.admin}", f":{admin}")
        path = os.path.join(self.folder, "second.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        second = harness.Program([harness.FRUGALD, "serve", "-c", path], self.folder, "second")
        self.assertEqual(second.wait(), 1, second.said())
        second.process.stdout.close()
        self.assertIn("another", second.said())
        self.assertEqual(self.ask_chat("x").status, 200)


if __name__ == "__main__":
    unittest.main()
