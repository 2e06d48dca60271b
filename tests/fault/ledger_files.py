"""Files of the ledger in the hands of others: locked by another process, damaged, taken away, read-only."""

import os
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness


class LedgerFiles(harness.Case):
    def rows(self):
        return len(self.daemon.query("SELECT n FROM attempt"))

    def all_booked(self):
        """Every call that the simulator saw has one row."""
        rows = [r["id"] for r in self.daemon.query("SELECT r.id FROM request r JOIN attempt a ON a.request=r.seq")]
        seen = [harness.id_bytes(dict(r["headers"])["x-client-request-id"]) for r in self.sim.records()]
        return seen and all(rows.count(i) == 1 for i in seen)

    def ask_until(self, status, seconds):
        return harness.wait_for(f"a {status}", lambda: self.ask_chat("x").status == status, seconds)


    def start(self):
        cls = type(self)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def refused_start(self):
        """What it says."""
        try:
            self.start()
        except AssertionError as e:
            return str(e)
        return self.fail("it should have refused to start")

    def test_locked_by_another_process(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        harness.wait_for("its row", self.all_booked)
        for path in (self.daemon.months()[0], os.path.join(self.daemon.state, "ledger.db")):
            with self.subTest(os.path.basename(path)):
                self.sim.reset()
                other = sqlite3.connect(path, isolation_level=None, timeout=harness.PATIENCE)
                other.execute("BEGIN IMMEDIATE")
                self.ask_until(503, 10)
                slowest = 0.0
                for _ in range(10):
                    began = time.monotonic()
                    self.assertError(self.ask_chat("x"), 503, "cannot_record")
                    self.assertEqual(harness.ask(self.daemon.admin, "GET", "/metrics").status, 200)
                    slowest = max(slowest, time.monotonic() - began)
                self.assertLess(slowest, 1.0, "nobody waits for the lock but the ledger thread")
                other.execute("ROLLBACK")
                other.close()
                self.ask_until(200, 10)
                harness.wait_for("all rows", self.all_booked, 10)

    def test_damaged(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        harness.wait_for("its row", self.rows)
        path = os.path.join(self.daemon.state, "ledger.db")
        self.assertEqual(self.daemon.stop(), 0)
        with open(path, "rb") as f:
            good = f.read()
        bad = b"x" * 4096 + good[4096:]
        with open(path, "wb") as f:
            f.write(bad)
        said = self.refused_start()
        self.assertIn("not a database", said)
        self.assertIn("ledger.db", said)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), bad, "nobody mends it behind the operator's back")
        with open(path, "wb") as f:
            f.write(good)
        self.start()
        self.assertEqual(self.ask_chat("x").status, 200)

    def test_roll_ups_taken_away_are_made_again(self):
        for _ in range(5):
            self.assertEqual(self.ask_chat("x").status, 200)
        self.assertEqual(self.daemon.stop(), 0)
        before = self.rows()
        for name in os.listdir(self.daemon.state):
            if name.startswith("ledger.db"):
                os.remove(os.path.join(self.daemon.state, name))
        self.start()
        db = sqlite3.connect(f"file:{self.daemon.state}/ledger.db?mode=ro", uri=True)
        self.assertEqual(db.execute("SELECT SUM(attempts) FROM rollup").fetchone()[0], before)
        db.close()
        self.assertIn("missing in the roll-ups", self.daemon.said())


if __name__ == "__main__":
    unittest.main()
