#!/usr/bin/env ruby
# Ruby's bunny against a broker: every scenario of tests/clients/runtimes.py.
#
# usage: bunny_client.rb PORT
require "bunny"
require "digest"
require "timeout"

PORT = Integer(ARGV.fetch(0))
WAIT_S = 30
LARGE_BYTES = 4 * 1024 * 1024 + 7
$stdout.sync = true

def connect(**options)
  Bunny.new(host: "127.0.0.1", port: PORT, log_level: Logger::FATAL,
            network_recovery_interval: 0.1, **options).start
end

def equal(seen, wanted, what = "value")
  raise "#{what} is #{seen.inspect}, not #{wanted.inspect}" unless seen == wanted
end

def get_all(queue)
  bodies = []
  loop do
    _, _, body = queue.pop
    return bodies if body.nil?
    bodies << body
  end
end

# A queue of Ruby that is filled by a consumer; take() waits for what is not there yet.
class Inbox
  def initialize(queue, **options)
    @messages = Queue.new
    @consumer = queue.subscribe(**options) { |*message| @messages << message }
  end

  def take
    Timeout.timeout(WAIT_S) { @messages.pop }
  end

  def empty?
    @messages.empty?
  end
end

def publish_confirm(channel)
  queue = channel.queue("bunny.confirm", durable: true)
  channel.confirm_select
  sent = { headers: { "n" => 1 }, content_type: "text/plain", content_encoding: "utf-8",
           delivery_mode: 2, priority: 3, correlation_id: "c", reply_to: "r",
           expiration: "60000", message_id: "m", timestamp: 1_700_000_000, type: "t",
           user_id: "guest", app_id: "a" }
  100.times { |n| queue.publish(n.to_s, mandatory: true, **sent) }
  equal(channel.wait_for_confirms, true, "confirmed")
  equal(channel.unconfirmed_set.to_a, [], "what is not confirmed")
  equal(queue.message_count, 100, "the count")
  _, properties, body = queue.pop
  equal(body, "0")
  equal(properties.to_hash, sent.merge(timestamp: Time.at(sent[:timestamp])), "the properties")
  equal(channel.queue_purge(queue.name).message_count, 99, "purged")
  queue.delete

  full = channel.queue("bunny.full", exclusive: true,
                       arguments: { "x-max-length" => 1, "x-overflow" => "reject-publish" })
  2.times { full.publish("x") }
  equal(channel.wait_for_confirms, false, "confirmed")
  equal(channel.nacked_set.size, 1, "the number of refused messages")
end

def ack_nack_requeue(channel)
  queue = channel.queue("bunny.ack", exclusive: true)
  %w[a b c d].each { |body| queue.publish(body) }
  channel.prefetch(1)
  inbox = Inbox.new(queue, manual_ack: true)
  take = lambda do |body, redelivered|
    info, _, seen = inbox.take
    equal([seen, info.redelivered?], [body, redelivered], "the delivery")
    info.delivery_tag
  end
  channel.nack(take.call("a", false), false, true)
  channel.ack(take.call("a", true))
  channel.reject(take.call("b", false), false)
  channel.reject(take.call("c", false), true)
  channel.ack(take.call("c", true), true)
  take.call("d", false)
  equal(inbox.empty?, true, "whether nothing was sent ahead of the prefetch")
  other = channel.connection.create_channel
  again = other.queue("bunny.ack", exclusive: true)
  channel.close
  info, _, body = again.pop(manual_ack: true)
  equal([body, info.redelivered?], ["d", true], "what was not acked")
  other.ack(info.delivery_tag)
  equal(get_all(again), [])
end

def topic(channel)
  exchange = channel.topic("bunny.topic", auto_delete: true)
  wanted = { "a.*" => %w[a.b], "a.#" => %w[a.b a a.c.b], "#.b" => %w[a.b a.c.b b],
             "#" => %w[a.b a a.c.b b] }
  queues = wanted.keys.to_h do |pattern|
    [pattern, channel.queue("", exclusive: true).bind(exchange, routing_key: pattern)]
  end
  wanted["#"].each { |key| exchange.publish(key, routing_key: key) }
  equal(queues.transform_values { |queue| get_all(queue) }, wanted, "what was routed")
end

def headers(channel)
  sent = { "text" => "Zürich".b, "small" => 7, "negative" => -70_000, "long" => 2**40,
           "yes" => true, "half" => 0.5, "nothing" => nil, "when" => Time.at(1_709_209_815),
           "list" => ["a", 1, [true, ["deep"]], { "in" => "list" }],
           "table" => { "in" => { "list" => [1, 2] }, "empty" => {} } }
  exchange = channel.headers("bunny.headers", auto_delete: true)
  queues = %w[all any].to_h do |match|
    arguments = { "x-match" => match, "text" => "Zürich", "small" => 8 }
    [match, channel.queue("", exclusive: true).bind(exchange, arguments: arguments)]
  end
  exchange.publish("one", headers: sent)
  exchange.publish("both", headers: sent.merge("small" => 8))
  exchange.publish("none", headers: { "text" => "Bern" })
  _, properties, body = queues["any"].pop
  equal([body, properties.headers], ["one", sent], "the message")
  equal(get_all(queues["any"]), ["both"])
  equal(get_all(queues["all"]), ["both"])
end

def ttl_dead_letter(channel)
  exchange = channel.direct("bunny.dlx", auto_delete: true)
  dead = channel.queue("bunny.dead", exclusive: true).bind(exchange, routing_key: "died")
  queue = channel.queue("bunny.ttl", exclusive: true, arguments: {
                          "x-message-ttl" => 50, "x-dead-letter-exchange" => "bunny.dlx",
                          "x-dead-letter-routing-key" => "died"
                        })
  inbox = Inbox.new(dead)
  check = lambda do |body, more|
    _, properties, seen = inbox.take
    equal([seen, properties.expiration], [body, nil], "the message")
    death = properties.headers["x-death"].first
    age = Time.now - death.delete("time")
    raise "the time of death is #{age} s away" unless age.abs < 60

    equal(death, { "count" => 1, "reason" => "expired", "queue" => "bunny.ttl", "exchange" => "",
                   "routing-keys" => ["bunny.ttl"] }.merge(more), "x-death")
  end
  queue.publish("old")
  check.call("old", {})
  queue.publish("own", expiration: 20)
  check.call("own", { "original-expiration" => "20" })
end

def priority(channel)
  queue = channel.queue("bunny.priority", exclusive: true, arguments: { "x-max-priority" => 3 })
  [0, 3, 1, 2, 7, 3].each { |level| queue.publish(level.to_s, priority: level) }
  equal(get_all(queue), %w[3 7 3 2 1 0], "the order")
end

# Asks ten questions; returns the names that the answers were sent to.
def call(channel, requests, replies)
  names = []
  server = channel.connection.create_channel
  server.queue(requests.name, exclusive: true).subscribe(manual_ack: true) do |info, question, body|
    names << question.reply_to
    server.default_exchange.publish(body.upcase, routing_key: question.reply_to,
                                                 correlation_id: question.correlation_id)
    server.ack(info.delivery_tag)
  end
  inbox = Inbox.new(replies)
  10.times do |n|
    channel.default_exchange.publish("question #{n}", routing_key: requests.name,
                                                      reply_to: replies.name,
                                                      correlation_id: n.to_s)
  end
  answers = Array.new(10) { inbox.take }.to_h { |_, answer, body| [answer.correlation_id, body] }
  equal(answers, (0..9).to_h { |n| [n.to_s, "QUESTION #{n}"] }, "the answers")
  names.uniq
end

def rpc(channel)
  replies = channel.queue("", exclusive: true)
  equal(call(channel, channel.queue("bunny.rpc", exclusive: true), replies), [replies.name])
end

def direct_reply_to(channel)
  replies = channel.queue("amq.rabbitmq.reply-to", no_declare: true)
  names = call(channel, channel.queue("bunny.direct", exclusive: true), replies)
  equal(names.map { |name| name[0, 22] }, ["amq.rabbitmq.reply-to."])
end

def large(channel)
  blocks = (0..LARGE_BYTES / 32).map { |n| Digest::SHA256.digest(n.to_s) }
  sent = blocks.join[0, LARGE_BYTES]
  queue = channel.queue("bunny.large", exclusive: true)
  inbox = Inbox.new(queue)
  channel.confirm_select
  queue.publish(sent, persistent: true)
  equal(channel.wait_for_confirms, true, "confirmed")
  _, _, body = inbox.take
  equal(body.bytesize, LARGE_BYTES, "the length")
  equal(body == sent, true, "whether the bodies are equal")
end

def mandatory_return(channel)
  returned = Queue.new
  exchange = channel.direct("bunny.mandatory", auto_delete: true)
  exchange.on_return { |info, properties, body| returned << [info, properties, body] }
  queue = channel.queue("bunny.known", exclusive: true).bind(exchange, routing_key: "known")
  exchange.publish("lost", routing_key: "unknown", mandatory: true, message_id: "7")
  exchange.publish("kept", routing_key: "known", mandatory: true)
  exchange.publish("not asked for", routing_key: "unknown")
  info, properties, body = Timeout.timeout(WAIT_S) { returned.pop }
  equal([info.reply_code, info.reply_text, info.exchange, info.routing_key,
         properties.message_id, body],
        [312, "NO_ROUTE", "bunny.mandatory", "unknown", "7", "lost"], "the return")
  equal(get_all(queue), ["kept"])
  equal(returned.empty?, true, "whether nothing else was returned")
end

def refused(kind, text)
  yield
rescue kind => e
  equal(e.message[0, text.length], text, "the error")
else
  raise "there was no #{kind}"
end

def channel_error(channel)
  connection = channel.connection
  refused(Bunny::NotFound, "NOT_FOUND - no queue 'bunny.none' in vhost '/'") do
    channel.queue("bunny.none", passive: true)
  end
  equal(channel.open?, false, "whether the channel is open")
  channel = connection.create_channel
  channel.queue("bunny.error", exclusive: true)
  refused(Bunny::PreconditionFailed,
          "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'bunny.error'") do
    connection.create_channel.queue("bunny.error", exclusive: true,
                                                   arguments: { "x-message-ttl" => 5 })
  end
  refused(Bunny::AccessRefused,
          "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix") do
    connection.create_channel.queue("amq.mine", exclusive: true)
  end
  queue = channel.queue("bunny.error", exclusive: true)
  queue.publish("still works")
  equal(get_all(queue), ["still works"])
  equal(connection.open?, true, "whether the connection is open")
end

def ask_for_restart(how)
  puts how
  equal($stdin.gets, "go\n", "the runner's answer")
end

# Bunny connects again by itself, and declares, binds and consumes again what it had.
def restart(how)
  recovered = Queue.new
  connection = connect(recovery_completed: -> { recovered << true })
  channel = connection.create_channel
  exchange = channel.fanout("bunny.#{how}", durable: true)
  queue = channel.queue("bunny.#{how}", durable: true).bind(exchange)
  mine = channel.queue("", exclusive: true).bind(exchange)
  channel.confirm_select
  100.times { |n| exchange.publish(n.to_s, persistent: true) }
  equal(channel.wait_for_confirms, true, "confirmed")
  channel.prefetch(1)
  inbox = Inbox.new(queue, manual_ack: true)
  info, _, body = inbox.take
  equal([info.redelivered?, body], [false, "0"])
  equal(mine.message_count, 100, "in the exclusive queue")

  ask_for_restart(how)
  Timeout.timeout(WAIT_S) { recovered.pop }
  seen = Array.new(100) do
    info, _, body = inbox.take
    channel.ack(info.delivery_tag)
    body
  end
  equal(seen, (0...100).map(&:to_s), "what was kept")
  equal(mine.message_count, 0, "in the exclusive queue, which is a new one")
  exchange.publish("new", persistent: true)
  equal(inbox.take.last, "new")
  equal(get_all(mine), ["new"])
  queue.delete
  exchange.delete
ensure
  connection&.close
end

def report(name)
  yield
  puts "pass #{name}"
rescue Exception => e # a timeout may be one that is no StandardError
  puts "fail #{name}: #{e.class}: #{e.message.split.join(' ')}"
  warn e.full_message
end

%i[publish_confirm ack_nack_requeue topic headers ttl_dead_letter priority rpc direct_reply_to
   large mandatory_return channel_error].each do |scenario|
  report(scenario) do
    connection = connect
    begin
      send(scenario, connection.create_channel)
    ensure
      connection.close
    end
  end
end
%w[stop kill].each { |how| report(how) { restart(how) } }
