//! Whatever clients and the server do, each client gets what is for it, once and in order.

mod support;

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use serde_json::json;
use socketio_core::{
    Data, Recovery, Socket, SocketIo,
    testing::{TestClient, TestServer},
};

use self::support::Dice;

const ROOMS: [&str; 2] = ["a", "b"];

/// A client, and what it is to get.
struct Model {
    client: TestClient,
    handle: Socket,
    offset: Option<String>,
    rooms: HashSet<&'static str>,
    reads: bool,
    is_here: bool,
    due: VecDeque<u64>,
}

impl Model {
    fn new(server: &TestServer) -> Self {
        let client = server.connect();
        let sockets = server.io().sockets();
        let handle = sockets.iter().find(|socket| socket.id().as_str() == client.id());
        Self {
            handle: handle.expect("a socket").clone(),
            client,
            offset: None,
            rooms: HashSet::new(),
            reads: true,
            is_here: true,
            due: VecDeque::new(),
        }
    }

    /// Takes what came, if the client reads.
    fn read(&mut self) {
        if !self.is_here || !self.reads {
            return;
        }
        while let Some(event) = self.client.next_event() {
            assert_eq!(event.args.parse::<u64>().ok(), self.due.pop_front());
            self.offset = Some(event.offset());
        }
        assert!(self.due.is_empty(), "{:?} did not come", self.due);
    }

    fn stop_reading(&mut self) {
        self.read();
        self.reads = false;
        self.client.connection().stop_reading(true);
    }

    fn leave(&mut self) {
        self.read();
        self.is_here = false;
        self.client.connection().close();
    }

    /// Is back over another connection, maybe before the end of the former one.
    fn come_back(&mut self, server: &TestServer) {
        self.read();
        let back = server.connect_to("/", &self.auth()).expect("let in");
        assert_eq!(back.id(), self.client.id());
        self.client = back;
        (self.is_here, self.reads) = (true, true);
        self.read();
    }

    /// Is back, but its connection breaks before it gets anything.
    fn come_back_in_vain(&mut self, server: &TestServer) {
        self.read();
        let connection = server.open();
        connection.request_join("/", &self.auth());
        connection.close();
        self.is_here = false;
    }

    fn auth(&self) -> serde_json::Value {
        json!({ "pid": self.client.recovery_id(), "offset": self.offset })
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed);
    let server = TestServer::new(SocketIo::builder().recovery(Recovery::default()));
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    let mut models = [(); 3].map(|()| Model::new(&server));
    for number in 0..60 {
        let chosen = dice.roll(models.len());
        let model = &mut models[chosen];
        let room = ROOMS[dice.roll(ROOMS.len())];
        match dice.roll(10) {
            0 if model.is_here => {
                model.client.emit("join", room);
                model.rooms.insert(room);
            }
            1 => model.come_back(&server),
            2 if model.is_here => model.stop_reading(),
            3 if model.is_here => model.leave(),
            4 => server.advance(Duration::from_millis(dice.roll(1000) as u64)),
            5 => {
                server.io().emit("e", &number).expect("sent");
                models.iter_mut().for_each(|model| model.due.push_back(number));
            }
            6 => {
                server.io().to(room).emit("e", &number).expect("sent");
                let members = models.iter_mut().filter(|model| model.rooms.contains(room));
                members.for_each(|model| model.due.push_back(number));
            }
            7 => {
                let handle = model.handle.clone();
                handle.broadcast().except(room).emit("e", &number).expect("sent");
                let others =
                    models.iter_mut().filter(|model| model.client.id() != handle.id().as_str());
                let others = others.filter(|model| !model.rooms.contains(room));
                others.for_each(|model| model.due.push_back(number));
            }
            8 => {
                model.handle.emit("e", &number).expect("kept");
                model.due.push_back(number);
            }
            9 => model.come_back_in_vain(&server),
            _ => {}
        }
        models.iter_mut().for_each(Model::read);
    }
    models.iter_mut().for_each(|model| model.come_back(&server));
    assert_eq!(server.io().sockets_count(), models.len());
}

#[test]
fn each_client_gets_what_is_for_it_once_and_in_order() {
    (0..300).for_each(play);
}
