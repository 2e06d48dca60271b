#!/usr/bin/env python3
"""How many requests of the ledger `frugald replay` decides again in a second.

usage: replay.py [REQUESTS]

Traffic through a simulator makes some hundred rows of all kinds; they are copied, under other ids, sessions and times,
until there are REQUESTS (500,000). The policy that ran and one that moves most of them are replayed, three times each.
One thread reads, one decides. exit: 1 when fewer than 200,000 a second are."""

import json
import os
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness  # noqa: E402
import test_replay  # noqa: E402

GATE = 200000


def inflate(path, total):
    """Copies the rows of a month's file. The triggers that forbid changes are for everybody else."""
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    columns = {t: [r[1] for r in db.execute(f"PRAGMA table_info({t})")] for t in ("request", "attempt")}
    have = db.execute("SELECT MAX(seq), COUNT(*) FROM request").fetchone()
    for copy in range(1, total // have[1]):
        new = {"seq": f"seq+{copy * have[0]}", "id": "randomblob(16)", "session": f"session+{copy * 7919}",
               "start_ms": f"start_ms-{copy * 3}", "end_ms": f"end_ms-{copy * 3}"}
        for table, last in (("request", "seq"), ("attempt", "request")):
            new["request"] = f"request+{copy * have[0]}"
            values = ",".join(new[c] if c in new and not (table == "attempt" and c in ("id", "session")) else c
                              for c in columns[table])
            db.execute(f"INSERT INTO {table}({','.join(columns[table])}) SELECT {values} FROM {table} WHERE {last}<=?",
                       (have[0],))
    db.commit()
    db.close()


def run(state, policy):
    began = time.monotonic()
    done = subprocess.run([harness.FRUGALD, "replay", "--state", state, "--policy", policy, "--json"], check=True,
                          capture_output=True, text=True)
    found = json.loads(done.stdout)
    return found, found["requests"] / (time.monotonic() - began)


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 500000
    case = test_replay.Replay("test_same_policy")
    case.setUpClass()
    try:
        other = case.other("auto:   {candidates: [qwen, luna, sol]", "auto:   {candidates: [sol]")
        case.daemon.stop()
        inflate(case.daemon.months()[-1], total)
        best = {}
        for name, policy in (("same", case.daemon.config), ("other", other)):
            runs = [run(case.daemon.state, policy) for _ in range(3)]
            best[name] = max(rate for _, rate in runs)
            print(json.dumps({"policy": name, "requests": runs[0][0]["requests"], "changed": runs[0][0]["changed"],
                              "not_compared": runs[0][0]["not_compared"],
                              "requests_per_s": [int(rate) for _, rate in runs], "cores": os.cpu_count()}))
    finally:
        case.clean_up()
    return 0 if min(best.values()) >= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
