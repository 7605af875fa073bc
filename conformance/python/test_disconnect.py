import time


def reason_of(witness, id):
    """Why a socket ended, as soon as the server knows."""
    end = time.monotonic() + 3
    while time.monotonic() < end:
        [reason] = witness.ask("reason-of", id)
        if reason is not None:
            return reason
        time.sleep(0.02)
    raise TimeoutError(f"{id} has not ended")


def test_the_client_leaves(connect):
    socket, witness = connect(), connect()
    id = socket.id
    socket.connection.flush()
    socket.connection.close()
    assert socket.next("disconnect") == ["client disconnect"]
    # It may close a websocket ahead of the packets that it has queued.
    assert reason_of(witness, id) in ["client namespace disconnect", "transport close"]


def test_the_server_ends_one_namespace(connect):
    main, custom = connect("/", "/custom")
    id = custom.id
    custom.emit("bye")
    assert custom.next("disconnect") == ["server disconnect"]
    assert main.ask("reason-of", id) == ["server namespace disconnect"]
    assert main.pending("disconnect") == 0


def test_the_server_ends_the_connection(connect):
    sockets, witness = connect("/", "/custom"), connect()
    ids = [socket.id for socket in sockets]
    sockets[0].emit("bye-all")
    for socket, id in zip(sockets, ids):
        # It may see the end of a websocket ahead of the packets that it has read.
        assert socket.next("disconnect") in [["server disconnect"], ["transport error"]]
        assert reason_of(witness, id) == "server namespace disconnect"


def test_the_client_comes_back_to_a_server_that_was_restarted(connection, server, way):
    delays = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.05, "randomization_factor": 0}
    lasting = connection("/", "/custom", reconnection=True, **delays)
    lasting.open(server, way)
    ids = [socket.id for socket in lasting.sockets]
    for socket in lasting.sockets:
        socket.next("connect")
    server.kill()
    for socket in lasting.sockets:
        assert socket.next("disconnect") == ["transport error"]
    server.start()
    for socket, id in zip(lasting.sockets, ids):
        socket.next("connect")
        assert socket.id != id
        assert socket.ask("message-with-ack", "back") == ["back"]
