"""Sessions in the manner of coding agents: long histories, tool loops, signed thinking, calls on the side, compaction.

A script is played twice, through frugald and directly against the simulated provider, and gives the same calls."""

import json

import harness

SYSTEM = "You are an agent that works in a repository. " + "Keep to the style of the code around you, and say what you did. " * 150
TITLE = "Write a title of at most six words for the conversation."
TASKS = [  # text, and whether it is hard
    ("Use the tool to list the files of the folder.", False),
    ("Use the tool: find out why the lock-free queue loses an entry when two producers wrap around at the same time, prove which memory "
     "orderings are needed, restructure push and pop so that they are linearizable, and argue why no ABA problem is left.", True),
    ("Use the tool to rename the variable cnt to count in util.c.", False),
    ("Use the tool: design the migration of the ledger to a sharded store without downtime, derive the invariants that must hold at every "
     "step under partial failure, prove that no entry is booked twice, and write the recovery procedure.", True),
]
RESULTS = 14  # of tools, in each task
TURNS = 75
COMPACT_AT = 20


class Turn:
    """One call of the script: what was asked, and what has come back."""
    def __init__(self, kind, task, model, status):
        self.kind, self.task, self.model, self.status = kind, task, model, status


class Agent:
    """`send(body)` gives an answer; who answered is in its header, or in its body."""
    path, session = None, None

    def __init__(self, send):
        self.send, self.turns, self.messages, self.task = send, [], [], -1

    def call(self, kind, body):
        answer = self.send(self.path, json.dumps(body).encode(), self.session)
        if answer.status != 200:
            raise AssertionError(f"{kind}, task {self.task}: {answer}")
        self.turns.append(Turn(kind, self.task, answer.header("x-frugald-model"), answer.status))
        return answer.json()

    def play(self):
        done = 0
        while done < TURNS:
            self.task += 1
            if done >= COMPACT_AT and len(self.messages) > 2 * COMPACT_AT:
                self.messages = [{"role": "user", "content": "What was done so far: files were listed, code was changed, tests ran. " * 20},
                                 {"role": "assistant", "content": "I go on from there."}]
            self.messages.append({"role": "user", "content": TASKS[self.task % len(TASKS)][0]})
            for i in range(RESULTS + 1):
                self.step("task" if i == 0 else "loop", last=i == RESULTS)
                done += 1
            self.side_calls()
        return self.turns

    def side_calls(self):
        """Under the session's id, in other conversations: a title, and the work of a sub-agent."""
        self.aside("title", [{"role": "user", "content": TITLE}])
        self.aside("sub-agent", [{"role": "user", "content": f"Search for the callers of function {self.task} and list them."}])


class Anthropic(Agent):
    """Messages with thinking that its model signs, and marks for the prompt cache."""
    path = harness.MESSAGES
    session = {"x-claude-code-session-id": "agent-of-anthropic"}
    TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
    MODEL = "claude-opus-5"

    def body(self, messages, tools):
        body = {"model": self.MODEL, "max_tokens": 4096, "messages": messages,
                "system": [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]}
        return body | ({"tools": [self.TOOL], "thinking": {"type": "enabled", "budget_tokens": 1024}} if tools else {})

    def step(self, kind, last):
        body = self.body(self.messages, True)
        body["tool_choice"] = {"type": "none"} if last else {"type": "auto"}
        said = self.call(kind, body)["content"]
        self.messages.append({"role": "assistant", "content": said})
        calls = [b for b in said if b["type"] == "tool_use"]
        if not last:
            results = [{"type": "tool_result", "tool_use_id": b["id"], "content": "use the tool once more: nothing yet"} for b in calls]
            self.messages.append({"role": "user", "content": results or "use the tool once more"})

    def aside(self, kind, messages):
        self.call(kind, self.body(messages, False))


class OpenAI(Agent):
    """Chat completions with tools; nothing in its history is bound to a model."""
    path = harness.CHAT
    session = {"x-frugald-session": "agent-of-openai"}
    TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}}
    MODEL = "agents"

    def body(self, messages, tools):
        body = {"model": self.MODEL, "messages": [{"role": "system", "content": SYSTEM}, *messages]}
        return body | ({"tools": [self.TOOL]} if tools else {})

    def step(self, kind, last):
        body = self.body(self.messages, True)
        body["tool_choice"] = "none" if last else "required"
        said = self.call(kind, body)["choices"][0]["message"]
        self.messages.append({k: v for k, v in said.items() if k in ("role", "content", "tool_calls")})
        if not last:
            self.messages += [{"role": "tool", "tool_call_id": c["id"], "content": "nothing yet"} for c in said.get("tool_calls") or []]

    def aside(self, kind, messages):
        self.call(kind, self.body(messages, False))
