"""The disk under the ledger: it dies, fails, is slow or full at any one write or sync; another process has the
files; an upgrade is killed. Nothing is lost, nothing doubled, nothing passes for booked that is not, and service
goes on by itself or does not begin, with words.

Writes and syncs go through shim/disk.c."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
from harness import CHAT, chat

SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim", "disk.c")


class DiskCase(harness.Case):
    @classmethod
    def prepare(cls):
        shim, cls.order = os.path.join(cls.folder, "disk.so"), os.path.join(cls.folder, "order")
        made = subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise unittest.SkipTest("no C compiler here: " + made.stderr.strip())
        cls.ENV = {"LD_PRELOAD": shim, "FRUGALD_TEST_DISK": cls.order}
        cls.orders = 0

    @classmethod
    def tell(cls, words="off"):
        cls.orders += 1
        with open(cls.order + ".new", "w", encoding="ascii") as f:
            f.write(f"{cls.orders} {words}\n")
        os.replace(cls.order + ".new", cls.order)

    def setUp(self):
        """What the simulator saw is kept: the ledger keeps it, too."""
        self.tell()
        self.mark = len(self.daemon.said())

    def start(self):
        cls = type(self)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def refused_start(self):
        began = time.monotonic()
        try:
            self.start()
        except AssertionError as e:
            return str(e), time.monotonic() - began
        return self.fail("it should have refused to start")

    def dies(self, work):
        """The daemon dies while it works; True when it did."""
        try:
            work()
        except (OSError, AssertionError):
            pass
        try:
            self.daemon.wait(0.3)
        except subprocess.TimeoutExpired:
            return False
        self.daemon.process.stdout.close()
        return True

    # -- what must hold --

    def seen(self):
        return sorted((harness.id_bytes(dict(r["headers"])["x-client-request-id"])) for r in self.sim.records())

    def booked(self):
        return sorted(r["id"] for r in self.daemon.query("SELECT r.id FROM request r JOIN attempt a ON a.request=r.seq"
                                                         " WHERE a.flags&1"))

    def assertBooked(self, all_seen, where=""):
        """Every call that the simulator saw has one row, no other has one, and the roll-ups are their sums."""
        harness.wait_for(f"all rows {where}", lambda: self.booked() == all_seen, 15)
        state = self.daemon.state

        def sums():
            db = sqlite3.connect(f"file:{state}/ledger.db?mode=ro", uri=True, timeout=harness.PATIENCE)
            try:
                return db.execute("SELECT SUM(attempts), SUM(paid_hi)*1000000000000+SUM(paid_lo) FROM rollup").fetchone()
            finally:
                db.close()
        rows = self.daemon.query("SELECT COUNT(*) AS n, SUM(amount_pusd) AS paid FROM attempt")
        expected = (sum(r["n"] for r in rows), sum(r["paid"] or 0 for r in rows))
        harness.wait_for(f"roll-ups {where}", lambda: sums() == expected)
        for path in [*self.daemon.months(), os.path.join(state, "ledger.db")]:
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=harness.PATIENCE)
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", path)
            db.close()

    def metric(self, name):
        for line in harness.ask(self.daemon.admin, "GET", "/metrics").body.decode().splitlines():
            if line.startswith(f"frugald_{name} "):
                return float(line.split()[1])
        return self.fail(f"no metric {name}")


class Dies(DiskCase):
    POLICY_PARTS = {"top": "log: none\nlimits: {slots: 64}"}

    def test_killed_at_every_write_and_sync_of_a_request(self):
        """F2"""
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        kills = 0
        for k in range(1, 100):
            self.tell(f"any {k} kill")

            def work():
                self.assertEqual(self.ask_chat("x").status, 200)
                harness.wait_for("its row", lambda: len(self.booked()) == len(self.seen()) or not self.daemon.alive(), 3)
                time.sleep(0.1)  # not to synchronise: roll-ups are written after the row
            died = self.dies(work)
            self.tell()
            if not died:
                break
            kills += 1
            began = time.monotonic()
            self.start()
            self.assertLess(time.monotonic() - began, 3.0)
            self.assertBooked(self.seen(), f"after write {k}")
        print(f"killed at each of {kills} writes and syncs")
        self.assertGreaterEqual(kills, 4)


class Fails(DiskCase):
    POLICY_PARTS = {"top": "log: none\nlimits: {slots: 64}"}

    def test_one_error_at_any_write_or_sync(self):
        """F5: rolled back, tried again, told in the metrics; never taken for done."""
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        for op, most in (("write", 6), ("sync", 2)):
            for error in ("eio", "enospc"):
                for k in range(1, most + 1):
                    with self.subTest(op=op, error=error, k=k):
                        before = self.metric("ledger_errors_total")
                        self.tell(f"{op} {k} {error}")
                        answer = self.ask_chat("x")
                        self.assertIn(answer.status, (200, 503))
                        began = time.monotonic()
                        harness.wait_for("service", lambda: self.ask_chat("x").status == 200, 5)
                        self.assertLess(time.monotonic() - began, 5.0)
                        self.assertBooked(self.seen(), f"{op} {k} {error}")
                        if (op, k) == ("sync", 1):
                            self.assertGreater(self.metric("ledger_errors_total"), before, "an alarm can be set on it")
                        self.tell()

    def test_errors_for_a_while(self):
        """F4 and F5 without a mount: what cannot be recorded is not sent; what was under way ends."""
        self.assertEqual(self.ask_chat("x").status, 200)
        running = self.open(CHAT, chat("[[sim events=30 gap_ms=20]] a story", stream=True))
        self.tell("write 0 enospc")
        answer = harness.wait_for("a refusal", lambda: (lambda a: a.status == 503 and a)(self.ask_chat("x")))
        self.assertError(answer, 503, "cannot_record")
        calls = len(self.sim.records())
        for _ in range(20):
            self.assertError(self.ask_chat("x"), 503, "cannot_record")
        self.assertEqual(len(self.sim.records()), calls, "nothing is sent that cannot be recorded")
        self.assertEqual(harness.ask(self.daemon.admin, "GET", "/readyz").status, 503)
        running.read_until(lambda a: a.end)
        self.assertIn(b"[DONE]", running.answer.body)
        running.close()
        self.tell()
        began = time.monotonic()
        harness.wait_for("service", lambda: self.ask_chat("x").status == 200, 5)
        print(f"serves {time.monotonic() - began:.2f} s after there is room again")
        self.assertBooked(self.seen())


class Slow(DiskCase):
    SLOTS = 16
    POLICY_PARTS = {"top": "log: none\nlimits: {slots: 16}"}

    def test_syncs_that_take_long(self):
        """F8: as many wait for their rows as there are slots, the next are refused and not sent; no more memory."""
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        rss, calls = self.daemon.rss_kib(), len(self.sim.records())
        self.tell("sync 0 delay 3000")
        statuses, slowest = [], 0.0
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            began = time.monotonic()
            answer = self.ask_chat("x")
            slowest = max(slowest, time.monotonic() - began)
            statuses.append(answer.status)
            if answer.status == 503:
                self.assertError(answer, 503, "cannot_record")
                self.assertIsNotNone(answer.header("retry-after"))
                time.sleep(0.02)
            self.assertEqual(harness.ask(self.daemon.admin, "GET", "/healthz").status, 200)
        self.assertIn(503, statuses)
        self.assertLess(slowest, 1.0, "nobody waits for the disk but the ledger thread")
        # What the ledger thread has taken and what waits behind it.
        self.assertLessEqual(len(self.sim.records()) - calls, 2 * self.SLOTS)
        self.assertEqual(len(self.sim.records()) - calls, statuses.count(200))
        self.assertLess(self.daemon.rss_kib() - rss, 16 * 1024)
        self.tell()
        harness.wait_for("service", lambda: self.ask_chat("x").status == 200, 10)
        self.assertBooked(self.seen())
        ends = [r["end_ms"] for r in self.daemon.query("SELECT end_ms FROM request ORDER BY seq")]
        self.assertEqual(ends, sorted(ends), "in the order of their ends")


class Others(DiskCase):
    POLICY_PARTS = {"top": "log: none"}

    def test_locked_for_ten_seconds(self):
        """F6"""
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        other = sqlite3.connect(self.daemon.months()[0], isolation_level=None, timeout=harness.PATIENCE)
        other.execute("BEGIN EXCLUSIVE")
        until, slowest, health, statuses = time.monotonic() + 10, 0.0, [], []
        while time.monotonic() < until:
            began = time.monotonic()
            statuses.append(self.ask_chat("x").status)
            slowest = max(slowest, time.monotonic() - began)
            began = time.monotonic()
            self.assertEqual(harness.ask(self.daemon.admin, "GET", "/healthz").status, 200)
            health.append(time.monotonic() - began)
            time.sleep(0.02)
        other.execute("ROLLBACK")
        other.close()
        health.sort()
        p99 = health[int(len(health) * 0.99)]
        print(f"locked for 10 s: {statuses.count(200)} served first, {statuses.count(503)} refused, slowest"
              f" {slowest * 1000:.0f} ms, health p99 {p99 * 1000:.1f} ms")
        self.assertEqual(set(statuses), {200, 503})
        self.assertLess(slowest, 2.0)
        self.assertLess(p99, 0.1)
        harness.wait_for("service", lambda: self.ask_chat("x").status == 200, 5)
        self.assertBooked(self.seen())

    def test_a_second_daemon(self):
        """F39"""
        self.assertEqual(self.ask_chat("x").status, 200)
        began = time.monotonic()
        second = subprocess.run([harness.FRUGALD, "serve", "-c", self.daemon.config], capture_output=True, text=True,
                                timeout=30, check=False)
        took = time.monotonic() - began
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("another frugald is using it", second.stderr + second.stdout)
        self.assertLess(took, 1.0)
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())


class Damaged(DiskCase):
    POLICY_PARTS = {"top": "log: none"}

    def damage(self, path, at=0):
        with open(path, "r+b") as f:
            f.seek(at)
            f.write(b"\x5a" * 4096)

    @staticmethod
    def content(path):
        with open(path, "rb") as f:
            return f.read()

    def test_at_the_start(self):
        """F7: each file in turn; refused with its name, and left as it is."""
        for _ in range(30):
            self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        self.assertEqual(self.daemon.stop(), 0)
        state = self.daemon.state
        for name in ("ledger.db", os.path.basename(self.daemon.months()[0])):
            path = os.path.join(state, name)
            good = self.content(path)
            self.damage(path)
            bad = self.content(path)
            said, took = self.refused_start()
            self.assertIn(name, said)
            self.assertIn("restore the file from a backup", said)
            self.assertLess(took, 3.0)
            self.assertEqual(self.content(path), bad, "nobody mends it behind the operator's back")
            with open(path, "wb") as f:
                f.write(good)
        self.start()
        self.assertEqual(self.ask_chat("x").status, 200)

    def test_while_it_runs(self):
        """F7: it goes on, or refuses what it cannot record and says why; it does not die, and writes nothing over
        what is damaged but what it would have written anyway."""
        for _ in range(30):
            self.assertEqual(self.ask_chat("x").status, 200)
        self.assertBooked(self.seen())
        path = self.daemon.months()[0]
        copy = os.path.join(self.folder, "good")
        shutil.copytree(self.daemon.state, copy)
        harness.wait_for("a checkpoint", lambda: os.path.getsize(path) > 4096, 10)
        self.damage(path, 0)
        statuses = [self.ask_chat("x").status for _ in range(50)]
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertTrue(self.daemon.alive())
        self.assertEqual(harness.ask(self.daemon.admin, "GET", "/healthz").status, 200)
        self.assertEqual(self.daemon.stop(), 0)
        if self.content(path)[:4096] == b"\x5a" * 4096:
            said, _ = self.refused_start()
            self.assertIn(os.path.basename(path), said)
        slots = [n for n in os.listdir(self.daemon.state) if n.startswith("slots.")]
        print(f"damaged while it ran: {statuses.count(200)} served, {statuses.count(503)} refused,"
              f" {len(slots)} slot files kept")
        # Back to what is good; what could not be booked is still in its slots.
        for name in os.listdir(self.daemon.state):
            if not name.startswith("slots."):
                os.remove(os.path.join(self.daemon.state, name))
        for name in os.listdir(copy):
            if not name.startswith(("slots.", "ledger.lock")):
                shutil.copy(os.path.join(copy, name), self.daemon.state)
        self.start()
        self.assertEqual(self.ask_chat("x").status, 200)
        shutil.rmtree(copy)


class Upgrade(DiskCase):
    POLICY_PARTS = {"top": "log: none"}
    FILES = {"ledger.db": "ledger.sql", "ledger-2026-11.db": "month.sql"}
    KILLS = 20

    def older_release(self):
        state = self.daemon.state
        shutil.rmtree(state)
        os.mkdir(state, 0o700)
        for name, source in self.FILES.items():
            db = sqlite3.connect(os.path.join(state, name))
            db.execute("PRAGMA journal_mode=WAL")
            with open(os.path.join(harness.ROOT, "tests", "data", "ledger", source), encoding="utf-8") as f:
                db.executescript(f.read())
            db.close()

    def assertWhole(self, where):
        rows = self.daemon.query("SELECT COUNT(*) AS n FROM request", months=[os.path.join(self.daemon.state, "ledger-2026-11.db")])
        self.assertGreaterEqual(rows[0]["n"], 12, where)
        back = [n for n in os.listdir(self.daemon.state) if n.startswith("before-v")]
        self.assertEqual(len(back), 1, where)
        for name in self.FILES:
            db = sqlite3.connect(f"file:{self.daemon.state}/{back[0]}/{name}?mode=ro", uri=True)
            self.assertEqual(db.execute("PRAGMA user_version").fetchone()[0], 3, where)
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", where)
            db.close()

    def test_killed_on_the_way(self):
        """F40"""
        self.assertEqual(self.daemon.stop(), 0)
        kills = 0
        for k in range(1, 400, 3):
            self.older_release()
            self.tell(f"any {k} kill")
            try:
                self.start()
                died = False
            except AssertionError:
                died = True
            self.tell()
            if died:
                kills += 1
                self.start()
            self.assertWhole(f"killed at write {k}")
            self.assertEqual(self.ask_chat("x").status, 200)
            self.assertEqual(self.daemon.stop(), 0)
            if not died or kills == self.KILLS:
                break
        print(f"killed at {kills} points of an upgrade, 0 broken")
        self.assertGreaterEqual(kills, 10)
        self.start()


if __name__ == "__main__":
    unittest.main()
