//! Whatever clients, nodes and the log between them do, each client gets what is for it, on whichever
//! node it is.

mod support;

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use serde_json::json;
use socketio_core::{
    Data, Recovery, Socket, SocketIo,
    testing::{Delivery, TestClient, TestCluster, TestServer},
};

use self::support::Dice;

const ROOMS: [&str; 2] = ["a", "b"];
const NODES: usize = 3;

/// A client, and what it is to get.
struct Model {
    client: TestClient,
    node: usize,
    offset: Option<String>,
    rooms: HashSet<&'static str>,
    reads: bool,
    is_here: bool,
    due: VecDeque<u64>,
    /// What it has got, where some may come twice and in another order.
    had: Option<HashSet<u64>>,
}

impl Model {
    fn new(cluster: &TestCluster, node: usize, may_repeat: bool) -> Self {
        Self {
            client: cluster[node].connect(),
            node,
            offset: None,
            rooms: HashSet::new(),
            reads: true,
            is_here: true,
            due: VecDeque::new(),
            had: may_repeat.then(HashSet::new),
        }
    }

    fn socket(&self, cluster: &TestCluster) -> Option<Socket> {
        let sockets = cluster[self.node].io().sockets();
        sockets.into_iter().find(|socket| socket.id().as_str() == self.client.id())
    }

    /// Takes what came, if the client reads.
    fn read(&mut self) {
        if !self.is_here || !self.reads {
            return;
        }
        while let Some(event) = self.client.next_event() {
            let number = event.args.parse::<(u64, String)>().expect("a number and an offset").0;
            self.offset = Some(event.offset());
            match &mut self.had {
                None => assert_eq!(Some(number), self.due.pop_front()),
                Some(had) => {
                    let position = self.due.iter().position(|due| *due == number);
                    assert!(position.is_some() || had.contains(&number), "{number} is not for it");
                    position.and_then(|position| self.due.remove(position));
                    had.insert(number);
                }
            }
        }
    }

    fn join(&mut self, room: &'static str) {
        self.client.emit("join", room);
        self.rooms.insert(room);
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

    /// Is back over another connection, on a node.
    fn come_back(&mut self, cluster: &TestCluster, node: usize) {
        if self.is_here && node != self.node {
            // Another node does not know yet that it has left.
            self.leave();
        }
        self.read();
        let back = cluster[node].connect_to("/", &self.auth()).expect("let in");
        assert_eq!(back.id(), self.client.id());
        self.client = back;
        (self.is_here, self.reads, self.node) = (true, true, node);
        self.read();
    }

    /// Is back, but its connection breaks before it gets anything, or is even let in.
    fn come_back_in_vain(&mut self, cluster: &TestCluster, node: usize, is_slow: bool) {
        self.leave();
        cluster.hold_log_answers(node, is_slow);
        let connection = cluster[node].open();
        connection.request_join("/", &self.auth());
        connection.close();
        cluster.hold_log_answers(node, false);
        if !is_slow {
            // Otherwise that node has not had it.
            self.node = node;
        }
    }

    fn auth(&self) -> serde_json::Value {
        json!({ "pid": self.client.recovery_id(), "offset": self.offset })
    }
}

fn set_up(server: &TestServer) {
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
}

fn play(seed: u64, has_outages: bool) {
    let mut dice = Dice(seed);
    let builder = || SocketIo::builder().recovery(Recovery::default());
    let cluster = TestCluster::logged(NODES, builder);
    (0..NODES).for_each(|node| set_up(&cluster[node]));
    let delay = Duration::from_millis(dice.roll(3) as u64 * 20);
    cluster.on_message(move |_, to, _| match to {
        0 => Delivery::Late(delay),
        _ => Delivery::AtOnce,
    });
    let mut models: Vec<_> =
        (0..3).map(|node| Model::new(&cluster, node % NODES, has_outages)).collect();
    if has_outages {
        models[0].join("a");
        models[1].join("b");
    }
    let mut is_cut_off = [false; NODES];
    for number in 0..60 {
        let chosen = dice.roll(models.len());
        let sender = dice.roll(NODES);
        let model = &mut models[chosen];
        let room = ROOMS[dice.roll(ROOMS.len())];
        // Who is away is where its node or the log knows it.
        let node = match is_cut_off[model.node] {
            true => model.node,
            false => Some(dice.roll(NODES)).filter(|node| !is_cut_off[*node]).unwrap_or(model.node),
        };
        match dice.roll(11) {
            // Which rooms a client is in counts when an event arrives, and that may take an outage.
            0 if model.is_here && !has_outages => {
                cluster.advance(delay);
                model.join(room);
            }
            1 => model.come_back(&cluster, node),
            2 if model.is_here => model.stop_reading(),
            3 if model.is_here => model.leave(),
            4 => cluster.advance(Duration::from_millis(dice.roll(1000) as u64)),
            5 => {
                cluster[sender].io().emit("e", &number).expect("sent");
                models.iter_mut().for_each(|model| model.due.push_back(number));
            }
            6 => {
                cluster[sender].io().to(room).emit("e", &number).expect("sent");
                let members = models.iter_mut().filter(|model| model.rooms.contains(room));
                members.for_each(|model| model.due.push_back(number));
            }
            7 => {
                cluster[sender].io().except(room).emit("e", &number).expect("sent");
                let others = models.iter_mut().filter(|model| !model.rooms.contains(room));
                others.for_each(|model| model.due.push_back(number));
            }
            8 => {
                if let Some(socket) = model.socket(&cluster) {
                    socket.emit("e", &number).expect("sent");
                    model.due.push_back(number);
                }
            }
            9 => model.come_back_in_vain(&cluster, node, dice.roll(2) == 0),
            10 if has_outages => {
                is_cut_off[sender] = !is_cut_off[sender];
                cluster.set_log_reachable(sender, !is_cut_off[sender]);
            }
            _ => {}
        }
        if dice.roll(2) == 0 {
            cluster.advance(delay);
        }
        models.iter_mut().for_each(Model::read);
    }
    (0..NODES).for_each(|node| cluster.set_log_reachable(node, true));
    cluster.advance(Duration::from_secs(1));
    for model in &mut models {
        model.come_back(&cluster, dice.roll(NODES));
        cluster.advance(delay);
        model.read();
        assert!(model.due.is_empty(), "seed {seed}: {:?} did not come", model.due);
    }
}

#[test]
fn each_client_gets_what_is_for_it_once_and_in_order() {
    (0..300).for_each(|seed| play(seed, false));
}

#[test]
fn each_client_gets_what_is_for_it_though_nodes_are_cut_off_from_the_log() {
    (0..300).for_each(|seed| play(seed, true));
}
