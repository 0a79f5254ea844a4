#!/usr/bin/env perl
# Perl's AnyEvent::RabbitMQ against a broker: every scenario of tests/clients/runtimes.py.
#
# usage: anyevent_client.pl PORT
use strict;
use warnings;

use AnyEvent;
use AnyEvent::RabbitMQ;
use Data::Dumper;
use Digest::SHA qw(sha256);
use Net::AMQP::Value;

use constant {WAIT_S => 30, LARGE_BYTES => 4 * 1024 * 1024 + 7};

my ($port) = @ARGV;
$| = 1;
$Data::Dumper::Sortkeys = 1;
$Data::Dumper::Indent = 0;
$Data::Dumper::Terse = 1;

# What a failure callback was given, as a text.
sub reason {
    my ($why) = @_;
    return $why if !ref $why;
    return Dumper($why) if !$why->can('method_frame');
    my $closed = $why->method_frame;
    return Dumper($closed) if !$closed->can('reply_code');
    return $closed->reply_code . ' ' . $closed->reply_text;
}

# Waits for a condition variable, but not for ever.
sub wait_for {
    my ($done) = @_;
    my $limit = AE::timer WAIT_S, 0, sub { $done->croak('nothing came in time') };
    return $done->recv;
}

# Calls a method of the library and waits until it succeeded; dies when it failed.
sub ask {
    my ($object, $method, %arguments) = @_;
    my $done = AE::cv;
    $object->$method(
        %arguments,
        on_success => sub { $done->send(@_) },
        on_failure => sub { $done->croak(reason(@_) . "\n") },
    );
    return wait_for($done);
}

sub connect_to_broker {
    my (%arguments) = @_;
    my $connection = AnyEvent::RabbitMQ->new->load_xml_spec;
    ask($connection, 'connect', host => '127.0.0.1', port => $port, user => 'guest',
        pass => 'guest', vhost => '/', timeout => WAIT_S, on_close => sub { }, %arguments);
    return $connection;
}

# Booleans and typed values of the library are compared by what they print as.
sub plain {
    my ($value) = @_;
    return [map { plain($_) } @$value] if ref $value eq 'ARRAY';
    return {map { $_ => plain($value->{$_}) } keys %$value} if ref $value eq 'HASH';
    return defined $value ? "$value" : undef;
}

sub equal {
    my ($seen, $wanted, $what) = @_;
    my ($left, $right) = (Dumper(plain($seen)), Dumper(plain($wanted)));
    die(($what // 'value') . " is $left, not $right\n") if $left ne $right;
}

sub exclusive {
    my ($channel, $name, %arguments) = @_;
    return ask($channel, 'declare_queue', queue => $name, exclusive => 1,
        arguments => \%arguments)->method_frame->queue;
}

sub publish {
    my ($channel, $key, $body, %more) = @_;
    $channel->publish(routing_key => $key, body => $body, %more);
}

sub body_of { return $_[0]{body} ? $_[0]{body}->payload : '' }

sub get_all {
    my ($channel, $queue) = @_;
    my @bodies;
    while (1) {
        my $message = ask($channel, 'get', queue => $queue, no_ack => 1);
        return \@bodies if $message->{empty};
        push @bodies, body_of($message);
    }
}

# Consumes so many messages; `on_message` is told of each and may ack it.
sub consume {
    my ($channel, $queue, $count, %more) = @_;
    my (@messages, $done);
    $done = AE::cv;
    my $on_message = delete $more{on_message} // sub { };
    my $consumer = ask($channel, 'consume', queue => $queue, %more, on_consume => sub {
        my ($message) = @_;
        push @messages, $message;
        $on_message->($message);
        $done->send if @messages == $count;
    })->method_frame->consumer_tag;
    wait_for($done);
    ask($channel, 'cancel', consumer_tag => $consumer);
    return @messages;
}

sub publish_confirm {
    my ($channel) = @_;
    ask($channel, 'declare_queue', queue => 'perl.confirm', durable => 1);
    ask($channel, 'confirm');
    my %sent = (content_type => 'text/plain', content_encoding => 'utf-8', delivery_mode => 2,
        priority => 3, correlation_id => 'c', reply_to => 'r', expiration => '60000',
        message_id => 'm', timestamp => 1700000000, type => 't', user_id => 'guest', app_id => 'a');
    my ($all, $acked, $nacked) = (AE::cv, 0, 0);
    for my $n (0 .. 99) {
        publish($channel, 'perl.confirm', $n, header => {%sent}, on_ack => sub {
            $all->send if ++$acked == 100;
        }, on_nack => sub { $all->croak("$n was refused") });
    }
    wait_for($all);
    my $message = ask($channel, 'get', queue => 'perl.confirm', no_ack => 1);
    equal([body_of($message), $message->{ok}->method_frame->message_count], ['0', 99]);
    equal({map { $_ => $message->{header}->$_ } keys %sent}, \%sent, 'the properties');
    equal(ask($channel, 'purge_queue', queue => 'perl.confirm')->method_frame->message_count, 99);
    ask($channel, 'delete_queue', queue => 'perl.confirm');

    exclusive($channel, 'perl.full', 'x-max-length' => 1, 'x-overflow' => 'reject-publish');
    my $told = AE::cv;
    publish($channel, 'perl.full', 'fits', on_ack => sub { });
    publish($channel, 'perl.full', 'does not', on_ack => sub { $told->send('acked') },
        on_nack => sub { $told->send('nacked') });
    equal(wait_for($told), 'nacked', 'the confirm');
}

sub ack_nack_requeue {
    my ($channel) = @_;
    exclusive($channel, 'perl.ack');
    publish($channel, 'perl.ack', $_) for qw(a b c);
    ask($channel, 'qos', prefetch_count => 1);
    my @seen;
    consume($channel, 'perl.ack', 5, no_ack => 0, on_message => sub {
        my $delivery = $_[0]{deliver}->method_frame;
        push @seen, body_of($_[0]) . ($delivery->redelivered ? ' again' : '');
        my %tag = (delivery_tag => $delivery->delivery_tag);
        if ($seen[-1] eq 'a' || $seen[-1] eq 'c') {
            $channel->reject(%tag, requeue => 1);
        } elsif ($seen[-1] eq 'b') {
            $channel->reject(%tag, requeue => 0);
        } else {
            $channel->ack(%tag);
        }
    });
    equal(\@seen, ['a', 'a again', 'b', 'c', 'c again'], 'the deliveries');
    equal(get_all($channel, 'perl.ack'), []);
}

sub topic {
    my ($channel) = @_;
    ask($channel, 'declare_exchange', exchange => 'perl.topic', type => 'topic', auto_delete => 1);
    my %wanted = ('a.*' => ['a.b'], 'a.#' => ['a.b', 'a', 'a.c.b'],
        '#.b' => ['a.b', 'a.c.b', 'b'], '#' => ['a.b', 'a', 'a.c.b', 'b']);
    my %queues;
    for my $pattern (keys %wanted) {
        $queues{$pattern} = exclusive($channel, '');
        ask($channel, 'bind_queue', queue => $queues{$pattern}, exchange => 'perl.topic',
            routing_key => $pattern);
    }
    publish($channel, $_, $_, exchange => 'perl.topic') for @{$wanted{'#'}};
    equal({map { $_ => get_all($channel, $queues{$_}) } keys %queues}, \%wanted, 'the routes');
}

sub headers {
    my ($channel) = @_;
    my %sent = (
        text => 'Zuerich', when => Net::AMQP::Value::Timestamp->new(1709209815),
        list => ['a', 1, [-70000, ['deep']], {in => 'list'}],
        table => {in => {list => [1, 2], yes => Net::AMQP::Value::true}, empty => {}},
    );
    ask($channel, 'declare_exchange', exchange => 'perl.headers', type => 'headers',
        auto_delete => 1);
    my %queues;
    for my $match ('all', 'any') {
        $queues{$match} = exclusive($channel, '');
        ask($channel, 'bind_queue', queue => $queues{$match}, exchange => 'perl.headers',
            routing_key => '', arguments => {'x-match' => $match, text => 'Zuerich', kind => 'x'});
    }
    publish($channel, '', 'one', exchange => 'perl.headers', header => {headers => {%sent}});
    publish($channel, '', 'both', exchange => 'perl.headers',
        header => {headers => {%sent, kind => 'x'}});
    publish($channel, '', 'none', exchange => 'perl.headers', header => {headers => {text => 'B'}});
    my $message = ask($channel, 'get', queue => $queues{any}, no_ack => 1);
    equal(body_of($message), 'one');
    $sent{table}{in}{yes} = 1;  # how the library reads a boolean
    equal($message->{header}->headers, \%sent, 'the headers');
    equal(get_all($channel, $queues{any}), ['both']);
    equal(get_all($channel, $queues{all}), ['both']);
}

sub ttl_dead_letter {
    my ($channel) = @_;
    ask($channel, 'declare_exchange', exchange => 'perl.dlx', type => 'direct', auto_delete => 1);
    exclusive($channel, 'perl.dead');
    ask($channel, 'bind_queue', queue => 'perl.dead', exchange => 'perl.dlx',
        routing_key => 'died');
    exclusive($channel, 'perl.ttl', 'x-message-ttl' => 50, 'x-dead-letter-exchange' => 'perl.dlx',
        'x-dead-letter-routing-key' => 'died');
    # The library cannot read a 64-bit integer, and x-death has one: so messages are counted.
    publish($channel, 'perl.ttl', 'old');
    publish($channel, 'perl.ttl', 'own', header => {expiration => '20'});
    my $until = time + WAIT_S;
    my $count = 0;
    while ($count < 2 && time < $until) {
        $count = ask($channel, 'declare_queue', queue => 'perl.dead', passive => 1)
            ->method_frame->message_count;
    }
    equal($count, 2, 'the number of dead messages');
    equal(get_all($channel, 'perl.ttl'), []);
    equal(ask($channel, 'purge_queue', queue => 'perl.dead')->method_frame->message_count, 2);
}

sub priority {
    my ($channel) = @_;
    exclusive($channel, 'perl.priority', 'x-max-priority' => 3);
    publish($channel, 'perl.priority', $_, header => {priority => $_}) for 0, 3, 1, 2, 7, 3;
    equal(get_all($channel, 'perl.priority'), [3, 7, 3, 2, 1, 0], 'the order');
}

# Asks ten questions; returns the names that the answers were sent to.
sub call {
    my ($channel, $connection, $requests, $replies, $no_ack) = @_;
    my (%names, %answers, %wanted);
    exclusive($channel, $requests);
    my $server = ask($connection, 'open_channel');
    ask($server, 'consume', queue => $requests, no_ack => 0, on_consume => sub {
        my ($message) = @_;
        my $question = $message->{header};
        $names{$question->reply_to} = 1;
        publish($server, $question->reply_to, uc body_of($message),
            header => {correlation_id => $question->correlation_id});
        $server->ack(delivery_tag => $message->{deliver}->method_frame->delivery_tag);
    });
    my $done = AE::cv;
    ask($channel, 'consume', queue => $replies, no_ack => $no_ack, on_consume => sub {
        my ($message) = @_;
        $answers{$message->{header}->correlation_id} = body_of($message);
        $done->send if keys %answers == 10;
    });
    for my $n (0 .. 9) {
        $wanted{$n} = "QUESTION $n";
        publish($channel, $requests, "question $n",
            header => {reply_to => $replies, correlation_id => $n});
    }
    wait_for($done);
    equal(\%answers, \%wanted, 'the answers');
    return keys %names;
}

sub rpc {
    my ($channel, $connection) = @_;
    my $replies = exclusive($channel, '');
    equal([call($channel, $connection, 'perl.rpc', $replies, 0)], [$replies]);
}

sub direct_reply_to {
    my ($channel, $connection) = @_;
    my @names = call($channel, $connection, 'perl.direct', 'amq.rabbitmq.reply-to', 1);
    equal([map { substr $_, 0, 22 } @names], ['amq.rabbitmq.reply-to.']);
}

sub large {
    my ($channel) = @_;
    my $sent = substr join('', map { sha256($_) } 0 .. LARGE_BYTES / 32), 0, LARGE_BYTES;
    exclusive($channel, 'perl.large');
    publish($channel, 'perl.large', $sent, header => {delivery_mode => 2});
    my ($message) = consume($channel, 'perl.large', 1, no_ack => 1);
    equal(length body_of($message), LARGE_BYTES, 'the length');
    die "the body came back changed\n" if body_of($message) ne $sent;
}

sub mandatory_return {
    my ($channel) = @_;
    exclusive($channel, 'perl.known');
    ask($channel, 'confirm');
    my ($done, @events) = (AE::cv);
    my $on_event = sub {
        my ($event) = @_;
        return sub {
            my $returned = $_[0]->method_frame;
            push @events, $event eq 'returned' ? join ' ', $event, $returned->reply_code,
                $returned->reply_text, $returned->exchange, $returned->routing_key : $event;
            $done->send if $event eq 'last acked';
        };
    };
    publish($channel, 'unknown', 'lost', exchange => 'amq.direct', mandatory => 1,
        on_return => $on_event->('returned'), on_ack => $on_event->('lost acked'));
    publish($channel, 'perl.known', 'kept', mandatory => 1,
        on_return => $on_event->('returned'), on_ack => $on_event->('last acked'));
    wait_for($done);
    equal([grep { $_ ne 'last acked' } @events],
        ['returned 312 NO_ROUTE amq.direct unknown', 'lost acked'], 'what happened');
    equal(get_all($channel, 'perl.known'), ['kept']);
}

sub refused {
    my ($text, $connection, $method, %arguments) = @_;
    my $closed = AE::cv;
    my $channel = ask($connection, 'open_channel', on_close => sub { $closed->send(reason(@_)) });
    die "$method succeeded\n" if eval { ask($channel, $method, %arguments); 1 };
    my $why = wait_for($closed);
    die "$method ended with '$why', not with $text\n" if index($why, $text) != 0;
    equal($channel->is_open ? 1 : 0, 0, 'whether the channel is open');
}

sub channel_error {
    my ($channel, $connection) = @_;
    refused("404 NOT_FOUND - no queue 'perl.none' in vhost '/'",
        $connection, 'declare_queue', queue => 'perl.none', passive => 1);
    exclusive($channel, 'perl.error');
    refused("406 PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'perl.error'",
        $connection, 'declare_queue', queue => 'perl.error', exclusive => 1,
        arguments => {'x-max-length' => 3});
    refused("404 NOT_FOUND - no exchange 'perl.none' in vhost '/'",
        $connection, 'bind_queue', queue => 'perl.error', exchange => 'perl.none',
        routing_key => '');
    publish($channel, 'perl.error', 'still works');
    equal(get_all($channel, 'perl.error'), ['still works']);
    equal($connection->is_open ? 1 : 0, 1, 'whether the connection is open');
}

sub restart {
    my ($how) = @_;
    my $name = "perl.$how";
    my $closed = AE::cv;
    my $connection = connect_to_broker(on_close => sub { $closed->send });
    my $channel = ask($connection, 'open_channel');
    ask($channel, 'declare_exchange', exchange => $name, type => 'fanout', durable => 1);
    ask($channel, 'declare_queue', queue => $name, durable => 1);
    ask($channel, 'bind_queue', queue => $name, exchange => $name, routing_key => '');
    ask($channel, 'confirm');
    my ($all, $acked) = (AE::cv, 0);
    for my $n (0 .. 99) {
        publish($channel, '', $n, exchange => $name, header => {delivery_mode => 2},
            on_ack => sub { $all->send if ++$acked == 100 },
            on_nack => sub { $all->croak("$n was refused") });
    }
    wait_for($all);
    equal(body_of(ask($channel, 'get', queue => $name, no_ack => 0)), '0', 'what is held');
    print "$how\n";
    equal(scalar <STDIN>, "go\n", "the runner's answer");
    wait_for($closed);

    $connection = connect_to_broker();
    $channel = ask($connection, 'open_channel');
    equal(get_all($channel, $name), [0 .. 99], 'what was kept');
    publish($channel, '', 'new', exchange => $name);
    equal(get_all($channel, $name), ['new']);
    ask($channel, 'delete_queue', queue => $name);
    ask($channel, 'delete_exchange', exchange => $name);
    ask($connection, 'close');
}

sub report {
    my ($scenario, $work) = @_;
    if (eval { $work->(); 1 }) {
        print "pass $scenario\n";
        return;
    }
    my $why = join ' ', split ' ', $@;
    print "fail $scenario: $why\n";
}

my %scenarios = (
    publish_confirm => \&publish_confirm, ack_nack_requeue => \&ack_nack_requeue,
    topic => \&topic, headers => \&headers, priority => \&priority, rpc => \&rpc,
    direct_reply_to => \&direct_reply_to, large => \&large,
    mandatory_return => \&mandatory_return, channel_error => \&channel_error,
    ttl_dead_letter => \&ttl_dead_letter,
);
for my $scenario (sort keys %scenarios) {
    report($scenario, sub {
        my $connection = connect_to_broker();
        $scenarios{$scenario}->(ask($connection, 'open_channel'), $connection);
        ask($connection, 'close');
    });
}
for my $how ('stop', 'kill') {
    report($how, sub { restart($how) });
}
