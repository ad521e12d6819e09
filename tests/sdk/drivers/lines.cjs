// What the drivers on Node share: a hello line with the version that is installed, then one answer for each line read.
//
// A driver is run with NODE_PATH on the packages of its SDK alone. It hands `serve` the name of the package and a
// function for each call. What that returns is told as `returned`, and what it throws as `raised`; a result that a caller
// would not take for success is returned as `new Failed(result)`.
"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

class Failed {
  constructor(result) {
    this.result = result;
  }
}

class Unsupported extends Error {}

function unsupported(why) {
  throw new Unsupported(why);
}

// Some packages do not export their package.json, so it is read as a file.
function versionOf(name) {
  return JSON.parse(readFileSync(join(process.env.NODE_PATH, name, "package.json"), "utf-8")).version;
}

// What is thrown need not be an error. One tells its own name, since the class of a bundle may have another.
function described(thrown) {
  if (!(thrown instanceof Error)) return { type: typeof thrown, status: null, message: String(thrown) };
  const status = thrown.statusCode ?? thrown.response?.status ?? null;
  return { type: thrown.name, status, message: thrown.message };
}

async function answer(calls, asked) {
  if (asked.together) return { together: await Promise.all(asked.together.map((each) => answer(calls, each))) };
  if (!(asked.call in calls)) return { unsupported: `the driver has no ${asked.call}` };
  try {
    const found = await calls[asked.call](asked);
    const result = found instanceof Failed ? found.result : found;
    return { returned: result === undefined ? null : result, ok: !(found instanceof Failed) };
  } catch (thrown) {
    return thrown instanceof Unsupported ? { unsupported: thrown.message } : { raised: described(thrown), ok: false };
  }
}

// Code that is no code but a variable of the environment, as a spec gives it.
function setVariable(code) {
  const at = code.indexOf("=");
  process.env[code.slice(0, at)] = code.slice(at + 1);
}

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function serve(sdk, calls) {
  console.log = console.error; // what an SDK prints is no answer
  tell({ sdk, version: versionOf(sdk) });
  for await (const line of createInterface({ input: process.stdin })) tell(await answer(calls, JSON.parse(line)));
}

module.exports = { Failed, serve, setVariable, unsupported };
