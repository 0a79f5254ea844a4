// What the Node programs share: reporting to the runner, and the data that both send.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const readline = require('node:readline');

const WAIT_MS = 30000;
const LARGE_BYTES = 4 * 1024 * 1024 + 7;

const HEADERS = {
  text: 'Zürich', small: 7, negative: -70000, long: 2 ** 40 + 1, half: 0.5, yes: true, no: false,
  nothing: null, list: ['a', 1, [true, ['deep']], { in: 'list' }],
  table: { in: { in: { text: 'deep', list: [1, 2, 3] } }, empty: {} },
};

function largeBody() {
  const blocks = [];
  for (let n = 0; n <= LARGE_BYTES / 32; n++) {
    blocks.push(crypto.createHash('sha256').update(String(n)).digest());
  }
  return Buffer.concat(blocks).subarray(0, LARGE_BYTES);
}

// Messages as they come; take() waits for what is not there yet.
class Inbox {
  constructor() {
    this.messages = [];
    this.waiting = [];
  }

  put(message) {
    const taker = this.waiting.shift();
    if (taker) taker(message);
    else this.messages.push(message);
  }

  async take(what = 'message') {
    if (this.messages.length > 0) return this.messages.shift();
    return within(new Promise((resolve) => this.waiting.push(resolve)), what);
  }
}

// Fails when a promise takes too long.
async function within(promise, what) {
  let limit;
  const late = new Promise((_, reject) => {
    limit = setTimeout(() => reject(new Error(`no ${what} came`)), WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(limit);
  }
}

const answers = new Inbox();
readline.createInterface({ input: process.stdin }).on('line', (line) => answers.put(line));

// `how` is stop or kill; ends when the broker is ready again.
async function askForRestart(how) {
  console.log(how);
  assert.strictEqual(await answers.take('answer of the runner'), 'go');
}

async function report(name, work) {
  try {
    await work();
    console.log(`pass ${name}`);
  } catch (error) {
    console.error(error);
    console.log(`fail ${name}: ${String(error).split(/\s+/).join(' ')}`);
  }
}

// The newest death in x-death has these fields, and no others but a time.
function checkDeath(headers, wanted, secondsOf) {
  const { time, ...death } = headers['x-death'][0];
  assert.deepStrictEqual(death, wanted);
  assert.ok(Math.abs(secondsOf(time) - Date.now() / 1000) < 60, `it died at ${String(time)}`);
}

module.exports = { HEADERS, Inbox, askForRestart, checkDeath, largeBody, report, within };
