"""kill -9 under live streams, again and again: after each restart every call that the provider saw has exactly
one row, none is lost, none is doubled, and the roll-ups are the sums of the rows.

usage: kill9.py [--rounds N] [--seed N] [unittest options]     20 rounds when unnamed; by hand take 200"""

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

# What the provider does, and how often.
BEHAVIOUR = ["events=400 gap_ms=5"] * 8 + ["events=30 gap_ms=2"] * 4 + [
    "first_ms=300 events=5", "fault=hang", "fault=stall:5", "fault=cut_after:4", "fault=rst_at:6", "fault=close",
    "status=500", "status=429", "fault=error_event:3"]

TOTALS = ("requests", "attempts", "failed", "unpriced", "estimated", "input_uncached", "cache_read", "output", "reasoning")
MONEY = ("paid", "list", "wasted", "estimated")


class Kill9(harness.Case):
    POLICY_PARTS = {"openai_more": ", timeouts: {first_byte: 1s, idle: 1s}",
                    "anthropic_more": ", timeouts: {first_byte: 1s, idle: 1s}"}
    EXIT_CODE = 0

    def client(self, rng_seed, stop):
        """One request after another until the daemon is gone; some leave early, some do not listen."""
        rng = random.Random(rng_seed)
        while not stop.is_set():
            text = f"[[sim {rng.choice(BEHAVIOUR)}]] x"
            stream = rng.random() < 0.8
            path, body = (MESSAGES, message(text, stream=stream)) if rng.random() < 0.3 else (
                CHAT, chat(text, model=rng.choice(("luna", "sol", "qwen", "wide")), stream=stream))
            try:
                with harness.Connection(self.daemon.port, 10) as c:
                    c.send("POST", path, body)
                    c.read_head()
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

    def round(self, number):
        rng, stop = random.Random(SEED * 1000 + number), threading.Event()
        threads = [threading.Thread(target=self.client, args=(rng.random(), stop)) for _ in range(CLIENTS)]
        for t in threads:
            t.start()
        harness.wait_for("live calls", lambda: sum(p["inflight"] for p in self.sim.stats()["ports"]) >= CLIENTS // 2)
        time.sleep(rng.random())  # not to synchronise: any moment is as good
        self.daemon.signal(signal.SIGKILL)
        stop.set()
        self.daemon.wait()
        self.daemon.process.stdout.close()
        for t in threads:
            t.join()
        cls = type(self)
        cls.daemon = harness.Daemon(cls.folder, cls.sim, cls.ENV, **cls.POLICY_PARTS)

    # -- what must hold --

    def seen_upstream(self):
        """(id, attempt) of every call that reached the simulator."""
        calls = []
        for record in self.sim.records():
            headers = {n.lower(): v for n, v in record["headers"]}
            calls.append((harness.id_bytes(headers["x-client-request-id"]), int(headers["x-frugald-attempt"])))
        self.assertEqual(len(calls), len(set(calls)), "a call was sent twice under one name")
        return set(calls)

    def booked(self):
        """(id, attempt) -> row."""
        rows = self.daemon.query("SELECT r.id, r.attempts, r.outcome AS request_outcome, a.* FROM request r"
                                 " JOIN attempt a ON a.request=r.seq")
        return {(r["id"], r["n"]): r for r in rows}, len(rows)

    def check(self, number):
        seen = self.seen_upstream()
        rows, count = self.booked()
        self.assertEqual(count, len(rows), f"round {number}: an attempt has two rows")
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
        for number in range(ROUNDS):
            with self.subTest(round=number, seed=SEED):
                self.round(number)
                self.check(number)
                self.sim.reset()
                self.whole.clear()
        rows, _ = self.booked()
        counts = {}
        for row in rows.values():
            word = f"{harness.OUTCOMES[row['outcome']]}/{harness.BASES[row['basis']]}"
            counts[word] = counts.get(word, 0) + 1
        print(f"{ROUNDS} rounds, {len(rows)} attempts:", ", ".join(f"{n} {w}" for w, n in sorted(counts.items())))
        for word in ("crashed/partial", "crashed/unknown", "served/reported", "client_gone/partial"):
            self.assertIn(word, counts, "the rounds did not come to that")
        self.assertEqual([n for n in os.listdir(self.daemon.state) if n.startswith("slots.")][1:], [],
                         "files of dead processes are gone")


if __name__ == "__main__":
    unittest.main()
