// What people do with the npm package openai, against a running frugald. Prints "ok NAME" a line each.
// The environment has FRUGALD_URL (with /v1), FRUGALD_KEY; the checks to run are the arguments.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.FRUGALD_URL, apiKey: process.env.FRUGALD_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "What is the capital of France?" }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const says = (content) => [{ role: "user", content }];

const checks = {
  async chat() {
    const { data, response, request_id } = await client.chat.completions
      .create({ model: "auto", messages }).withResponse();
    assert.ok(data.choices[0].message.content);
    assert.ok(data.usage.total_tokens > 0);
    assert.match(request_id, /^req_/);
    assert.ok(response.headers.get("x-frugald-model"));
  },

  async stream() {
    let text = "", finish = null;
    for await (const chunk of await client.chat.completions.create({ model: "auto", messages, stream: true })) {
      assert.equal(chunk.choices.length, 1);
      text += chunk.choices[0].delta.content ?? "";
      finish = chunk.choices[0].finish_reason ?? finish;
    }
    assert.ok(text && finish === "stop");
  },

  async stream_usage() {
    let usage = null;
    const stream = await client.chat.completions.create({
      model: "auto", messages, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    assert.ok(usage.completion_tokens > 0);
    assert.match(usage.cost_usd, /^\d+\.\d{12}$/);
  },

  async tools() {
    const ask = says("What is the weather in Paris? Use the tool.");
    const first = (await client.chat.completions.create({ model: "auto", messages: ask, tools: [weather] })).choices[0];
    const call = first.message.tool_calls[0];
    assert.equal(call.function.name, "get_weather");
    ask.push(first.message, { role: "tool", tool_call_id: call.id, content: "18 degrees" });
    const last = await client.chat.completions.create({ model: "auto", messages: ask, tools: [weather] });
    assert.ok(last.choices[0].message.content);
  },

  async structured() {
    const answer = await client.chat.completions.create({
      model: "auto", messages,
      response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema: {
        type: "object", properties: { name: { type: "string" } }, required: ["name"], additionalProperties: false } } },
    });
    assert.equal(typeof JSON.parse(answer.choices[0].message.content).name, "string");
  },

  async errors() {
    await assert.rejects(client.chat.completions.create({ model: "no-such-model", messages }),
      (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
    await assert.rejects(client.withOptions({ apiKey: "fr-wrong" }).chat.completions.create({ model: "auto", messages }),
      (e) => e instanceof OpenAI.AuthenticationError);
    await assert.rejects(client.chat.completions.create({ model: "auto", messages: "hello" }),
      (e) => e instanceof OpenAI.BadRequestError && e.param === "messages");
  },

  async retries() {
    const answer = await client.withOptions({ maxRetries: 3 }).chat.completions.create({
      model: "luna", messages: says("[[sim status=429 retry_after=1 times=1]] hello") });
    assert.ok(answer.choices[0].message.content);
  },

  async abort() {
    const stream = await client.chat.completions.create({
      model: "auto", messages: says("[[sim events=2000 gap_ms=20]] a long story"), stream: true });
    let n = 0;
    for await (const _ of stream) if (++n === 4) stream.controller.abort();
  },

  async models() {
    const names = [];
    for await (const m of client.models.list()) names.push(m.id);
    assert.ok(names.includes("auto"));
  },
};

for (const name of process.argv.slice(2)) {
  await checks[name]();
  console.log("ok", name);
}
