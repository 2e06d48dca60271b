"""Which headers pass the proxy, which are ours, which are dropped: include/core/header.def."""

import unittest

import harness
from harness import ANTHROPIC, CHAT, MESSAGES, OPENAI, chat, message

SENT = {"OpenAI-Beta": "assistants=v2", "anthropic-version": "2023-06-01", "anthropic-beta": "fine-grained-tools",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b",
        "Cookie": "session=secret", "OpenAI-Organization": "org-mine", "X-Request-Id": "mine", "X-Whatever": "1",
        "Accept": "text/x-odd", "Accept-Encoding": "gzip, br", "Authorization": "Bearer client-key",
        "x-api-key": "client-key", "x-frugald-session": "s1", "x-frugald-tags": "app=shop", "X-Forwarded-For": "9.9.9.9",
        "User-Agent": "client/1"}


class Headers(harness.Case):
    ENV = {"UPSTREAM_KEY": "sk-upstream-secret"}
    POLICY_PARTS = {"openai_more": ", key: env:UPSTREAM_KEY, headers: {x-mine: hello}", "anthropic_more": ", key: env:UPSTREAM_KEY"}

    def upstream(self, path, body, port):
        answer = self.post(path, body, SENT)
        self.assertEqual(answer.status, 200, answer)
        record = self.sim.records(port)[-1]
        return answer, {n.lower(): v for n, v in record["headers"]}, record

    def test_request_openai(self):
        answer, got, record = self.upstream(CHAT, chat("hello"), OPENAI)
        self.assertEqual(got["openai-beta"], SENT["OpenAI-Beta"])
        self.assertEqual(got["traceparent"], SENT["traceparent"])
        self.assertEqual(got["authorization"], "Bearer sk-upstream-secret")
        self.assertEqual(got["x-mine"], "hello")
        self.assertEqual(got["x-client-request-id"], answer.header("x-request-id"))
        self.assertTrue(got["user-agent"].startswith("frugald/"))
        for name in ("anthropic-version", "anthropic-beta", "tracestate", "cookie", "openai-organization", "x-whatever",
                     "x-api-key", "x-frugald-session", "x-frugald-tags", "x-forwarded-for", "accept-encoding", "expect"):
            self.assertNotIn(name, got)
        self.assertNotIn("client-key", str(record))

    def test_request_anthropic(self):
        _, got, record = self.upstream(MESSAGES, message("hello"), ANTHROPIC)
        self.assertEqual(got["anthropic-version"], "2023-06-01")
        self.assertEqual(got["anthropic-beta"], SENT["anthropic-beta"])
        self.assertEqual(got["x-api-key"], "sk-upstream-secret")
        for name in ("openai-beta", "authorization", "cookie", "x-whatever"):
            self.assertNotIn(name, got)
        self.assertNotIn("client-key", str(record))

    def test_anthropic_version_is_added(self):
        self.assertEqual(self.post(MESSAGES, message("hello")).status, 200)
        got = {n.lower(): v for n, v in self.sim.records(ANTHROPIC)[-1]["headers"]}
        self.assertEqual(got["anthropic-version"], "2023-06-01")

    def test_answer(self):
        for path, body in ((CHAT, chat("hello")), (CHAT, chat("hello", stream=True)), (MESSAGES, message("hello")),
                           (MESSAGES, message("hello", stream=True))):
            answer = self.post(path, body)
            names = [n.lower() for n, _ in answer.headers]
            self.assertEqual(names.count("x-request-id"), 1)
            self.assertTrue(answer.header("x-request-id").startswith("req_"))
            for dropped in ("set-cookie", "x-ratelimit-remaining-requests", "openai-organization", "request-id", "server",
                            "anthropic-ratelimit-requests-remaining", "anthropic-organization-id", "via"):
                self.assertNotIn(dropped, names, (path, answer.headers))
            if path == CHAT:
                self.assertEqual(answer.header("openai-version"), "2020-10-01")
            for ours in ("x-frugald-model", "x-frugald-tier", "x-frugald-complexity"):
                self.assertIn(ours, names)

    def test_secrets_are_in_no_log(self):
        self.post(CHAT, chat("a very private prompt"), SENT)
        self.daemon.row(self.post(CHAT, chat("hello"), SENT).header("x-request-id"))
        said = self.daemon.said()
        for secret in ("sk-upstream-secret", "client-key", "private prompt"):
            self.assertNotIn(secret, said)


if __name__ == "__main__":
    unittest.main()
