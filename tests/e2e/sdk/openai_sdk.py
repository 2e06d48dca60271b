"""What people do with the openai package, against a running frugald. Prints "ok NAME" a line each.

The environment has FRUGALD_URL (with /v1), FRUGALD_KEY, and the checks to run as arguments."""

import os
import sys
import threading

import openai
import pydantic

client = openai.OpenAI(base_url=os.environ["FRUGALD_URL"], api_key=os.environ["FRUGALD_KEY"], max_retries=0)
EASY = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather at a place",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def ask(text, **more):
    return client.chat.completions.create(model="auto", messages=[{"role": "user", "content": text}], **more)


def chat():
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=EASY)
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0
    assert answer._request_id.startswith("req_"), answer._request_id
    assert raw.headers["x-frugald-model"] and raw.headers["x-frugald-route"] == "auto"
    assert raw.headers["x-frugald-cost-usd"].count(".") == 1


def stream():
    chunks = list(ask("Tell me something nice.", stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert all(c.usage is None for c in chunks), "usage that nobody asked for"
    assert all(c.choices for c in chunks), "a chunk without choices that nobody asked for"
    assert any(c.choices[0].finish_reason for c in chunks)


def stream_usage():
    chunks = list(ask("Tell me something nice.", stream=True, stream_options={"include_usage": True}))
    usage = chunks[-1].usage
    assert usage.completion_tokens > 0, chunks[-1]
    assert float(usage.model_extra["cost_usd"]) >= 0


def tools():
    messages = [{"role": "user", "content": "What is the weather in Paris? Use the tool."}]
    first = client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER]).choices[0].message
    call = first.tool_calls[0]
    assert call.function.name == "get_weather"
    messages += [first, {"role": "tool", "tool_call_id": call.id, "content": "18 degrees, sunny"}]
    last = client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER]).choices[0].message
    assert last.content and not last.tool_calls


def tools_stream():
    name, arguments = "", ""
    for chunk in ask("What is the weather in Paris? Use the tool.", tools=[WEATHER], stream=True):
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert name == "get_weather" and arguments.startswith("{") and arguments.endswith("}"), (name, arguments)


class City(pydantic.BaseModel):
    name: str
    inhabitants: int


def structured():
    answer = client.chat.completions.parse(model="auto", messages=EASY, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def expect(kind, code, call):
    try:
        call()
    except kind as e:
        assert e.code == code, (e.code, e.body)
        assert e.request_id.startswith("req_")
        return e
    raise AssertionError(f"no {kind.__name__}")


def errors():
    expect(openai.NotFoundError, "model_not_found",
           lambda: client.chat.completions.create(model="no-such-model", messages=EASY))
    expect(openai.AuthenticationError, "invalid_api_key",
           lambda: client.with_options(api_key="fr-wrong").chat.completions.create(model="auto", messages=EASY))
    e = expect(openai.BadRequestError, "invalid_request",
               lambda: client.chat.completions.create(model="auto", messages="hello"))
    assert e.param == "messages", e.body
    expect(openai.APIStatusError, "upstream_error",
           lambda: client.chat.completions.create(model="luna", messages=[
               {"role": "user", "content": "[[sim status=500]] hello"}]))


def retries():
    """A rate limit is tried again by the SDK, as x-should-retry and Retry-After say."""
    patient = client.with_options(max_retries=3)
    answer = patient.chat.completions.create(model="luna", messages=[
        {"role": "user", "content": "[[sim status=429 retry_after=1 times=1]] hello"}])
    assert answer.choices[0].message.content


def abort():
    """Leaves in the middle of a long stream; the test looks for it at the provider."""
    s = ask("[[sim events=2000 gap_ms=20]] a long story", stream=True)
    for i, _ in enumerate(s):
        if i == 3:
            break
    s.close()


def parallel():
    failed = []

    def one(i):
        try:
            assert ask(f"Question {i}: what is {i} plus {i}?").choices[0].message.content
        except Exception as e:  # whatever it is, it failed
            failed.append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed[0]


def models():
    names = [m.id for m in client.models.list()]
    assert "auto" in names and "luna" in names, names
    assert client.models.retrieve("auto").id == "auto"


for name in sys.argv[1:]:
    globals()[name]()
    print("ok", name, flush=True)
