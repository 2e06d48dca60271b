"""`ledger` of the policy: what a reload makes of `keep: slim`, and what is still told of such rows."""

import os
import subprocess
import unittest

import harness


class LedgerTerms(harness.Case):
    def verb(self, *words, code=0):
        done = subprocess.run([harness.FRUGALD, *words], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "COLUMNS": "150", "FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"})
        self.assertEqual(done.returncode, code, done)
        return done.stdout + done.stderr

    def test_slim(self):
        full = self.row_of(self.ask_chat("x", model="auto"))
        self.assertTrue(full["decision"] and full["plan"] and full["attempt"][0]["raw_usage"])
        # As the provider told it, from words that are kept once and the row's own numbers.
        for row in (full, self.row_of(self.ask_chat("x", model="auto")), self.row_of(self.ask_chat("x", model="auto"))):
            record = harness.ask(self.daemon.admin, "GET", f"/v1/requests/{full_id(row)}").json()
            self.assertEqual(record["attempts"][0]["raw_usage"], row["attempt"][0]["raw_usage"])
            self.assertIn('"prompt_tokens":', record["attempts"][0]["raw_usage"])
        self.daemon.write(top="ledger: {keep: slim}")
        self.daemon.reload()

        def slim():
            row = self.row_of(self.ask_chat("x", model="auto"))
            return not row["decision"] and row
        row = harness.wait_for("a slim row", slim)
        self.assertFalse(row["plan"])
        self.assertIsNone(row["attempt"][0]["raw_usage"])
        self.assertEqual(row["attempt"][0]["input_uncached"], full["attempt"][0]["input_uncached"])
        self.assertEqual(row["attempt"][0]["amount_pusd"], full["attempt"][0]["amount_pusd"])
        # What is estimated may be disputed, and is kept whole.
        cut = self.post(harness.CHAT, harness.chat("[[sim fault=rst_after:2]] x", model="auto", stream=True))
        kept = self.row_of(cut)
        if kept["attempt"][-1]["basis"] != "reported":
            self.assertTrue(kept["decision"] and kept["plan"])
        said = self.verb("explain", full_id(row))
        self.assertIn("keep: slim", said)
        self.assertIn("paid", said)
        self.verb("ledger", "verify", "--state", self.daemon.state, "-c", self.daemon.config)
        said = self.verb("replay", "--policy", self.daemon.config, "--state", self.daemon.state)
        self.assertIn("keep: slim", said)
        self.daemon.write(top="")
        self.daemon.reload()
        harness.wait_for("a full row", lambda: self.row_of(self.ask_chat("x", model="auto"))["decision"])

    def test_rows_that_would_outlive_their_prices(self):
        self.daemon.write(top="ledger: {keep_days: 400, keep_months: 12}")
        self.assertIn("reload refused", self.daemon.reload())
        self.assertIn("keep_days may be up to 336", self.daemon.said())
        self.daemon.write(top="")
        self.daemon.reload()


def full_id(row):
    number = int.from_bytes(row["id"], "big")
    digits = ""
    for _ in range(26):
        digits = harness.DIGITS[number % 32] + digits
        number //= 32
    return "req_" + digits


if __name__ == "__main__":
    unittest.main()
