//! Namespaces that are made on demand.

mod support;

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::Deserialize;
use serde_json::json;
use socketio_core::{
    Auth, ConnectError, Data, Endpoint, Limits, NamespaceParams, NamespaceRequest, Socket,
    SocketIo, Violation,
    testing::{TestClock, TestServer},
};

use self::support::{Gate, Log, WebSocket, upgrade};

fn server() -> (TestServer, Log) {
    watched(TestServer::new(SocketIo::builder()))
}

/// A server that notes its new namespaces and its errors.
fn watched(server: TestServer) -> (TestServer, Log) {
    let log = Log::default();
    let (made, errors) = (log.clone(), log.clone());
    server.io().on_new_namespace(move |namespace| made.add(format!("new {}", namespace.name())));
    server.io().on_error(move |report| errors.add(report.to_string()));
    (server, log)
}

/// Whether a client is let in to a namespace.
fn is_in(server: &TestServer, namespace: &str) -> bool {
    match server.connect_to(namespace, &()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, ConnectError::new("Invalid namespace"));
            false
        }
    }
}

#[test]
fn a_pattern_takes_names_and_gives_what_stands_in_its_places() {
    let (server, log) = server();
    server.io().of_dynamic("/tenant-{id}", |tenant| {
        tenant.on("id", |NamespaceParams(id): NamespaceParams<u32>| Data(id));
    });
    #[derive(Deserialize)]
    struct Place {
        room: String,
        seat: u8,
    }
    server.io().of_dynamic("room/{room}/{seat}", |room| {
        room.on("place", |NamespaceParams(place): NamespaceParams<Place>| {
            Data((place.room, place.seat))
        });
    });
    server.io().of_dynamic("/files/{*path}", |files| {
        files.on("path", |NamespaceParams(path): NamespaceParams<String>| Data(path));
    });
    let tenant = server.connect_to("/tenant-42", &()).expect("let in");
    assert_eq!(tenant.ask::<u32>("id", &()), 42);
    let room = server.connect_to("/room/a%20b/7", &()).expect("let in");
    assert_eq!(room.ask::<(String, u8)>("place", &()), ("a%20b".into(), 7));
    let files = server.connect_to("/files/a/b", &()).expect("let in");
    assert_eq!(files.ask::<String>("path", &()), "a/b");
    for name in ["/tenant-", "/tenant-1/2", "/Tenant-1", "/room/a", "/room/a/1/2", "/files/"] {
        assert!(!is_in(&server, name), "{name}");
    }
    assert_eq!(log.take(), ["new /tenant-42", "new /room/a%20b/7", "new /files/a/b"]);
    let answer: serde_json::Value =
        server.connect_to("/tenant-x", &()).expect("let in").ask("id", &());
    assert!(answer["error"].as_str().expect("text").contains("/tenant-x"), "{answer}");
}

#[test]
#[should_panic(expected = "is no pattern")]
fn a_pattern_that_is_none_is_a_mistake() {
    SocketIo::new().of_dynamic("/{a", |_| {});
}

#[test]
fn a_namespace_that_is_of_no_pattern_has_no_parameters() {
    let (server, _) = server();
    assert!(server.io().params::<u32>().is_err());
    server.io().of_dynamic("/n-{id}", |namespace| assert_eq!(namespace.params::<u32>(), Ok(1)));
    assert!(is_in(&server, "/n-1"));
}

#[test]
fn a_function_decides_by_the_name_and_by_what_the_client_sent() {
    let (server, _) = server();
    let decide = |request: NamespaceRequest| {
        #[derive(Deserialize)]
        struct Login {
            token: String,
        }
        let path = request.handshake().uri().path().to_owned();
        assert_eq!(path, "/socket.io/");
        let login = request.auth::<Login>();
        request.name().starts_with("/n-") && login.is_ok_and(|login| login.token == "good")
    };
    server.io().of_dynamic(decide, |_| {});
    assert!(!is_in(&server, "/n-1"), "there is no token");
    assert!(server.connect_to("/n-1", &json!({"token": "bad"})).is_err());
    assert!(server.connect_to("/n-1", &json!({"token": "good"})).is_ok());
    assert!(is_in(&server, "/n-1"), "it exists now");
    assert!(server.connect_to("/m-1", &json!({"token": "good"})).is_err());
}

#[test]
fn the_first_that_takes_a_name_makes_it_and_one_that_fails_takes_none() {
    let (server, log) = server();
    let none = |_: NamespaceRequest| Err::<bool, _>("the database is down");
    server.io().of_dynamic(none, |_| panic!("not taken"));
    let bug = async |_: NamespaceRequest| -> bool { panic!("a bug") };
    server.io().of_dynamic(bug, |_| panic!("not taken"));
    let first = server.io().of_dynamic("/a-{id}", |_| {});
    let second = server.io().of_dynamic("/{name}", |_| {});
    assert!(is_in(&server, "/a-1"));
    assert_eq!(log.take(), ["/a-1: the database is down", "/a-1: panicked: a bug", "new /a-1"]);
    assert!(is_in(&server, "/b"));
    let names = |namespaces: Vec<socketio_core::Namespace>| -> Vec<String> {
        namespaces.iter().map(|namespace| namespace.name().to_owned()).collect()
    };
    assert_eq!(names(first.namespaces()), ["/a-1"]);
    assert_eq!(names(second.namespaces()), ["/b"]);
}

/// Makes namespaces for all names that begin with `/n-`, once the gate is open.
fn behind(server: &TestServer, gate: &Gate) {
    let gate = gate.clone();
    server.io().of_dynamic(
        move |request: NamespaceRequest| {
            let gate = gate.clone();
            async move {
                gate.passed().await;
                request.name().starts_with("/n-")
            }
        },
        |namespace| {
            namespace.on("n", |socket: Socket, Data(n): Data<u32>| socket.emit("n", &n));
        },
    );
}

#[test]
fn while_a_namespace_is_looked_for_its_events_wait_and_others_go_on() {
    let (server, _) = server();
    let gate = Gate::default();
    behind(&server, &gate);
    server.io().on("echo", |Data(n): Data<u32>| Data(n));
    let root = server.connect();
    root.connection().request_join("/n-1", &());
    root.connection().send_all([r#"42/n-1,["n",1]"#, r#"42/n-1,["n",2]"#]);
    assert_eq!(root.ask::<u32>("echo", &7), 7, "other namespaces do not wait");
    gate.open();
    let client = root.connection().expect_join("/n-1").expect("let in");
    client.emit("n", &3);
    for n in 1..=3 {
        assert_eq!(client.expect::<u32>("n"), n);
    }
}

#[test]
fn events_behind_a_namespace_that_there_is_not_are_dropped() {
    let (server, _) = server();
    let gate = Gate::default();
    behind(&server, &gate);
    let connection = server.open();
    connection.request_join("/other", &());
    connection.send_text(r#"42/other,["n",1]"#);
    gate.open();
    let error = connection.expect_join("/other").expect_err("a refusal");
    assert_eq!(error, ConnectError::new("Invalid namespace"));
    assert!(connection.join("/n-1", &()).is_ok(), "the connection is unharmed");
}

#[test]
fn a_second_connect_while_a_namespace_is_looked_for_breaks_the_protocol() {
    let (server, log) = server();
    let gate = Gate::default();
    behind(&server, &gate);
    let connection = server.open();
    connection.request_join("/n-1", &());
    connection.request_join("/n-1", &());
    assert_eq!(log.take(), [format!("protocol violation: {}", Violation::SecondConnect)]);
    assert!(connection.closed().is_some());
    gate.open();
    server.run();
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn events_that_wait_for_a_namespace_are_bounded() {
    let limits = Limits { handlers: 3, ..Limits::default() };
    let (server, _) = watched(TestServer::new(SocketIo::builder().limits(limits)));
    let gate = Gate::default();
    behind(&server, &gate);
    let connection = server.open();
    connection.request_join("/n-1", &());
    for n in 0..50 {
        connection.send_text(&format!(r#"42/n-1,["n",{n}]"#));
    }
    gate.open();
    let client = connection.expect_join("/n-1").expect("let in");
    for n in 0..50 {
        assert_eq!(client.expect::<u32>("n"), n);
    }
}

#[test]
fn a_namespace_that_is_found_for_a_client_that_left_is_cleaned_up() {
    let options = SocketIo::builder().cleanup_empty_namespaces(true);
    let (server, log) = watched(TestServer::new(options));
    let gate = Gate::default();
    behind(&server, &gate);
    let connection = server.open();
    connection.request_join("/n-1", &());
    connection.close();
    gate.open();
    server.run();
    assert_eq!(server.io().clients_count(), 0);
    log.take();
    assert!(is_in(&server, "/n-1"));
    assert_eq!(log.take(), ["new /n-1"], "it was not there any more");
}

#[test]
fn namespaces_are_removed_when_empty_if_so_configured() {
    let options = SocketIo::builder().cleanup_empty_namespaces(true);
    let (server, log) = watched(TestServer::new(options));
    let tenants = server.io().of_dynamic("/tenant-{id}", |tenant| {
        tenant.middleware(|Auth(auth): Auth<serde_json::Value>| match auth["bad"].is_null() {
            true => Ok(()),
            false => Err(ConnectError::new("no")),
        });
    });
    let first = server.connect_to("/tenant-1", &()).expect("let in");
    let second = server.connect_to("/tenant-1", &()).expect("let in");
    first.disconnect();
    server.connect_to("/tenant-1", &()).expect("let in").connection().close();
    assert_eq!(log.take(), ["new /tenant-1"]);
    second.disconnect();
    assert!(tenants.namespaces().is_empty());
    // Its only candidate was refused.
    server.connect_to("/tenant-2", &json!({"bad": true})).expect_err("a refusal");
    assert!(tenants.namespaces().is_empty());
    server.connect_to("/tenant-1", &()).expect("let in");
    assert_eq!(log.take(), ["new /tenant-2", "new /tenant-1"]);
}

#[test]
fn a_client_that_cycles_through_names_leaves_nothing_behind() {
    let limits = Limits { namespaces: 5, dynamic_namespaces: 5, ..Limits::default() };
    let options = SocketIo::builder().cleanup_empty_namespaces(true).limits(limits);
    let (server, _) = watched(TestServer::new(options));
    let all = server.io().of_dynamic("/{name}", |_| {});
    let connection = server.open();
    for n in 0..100 {
        connection.join(&format!("/{n}"), &()).expect("let in").disconnect();
    }
    assert!(all.namespaces().is_empty());
}

#[test]
fn dynamic_namespaces_are_limited() {
    let limits = Limits { dynamic_namespaces: 2, ..Limits::default() };
    let (server, log) = watched(TestServer::new(SocketIo::builder().limits(limits)));
    let all = server.io().of_dynamic("/n-{id}", |_| {});
    assert!(is_in(&server, "/n-1") && is_in(&server, "/n-2"));
    log.take();
    assert!(!is_in(&server, "/n-3"));
    assert_eq!(log.take(), ["/n-3: too many dynamic namespaces"]);
    assert!(is_in(&server, "/n-1"));
    server.io().of("/n-4");
    assert_eq!(all.namespaces().len(), 3, "the server itself is not limited");
}

#[test]
fn asking_for_a_namespace_by_a_name_that_fits_a_pattern_makes_one_of_it() {
    let (server, log) = server();
    let tenants = server.io().of_dynamic("/tenant-{id}", |tenant| {
        tenant.on("id", |NamespaceParams(id): NamespaceParams<u32>| Data(id));
    });
    server.io().of_dynamic(|_: NamespaceRequest| -> bool { panic!("not asked") }, |_| {});
    server.io().of("tenant-1");
    server.io().of("/other");
    assert_eq!(log.take(), ["new /tenant-1", "new /other"]);
    assert_eq!(tenants.namespaces().len(), 1);
    let client = server.connect_to("/tenant-1", &()).expect("let in");
    assert_eq!(client.ask::<u32>("id", &()), 1);
}

#[test]
fn an_event_to_all_of_a_kind_reaches_them_and_nobody_else() {
    let (server, _) = server();
    let tenants = server.io().of_dynamic("/tenant-{id}", |_| {});
    let clients = ["/tenant-1", "/tenant-1", "/tenant-2"];
    let clients = clients.map(|name| server.connect_to(name, &()).expect("let in"));
    let other = server.connect();
    tenants.emit("news", &("a", 1)).expect("sent");
    tenants.send("text").expect("sent");
    for client in clients {
        assert_eq!(client.expect::<(String, u8)>("news"), ("a".into(), 1));
        assert_eq!(client.expect::<String>("message"), "text");
    }
    other.expect_nothing();
}

#[test]
fn a_hook_for_new_namespaces_comes_before_their_clients() {
    let (server, log) = server();
    server.io().of_dynamic("/n", |_| {});
    server.io().on_new_namespace(|_| panic!("a bug"));
    server.io().on_new_namespace(|namespace| {
        namespace.on_connect(|socket: Socket| socket.emit("watched", &()));
    });
    let client = server.connect_to("/n", &()).expect("let in");
    client.expect::<()>("watched");
    assert_eq!(log.take(), ["new /n", "/n: panicked: a bug"]);
}

#[test]
fn a_namespace_whose_set_up_fails_is_not_made() {
    let (server, log) = server();
    let fails = Arc::new(AtomicUsize::new(1));
    let countdown = Arc::clone(&fails);
    let all = server.io().of_dynamic("/n", move |namespace| {
        assert_eq!(namespace.name(), "/n");
        assert_ne!(countdown.swap(0, Ordering::Relaxed), 1, "a bug");
    });
    assert!(!is_in(&server, "/n"));
    assert!(all.namespaces().is_empty());
    assert!(log.take()[0].starts_with("/n: panicked"));
    assert!(is_in(&server, "/n"));
}

/// A client whose session runs on the thread that sends, as far as it gets.
struct OnThread {
    websocket: WebSocket,
    session: Mutex<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl OnThread {
    fn open(io: &SocketIo) -> Self {
        let websocket = WebSocket::default();
        let session = upgrade(&Endpoint::from(io), None).serve(websocket.clone());
        Self { websocket, session: Mutex::new(Box::pin(session)) }
    }

    fn send(&self, text: &str) {
        self.websocket.send_text(text);
        self.run();
    }

    fn run(&self) {
        use futures_util::FutureExt;
        let mut session = self.session.lock().expect("no panic");
        assert!((&mut *session).now_or_never().is_none(), "the session goes on");
    }
}

#[test]
fn a_namespace_is_made_and_set_up_once_under_race() {
    for is_async in [false, true] {
        for _ in 0..50 {
            let clock = Arc::new(TestClock::default());
            let io = SocketIo::builder().clock(clock).build().expect("valid options");
            let (made, new) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let counted = Arc::clone(&made);
            let set_up = move |namespace: &socketio_core::Namespace| {
                thread::yield_now();
                namespace.on_connect(|socket: Socket| socket.join("set up"));
                counted.fetch_add(1, Ordering::Relaxed);
            };
            match is_async {
                false => io.of_dynamic("/n", set_up),
                true => io.of_dynamic(async |_: NamespaceRequest| true, set_up),
            };
            let counted = Arc::clone(&new);
            io.on_new_namespace(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
            });
            let clients: Vec<_> = (0..4).map(|_| OnThread::open(&io)).collect();
            let start = Barrier::new(clients.len());
            thread::scope(|scope| {
                for client in &clients {
                    scope.spawn(|| {
                        start.wait();
                        client.send("40/n,");
                    });
                }
            });
            // Those that waited for the one who made it.
            clients.iter().for_each(OnThread::run);
            assert_eq!([made.load(Ordering::Relaxed), new.load(Ordering::Relaxed)], [1, 1]);
            assert_eq!(io.of("/n").to("set up").sockets().len(), 4, "all saw its handlers");
        }
    }
}

#[test]
fn a_namespace_that_is_joined_while_others_leave_it_is_not_removed() {
    for _ in 0..300 {
        let options = SocketIo::builder().cleanup_empty_namespaces(true);
        let io = options.clock(Arc::new(TestClock::default())).build().expect("valid options");
        io.of_dynamic("/{name}", |_| {});
        let [first, second, third] = [(); 3].map(|()| OnThread::open(&io));
        first.send("40/n,");
        second.send("40/n,");
        let start = &Barrier::new(3);
        thread::scope(|scope| {
            for leaving in [&first, &second] {
                scope.spawn(move || {
                    start.wait();
                    leaving.send("41/n,");
                });
            }
            scope.spawn(|| {
                start.wait();
                for _ in 0..20 {
                    third.send("40/n,");
                    third.send("41/n,");
                }
                third.send("40/n,");
            });
        });
        assert_eq!(io.of("/n").sockets_count(), 1, "the one that joined last");
    }
}
