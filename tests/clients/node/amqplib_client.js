// Node's amqplib against a broker: every scenario of tests/clients/runtimes.py.
//
// usage: amqplib_client.js PACKAGE PORT      the package is amqplib, or an older version of it
'use strict';

const assert = require('node:assert');

const { HEADERS, Inbox, askForRestart, checkDeath, largeBody, report, within } =
  require('./scenarios');

const [, , PACKAGE, PORT] = process.argv;
const amqp = require(PACKAGE);
const URL = `amqp://guest:guest@127.0.0.1:${PORT}`;

async function connect() {
  const connection = await amqp.connect(URL);
  connection.on('error', () => {}); // what is wrong is seen by the calls
  return connection;
}

async function channelOf(connection, kind = 'createChannel') {
  const channel = await connection[kind]();
  channel.closes = new Inbox();
  channel.on('error', (error) => channel.closes.put(error));
  return channel;
}

async function getAll(channel, queue) {
  const bodies = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return bodies;
    bodies.push(message.content.toString());
  }
}

async function consume(channel, queue, options) {
  const inbox = new Inbox();
  await channel.consume(queue, (message) => inbox.put(message), options);
  return inbox;
}

function send(channel, queue, body, options) {
  return channel.sendToQueue(queue, Buffer.from(body), options);
}

async function exclusive(channel, name = '', args = {}) {
  return (await channel.assertQueue(name, { exclusive: true, arguments: args })).queue;
}

const scenarios = {
  async publish_confirm(_, connection) {
    const channel = await channelOf(connection, 'createConfirmChannel');
    await channel.assertQueue('node.confirm', { durable: true });
    const sent = {
      contentType: 'text/plain', contentEncoding: 'utf-8', headers: { n: 1 }, deliveryMode: 2,
      priority: 3, correlationId: 'c', replyTo: 'r', expiration: '60000', messageId: 'm',
      timestamp: 1700000000, type: 't', userId: 'guest', appId: 'a', mandatory: true,
    };
    for (let n = 0; n < 100; n++) send(channel, 'node.confirm', String(n), sent);
    await within(channel.waitForConfirms(), 'confirms');
    assert.strictEqual((await channel.checkQueue('node.confirm')).messageCount, 100);
    const message = await channel.get('node.confirm', { noAck: true });
    assert.strictEqual(message.content.toString(), '0');
    delete sent.mandatory;
    assert.deepStrictEqual({ ...message.properties },
      { ...sent, clusterId: undefined });
    assert.strictEqual((await channel.deleteQueue('node.confirm')).messageCount, 99);

    await exclusive(channel, 'node.full', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    const confirm = (body) => new Promise((resolve) => {
      channel.sendToQueue('node.full', Buffer.from(body), {}, (error) => resolve(error === null));
    });
    assert.deepStrictEqual(await within(Promise.all([confirm('fits'), confirm('does not')]),
      'confirms'), [true, false]);
  },

  async ack_nack_requeue(channel) {
    await exclusive(channel, 'node.ack');
    for (const body of ['a', 'b', 'c', 'd']) send(channel, 'node.ack', body);
    await channel.prefetch(1);
    const inbox = await consume(channel, 'node.ack');
    const take = async (body, redelivered) => {
      const message = await inbox.take();
      assert.deepStrictEqual([message.content.toString(), message.fields.redelivered],
        [body, redelivered]);
      return message;
    };
    channel.nack(await take('a', false), false, true);
    channel.ack(await take('a', true));
    channel.reject(await take('b', false), false);
    await take('c', false);
    await channel.recover();
    channel.ack(await take('c', true), true);
    await take('d', false);
    channel.nackAll(false);
    assert.deepStrictEqual(await getAll(channel, 'node.ack'), []);
  },

  async topic(channel) {
    await channel.assertExchange('node.topic', 'topic', { durable: false, autoDelete: true });
    const wanted = {
      'a.*': ['a.b'], 'a.#': ['a.b', 'a', 'a.c.b'], '#.b': ['a.b', 'a.c.b', 'b'],
      '#': ['a.b', 'a', 'a.c.b', 'b'],
    };
    const queues = {};
    for (const pattern of Object.keys(wanted)) {
      queues[pattern] = await exclusive(channel);
      await channel.bindQueue(queues[pattern], 'node.topic', pattern);
    }
    for (const key of wanted['#']) channel.publish('node.topic', key, Buffer.from(key));
    for (const [pattern, bodies] of Object.entries(wanted)) {
      assert.deepStrictEqual(await getAll(channel, queues[pattern]), bodies, pattern);
    }
  },

  async headers(channel) {
    const when = { '!': 'timestamp', value: 1709209815 };
    const sent = { ...HEADERS, when, raw: Buffer.from([0, 255]) };
    await channel.assertExchange('node.headers', 'headers', { durable: false, autoDelete: true });
    const queues = {};
    for (const match of ['all', 'any']) {
      queues[match] = await exclusive(channel);
      await channel.bindQueue(queues[match], 'node.headers', '',
        { 'x-match': match, text: 'Zürich', small: 8 });
    }
    const publish = (body, headers) => channel.publish('node.headers', '', Buffer.from(body),
      { headers });
    publish('one', sent);
    publish('both', { ...sent, small: 8 });
    publish('none', { text: 'Bern' });
    const message = await channel.get(queues.any, { noAck: true });
    assert.strictEqual(message.content.toString(), 'one');
    assert.deepStrictEqual(message.properties.headers, sent);
    assert.deepStrictEqual(await getAll(channel, queues.any), ['both']);
    assert.deepStrictEqual(await getAll(channel, queues.all), ['both']);
  },

  async ttl_dead_letter(channel) {
    await channel.assertExchange('node.dlx', 'direct', { durable: false, autoDelete: true });
    await exclusive(channel, 'node.dead');
    await channel.bindQueue('node.dead', 'node.dlx', 'died');
    await channel.assertQueue('node.ttl', {
      exclusive: true, messageTtl: 50, deadLetterExchange: 'node.dlx',
      deadLetterRoutingKey: 'died',
    });
    const inbox = await consume(channel, 'node.dead', { noAck: true });
    for (const [body, options, more] of [
      ['old', {}, {}], ['own', { expiration: 20 }, { 'original-expiration': '20' }],
    ]) {
      send(channel, 'node.ttl', body, options);
      const message = await inbox.take();
      assert.strictEqual(message.content.toString(), body);
      assert.strictEqual(message.properties.expiration, undefined);
      assert.strictEqual(message.properties.headers['x-first-death-queue'], 'node.ttl');
      checkDeath(message.properties.headers, {
        count: 1, reason: 'expired', queue: 'node.ttl', exchange: '', 'routing-keys': ['node.ttl'],
        ...more,
      }, (time) => time.value);
    }
  },

  async priority(channel) {
    await channel.assertQueue('node.priority', { exclusive: true, maxPriority: 3 });
    for (const level of [0, 3, 1, 2, 7, 3]) {
      send(channel, 'node.priority', String(level), { priority: level });
    }
    assert.deepStrictEqual(await getAll(channel, 'node.priority'), ['3', '7', '3', '2', '1', '0']);
  },

  async rpc(channel, connection) {
    const replies = await exclusive(channel);
    assert.deepStrictEqual(await call(channel, connection, 'node.rpc', replies, false), [replies]);
  },

  async direct_reply_to(channel, connection) {
    const names = await call(channel, connection, 'node.direct', 'amq.rabbitmq.reply-to', true);
    assert.deepStrictEqual(names.map((name) => name.slice(0, 22)), ['amq.rabbitmq.reply-to.']);
  },

  async large(channel) {
    await exclusive(channel, 'node.large');
    const sent = largeBody();
    const inbox = await consume(channel, 'node.large', { noAck: true });
    channel.sendToQueue('node.large', sent, { persistent: true });
    send(channel, 'node.large', '');
    const { content } = await inbox.take();
    assert.strictEqual(content.length, sent.length);
    assert.ok(content.equals(sent), 'the body came back changed');
    assert.strictEqual((await inbox.take()).content.length, 0);
  },

  async mandatory_return(_, connection) {
    const channel = await channelOf(connection, 'createConfirmChannel');
    const returned = [];
    channel.on('return', ({ fields, properties, content }) => returned.push([
      fields.replyCode, fields.replyText, fields.exchange, fields.routingKey,
      properties.messageId, content.toString()]));
    await exclusive(channel, 'node.known');
    channel.publish('amq.direct', 'unknown', Buffer.from('lost'),
      { mandatory: true, messageId: '7' });
    channel.publish('', 'node.known', Buffer.from('kept'), { mandatory: true });
    channel.publish('amq.direct', 'unknown', Buffer.from('not asked for'));
    await within(channel.waitForConfirms(), 'confirms');
    assert.deepStrictEqual(returned,
      [[312, 'NO_ROUTE', 'amq.direct', 'unknown', '7', 'lost']]);
    assert.deepStrictEqual(await getAll(channel, 'node.known'), ['kept']);
  },

  async channel_error(first, connection) {
    const refused = async (channel, code, text, work) => {
      await assert.rejects(work, (error) => error.code === code && error.message.includes(text));
      assert.strictEqual((await channel.closes.take('error')).code, code);
    };
    await refused(first, 404, "\"NOT_FOUND - no queue 'node.none' in vhost '/'\"",
      () => first.checkQueue('node.none'));
    const second = await channelOf(connection);
    await exclusive(second, 'node.error');
    await refused(second, 406,
      "\"PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'node.error'",
      () => exclusive(second, 'node.error', { 'x-message-ttl': 5 }));
    const third = await channelOf(connection);
    third.ack({ fields: { deliveryTag: 88 } });
    const error = await third.closes.take('error');
    assert.ok(error.message.includes('PRECONDITION_FAILED - unknown delivery tag 88'), error);
    const fourth = await channelOf(connection);
    send(fourth, 'node.error', 'still works');
    assert.deepStrictEqual(await getAll(fourth, 'node.error'), ['still works']);
  },
};

// Asks ten questions; returns the names that the answers were sent to.
async function call(channel, connection, requests, replies, noAck) {
  const server = await channelOf(connection);
  const names = new Set();
  await exclusive(server, requests);
  await server.consume(requests, (message) => {
    const { replyTo, correlationId } = message.properties;
    names.add(replyTo);
    send(server, replyTo, message.content.toString().toUpperCase(), { correlationId });
    server.ack(message);
  });
  const inbox = await consume(channel, replies, { noAck });
  const answers = {};
  const wanted = {};
  for (let n = 0; n < 10; n++) {
    wanted[n] = `QUESTION ${n}`;
    send(channel, requests, `question ${n}`, { replyTo: replies, correlationId: String(n) });
  }
  for (let n = 0; n < 10; n++) {
    const { content, properties } = await inbox.take('answer');
    answers[properties.correlationId] = content.toString();
  }
  assert.deepStrictEqual(answers, wanted);
  return [...names];
}

async function restart(how) {
  const name = `node.${how}`;
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  await channel.assertExchange(name, 'topic', { durable: true });
  await channel.assertQueue(name, { durable: true });
  await channel.bindQueue(name, name, 'k.*');
  const wanted = Array.from({ length: 100 }, (_, n) => String(n));
  for (const body of wanted) {
    channel.publish(name, 'k.k', Buffer.from(body), { persistent: true });
  }
  await within(channel.waitForConfirms(), 'confirms');
  assert.strictEqual((await channel.get(name)).content.toString(), '0');
  await askForRestart(how);
  const why = await within(closed, 'end of the connection');
  if (how === 'stop') assert.ok(String(why).includes('CONNECTION_FORCED'), String(why));

  const after = await connect();
  channel = await channelOf(after);
  assert.deepStrictEqual(await getAll(channel, name), wanted);
  channel.publish(name, 'k.k', Buffer.from('new'));
  assert.deepStrictEqual(await getAll(channel, name), ['new']);
  await channel.deleteQueue(name);
  await channel.deleteExchange(name);
  await after.close();
}

// Messages wait in the exchange, also while the broker is killed.
async function delayed() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  await channel.assertExchange('node.delayed', 'x-delayed-message', {
    durable: true, arguments: { 'x-delayed-type': 'direct' },
  });
  await channel.assertQueue('node.delayed', { durable: true });
  await channel.bindQueue('node.delayed', 'node.delayed', 'k');
  const later = (body, headers) => channel.publish('node.delayed', 'k', Buffer.from(body),
    { persistent: true, headers });
  for (const [body, delay] of [['second', 1500], ['first', 500], ['never', 2 ** 40]]) {
    later(body, { 'x-delay': delay });
  }
  later('third', {
    'x-deliver-at': { '!': 'timestamp', value: Math.floor(Date.now() / 1000) + 3 },
  });
  await within(channel.waitForConfirms(), 'confirms');
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  channel = await channelOf(after);
  const inbox = await consume(channel, 'node.delayed', { noAck: true });
  for (const [body, delay] of [['first', -500], ['second', -1500], ['third', undefined]]) {
    const { content, properties } = await inbox.take('delayed message');
    assert.strictEqual(content.toString(), body);
    assert.strictEqual(properties.headers['x-delay'], delay);
  }
  await channel.deleteQueue('node.delayed');
  await channel.deleteExchange('node.delayed');
  await assert.rejects(() => channel.assertExchange('node.bad', 'x-delayed-message'),
    (error) => error.code === 406 && error.message.includes("'x-delayed-type'"));
  await after.close();
}

// What is sent again is stored once, also by a broker that was killed.
async function once() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  await channel.assertQueue('node.once', { durable: true });
  await channel.assertQueue('node.keys', { durable: true });
  await channel.assertExchange('node.keys', 'x-message-deduplication',
    { durable: true, arguments: { 'x-cache-size': 100 } });
  await channel.bindQueue('node.keys', 'node.keys', '');
  async function publish(from, to) {
    for (let seq = from; seq < to; seq++) {
      send(channel, 'node.once', String(seq), {
        persistent: true, headers: { 'x-publisher-id': 'node', 'x-publish-seq': seq },
      });
      channel.publish('node.keys', '', Buffer.from(String(seq)),
        { persistent: true, headers: { 'x-deduplication-header': `key ${seq}` } });
    }
    await within(channel.waitForConfirms(), 'confirms');
  }
  await publish(1, 6);
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  channel = await channelOf(after, 'createConfirmChannel');
  await publish(3, 8);
  for (const name of ['node.once', 'node.keys']) {
    assert.deepStrictEqual(await getAll(channel, name), ['1', '2', '3', '4', '5', '6', '7']);
    await channel.deleteQueue(name);
  }
  await channel.deleteExchange('node.keys');
  await after.close();
}

// So many messages of a stream, as [offset, body]. Acks are the credit for those that follow.
async function readStream(connection, name, count, args) {
  const channel = await channelOf(connection);
  await channel.prefetch(7);
  const inbox = await consume(channel, name, { arguments: args });
  const seen = [];
  for (;;) {
    const message = await inbox.take('message of a stream');
    seen.push([message.properties.headers['x-stream-offset'], message.content.toString()]);
    if (seen.length === count) break;
    assert.ok(inbox.messages.length < 7, 'more came than the prefetch allows');
    channel.ack(message);
  }
  await channel.close();
  return seen;
}

// A stream keeps what was read, also when the broker is killed; so does one with partitions, in
// which messages of a key stay in order.
async function streams() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  const stream = { 'x-queue-type': 'stream' };
  await channel.assertQueue('node.stream', { durable: true, arguments: stream });
  await channel.assertQueue('node.parts',
    { durable: true, arguments: { ...stream, 'x-partitions': 3 } });
  const wanted = [];
  for (let n = 0; n < 100; n++) {
    wanted.push([n, String(n)]);
    send(channel, 'node.stream', String(n), {
      headers: { ...HEADERS, 'x-stream-filter-value': n % 2 === 0 ? 'even' : 'odd' },
    });
    send(channel, 'node.parts', String(n), { headers: { 'x-partition-key': `key ${n % 10}` } });
  }
  await within(channel.waitForConfirms(), 'confirms');
  const FIRST = { 'x-stream-offset': 'first' };
  assert.deepStrictEqual(await readStream(before, 'node.stream', 100, FIRST), wanted);
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  for (const [count, args, those] of [
    [100, FIRST, wanted],
    [10, { 'x-stream-offset': 90 }, wanted.slice(90)],
    [2, { 'x-stream-offset': -2 }, wanted.slice(98)],
    [1, { 'x-stream-offset': 'last' }, wanted.slice(99)],
    [50, { 'x-stream-offset': '1h', 'x-stream-filter': 'odd' }, wanted.filter(([n]) => n % 2)],
    [100, { 'x-stream-offset': { '!': 'timestamp', value: 1 } }, wanted],
  ]) {
    assert.deepStrictEqual(await readStream(after, 'node.stream', count, args), those);
  }
  const parts = await readStream(after, 'node.parts', 100, FIRST);
  const bodies = parts.map(([, body]) => Number(body));
  assert.deepStrictEqual([...bodies].sort((a, b) => a - b), wanted.map(([n]) => n));
  for (let key = 0; key < 10; key++) {
    const mine = bodies.filter((n) => n % 10 === key);
    assert.deepStrictEqual(mine, [...mine].sort((a, b) => a - b), `the order of key ${key}`);
  }
  channel = await channelOf(after);
  await channel.prefetch(1);
  const inbox = await consume(channel, 'node.stream', {});
  send(channel, 'node.stream', 'new');
  const message = await inbox.take();
  assert.deepStrictEqual([message.properties.headers, message.content.toString()],
    [{ 'x-stream-offset': 100 }, 'new']);
  await channel.deleteQueue('node.parts');
  await channel.deleteQueue('node.stream');
  await after.close();
}

// Of a compacted stream the newest message of each key is there, also after a kill; a stream with a
// limit loses its oldest.
async function keeps() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  const declare = (name, args) => channel.assertQueue(name,
    { durable: true, arguments: { 'x-queue-type': 'stream', ...args } });
  await declare('node.table', { 'x-compact': true });
  await declare('node.short', { 'x-max-length-bytes': 100000, 'x-max-age': '1D' });
  await declare('node.old', { 'x-max-age': '1s' });
  for (let n = 0; n < 200; n++) {
    send(channel, 'node.table', String(n), { headers: { 'x-partition-key': `key ${n % 10}` } });
    send(channel, 'node.short', 'x'.repeat(2000));
    send(channel, 'node.old', 'x');
  }
  await within(channel.waitForConfirms(), 'confirms');
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  const reader = await channelOf(after);
  await reader.prefetch(1000);
  const inbox = await consume(reader, 'node.table', { arguments: { 'x-stream-offset': 'first' } });
  const table = {};
  for (let newest = 0; newest < 199;) {
    const { content, properties } = await inbox.take();
    const n = Number(content.toString());
    table[n % 10] = n;
    newest = properties.headers['x-stream-offset'];
  }
  for (let key = 0; key < 10; key++) assert.strictEqual(table[key], 190 + key);
  channel = await channelOf(after);
  for (let offset = 0; offset === 0;) {
    const message = await channel.get('node.short@first', { noAck: true });
    offset = message.properties.headers['x-stream-offset'];
  }
  while (await channel.get('node.old@first', { noAck: true })); // older than a second: it goes
  await channel.deleteQueue('node.old');
  await channel.deleteQueue('node.table');
  await channel.deleteQueue('node.short');
  for (const [name, value] of Object.entries({
    'x-compact': 'yes', 'x-max-age': 'soon', 'x-max-length-bytes': -1, 'x-partitions': 0,
    'x-tombstone-age': true,
  })) {
    channel = await channelOf(after);
    await assert.rejects(() => declare('node.bad', { [name]: value }),
      (error) => error.code === 406 && error.message.includes(`'${name}'`));
  }
  await after.close();
}

// An exchange keeps what came through it; a queue that is bound later gets that first, then what
// comes, also when the broker is killed in between.
async function replay() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  await channel.assertExchange('node.log', 'topic',
    { durable: true, arguments: { 'x-log': true } });
  async function publish(from, to) {
    for (let n = from; n < to; n++) {
      channel.publish('node.log', n % 2 === 0 ? 'order.eu' : 'order.us', Buffer.from(String(n)));
    }
    await within(channel.waitForConfirms(), 'confirms');
  }
  await publish(0, 50);
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  channel = await channelOf(after, 'createConfirmChannel');
  const log = await readStream(after, 'amq.log.node.log', 50, { 'x-stream-offset': 'first' });
  assert.deepStrictEqual(log, [...Array(50).keys()].map((n) => [n, String(n)]));
  await channel.assertQueue('node.audit', { durable: true });
  for (let again = 0; again < 2; again++) {
    await channel.bindQueue('node.audit', 'node.log', 'order.eu', { 'x-replay-from': 'first' });
  }
  await publish(50, 60);
  const inbox = await consume(channel, 'node.audit', { noAck: true });
  for (let n = 0; n < 60; n += 2) {
    const { content, fields, properties } = await inbox.take();
    assert.deepStrictEqual([content.toString(), fields.exchange, fields.routingKey],
      [String(n), 'node.log', 'order.eu']);
    if (n < 50) assert.deepStrictEqual(properties.headers, { 'x-replayed': true });
  }
  assert.strictEqual((await channel.deleteQueue('node.audit')).messageCount, 0);
  assert.deepStrictEqual(inbox.messages.filter((message) => message), []);
  await channel.deleteExchange('node.log');
  await after.close();
}

// The library speaks transactions and has no calls for them: its own way of asking is used, with
// the numbers of the methods.
const TX_SELECT = 90 << 16 | 10;
const TX_COMMIT = 90 << 16 | 20;
const TX_ROLLBACK = 90 << 16 | 30;
const tx = (channel, method) => within(channel.rpc(method, {}, method + 1), 'answer of tx');

// Results of the work go out with its acks: both happen, or neither does.
async function atomic() {
  const before = await connect();
  const closed = new Promise((resolve) => before.on('close', resolve));
  let channel = await channelOf(before, 'createConfirmChannel');
  await channel.assertQueue('node.in', { durable: true });
  await channel.assertQueue('node.out',
    { durable: true, arguments: { 'x-colocate': 'node.in' } });
  for (const n of row(0, 10)) send(channel, 'node.in', String(n), { persistent: true });
  await within(channel.waitForConfirms(), 'confirms');
  const worker = await channelOf(before);
  await tx(worker, TX_SELECT);
  for (const n of row(0, 10)) {
    const message = await worker.get('node.in');
    assert.strictEqual(message.content.toString(), String(n));
    send(worker, 'node.out', String(n), { persistent: true });
    worker.ack(message);
    if (n === 4) await tx(worker, TX_COMMIT);
  }
  assert.strictEqual((await channel.checkQueue('node.out')).messageCount, 5);
  await tx(worker, TX_ROLLBACK);
  await tx(worker, TX_COMMIT); // of nothing
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  const after = await connect();
  channel = await channelOf(after);
  assert.deepStrictEqual(await getAll(channel, 'node.out'), row(0, 5).map(String));
  assert.deepStrictEqual(await getAll(channel, 'node.in'), row(5, 10).map(String));
  await channel.deleteQueue('node.in');
  await channel.deleteQueue('node.out');
  await assert.rejects(
    () => channel.assertQueue('node.bad', { durable: true, arguments: { 'x-colocate': 7 } }),
    (error) => error.code === 406 && error.message.includes("invalid arg 'x-colocate'"));
  channel = await channelOf(after);
  await assert.rejects(() => tx(channel, TX_COMMIT),
    (error) => error.code === 406 && error.message.includes('channel is not transactional'));
  await after.close();
}

// A consumer in a group, on a connection of its own, that keeps what it gets until acked.
class Member {
  static async join(group, args = {}) {
    const member = new Member();
    member.connection = await connect();
    member.channel = await channelOf(member.connection);
    member.got = [];
    await member.channel.prefetch(1000);
    await member.channel.consume('node.shared', (message) => {
      if (message) member.got.push(message);
      if (Member.changed) Member.changed();
    }, { arguments: { 'x-group': group, ...args } });
    return member;
  }

  numbers() {
    return this.got.map(({ content }) => Number(content.toString()));
  }

  // Until they have so many together, from that number on.
  static async waitFor(members, count, from = 0) {
    const enough = () =>
      members.flatMap((m) => m.numbers()).filter((n) => n >= from).length >= count;
    await within(new Promise((resolve) => {
      Member.changed = () => enough() && resolve();
      Member.changed();
    }), `${count} messages of a group`);
  }

  // Those that were not acked before.
  ackAll() {
    for (const message of this.got) this.channel.ack(message);
    this.got = [];
  }
}

const inOrder = (numbers) => [...numbers].sort((a, b) => a - b);
const row = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

function checkKeys(numbers) {
  for (let key = 0; key < 10; key++) {
    const mine = numbers.filter((n) => n % 10 === key);
    assert.deepStrictEqual(mine, inOrder(mine), `the order of key ${key}`);
  }
}

// Members share a stream's partitions; what one who is lost had comes again to the others, and
// after a kill the group goes on where it stopped.
async function group() {
  let connection = await connect();
  let closed = new Promise((resolve) => connection.on('close', resolve));
  let channel = await channelOf(connection, 'createConfirmChannel');
  await channel.assertQueue('node.shared',
    { durable: true, arguments: { 'x-queue-type': 'stream', 'x-partitions': 4 } });
  async function publish(from, to) {
    for (const n of row(from, to)) {
      send(channel, 'node.shared', String(n), { headers: { 'x-partition-key': `key ${n % 10}` } });
    }
    await within(channel.waitForConfirms(), 'confirms');
  }
  await publish(0, 100);
  const first = await Member.join('g', { 'x-group-start': 'first' });
  await Member.waitFor([first], 100);
  assert.deepStrictEqual(inOrder(first.numbers()), row(0, 100), 'what one alone gets');
  checkKeys(first.numbers());
  first.ackAll();
  const second = await Member.join('g');
  await publish(100, 200);
  await Member.waitFor([first, second], 100);
  const [mine, others] = [first.numbers(), second.numbers()];
  assert.deepStrictEqual(inOrder([...mine, ...others]), row(100, 200), 'what both get');
  const keys = new Set(mine.map((n) => n % 10));
  assert.ok(others.length > 0 && !others.some((n) => keys.has(n % 10)), 'a key has two owners');
  first.ackAll();
  await second.connection.close();
  await Member.waitFor([first], others.length);
  assert.deepStrictEqual(inOrder(first.numbers()), inOrder(others), 'what comes again');
  assert.ok(first.got.every(({ fields }) => fields.redelivered), 'it is marked');
  checkKeys(first.numbers());
  first.ackAll();
  await first.connection.close();
  await askForRestart('kill');
  await within(closed, 'end of the connection');

  connection = await connect();
  channel = await channelOf(connection, 'createConfirmChannel');
  const third = await Member.join('g', { 'x-group-start': 'first' });
  await publish(200, 300);
  await Member.waitFor([third], 100, 200); // acks of the last moment may be lost
  assert.deepStrictEqual(inOrder(third.numbers().filter((n) => n >= 200)), row(200, 300));
  await third.connection.close();
  for (const [name, value] of [['x-group', 7], ['x-group-start', 'soon']]) {
    const refused = await channelOf(connection);
    await refused.prefetch(1);
    await assert.rejects(() => refused.consume('node.shared', () => {},
      { arguments: { 'x-group': 'g', [name]: value } }),
    (error) => error.code === 406 && error.message.includes(`'${name}'`));
  }
  await channel.deleteQueue('node.shared');
  await connection.close();
}

async function main() {
  for (const [name, work] of Object.entries(scenarios)) {
    await report(name, async () => {
      const connection = await connect();
      try {
        await work(await channelOf(connection), connection);
      } finally {
        await connection.close();
      }
    });
  }
  for (const how of ['stop', 'kill']) await report(how, () => restart(how));
  await report('delayed', delayed);
  await report('once', once);
  await report('streams', streams);
  await report('keeps', keeps);
  await report('replay', replay);
  await report('group', group);
  await report('atomic', atomic);
  process.exit();
}

main();
