"""The ledger is copied while the daemon books, and put back: whatever was complete then is there again, sums and
rows agree, and it is said from when on nothing is known."""

import json
import os
import shutil
import sqlite3
import subprocess
import threading
import unittest

import harness

STEP_MS = 50  # what a commit may have to wait for a backup


class Backup(harness.Case):
    POLICY_PARTS = {"top": "log: none", "tail": "budgets:\n  - {scope: daemon, usd: 50, per: day}"}

    def run_verb(self, *words, code=0):
        done = subprocess.run([harness.FRUGALD, "ledger", *words], capture_output=True, text=True, check=False,
                              timeout=60, env={**os.environ, "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"})
        self.assertEqual(done.returncode, code, done)
        return done.stdout + done.stderr

    def fresh(self, name):
        path = os.path.join(self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    @staticmethod
    def number(folder, file, sql):
        db = sqlite3.connect(f"file:{folder}/{file}?mode=ro", uri=True)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()

    def month(self):
        return os.path.basename(self.daemon.months()[-1])

    def rows(self, folder):
        return self.number(folder, self.month(), "SELECT COUNT(*) FROM request")

    def assertSumsAreRows(self, folder):
        self.assertEqual(self.number(folder, "ledger.db", "SELECT SUM(attempts) FROM rollup"),
                         self.number(folder, self.month(), "SELECT COUNT(*) FROM attempt"))
        self.assertEqual(self.number(folder, "ledger.db", "SELECT SUM(paid_hi)*1000000000000+SUM(paid_lo) FROM rollup"),
                         self.number(folder, self.month(), "SELECT SUM(amount_pusd) FROM attempt"))

    def assertPrivate(self, folder):
        """Whatever the umask of who copies, and as root's guest too."""
        for name in os.listdir(folder):
            entry = os.stat(os.path.join(folder, name))
            self.assertEqual(entry.st_mode & 0o77, 0, name)
            self.assertEqual(entry.st_uid, os.stat(folder).st_uid, name)

    @unittest.skipIf(os.geteuid() != 0, "only root gives files away")
    def test_root_restores_for_the_daemon(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        backup, restored = self.fresh("backup"), self.fresh("theirs")
        self.run_verb("backup", backup)
        os.mkdir(restored)
        os.chown(restored, 65534, 65534)
        self.run_verb("restore", backup, "--state", restored)
        self.assertPrivate(restored)

    def start_on(self, state):
        """Another daemon on a restored folder, in the place of the one that ran."""
        cls = type(self)
        if os.path.realpath(state) != os.path.realpath(self.daemon.state):
            shutil.rmtree(self.daemon.state)
            os.rename(state, self.daemon.state)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def test_drill(self):
        for _ in range(20):
            self.assertEqual(self.ask_chat("x").status, 200)
        before = self.daemon.summary()
        stop = threading.Event()

        def client(_):
            while not stop.is_set():
                self.assertEqual(self.ask_chat("x").status, 200)
        clients = threading.Thread(target=harness.together, args=(4, client))
        clients.start()
        try:
            told = []
            for i in range(3):
                backup = self.fresh(f"backup{i}")
                told.append(json.loads(self.run_verb("backup", backup, "--json")))
        finally:
            stop.set()
            clients.join()
        self.assertEqual([t["state"] for t in told], ["done"] * 3, told)
        # A busy machine may hold up any one of them.
        self.assertLessEqual(min(t["longest_step_ms"] for t in told), STEP_MS)
        self.assertEqual(sorted(os.listdir(backup)), sorted(["ledger.db", self.month()]), "and nothing else")
        for name in os.listdir(backup):
            self.assertEqual(os.stat(os.path.join(backup, name)).st_mode & 0o77, 0, name)
            self.assertEqual(self.number(backup, name, "PRAGMA integrity_check"), "ok")
        last = self.row_of(self.ask_chat("the last"))
        self.assertEqual(self.daemon.stop(), 0)
        restored = self.fresh("restored")
        said = self.run_verb("restore", backup, "--state", restored)
        for name in os.listdir(restored):
            self.assertEqual(os.stat(os.path.join(restored, name)).st_mode & 0o77, 0, name)
        self.assertIn(f"{self.rows(backup):,} requests of 1 month", said)
        self.assertIn("unknown", said)
        self.assertIn(told[2]["complete_until"][:19], said)
        self.assertGreaterEqual(self.rows(restored), before["total"]["requests"])
        self.assertSumsAreRows(restored)
        # Amounts, sums of hours and of budgets come out of the rows again.
        self.run_verb("verify", "--state", restored)
        self.assertGreater(self.number(restored, "ledger.db", "SELECT SUM(spent_lo) FROM budget"), 0)
        # All of before is there as it was, nothing of after.
        rows = self.rows(restored)
        self.start_on(restored)
        self.assertEqual(self.daemon.summary()["total"]["requests"], rows)
        self.assertEqual(self.daemon.query("SELECT COUNT(*) AS n FROM request WHERE id=?", last["id"])[0]["n"], 0)
        self.assertEqual(self.ask_chat("x").status, 200)
        harness.wait_for("its row", lambda: self.rows(self.daemon.state) == rows + 1)

    def test_restore_over_a_ledger(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        backup = self.fresh("backup")
        self.daemon.summary()
        self.assertIn("complete until", self.run_verb("backup", backup))
        kept = self.rows(backup)
        self.assertIn("a daemon is using it", self.run_verb("restore", backup, "--state", self.daemon.state, "--force", code=1))
        # One is under way when the daemon dies: its slot is booked by the restore.
        stream = self.open(harness.CHAT, harness.chat("[[sim fault=stall:5]] x", stream=True))
        self.assertEqual(self.ask_chat("x").status, 200)
        self.daemon.signal(harness.signal.SIGKILL)
        self.daemon.wait()
        self.daemon.process.stdout.close()
        stream.close()
        state = self.daemon.state
        self.assertIn("there is a ledger already", self.run_verb("restore", backup, "--state", state, code=1))
        said = self.run_verb("restore", backup, "--state", state, "--force")
        self.assertRegex(said, r"booked +[12] requests")
        aside = [n for n in os.listdir(state) if n.startswith("before-restore-")]
        self.assertEqual(len(aside), 1, said)
        self.assertIn(self.month(), os.listdir(os.path.join(state, aside[0])))
        self.assertIn(self.rows(state) - kept, (1, 2))
        self.assertSumsAreRows(state)
        self.run_verb("verify", "--state", state)
        self.start_on(state)
        self.assertEqual(self.ask_chat("x").status, 200)

    def test_what_is_refused(self):
        backup = self.fresh("backup")
        self.assertIn("begin with /", self.run_verb("backup", "relative", code=2))
        self.run_verb("backup", backup)
        self.assertIn("has a ledger already", self.run_verb("backup", backup, code=1))
        self.assertIn("cannot be made", self.run_verb("backup", "/no/such/folder", code=1))
        self.assertIn("leave --state out", self.run_verb("backup", self.fresh("b2"), "--state", self.daemon.state, code=1))
        os.remove(os.path.join(backup, "ledger.db"))
        self.assertIn("not whole", self.run_verb("restore", backup, "--state", self.fresh("r"), code=1))
        for body in (b"", b"{}", b'{"dir": 7}', b'{"dir": "x"}', b'{"dir": "/a\\u0000b"}'):
            answer = harness.ask(self.daemon.admin, "POST", "/admin/backup", body)
            self.assertEqual(answer.status, 400, body)

    def test_without_a_daemon(self):
        self.assertEqual(self.ask_chat("x").status, 200)
        self.assertEqual(self.daemon.stop(), 0)
        backup = self.fresh("backup")
        said = self.run_verb("backup", backup, "--state", self.daemon.state)
        self.assertIn("the last request in it ended at", said)
        self.assertPrivate(backup)
        os.chmod(backup, 0o500)  # one that nobody may write
        try:
            self.run_verb("restore", backup, "--state", self.fresh("restored"))
        finally:
            os.chmod(backup, 0o700)
        self.assertPrivate(os.path.join(self.folder, "restored"))
        self.assertEqual(self.rows(os.path.join(self.folder, "restored")), self.rows(backup))
        self.start_on(self.daemon.state)


if __name__ == "__main__":
    unittest.main()
