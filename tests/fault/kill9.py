"""kill -9 under live streams, again and again: after each restart every call that the provider saw has exactly
one row, none is lost, none is doubled, and the roll-ups are the sums of the rows; every budget is the sum of its rows,
and at no moment more is spent and held than its cap.

usage: kill9.py [--rounds N] [--minutes N] [--seed N] [unittest options]
20 rounds when unnamed, by hand take 500; after so many minutes no new round is begun."""

import datetime
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
import budgets
from budgets import pusd
from harness import CHAT, MESSAGES, chat, message

CLIENTS = 20


def option(name, default):
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    value = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


ROUNDS = option("--rounds", 3 if harness.QUICK else 20)
SEED = option("--seed", 1)
MINUTES = option("--minutes", 60)

# What the provider does, and how often.
BEHAVIOUR = ["events=400 gap_ms=5"] * 8 + ["events=30 gap_ms=2"] * 4 + [
    "first_ms=300 events=5", "fault=hang", "fault=stall:5", "fault=cut_after:4", "fault=rst_at:6", "fault=close",
    "status=500", "status=429", "fault=error_event:3"]

TOP = """keys_file: keys.yaml
teams: {agents: {may_use: all, budget: {usd: 5000, per: month}}}
"""
# Of all scopes; nobody comes near but those who are poor.
BUDGETS = """
budgets:
  - {scope: daemon, usd: 20000, per: month, time_zone: Europe/Berlin}
  - {scope: daemon, usd: 9000, per: hour}
  - {each: key, usd: 4000}
  - {each: user, usd: 3000, per: day}
  - {scope: user, value: poor-0, usd: "0.05"}
  - {scope: user, value: poor-1, usd: "0.2", per: month}
  - {each: session, usd: 3000, per: week}
  - {each: tag.run, usd: 3000}
  - {scope: tag.app, value: shop, usd: 3000, per: month, hold: expected}
"""

TOTALS = ("requests", "attempts", "failed", "unpriced", "estimated", "input_uncached", "cache_read", "output", "reasoning")
MONEY = ("paid", "list", "wasted", "estimated")


class Kill9(harness.Case):
    POLICY_PARTS = {"top": TOP, "tail": BUDGETS, "openai_more": ", timeouts: {first_byte: 1s, idle: 1s}",
                    "anthropic_more": ", timeouts: {first_byte: 1s, idle: 1s}"}
    EXIT_CODE = 0

    @classmethod
    def prepare(cls):
        budgets.empty_keys(cls.folder)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.key = budgets.add_key(cls.daemon, "agent", "agents")
            cls.restart()
        except BaseException:
            cls.clean_up()
            raise

    @classmethod
    def restart(cls):
        if cls.daemon.alive():
            cls.daemon.stop()
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    def whose(self, rng):
        """Headers and user of a request."""
        tags = rng.choice(("", "app=shop", f"run={rng.randrange(6)}", f"run={rng.randrange(6)},app=shop"))
        user = rng.choice(("ann", "bob", "poor-0", "poor-1", "carl", "dora", "", ""))
        headers = {"Authorization": "Bearer " + self.key, "x-frugald-session": f"session {rng.randrange(8)}"}
        return {**headers, **({"x-frugald-tags": tags} if tags else {})}, {"user": user} if user else {}

    def client(self, rng_seed, stop):
        """One request after another until the daemon is gone; some leave early, some do not listen."""
        rng = random.Random(rng_seed)
        while not stop.is_set():
            text = f"[[sim {rng.choice(BEHAVIOUR)}]] x"
            stream = rng.random() < 0.8
            headers, user = self.whose(rng)
            path, body = (MESSAGES, message(text, stream=stream)) if rng.random() < 0.3 else (
                CHAT, chat(text, model=rng.choice(("luna", "sol", "qwen", "wide")), stream=stream, max_tokens=500, **user))
            try:
                with harness.Connection(self.daemon.port, 10) as c:
                    c.send("POST", path, body, headers)
                    c.read_head()
                    if c.answer.status == 402:
                        self.refused += 1
                        time.sleep(0.02)
                    if rng.random() < 0.3:
                        c.read_until(lambda a: len(a.body) > 500)
                        if rng.random() < 0.5:
                            c.reset()
                    else:
                        c.read_until(lambda a: a.end)
                    self.note(c.answer)
            except OSError:
                if not stop.is_set():
                    time.sleep(0.01)

    def note(self, answer):
        """A client that has the last byte of an answer has a settled one (the end waits for the slot)."""
        ended = b"[DONE]" in answer.body or b"message_stop" in answer.body
        if answer.status == 200 and answer.end == "whole" and (ended or answer.body.startswith(b"{")):
            with self.lock:
                self.whole.add(answer.header("x-request-id"))

    def setUp(self):
        super().setUp()
        self.lock, self.whole = threading.Lock(), set()
        self.refused = self.samples = 0
        self.rows, self.marks, self.spent = {}, {}, {}

    def round(self, number):
        rng, stop = random.Random(SEED * 1000 + number), threading.Event()
        threads = [threading.Thread(target=self.client, args=(rng.random(), stop)) for _ in range(CLIENTS)]
        for t in threads:
            t.start()
        harness.wait_for("live calls", lambda: sum(p["inflight"] for p in self.sim.stats()["ports"]) >= CLIENTS // 2)
        end = time.monotonic() + rng.random()  # not to synchronise: any moment is as good
        while time.monotonic() < end:
            self.sample(number)
        self.daemon.signal(signal.SIGKILL)
        stop.set()
        self.daemon.wait()
        self.daemon.process.stdout.close()
        for t in threads:
            t.join()
        type(self).restart()

    # -- budgets --

    def accounts(self):
        return harness.ask(self.daemon.admin, "GET", "/v1/costs/summary?since=1h").json()["budgets"]

    def sample(self, number):
        """While everything runs: no more than the cap is spent and held."""
        for a in self.accounts():
            self.samples += 1
            self.assertGreaterEqual(pusd(a["left_usd"]), 0, f"round {number}: {a}")

    def check_budgets(self, number, rows):
        """Each account is what the rows of its period say, and nothing is held."""
        for r in rows:
            amount = r["at_most_pusd"] if r["amount_pusd"] is None else r["amount_pusd"]
            for scope in ("daemon:", f"user:{r['user']}", f"key:{r['key']}", f"team:{r['team']}", f"tag.run:{r['run']}",
                          f"tag.app:{r['app']}", f"session:{r['session'] % 2**64:016x}"):
                self.spent.setdefault(scope, []).append((r["granted_ms"] or 0, amount))
        told = self.accounts()
        self.assertGreater(len(told), 8, told)
        for a in told:
            begin = self.begin_ms(a)
            scope = "daemon:" if a["scope"] == "daemon" else a["scope"]
            spent = sum(amount for at, amount in self.spent.get(scope, ()) if at >= begin)
            self.assertEqual((pusd(a["spent_usd"]), a["held_usd"]), (spent, "0.000000000000"), f"round {number}: {a}")
            self.assertLessEqual(spent, pusd(a["cap_usd"]), f"round {number}: {a}")

    @staticmethod
    def begin_ms(account):
        """Of its period, from when it ends."""
        if account["resets_at"] is None:
            return 0
        ends = datetime.datetime.fromisoformat(account["resets_at"].replace("Z", "+00:00"))
        begin = ends - datetime.timedelta(days={"hour": 1 / 24, "day": 1, "week": 7, "month": 1}[account["per"]])
        if account["per"] == "month":  # of the zone's first day to the next one's; a zone is hours ahead at most
            first = (ends + datetime.timedelta(hours=14)).replace(day=1, hour=0)
            begin = (first - datetime.timedelta(days=1)).replace(day=1) - (first - ends)
        return int(begin.timestamp() * 1000)

    # -- what must hold --

    def seen_upstream(self):
        """(id, attempt) of every call that reached the simulator."""
        calls = []
        for record in self.sim.records():
            headers = {n.lower(): v for n, v in record["headers"]}
            calls.append((harness.id_bytes(headers["x-client-request-id"]), int(headers["x-frugald-attempt"])))
        self.assertEqual(len(calls), len(set(calls)), "a call was sent twice under one name")
        return set(calls)

    def fresh_rows(self, number):
        """(id, attempt) -> row, of what was booked since the last time."""
        fresh = {}
        for path in self.daemon.months():
            rows = self.daemon.query(
                "SELECT r.id, r.seq, r.session, a.*, (SELECT text FROM name WHERE id=r.user) AS user,"
                " (SELECT text FROM name WHERE id=r.key) AS key, (SELECT text FROM name WHERE id=r.team) AS team,"
                f" {self.tag('run')} AS run, {self.tag('app')} AS app"
                " FROM request r JOIN attempt a ON a.request=r.seq WHERE r.seq>?", self.marks.get(path, 0), months=[path])
            for row in rows:
                name = (row["id"], row["n"])
                self.assertNotIn(name, self.rows, f"round {number}: an attempt has two rows")
                self.assertNotIn(name, fresh, f"round {number}: an attempt has two rows")
                fresh[name] = row
                self.marks[path] = max(self.marks.get(path, 0), row["seq"])
        self.rows.update(fresh)
        return fresh

    @staticmethod
    def tag(name):
        return ("(SELECT v.text FROM tag t JOIN name n ON n.id=t.name JOIN name v ON v.id=t.value"
                f" WHERE t.request IN (r.seq, -r.tagset) AND n.text='{name}')")

    def check(self, number):
        seen, rows = self.seen_upstream(), self.fresh_rows(number)
        # Numbers of the attempt count those that did not get so far as to need a row.
        booked, sent = {}, set()
        for (request_id, n), row in rows.items():
            booked.setdefault(request_id, []).append(row)
            if row["flags"] & 1:
                sent.add(request_id)
        lost = [(i.hex(), n) for i, n in seen if i not in booked]
        self.assertEqual(lost, [], f"round {number}: calls without a row")
        for request_id, calls in self.by_request(seen).items():
            marked = [r for r in booked[request_id] if r["flags"] & 1]
            self.assertGreaterEqual(len(marked), len(calls), f"round {number}: {request_id.hex()}")
            self.assertLessEqual(len(marked), len(calls) + 1, f"round {number}: {request_id.hex()}")
        for row in rows.values():
            self.check_bill(number, row)
        for request_id in self.whole:
            self.assertEqual(harness.OUTCOMES[booked[harness.id_bytes(request_id)][-1]["outcome"]], "served",
                             f"round {number}: a client has the whole answer of {request_id}")
        self.check_rollups(number)
        self.check_budgets(number, rows.values())

    @staticmethod
    def by_request(calls):
        found = {}
        for request_id, n in calls:
            found.setdefault(request_id, set()).add(n)
        return found

    def check_bill(self, number, row):
        basis, outcome = harness.BASES[row["basis"]], harness.OUTCOMES[row["outcome"]]
        where = f"round {number}: {outcome} {basis} {row}"
        self.assertIsNotNone(row["amount_pusd"], where)
        if basis == "none":
            self.assertEqual(row["amount_pusd"], 0, where)
            self.assertTrue(not row["flags"] & 1 or row["http_status"] >= 300 or outcome == "provider_error", where)
        elif row["tier"] != 2:  # a local model costs nothing
            self.assertGreater(row["amount_pusd"], 0, where)
        if outcome == "crashed":
            self.assertEqual(basis, "none" if not row["flags"] & 1 else "partial" if row["flags"] & 2 else "unknown", where)

    def check_rollups(self, number):
        db = sqlite3.connect(f"file:{self.daemon.state}/ledger.db?mode=ro", uri=True, timeout=harness.PATIENCE)
        try:
            columns = ", ".join(f"SUM({c})" for c in TOTALS) + ", " + ", ".join(f"SUM({m}_hi), SUM({m}_lo)" for m in MONEY)
            found = list(db.execute(f"SELECT {columns} FROM rollup").fetchone())
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        finally:
            db.close()
        served, estimated = harness.OUTCOMES.index("served"), "basis IN (%d,%d)" % (
            harness.BASES.index("partial"), harness.BASES.index("unknown"))
        rows = self.daemon.query(
            "SELECT (SELECT COUNT(*) FROM request) AS requests, COUNT(*) AS attempts,"
            f" SUM(outcome<>{served}) AS failed, SUM(flags&8<>0) AS unpriced, SUM({estimated}) AS estimated,"
            " SUM(input_uncached) AS input_uncached, SUM(cache_read) AS cache_read, SUM(output) AS output,"
            " SUM(reasoning) AS reasoning, SUM(amount_pusd) AS paid_m, SUM(list_pusd) AS list_m,"
            f" SUM(CASE WHEN outcome<>{served} THEN amount_pusd END) AS wasted_m,"
            f" SUM(CASE WHEN {estimated} THEN amount_pusd END) AS estimated_m FROM attempt")
        expected = [sum(r[c] or 0 for r in rows) for c in TOTALS]
        money = [sum(r[m + "_m"] or 0 for r in rows) for m in MONEY]
        self.assertEqual(found[:len(TOTALS)], expected, f"round {number}: {TOTALS}")
        got = [found[len(TOTALS) + 2 * i] * 10**12 + found[len(TOTALS) + 2 * i + 1] for i in range(len(MONEY))]
        self.assertEqual(got, money, f"round {number}: {MONEY}")

    def test_rounds(self):
        done, until = 0, time.monotonic() + MINUTES * 60
        while done < ROUNDS and time.monotonic() < until:
            number, done = done, done + 1
            with self.subTest(round=number, seed=SEED):
                self.round(number)
                self.check(number)
                self.sim.reset()
                self.whole.clear()
                if number % 25 == 24:
                    budgets.verify(self)
        print(budgets.verify(self).strip())
        counts = {}
        for row in self.rows.values():
            word = f"{harness.OUTCOMES[row['outcome']]}/{harness.BASES[row['basis']]}"
            counts[word] = counts.get(word, 0) + 1
        print(f"{done} rounds, {len(self.rows)} attempts:", ", ".join(f"{n} {w}" for w, n in sorted(counts.items())))
        print(f"{self.samples} samples of accounts, {self.refused} requests refused")
        self.assertGreater(self.refused, 0, "nobody came to the end of a budget")
        for word in ("crashed/partial", "crashed/unknown", "served/reported", "client_gone/partial"):
            self.assertIn(word, counts, "the rounds did not come to that")
        self.assertEqual([n for n in os.listdir(self.daemon.state) if n.startswith("slots.")][1:], [],
                         "files of dead processes are gone")


if __name__ == "__main__":
    unittest.main()
