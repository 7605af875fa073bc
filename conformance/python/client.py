"""Both clients of python-socketio behind one face, so that a story is told once."""

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Queue
from threading import Thread

import socketio
from engineio.payload import Payload

SECONDS = 5

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}

# A client gives up on a polling payload of more packets than this, which is 16 by default. The
# server, like Node's, sends all that it has.
Payload.max_decode_packets = 1000


class Threads:
    """For `socketio.Client`, whose methods block."""

    def client(self, **options):
        client = socketio.Client(**options)
        loops = client.eio.start_background_task
        messages = ThreadPoolExecutor(max_workers=1)

        # It would start a thread for every message, and these overtake each other.
        def start(target, *args):
            return messages.submit(target, *args) if args else loops(target)

        client.eio.start_background_task = start
        return client

    def wait(self, result):
        return result


class Tasks:
    """For `socketio.AsyncClient`, whose methods are coroutines, on a loop in a thread of its own."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()

    def client(self, **options):
        return socketio.AsyncClient(**options)

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(2 * SECONDS)


class Connection:
    """A client and its sockets: one for each namespace, in the order in which they are named."""

    def __init__(self, runtime, *namespaces, **options):
        options = {"reconnection": False, "handle_sigint": False, **options}
        self._runtime = runtime
        self._client = runtime.client(**options)
        self.sockets = [Socket(self, self._client, name) for name in namespaces or ["/"]]

    def open(self, server, way, auth=None, wait=True):
        """Connects; with `wait`, a refusal by any namespace is a `ConnectionError`."""
        names = [socket.namespace for socket in self.sockets]
        self.wait(
            self._client.connect(
                server.origin,
                transports=WAYS[way],
                namespaces=names,
                auth=auth,
                wait=wait,
                wait_timeout=SECONDS,
            )
        )

    def flush(self):
        """Waits until all that was emitted is written: a client that closes earlier may drop it."""
        self.wait(self._client.eio.queue.join())

    def close(self):
        """Leaves all namespaces, closes, and gives up any reconnection."""
        self.wait(self._client.shutdown())

    def wait(self, result):
        return self._runtime.wait(result)

    @property
    def transport(self):
        return self._client.transport()

    @property
    def session_id(self):
        return self._client.eio.sid


class Socket:
    """One namespace of a connection. What it receives waits until a story asks for it."""

    def __init__(self, connection, client, namespace):
        self.connection = connection
        self.namespace = namespace
        self.answer = lambda *args: None
        """What an event is acknowledged with, by its arguments: a tuple for several values."""
        self._client = client
        self._inboxes = defaultdict(Queue)
        client.on("*", self._receive, namespace)
        for event in ["connect", "connect_error", "disconnect"]:
            client.on(event, partial(self._receive, event), namespace)

    def _receive(self, event, *args):
        self._inboxes[event].put(list(args))
        return self.answer(*args)

    @property
    def id(self):
        return self._client.get_sid(self.namespace)

    def emit(self, event, *args, **options):
        self.connection.wait(self._client.emit(event, args, self.namespace, **options))

    def ask(self, event, *args):
        """The arguments of the acknowledgement."""
        answers = Queue()
        self.emit(event, *args, callback=lambda *answer: answers.put(list(answer)))
        return answers.get(timeout=SECONDS)

    def next(self, event):
        """The arguments of the next such event, also of one that came before it was asked for."""
        return self._inboxes[event].get(timeout=SECONDS)

    def pending(self, event):
        return self._inboxes[event].qsize()
