//! Servers that are one cluster, over a bus that does what it likes, in memory.

use std::{
    cell::Cell,
    collections::BTreeSet,
    future::IntoFuture,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arbitrary::Arbitrary;
use serde_json::json;
use socketio_core::{
    BroadcastOperator, BroadcastOptions, Builder, ClusterMessage, Data, NodeId, RawArgs, Recovery,
    RemoteSocket, RequestId, SocketIo,
    testing::{Delivery, TestClient, TestCluster, TestServer},
};

use crate::input::List;

/// What lies between the nodes, and what happens.
#[derive(Arbitrary, Clone, Debug)]
pub struct Input(Bus, List<Operation, 60>);

/// How nodes know of each other, and what they share.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// The bus counts them.
    Counted,
    /// They say that they are there.
    Heartbeats,
    /// They share a log, and recover each other's clients.
    Logged,
}

impl Bus {
    fn builder(self) -> Builder {
        match self {
            Self::Counted | Self::Heartbeats => SocketIo::builder(),
            Self::Logged => SocketIo::builder().recovery(Recovery::default()),
        }
    }
}

/// Nodes and clients are named by a number, modulo those that there are.
#[derive(Arbitrary, Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    Acknowledge(u8),
    AddNode,
    Advance {
        ten_ms: u16,
    },
    Ask(u8, Whom),
    AskNodes(u8),
    Broadcast(u8, Whom),
    Close(u8),
    /// A client is back, on any node, and has the offset of an event or another text.
    ComeBack {
        client: u8,
        node: u8,
        offset: Offset,
    },
    Connect(u8),
    Crash(u8),
    /// A node loses the log, or has it again.
    Cut(u8, bool),
    Disconnect(u8, Whom),
    Fetch(u8, Whom),
    Forge(Message, bool),
    Join(u8, Whom, Room),
    Leave(u8, Whom, Room),
    /// What becomes of the next messages, over and over.
    Weather(List<Fate, 8>),
}

/// Who is selected.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Whom {
    room: Option<Room>,
    except: Option<Room>,
    is_local: bool,
}

/// Where a client says that it is.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Offset {
    Anywhere(u64, u64),
    AtLast,
    No,
}

/// One of few rooms.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Room {
    Blue,
    Red,
}

/// What becomes of a message.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Fate {
    AtOnce,
    Late(u8),
    Lost,
    Twice,
}

/// A message that nobody would send.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Message {
    Ack,
    Close,
    Count(u32),
    Event,
    Fetch,
    Heartbeat,
    Question,
    Sockets,
}

const NODES: usize = 3;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Nothing panics, whoever asks gets an end in time, nobody is told of twice, and once the bus does
/// what it should, everyone is reached and found.
pub fn check(Input(bus, operations): &Input) {
    let cluster = match bus {
        Bus::Counted => TestCluster::counted(NODES, || bus.builder()),
        Bus::Heartbeats => TestCluster::new(NODES, || bus.builder()),
        Bus::Logged => TestCluster::logged(NODES, || bus.builder()),
    };
    let (clients, up, asked) = (Vec::new(), Vec::new(), Rc::default());
    let mut world = World { bus: *bus, cluster, clients, up, asked };
    for node in 0..NODES {
        world.begin(node);
        world.connect(node);
    }
    operations.0.iter().for_each(|operation| world.apply(operation));
    world.settle();
}

struct World {
    bus: Bus,
    cluster: TestCluster,
    /// With the numbers of their nodes.
    clients: Vec<(usize, TestClient)>,
    /// The nodes that have not crashed.
    up: Vec<usize>,
    /// How many questions are open.
    asked: Rc<Cell<usize>>,
}

impl World {
    fn begin(&mut self, node: usize) {
        self.up.push(node);
        self.cluster[node].io().on_server_event("number", move || Data(node));
    }

    fn connect(&mut self, node: usize) {
        self.clients.push((node, self.cluster[node].connect()));
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Acknowledge(client) => {
                if let Some(client) = self.client(*client) {
                    while let Some(event) = client.next_event() {
                        if event.name == "question" {
                            client.acknowledge(&event, &1);
                        }
                    }
                }
            }
            Operation::AddNode if self.up.len() < 2 * NODES => {
                let node = self.cluster.len();
                self.cluster.add(self.bus.builder());
                self.begin(node);
                self.connect(node);
            }
            Operation::AddNode => {}
            Operation::Advance { ten_ms } => {
                self.cluster.advance(Duration::from_millis(u64::from(*ten_ms) * 10));
            }
            Operation::Ask(node, whom) => {
                let question = self.operator(*node, *whom).timeout(TIMEOUT);
                let replies = question.emit_with_ack::<u32>("question", &()).expect("sent");
                self.watch(replies.into_future(), drop);
            }
            Operation::AskNodes(node) => {
                let io = self.node(*node).io();
                let answers = io.server_side_emit_with_ack::<usize>("number", &()).expect("sent");
                self.watch(answers.into_future(), |answers| {
                    let answers = answers.unwrap_or_else(|missing| missing.answers);
                    let nodes: BTreeSet<_> = answers.iter().collect();
                    assert_eq!(nodes.len(), answers.len(), "a node answers once");
                });
            }
            Operation::Broadcast(node, whom) => {
                self.operator(*node, *whom).emit("news", &()).expect("sent");
            }
            Operation::Close(client) => {
                if let Some(client) = self.client(*client) {
                    client.connection().close();
                }
            }
            Operation::ComeBack { client, node, offset } if self.bus == Bus::Logged => {
                let node = self.up[usize::from(*node) % self.up.len()];
                let index = usize::from(*client).checked_rem(self.clients.len());
                if let Some((_, client)) = index.map(|index| self.clients.remove(index)) {
                    let events = std::iter::from_fn(|| client.next_event());
                    let last = events.filter(|event| event.name == "news").last();
                    let offset = match offset {
                        Offset::Anywhere(major, minor) => Some(format!("{major}-{minor}")),
                        Offset::AtLast => last.map(|event| event.offset()),
                        Offset::No => None,
                    };
                    client.connection().close();
                    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
                    let back = self.cluster[node].connect_to("/", &auth).expect("let in");
                    self.clients.push((node, back));
                }
            }
            Operation::ComeBack { .. } => {}
            Operation::Connect(node) => {
                let node = self.up[usize::from(*node) % self.up.len()];
                self.connect(node);
            }
            Operation::Crash(node) => {
                let index = usize::from(*node) % self.up.len();
                if self.up.len() > 1 {
                    let node = self.up.remove(index);
                    self.cluster.crash(node);
                    self.clients.retain(|(of, _)| *of != node);
                }
            }
            Operation::Cut(node, is_cut) if self.bus == Bus::Logged => {
                let node = self.up[usize::from(*node) % self.up.len()];
                self.cluster.set_log_reachable(node, !is_cut);
            }
            Operation::Cut(..) => {}
            Operation::Disconnect(node, whom) => self.operator(*node, *whom).disconnect(true),
            Operation::Fetch(node, whom) => {
                let sockets = self.operator(*node, *whom).fetch_sockets();
                self.watch(sockets, |sockets| {
                    let sockets = sockets.unwrap_or_else(|missing| missing.sockets);
                    assert_eq!(ids(&sockets).len(), sockets.len(), "each is found once");
                });
            }
            Operation::Forge(message, is_emitters) => {
                let from = is_emitters.then(|| NodeId::new("emitter"));
                self.cluster.inject("/", from.as_ref(), &message.forge());
            }
            Operation::Join(node, whom, room) => self.operator(*node, *whom).join(room.name()),
            Operation::Leave(node, whom, room) => self.operator(*node, *whom).leave(room.name()),
            Operation::Weather(fates) => {
                let fates = fates.0.clone();
                let next = Arc::new(Mutex::new(0));
                self.cluster.on_message(move |_, _, _| {
                    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                    *next += 1;
                    match fates.get(*next % fates.len().max(1)) {
                        None | Some(Fate::AtOnce) => Delivery::AtOnce,
                        Some(Fate::Late(tenths)) => {
                            Delivery::Late(Duration::from_millis(u64::from(*tenths) * 100))
                        }
                        Some(Fate::Lost) => Delivery::Lost,
                        Some(Fate::Twice) => Delivery::Twice,
                    }
                });
            }
        }
    }

    /// The bus is good again.
    fn settle(&mut self) {
        self.cluster.on_message(|_, _, _| Delivery::AtOnce);
        if self.bus == Bus::Logged {
            self.up.iter().for_each(|node| self.cluster.set_log_reachable(*node, true));
        }
        self.cluster.advance(Duration::from_secs(60));
        assert_eq!(self.asked.get(), 0, "every question has an end");
        self.clients.retain(|(_, client)| client.is_connected());
        for node in self.up.clone() {
            self.connect(node);
        }
        let everyone: BTreeSet<_> =
            self.clients.iter().map(|(_, client)| client.id().to_owned()).collect();
        for (_, client) in &self.clients {
            while client.next_event().is_some() {}
        }
        for node in self.up.clone() {
            self.cluster[node].io().emit("news", &node).expect("sent");
            for (_, client) in &self.clients {
                let news = client.expect_event("news");
                assert_eq!(news.args.iter().next(), Some(&*node.to_string()));
                client.expect_nothing();
            }
            let everyone = everyone.clone();
            self.watch(self.cluster[node].io().fetch_sockets(), move |sockets| {
                assert_eq!(ids(&sockets.expect("all nodes are there")), everyone);
            });
        }
        self.cluster.advance(TIMEOUT);
        assert_eq!(self.asked.get(), 0);
    }

    /// A question has an end, and its answer is looked at.
    fn watch<T>(&self, answer: impl Future<Output = T> + 'static, look: impl FnOnce(T) + 'static) {
        let asked = Rc::clone(&self.asked);
        asked.set(asked.get() + 1);
        self.cluster[self.up[0]].spawn(async move {
            look(answer.await);
            asked.set(asked.get() - 1);
        });
    }

    fn operator(&self, node: u8, whom: Whom) -> BroadcastOperator {
        let mut operator = self.node(node).io().timeout(TIMEOUT);
        if let Some(room) = whom.room {
            operator = operator.to(room.name());
        }
        if let Some(room) = whom.except {
            operator = operator.except(room.name());
        }
        if whom.is_local { operator.local() } else { operator }
    }

    fn node(&self, node: u8) -> &TestServer {
        &self.cluster[self.up[usize::from(node) % self.up.len()]]
    }

    fn client(&self, client: u8) -> Option<&TestClient> {
        let index = usize::from(client).checked_rem(self.clients.len())?;
        Some(&self.clients[index].1)
    }
}

impl Room {
    fn name(self) -> &'static str {
        match self {
            Room::Blue => "blue",
            Room::Red => "red",
        }
    }
}

impl Message {
    fn forge(self) -> ClusterMessage {
        let (request, options) = (RequestId::new("forged"), BroadcastOptions::default());
        let answer = RawArgs::default();
        match self {
            Message::Ack => ClusterMessage::BroadcastAck { request, socket: None, answer },
            Message::Close => ClusterMessage::AdapterClose,
            Message::Count(count) => {
                ClusterMessage::BroadcastClientCount { request, count: count as usize }
            }
            Message::Event => {
                let (name, request) = ("disconnect".into(), None);
                ClusterMessage::Broadcast { options, name, args: answer, request }
            }
            Message::Fetch => ClusterMessage::FetchSockets { options, request },
            Message::Heartbeat => ClusterMessage::InitialHeartbeat,
            Message::Question => {
                let (name, request) = ("question".into(), Some(request));
                ClusterMessage::Broadcast { options, name, args: answer, request }
            }
            Message::Sockets => {
                ClusterMessage::FetchSocketsResponse { request, sockets: Vec::new() }
            }
        }
    }
}

fn ids(sockets: &[RemoteSocket]) -> BTreeSet<String> {
    sockets.iter().map(|socket| socket.id().to_owned()).collect()
}
