"""What routing saves, by simulation: requests drawn from recorded traffic (sizes, sessions) and recorded outcomes of
models (questions, who answered them well, how long), decided about by the daemon's own classifier and planner.

usage: policy.py [--requests N] [--weights FILE]

The classifier is trained, and the models' quality rows are fitted, on 70 % of the questions; requests are drawn from
the others. Each source of outcomes is a slice with a small and a frontier model of its own, which cost what gpt-5.6-luna
and gpt-5.6-sol cost. Exits with 1 when a goal is missed."""

import argparse
import csv
import json
import os
import pathlib
import random
import subprocess
import sys

import tracks

BENCH = pathlib.Path(os.environ.get("FRUGALD_BUILD", tracks.ROOT / "build/dev")) / "bench_policy"
TRACES = tracks.ROOT / "../shared/data/traces"

# A small and a frontier model of each source, fixed before anything was measured.
PAIRS = dict(tracks.PAIRS, reasoning_gym=("google_gemma-3-27b-it", "openai_o3-mini"),
             zeroeval_gsm=("Meta-Llama-3.1-8B-Instruct", "claude-3-5-sonnet-20241022"),
             zeroeval_math_l5=("Meta-Llama-3.1-8B-Instruct", "o1-mini-2024-09-12"),
             zeroeval_numersense=("Meta-Llama-3-8B-Instruct", "gpt-4o-2024-05-13"))
LEAST = 150  # held-out questions of a slice that is judged
BOOTSTRAPS = 400
KEEPS = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 74, 78, 81, 84, 86, 88, 90, 92, 93, 94, 95, 96, 97, 98, 99, 100]
HARD = ("code", "maths", "reasoning", "specialist", "agent")
GOAL_SESSIONS = 0.75  # of the baseline's cost

# Dollars a million tokens, of 25 November 2026 (config/prices.yaml).
SMALL, FRONTIER = ({"input": 0.20, "output": 1.20}, {"input": 4.00, "output": 20.00})
AGENT = {"sonnet": {"input": 2.0, "read": 0.2, "write": 2.5, "output": 10.0},
         "opus": {"input": 5.0, "read": 0.5, "write": 6.25, "output": 25.0}}

POLICY = """version: 1
state: {folder}/state
classifier: {weights}
providers:
  openai: {{api: openai, url: "https://api.openai.com/v1", region: us}}
models:
  frontier: {{is: openai/gpt-5.6-sol, at: [openai], tier: frontier, quality: {{{frontier}}}}}
  small:    {{is: openai/gpt-5.6-luna, at: [openai], tier: small, quality: {{{small}}}}}
routes:
{routes}
"""

AGENTS = """version: 1
state: {folder}/state
providers:
  anthropic: {{api: openai, url: "https://api.anthropic.com/v1", region: us, book: anthropic}}
models:
  opus:   {{is: anthropic/claude-opus-5, at: [anthropic], tier: frontier}}
  sonnet: {{is: anthropic/claude-sonnet-5, at: [anthropic], tier: small}}
routes:
  agents: {{candidates: [sonnet, opus], baseline: opus, goal: cheapest, keep_quality: 95%, switch: new_task}}
"""


def decide(policy, folder, lines):
    """One list of words for each request: class, complexity, confidence, the model of each route."""
    path = pathlib.Path(folder) / "policy.yaml"
    path.write_text(policy, encoding="utf-8")
    out = subprocess.run([BENCH, path], input=b"".join(lines), stdout=subprocess.PIPE, check=True).stdout
    return [line.split() for line in out.decode().splitlines()]


def line(text, prompt_tokens, session=0, idle_ms=0, cached=0, loop=0):
    raw = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    return b"%d %d %d %d %d %d\n%s" % (prompt_tokens * 4, session, idle_ms, cached, loop, len(raw), raw)


# ---- single requests ----

def questions(part):
    """Those of every source that both models of its pair answered."""
    rows = []
    for source in tracks.ALLOWED:
        for row in tracks.outcomes(source):
            small, frontier = PAIRS[source]
            held = tracks.draw("B2" + tracks.stem(row["prompt"])) < 30
            if held != (part == "test") or small not in row["scores"] or frontier not in row["scores"]:
                continue
            tokens = row.get("out_tokens") or {}
            rows.append({"source": source, "prompt": row["prompt"], "all": row,
                         "score": (row["scores"][small], row["scores"][frontier]),
                         "out": (tokens.get(small), tokens.get(frontier))})
    return rows


def sizes():
    """Tokens of prompts and answers of recorded traffic."""
    rows = []
    for name in ("code", "conv"):
        with open(TRACES / "azure" / f"AzureLLMInferenceTrace_{name}.csv", encoding="ascii") as f:
            rows += [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(f)]
    return rows


def quality(rows, said):
    """Mean score of each model by the class that the classifier sees, and over all."""
    sums = {}
    for row, words in zip(rows, said):
        for key in (words[0], "default"):
            n, small, frontier = sums.get(key, (0, 0, 0))
            sums[key] = (n + 1, small + row["score"][0], frontier + row["score"][1])
    texts = []
    for model in (1, 2):
        known = {k: s[model] / s[0] for k, s in sums.items() if s[0] >= 50}
        texts.append(", ".join(f"{k}: {min(max(v, 0.01), 0.99):.3f}" for k, v in sorted(known.items())))
    return texts


def routes():
    base = "candidates: [small, frontier], baseline: frontier, switch: any_turn, when_unsure: ignore"
    text = "".join(f"  k{k}: {{{base}, keep_quality: {k}%}}\n" for k in KEEPS)
    rules = ", ".join(f"{{when: {{class: {c}}}, use: [frontier]}}" for c in HARD)
    return text + f"  rules: {{{base}, keep_quality: 1%, rules: [{rules}]}}\n"


def draw_requests(rows, count, rng):
    """As many of each source, each with the size of a recorded request."""
    by_source, traffic, drawn = {}, sizes(), []
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    for source in sorted(by_source):
        for _ in range(count // len(by_source)):
            row = rng.choice(by_source[source])
            prompt, answer = rng.choice(traffic)
            drawn.append((row, prompt + len(row["prompt"]) // 4, answer))
    return drawn


def price(model, prompt, answer):
    return (prompt * model["input"] + answer * model["output"]) / 1e6


def points(drawn, said):
    """For each request: quality and cost of small and frontier, and for each route whether it takes the frontier."""
    out = []
    for (row, prompt, answer), words in zip(drawn, said):
        cost = [price(m, prompt, row["out"][i] or answer) for i, m in enumerate((SMALL, FRONTIER))]
        out.append((row["source"], row["prompt"], row["score"], cost, [w == "frontier" for w in words[3:]]))
    return out


def clusters(rows):
    """Sums by question: n, and of each policy its cost and quality (small, frontier, then each route)."""
    by_question = {}
    for source, prompt, score, cost, takes in rows:
        sums = by_question.setdefault((source, prompt), [0] + [0.0] * (2 * (2 + len(takes))))
        sums[0] += 1
        for i, model in enumerate([0, 1, *takes]):
            sums[1 + 2 * i] += cost[model]
            sums[2 + 2 * i] += score[model]
    return list(by_question.values())


def totals(sums):
    all_of_them = [sum(column) for column in zip(*sums)]
    n = all_of_them[0]
    return [(all_of_them[i] / n, all_of_them[i + 1] / n) for i in range(1, len(all_of_them), 2)]


def curve(policies):
    """Corners in order of cost: the two ends and what each keep_quality gives, good or bad."""
    ends, auto = policies[:2], policies[2:2 + len(KEEPS)]
    return sorted([*auto, *ends])


def share(x, ends):
    """Cost and quality, each from 0 (always small) to 1 (always frontier)."""
    (c0, q0), (c1, q1) = ends
    return (x[0] - c0) / (c1 - c0), (x[1] - q0) / (q1 - q0)


def area(policies):
    """Between auto's curve and the line of random mixes, in shares of the gain and of the extra cost: of 0.5 at most."""
    ends = policies[:2]
    if ends[1][1] <= ends[0][1]:
        return 0.0
    corners = [share(p, ends) for p in curve(policies)]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(corners, corners[1:])) - 0.5


def cost_at(policies, quality_share):
    """Of the frontier's cost, what keeps so much of its quality; the curve between its corners."""
    ends = policies[:2]
    need = quality_share * ends[1][1]
    corners = curve(policies)
    for a, b in zip(corners, corners[1:]):
        if b[1] >= need:
            part = 0 if b[1] == a[1] or a[1] >= need else (need - a[1]) / (b[1] - a[1])
            return (a[0] + part * (b[0] - a[0])) / ends[1][0]
    return 1.0


def interval(sums, figure, rng):
    values = sorted(figure(totals(rng.choices(sums, k=len(sums)))) for _ in range(BOOTSTRAPS))
    return values[int(0.025 * BOOTSTRAPS)], values[int(0.975 * BOOTSTRAPS) - 1]


def show_slice(name, rows, rng):
    """One line; True when its area is above 0, None when there are too few questions to judge."""
    sums = clusters(rows)
    p = totals(sums)
    low, high = interval(sums, area, rng)
    c, q = share(p[-1], p[:2])
    held = len(sums) >= LEAST
    print(f"{name:20} {len(sums):>9} {p[0][1]:>6.3f} {p[1][1]:>8.3f}  {area(p):+.3f} [{low:+.3f}, {high:+.3f}]"
          f" {100 * cost_at(p, 0.97):>7.1f} %  {100 * c:>5.1f} % for {100 * q:>5.1f} %"
          f"{'' if held else '   (too few to judge)'}")
    return (low > 0) if held else None


def single_requests(count, weights, folder):
    rng = random.Random(4)
    train, test = questions("train"), questions("test")
    if weights is None:
        weights = f"{folder}/weights.bin"
        requests = tracks.requests("train")
        rows = [r for s in tracks.ALLOWED for r in tracks.outcomes(s)]
        rows = [r for r in rows if tracks.draw("B2" + tracks.stem(r["prompt"])) >= 30]
        tracks.train(weights, [tracks.write(folder, "train", rows), tracks.write(folder, "requests", requests)])
    names = {"folder": folder, "weights": weights, "routes": routes()}
    plain = POLICY.format(**names, small="default: 0.5", frontier="default: 0.8")
    small, frontier = quality(train, decide(plain, folder, [line(r["prompt"], 0) for r in train]))
    policy = POLICY.format(**names, small=small, frontier=frontier)
    drawn = draw_requests(test, count, rng)
    rows = points(drawn, decide(policy, folder, [line(r["prompt"], prompt) for r, prompt, _ in drawn]))
    print(f"{len(rows):,} requests. Area: between the curve of auto and the line of random mixes, with 95 %; cost at 97 % of the\n"
          "frontier's quality, of always frontier; rules: part of the extra cost for part of the gain.\n")
    print(f"{'slice':20} {'questions':>9} {'small':>6} {'frontier':>8}  {'area':24} {'cost at 97 %':>9}  rules only")
    met = [show_slice(s, [r for r in rows if r[0] == s], rng) for s in sorted({r[0] for r in rows})]
    met.append(show_slice("all", rows, rng))
    p = totals(clusters(rows))
    print("\nauto over all, by keep_quality: cost and quality, of always frontier's")
    for k, (c, q) in zip(KEEPS, p[2:]):
        if k in (40, 50, 60, 70, 81, 90, 95, 100):
            print(f"  {k:>3} %   {100 * c / p[1][0]:5.1f} %   {100 * q / p[1][1]:5.1f} %")
    return all(m is not False for m in met)


# ---- sessions of agents ----

def sessions():
    """Conversations of a recorded hour: each request with what it shares with the one before it in its conversation."""
    last, found = {}, []
    with open(TRACES / "mooncake" / "conversation_trace.jsonl", encoding="ascii") as f:
        for row in map(json.loads, f):
            blocks = tuple(row["hash_ids"])
            before = next((last[blocks[:n]] for n in range(len(blocks) - 1, 1, -1) if blocks[:n] in last), None)
            if before is None:
                before = {"turns": [], "blocks": ()}
                found.append(before)
            kept = 0
            for a, b in zip(before["blocks"], blocks):
                if a != b:
                    break
                kept += 1
            before["turns"].append((row["timestamp"], row["input_length"], row["output_length"], 512 * kept))
            before["blocks"] = blocks
            for n in range(2, len(blocks) + 1):
                last[blocks[:n]] = before
    return [s["turns"] for s in found if len(s["turns"]) >= 4]


def tasks():
    """Texts of requests that were held out, easy and hard."""
    texts = []
    for row in tracks.requests("test"):
        said = [m["content"] for m in row["request"]["messages"] if m["role"] == "user" and isinstance(m["content"], str)]
        if said:
            texts.append(said[-1])
    return texts


def agent_lines(rng):
    """A new task now and then, tools' results between."""
    texts, out = tasks(), []
    for number, turns in enumerate(sessions(), 1):
        before, text = None, None
        for when, prompt, answer, shared in turns:
            loop = before is not None and rng.random() < 0.75
            if not loop:
                text = rng.choice(texts)
            idle = 0 if before is None else when - before
            out.append({"line": line(text, prompt, number, idle, min(shared, prompt), int(loop)), "session": number,
                        "idle": idle, "prompt": prompt, "answer": answer, "shared": min(shared, prompt), "loop": loop})
            before = when
    return out


def turn_cost(model, row, warm):
    """A prefix that is still cached is read; the rest is written to the cache."""
    read = row["shared"] if warm and row["idle"] < 300_000 else 0
    p = AGENT[model]
    return (read * p["read"] + (row["prompt"] - read) * p["write"] + row["answer"] * p["output"]) / 1e6


def agent_sessions(folder):
    rows = agent_lines(random.Random(5))
    said = decide(AGENTS.format(folder=folder), folder, [r["line"] for r in rows])
    cost, baseline, on, errors, switches, models = 0.0, 0.0, {}, 0, 0, {"sonnet": 0, "opus": 0}
    for row, words in zip(rows, said):
        model, was = words[3], on.get(row["session"])
        moved = was is not None and was != model
        errors += moved and row["loop"]
        switches += moved
        models[model] += 1
        cost += turn_cost(model, row, was == model)
        baseline += turn_cost("opus", row, was is not None)
        on[row["session"]] = model
    print(f"\n{len(rows):,} turns of {len(on):,} sessions of agents with prompt caches: {100 * cost / baseline:.1f} % of always opus "
          f"(goal {100 * GOAL_SESSIONS:.0f} %),\n{switches} switches, of them inside a tool loop: {errors}; "
          f"{100 * models['sonnet'] / len(rows):.0f} % of the turns on sonnet")
    return errors == 0 and cost <= GOAL_SESSIONS * baseline


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--weights", help="of `track_b.py`'s split; default: train them")
    args = parser.parse_args()
    tracks.need_data()
    with tracks.folder() as folder:
        met = single_requests(args.requests, args.weights, folder)
        met = agent_sessions(folder) and met
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
