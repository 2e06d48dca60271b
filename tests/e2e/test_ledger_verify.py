"""frugald ledger verify: all that was booked comes out again, also after crashes and reloads; whatever is changed behind our back is found."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import harness
from harness import CHAT, chat

TAIL = """
budgets:
  - {scope: daemon, usd: 5000, per: month}
  - {scope: tag.app, value: shop, usd: 1000, per: day}
  - {each: tag.run, usd: 1000}
  - {each: user, usd: 1000, per: week}
  - {each: session, usd: 1000, per: hour}
"""
FEWER = """
budgets:
  - {scope: daemon, usd: 4000, per: month}
  - {each: tag.run, usd: 1000}
"""
MORE = TAIL + """
  - {scope: daemon, usd: 3000, per: hour}
  - {each: tag.app, usd: 1000, per: month}
"""


def verify(state):
    """Exit code and what it found."""
    p = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", state, "--json"], capture_output=True, text=True, timeout=60)
    if not p.stdout:
        raise AssertionError(f"{p.returncode}: {p.stderr}")
    return p.returncode, json.loads(p.stdout)


def copy(state, to):
    for name in os.listdir(state):
        if name.endswith(".db"):
            with contextlib.closing(sqlite3.connect(f"file:{os.path.join(state, name)}?mode=ro", uri=True)) as src, \
                    contextlib.closing(sqlite3.connect(os.path.join(to, name))) as dst:
                src.backup(dst)


class Verify(harness.Case):
    POLICY_PARTS = {"tail": TAIL, "rack_more": ", cost: {usd_per_hour: 7.60}, max_inflight: 4"}

    sent = 0

    def traffic(self, n=24):
        type(self).sent += n

        def one(i):
            headers = [("x-frugald-tags", f"app={['shop', 'desk'][i % 2]},run={i % 3}"), ("x-frugald-session", f"s{i % 4}")]
            kind = i % 8
            if kind == 0:
                return self.ask_message(f"question {i}", headers)
            if kind == 1:
                return self.ask_chat("[[sim fault=status:500]] x", headers, model="pair")
            if kind == 2:
                with self.open(CHAT, chat(f"[[sim events=400]] {i}", stream=True, model="sol"), headers) as c:
                    c.read_until(lambda a: len(a.events()) >= 3)
                return None
            return self.ask_chat(f"question {i}", headers, model=["luna", "sol", "qwen", "auto"][kind % 4], stream=kind % 2 == 0,
                                 user=f"u{i % 3}", **({"service_tier": "flex"} if kind == 5 else {}))
        harness.together(n, one)

    def settled(self):
        """What verify says once everything is in."""
        def look():
            code, found = verify(self.daemon.state)
            return (code, found) if found["waiting"] == 0 and found["requests"] >= self.sent else None
        return harness.wait_for("all rows", look)

    def assertEqualBooks(self, least=1):
        code, found = self.settled()
        self.assertEqual((code, found["differences"]), (0, []))
        self.assertGreaterEqual(found["attempts"], least)
        self.assertGreater(found["rollups"], 0)
        self.assertGreater(found["budgets"], 0)
        return found

    def crash(self):
        cls = type(self)
        cls.daemon.signal(signal.SIGKILL)
        cls.daemon.wait()
        cls.daemon.process.stdout.close()
        cls.daemon = harness.Daemon(self.folder, self.sim, **self.POLICY_PARTS)
        self.mark = 0

    def test_all_that_was_booked_comes_out(self):
        before = verify(self.daemon.state)[1]["requests"]
        self.traffic()
        found = self.assertEqualBooks(20)
        self.assertGreaterEqual(found["requests"], before + 20)
        self.assertEqual(sum(found["not_computed"].values()), 0, found)

    def test_kill_9_and_restart(self):
        for _ in range(2):
            streams = [self.open(CHAT, chat(f"[[sim events=40 gate=20]] {i}", stream=True),
                                 [("x-frugald-tags", "app=shop,run=9")]) for i in range(4)]
            self.sim.wait_gated(4)
            type(self).sent += 4
            self.traffic(8)
            self.crash()
            for s in streams:
                s.close()
            self.sim.release()
            self.sim.reset()
            self.assertEqualBooks()

    def test_budgets_that_come_change_and_go_under_load(self):
        stop = []

        def load(i):
            while not stop:
                self.traffic(8)

        def reloads(_):
            try:
                for tail in (FEWER, MORE, TAIL, MORE, FEWER, TAIL):
                    self.daemon.write(tail=tail)
                    self.assertIn("reload: policy", self.daemon.reload())
            finally:
                stop.append(True)
        harness.together(3, lambda i: reloads(i) if i == 0 else load(i))
        self.assertEqualBooks()
        self.crash()
        self.assertEqualBooks()

    def test_what_is_changed_is_found(self):
        self.traffic()
        self.assertEqualBooks()
        month = self.daemon.months()[0]
        month = os.path.basename(month)
        changes = (
            (month, "UPDATE attempt SET amount_pusd=amount_pusd|1 WHERE amount_pusd>0 AND amount_pusd&1=0 AND basis=0", "amount_pusd"),
            (month, "UPDATE attempt SET list_pusd=list_pusd+1 WHERE rowid_is(1)", "list_pusd"),
            (month, "UPDATE attempt SET amount_pusd=NULL, flags=flags|8 WHERE rowid_is(1)", "flags"),
            (month, "UPDATE attempt SET output=output+1 WHERE rowid_is(1)", "amount_pusd"),
            (month, "UPDATE attempt SET contract_ppm=990000 WHERE rowid_is(1)", "contract_ppm"),
            (month, "UPDATE attempt SET price=(SELECT id FROM name n WHERE n.text LIKE '%/%/20%' AND n.id<>price LIMIT 1) WHERE rowid_is(1)", "price"),
            (month, "UPDATE attempt SET granted_ms=granted_ms-8*86400000 WHERE rowid_is(1)", "budget"),
            (month, "DELETE FROM attempt WHERE rowid_is(1)", "has not the attempts"),
            (month, "DELETE FROM request WHERE seq=2", "follows an attempt"),
            ("ledger.db", "UPDATE rollup SET paid_lo=paid_lo+1 WHERE paid_lo=(SELECT MAX(paid_lo) FROM rollup)", "paid_lo"),
            ("ledger.db", "UPDATE rollup SET requests=requests-1 WHERE requests=(SELECT MAX(requests) FROM rollup)", "requests"),
            ("ledger.db", "DELETE FROM rollup WHERE paid_lo=(SELECT MAX(paid_lo) FROM rollup)", "roll-up of"),
            ("ledger.db", "INSERT OR REPLACE INTO rollup_done SELECT DISTINCT hour/24,1 FROM rollup", "roll-up of day"),
            ("ledger.db", "UPDATE budget SET spent_lo=spent_lo-1 WHERE spent_lo=(SELECT MAX(spent_lo) FROM budget)", "budget"),
            ("ledger.db", "DELETE FROM budget WHERE spent_lo=(SELECT MAX(spent_lo) FROM budget)", "budget"),
            ("ledger.db", "INSERT INTO budget SELECT rule,'nobody',period_ms,0,5,at_ms FROM budget LIMIT 1", "nobody"),
            ("ledger.db", "UPDATE kept SET text=replace(text,'5','6') WHERE kind='prices'", "kept prices"),
        )
        for file, sql, word in changes:
            with self.subTest(sql), tempfile.TemporaryDirectory() as to:
                copy(self.daemon.state, to)
                self.change(os.path.join(to, file), sql)
                code, found = verify(to)
                self.assertEqual(code, 1, sql)
                self.assertTrue(any(word in d["where"] + d["written"] for d in found["differences"]), (sql, found["differences"][:5]))

    def change(self, path, sql):
        sql = sql.replace("rowid_is(1)", "amount_pusd>0 AND basis=0 AND request=(SELECT MIN(request) FROM attempt WHERE basis=0 AND"
                          " amount_pusd>0 AND granted_ms>0 AND list_pusd>0) AND n=0")
        with contextlib.closing(sqlite3.connect(path)) as db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            self.assertGreater(db.execute(sql).rowcount, 0, sql)
            db.commit()

    def test_corrections_count_in_their_hour(self):
        self.traffic(8)
        answer = self.ask_chat("x")
        type(self).sent += 1
        self.daemon.row(answer.header("x-request-id"))
        for usd in ("0.5", "0.25"):
            body = {"request": answer.header("x-request-id"), "amount_usd": usd, "why": "credit note"}
            self.assertEqual(harness.ask(self.daemon.admin, "POST", "/admin/correct", json.dumps(body).encode()).status, 200)
        self.assertEqualBooks()
        with tempfile.TemporaryDirectory() as to:
            copy(self.daemon.state, to)
            self.change(os.path.join(to, os.path.basename(self.daemon.months()[0])), "UPDATE correction SET amount_pusd=amount_pusd+1")
            code, found = verify(to)
            self.assertEqual((code, [d["where"].split()[-1] for d in found["differences"]]), (1, ["paid_lo"]), found)

    def test_a_damaged_file(self):
        self.traffic(24)
        self.assertEqualBooks()
        with tempfile.TemporaryDirectory() as to:
            copy(self.daemon.state, to)
            path = os.path.join(to, os.path.basename(self.daemon.months()[0]))
            with open(path, "r+b") as f:
                f.seek(os.path.getsize(path) // 4096 // 2 * 4096)
                f.write(b"\xff" * 4096)
            p = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", to], capture_output=True, text=True, timeout=60)
            self.assertEqual(p.returncode, 1)
            self.assertIn("ledger-", p.stdout + p.stderr)

    def test_what_it_says_to_people(self):
        self.traffic(8)
        self.settled()
        p = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", self.daemon.state], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stdout)
        self.assertIn("everything is equal", p.stdout)
        p = subprocess.run([harness.FRUGALD, "ledger", "verify", "--state", self.folder], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn("is this a state folder of frugald?", p.stderr)


if __name__ == "__main__":
    unittest.main()
