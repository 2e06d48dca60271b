"""What the tracks share: the rows, their splits, and the calls of `frugald classifier`.

The outcomes lie beside the project, in ../shared/data/router; without them the tracks are skipped."""

import hashlib
import json
import lzma
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("FRUGALD_BUILD", ROOT / "build/dev")) / "frugald"
DATA = ROOT / "../shared/data/router"
REQUESTS = ROOT / "tests/data/requests"

# May feed weights that are shipped, by the licence of the source.
ALLOWED = ("llmrouter_9m", "mmlu_pro", "reasoning_gym", "routellm_gsm8k", "routellm_mmlu", "zeroeval_gsm",
           "zeroeval_math_l5", "zeroeval_numersense")

# Weak and strong of the sources that one pair stands for, as published results have it; the others: tiers, pooled.
PAIRS = {
    "routellm_mmlu": ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
    "routellm_gsm8k": ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
    "routellm_mtbench": ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
    "mmlu_pro": ("Mixtral-8x7B-Instruct-v0.1", "gemini-1.5-pro-002"),
    "llmrouter_9m": ("qwen2.5-7b-instruct", "llama-3.1-nemotron-51b-instruct"),
}


def pair_scores(row):
    """Of the row's scores those of its source's pair: what is left of each tier is the pair's model."""
    pair = PAIRS.get(row["source"])
    return {m: s for m, s in row["scores"].items() if pair is None or m in pair}


def need_data():
    if not DATA.is_dir():
        sys.exit(print(f"skipped: there is no {DATA}") or 0)


def outcomes(source):
    """Rows of a source."""
    with lzma.open(DATA / "dev" / f"{source}.jsonl.xz", "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def requests(part):
    """Labelled requests of `train` or `test`."""
    with open(REQUESTS / f"{part}.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    if part == "train":
        with open(REQUESTS / "plain.jsonl", encoding="utf-8") as f:
            rows += [json.loads(line) for line in f]
    with open(DATA / "requests_dev.jsonl", encoding="utf-8") as f:
        dev = [json.loads(line) for line in f]
    return rows + [r for r in dev if (draw("R2" + r["id"]) < 20) == (part == "test")]


def draw(text):
    """0 to 99, the same for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 100


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def stem(text):
    """A question without the answers to choose from: the same in every set that has it."""
    return " ".join(words(question(text)))


def question(text):
    """Without the answers to choose from."""
    return re.split(r"\n\s*\(?A[.):]", text)[0]


def shingles(text):
    w = words(text)
    return {" ".join(w[i:i + 5]) for i in range(max(1, len(w) - 4))}


def without_duplicates(rows, tests, part=question, most=0.5):
    """Rows of which `part` shares less than `most` of its runs of five words with that of any of `tests`."""
    where = {}
    for i, row in enumerate(tests):
        for s in shingles(part(row["prompt"])):
            where.setdefault(s, []).append(i)
    kept = []
    for row in rows:
        own, shared = shingles(part(row["prompt"])), {}
        for s in own:
            for i in where.get(s, ()):
                shared[i] = shared.get(i, 0) + 1
        if max(shared.values(), default=0) < most * len(own):
            kept.append(row)
    return kept


def write(folder, name, rows):
    path = pathlib.Path(folder) / f"{name}.jsonl"
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    return str(path)


def train(weights, files, seed=1, settings=()):
    options = [x for s in settings for x in ("--set", s)]
    subprocess.run([BIN, "classifier", "train", "--output", weights, "--seed", str(seed), *options, *files], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def evaluate(weights, files, sources=()):
    """What `frugald classifier eval` finds; of `sources` that have a pair, by its outcomes."""
    pairs = [x for s in sources if s in PAIRS for x in ("--pair", f"{s}:{','.join(PAIRS[s])}")]
    out = subprocess.run([BIN, "classifier", "eval", "--json", "--weights", weights, *pairs, *files], check=True,
                         stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def number(value, width, places):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{places}f}"


def show_order(name, f):
    between = "-" if f["apgr_low"] is None else f"[{f['apgr_low']:.3f}, {f['apgr_high']:.3f}]"
    print(f"    {name:8} APGR {number(f['apgr'], 5, 3)} {between:16}  CPT50 {number(f['cpt50'], 5, 1)}  "
          f"CPT80 {number(f['cpt80'], 5, 1)}  AUC {number(f['auc_small_ok'], 5, 3)}  "
          f"ECE {number(f['ece_small_ok'], 5, 3)}")


def show(result):
    for s in result["outcomes"]:
        pair = "tiers, pooled" if s["pair"] is None else f"{s['pair']['weak']} / {s['pair']['strong']}"
        left_out = f", {s['left_out']} left out" if s["left_out"] else ""
        print(f"  {s['source']}: n {s['n']}{left_out}, {pair}")
        show_order("need", s)
        for name, f in s["baselines"].items():
            show_order(name, f)
    r = result["requests"]
    if r["n"] > 0:
        t = r["tiers"]
        right = sum(t[x][x] for x in t)
        print(f"  requests n {r['n']}  tier right {100 * right / r['n']:.1f} %  "
              f"frontier to local {100 * t['frontier']['local'] / sum(t['frontier'].values()):.1f} %  "
              f"local to frontier {100 * t['local']['frontier'] / sum(t['local'].values()):.1f} %  "
              f"kind of work right {100 * r['class_right'] / r['n']:.1f} %")
        print("  wrong by trap: " + ", ".join(f"{k} {v['wrong']}/{v['n']}" for k, v in sorted(r["traps"].items())))


def folder():
    return tempfile.TemporaryDirectory(prefix="frugald-track-")
