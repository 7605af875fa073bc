import os

import pytest

ALL_BYTES = bytes(range(256))

CASES = {
    "no argument": [],
    "text": ["hello"],
    "text in many scripts": ["Größe", "てすと", "Я Б Г", "👩‍👩‍👧‍👦", "\0\u2028"],
    "each JSON type": [0, -1.5, True, False, None, "x", [], {}],
    "an attachment": [ALL_BYTES],
    "an empty attachment": [b""],
    "attachments among other arguments": ["a", b"\x01", 2, b"\x03\x04", None],
    "nested attachments": [{"name": "é", "deep": [{"file": b"\x01"}, [[ALL_BYTES], "x"]]}],
    "ten attachments": [[bytes([size] * size) for size in range(10)]],
}


@pytest.mark.parametrize("args", CASES.values(), ids=CASES)
def test_a_message_comes_back_as_it_was(connect, args):
    socket = connect()
    socket.emit("message", *args)
    assert socket.next("message-back") == args


def test_300_messages_come_back_in_order(connect):
    socket = connect()
    sent = [[number] + [b"\0" * number] * (number % 7 == 3) for number in range(300)]
    for args in sent:
        socket.emit("message", *args)
    assert [socket.next("message-back") for _ in sent] == sent


def test_a_large_text(connect):
    text = "abcdefghi " * 90_000
    assert connect().ask("message-with-ack", text) == [text]


def test_a_large_attachment(connect, way):
    # Base64 adds a third to what is polled.
    data = os.urandom(700_000 if way == "polling" else 900_000)
    assert connect().ask("message-with-ack", data) == [data]
