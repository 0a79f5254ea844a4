# A client of pika by TLS, for test_tls.py: publishes, gets, and says what it got.
"""usage: tls_client.py PORT AUTHORITY [key=value]...

    certificate, key    files of the client
    version             TLSv1_2 or TLSv1_3
    external            yes: logs in by his certificate
    hold                yes: after the first message it waits for a line on standard input

Prints "open", then "done", or the name of the exception that ended it.
"""
import ssl
import sys

import pika

SIZES = (0, 1, 100, 16383, 16384, 16385, 300_000, 2_000_000)


def terms(authority, options):
    context = ssl.create_default_context(cafile=authority)
    if "version" in options:
        version = ssl.TLSVersion[options["version"]]
        context.minimum_version = context.maximum_version = version
    if "certificate" in options:
        context.load_cert_chain(options["certificate"], options["key"])
    return pika.SSLOptions(context, "localhost")


def exchange(channel, size):
    """A message of that size goes there and comes back."""
    body = bytes(i % 251 for i in range(size))
    channel.basic_publish("", "over-tls", body)
    _, _, came = channel.basic_get("over-tls", auto_ack=True)
    if came != body:
        raise RuntimeError(f"{size} bytes came back as {came and len(came)}")


def run(port, authority, options):
    more = {"credentials": pika.credentials.ExternalCredentials()} if "external" in options else {}
    connection = pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", port, ssl_options=terms(authority, options), **more))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("over-tls")
    exchange(channel, 10)
    print("open", flush=True)
    if "hold" in options:
        sys.stdin.readline()
    for size in SIZES:
        exchange(channel, size)
    connection.close()
    print("done", flush=True)


def main():
    options = dict(argument.split("=", 1) for argument in sys.argv[3:])
    try:
        run(int(sys.argv[1]), sys.argv[2], options)
    except Exception as error:  # whatever it is, the test wants its name
        print(type(error).__name__, error, flush=True)
        sys.exit(1)


main()
