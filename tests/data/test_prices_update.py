"""scripts/prices-update: dates, steps, tiers, refusals; the shipped book is what the script makes of its source."""

import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests/data/prices")
SHARED = os.path.join(ROOT, "../shared/data/prices")
SOURCE = os.path.join(SHARED, "genai-prices/npm_0.1.8_2026-09-23_data.json")
LITELLM = os.path.join(SHARED, "litellm/model_prices_2026-07-24.json")
MODELS_DEV = os.path.join(SHARED, "models.dev/models_dev_costs_2026-07-02.json")


def load(path):
    sys.dont_write_bytecode = True  # the script has no place for its cache
    loader = importlib.machinery.SourceFileLoader("prices_update", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("prices_update", loader))
    loader.exec_module(module)
    return module


tool = load(os.path.join(ROOT, "scripts/prices-update"))


class Book(unittest.TestCase):
    """The self-made source tests/data/prices/source.json against the catalogue beside it."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.book = os.path.join(self.dir.name, "prices.yaml")
        with open(os.path.join(HERE, "source.json"), encoding="utf-8") as f:
            self.data = json.load(f)

    def tearDown(self):
        self.dir.cleanup()

    def entry(self, seller, model):
        models = next(p["models"] for p in self.data if p["id"] == seller)
        return next(m for m in models if m["id"] == model)

    def run_tool(self, *extra, text=None, catalogue="catalogue.yaml"):
        path = os.path.join(self.dir.name, "data.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(self.data) if text is None else text)
        self.said = []
        return tool.main([path, "--release", "0.0.1", "--date", "2026-03-01", "--book", self.book, "--catalogue",
                          os.path.join(HERE, catalogue), *extra], self.said.append)

    def rows(self):
        return tool.read_book(self.book)

    def text(self):
        with open(self.book, encoding="utf-8") as f:
            return f.read()

    def refuses(self, word):
        """A good book is there; this source is refused for this reason and the book stays."""
        before = self.text()
        self.assertEqual(self.run_tool(), 1)
        self.assertTrue(any(s.startswith("refused") and word in s for s in self.said), self.said)
        self.assertEqual(self.text(), before)

    def test_golden(self):
        self.assertEqual(self.run_tool(), 0)
        with open(os.path.join(HERE, "book.yaml"), encoding="utf-8") as f:
            self.assertEqual(self.text(), f.read())

    def test_dates_make_rows_that_meet(self):
        self.run_tool()
        first, second = self.rows()["openai/acme/first"], self.rows()["openai/acme/2026-02-01"]
        self.assertEqual((first.get("from"), first["to"]), (None, "2026-02-01"))
        self.assertEqual((second["from"], second.get("to")), ("2026-02-01", None))
        self.assertEqual(second["usd_per_million"]["input"], "0.20")

    def test_step_prices_the_whole_request(self):
        self.run_tool()
        step, = self.rows()["openai/acme/2026-02-01"]["above"]
        self.assertEqual(step["context"], "272000")
        # what has no step keeps its price, so that the step's list is complete
        self.assertEqual(step["usd_per_million"], {"input": "0.40", "cache_read": "0.02", "cache_write_5m": "0.25",
                                                   "cache_write_1h": "0.25", "output": "1.80"})

    def test_cache_writes_of_two_lifetimes(self):
        self.run_tool()
        prices = self.rows()["anthropic/claude-acme/first"]["usd_per_million"]
        self.assertEqual((prices["cache_write_5m"], prices["cache_write_1h"]), ("1.25", "2.00"))
        self.assertNotIn("cache_write_1h", self.rows()["google/claude-acme/first"]["usd_per_million"])

    def test_hours_are_rows_of_their_own(self):
        self.run_tool()
        night, day = self.rows()["deepseek/night/first"], self.rows()["deepseek/night/first-0030"]
        self.assertEqual(night["usd_per_million"], {"input": "0.135", "output": "0.55"})
        self.assertEqual((day["usd_per_million"], day["hours"]), ({"input": "0.27", "output": "1.10"}, "00:30-16:30"))
        self.assertNotIn("hours", night)

    def test_refuses_hours_that_it_does_not_know(self):
        self.run_tool()
        self.entry("deepseek", "night")["prices"][1]["constraint"]["end_time"] = "16:30:00+08:00"
        self.refuses("unknown hours")

    def test_fees(self):
        self.run_tool()
        rows = self.rows()
        self.assertEqual(rows["anthropic/claude-acme/first"]["fees"], {"web_search": "0.01"})
        self.assertEqual(rows["openai/acme-search-preview/first"]["fees"], {"request": "0.025"})  # it always searches
        self.assertEqual(rows["somebody-else/acme/first"]["fees"], {"request": "0.012"})

    def test_models_of_no_catalogue(self):
        self.run_tool()
        row, = [r for r in self.rows().values() if r["match"] == ["*-rare", "*rare-*"]]
        self.assertLessEqual(len(row["id"]), 55)
        self.assertEqual(row["model"], "openai/a-model-with-a-name-that-is-longer-than-a-row-can-keep")
        self.assertEqual(row["usd_per_million"], {"input": "3.00", "output": "4.00"})
        self.assertEqual(self.rows()["somebody-else/acme/first"]["model"], "somebody-else/acme")

    def test_what_tokens_alone_do_not_price_is_left_out(self):
        self.run_tool()
        self.assertFalse([i for i in self.rows() if "image" in i or "voice" in i])
        self.assertTrue(any("acme-image" in s and "output_image_mtok" in s for s in self.said))

    def test_refuses_what_can_hardly_be(self):
        """A price that moves by a factor of 1,000 is a unit mistaken, until somebody has looked."""
        self.run_tool()
        self.entry("anthropic", "claude-acme")["prices"]["output_mtok"] = 0.005
        self.refuses("more than 10 times")
        self.entry("anthropic", "claude-acme")["prices"].update(output_mtok=5, cache_read_mtok=1.1)
        self.refuses("reading the cache is dearer")
        self.assertEqual(self.run_tool("--accept", "anthropic/claude-acme/first"), 0)

    def test_fraction_of_a_picodollar_is_left_out(self):
        self.run_tool()
        self.assertEqual(self.rows()["google/claude-acme/first"]["usd_per_million"], {"input": "1.00", "output": "5.00"})
        self.assertTrue(any("pico" in s for s in self.said))

    def test_check_writes_nothing(self):
        self.assertEqual(self.run_tool("--check"), 1)
        self.assertFalse(os.path.exists(self.book))
        self.run_tool()
        self.assertEqual(self.run_tool("--check"), 0)

    def test_difference_in_words(self):
        self.run_tool()
        self.entry("anthropic", "claude-acme")["prices"]["input_mtok"] = 0.5
        self.assertEqual(self.run_tool(), 0)
        self.assertIn("changed  anthropic/claude-acme/first: input 1.00 -> 0.50", self.said)

    def test_refuses_prices_out_of_range(self):
        self.run_tool()
        for price in (0, -1, 1000, 1e6):  # out of any range
            self.entry("anthropic", "claude-acme")["prices"]["output_mtok"] = price
            self.refuses("claude-acme at anthropic: output")

    def test_refuses_mass_disappearance(self):
        self.run_tool()
        self.data = [p for p in self.data if p["id"] != "google"]
        self.refuses("would disappear")

    def test_catalogue_may_shrink(self):
        self.run_tool()
        before = set(self.rows())
        self.assertEqual(self.run_tool(catalogue="one.yaml"), 0)
        self.assertEqual(set(self.rows()), before)
        self.assertEqual(self.rows()["google/claude-acme/first"]["model"], "google/claude-acme")  # not anthropic's any more

    def test_refuses_other_files(self):
        self.run_tool()
        before = self.text()
        for text in ("", "{", "[]", "{}", "[1]", '[{"id": "openai"}]', '[{"id": "openai", "models": [{}]}]',
                     '[{"id": "openai", "models": [{"match": {"equals": "acme"}, "prices": {"input_mtok": "x"}}]}]'):
            self.assertEqual(self.run_tool(text=text), 1, text)
            self.assertTrue(any(s.startswith("refused") for s in self.said), text)
            self.assertEqual(self.text(), before, text)

    def test_refuses_what_it_does_not_know(self):
        self.run_tool()
        self.entry("anthropic", "claude-acme")["prices"] = [{"constraint": {"weekday": "sunday"},
                                                             "prices": {"input_mtok": 1}}]
        self.refuses("unknown constraint")

    def test_cross_check(self):
        other = os.path.join(self.dir.name, "other_2026-02-15.json")
        with open(other, "w", encoding="utf-8") as f:
            json.dump({"acme": {"input_cost_per_token": 2.0000000000000001e-07, "output_cost_per_token": 1e-06}}, f)
        self.run_tool("--cross-check", other)
        self.assertIn("disagree openai/acme/2026-02-01: output here 1.20, LiteLLM 1.00", self.said)
        self.assertIn("1 prices agree, 1 do not", self.said)
        with open(other, "w", encoding="utf-8") as f:
            json.dump({"anthropic": {"claude-acme": {"cost": {"input": 1, "output": 5, "cache_write": 1.5}}}}, f)
        self.run_tool("--cross-check", other)
        self.assertIn("disagree anthropic/claude-acme/first: cache_write_5m here 1.25, models.dev 1.50", self.said)
        self.assertIn("2 prices agree, 1 do not", self.said)


class Shipped(unittest.TestCase):
    def test_every_vendor_of_the_catalogue_has_models(self):
        models = tool.read_catalogue(os.path.join(ROOT, "config/models.yaml"))
        self.assertGreaterEqual(len(models), 60)
        for vendor in ("openai", "anthropic", "google", "mistral", "deepseek", "qwen", "meta"):
            self.assertTrue(any(m.startswith(vendor + "/") for m in models), vendor)

    def test_a_name_at_a_provider_is_one_model(self):
        seen = {}
        for model, names in tool.read_catalogue(os.path.join(ROOT, "config/models.yaml")).items():
            for name in names:
                self.assertEqual(seen.setdefault(name, model), model, name)

    def test_one_price_a_day(self):
        spans = {}
        for row in tool.read_book(os.path.join(ROOT, "config/prices.yaml")).values():
            if "hours" not in row:
                spans.setdefault((row["provider"], row["model"]), []).append((row.get("from", ""), row.get("to", "9999")))
        for key, days in spans.items():
            days.sort()
            self.assertEqual(days[0][0], "", key)
            self.assertEqual(days[-1][1], "9999", key)
            for (_, to), (start, _) in zip(days, days[1:]):
                self.assertEqual(to, start, key)

    @unittest.skipUnless(os.path.exists(SOURCE), "the source of the shipped book is not here")
    def test_shipped_book_is_what_its_source_gives(self):
        said = []
        self.assertEqual(tool.main([SOURCE, "--check"], said.append), 0, said)

    @unittest.skipUnless(os.path.exists(SOURCE), "the source of the shipped book is not here")
    def test_every_model_that_is_paid_by_the_token(self):
        """All of the source but for what has an own price for a kind that nobody tells us of."""
        rows = tool.read_book(os.path.join(ROOT, "config/prices.yaml"))
        with open(SOURCE, encoding="utf-8") as f:
            data = json.load(f)
        for seller in data:
            names = [n for r in rows.values() if r["provider"] == seller["id"] for n in r["match"]]
            for entry in seller["models"]:
                parts = entry["prices"] if isinstance(entry["prices"], list) else [{"prices": entry["prices"]}]
                kinds = {k for p in parts for k in p["prices"]}
                if not kinds & set(tool.KINDS) or kinds & tool.UNTOLD:
                    continue
                self.assertTrue(set(tool.patterns(entry["match"]) or [entry["id"]]) & set(names), (seller["id"], entry["id"]))
        self.assertGreater(len(rows), 1500)

    @unittest.skipUnless(os.path.exists(SOURCE) and os.path.exists(LITELLM), "no second table to compare with")
    def test_other_tables_agree(self):
        rows = tool.read_book(os.path.join(ROOT, "config/prices.yaml"))
        known = tool.read_catalogue(os.path.join(ROOT, "config/models.yaml"))
        for table, at_least in ((LITELLM, 100), (MODELS_DEV, 80)):
            agree, lines = tool.cross_check(rows, table, known)
            print("\n".join(lines))
            self.assertGreater(agree, at_least)
            self.assertGreater(agree, 10 * len(lines))


if __name__ == "__main__":
    unittest.main()
