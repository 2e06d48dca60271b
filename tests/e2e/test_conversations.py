"""Conversations written for this, a line each: which tier the last turn needs, and whether the model stays for it.

Each is sent turn by turn, as a client does. Behind a mere "yes, do it" and inside a tool loop the model must stay,
always. Which tier any other turn needs, and whether it goes on with the task before it, is the classifier's word, which
is right most of the time: the test counts, and names those it is wrong about, so that a change of the weights shows what
it gains and loses.
"""

import json
import pathlib
import unittest

import harness
from harness import CHAT

LINES = pathlib.Path(__file__).parent.parent / "data/conversations/conversations.jsonl"
TIER = {"sol": "frontier", "luna": "small", "qwen": "local"}
TOOL = {"type": "function", "function": {"name": "read_file", "parameters": {"type": "object", "properties": {}}}}
RIGHT, STAYED = 50, 10


def conversations():
    with open(LINES, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def message(turn, number):
    """A turn is the text of the user and the assistant, one after the other, or a message as it stands."""
    if isinstance(turn, dict):
        return turn
    return {"role": "assistant" if number % 2 else "user", "content": turn}


class Conversations(harness.Case):
    POLICY_PARTS = {"policy": harness.POLICY.replace("tags:", """\
  talk: {{candidates: [qwen, luna, sol], baseline: sol, goal: cheapest, keep_quality: 92%, switch: new_task}}
tags:""")}

    def serve(self, told, messages):
        """The model that answers, and how hard it was thought."""
        body = {"model": "talk", "messages": messages} | ({"tools": [TOOL]} if told.get("tools") else {})
        answer = self.post(CHAT, json.dumps(body).encode(), {"x-frugald-session": told["id"]})
        self.assertEqual(answer.status, 200, (told["id"], answer))
        return answer.header("x-frugald-model"), answer.header("x-frugald-complexity")

    def models(self, told):
        """Of each turn that the client sends: where the user or a tool has spoken last."""
        messages = [message(turn, n) for n, turn in enumerate(told["turns"])]
        if "system" in told:
            messages.insert(0, {"role": "system", "content": told["system"]})
        return [self.serve(told, messages[:i + 1]) for i, m in enumerate(messages) if m["role"] in ("user", "tool")]

    def test_all(self):
        wrong, moved, all_of_them = [], {"always": [], "expected": []}, conversations()
        for told in all_of_them:
            served = self.models(told)
            if "stay" in told and served[-1][0] != served[-2][0]:
                moved[told["stay"]].append((told["id"], *served[-2:]))
            if TIER[served[-1][0]] != told["tier"]:
                wrong.append((told["id"], told["tier"], served[-1]))
        right = len(all_of_them) - len(wrong)
        stayed = sum(t.get("stay") == "expected" for t in all_of_them) - len(moved["expected"])
        print(f"{right} of {len(all_of_them)} at the tier they need; not:", *wrong, sep="\n  ")
        print(f"{stayed} follow-ups stayed; not:", *moved["expected"], sep="\n  ")
        self.assertEqual(len({t["id"] for t in all_of_them}), len(all_of_them))
        self.assertGreaterEqual(len(all_of_them), 60)
        self.assertEqual(moved["always"], [], "the model changed inside a task")
        self.assertGreaterEqual(right, RIGHT, wrong)
        self.assertGreaterEqual(stayed, STAYED, moved)


if __name__ == "__main__":
    unittest.main()
