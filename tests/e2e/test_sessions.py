"""A conversation stays on its model, over connections, workers and dialects of its id."""

import json
import threading
import unittest

import harness
from harness import CHAT, chat

HARD = ("Prove that there are infinitely many primes of the form 4k+3, then give a second, independent proof by analytic "
        "means, step by step, and compare the two with respect to the lemmas that they need.")


class Sessions(harness.Case):
    POLICY_PARTS = {"workers": 4, "policy": harness.POLICY.replace("tags:", """\
  steady: {{candidates: [qwen, luna, sol], baseline: sol, goal: cheapest, keep_quality: 90%, switch: never}}
tags:""")}

    def turn(self, messages, headers=(), model="auto", **more):
        body = json.dumps({"model": model, "messages": messages, **more}).encode()
        answer = self.post(CHAT, body, headers)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def test_one_model_throughout(self):
        """20 fresh connections; hard and easy turns mixed; by the history alone, on a route that never switches."""
        messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": "What is the capital of France?"}]
        models = []
        for i in range(20):
            answer = self.turn(messages, model="steady")
            models.append(answer.header("x-frugald-model"))
            messages.append({"role": "assistant", "content": answer.json()["choices"][0]["message"]["content"]})
            messages.append({"role": "user", "content": ["yes", "go on", "thanks, and Spain?", HARD][i % 4]})
        self.assertEqual(len(set(models)), 1, models)
        self.assertEqual(len({r["model"] for r in self.sim.records()}), 1)

    def test_at_the_same_time(self):
        """Easy and hard requests of one new conversation that come at once: all meet the model of the first."""
        first = set()
        for n in range(40):
            header = {"x-frugald-session": f"parallel-{n}"}
            begin = threading.Barrier(6)

            def one(i):
                with harness.Connection(self.daemon.port) as c:
                    begin.wait()
                    text = HARD if (i + n) % 2 else "What is the capital of France?"
                    return c.ask("POST", CHAT, chat(text, model="steady"), header).header("x-frugald-model")
            models = harness.together(6, one)
            self.assertEqual(len(set(models)), 1, models)
            first.add(models[0])
        self.assertEqual(len(first), 2, "each kind was the first once")

    def test_yes_after_a_hard_plan_is_hard(self):
        first = self.turn([{"role": "user", "content": HARD}])
        self.assertEqual(first.header("x-frugald-model"), "sol")
        plan = first.json()["choices"][0]["message"]["content"]
        second = self.turn([{"role": "user", "content": HARD}, {"role": "assistant", "content": plan},
                            {"role": "user", "content": "yes"}])
        self.assertEqual(second.header("x-frugald-model"), "sol")
        self.assertEqual(second.header("x-frugald-complexity"), first.header("x-frugald-complexity"))

    def test_tool_loop(self):
        tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
        messages = [{"role": "user", "content": "Use the tool to find out what is new."}]
        models = []
        for _ in range(4):
            answer = self.turn(messages, tools=[tool])
            models.append(answer.header("x-frugald-model"))
            said = answer.json()["choices"][0]["message"]
            messages.append(said)
            for call in said.get("tool_calls") or []:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": "nothing new"})
        self.assertEqual(len(set(models)), 1, models)

    def test_survives_a_restart(self):
        header = {"x-frugald-session": "long-lived"}
        first = self.turn([{"role": "user", "content": HARD}], header)
        cls = type(self)
        self.assertEqual(cls.daemon.stop(), 0)
        cls.daemon = harness.Daemon(self.folder, self.sim, self.ENV, **self.POLICY_PARTS)
        second = self.turn([{"role": "user", "content": HARD}, {"role": "assistant", "content": "So."},
                            {"role": "user", "content": "ok"}], header)
        self.assertEqual(first.header("x-frugald-model"), second.header("x-frugald-model"))


class SignedThinking(harness.Case):
    """Thinking is signed by the model that thought; another one refuses the signature."""

    def test_stays_with_its_model(self):
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        models = []
        for i in range(4):
            body = json.dumps({"model": "coding", "max_tokens": 2048, "messages": messages,
                               "thinking": {"type": "enabled", "budget_tokens": 1024}}).encode()
            answer = self.post(harness.MESSAGES, body)
            self.assertEqual(answer.status, 200, answer)
            models.append(answer.header("x-frugald-model"))
            messages.append({"role": "assistant", "content": answer.json()["content"]})
            messages.append({"role": "user", "content": HARD if i % 2 == 0 else "thanks"})
        self.assertEqual(len(set(models)), 1, models)

    def test_also_in_another_session(self):
        """The signature itself binds, not only the memory of the session."""
        for model, name in (("sonnet", "claude-sonnet-5"), ("opus", "claude-opus-5")):
            first = self.ask_message("hello", model=model, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2048)
            history = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": first.json()["content"]},
                       {"role": "user", "content": "and?"}]
            answer = self.post(harness.MESSAGES, json.dumps({"model": model, "max_tokens": 99, "messages": history}).encode())
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.sim.records()[-1]["model"], name)


if __name__ == "__main__":
    unittest.main()
