"""Prices and budgets that change while answers are on their way: each is billed at the prices of its begin and counts in the
budgets that granted it, and what a new budget is told by the ledger is the same sum."""

import os
import unittest

import budgets
import harness
from harness import CHAT

BOOK = """version: 1
source: "our own, 2026-01-01"
prices:
  - {{id: ours/luna, provider: openai, model: openai/gpt-5.6-luna,
     usd_per_million: {{input: "{price}", output: "{price}"}}}}
"""


class Changes(budgets.Case):
    BUDGETS = '[{{each: user, usd: "{50}"}}]'

    @classmethod
    def prepare(cls):
        cls.book = os.path.join(cls.folder, "prices.yaml")
        cls.write_book("1.00")
        cls.POLICY_PARTS = {"top": f"prices: {cls.book}"}

    @classmethod
    def write_book(cls, price):
        with open(cls.book, "w", encoding="utf-8") as f:
            f.write(BOOK.format(price=price))

    def change(self, text, price=None):
        """Budgets and prices from the next request on, of every worker."""
        if price is not None:
            self.write_book(price)
        self.daemon.write(tail="\nbudgets: " + self.caps(text))
        self.assertNotIn("error", self.daemon.reload())

    def start(self, count, user):
        """So many streams that wait in the middle."""
        streams = []
        for i in range(count):
            c = self.open(CHAT, self.body("[[sim events=40 gate=20 tokens=40]] x", user=user, stream=True))
            self.assertEqual(c.answer.status, 200, c.answer)
            streams.append(c)
        self.sim.wait_gated(count)
        return streams

    def finish(self, streams):
        self.sim.release()
        rows = []
        for c in streams:
            c.read_until(lambda a: a.end)
            self.assertEqual(c.answer.end, "whole")
            rows.append(self.row_of(c.answer))
            c.close()
        return rows

    def at_price(self, row, dollars):
        a = row["attempt"][0]
        self.assertEqual(a["amount_pusd"], (a["input_uncached"] + a["output"]) * dollars * 1_000_000, a)

    def test_a_price_changes_while_streams_run(self):
        streams = self.start(6, "user-0001")
        self.change(self.BUDGETS, "3.00")
        rows = self.finish(streams)
        for row in rows:
            self.at_price(row, 1)
        account = self.quiet("user:user-0001")
        self.assertEqual(account["spent"], sum(r["attempt"][0]["amount_pusd"] for r in rows))
        harness.wait_for("the new price", lambda: self.row_of(self.post(CHAT, self.body(user="user-0001")))["attempt"][0][
            "price_name"] == "ours/luna")
        self.assertEqual(self.quiet("user:user-0001")["spent"], self.spent_by_user("user-0001"))
        budgets.verify(self)
        self.change(self.BUDGETS, "1.00")

    def test_a_cap_changes_while_streams_run(self):
        """A lower cap only stops what comes; a higher one goes on where the other was."""
        streams = self.start(4, "user-0002")
        held = self.account("user:user-0002")["held"]
        self.change('[{{each: user, usd: "{1}"}}]')
        self.assertEqual(self.account("user:user-0002")["held"], held)
        harness.wait_for("the new cap", lambda: self.account("user:user-0002")["cap"] == self.most)
        self.assertRefused(self.post(CHAT, self.body(user="user-0002")), "each user")
        rows = self.finish(streams)
        spent = self.quiet("user:user-0002")["spent"]
        self.assertEqual(spent, sum(r["attempt"][0]["amount_pusd"] for r in rows))
        self.change('[{{each: user, usd: "{80}"}}]')
        harness.wait_for("the higher cap", lambda: self.post(CHAT, self.body(user="user-0002")).status == 200)
        self.assertEqual(self.quiet("user:user-0002")["spent"], spent + self.cost)
        self.change(self.BUDGETS)

    def test_a_new_budget_hears_of_what_was_before_and_of_what_still_runs(self):
        """From the ledger: rows of before at once, rows of what runs when they are in; none twice, none never."""
        self.assertEqual(self.post(CHAT, self.body(user="user-0003")).status, 200)
        streams = self.start(4, "user-0003")
        self.change('[{{each: user, usd: "{50}"}}, {{scope: user, value: user-0003, usd: "{60}", per: month}}]')
        harness.wait_for("what was before", lambda: self.monthly("user-0003") == self.cost)
        self.finish(streams)
        spent = self.quiet("user:user-0003")["spent"]
        harness.wait_for("what ran", lambda: self.monthly("user-0003") == self.spent_by_user("user-0003"))
        self.assertGreaterEqual(spent, self.cost)
        # Renamed: another period is another budget; then it is gone, and comes back.
        for text in ('[{{scope: user, value: user-0003, usd: "{60}", per: week}}]', self.BUDGETS,
                     '[{{scope: user, value: user-0003, usd: "{60}", per: month}}]'):
            self.change(text)
            harness.wait_for("the sum of the rows", lambda: [a["spent"] for a in self.lines() if "user" in a["name"]
                             and a["scope"] == "user:user-0003"] == [self.spent_by_user("user-0003")])
        self.change(self.BUDGETS)
        budgets.verify(self)

    def monthly(self, user):
        return {a["name"]: a["spent"] for a in self.lines()}.get(f"user {user} per month")

    def lines(self):
        lines = harness.ask(self.daemon.admin, "GET", "/v1/costs/summary?since=1h").json()["budgets"]
        return [{**a, "spent": budgets.pusd(a["spent_usd"])} for a in lines]


if __name__ == "__main__":
    unittest.main()
