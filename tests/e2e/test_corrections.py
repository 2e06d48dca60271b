"""What a request cost after all, said by somebody who knows: a row beside it, seen by explain and in every report."""

import decimal
import json
import os
import subprocess
import unittest

import harness


class Corrections(harness.Case):
    def verb(self, *words, code=0):
        done = subprocess.run([harness.FRUGALD, *words], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "COLUMNS": "150", "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"})
        self.assertEqual(done.returncode, code, done)
        return done.stdout + done.stderr

    def paid(self, query=""):
        return decimal.Decimal(self.daemon.summary(query)["total"]["cost_usd"])

    def test_seen_everywhere(self):
        answer = self.ask_chat("x", user="u1")
        self.assertEqual(self.ask_chat("x", user="u2").status, 200)
        request = answer.header("x-request-id")
        booked = decimal.Decimal(self.row_of(answer)["attempt"][0]["amount_pusd"]) / 10**12
        before = self.paid()
        said = self.verb("ledger", "correct", request, "--amount", "0.5", "--why", "credit note 4711")
        self.assertIn("attempt 1 (luna at openai): $0.500000000000 instead of $0.0000", said)
        self.assertEqual(self.row_of(answer)["attempt"][0]["amount_pusd"], booked * 10**12, "what was booked stays")
        self.assertEqual(self.paid(), before + decimal.Decimal("0.5") - booked)
        # Rows tell the same as roll-ups.
        by_user = self.daemon.summary("group_by=user")
        self.assertEqual(decimal.Decimal(by_user["total"]["cost_usd"]), before + decimal.Decimal("0.5") - booked)
        self.assertIn(("u1", "0.500000000000"), [(r["user"], r["cost_usd"]) for r in by_user["rows"]])
        self.assertEqual(by_user["trust"]["corrections"], 1)
        text = self.verb("explain", request)
        self.assertIn("attempt 1 cost $0.500 000 000 000, said ", text)
        self.assertIn("credit note 4711", text)
        record = harness.ask(self.daemon.admin, "GET", f"/v1/requests/{request}").json()
        self.assertEqual([(c["attempt"], c["cost_usd"], c["why"]) for c in record["corrections"]],
                         [(1, "0.500000000000", "credit note 4711")])
        self.verb("ledger", "correct", request, "--amount", str(booked), "--why", "not so")
        self.assertEqual(self.paid(), before)

    def test_what_is_refused(self):
        request = self.ask_chat("x").header("x-request-id")
        self.daemon.row(request)
        self.assertIn("--amount", self.verb("ledger", "correct", request, "--why", "x", code=2))
        self.assertIn("--why", self.verb("ledger", "correct", request, "--amount", "1", code=2))
        self.assertIn("no request of that id", self.verb("ledger", "correct", "req_" + "0" * 26, "--amount", "1", "--why", "x", code=1))
        self.assertIn("it has 1 attempts", self.verb("ledger", "correct", request, "--amount", "1", "--why", "x", "--attempt", "2", code=1))
        for body in ({"request": request, "amount_usd": "-1", "why": "x"}, {"request": request, "amount_usd": 1, "why": "x"},
                     {"request": request, "amount_usd": "1", "why": ""}, {"request": "req_1", "amount_usd": "1", "why": "x"},
                     {"request": request, "amount_usd": "1", "why": "x", "attempt": 0}, {}):
            answer = harness.ask(self.daemon.admin, "POST", "/admin/correct", json.dumps(body).encode())
            self.assertEqual(answer.status, 400, body)


if __name__ == "__main__":
    unittest.main()
