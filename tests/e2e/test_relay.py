"""The client's bytes reach the provider, and the provider's the client, unchanged but for what is ours."""

import json
import unittest

import harness
from harness import ANTHROPIC, CHAT, MESSAGES, OPENAI, chat, message

# Odd on purpose: order, blanks, escapes, numbers and unknown members must all survive.
ODD = (b'{ "temperature" : 1.0e0,\n  "messages":[ {"content":"caf\\u00e9 \\/ \xc3\xbcber","role":"user", "x":[1,2.50,-0]} ],'
       b'\t"model"  :  "luna" ,"unknown":{"a":null,"b":[true,false]},"seed":18446744073709551615}')


class Relay(harness.Case):
    def whole(self, port, path, body):
        """Gives the answer and what the provider received; then the provider's own answer to those bytes."""
        got = self.post(path, body)
        self.assertEqual((got.status, got.end), (200, "whole"), got)
        return got, self.sim.records(port)[-1]

    def direct(self, port, record):
        path = record["path"]
        return harness.ask(self.sim.ports[port], "POST", path, record["body"].encode())

    def same_but_ids(self, ours, theirs):
        """The simulator's answers to equal bytes differ in the ids alone (8 digits that count) and the second."""
        cut = lambda b: [e if not e.startswith(b'"created"') else b"" for e in b.split(b",")]
        ours, theirs = cut(ours), cut(theirs)
        self.assertEqual(len(ours), len(theirs))
        for a, b in zip(ours, theirs):
            if a != b:
                self.assertTrue(b'"id":"' in a and len(a) == len(b), (a, b))

    def test_openai_body_keeps_its_bytes(self):
        _, record = self.whole(OPENAI, CHAT, ODD)
        self.assertEqual(record["body"].encode(), ODD.replace(b'"luna"', b'"gpt-5.6-luna"'))
        self.assertEqual(record["path"], "/v1/chat/completions")

    def test_openai_answer_keeps_its_bytes(self):
        got, record = self.whole(OPENAI, CHAT, ODD)
        self.same_but_ids(got.body, self.direct(OPENAI, record).body)

    def test_anthropic_body_keeps_its_bytes(self):
        body = b'{"max_tokens": 64 ,"messages":[{"role":"user","content":[{"type":"text","text":"a\\nb"}]}], "model":"sonnet"}'
        got, record = self.whole(ANTHROPIC, MESSAGES, body)
        self.assertEqual(record["body"].encode(), body.replace(b'"sonnet"', b'"claude-sonnet-5"'))
        self.assertEqual(record["path"], "/v1/messages")
        self.same_but_ids(got.body, self.direct(ANTHROPIC, record).body)

    def test_anthropic_stream_keeps_its_bytes(self):
        got, record = self.whole(ANTHROPIC, MESSAGES, message("tell me", stream=True))
        self.assertTrue(got.header("content-type").startswith("text/event-stream"))
        self.same_but_ids(got.body, self.direct(ANTHROPIC, record).body)
        self.assertEqual(got.events()[-1].name, "message_stop")

    def test_openai_stream_keeps_its_bytes(self):
        body = chat("tell me", stream=True)
        got, record = self.whole(OPENAI, CHAT, body)
        theirs = harness.ask(self.sim.ports[OPENAI], "POST", CHAT, body.replace(b'"luna"', b'"gpt-5.6-luna"'))
        self.assertEqual(got.events()[-1].data, b"[DONE]")
        # Asked for by us, for the bill, and kept from a client that did not ask.
        self.assertIn('"include_usage":true', record["body"].replace(" ", ""))
        ours = [json.loads(e.data) for e in got.events()[:-1]]
        self.assertTrue(all(not c.get("usage") for c in ours))
        text = lambda chunks: "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
        self.assertEqual(text(ours), text([json.loads(e.data) for e in theirs.events()[:-1]]))
        self.assertTrue(all(c["choices"] for c in ours), "the usage chunk")

    def test_every_byte_in_a_write_of_its_own(self):
        for stream in (False, True):
            got, _ = self.whole(OPENAI, CHAT, chat("[[sim split=1 events=5]] x", stream=stream))
            if stream:
                self.assertEqual(got.events()[-1].data, b"[DONE]")
            else:
                self.assertEqual(got.json()["usage"]["completion_tokens"], 5)

    def test_an_event_of_a_mebibyte(self):
        got, _ = self.whole(OPENAI, CHAT, chat("[[sim fault=giant:1048576 events=4]] x", stream=True))
        self.assertGreater(max(len(e.data) for e in got.events()), 1 << 20)
        self.assertEqual(got.events()[-1].data, b"[DONE]")

    def test_interim_answers_are_not_the_answer(self):
        got, _ = self.whole(OPENAI, CHAT, chat("[[sim interim=3]] x"))
        self.assertEqual(got.json()["object"], "chat.completion")

    def test_a_body_of_many_pieces(self):
        text = "".join(f"Line {i} of a long letter. " for i in range(40000))
        got, record = self.whole(OPENAI, CHAT, chat(text))
        self.assertEqual(json.loads(record["body"])["messages"][0]["content"], text)
        self.assertEqual(got.json()["object"], "chat.completion")


if __name__ == "__main__":
    unittest.main()
