"""Every attempt's bill, recomputed from the provider's own usage and the price book with exact arithmetic."""

import datetime
import decimal
import fractions
import json
import os
import re
import unittest

import harness
from harness import CHAT, MESSAGES, chat

PER_MILLION = 10**6  # pico-USD per token for one USD per million tokens
LONG = "The quick brown fox jumps over the lazy dog while the hounds of the old hunter sleep. " * 80


def price_book():
    """config/prices.yaml, whose rows are flow mappings: id -> (match, from, to, kinds, above, tiers)."""
    with open(os.path.join(harness.ROOT, "config", "prices.yaml"), encoding="utf-8") as f:
        text = f.read()
    book = {}
    for row in re.findall(r"^  - \{id: .*?\}(?=\n  - |\n*\Z)", text, re.M | re.S):
        kinds = lambda t: {k: fractions.Fraction(v) for k, v in re.findall(r'(\w+): "([\d.]+)"', t)}
        first, _, above = row.partition("above:")
        day = lambda name: (m := re.search(rf"\b{name}: (\d{{4}}-\d\d-\d\d)", first)) and m.group(1)
        tiers = re.search(r"service_tiers: \{([^}]*)\}", row)
        book[re.search(r"\{id: ([^,]+)", row).group(1)] = {
            "match": re.findall(r'"([^"]+)"', re.search(r"match: \[([^\]]*)\]", first).group(1)),
            "from": day("from") or "0000", "to": day("to") or "9999",
            "kinds": kinds(first[first.index("usd_per_million"):]),
            "above": [(int(c), kinds(k)) for c, k in re.findall(r"context: (\d+), usd_per_million: \{([^}]*)\}", above)],
            "tiers": {n: fractions.Fraction(int(p), 100) for n, p in re.findall(r"(\w+): (\d+)%", tiers.group(1))} if tiers else {},
        }
    return book


def tokens_of(usage):
    """A provider's own usage as disjoint kinds, by the provider's own rules."""
    if "prompt_tokens" in usage:
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        return {"input": usage["prompt_tokens"] - cached, "cache_read": cached, "output": usage["completion_tokens"]}
    made = usage.get("cache_creation") or {}
    return {"input": usage["input_tokens"], "cache_read": usage.get("cache_read_input_tokens", 0),
            "cache_write_5m": made.get("ephemeral_5m_input_tokens", 0),
            "cache_write_1h": made.get("ephemeral_1h_input_tokens", 0), "output": usage["output_tokens"]}


class Costs(harness.Case):
    POLICY_PARTS = {"openai_more": ", discount: 12.7%", "workers": 1}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.book = price_book()

    def expected(self, attempt, usage, tier):
        """(list, contract) in pico-USD."""
        row = self.book[attempt["price_name"]]
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        self.assertTrue(row["from"] <= today < row["to"], "the row of today")
        served = attempt["served_model_name"]
        self.assertTrue(any(served == m or (m.endswith("*") and served.startswith(m[:-1])) for m in row["match"]))
        tokens, kinds = tokens_of(usage), row["kinds"]
        for context, dearer in row["above"]:
            if sum(n for k, n in tokens.items() if k != "output") > context:
                kinds = dearer
        amount = sum(n * kinds[k] * PER_MILLION for k, n in tokens.items() if n) * row["tiers"].get(tier, 1)
        discount = fractions.Fraction(873, 1000) if attempt["provider_name"] == "openai" else 1
        # round() of a Fraction is half to even.
        return round(amount), round(amount * discount)

    def check(self, path, body, tier="", headers=()):
        answer = self.post(path, body, headers)
        self.assertEqual((answer.status, answer.end), (200, "whole"), answer)
        row = self.row_of(answer)
        attempt = row["attempt"][0]
        usage = {}
        for line in attempt["raw_usage"].splitlines():  # some streams tell it in two parts
            usage.update(json.loads(line))
        wanted = self.expected(attempt, usage, tier)
        self.assertEqual((attempt["list_pusd"], attempt["amount_pusd"]), wanted, (attempt, usage))
        self.assertEqual(attempt["basis"], "reported")
        kinds = tokens_of(usage)
        self.assertEqual(attempt["input_uncached"], kinds["input"])
        self.assertEqual(attempt["output"], kinds["output"])
        self.assertEqual(attempt["cache_read"] or 0, kinds["cache_read"])
        for kind in ("cache_write_5m", "cache_write_1h"):
            self.assertEqual(attempt[kind] or 0, kinds.get(kind, 0))
        # What the provider itself has seen.
        record = self.sim.records()[-1]
        self.assertEqual(record["prompt_tokens"], sum(n for k, n in kinds.items() if k != "output"))
        self.assertEqual(record["output_tokens"], kinds["output"])
        if attempt["at_most_pusd"] is not None:
            self.assertLessEqual(attempt["amount_pusd"], attempt["at_most_pusd"], "the hold is an upper bound")
        if answer.header("x-frugald-cost-usd"):
            self.assertEqual(decimal.Decimal(answer.header("x-frugald-cost-usd")) * 10**12, attempt["amount_pusd"])
        return attempt

    def test_plain(self):
        for model in ("luna", "sol", "spare"):
            for stream in (False, True):
                for tokens in (0, 1, 7, 333):
                    self.check(CHAT, chat(f"[[sim tokens={tokens}]] {model}", model=model, stream=stream))

    def test_reasoning(self):
        attempt = self.check(CHAT, chat("[[sim tokens=20 reasoning=300]] x"))
        self.assertEqual((attempt["output"], attempt["reasoning"]), (320, 300))

    def test_openai_cache(self):
        cold = self.check(CHAT, chat(LONG))
        warm = self.check(CHAT, chat(LONG, temperature=0.5))
        self.assertEqual(cold["cache_read"], 0)
        self.assertGreater(warm["cache_read"], 1024)
        self.assertLess(warm["amount_pusd"], cold["amount_pusd"])

    def cached_message(self, ttl, **more):
        mark = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
        return json.dumps({"model": "sonnet", "max_tokens": 64, "system": [
            {"type": "text", "text": LONG + str(ttl), "cache_control": mark}],
            "messages": [{"role": "user", "content": "hello"}], **more}).encode()

    def test_anthropic_cache(self):
        for ttl, kind in ((None, "cache_write_5m"), ("1h", "cache_write_1h")):
            for stream in (False, True):
                self.sim.reset()
                cold = self.check(MESSAGES, self.cached_message(ttl, stream=stream))
                self.assertGreater(cold[kind], 1024)
                warm = self.check(MESSAGES, self.cached_message(ttl, stream=stream, temperature=0.1))
                self.assertEqual((warm["cache_read"], warm[kind] or 0), (cold[kind], 0))
                self.assertLess(warm["amount_pusd"], cold["amount_pusd"])

    def test_service_tier(self):
        plain = self.check(CHAT, chat("[[sim tokens=9]] x"))
        flex = self.check(CHAT, chat("[[sim tokens=9]] x", service_tier="flex"), "flex")
        self.assertEqual(flex["list_pusd"] * 2, plain["list_pusd"])
        priority = self.check(CHAT, chat("[[sim tokens=9]] x", service_tier="priority"), "priority")
        self.assertEqual(priority["list_pusd"], plain["list_pusd"] * 2)

    def test_long_prompts_are_dearer_as_a_whole(self):
        self.check(CHAT, chat("word " * 230000 + "[[sim tokens=5]]"))
        attempt = self.check(CHAT, chat("[[sim tokens=5]]" + "word " * 100))
        self.assertLess(attempt["input_uncached"], 271999)

    def test_several_choices(self):
        attempt = self.check(CHAT, chat("[[sim tokens=10]] x", n=3))
        self.assertEqual(attempt["output"], 30)

    def test_a_field_that_nobody_knows_is_held_as_text(self):
        plain = self.check(CHAT, chat("[[sim tokens=9]] x", max_tokens=50))
        more = self.check(CHAT, chat("[[sim tokens=9]] x", max_tokens=50, instructions_of_2031=LONG))
        dearest = max(k for n, k in self.book[more["price_name"]]["kinds"].items() if n != "output")
        # At contract terms of 87.3 %.
        self.assertGreaterEqual(more["at_most_pusd"] - plain["at_most_pusd"], len(LONG) * dearest * PER_MILLION * 873 // 1000)

    def test_local_costs_nothing(self):
        answer = self.ask_chat("x", model="qwen")
        attempt = self.row_of(answer)["attempt"][0]
        self.assertEqual((attempt["amount_pusd"], attempt["list_pusd"], attempt["price_name"]), (0, 0, "local"))
        self.assertEqual(decimal.Decimal(answer.header("x-frugald-cost-usd")), 0)

    def test_sums_of_the_report(self):
        """Rows add up to the total, and both to the ledger."""
        for model in ("luna", "sol", "qwen", "spare"):
            self.ask_chat("hello", model=model)
        last = self.ask_message("hello")
        self.row_of(last)

        def summary():
            s = harness.ask(self.daemon.port, "GET", "/v1/costs/summary?since=1h&group_by=model").json()
            count = len(self.daemon.query("SELECT seq FROM request"))
            return s["total"]["requests"] == count and s
        s = harness.wait_for("the roll-up", summary)
        ledger = self.daemon.query("SELECT amount_pusd, list_pusd FROM attempt")
        pusd = lambda text: int(decimal.Decimal(text) * 10**12)
        self.assertEqual(pusd(s["total"]["cost_usd"]), sum(r["amount_pusd"] or 0 for r in ledger))
        self.assertEqual(pusd(s["total"]["list_usd"]), sum(r["list_pusd"] or 0 for r in ledger))
        self.assertEqual(sum(pusd(r["cost_usd"]) for r in s["rows"]), pusd(s["total"]["cost_usd"]))
        self.assertEqual(sum(r["requests"] for r in s["rows"]), s["total"]["requests"])
        self.assertLessEqual({"luna", "sol", "qwen", "spare", "sonnet"}, {r["model"] for r in s["rows"]})


if __name__ == "__main__":
    unittest.main()
