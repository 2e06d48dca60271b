// What people do with the npm package @anthropic-ai/sdk, against a running frugald. Prints "ok NAME" a line each.
// The environment has FRUGALD_URL (without /v1), FRUGALD_KEY; the checks to run are the arguments.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.FRUGALD_URL, apiKey: process.env.FRUGALD_KEY, maxRetries: 0 });
const says = (content) => [{ role: "user", content }];
const easy = { model: "coding", max_tokens: 256, messages: says("What is the capital of France?") };
const weather = {
  name: "get_weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const checks = {
  async chat() {
    const { data, response } = await client.messages.create(easy).withResponse();
    assert.ok(data.content[0].text && data.usage.output_tokens > 0);
    assert.match(response.headers.get("x-request-id"), /^req_/);
  },

  async stream() {
    const stream = client.messages.stream(easy);
    let text = "";
    stream.on("text", (t) => { text += t; });
    const last = await stream.finalMessage();
    assert.ok(text && last.usage.output_tokens > 0);
  },

  async tools() {
    const messages = says("What is the weather in Paris? Use the tool.");
    const first = await client.messages.create({ ...easy, messages, tools: [weather] });
    const call = first.content.find((b) => b.type === "tool_use");
    assert.equal(call.name, "get_weather");
    messages.push({ role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "18 degrees" }] });
    const last = await client.messages.create({ ...easy, messages, tools: [weather] });
    assert.equal(last.stop_reason, "end_turn");
  },

  async count() {
    const { input_tokens } = await client.messages.countTokens({ model: "coding", messages: easy.messages });
    assert.ok(input_tokens > 0);
  },

  async errors() {
    await assert.rejects(client.messages.create({ ...easy, model: "no-such-model" }),
      (e) => e instanceof Anthropic.NotFoundError && e.error.error.type === "not_found_error");
    await assert.rejects(client.withOptions({ apiKey: "fr-wrong" }).messages.create(easy),
      (e) => e instanceof Anthropic.AuthenticationError);
  },

  async retries() {
    const answer = await client.withOptions({ maxRetries: 3 }).messages.create({
      ...easy, model: "sonnet", messages: says("[[sim status=429 retry_after=1 times=1]] hello") });
    assert.ok(answer.content[0].text);
  },

  async abort() {
    const stream = client.messages.stream({ ...easy, messages: says("[[sim events=2000 gap_ms=20]] a long story") });
    let n = 0;
    await assert.rejects(async () => {
      for await (const event of stream) if (event.type === "content_block_delta" && ++n === 4) stream.abort();
      await stream.finalMessage();
    });
  },
};

for (const name of process.argv.slice(2)) {
  await checks[name]();
  console.log("ok", name);
}
