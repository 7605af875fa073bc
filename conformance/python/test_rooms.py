def test_a_room_hears_what_is_emitted_to_it(connect, namespace):
    sender, member, guest = [connect(namespace) for _ in range(3)]
    assert member.ask("join", "room") == ["ok"]
    sender.emit("room-emit", "room", "é", {"file": b"\x01"})
    assert member.next("room-msg") == ["é", {"file": b"\x01"}]

    assert member.ask("leave", "room") == ["ok"]
    assert sender.ask("join", "room") == ["ok"]
    sender.emit("room-emit", "room", "again")
    assert sender.next("room-msg") == ["again"]
    for outsider in [member, guest]:
        outsider.ask("message-with-ack")
        assert outsider.pending("room-msg") == 0


def test_a_broadcast_reaches_all_others_of_the_namespace(connect, namespace):
    sender, [other, outside] = connect(namespace), connect(namespace, "/")
    for number in range(20):
        sender.emit("broadcast", number, b"\0" * number)
    for number in range(20):
        assert other.next("broadcast-msg") == [number, b"\0" * number]
    for outsider in [sender, outside]:
        outsider.ask("message-with-ack")
        assert outsider.pending("broadcast-msg") == 0
