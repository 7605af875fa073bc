import re

import pytest
from socketio.exceptions import ConnectionError


def test_every_id_is_another(connect):
    main, custom = connect("/", "/custom")
    other = connect()
    ids = [main.id, custom.id, main.connection.session_id, other.id, other.connection.session_id]
    assert all(re.fullmatch("[A-Za-z0-9_-]{20}", id) for id in ids)
    assert len(set(ids)) == len(ids)


def test_the_server_knows_the_transport_that_the_client_uses(connect, way):
    socket = connect()
    [me] = socket.ask("whoami")
    assert me["transport"] == socket.connection.transport == way.replace("upgrade", "websocket")
    assert me["id"] == socket.id


@pytest.mark.parametrize("auth", [{"token": "abc", "nested": [1, None, "é"]}, None])
def test_the_auth_payload_arrives(connect, auth):
    assert connect(auth=auth).next("auth") == [auth or {}]


@pytest.mark.parametrize("name", ["/custom", "/dyn-7"])
def test_another_namespace_carries_messages(connect, name):
    main, socket = connect("/", name)
    socket.emit("message", "text", b"\x01")
    assert socket.next("message-back") == ["text", b"\x01"]
    assert socket.ask("whoami")[0]["nsp"] == name
    assert main.pending("message-back") == 0


def test_a_refusal_is_an_error_with_the_reason(connection, server, way):
    refused = connection("/auth")
    with pytest.raises(ConnectionError):
        refused.open(server, way, auth={"token": "bad"})
    data = {"code": 401, "hint": "token"}
    assert refused.sockets[0].next("connect_error") == [{"message": "not authorized", "data": data}]


@pytest.mark.parametrize(
    "name, message", [("/auth", "not authorized"), ("/unknown", "Invalid namespace")]
)
def test_a_refusal_leaves_other_namespaces_alone(connection, server, way, name, message):
    both = connection("/custom", name)
    both.open(server, way, auth={"token": "bad"}, wait=False)
    custom, refused = both.sockets
    assert refused.next("connect_error")[0]["message"] == message
    custom.next("connect")
    assert custom.ask("message-with-ack", "still here") == ["still here"]
