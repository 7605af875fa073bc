//! Rules of order: of one client's handlers, and of a namespace's broadcasts.

use std::time::Duration;

use bytes::Bytes;
use socketio_core::{Clock, Data, Socket, SocketIo, testing::TestServer};

#[test]
fn handlers_of_one_socket_start_in_arrival_order() {
    let server = TestServer::new(SocketIo::builder());
    let clock = server.clock().clone();
    server.io().on("n", move |socket: Socket, Data(n): Data<u64>| {
        let clock = clock.clone();
        async move {
            let _ = socket.emit("started", &n);
            // Every third takes its time, and holds up nobody.
            if n % 3 == 0 {
                clock.sleep_until(clock.now() + Duration::from_millis(1000 - n)).await;
            }
            let _ = socket.emit("done", &n);
        }
    });
    let client = server.connect();
    for n in 0..30 {
        client.emit("n", &n);
    }
    server.advance(Duration::from_secs(1));
    let events: Vec<_> = std::iter::from_fn(|| client.next_event()).collect();
    let of = |name: &str| -> Vec<u64> {
        let named = events.iter().filter(|event| event.name == name);
        named.map(|event| event.args.parse().expect("a number")).collect()
    };
    assert_eq!(of("started"), (0..30).collect::<Vec<_>>());
    let quick = (0..30).filter(|n| n % 3 != 0);
    let slow = (0..30).rev().filter(|n| n % 3 == 0);
    assert_eq!(of("done"), quick.chain(slow).collect::<Vec<_>>());
}

#[test]
fn answers_of_plain_handlers_come_in_order_with_attachments_between() {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("n", |socket: Socket, Data((n, part)): Data<(u32, Option<Bytes>)>| {
        socket.emit("n", &(n, part))
    });
    let client = server.connect();
    for n in 0..300_u32 {
        let part = (n % 2 == 0).then(|| Bytes::from(n.to_be_bytes().to_vec()));
        client.emit("n", &(n, part));
    }
    for n in 0..300_u32 {
        let (back, part) = client.expect::<(u32, Option<Bytes>)>("n");
        assert_eq!(back, n);
        assert_eq!(part, (n % 2 == 0).then(|| Bytes::from(n.to_be_bytes().to_vec())));
    }
}

#[test]
fn all_members_see_broadcasts_in_one_order_from_several_threads() {
    let server = TestServer::new(SocketIo::builder());
    let clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let io = server.io().clone();
            scope.spawn(move || {
                for n in 0..200 {
                    io.emit("n", &(thread, n)).expect("an event");
                }
            });
        }
    });
    let seen: Vec<Vec<(u32, u32)>> = clients
        .iter()
        .map(|client| {
            let events = std::iter::from_fn(|| client.next_event());
            events.map(|event| event.args.parse().expect("two numbers")).collect()
        })
        .collect();
    assert_eq!(seen[0].len(), 800);
    assert!(seen.iter().all(|order| *order == seen[0]));
}

#[test]
fn attachments_of_concurrent_emits_do_not_mix() {
    let server = TestServer::new(SocketIo::builder());
    let client = server.connect();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let socket = server.io().sockets().remove(0);
            scope.spawn(move || {
                for _ in 0..100 {
                    let part = Bytes::from(vec![thread; 3]);
                    socket.emit("parts", &(thread, &part, &part)).expect("an event");
                }
            });
        }
    });
    for _ in 0..400 {
        let (thread, first, second) = client.expect::<(u8, Bytes, Bytes)>("parts");
        assert_eq!([first, second], [vec![thread; 3], vec![thread; 3]]);
    }
}
