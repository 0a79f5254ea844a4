<?php
// PHP's php-amqplib against a broker: every scenario of tests/clients/runtimes.py.
//
// usage: amqplib_client.php PORT
require_once 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

const WAIT_S = 30;
const LARGE_BYTES = 4 * 1024 * 1024 + 7;
define('PORT', (int)$argv[1]);

function connect()
{
    return new AMQPStreamConnection('127.0.0.1', PORT, 'guest', 'guest', '/', false, 'AMQPLAIN',
        null, 'en_US', WAIT_S, WAIT_S);
}

function equal($seen, $wanted, $what = 'value')
{
    if ($seen !== $wanted) {
        throw new Exception("$what is " . var_export($seen, true) . ', not '
            . var_export($wanted, true));
    }
}

/** Declares a queue of this connection only; returns its name. */
function exclusive($channel, $name = '', array $arguments = [])
{
    return $channel->queue_declare($name, false, false, true, false, false,
        new AMQPTable($arguments))[0];
}

function publish($channel, $key, $body, $exchange = '', array $properties = [], $mandatory = false)
{
    $channel->basic_publish(new AMQPMessage($body, $properties), $exchange, $key, $mandatory);
}

function get_all($channel, $queue)
{
    $bodies = [];
    while (($message = $channel->basic_get($queue, true)) !== null) {
        $bodies[] = $message->getBody();
    }
    return $bodies;
}

/** Consumes so many messages, waiting for them. */
function consume($channel, $queue, $count, callable $on_message)
{
    $seen = 0;
    $tag = $channel->basic_consume($queue, '', false, false, false, false,
        function ($message) use (&$seen, $on_message) {
            $seen++;
            $on_message($message);
        });
    while ($seen < $count) {
        $channel->wait(null, false, WAIT_S);
    }
    $channel->basic_cancel($tag);
}

function headers_of($message)
{
    return $message->get('application_headers')->getNativeData();
}

function publish_confirm($channel)
{
    $channel->queue_declare('php.confirm', false, true, false, false);
    $acked = [];
    $nacked = [];
    $channel->set_ack_handler(function ($message) use (&$acked) { $acked[] = $message->body; });
    $channel->set_nack_handler(function ($message) use (&$nacked) { $nacked[] = $message->body; });
    $channel->confirm_select();
    $sent = ['content_type' => 'text/plain', 'content_encoding' => 'utf-8', 'delivery_mode' => 2,
        'priority' => 3, 'correlation_id' => 'c', 'reply_to' => 'r', 'expiration' => '60000',
        'message_id' => 'm', 'timestamp' => 1700000000, 'type' => 't', 'user_id' => 'guest',
        'app_id' => 'a'];
    $wanted = array_map('strval', range(0, 99));
    foreach ($wanted as $body) {
        publish($channel, 'php.confirm', $body, '', $sent, true);
    }
    $channel->wait_for_pending_acks_returns(WAIT_S);
    sort($acked, SORT_NUMERIC);
    equal($acked, $wanted, 'what was confirmed');
    $message = $channel->basic_get('php.confirm', true);
    equal([$message->getBody(), $message->getMessageCount()], ['0', 99], 'the message');
    foreach ($sent as $name => $value) {
        equal($message->get($name), $value, $name);
    }
    equal($channel->queue_purge('php.confirm'), 99, 'purged');
    $channel->queue_delete('php.confirm');

    exclusive($channel, 'php.full', ['x-max-length' => 1, 'x-overflow' => 'reject-publish']);
    publish($channel, 'php.full', 'fits');
    publish($channel, 'php.full', 'does not');
    $channel->wait_for_pending_acks(WAIT_S);
    equal($nacked, ['does not'], 'what was refused');
}

function ack_nack_requeue($channel)
{
    exclusive($channel, 'php.ack');
    foreach (['a', 'b', 'c'] as $body) {
        publish($channel, 'php.ack', $body);
    }
    $channel->basic_qos(0, 1, false);
    $seen = [];
    consume($channel, 'php.ack', 5, function ($message) use (&$seen) {
        $seen[] = $message->getBody() . ($message->isRedelivered() ? ' again' : '');
        switch (end($seen)) {
            case 'a':
                return $message->nack(true);
            case 'b':
                return $message->reject(false);
            case 'c':
                return $message->reject(true);
            default:
                return $message->ack();
        }
    });
    equal($seen, ['a', 'a again', 'b', 'c', 'c again'], 'the deliveries');
    equal(get_all($channel, 'php.ack'), []);
}

function topic($channel)
{
    $channel->exchange_declare('php.topic', 'topic', false, false, true);
    $wanted = ['a.*' => ['a.b'], 'a.#' => ['a.b', 'a', 'a.c.b'], '#.b' => ['a.b', 'a.c.b', 'b'],
        '#' => ['a.b', 'a', 'a.c.b', 'b']];
    $queues = [];
    foreach ($wanted as $pattern => $_) {
        $queues[$pattern] = exclusive($channel);
        $channel->queue_bind($queues[$pattern], 'php.topic', $pattern);
    }
    foreach ($wanted['#'] as $key) {
        publish($channel, $key, $key, 'php.topic');
    }
    foreach ($wanted as $pattern => $bodies) {
        equal(get_all($channel, $queues[$pattern]), $bodies, $pattern);
    }
}

function headers($channel)
{
    $sent = ['text' => 'Zürich', 'small' => 7, 'negative' => -70000, 'long' => 2 ** 40,
        'yes' => true, 'nothing' => null, 'list' => ['a', 1, [true, ['deep']], ['in' => 'list']],
        'table' => ['in' => ['list' => [1, 2]], 'text' => 'x'], 'empty' => []];
    $channel->exchange_declare('php.headers', 'headers', false, false, true);
    $queues = [];
    foreach (['all', 'any'] as $match) {
        $queues[$match] = exclusive($channel);
        $channel->queue_bind($queues[$match], 'php.headers', '', false,
            new AMQPTable(['x-match' => $match, 'text' => 'Zürich', 'small' => 8]));
    }
    $tables = ['one' => $sent, 'both' => array_merge($sent, ['small' => 8]),
        'none' => ['text' => 'Bern']];
    foreach ($tables as $body => $table) {
        publish($channel, '', $body, 'php.headers',
            ['application_headers' => new AMQPTable($table)]);
    }
    $message = $channel->basic_get($queues['any'], true);
    equal($message->getBody(), 'one');
    $seen = headers_of($message);
    ksort($seen);
    ksort($sent);
    equal($seen, $sent, 'the headers');
    equal(get_all($channel, $queues['any']), ['both']);
    equal(get_all($channel, $queues['all']), ['both']);
}

function ttl_dead_letter($channel)
{
    $channel->exchange_declare('php.dlx', 'direct', false, false, true);
    exclusive($channel, 'php.dead');
    $channel->queue_bind('php.dead', 'php.dlx', 'died');
    exclusive($channel, 'php.ttl', ['x-message-ttl' => 50, 'x-dead-letter-exchange' => 'php.dlx',
        'x-dead-letter-routing-key' => 'died']);
    $check = function ($body, array $more) use ($channel) {
        consume($channel, 'php.dead', 1, function ($message) use ($body, $more) {
            $message->ack();
            equal([$message->getBody(), $message->has('expiration')], [$body, false]);
            $death = headers_of($message)['x-death'][0];
            $when = $death['time'];
            unset($death['time']);
            $wanted = array_merge(['count' => 1, 'reason' => 'expired', 'queue' => 'php.ttl',
                'exchange' => '', 'routing-keys' => ['php.ttl']], $more);
            ksort($death);
            ksort($wanted);
            equal($death, $wanted, 'x-death');
            equal(abs($when->getTimestamp() - time()) < 60, true, 'whether it died just now');
        });
    };
    publish($channel, 'php.ttl', 'old');
    $check('old', []);
    publish($channel, 'php.ttl', 'own', '', ['expiration' => '20']);
    $check('own', ['original-expiration' => '20']);
}

function priority($channel)
{
    exclusive($channel, 'php.priority', ['x-max-priority' => 3]);
    foreach ([0, 3, 1, 2, 7, 3] as $level) {
        publish($channel, 'php.priority', (string)$level, '', ['priority' => $level]);
    }
    equal(get_all($channel, 'php.priority'), ['3', '7', '3', '2', '1', '0'], 'the order');
}

/** Asks ten questions; returns the names that the answers were sent to. */
function call($channel, $requests, $replies, $no_ack)
{
    $names = [];
    $answers = [];
    $server = $channel->getConnection()->channel();
    exclusive($server, $requests);
    $server->basic_consume($requests, '', false, false, false, false,
        function ($message) use (&$names, $server) {
            $names[$message->get('reply_to')] = true;
            publish($server, $message->get('reply_to'), strtoupper($message->getBody()), '',
                ['correlation_id' => $message->get('correlation_id')]);
            $message->ack();
        });
    $channel->basic_consume($replies, '', false, $no_ack, false, false,
        function ($message) use (&$answers) {
            $answers[$message->get('correlation_id')] = $message->getBody();
        });
    $wanted = [];
    for ($n = 0; $n < 10; $n++) {
        $wanted["n$n"] = "QUESTION $n";
        publish($channel, $requests, "question $n", '',
            ['reply_to' => $replies, 'correlation_id' => "n$n"]);
        $server->wait(null, false, WAIT_S);
        $channel->wait(null, false, WAIT_S);
    }
    equal($answers, $wanted, 'the answers');
    return array_keys($names);
}

function rpc($channel)
{
    $replies = exclusive($channel);
    equal(call($channel, 'php.rpc', $replies, false), [$replies]);
}

function direct_reply_to($channel)
{
    $names = call($channel, 'php.direct', 'amq.rabbitmq.reply-to', true);
    equal(array_map(function ($name) { return substr($name, 0, 22); }, $names),
        ['amq.rabbitmq.reply-to.']);
}

function large($channel)
{
    $sent = '';
    for ($n = 0; strlen($sent) < LARGE_BYTES; $n++) {
        $sent .= hash('sha256', (string)$n, true);
    }
    $sent = substr($sent, 0, LARGE_BYTES);
    exclusive($channel, 'php.large');
    publish($channel, 'php.large', $sent, '', ['delivery_mode' => 2]);
    consume($channel, 'php.large', 1, function ($message) use ($sent) {
        $message->ack();
        equal(strlen($message->getBody()), LARGE_BYTES, 'the length');
        equal($message->getBody() === $sent, true, 'whether the bodies are equal');
    });
}

function mandatory_return($channel)
{
    $returned = [];
    $channel->set_return_listener(
        function ($code, $text, $exchange, $key, $message) use (&$returned) {
            $returned[] = [$code, $text, $exchange, $key, $message->get('message_id'),
                $message->body];
        });
    $channel->confirm_select();
    exclusive($channel, 'php.known');
    publish($channel, 'unknown', 'lost', 'amq.direct', ['message_id' => '7'], true);
    publish($channel, 'php.known', 'kept', '', [], true);
    publish($channel, 'unknown', 'not asked for', 'amq.direct');
    $channel->wait_for_pending_acks_returns(WAIT_S);
    equal($returned, [[312, 'NO_ROUTE', 'amq.direct', 'unknown', '7', 'lost']], 'the returns');
    equal(get_all($channel, 'php.known'), ['kept']);
}

function refused($code, $text, callable $work)
{
    try {
        $work();
    } catch (AMQPProtocolChannelException $error) {
        equal([$error->getCode(), substr($error->getMessage(), 0, strlen($text))], [$code, $text],
            'the error');
        return;
    }
    throw new Exception("the broker did not close the channel with $code");
}

function channel_error($channel)
{
    $connection = $channel->getConnection();
    refused(404, "NOT_FOUND - no queue 'php.none' in vhost '/'", function () use ($channel) {
        $channel->queue_declare('php.none', true);
    });
    $channel = $connection->channel();
    exclusive($channel, 'php.error');
    refused(406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'php.error'",
        function () use ($channel) {
            exclusive($channel, 'php.error', ['x-max-length' => 3]);
        });
    $channel = $connection->channel();
    refused(403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        function () use ($channel) {
            $channel->exchange_declare('amq.mine', 'direct');
        });
    $channel = $connection->channel();
    publish($channel, 'php.error', 'still works');
    equal(get_all($channel, 'php.error'), ['still works']);
    equal($connection->isConnected(), true, 'whether the connection is open');
}

function ask_for_restart($how)
{
    echo "$how\n";
    equal(fgets(STDIN), "go\n", "the runner's answer");
}

function restart($how)
{
    $connection = connect();
    $channel = $connection->channel();
    $name = "php.$how";
    $channel->exchange_declare($name, 'direct', false, true, false);
    $channel->queue_declare($name, false, true, false, false);
    $channel->queue_bind($name, $name, 'key');
    $channel->confirm_select();
    $wanted = array_map('strval', range(0, 99));
    foreach ($wanted as $body) {
        publish($channel, 'key', $body, $name, ['delivery_mode' => 2]);
    }
    $channel->wait_for_pending_acks(WAIT_S);
    equal($channel->basic_get($name)->getBody(), '0', 'what is held');
    ask_for_restart($how);
    try {
        $channel->queue_declare($name, true);
    } catch (Exception $gone) {
        equal($connection->isConnected(), false, 'whether the connection is open');
    }
    $connection->reconnect();
    $channel = $connection->channel();
    equal(get_all($channel, $name), $wanted, 'what was kept');
    publish($channel, 'key', 'new', $name);
    equal(get_all($channel, $name), ['new']);
    $channel->queue_delete($name);
    $channel->exchange_delete($name);
    $connection->close();
}

function report($name, callable $work)
{
    try {
        $work();
        echo "pass $name\n";
    } catch (Throwable $error) {
        echo "fail $name: ", get_class($error), ': ',
            preg_replace('/\s+/', ' ', $error->getMessage()), "\n";
        fwrite(STDERR, "$error\n");
    }
}

foreach (['publish_confirm', 'ack_nack_requeue', 'topic', 'headers', 'ttl_dead_letter', 'priority',
    'rpc', 'direct_reply_to', 'large', 'mandatory_return', 'channel_error'] as $scenario) {
    report($scenario, function () use ($scenario) {
        $connection = connect();
        $scenario($connection->channel());
        $connection->close();
    });
}
foreach (['stop', 'kill'] as $how) {
    report($how, function () use ($how) { restart($how); });
}
