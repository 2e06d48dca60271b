"""What people do with the anthropic package, against a running frugald. Prints "ok NAME" a line each.

The environment has FRUGALD_URL (without /v1), FRUGALD_KEY, and the checks to run as arguments."""

import os
import sys

import anthropic

client = anthropic.Anthropic(base_url=os.environ["FRUGALD_URL"], api_key=os.environ["FRUGALD_KEY"], max_retries=0)
EASY = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = {"name": "get_weather", "description": "Weather at a place",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


def chat():
    raw = client.messages.with_raw_response.create(model="coding", max_tokens=256, messages=EASY)
    answer = raw.parse()
    assert answer.content[0].text and answer.stop_reason == "end_turn", answer
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-frugald-model"]


def stream():
    with client.messages.stream(model="coding", max_tokens=256, messages=EASY) as s:
        text = "".join(s.text_stream)
        last = s.get_final_message()
    assert text and last.usage.output_tokens > 0 and last.stop_reason == "end_turn"


def tools():
    messages = [{"role": "user", "content": "What is the weather in Paris? Use the tool."}]
    first = client.messages.create(model="coding", max_tokens=256, messages=messages, tools=[WEATHER])
    call = next(b for b in first.content if b.type == "tool_use")
    assert first.stop_reason == "tool_use" and call.name == "get_weather"
    messages += [{"role": "assistant", "content": first.content},
                 {"role": "user", "content": [
                     {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees, sunny"}]}]
    last = client.messages.create(model="coding", max_tokens=256, messages=messages, tools=[WEATHER])
    assert last.stop_reason == "end_turn" and last.content[0].text


def count():
    assert client.messages.count_tokens(model="coding", messages=EASY).input_tokens > 0


def expect(kind, error_type, call):
    try:
        call()
    except kind as e:
        assert e.body["type"] == "error" and e.body["error"]["type"] == error_type, e.body
        return
    raise AssertionError(f"no {kind.__name__}")


def errors():
    expect(anthropic.NotFoundError, "not_found_error",
           lambda: client.messages.create(model="no-such-model", max_tokens=9, messages=EASY))
    expect(anthropic.AuthenticationError, "authentication_error",
           lambda: client.with_options(api_key="fr-wrong").messages.create(
               model="coding", max_tokens=9, messages=EASY))
    expect(anthropic.BadRequestError, "invalid_request_error",
           lambda: client.messages.create(model="coding", max_tokens=9, messages=[]))


def retries():
    patient = client.with_options(max_retries=3)
    answer = patient.messages.create(model="sonnet", max_tokens=99, messages=[
        {"role": "user", "content": "[[sim status=429 retry_after=1 times=1]] hello"}])
    assert answer.content[0].text


def abort():
    with client.messages.stream(model="coding", max_tokens=4096, messages=[
            {"role": "user", "content": "[[sim events=2000 gap_ms=20]] a long story"}]) as s:
        for i, _ in enumerate(s.text_stream):
            if i == 3:
                break


for name in sys.argv[1:]:
    globals()[name]()
    print("ok", name, flush=True)
