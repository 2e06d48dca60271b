"""What we pay by contract: terms with dates, fixed prices, a table that changes; list and contract amount on every row."""

import datetime
import os
import signal
import subprocess
import unittest

import budgets
import harness
from harness import CHAT, chat

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
BOOK = """version: 1
source: "contract 7, 2026-01-01"
prices:
  - {{id: luna, provider: openai, model: openai/gpt-5.6-luna, usd_per_million: {{input: "0.50", output: "{output}"}}}}
"""
LIST = {"input": 200_000, "output": 1_200_000}  # openai/gpt-5.6-luna/2026-07-30, pico-dollars a token


def day(days):
    return (TODAY + datetime.timedelta(days)).isoformat()


class Contract(harness.Case):
    @classmethod
    def prepare(cls):
        cls.book = os.path.join(cls.folder, "contract.yaml")
        cls.write_book("2.00")
        cls.POLICY_PARTS = {"workers": 1, "backup_more": f", discount: 5%, contract: [{{from: {day(-400)}, discount: 12%}}, "
                            f"{{from: {day(-30)}, to: {day(3)}, discount: 15%}}, {{from: {day(3)}, discount: 90%}}]",
                            "anthropic_more": ", discount: 10%", "openai_more": f", discount: 10%, prices: {cls.book}, "
                            f"commitment: {{usd: 50000, from: {day(-1)}, to: {day(1)}}}, credits: {{usd: 1000, to: {day(-2)}}}"}

    def tearDown(self):
        budgets.verify(self)

    @classmethod
    def write_book(cls, output):
        with open(cls.book, "w", encoding="utf-8") as f:
            f.write(BOOK.format(output=output))

    def setUp(self):
        super().setUp()
        self.write_book("2.00")
        self.daemon.reload()
        harness.wait_for("the book", lambda: self.bill("luna")["amount_pusd"] == self.fixed(self.last, 2_000_000))

    def bill(self, model, text="[[sim prompt=1000 completion=500]] x"):
        answer = self.ask_chat(text, model=model)
        self.assertEqual(answer.status, 200, answer)
        self.row = self.row_of(answer)
        self.last, = self.row["attempt"]
        self.assertEqual(self.last["list_pusd"], self.listed(self.last))
        return self.last

    @staticmethod
    def listed(attempt):
        return attempt["input_uncached"] * LIST["input"] + attempt["output"] * LIST["output"]

    @staticmethod
    def fixed(attempt, output):
        return attempt["input_uncached"] * 500_000 + attempt["output"] * output

    def test_the_term_in_force(self):
        attempt = self.bill("spare")
        self.assertEqual(attempt["contract_ppm"], 850_000)
        self.assertEqual(attempt["amount_pusd"] * 100, attempt["list_pusd"] * 85)

    def test_custom_prices_replace_and_are_not_discounted(self):
        """gateways.md 4.3 no. 27: a price of one's own on top of the list's was 67 % too much."""
        attempt = self.bill("luna")
        self.assertEqual((attempt["price_name"], attempt["contract_ppm"]), ("contract:luna", 1_000_000))
        told = harness.ask(self.daemon.admin, "GET", f"/v1/requests/{self.id_of(self.row)}?format=text").body.decode()
        self.assertIn("at the fixed price of the contract", told)
        self.assertEqual(attempt["amount_pusd"], self.fixed(attempt, 2_000_000))

    def test_a_settled_row_stays(self):
        before = dict(self.bill("luna"))
        request = self.row
        self.write_book("9.00")
        self.daemon.reload()
        harness.wait_for("words for it", lambda: "fixed prices of contracts: changed" in self.daemon.said()[self.mark:])
        harness.wait_for("the new price", lambda: self.bill("luna")["amount_pusd"] == self.fixed(self.last, 9_000_000))
        after, = self.daemon.row(self.id_of(request))["attempt"]
        self.assertEqual(after, before)
        # and it is decided again by the table of then
        answer = harness.ask(self.daemon.admin, "GET", "/v1/requests/" + self.id_of(request))
        self.assertEqual(answer.json()["recomputed"]["plan"], "same", answer)
        told = subprocess.run([harness.FRUGALD, "explain", self.id_of(request), "--policy", self.daemon.config], cwd=self.folder,
                              env=os.environ | {"FRUGALD_URL": f"http://127.0.0.1:{self.daemon.admin}"}, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((told.returncode, told.stderr), (0, ""), told)
        kept = self.daemon.query("SELECT CAST(text AS TEXT) t FROM kept WHERE kind='contracts'",
                                 months=[os.path.join(self.daemon.state, "ledger.db")])
        self.assertEqual(sum("9.00" in k["t"] for k in kept), 1)

    def test_searches(self):
        """Each has its fee, of which the discount goes off; where its fee is not known the answer is unpriced, not free."""
        for stream in (False, True):
            answer = self.ask_message("[[sim tokens=50 searches=3]] x", stream=stream)
            self.assertEqual((answer.status, answer.end), (200, "whole"), answer)
            attempt, = self.row_of(answer)["attempt"]
            self.assertEqual(attempt["calls"], 3)
            listed = attempt["input_uncached"] * 2_000_000 + attempt["output"] * 10_000_000 + 3 * 10**10
            self.assertEqual((attempt["list_pusd"], attempt["amount_pusd"] * 10), (listed, listed * 9))
        row = self.row_of(self.ask_chat("[[sim searches=2]] x", model="luna"))
        self.assertEqual((row["attempt"][0]["calls"], row["attempt"][0]["amount_pusd"]), (2, None))
        told = harness.ask(self.daemon.admin, "GET", f"/v1/requests/{self.id_of(row)}").json()["attempts"][0]
        self.assertEqual((told["calls"], told["cost_usd"]), (2, None))

    def test_commitment(self):
        """What is spent of it are the amounts of the rows, whatever their list price is."""
        self.bill("luna")
        self.bill("spare")  # at somebody else's
        paid = sum(a["amount_pusd"] for a in self.daemon.query(
            "SELECT amount_pusd FROM attempt JOIN name n ON n.id=attempt.provider WHERE n.text='openai'"))

        def answer():
            one, = harness.ask(self.daemon.admin, "GET", "/v1/contracts").json()["contracts"]
            return one if one["commitment"]["used_usd"] == f"{paid // 10**12}.{paid % 10**12:012}" else None
        one = harness.wait_for("the sums of the hours", answer)
        self.assertEqual(one["commitment"]["usd"], "50000.000000000000")
        self.assertEqual((one["commitment"]["from"], one["commitment"]["to"]), (day(-1), day(1)))
        self.assertEqual((one["credits"]["from"], one["credits"]["used_usd"]), (None, "0.000000000000"))  # before it began
        told = subprocess.run([harness.FRUGALD, "prices", "contracts", "--state", self.daemon.state], capture_output=True,
                              text=True, timeout=60, check=True).stdout
        self.assertRegex(told, rf"openai +commitment +{day(-1)} +{day(1)} +50000.00 +0.\d\d +0.0 % +\d+\.\d\d")
        self.assertEqual(harness.ask(self.daemon.port, "GET", "/v1/contracts").status, 404)

    @staticmethod
    def id_of(row):
        number, text = int.from_bytes(row["id"], "big"), ""
        for _ in range(26):
            text, number = harness.DIGITS[number % 32] + text, number // 32
        return "req_" + text

    def test_killed(self):
        """What recovery books has both amounts, too."""
        with self.open(CHAT, chat("[[sim events=40 gate=20]] x", stream=True)) as stream:
            request_id = stream.answer.header("x-request-id")
            self.sim.wait_gated(1)
            stream.read_until(lambda a: len(a.events()) >= 18)
            cls = type(self)
            cls.daemon.signal(signal.SIGKILL)
            cls.daemon.wait()
            cls.daemon.process.stdout.close()
            cls.daemon = harness.Daemon(self.folder, self.sim, **self.POLICY_PARTS)
        attempt, = self.daemon.row(request_id)["attempt"]
        self.assertEqual((attempt["outcome"], attempt["price_name"]), ("crashed", "contract:luna"))
        self.assertEqual(attempt["list_pusd"], self.listed(attempt))
        self.assertEqual(attempt["amount_pusd"], self.fixed(attempt, 2_000_000))


if __name__ == "__main__":
    unittest.main()
