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

    def test_dearest_hour(self):
        self.run_tool()
        self.assertEqual(self.rows()["deepseek/night/first"]["usd_per_million"], {"input": "0.27", "output": "1.10"})
        self.assertTrue(any("depends on the hour" in s for s in self.said))

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
        for price in (0, -1, 1000, 1e6):
            self.entry("anthropic", "claude-acme")["prices"]["output_mtok"] = price
            self.refuses("claude-acme at anthropic: output")

    def test_refuses_mass_disappearance(self):
        self.run_tool()
        self.data = [p for p in self.data if p["id"] != "google"]
        self.refuses("would disappear")

    def test_catalogue_may_shrink(self):
        self.run_tool()
        self.assertEqual(self.run_tool(catalogue="one.yaml"), 0)
        self.assertEqual({r["model"] for r in self.rows().values()}, {"openai/acme"})

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

    @unittest.skipUnless(os.path.exists(SOURCE) and os.path.exists(LITELLM), "no second table to compare with")
    def test_second_table_agrees(self):
        rows = tool.read_book(os.path.join(ROOT, "config/prices.yaml"))
        agree, lines = tool.cross_check(rows, LITELLM)
        print("\n".join(lines))
        self.assertGreater(agree, 10 * len(lines))


if __name__ == "__main__":
    unittest.main()
