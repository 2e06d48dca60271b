"""A price book of one's own: a reload bills by it from the next request on; every one that was in force is kept."""

import os
import sqlite3
import unittest

import harness

BOOK = """version: 1
source: "our own, 2026-01-01"
prices:
  - {{id: ours/luna, provider: openai, model: openai/gpt-5.6-luna,
     usd_per_million: {{input: "1.00", output: "{output}"}}}}
"""


class PriceBook(harness.Case):
    @classmethod
    def prepare(cls):
        cls.book = os.path.join(cls.folder, "prices.yaml")
        cls.write_book("2.00")
        cls.POLICY_PARTS = {"top": f"prices: {cls.book}", "policy": harness.POLICY}

    @classmethod
    def write_book(cls, output):
        with open(cls.book, "w", encoding="utf-8") as f:
            f.write(BOOK.format(output=output))

    def bill(self):
        """Of one request: per token of input and of output, in pico-dollars, and the price row."""
        answer = self.ask_chat("[[sim prompt=1000 completion=500]] x")
        self.assertEqual(answer.status, 200, answer)
        attempt = self.row_of(answer)["attempt"][0]
        return attempt["amount_pusd"] - attempt["input_uncached"] * 1_000_000, attempt["output"], attempt["price_name"]

    def kept(self):
        db = sqlite3.connect(f"file:{self.daemon.state}/ledger.db?mode=ro", uri=True, timeout=harness.PATIENCE)
        try:
            return [text for text, in db.execute("SELECT CAST(text AS TEXT) FROM kept WHERE kind='prices'")]
        finally:
            db.close()

    def test_reloaded(self):
        paid, output, row = self.bill()
        self.assertEqual((paid, row), (output * 2_000_000, "ours/luna"))
        self.write_book("3.00")
        self.daemon.reload()

        def dearer():
            paid, output, _ = self.bill()
            return paid == output * 3_000_000
        for _ in range(4):  # each worker takes it from its next request on
            harness.wait_for("the new price", dearer)
        self.assertEqual(sorted(self.kept()), [BOOK.format(output="2.00"), BOOK.format(output="3.00")])


if __name__ == "__main__":
    unittest.main()
