ARGS = ["é", 1, {"a": [None, b"\x01\x02"]}, b"\x03"]


def test_the_server_acknowledges(connect):
    for socket in connect("/", "/custom"):
        assert socket.ask("message-with-ack") == []
        assert socket.ask("message-with-ack", *ARGS) == ARGS


def test_the_client_acknowledges(connect):
    for socket in connect("/", "/custom"):
        socket.answer = lambda *args: ("got", b"\xff", list(args))
        for args in [ARGS, []]:
            socket.emit("emit-with-ack", *args)
            assert socket.next("emit-with-ack") == ["got", b"\xff", args]


def test_a_broadcast_collects_acknowledgements(connect, namespace):
    sender, text, binary = [connect(namespace) for _ in range(3)]
    text.answer = lambda *question: ("é", "ignored") if question == ("?",) else None
    binary.answer = lambda *question: b"\x04"
    sender.emit("broadcast-with-ack", "?")
    [answers] = sender.next("broadcast-acks")
    assert "é" in answers and b"\x04" in answers and len(answers) == 2
    assert sender.pending("question") == 0
