//! Clients who come back while their end is under way, or while others send to them.

use std::{
    cell::Cell,
    collections::HashMap,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_executor::{LocalPool, block_on};
use futures_util::{FutureExt, Sink, Stream, StreamExt, task::LocalSpawnExt};
use serde_json::Value;
use socketio_core::{Endpoint, Frame, Recovery, SocketIo, WebSocketError, testing::TestClock};

mod support;

/// The server's end of a websocket.
struct ServerEnd {
    frames: UnboundedReceiver<Frame>,
    client: Sender<Frame>,
}

impl Stream for ServerEnd {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.frames.poll_next_unpin(cx).map(|frame| frame.map(Ok))
    }
}

impl Sink<Frame> for ServerEnd {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), Self::Error> {
        self.client.send(frame).map_err(|_| WebSocketError::Io)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }
}

/// The client's end. Dropping it breaks the connection.
struct ClientEnd {
    frames: Receiver<Frame>,
    server: UnboundedSender<Frame>,
}

impl ClientEnd {
    /// Opens a connection, and gives what serves it.
    fn open(endpoint: &Endpoint) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let upgrade = support::upgrade(endpoint, None);
        let (server, from_client) = unbounded();
        let (client, frames) = channel();
        (Self { frames, server }, upgrade.serve(ServerEnd { frames: from_client, client }))
    }

    /// As [`open`](Self::open), on a thread of its own.
    fn open_on_thread(endpoint: &Endpoint) -> Self {
        let (end, served) = Self::open(endpoint);
        thread::spawn(move || block_on(served));
        end
    }

    fn send(&self, text: String) {
        self.server.unbounded_send(Frame::Text(text.into())).expect("a connection");
    }

    /// The next packet: what it begins with, and its JSON.
    fn next(&self) -> (String, Value) {
        match self.frames.recv_timeout(Duration::from_secs(20)) {
            Ok(Frame::Text(text)) => {
                let (kind, json) =
                    str::split_at(&text, text.find(['[', '{']).unwrap_or(text.len()));
                (kind.to_owned(), serde_json::from_str(json).unwrap_or_default())
            }
            other => panic!("no packet: {other:?}"),
        }
    }
}

/// What the client knows of its socket.
#[derive(Default)]
struct Client {
    ids: Option<(Value, Value)>,
    offset: Option<String>,
    /// How many events of each sender it had.
    seen: HashMap<String, u64>,
}

impl Client {
    fn join(&mut self, end: &ClientEnd) {
        self.ask(end);
        self.take_answer(end);
    }

    fn ask(&self, end: &ClientEnd) {
        let auth = match &self.ids {
            Some((_, pid)) => serde_json::json!({ "pid": pid, "offset": self.offset }),
            None => serde_json::json!({}),
        };
        end.send(format!("40{auth}"));
    }

    fn take_answer(&mut self, end: &ClientEnd) {
        loop {
            match end.next() {
                (kind, answer) if kind == "40" => {
                    let ids = (answer["sid"].clone(), answer["pid"].clone());
                    assert_eq!(*self.ids.get_or_insert_with(|| ids.clone()), ids);
                    return;
                }
                packet => self.see(packet),
            }
        }
    }

    fn see(&mut self, (kind, event): (String, Value)) {
        if kind != "42" {
            return assert_eq!(kind, "0");
        }
        let offset = event[2].as_str().expect("an offset").to_owned();
        let number = |offset: &str| offset.parse::<u64>().expect("a number");
        assert!(self.offset.as_deref().is_none_or(|last| number(last) < number(&offset)));
        self.offset = Some(offset);
        let seen = self.seen.entry(event[0].to_string()).or_default();
        assert_eq!(event[1], *seen, "{event}");
        *seen += 1;
    }

    fn has_all(&self) -> bool {
        self.seen.len() == 3 && self.seen.values().all(|seen| *seen == EVENTS)
    }
}

fn server() -> (SocketIo, Endpoint) {
    build(Recovery::default())
}

fn build(recovery: Recovery) -> (SocketIo, Endpoint) {
    let clock = Arc::new(TestClock::default());
    let builder = SocketIo::builder().recovery(recovery).clock(clock);
    let io = builder.build().expect("valid options");
    let endpoint = Endpoint::from(&io);
    (io, endpoint)
}

#[test]
fn a_connection_ends_when_its_client_is_back_over_another() {
    let (_io, endpoint) = server();
    let mut pool = LocalPool::new();
    let mut client = Client::default();
    let (end, former) = ClientEnd::open(&endpoint);
    let is_over = Rc::new(Cell::new(false));
    let kept = Rc::clone(&is_over);
    let former = async move {
        former.await;
        kept.set(true);
    };
    pool.spawner().spawn_local(former).expect("the pool runs");
    client.ask(&end);
    pool.run_until_stalled();
    client.take_answer(&end);
    // The client is back before the server looks at the end.
    drop(end);
    let (end, served) = ClientEnd::open(&endpoint);
    let mut served = Box::pin(served);
    client.ask(&end);
    assert!((&mut served).now_or_never().is_none());
    client.take_answer(&end);
    pool.run_until_stalled();
    assert!(is_over.get());
}

#[test]
fn a_task_that_is_dropped_leaves_nobody_to_be_waited_for() {
    let (io, endpoint) = build(Recovery { max_bytes: 1000, ..Recovery::default() });
    let mut client = Client::default();
    let (end, former) = ClientEnd::open(&endpoint);
    let mut former = Box::pin(former);
    client.ask(&end);
    assert!((&mut former).now_or_never().is_none());
    client.take_answer(&end);
    let token = Arc::new(());
    io.sockets()[0].extensions().insert(Arc::clone(&token));
    // Too much for the client to get its socket back, whose end comes first all the same.
    io.emit("large", &"x".repeat(1000)).expect("sent");
    let (end, served) = ClientEnd::open(&endpoint);
    client.ask(&end);
    let mut served = Box::pin(served);
    assert!((&mut served).now_or_never().is_none());
    assert!(io.sockets()[0].extensions().get::<Arc<()>>().is_none());
    drop(former);
    assert_eq!(Arc::strong_count(&token), 1);
}

const EVENTS: u64 = 2000;

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    let (io, endpoint) = server();
    let mut client = Client::default();
    let mut end = ClientEnd::open_on_thread(&endpoint);
    client.join(&end);
    let first = io.sockets().remove(0);
    first.join("room");
    let senders: [Box<dyn Fn(u64) + Send>; 3] = [
        Box::new({
            let io = io.clone();
            move |n| io.emit("all", &n).expect("sent")
        }),
        Box::new({
            let io = io.clone();
            move |n| io.to("room").except("nobody").emit("room", &n).expect("sent")
        }),
        // The handle of a socket that is soon gone serves for those that come back.
        Box::new(move |n| first.emit("one", &n).expect("kept")),
    ];
    let senders = senders.map(|send| {
        thread::spawn(move || {
            for n in 0..EVENTS {
                send(n);
                if n % 16 == 0 {
                    thread::yield_now();
                }
            }
        })
    });
    for returns in 0.. {
        for _ in 0..returns % 40 {
            if client.has_all() {
                break;
            }
            client.see(end.next());
        }
        if client.has_all() {
            break;
        }
        let former = std::mem::replace(&mut end, ClientEnd::open_on_thread(&endpoint));
        // Every other time it is back before the server can know that it went.
        let former = (returns % 2 == 0).then_some(former);
        client.join(&end);
        drop(former);
    }
    senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
    assert_eq!(io.sockets_count(), 1);
    drop(end);
    // No driver waits for ever.
    block_on(io.close());
}

#[test]
fn of_many_who_come_with_one_key_one_at_a_time_has_the_socket() {
    let (io, endpoint) = server();
    let mut client = Client::default();
    let end = ClientEnd::open_on_thread(&endpoint);
    client.join(&end);
    let (sid, pid) = client.ids.clone().expect("an answer");
    let former = io.sockets().remove(0);
    former.join("room");
    let rivals = [(); 4].map(|()| {
        let (endpoint, io) = (endpoint.clone(), io.clone());
        let (sid, auth) = (sid.clone(), serde_json::json!({ "pid": pid }));
        thread::spawn(move || {
            for n in 0..100 {
                let end = ClientEnd::open_on_thread(&endpoint);
                end.send(format!("40{auth}"));
                io.to("room").emit("e", &n).expect("sent");
                // A rival may be faster and close the connection.
                while let Ok(Frame::Text(text)) = end.frames.recv() {
                    if text.starts_with("40") {
                        break;
                    }
                }
                let same = io.sockets().into_iter().filter(|socket| sid == socket.id().as_str());
                assert!(same.count() <= 1);
            }
        })
    });
    rivals.into_iter().for_each(|rival| rival.join().expect("no panic"));
    drop(end);
    let end = ClientEnd::open_on_thread(&endpoint);
    // It is still there for who comes last.
    client.ask(&end);
    while end.next().0 != "40" {}
    assert_eq!(io.to("room").sockets().len(), 1);
    drop(end);
    block_on(io.close());
}
