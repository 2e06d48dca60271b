"""The figures of `frugald classifier eval` against the same reckoned another way."""

import json
import lzma
import os
import subprocess
import sys
import tempfile
import unittest

import harness

OWN = os.path.join(harness.ROOT, "tests/data/outcomes/own.jsonl")
DATA = os.path.join(harness.ROOT, "../shared/data/router")
TINY, BIG = "tiny-1", "gpt-4o"
FIGURES = ("apgr", "apgr_low", "apgr_high", "cpt50", "cpt80", "auc_small_ok", "ece_small_ok")


def frugald(*words, code=0):
    done = subprocess.run([harness.FRUGALD, "classifier", *words], capture_output=True, timeout=200, check=False)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}: {done.stderr.decode()}")
    return (done.stderr if code else done.stdout).decode()


def evaluate(*words):
    """What eval found, by source."""
    return {s["source"]: s for s in json.loads(frugald("eval", "--json", *words))["outcomes"]}


def rows_of(path):
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    verdicts = [json.loads(line) for line in frugald("run", path).splitlines()]
    assert [r["qid"] for r in rows] == [v["id"] for v in verdicts]
    return rows, verdicts


def paired(rows, verdicts, source, weak, strong):
    """(need, weak outcome, strong outcome, p_small) of the rows that have both."""
    return [(v["need"], r["scores"][weak], r["scores"][strong], v["p_small"]) for r, v in zip(rows, verdicts)
            if r["source"] == source and weak in r["scores"] and strong in r["scores"]]


# The definitions, word by word.

def recovered(rows, calls):
    """Share of the gap with so many calls to the strong model; of rows with one score each gets its share."""
    gain, left = 0.0, calls
    for score in sorted({r[0] for r in rows}, reverse=True):
        tied = [r[2] - r[1] for r in rows if r[0] == score]
        gain += sum(tied) / len(tied) * min(left, len(tied))
        left -= min(left, len(tied))
    return gain / sum(r[2] - r[1] for r in rows)


def apgr(rows):
    curve = [recovered(rows, k) for k in range(len(rows) + 1)]
    return sum(curve[k] + curve[k + 1] for k in range(len(rows))) / 2 / len(rows)


def cpt(rows, share):
    """By halves: the first calls, of a thousand steps, that recover the share."""
    steps = 1000
    return next(100 * k / steps for k in range(steps + 1) if recovered(rows, k * len(rows) / steps) >= share - 1e-9)


def auc(rows):
    pairs = [(a[1] * (1 - b[1]), 1 if a[3] > b[3] else 0.5 if a[3] == b[3] else 0) for a in rows for b in rows]
    return sum(w * won for w, won in pairs) / sum(w for w, _ in pairs)


def ece(rows):
    bins = {}
    for r in rows:
        bins.setdefault(min(14, int(r[3] * 15)), []).append(r[3] - r[1])
    return sum(abs(sum(b)) for b in bins.values()) / len(rows)


class Own(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows, cls.verdicts = rows_of(OWN)
        cls.pair = evaluate("--pair", f"{TINY},{BIG}", OWN)

    def test_a_pair_is_measured_by_its_own_outcomes(self):
        for source in ("own_a", "own_b"):
            rows, got = paired(self.rows, self.verdicts, source, TINY, BIG), self.pair[source]
            all_rows = sum(r["source"] == source for r in self.rows)
            self.assertEqual(got["pair"], {"weak": TINY, "strong": BIG})
            self.assertEqual((got["n"], got["left_out"]), (len(rows), all_rows - len(rows)))
            self.assertAlmostEqual(got["apgr"], apgr(rows), delta=1e-3)
            self.assertAlmostEqual(got["cpt50"], cpt(rows, 0.5), delta=0.11)
            self.assertAlmostEqual(got["cpt80"], cpt(rows, 0.8), delta=0.11)
            self.assertAlmostEqual(got["auc_small_ok"], auc(rows), delta=1e-3)
            self.assertAlmostEqual(got["ece_small_ok"], ece(rows), delta=1e-3)
            self.assertLess(got["apgr_low"], got["apgr"])
            self.assertGreater(got["apgr_high"], got["apgr"])
        self.assertEqual(self.pair["own_a"]["left_out"] + self.pair["own_b"]["left_out"], 3)

    def test_length_is_a_baseline(self):
        for source in ("own_a", "own_b"):
            rows = [(len(r["prompt"].encode()), r["scores"][TINY], r["scores"][BIG], -len(r["prompt"].encode()))
                    for r in self.rows if r["source"] == source and {TINY, BIG} <= set(r["scores"])]
            got = self.pair[source]["baselines"]["length"]
            self.assertAlmostEqual(got["apgr"], apgr(rows), delta=1e-3)
            self.assertAlmostEqual(got["cpt80"], cpt(rows, 0.8), delta=0.11)
            self.assertAlmostEqual(got["auc_small_ok"], auc(rows), delta=1e-3)
            self.assertIsNone(got["ece_small_ok"])

    def test_a_pair_of_one_source_leaves_the_others_pooled(self):
        got = evaluate("--pair", f"own_b:{TINY},{BIG}", OWN)
        self.assertEqual(got["own_b"], self.pair["own_b"])
        self.assertIsNone(got["own_a"]["pair"])
        pooled = paired(self.rows, self.verdicts, "own_a", "gpt-4o-mini", BIG)  # tiny-1 is of no known tier
        self.assertAlmostEqual(got["own_a"]["apgr"], apgr(pooled), delta=1e-3)
        self.assertEqual(evaluate(OWN)["own_a"], got["own_a"])
        both = evaluate("--pair", "gpt-4o-mini,gpt-4o", "--pair", f"own_b:{TINY},{BIG}", OWN)
        self.assertEqual(both["own_b"], self.pair["own_b"])
        self.assertEqual(both["own_a"]["pair"], {"weak": "gpt-4o-mini", "strong": "gpt-4o"})

    def test_without_a_gap_there_is_nothing_to_recover(self):
        got = self.pair["own_even"]
        self.assertEqual(got["n"], 3)
        for f in (got, *got["baselines"].values()):
            self.assertEqual([f[x] for x in FIGURES[:6]], [None] * 6)
        self.assertIsNotNone(got["ece_small_ok"])
        text = frugald("eval", "--pair", f"{TINY},{BIG}", OWN)
        self.assertIn("own_even: strong is no better than weak on these rows: there is no gap", text)
        self.assertNotIn("nan", text)

    def test_one_row(self):
        got = self.pair["own_single"]
        self.assertEqual([got[x] for x in FIGURES[:6]], [0.5, 0.5, 0.5, 50, 80, None])

    def test_people_are_told_whose_outcomes_they_are(self):
        text = frugald("eval", "--pair", f"own_b:{TINY},{BIG}", OWN)
        self.assertIn(f"own_b: weak is {TINY}, strong is {BIG}", text)
        self.assertIn("AUC and ECE: of p_small, against the weak outcome", text)
        for order in ("need", "surface", "length", "random"):
            self.assertEqual(text.count(f"  {order}  "), 4, order)

    def test_a_pair_that_is_none_is_named(self):
        self.assertIn("--pair: expected [SOURCE:]WEAK,STRONG, not 'tiny-1'", frugald("eval", "--pair", "tiny-1", OWN, code=2))
        self.assertIn("--pair: there are two for source own_a",
                      frugald("eval", "--pair", "own_a:a,b", "--pair", "own_a:c,d", OWN, code=2))
        self.assertIn("no row has outcomes of both 'tiny-1' and 'gpt-5'", frugald("eval", "--pair", "tiny-1,gpt-5", OWN, code=1))
        self.assertIn("no row of source elsewhere has", frugald("eval", "--pair", "elsewhere:tiny-1,gpt-4o", OWN, code=1))
        # A name with a colon: the source is written, or nothing.
        self.assertIn("outcomes of both 'qwen3:8b' and 'b'", frugald("eval", "--pair", ":qwen3:8b,b", OWN, code=1))


@unittest.skipUnless(os.path.isfile(os.path.join(DATA, "metrics.py")), "the outcomes of public sets are not there")
class Published(unittest.TestCase):
    """Against the script that defines the figures, on its own data."""

    WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"

    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, DATA)
        cls.addClassCleanup(sys.path.remove, DATA)
        written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        import metrics  # pylint: disable=import-outside-toplevel
        sys.dont_write_bytecode = written
        cls.metrics = metrics
        cls.folder = tempfile.TemporaryDirectory(prefix="frugald-e2e-")
        cls.addClassCleanup(cls.folder.cleanup)

    def check(self, source):
        path = os.path.join(self.folder.name, f"{source}.jsonl")
        with lzma.open(os.path.join(DATA, "dev", f"{source}.jsonl.xz"), "rb") as f, open(path, "wb") as to:
            to.write(f.read())
        rows = paired(*rows_of(path), source, self.WEAK, self.STRONG)
        score, weak, strong, p = zip(*rows)
        got = evaluate("--pair", f"{source}:{self.WEAK},{self.STRONG}", path)[source]
        want = self.metrics.dense(score, weak, strong)
        self.assertEqual(got["n"], len(rows))
        self.assertAlmostEqual(got["apgr"], want["apgr"], delta=1e-3)
        self.assertAlmostEqual(got["cpt50"] / 100, want["cpt50"] / 100, delta=1e-3)
        self.assertAlmostEqual(got["cpt80"] / 100, want["cpt80"] / 100, delta=1e-3)
        self.assertAlmostEqual(got["auc_small_ok"], self.metrics.auc(p, weak), delta=1e-3)
        self.assertAlmostEqual(got["ece_small_ok"], self.metrics.ece(p, weak), delta=1e-3)
        # Both draw: their ends differ by what chance leaves open.
        low, high = self.metrics.bootstrap(score, weak, strong)
        wide = got["apgr_high"] - got["apgr_low"]
        self.assertAlmostEqual(got["apgr_low"], low, delta=0.2 * wide)
        self.assertAlmostEqual(got["apgr_high"], high, delta=0.2 * wide)

    def test_gsm8k(self):
        self.check("routellm_gsm8k")

    def test_mtbench(self):
        self.check("routellm_mtbench")


if __name__ == "__main__":
    unittest.main()
