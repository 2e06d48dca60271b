"""Track B, in domain: a part of the questions of every source trains, another part, split by the question (without
the answers to choose from) so that one that stands in several sets is on one side, is the test. The mixture has at most 350 questions of a source.

usage: track_b.py [--inner] [--set NAME=NUMBER]...

--inner   splits the training part again and tests there: for choosing parameters"""

import argparse

import tracks

MIX = 350


def split(rows, salt, percent):
    test = [r for r in rows if tracks.draw(salt + tracks.stem(r["prompt"])) < percent]
    return [r for r in rows if tracks.draw(salt + tracks.stem(r["prompt"])) >= percent], test


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inner", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    tracks.need_data()
    rows, test = split([r for s in tracks.ALLOWED for r in tracks.outcomes(s)], "B2", 30)
    requests, request_test = tracks.requests("train"), tracks.requests("test")
    if args.inner:
        rows, test = split(rows, "V2", 25)
        request_test = [r for r in requests if tracks.draw("V2" + r["id"]) < 25]
        requests = [r for r in requests if tracks.draw("V2" + r["id"]) >= 25]
    mix, count = [], {}
    for r in sorted(test, key=lambda r: tracks.draw("M" + r["prompt"])):
        count[r["source"]] = count.get(r["source"], 0) + 1
        if count[r["source"]] <= MIX:
            mix.append(dict(r, source="mixture", scores=tracks.pair_scores(r)))
    with tracks.folder() as folder:
        files = [tracks.write(folder, "train", rows), tracks.write(folder, "requests", requests)]
        tracks.train(f"{folder}/weights.bin", files, 1, args.set)
        tests = [tracks.write(folder, n, r) for n, r in (("test", test), ("mix", mix), ("labels", request_test))]
        print(f"{len(rows)} questions and {len(requests)} requests for training")
        tracks.show(tracks.evaluate(f"{folder}/weights.bin", tests, tracks.ALLOWED))


if __name__ == "__main__":
    main()
