"""Coding agents through frugald: no error, the model changes only with the task, and prompt caches are as warm as without it."""

import json
import pathlib
import unittest

import agents
import harness


class Agents(harness.Case):
    POLICY_PARTS = {"workers": 2, "policy": harness.POLICY.replace("tags:", """\
  agents: {{candidates: [luna, sol], baseline: sol, goal: cheapest, keep_quality: 90%, switch: new_task}}
tags:""").replace("\"claude-*\": coding", "\"claude-*\": coding, \"direct-*\": luna")}

    def through(self, kind):
        """Each call on a connection of its own: any worker may get it."""
        return kind(lambda path, body, session: harness.ask(self.daemon.port, "POST", path, body, session))

    def directly(self, kind, model):
        headers = {"authorization": "Bearer x", "x-api-key": "x", "anthropic-version": "2023-06-01"}
        port = self.sim.ports[harness.ANTHROPIC if kind is agents.Anthropic else harness.OPENAI]

        def send(path, body, _):
            return harness.ask(port, "POST", path, json.dumps(json.loads(body) | {"model": model}).encode(), headers)
        return kind(send)

    def hit_ratio(self, agent):
        """Of the tokens of all prompts, the share that came from the cache."""
        self.sim.reset()
        agent.play()
        records = [r for r in self.sim.records() if r["status"] == 200]
        self.assertEqual(len(records), len(agent.turns))
        return sum(r["cached_tokens"] for r in records) / sum(r["prompt_tokens"] for r in records)

    def check(self, kind, model):
        agent = self.through(kind)
        ratio = self.hit_ratio(agent)
        self.assertGreaterEqual(sum(t.kind in ("task", "loop") for t in agent.turns), 30)
        own = [t for t in agent.turns if t.kind in ("task", "loop")]
        moved = [(a, b) for a, b in zip(own, own[1:]) if a.model != b.model]
        self.assertEqual([b.task for _, b in moved if b.kind != "task"], [], "the model changed inside a task")
        direct = self.hit_ratio(self.directly(kind, model))
        print(f"{kind.__name__}: {len(agent.turns)} calls, {len(moved)} switches, cached {100 * ratio:.1f} %, directly {100 * direct:.1f} %")
        self.assertGreater(ratio, direct - 0.02)
        return moved

    def test_anthropic(self):
        """Signed thinking binds the history to its model until it is compacted."""
        self.check(agents.Anthropic, "claude-opus-5")

    def test_openai(self):
        self.assertGreater(len(self.check(agents.OpenAI, "gpt-5.6-sol")), 0, "hard and easy tasks take turns")

    def busy(self):
        """Nanoseconds that each worker's thread has run."""
        ran = {}
        for task in pathlib.Path(f"/proc/{self.daemon.process.pid}/task").iterdir():
            if (task / "comm").read_text().startswith("worker"):
                ran[task.name] = int((task / "schedstat").read_text().split()[0])
        return ran

    def served_by(self, before):
        """The worker that has run most since."""
        now = self.busy()
        return max(now, key=lambda worker: now[worker] - before[worker])

    def ask_on(self, connection, messages, session):
        """Who answers, and on which worker."""
        before = self.busy()
        body = json.dumps({"model": "agents", "messages": messages}).encode()
        answer = connection.ask("POST", harness.CHAT, body, session)
        self.assertEqual(answer.status, 200, answer)
        return answer.header("x-frugald-model"), self.served_by(before)

    def test_on_the_other_worker(self):
        """Turn 2 comes to another worker, and stays on its model. Of connections that are opened together each worker gets some."""
        pairs = set()
        for n in range(100):
            connections = [harness.Connection(self.daemon.port) for _ in range(6)]
            first = [{"role": "user", "content": agents.TASKS[n % 2][0]}]
            then = [*first, {"role": "assistant", "content": "Done."}, {"role": "user", "content": "yes"}]
            session = {"x-frugald-session": f"two-workers-{n}"}
            turns = [self.ask_on(c, first if i == 0 else then, session) for i, c in enumerate(connections)]
            for c in connections:
                c.close()
            self.assertEqual(len({model for model, _ in turns}), 1, turns)
            pairs |= {(turns[0][1], worker) for _, worker in turns[1:]}
            if n > 8 and any(a != b for a, b in pairs):
                return
        self.fail(f"one worker has served them all: {pairs}")


class Loops(harness.Case):
    """A tool's result keeps the model that called the tool, also when the client by then asks for what only another one can give."""
    POLICY_PARTS = Agents.POLICY_PARTS

    def keeps_the_model(self, path, body, results_of):
        session, messages = {"x-frugald-session": "loop-of-" + path, "x-frugald-explain": "1"}, [{"role": "user", "content": agents.TASKS[0][0]}]

        def turn(headers):
            answer = self.post(path, json.dumps({**body, "messages": messages}).encode(), session | headers)
            self.assertEqual(answer.status, 200, answer)
            return answer
        answer = turn({})
        begun = answer.header("x-frugald-model")
        success = {c["model"]: c["success"] for c in json.loads(answer.header("x-frugald-explain"))["candidates"]}
        self.assertEqual(min(success, key=success.get), begun, "the easy task is for the weaker one")
        between = {"x-frugald-min-quality": f"{sum(success.values()) / len(success):.4f}"}
        for _ in range(3):
            messages += results_of(answer.json())
            answer = turn(between)
            self.assertEqual(answer.header("x-frugald-model"), begun)
        messages += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": agents.TASKS[1][0]}]
        self.assertNotEqual(turn(between).header("x-frugald-model"), begun, "a new, hard task is free to go")

    def test_openai(self):
        def results_of(said):
            said = said["choices"][0]["message"]
            return [said, *({"role": "tool", "tool_call_id": c["id"], "content": "nothing yet"} for c in said["tool_calls"])]
        self.keeps_the_model(harness.CHAT, {"model": "agents", "tools": [agents.OpenAI.TOOL], "tool_choice": "required"}, results_of)

    def test_anthropic(self):
        """Without thinking: nothing but the loop binds."""
        def results_of(said):
            results = [{"type": "tool_result", "tool_use_id": b["id"], "content": "nothing yet"} for b in said["content"]]
            return [{"role": "assistant", "content": said["content"]}, {"role": "user", "content": results}]
        self.keeps_the_model(harness.MESSAGES, {"model": "coding", "max_tokens": 4096, "tools": [agents.Anthropic.TOOL], "tool_choice": {"type": "any"}}, results_of)


if __name__ == "__main__":
    unittest.main()
