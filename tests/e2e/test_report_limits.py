"""What budgets have refused is in the summary and in the report, with whom it was and what to do."""

import json
import os
import subprocess
import unittest
from decimal import Decimal

import harness


class ReportLimits(harness.Case):
    POLICY_PARTS = {"tail": "budgets: [{scope: daemon, usd: 0.000001, per: day, on_exhausted: refuse}]"}

    def report(self, *more):
        env = dict(os.environ, FRUGALD_URL=f"http://127.0.0.1:{self.daemon.admin}", COLUMNS="150")
        return subprocess.run([harness.FRUGALD, "report", *more], env=env, capture_output=True, text=True, timeout=20,
                              check=True).stdout

    def test_refusals_and_budgets(self):
        self.assertEqual(self.ask_chat("hello", model="qwen").status, 200)  # it costs nothing
        for _ in range(3):
            self.assertError(self.ask_chat("hello", model="luna"), 402, "insufficient_quota")
        got = harness.wait_for("the refusals in the ledger", lambda: self.refused(3))
        line, = [v for v in got["limits"]["top"] if v["kind"] == "refused"]
        self.assertEqual((line["name"], line["count"]), ("daemon per day", 3))
        budget, = got["budgets"]
        self.assertEqual((budget["scope"], budget["per"], Decimal(budget["cap_usd"])), ("daemon", "day", Decimal("0.000001")))
        self.assertEqual(budget["refused"], 3)
        text = self.report("--since", "1h")
        self.assertRegex(text, r"limits    0 overrun · 3 refused( \(local 3\))? · 0 downgraded")
        self.assertIsNone(json.loads(self.report("--since", "1h", "--model", "qwen", "--json"))["limits"])

    def refused(self, count):
        got = harness.ask(self.daemon.admin, "GET", "/v1/costs/summary?since=1h").json()
        return (got["limits"] or {"by_kind": {}})["by_kind"].get("refused") == count and got


if __name__ == "__main__":
    unittest.main()
