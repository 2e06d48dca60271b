"""Track A, strict: no label of MMLU, GSM8K or MT-Bench but 1,531 MMLU questions drawn at random, as RouteLLM's routers
had; near-duplicates of test questions are taken out of the training set. The rest is the test.

usage: track_a.py [--seeds N] [--set NAME=NUMBER]..."""

import argparse
import random

import tracks

GOLD = 1531
# Not MMLU, not GSM8K under another name.
OTHERS = ("mmlu_pro", "reasoning_gym", "zeroeval_math_l5", "zeroeval_numersense", "llmrouter_9m")
SAME = ("mmlu", "gsm8k", "agentverse-mgsm")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    tracks.need_data()
    mmlu, gsm = tracks.outcomes("routellm_mmlu"), tracks.outcomes("routellm_gsm8k")
    bench = tracks.outcomes("routellm_mtbench")
    others = [r for s in OTHERS for r in tracks.outcomes(s) if r["domain"] not in SAME]
    sums = {}
    for seed in range(1, args.seeds + 1):
        order = list(range(len(mmlu)))
        random.Random(seed).shuffle(order)
        gold = [mmlu[i] for i in order[:GOLD]]
        test = [mmlu[i] for i in order[GOLD:]] + gsm + bench
        # The drawn questions share forms of words with the rest (one MMLU question in fifteen begins with the same
        # sentence): of these the whole text, with the answers, is compared.
        rows = tracks.without_duplicates(others, test) + tracks.without_duplicates(gold, test, str, 0.8)
        with tracks.folder() as folder:
            files = [tracks.write(folder, "train", rows), tracks.write(folder, "requests", tracks.requests("train"))]
            tracks.train(f"{folder}/weights.bin", files, seed, args.set)
            result = tracks.evaluate(f"{folder}/weights.bin", [tracks.write(folder, "test", test)],
                                     {r["source"] for r in test})
        print(f"seed {seed}: {len(rows)} of {len(others) + GOLD} rows for training")
        tracks.show(result)
        for s in result["outcomes"]:
            sums.setdefault(s["source"], []).append(s["apgr"])
    print("mean APGR: " + ", ".join(f"{k} {sum(v) / len(v):.3f}" for k, v in sums.items()))


if __name__ == "__main__":
    main()
