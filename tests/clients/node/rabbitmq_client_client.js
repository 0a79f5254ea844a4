// Node's rabbitmq-client against a broker: every scenario, by its consumers and publishers that
// mend themselves where it has them.
//
// usage: rabbitmq_client_client.js PACKAGE PORT
'use strict';

const assert = require('node:assert');

const { HEADERS, Inbox, askForRestart, checkDeath, largeBody, report, within } =
  require('./scenarios');

const [, , PACKAGE, PORT] = process.argv;
const { Connection, ConsumerStatus } = require(PACKAGE);

function connect() {
  const rabbit = new Connection({
    url: `amqp://guest:guest@127.0.0.1:${PORT}`, retryLow: 50, retryHigh: 200,
  });
  rabbit.on('error', () => {}); // what is wrong is seen by the calls
  return rabbit;
}

async function getAll(channel, queue) {
  const bodies = [];
  for (;;) {
    const message = await channel.basicGet({ queue, noAck: true });
    if (!message) return bodies;
    bodies.push(message.body);
  }
}

async function exclusive(channel, queue = '', args = {}) {
  return (await channel.queueDeclare({ queue, exclusive: true, arguments: args })).queue;
}

// A consumer whose messages land in an inbox; `handle` says what becomes of each.
async function consume(rabbit, options, handle = () => ConsumerStatus.ACK) {
  const inbox = new Inbox();
  const consumer = rabbit.createConsumer(options, (message, reply) => {
    inbox.put(message);
    return handle(message, reply);
  });
  const ready = new Promise((resolve, reject) => {
    consumer.once('ready', resolve);
    consumer.once('error', reject);
  });
  await within(ready, 'consumer');
  consumer.on('error', () => {});
  inbox.close = () => consumer.close();
  return inbox;
}

const scenarios = {
  async publish_confirm(channel) {
    await channel.queueDeclare({ queue: 'rc.confirm', durable: true });
    await channel.confirmSelect();
    const sent = {
      contentType: 'text/plain', headers: { n: 1 }, durable: true, priority: 3,
      correlationId: 'c', replyTo: 'r', expiration: '60000', messageId: 'm',
      timestamp: 1700000000, type: 't', userId: 'guest', appId: 'a',
    };
    await within(Promise.all(Array.from({ length: 100 }, (_, n) =>
      channel.basicPublish({ ...sent, routingKey: 'rc.confirm' }, String(n)))), 'confirms');
    const { messageCount } = await channel.queueDeclare({ queue: 'rc.confirm', passive: true });
    assert.strictEqual(messageCount, 100);
    const message = await channel.basicGet({ queue: 'rc.confirm', noAck: true });
    assert.deepStrictEqual([message.body, message.messageCount], ['0', 99]);
    for (const [name, value] of Object.entries(sent)) {
      assert.deepEqual(message[name], value, name); // a timestamp may be a BigInt
    }
    assert.strictEqual((await channel.queuePurge({ queue: 'rc.confirm' })).messageCount, 99);
    await channel.queueDelete({ queue: 'rc.confirm' });

    await exclusive(channel, 'rc.full', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    await channel.basicPublish('rc.full', 'fits');
    await assert.rejects(() => channel.basicPublish('rc.full', 'does not'),
      (error) => error.code === 'NACK');
  },

  async ack_nack_requeue(channel, rabbit) {
    await channel.queueDeclare({ queue: 'rc.ack' });
    for (const body of ['a', 'b', 'c']) await channel.basicPublish('rc.ack', body);
    const inbox = await consume(rabbit, {
      queue: 'rc.ack', qos: { prefetchCount: 1 }, requeue: true,
    }, ({ body, redelivered }) => {
      if (body === 'b') return ConsumerStatus.DROP;
      if (body === 'a' && !redelivered) return ConsumerStatus.REQUEUE;
      if (!redelivered) throw new Error('the work failed');
      return ConsumerStatus.ACK;
    });
    const seen = [];
    while (seen.length < 5) {
      const { body, redelivered } = await inbox.take();
      seen.push(body + (redelivered ? ' again' : ''));
    }
    assert.deepStrictEqual(seen, ['a', 'a again', 'b', 'c', 'c again']);
    await inbox.close();
    assert.deepStrictEqual(await getAll(channel, 'rc.ack'), []);
    await channel.queueDelete({ queue: 'rc.ack' });
  },

  async topic(channel) {
    await channel.exchangeDeclare({ exchange: 'rc.topic', type: 'topic', autoDelete: true });
    const wanted = {
      'a.*': ['a.b'], 'a.#': ['a.b', 'a', 'a.c.b'], '#.b': ['a.b', 'a.c.b', 'b'],
      '#': ['a.b', 'a', 'a.c.b', 'b'],
    };
    const queues = {};
    for (const routingKey of Object.keys(wanted)) {
      queues[routingKey] = await exclusive(channel);
      await channel.queueBind({ queue: queues[routingKey], exchange: 'rc.topic', routingKey });
    }
    for (const routingKey of wanted['#']) {
      await channel.basicPublish({ exchange: 'rc.topic', routingKey }, routingKey);
    }
    for (const [pattern, bodies] of Object.entries(wanted)) {
      assert.deepStrictEqual(await getAll(channel, queues[pattern]), bodies, pattern);
    }
  },

  async headers(channel) {
    const exchange = 'rc.headers';
    await channel.exchangeDeclare({ exchange, type: 'headers', autoDelete: true });
    const queues = {};
    for (const match of ['all', 'any']) {
      queues[match] = await exclusive(channel);
      await channel.queueBind({
        queue: queues[match], exchange, arguments: { 'x-match': match, text: 'Zürich', small: 8 },
      });
    }
    await channel.basicPublish({ exchange, headers: HEADERS }, 'one');
    await channel.basicPublish({ exchange, headers: { ...HEADERS, small: 8 } }, 'both');
    await channel.basicPublish({ exchange, headers: { text: 'Bern' } }, 'none');
    const message = await channel.basicGet({ queue: queues.any, noAck: true });
    assert.strictEqual(message.body, 'one');
    assert.deepStrictEqual(message.headers, HEADERS);
    assert.deepStrictEqual(await getAll(channel, queues.any), ['both']);
    assert.deepStrictEqual(await getAll(channel, queues.all), ['both']);
    // Objects travel as JSON.
    await channel.basicPublish(queues.any, { list: [1, { two: 2 }] });
    assert.deepStrictEqual(await getAll(channel, queues.any), [{ list: [1, { two: 2 }] }]);
  },

  async ttl_dead_letter(channel) {
    await channel.exchangeDeclare({ exchange: 'rc.dlx', type: 'direct', autoDelete: true });
    await exclusive(channel, 'rc.dead');
    await channel.queueBind({ queue: 'rc.dead', exchange: 'rc.dlx', routingKey: 'died' });
    await exclusive(channel, 'rc.ttl', {
      'x-message-ttl': 50, 'x-dead-letter-exchange': 'rc.dlx',
      'x-dead-letter-routing-key': 'died',
    });
    const inbox = new Inbox();
    await channel.basicConsume({ queue: 'rc.dead', noAck: true },
      (message) => inbox.put(message));
    for (const [body, more] of [['old', {}], ['own', { 'original-expiration': '20' }]]) {
      await channel.basicPublish(
        { routingKey: 'rc.ttl', expiration: more['original-expiration'] }, body);
      const message = await inbox.take();
      assert.deepStrictEqual([message.body, message.expiration], [body, undefined]);
      checkDeath(message.headers, {
        count: 1, reason: 'expired', queue: 'rc.ttl', exchange: '', 'routing-keys': ['rc.ttl'],
        ...more,
      }, Number);
    }
  },

  async priority(channel) {
    await exclusive(channel, 'rc.priority', { 'x-max-priority': 3 });
    for (const priority of [0, 3, 1, 2, 7, 3]) {
      await channel.basicPublish({ routingKey: 'rc.priority', priority }, String(priority));
    }
    assert.deepStrictEqual(await getAll(channel, 'rc.priority'), ['3', '7', '3', '2', '1', '0']);
  },

  async rpc(channel, rabbit) {
    const replies = await exclusive(channel);
    const server = await consume(rabbit, {
      queue: 'rc.rpc', queueOptions: { autoDelete: true },
    }, (question, reply) => reply(question.body.toUpperCase()));
    const inbox = new Inbox();
    await channel.basicConsume({ queue: replies, noAck: true }, (message) => inbox.put(message));
    const answers = {};
    const wanted = {};
    for (let n = 0; n < 10; n++) {
      wanted[n] = `QUESTION ${n}`;
      await channel.basicPublish(
        { routingKey: 'rc.rpc', replyTo: replies, correlationId: String(n) }, `question ${n}`);
    }
    for (let n = 0; n < 10; n++) {
      const { correlationId, body } = await inbox.take('answer');
      answers[correlationId] = body;
    }
    assert.deepStrictEqual(answers, wanted);
    await server.close();
  },

  async direct_reply_to(_, rabbit) {
    const server = await consume(rabbit, {
      queue: 'rc.direct', queueOptions: { autoDelete: true },
    }, (question, reply) => reply({ square: question.body.n ** 2 }));
    const client = rabbit.createRPCClient({ confirm: true });
    const answers = await within(Promise.all([0, 1, 2, 3, 4].map((n) =>
      client.send('rc.direct', { n }))), 'answers');
    assert.deepStrictEqual(answers.map(({ body }) => body.square), [0, 1, 4, 9, 16]);
    const { replyTo } = await server.take();
    assert.ok(replyTo.startsWith('amq.rabbitmq.reply-to.'), replyTo);
    await client.close();
    await server.close();
  },

  async large(channel) {
    await exclusive(channel, 'rc.large');
    const sent = largeBody();
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: 'rc.large', durable: true }, sent);
    await channel.basicPublish('rc.large', '');
    const message = await channel.basicGet({ queue: 'rc.large', noAck: true });
    assert.strictEqual(message.body.length, sent.length);
    assert.ok(message.body.equals(sent), 'the body came back changed');
    assert.deepStrictEqual(await getAll(channel, 'rc.large'), ['']);
  },

  async mandatory_return(channel, rabbit) {
    const publisher = rabbit.createPublisher({ confirm: true });
    const returned = new Inbox();
    publisher.on('basic.return', (message) => returned.put(message));
    await publisher.send({ exchange: 'amq.direct', routingKey: 'unknown', mandatory: true,
      messageId: '7' }, 'lost');
    const message = await returned.take('return');
    assert.deepStrictEqual([message.replyCode, message.replyText, message.exchange,
      message.routingKey, message.messageId, message.body],
    [312, 'NO_ROUTE', 'amq.direct', 'unknown', '7', 'lost']);
    await exclusive(channel, 'rc.known');
    await publisher.send({ routingKey: 'rc.known', mandatory: true }, 'kept');
    await publisher.send({ exchange: 'amq.direct', routingKey: 'unknown' }, 'not asked for');
    assert.deepStrictEqual(await getAll(channel, 'rc.known'), ['kept']);
    assert.strictEqual(returned.messages.length, 0);
    await publisher.close();
  },

  async channel_error(first, rabbit) {
    const refused = (code, text, work) => assert.rejects(work,
      (error) => error.code === code && error.message.includes(`${code} - ${text}`));
    await refused('NOT_FOUND', "no queue 'rc.none' in vhost '/'",
      () => first.queueDeclare({ queue: 'rc.none', passive: true }));
    assert.strictEqual(first.active, false);
    const second = await rabbit.acquire();
    await exclusive(second, 'rc.error');
    await refused('PRECONDITION_FAILED',
      "inequivalent arg 'x-message-ttl' for queue 'rc.error' in vhost '/': received the value",
      () => exclusive(second, 'rc.error', { 'x-message-ttl': 5 }));
    const third = await rabbit.acquire();
    await third.basicPublish('rc.error', 'still works');
    assert.deepStrictEqual(await getAll(third, 'rc.error'), ['still works']);
    await third.close();
  },
};

async function restart(how) {
  const rabbit = connect();
  const exchanges = [{ exchange: `rc.${how}`, type: 'topic', durable: true }];
  const queue = `rc.${how}`;
  const publisher = rabbit.createPublisher({ confirm: true, maxAttempts: 5, exchanges });
  const envelope = { exchange: queue, routingKey: 'k.k', durable: true };
  let letGo;
  const held = new Promise((resolve) => { letGo = resolve; });
  const inbox = await consume(rabbit, {
    queue, queueOptions: { durable: true }, qos: { prefetchCount: 1 }, exchanges,
    queueBindings: [{ exchange: queue, routingKey: 'k.*' }],
  }, () => held);
  const wanted = Array.from({ length: 100 }, (_, n) => String(n));
  for (const body of wanted) await publisher.send(envelope, body);
  assert.strictEqual((await inbox.take()).body, '0'); // and it is held, not acked
  await askForRestart(how);
  letGo(); // the work ends when its channel is long gone
  const seen = [];
  while (seen.length < 100) seen.push((await inbox.take()).body);
  assert.deepStrictEqual(seen, wanted);
  await within(publisher.send(envelope, 'new'), 'confirm');
  assert.strictEqual((await inbox.take()).body, 'new');
  await inbox.close();
  await rabbit.queueDelete({ queue });
  await rabbit.exchangeDelete({ exchange: queue });
  await publisher.close();
  await rabbit.close();
}

async function main() {
  for (const [name, work] of Object.entries(scenarios)) {
    await report(name, async () => {
      const rabbit = connect();
      const channel = await rabbit.acquire();
      channel.on('error', () => {});
      try {
        await work(channel, rabbit);
        await channel.close();
        await rabbit.close();
      } finally {
        rabbit.unsafeDestroy();
      }
    });
  }
  for (const how of ['stop', 'kill']) await report(how, () => restart(how));
  process.exit();
}

main();
