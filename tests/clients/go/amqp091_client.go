// Go's amqp091-go against a broker: every scenario of tests/clients/runtimes.py.
//
// usage: amqp091_client PORT
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const wait = 30 * time.Second
const largeBytes = 4*1024*1024 + 7

var url = "amqp://guest:guest@127.0.0.1:" + os.Args[1] + "/"
var stdin = bufio.NewReader(os.Stdin)

// A scenario stops at the first thing that is wrong.
type wrong struct{ text string }

func must(err error) {
	if err != nil {
		panic(wrong{err.Error()})
	}
}

func equal(seen, wanted interface{}, what string) {
	if !reflect.DeepEqual(seen, wanted) {
		panic(wrong{fmt.Sprintf("%s: %#v, not %#v", what, seen, wanted)})
	}
}

func connect() (*amqp.Connection, *amqp.Channel) {
	connection, err := amqp.Dial(url)
	must(err)
	return connection, channelOf(connection)
}

func channelOf(connection *amqp.Connection) *amqp.Channel {
	channel, err := connection.Channel()
	must(err)
	return channel
}

func exclusive(channel *amqp.Channel, name string, arguments amqp.Table) string {
	queue, err := channel.QueueDeclare(name, false, false, true, false, arguments)
	must(err)
	return queue.Name
}

func publish(channel *amqp.Channel, exchange, key, body string, message amqp.Publishing) {
	message.Body = []byte(body)
	must(channel.Publish(exchange, key, false, false, message))
}

func next(deliveries <-chan amqp.Delivery) amqp.Delivery {
	select {
	case delivery, isOpen := <-deliveries:
		if isOpen {
			return delivery
		}
		panic(wrong{"the consumer ended"})
	case <-time.After(wait):
		panic(wrong{"no message came"})
	}
}

func consume(channel *amqp.Channel, queue string, autoAck bool) <-chan amqp.Delivery {
	deliveries, err := channel.Consume(queue, "", autoAck, false, false, false, nil)
	must(err)
	return deliveries
}

func getAll(channel *amqp.Channel, queue string) []string {
	bodies := []string{}
	for {
		delivery, isMessage, err := channel.Get(queue, true)
		must(err)
		if !isMessage {
			return bodies
		}
		bodies = append(bodies, string(delivery.Body))
	}
}

func publishConfirm(channel *amqp.Channel) {
	queue, err := channel.QueueDeclare("go.confirm", true, false, false, false, nil)
	must(err)
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 100))
	sent := amqp.Publishing{Headers: amqp.Table{"n": int32(1)}, ContentType: "text/plain",
		ContentEncoding: "utf-8", DeliveryMode: amqp.Persistent, Priority: 3, CorrelationId: "c",
		ReplyTo: "r", Expiration: "60000", MessageId: "m", Timestamp: time.Unix(1700000000, 0),
		Type: "t", UserId: "guest", AppId: "a"}
	for n := 0; n < 100; n++ {
		publish(channel, "", queue.Name, strconv.Itoa(n), sent)
	}
	for n := 1; n <= 100; n++ {
		equal(<-confirms, amqp.Confirmation{DeliveryTag: uint64(n), Ack: true}, "a confirm")
	}
	got, _, err := channel.Get(queue.Name, true)
	must(err)
	equal(amqp.Publishing{Headers: got.Headers, ContentType: got.ContentType,
		ContentEncoding: got.ContentEncoding, DeliveryMode: got.DeliveryMode,
		Priority: got.Priority, CorrelationId: got.CorrelationId, ReplyTo: got.ReplyTo,
		Expiration: got.Expiration, MessageId: got.MessageId, Timestamp: got.Timestamp,
		Type: got.Type, UserId: got.UserId, AppId: got.AppId}, sent, "the properties")
	equal(string(got.Body), "0", "the body")
	equal(got.MessageCount, uint32(99), "what is left")
	count, err := channel.QueueDelete(queue.Name, false, false, false)
	must(err)
	equal(count, 99, "what was deleted")

	exclusive(channel, "go.full", amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	publish(channel, "", "go.full", "fits", amqp.Publishing{})
	publish(channel, "", "go.full", "does not", amqp.Publishing{})
	equal([]bool{(<-confirms).Ack, (<-confirms).Ack}, []bool{true, false}, "the confirms")
}

func ackNackRequeue(channel *amqp.Channel) {
	exclusive(channel, "go.ack", nil)
	for _, body := range []string{"a", "b", "c", "d"} {
		publish(channel, "", "go.ack", body, amqp.Publishing{})
	}
	must(channel.Qos(1, 0, false))
	deliveries := consume(channel, "go.ack", false)
	check := func(delivery amqp.Delivery, body string, redelivered bool) {
		equal(string(delivery.Body), body, "the message")
		equal(delivery.Redelivered, redelivered, "redelivered of "+body)
	}
	delivery := next(deliveries)
	check(delivery, "a", false)
	must(delivery.Nack(false, true))
	delivery = next(deliveries)
	check(delivery, "a", true)
	must(delivery.Ack(false))
	delivery = next(deliveries)
	check(delivery, "b", false)
	must(delivery.Reject(false))
	check(next(deliveries), "c", false)
	select {
	case delivery = <-deliveries:
		panic(wrong{"the prefetch was exceeded by " + string(delivery.Body)})
	default:
	}
	must(channel.Recover(true))
	delivery = next(deliveries)
	check(delivery, "c", true)
	must(delivery.Ack(false))
	delivery = next(deliveries)
	check(delivery, "d", false)
	must(delivery.Ack(true))
	equal(getAll(channel, "go.ack"), []string{}, "what is left")
}

func topic(channel *amqp.Channel) {
	must(channel.ExchangeDeclare("go.topic", "topic", false, true, false, false, nil))
	wanted := map[string][]string{
		"stock.*.nyc": {"stock.ibm.nyc"},
		"stock.#":     {"stock.ibm.nyc", "stock", "stock.a.b.error"},
		"#.error":     {"stock.a.b.error", "error"},
		"*.*":         {"x."},
		"#":           {"stock.ibm.nyc", "stock", "stock.a.b.error", "error", "x."},
	}
	queues := map[string]string{}
	for pattern := range wanted {
		queues[pattern] = exclusive(channel, "", nil)
		must(channel.QueueBind(queues[pattern], pattern, "go.topic", false, nil))
	}
	for _, key := range wanted["#"] {
		publish(channel, "go.topic", key, key, amqp.Publishing{})
	}
	for pattern, bodies := range wanted {
		equal(getAll(channel, queues[pattern]), bodies, pattern)
	}
}

func headers(channel *amqp.Channel) {
	sent := amqp.Table{
		"text": "Zürich", "yes": true, "byte": byte(200), "short": int16(-3), "int": int32(-70000),
		"long": int64(1) << 40, "float": float32(0.25), "double": 0.1, "nothing": nil,
		"when": time.Unix(1709209815, 0), "price": amqp.Decimal{Scale: 2, Value: 1234},
		"raw":   []byte{0, 255},
		"list":  []interface{}{"a", int32(1), []interface{}{true}, amqp.Table{"in": "list"}},
		"table": amqp.Table{"in": amqp.Table{"list": []interface{}{int64(1)}}, "empty": amqp.Table{}},
	}
	must(sent.Validate())
	must(channel.ExchangeDeclare("go.headers", "headers", false, true, false, false, nil))
	all, any := exclusive(channel, "", nil), exclusive(channel, "", nil)
	must(channel.QueueBind(all, "", "go.headers", false,
		amqp.Table{"x-match": "all", "text": "Zürich", "short": int16(8)}))
	must(channel.QueueBind(any, "", "go.headers", false,
		amqp.Table{"x-match": "any", "text": "Zürich", "short": int16(8)}))
	publish(channel, "go.headers", "", "one", amqp.Publishing{Headers: sent})
	publish(channel, "go.headers", "", "both",
		amqp.Publishing{Headers: amqp.Table{"text": "Zürich", "short": int16(8)}})
	publish(channel, "go.headers", "", "none", amqp.Publishing{Headers: amqp.Table{"text": "Bern"}})
	got, _, err := channel.Get(any, true)
	must(err)
	equal(got.Headers, sent, "the headers")
	equal(getAll(channel, any), []string{"both"}, "any")
	equal(getAll(channel, all), []string{"both"}, "all")
}

func ttlDeadLetter(channel *amqp.Channel) {
	must(channel.ExchangeDeclare("go.dlx", "direct", false, true, false, false, nil))
	exclusive(channel, "go.dead", nil)
	must(channel.QueueBind("go.dead", "died", "go.dlx", false, nil))
	exclusive(channel, "go.ttl", amqp.Table{"x-message-ttl": 50,
		"x-dead-letter-exchange": "go.dlx", "x-dead-letter-routing-key": "died"})
	dead := consume(channel, "go.dead", true)
	check := func(body, reason string, more amqp.Table) {
		got := next(dead)
		equal(string(got.Body), body, "the message")
		equal(got.Expiration, "", "the expiration")
		death := got.Headers["x-death"].([]interface{})[0].(amqp.Table)
		if age := time.Since(death["time"].(time.Time)); age < -time.Minute || age > time.Minute {
			panic(wrong{fmt.Sprintf("the time of death is %v away", age)})
		}
		delete(death, "time")
		wanted := amqp.Table{"count": int64(1), "reason": reason, "queue": "go.ttl",
			"exchange": "", "routing-keys": []interface{}{"go.ttl"}}
		for name, value := range more {
			wanted[name] = value
		}
		equal(death, wanted, "x-death")
		equal(got.Headers["x-first-death-reason"], reason, "x-first-death-reason")
	}
	publish(channel, "", "go.ttl", "old", amqp.Publishing{})
	check("old", "expired", nil)
	publish(channel, "", "go.ttl", "own", amqp.Publishing{Expiration: "20"})
	check("own", "expired", amqp.Table{"original-expiration": "20"})
	live := consume(channel, "go.ttl", false)
	publish(channel, "", "go.ttl", "refused", amqp.Publishing{})
	must(next(live).Nack(false, false))
	check("refused", "rejected", nil)
}

func priority(channel *amqp.Channel) {
	exclusive(channel, "go.priority", amqp.Table{"x-max-priority": 4})
	for _, level := range []uint8{0, 4, 1, 3, 2, 9, 3} {
		publish(channel, "", "go.priority", strconv.Itoa(int(level)), amqp.Publishing{Priority: level})
	}
	equal(getAll(channel, "go.priority"), []string{"4", "9", "3", "3", "2", "1", "0"}, "the order")
}

// call asks ten questions and returns the name that the first answer was sent to.
func call(channel *amqp.Channel, requests, replies string, autoAck bool) string {
	exclusive(channel, requests, nil)
	asked := consume(channel, requests, false)
	answers := consume(channel, replies, autoAck)
	replyTo := make(chan string, 10)
	go func() {
		for question := range asked {
			replyTo <- question.ReplyTo
			channel.Publish("", question.ReplyTo, false, false, amqp.Publishing{
				CorrelationId: question.CorrelationId, Body: bytes.ToUpper(question.Body)})
			question.Ack(false)
		}
	}()
	wanted, seen := map[string]string{}, map[string]string{}
	for n := 0; n < 10; n++ {
		wanted[strconv.Itoa(n)] = fmt.Sprintf("QUESTION %d", n)
		publish(channel, "", requests, fmt.Sprintf("question %d", n),
			amqp.Publishing{CorrelationId: strconv.Itoa(n), ReplyTo: replies})
	}
	for n := 0; n < 10; n++ {
		answer := next(answers)
		seen[answer.CorrelationId] = string(answer.Body)
	}
	equal(seen, wanted, "the answers")
	return <-replyTo
}

func rpc(channel *amqp.Channel) {
	replies := exclusive(channel, "", nil)
	equal(call(channel, "go.rpc", replies, false), replies, "where the answers went")
}

func directReplyTo(channel *amqp.Channel) {
	name := call(channel, "go.direct", "amq.rabbitmq.reply-to", true)
	equal(strings.HasPrefix(name, "amq.rabbitmq.reply-to."), true, name)
}

func large(channel *amqp.Channel) {
	exclusive(channel, "go.large", nil)
	var body []byte
	for n := 0; len(body) < largeBytes; n++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(n)))
		body = append(body, sum[:]...)
	}
	body = body[:largeBytes]
	publish(channel, "", "go.large", string(body), amqp.Publishing{DeliveryMode: amqp.Persistent})
	publish(channel, "", "go.large", "", amqp.Publishing{})
	deliveries := consume(channel, "go.large", true)
	got := next(deliveries)
	equal(len(got.Body), largeBytes, "the length")
	equal(bytes.Equal(got.Body, body), true, "whether the bodies are equal")
	equal(len(next(deliveries).Body), 0, "the length of nothing")
}

func mandatoryReturn(channel *amqp.Channel) {
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 3))
	returns := channel.NotifyReturn(make(chan amqp.Return, 3))
	exclusive(channel, "go.known", nil)
	message := amqp.Publishing{MessageId: "7", Body: []byte("lost")}
	must(channel.Publish("amq.direct", "unknown", true, false, message))
	must(channel.Publish("", "go.known", true, false, message))
	must(channel.Publish("amq.direct", "unknown", false, false, message))
	for n := 0; n < 3; n++ {
		equal((<-confirms).Ack, true, "the confirm")
	}
	equal(len(returns), 1, "the number of returns before the confirms")
	got := <-returns
	equal([]interface{}{got.ReplyCode, got.ReplyText, got.Exchange, got.RoutingKey, got.MessageId,
		string(got.Body)}, []interface{}{uint16(312), "NO_ROUTE", "amq.direct", "unknown", "7",
		"lost"}, "the return")
}

func refused(err error, code int, text string) {
	closed, isClosed := err.(*amqp.Error)
	equal(isClosed, true, fmt.Sprintf("whether %v is an error of the broker", err))
	equal(closed.Code, code, closed.Reason)
	equal(strings.HasPrefix(closed.Reason, text), true, closed.Reason)
}

// An argument of the wrong type or range is refused by its name.
func refusedFor(err error, argument string) {
	closed, isClosed := err.(*amqp.Error)
	equal(isClosed, true, fmt.Sprintf("whether %v is an error of the broker", err))
	equal(closed.Code, 406, closed.Reason)
	equal(strings.Contains(closed.Reason, "'"+argument+"'"), true, closed.Reason)
}

func channelError(channel *amqp.Channel) {
	connection, channel := connect()
	defer connection.Close()
	_, err := channel.QueueDeclarePassive("go.none", false, false, false, false, nil)
	refused(err, 404, "NOT_FOUND - no queue 'go.none' in vhost '/'")
	channel = channelOf(connection)
	exclusive(channel, "go.error", nil)
	_, err = channel.QueueDeclare("go.error", false, true, true, false, nil)
	refused(err, 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue "+
		"'go.error' in vhost '/': received 'true' but current is 'false'")
	channel = channelOf(connection)
	_, err = channel.QueueDeclare("go.error", false, false, false, false, nil)
	refused(err, 405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue "+
		"'go.error' in vhost '/'")
	channel = channelOf(connection)
	closes := channel.NotifyClose(make(chan *amqp.Error, 1))
	must(channel.Ack(77, false))
	select {
	case err := <-closes:
		refused(err, 406, "PRECONDITION_FAILED - unknown delivery tag 77")
	case <-time.After(wait):
		panic(wrong{"an unknown delivery tag was accepted"})
	}
	channel = channelOf(connection)
	refused(channel.QueueBind("go.error", "", "go.none", false, nil), 404,
		"NOT_FOUND - no exchange 'go.none' in vhost '/'")
	channel = channelOf(connection)
	publish(channel, "", "go.error", "still works", amqp.Publishing{})
	equal(getAll(channel, "go.error"), []string{"still works"}, "the queue")
	equal(connection.IsClosed(), false, "whether the connection is closed")
}

func askForRestart(how string) {
	fmt.Println(how)
	line, err := stdin.ReadString('\n')
	must(err)
	equal(line, "go\n", "the runner's answer")
}

func restart(how string) {
	connection, channel := connect()
	closes := connection.NotifyClose(make(chan *amqp.Error, 1))
	name := "go." + how
	must(channel.ExchangeDeclare(name, "fanout", true, false, false, false, nil))
	_, err := channel.QueueDeclare(name, true, false, false, false, nil)
	must(err)
	must(channel.QueueBind(name, "", name, false, nil))
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1000))
	wanted := []string{}
	for n := 0; n < 1000; n++ {
		wanted = append(wanted, strconv.Itoa(n))
		publish(channel, name, "", wanted[n], amqp.Publishing{DeliveryMode: amqp.Persistent})
	}
	for n := 0; n < 1000; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
	must(channel.Qos(10, 0, false))
	deliveries := consume(channel, name, false)
	for n := 0; n < 10; n++ {
		equal(string(next(deliveries).Body), wanted[n], "a message")
	}
	askForRestart(how)
	closed := <-closes
	if how == "stop" {
		refused(closed, 320, "CONNECTION_FORCED - broker forced connection closure with reason "+
			"'shutdown'")
	}
	if _, isOpen := <-deliveries; isOpen {
		panic(wrong{"more than the prefetch was delivered"})
	}

	connection, channel = connect()
	defer connection.Close()
	equal(getAll(channel, name), wanted, "what was kept")
	publish(channel, name, "", "new", amqp.Publishing{DeliveryMode: amqp.Persistent})
	equal(getAll(channel, name), []string{"new"}, "what was published afterwards")
	_, err = channel.QueueDelete(name, false, false, false)
	must(err)
	must(channel.ExchangeDelete(name, false, false))
}

// Messages wait in the exchange, also while the broker is killed.
func delayed() {
	_, channel := connect()
	must(channel.ExchangeDeclare("go.delayed", "x-delayed-message", true, false, false, false,
		amqp.Table{"x-delayed-type": "direct"}))
	_, err := channel.QueueDeclare("go.delayed", true, false, false, false, nil)
	must(err)
	must(channel.QueueBind("go.delayed", "k", "go.delayed", false, nil))
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 4))
	for body, headers := range map[string]amqp.Table{
		"second": {"x-delay": int64(1500)}, "first": {"x-delay": int64(500)},
		"third": {"x-deliver-at": time.Now().Add(3 * time.Second)}, "never": {"x-delay": int64(1) << 40},
	} {
		publish(channel, "go.delayed", "k", body, amqp.Publishing{
			DeliveryMode: amqp.Persistent, Headers: headers})
	}
	for n := 0; n < 4; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
	askForRestart("kill")
	connection, channel := connect()
	defer connection.Close()
	deliveries := consume(channel, "go.delayed", true)
	for _, wanted := range []string{"first", "second", "third"} {
		message := next(deliveries)
		equal(string(message.Body), wanted, "a delayed message")
		equal(message.Exchange, "go.delayed", "its exchange")
	}
	_, err = channel.QueueDelete("go.delayed", false, false, false)
	must(err)
	must(channel.ExchangeDelete("go.delayed", false, false))
	refusedFor(channel.ExchangeDeclare("go.bad", "x-delayed-message", true, false, false, false, nil),
		"x-delayed-type")
}

// Sends messages with these numbers, and with keys, and waits until they are confirmed.
func sendNumbered(channel *amqp.Channel, from, to int64) {
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 2*(to-from)))
	for seq := from; seq < to; seq++ {
		publish(channel, "", "go.once", fmt.Sprint(seq), amqp.Publishing{
			DeliveryMode: amqp.Persistent,
			Headers:      amqp.Table{"x-publisher-id": "go", "x-publish-seq": seq}})
		publish(channel, "go.keys", "", fmt.Sprint(seq), amqp.Publishing{
			DeliveryMode: amqp.Persistent,
			Headers:      amqp.Table{"x-deduplication-header": fmt.Sprint("key ", seq)}})
	}
	for seq := from; seq < 2*to-from; seq++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
}

// What is sent again is stored once, also by a broker that was killed.
func once() {
	_, channel := connect()
	names := []string{"go.once", "go.keys"}
	for _, name := range names {
		_, err := channel.QueueDeclare(name, true, false, false, false, nil)
		must(err)
	}
	must(channel.ExchangeDeclare("go.keys", "x-message-deduplication", true, false, false, false,
		amqp.Table{"x-cache-size": 100}))
	must(channel.QueueBind("go.keys", "", "go.keys", false, nil))
	sendNumbered(channel, 1, 6)
	askForRestart("kill")
	connection, channel := connect()
	defer connection.Close()
	sendNumbered(channel, 3, 8)
	for _, name := range names {
		equal(getAll(channel, name), []string{"1", "2", "3", "4", "5", "6", "7"}, name)
		_, err := channel.QueueDelete(name, false, false, false)
		must(err)
	}
	must(channel.ExchangeDelete("go.keys", false, false))
}

// Results of the work go out with its acks: both happen, or neither does.
func atomic() {
	connection, channel := connect()
	defer connection.Close()
	_, err := channel.QueueDeclare("go.in", true, false, false, false, nil)
	must(err)
	_, err = channel.QueueDeclare("go.out", true, false, false, false,
		amqp.Table{"x-colocate": "go.in"})
	must(err)
	for n := 0; n < 10; n++ {
		publish(channel, "", "go.in", fmt.Sprint(n), amqp.Publishing{DeliveryMode: amqp.Persistent})
	}
	worker := channelOf(connection)
	must(worker.Tx())
	deliveries := consume(worker, "go.in", false)
	for n := 0; n < 10; n++ {
		message := next(deliveries)
		publish(worker, "", "go.out", string(message.Body),
			amqp.Publishing{DeliveryMode: amqp.Persistent})
		must(message.Ack(false))
		if n == 4 {
			must(worker.TxCommit())
		}
	}
	must(worker.TxRollback())
	must(worker.Close())
	askForRestart("kill")

	connection, channel = connect()
	defer connection.Close()
	equal(getAll(channel, "go.out"), []string{"0", "1", "2", "3", "4"}, "what was committed")
	equal(getAll(channel, "go.in"), []string{"5", "6", "7", "8", "9"}, "what was not")
	_, err = channel.QueueDeclare("go.bad", true, false, false, false, amqp.Table{"x-colocate": 7})
	refusedFor(err, "x-colocate")
	channel = channelOf(connection)
	for _, name := range []string{"go.in", "go.out"} {
		_, err = channel.QueueDelete(name, false, false, false)
		must(err)
	}
}

type entry struct {
	offset int64
	body   string
}

// So many messages of a stream. Acks are the credit for those that follow.
func readStream(connection *amqp.Connection, name string, count int, arguments amqp.Table) []entry {
	channel := channelOf(connection)
	defer channel.Close()
	must(channel.Qos(7, 0, false))
	deliveries, err := channel.Consume(name, "", false, false, false, false, arguments)
	must(err)
	seen := []entry{}
	for {
		message := next(deliveries)
		seen = append(seen, entry{message.Headers["x-stream-offset"].(int64), string(message.Body)})
		if len(seen) == count {
			return seen
		}
		if message.DeliveryTag > uint64(len(seen))+6 {
			panic(wrong{"more came than the prefetch allows"})
		}
		must(message.Ack(false))
	}
}

// A stream keeps what was read, also when the broker is killed; so does one with partitions, in
// which messages of a key stay in order.
func streams() {
	connection, channel := connect()
	_, err := channel.QueueDeclare("go.stream", true, false, false, false,
		amqp.Table{"x-queue-type": "stream"})
	must(err)
	_, err = channel.QueueDeclare("go.parts", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-partitions": 3})
	must(err)
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 200))
	wanted, odd := []entry{}, []entry{}
	for n := int64(0); n < 100; n++ {
		body, value := fmt.Sprint(n), "even"
		wanted = append(wanted, entry{n, body})
		if n%2 == 1 {
			odd, value = append(odd, wanted[n]), "odd"
		}
		publish(channel, "", "go.stream", body, amqp.Publishing{
			Headers: amqp.Table{"x-stream-filter-value": value}})
		publish(channel, "", "go.parts", body, amqp.Publishing{
			Headers: amqp.Table{"x-partition-key": fmt.Sprint("key ", n%10)}})
	}
	for n := 0; n < 200; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
	first := amqp.Table{"x-stream-offset": "first"}
	equal(readStream(connection, "go.stream", 100, first), wanted, "the stream")
	askForRestart("kill")

	connection, channel = connect()
	defer connection.Close()
	for _, question := range []struct {
		count     int
		arguments amqp.Table
		wanted    []entry
	}{
		{100, first, wanted},
		{10, amqp.Table{"x-stream-offset": 90}, wanted[90:]},
		{2, amqp.Table{"x-stream-offset": int64(-2)}, wanted[98:]},
		{1, amqp.Table{"x-stream-offset": "last"}, wanted[99:]},
		{50, amqp.Table{"x-stream-offset": "1h", "x-stream-filter": "odd"}, odd},
		{100, amqp.Table{"x-stream-offset": time.Unix(1, 0)}, wanted},
	} {
		equal(readStream(connection, "go.stream", question.count, question.arguments),
			question.wanted, fmt.Sprint(question.arguments))
	}
	checkParts(readStream(connection, "go.parts", 100, first))
	must(channel.Qos(1, 0, false))
	deliveries := consume(channel, "go.stream", false)
	publish(channel, "", "go.stream", "new", amqp.Publishing{})
	message := next(deliveries)
	equal(message.Headers, amqp.Table{"x-stream-offset": int64(100)}, "the headers")
	equal(string(message.Body), "new", "what is published from now on")
	for _, name := range []string{"go.parts", "go.stream"} {
		_, err = channel.QueueDelete(name, false, false, false)
		must(err)
	}
}

// All numbers below 100 are there, and those of a key in order.
func checkParts(seen []entry) {
	isThere, newest := map[int]bool{}, map[int]int{}
	for _, one := range seen {
		n, err := strconv.Atoi(one.body)
		must(err)
		if n < newest[n%10] {
			panic(wrong{fmt.Sprintf("%d came behind %d", n, newest[n%10])})
		}
		isThere[n], newest[n%10] = true, n
	}
	equal(len(isThere), 100, "different messages")
}

// Of a compacted stream the newest message of each key is there, also after a kill; a stream with a
// limit loses its oldest.
func keeps() {
	_, channel := connect()
	_, err := channel.QueueDeclare("go.table", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-compact": true})
	must(err)
	_, err = channel.QueueDeclare("go.short", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-max-length-bytes": 100000, "x-max-age": "1D"})
	must(err)
	_, err = channel.QueueDeclare("go.old", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-max-age": "1s"})
	must(err)
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 600))
	for n := 0; n < 200; n++ {
		publish(channel, "", "go.table", fmt.Sprint(n), amqp.Publishing{
			Headers: amqp.Table{"x-partition-key": fmt.Sprint("key ", n%10)}})
		publish(channel, "", "go.short", strings.Repeat("x", 2000), amqp.Publishing{})
		publish(channel, "", "go.old", "x", amqp.Publishing{})
	}
	for n := 0; n < 600; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
	askForRestart("kill")

	connection, channel := connect()
	defer connection.Close()
	table, newest := map[int]int{}, int64(0)
	reader := channelOf(connection)
	must(reader.Qos(1000, 0, false))
	deliveries, err := reader.Consume("go.table", "", false, false, false, false,
		amqp.Table{"x-stream-offset": "first"})
	must(err)
	for newest < 199 {
		message := next(deliveries)
		n, err := strconv.Atoi(string(message.Body))
		must(err)
		table[n%10], newest = n, message.Headers["x-stream-offset"].(int64)
	}
	for key := 0; key < 10; key++ {
		equal(table[key], 190+key, "the newest of a key")
	}
	for offset := int64(0); offset == 0; {
		message, isMessage, err := channel.Get("go.short@first", true)
		must(err)
		equal(isMessage, true, "whether something is left")
		offset = message.Headers["x-stream-offset"].(int64)
	}
	for isOld := true; isOld; { // what is older than a second goes
		_, isOld, err = channel.Get("go.old@first", true)
		must(err)
	}
	for name, value := range map[string]interface{}{"x-compact": "yes", "x-max-age": "soon",
		"x-max-length-bytes": -1, "x-partitions": 0, "x-tombstone-age": true} {
		bad := channelOf(connection)
		_, err = bad.QueueDeclare("go.bad", true, false, false, false,
			amqp.Table{"x-queue-type": "stream", name: value})
		refusedFor(err, name)
	}
	for _, name := range []string{"go.table", "go.short"} {
		_, err = channel.QueueDelete(name, false, false, false)
		must(err)
	}
}

// An exchange keeps what came through it; a queue that is bound later gets that first, then what
// comes, also when the broker is killed in between.
func replay() {
	_, channel := connect()
	must(channel.ExchangeDeclare("go.log", "topic", true, false, false, false,
		amqp.Table{"x-log": true}))
	publishOrders(channel, 0, 50)
	askForRestart("kill")

	connection, channel := connect()
	defer connection.Close()
	wanted := []entry{}
	for n := int64(0); n < 50; n++ {
		wanted = append(wanted, entry{n, fmt.Sprint(n)})
	}
	equal(readStream(connection, "amq.log.go.log", 50, amqp.Table{"x-stream-offset": "first"}),
		wanted, "the log")
	_, err := channel.QueueDeclare("go.audit", true, false, false, false, nil)
	must(err)
	for again := 0; again < 2; again++ {
		must(channel.QueueBind("go.audit", "order.eu", "go.log", false,
			amqp.Table{"x-replay-from": "first"}))
	}
	publishOrders(channel, 50, 60)
	deliveries := consume(channel, "go.audit", true)
	for n := 0; n < 60; n += 2 {
		message := next(deliveries)
		equal(string(message.Body), fmt.Sprint(n), "an order")
		equal(message.Exchange+" "+message.RoutingKey, "go.log order.eu", "its way")
		if n < 50 {
			equal(message.Headers, amqp.Table{"x-replayed": true}, "its headers")
		}
	}
	count, err := channel.QueueDelete("go.audit", false, false, false)
	must(err)
	equal(count, 0, "what is left")
	if message, isOpen := <-deliveries; isOpen {
		panic(wrong{"it came twice: " + string(message.Body)})
	}
	must(channel.ExchangeDelete("go.log", false, false))
}

// Orders of two kinds in turns, with these numbers; waits until they are confirmed.
func publishOrders(channel *amqp.Channel, from, to int) {
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, to-from))
	for n := from; n < to; n++ {
		publish(channel, "go.log", []string{"order.eu", "order.us"}[n%2], fmt.Sprint(n),
			amqp.Publishing{})
	}
	for n := from; n < to; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
}

// A consumer in a group, on a connection of its own, that keeps what it gets until acked.
type member struct {
	connection *amqp.Connection
	deliveries <-chan amqp.Delivery
	got        []amqp.Delivery
}

func join(arguments amqp.Table) *member {
	connection, channel := connect()
	must(channel.Qos(1000, 0, false))
	arguments["x-group"] = "g"
	deliveries, err := channel.Consume("go.shared", "", false, false, false, false, arguments)
	must(err)
	return &member{connection, deliveries, nil}
}

func (m *member) numbers() []int {
	numbers := []int{}
	for _, message := range m.got {
		n, err := strconv.Atoi(string(message.Body))
		must(err)
		numbers = append(numbers, n)
	}
	return numbers
}

func (m *member) ackAll() {
	for _, message := range m.got {
		must(message.Ack(false))
	}
	m.got = nil
}

// Until the two, one of which may be nil, have so many messages together, from that number on.
func gather(one, other *member, count, from int) {
	var ofOther <-chan amqp.Delivery
	if other != nil {
		ofOther = other.deliveries
	}
	for seen := 0; seen < count; {
		var message amqp.Delivery
		select {
		case message = <-one.deliveries:
			one.got = append(one.got, message)
		case message = <-ofOther:
			other.got = append(other.got, message)
		case <-time.After(wait):
			panic(wrong{fmt.Sprintf("%d messages of a group came, not %d", seen, count)})
		}
		n, err := strconv.Atoi(string(message.Body))
		must(err)
		if n >= from {
			seen++
		}
	}
}

func publishKeyed(channel *amqp.Channel, from, to int) {
	must(channel.Confirm(false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, to-from))
	for n := from; n < to; n++ {
		publish(channel, "", "go.shared", fmt.Sprint(n), amqp.Publishing{
			Headers: amqp.Table{"x-partition-key": fmt.Sprint("key ", n%10)}})
	}
	for n := from; n < to; n++ {
		equal((<-confirms).Ack, true, "a confirm")
	}
}

func row(from, to int) []int {
	numbers := []int{}
	for n := from; n < to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func sorted(numbers []int) []int {
	inOrder := append([]int{}, numbers...)
	sort.Ints(inOrder)
	return inOrder
}

func checkKeys(numbers []int) {
	newest := map[int]int{}
	for _, n := range numbers {
		if n < newest[n%10] {
			panic(wrong{fmt.Sprintf("%d came behind %d", n, newest[n%10])})
		}
		newest[n%10] = n
	}
}

// Members share a stream's partitions; what one who is lost had comes again to the others, and
// after a kill the group goes on where it stopped.
func group() {
	_, channel := connect()
	_, err := channel.QueueDeclare("go.shared", true, false, false, false,
		amqp.Table{"x-queue-type": "stream", "x-partitions": 4})
	must(err)
	publishKeyed(channel, 0, 100)
	first := join(amqp.Table{"x-group-start": "first"})
	gather(first, nil, 100, 0)
	equal(sorted(first.numbers()), row(0, 100), "what one alone gets")
	checkKeys(first.numbers())
	first.ackAll()
	second := join(amqp.Table{})
	publishKeyed(channel, 100, 200)
	gather(first, second, 100, 0)
	mine, others := first.numbers(), second.numbers()
	equal(sorted(append(mine, others...)), row(100, 200), "what both get")
	owner := map[int]bool{}
	for _, n := range mine {
		owner[n%10] = true
	}
	for _, n := range others {
		equal(owner[n%10], false, "a key with two owners")
	}
	first.ackAll()
	must(second.connection.Close())
	gather(first, nil, len(others), 0)
	equal(sorted(first.numbers()), sorted(others), "what comes again")
	for _, message := range first.got {
		equal(message.Redelivered, true, "that it is marked")
	}
	checkKeys(first.numbers())
	first.ackAll()
	must(first.connection.Close())
	askForRestart("kill")

	connection, channel := connect()
	defer connection.Close()
	third := join(amqp.Table{"x-group-start": "first"})
	publishKeyed(channel, 200, 300)
	gather(third, nil, 100, 200) // acks of the last moment may be lost
	all := sorted(third.numbers())
	equal(all[len(all)-100:], row(200, 300), "what follows a kill")
	must(third.connection.Close())
	for _, arguments := range []amqp.Table{
		{"x-group": 7}, {"x-group": "g", "x-group-start": "soon"}} {
		other := channelOf(connection)
		must(other.Qos(1, 0, false))
		_, err = other.Consume("go.shared", "", false, false, false, false, arguments)
		for name := range arguments {
			if name == "x-group-start" || len(arguments) == 1 {
				refusedFor(err, name)
			}
		}
	}
	_, err = channel.QueueDelete("go.shared", false, false, false)
	must(err)
}

func report(name string, work func()) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
			fmt.Println("pass " + name)
		case wrong:
			fmt.Printf("fail %s: %s\n", name, strings.ReplaceAll(failure.text, "\n", " "))
		default:
			panic(failure)
		}
	}()
	work()
}

func main() {
	scenarios := []struct {
		name string
		work func(*amqp.Channel)
	}{
		{"publish_confirm", publishConfirm}, {"ack_nack_requeue", ackNackRequeue},
		{"topic", topic}, {"headers", headers}, {"ttl_dead_letter", ttlDeadLetter},
		{"priority", priority}, {"rpc", rpc}, {"direct_reply_to", directReplyTo},
		{"large", large}, {"mandatory_return", mandatoryReturn}, {"channel_error", channelError},
	}
	for _, scenario := range scenarios {
		report(scenario.name, func() {
			connection, channel := connect()
			defer connection.Close()
			scenario.work(channel)
		})
	}
	report("stop", func() { restart("stop") })
	report("kill", func() { restart("kill") })
	report("delayed", delayed)
	report("once", once)
	report("streams", streams)
	report("keeps", keeps)
	report("replay", replay)
	report("group", group)
	report("atomic", atomic)
}
