//! To which rooms a node listens, whatever they and Redis do.

mod support;

use serde_json::json;
use socketio_core::{Data, Recovery, Socket, SocketIo, testing::TestClient};
use socketio_redis::{ShardedRedisAdapter, SubscriptionMode};

use self::support::{Nodes, RedisServer, eventually};

/// Two nodes, of which the second has a client.
struct Place {
    redis: RedisServer,
    nodes: Nodes,
    adapters: [ShardedRedisAdapter; 2],
    client: TestClient,
}

impl Place {
    fn start(mode: SubscriptionMode) -> Option<Self> {
        let redis = RedisServer::start()?;
        let adapters = [(); 2]
            .map(|()| ShardedRedisAdapter::builder(redis.target()).subscription_mode(mode).build());
        let mut nodes = Nodes::default();
        for adapter in &adapters {
            let builder = SocketIo::builder().recovery(Recovery::default());
            nodes.add_with(builder, adapter.clone());
        }
        nodes[1].io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        let client = nodes[1].connect();
        let place = Self { redis, nodes, adapters, client };
        eventually("both listen", || {
            let (_, count): (String, usize) =
                place.redis.query(&["PUBSUB", "SHARDNUMSUB", "socket.io#/#"]);
            (count == 2).then_some(())
        });
        Some(place)
    }

    /// Waits until these are the rooms that are listened to, but for those of sockets.
    #[track_caller]
    fn listens_to(&self, rooms: &[&str]) {
        let mut expected: Vec<_> =
            rooms.iter().map(|room| format!("socket.io#/#{room}#")).collect();
        expected.sort();
        self.nodes.until(&format!("{rooms:?}"), || {
            let mut channels: Vec<String> =
                self.redis.query(&["PUBSUB", "SHARDCHANNELS", "socket.io#/#room*"]);
            channels.sort();
            (channels == expected).then_some(())
        });
    }

    fn socket(&self) -> Socket {
        self.nodes[1].io().sockets().remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_rooms_come_and_go_and_those_that_stay_are_listened_to() {
    let Some(place) = Place::start(SubscriptionMode::Dynamic) else { return };
    let socket = place.socket();
    for _ in 0..20 {
        (0..500).for_each(|n| socket.join(format!("room {n}")));
        (0..500).for_each(|n| socket.leave(format!("room {n}")));
    }
    socket.join("room that stays");
    place.listens_to(&["room that stays"]);
    (0..3000).for_each(|n| socket.join(format!("room {n}")));
    eventually("all are listened to", || {
        let channels: Vec<String> =
            place.redis.query(&["PUBSUB", "SHARDCHANNELS", "socket.io#/#room*"]);
        (channels.len() == 3001).then_some(())
    });
    place.client.disconnect();
    place.listens_to(&[]);
    assert_eq!(place.nodes.reports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_redis_is_away_is_made_up_for() {
    let Some(mut place) = Place::start(SubscriptionMode::DynamicPrivate) else { return };
    let socket = place.socket();
    socket.join(["room a", "room b"]);
    place.listens_to(&["room a", "room b"]);
    place.redis.kill();
    eventually("it is missed", || (!place.adapters[1].stats().is_connected).then_some(()));
    socket.leave("room a");
    socket.join(["room c", "room d"]);
    socket.leave("room d");
    place.redis.restart();
    place.listens_to(&["room b", "room c"]);
    eventually("Redis is back", || place.adapters[0].stats().is_connected.then_some(()));
    for room in ["room a", "room b", "room c", place.client.id()] {
        place.nodes[0].io().to(room).emit("news", room).expect("sent");
    }
    for room in ["room b", "room c", place.client.id()] {
        assert_eq!(place.nodes.expect::<String>(&place.client, "news"), room);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_in_time_missed_nothing() {
    for mode in [SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate] {
        let Some(place) = Place::start(mode) else { return };
        let Place { nodes, client, .. } = &place;
        client.emit("join", "room");
        place.listens_to(&["room"]);
        let others = nodes[0].io();
        others.to("room").emit("news", &1).expect("sent");
        let event = nodes.until("news", || client.next_event());
        client.connection().close();
        let received = place.adapters[1].stats().received;
        others.to("room").emit("news", &2).expect("sent");
        others.to(client.id()).emit("news", &3).expect("sent");
        nodes.until("both are there", || {
            (place.adapters[1].stats().received >= received + 2).then_some(())
        });
        let auth = json!({ "pid": client.recovery_id(), "offset": event.offset() });
        let back = nodes[1].connect_to("/", &auth).expect("let in");
        assert_eq!(back.id(), client.id());
        assert_eq!([(); 2].map(|()| nodes.expect::<u32>(&back, "news")), [2, 3]);
        place.listens_to(&["room"]);
        back.connection().close();
        nodes.advance(Recovery::default().max_disconnection_duration);
        place.listens_to(&[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_too_old_is_reported() {
    let options = ["--rename-command", "SSUBSCRIBE", ""];
    let Some(redis) = RedisServer::start_with(&options) else { return };
    let nodes = Nodes::with([ShardedRedisAdapter::new(redis.target())]);
    let report = nodes.until("a report", || nodes.reports().pop());
    assert!(report.contains("unknown command 'SSUBSCRIBE'"), "{report}");
}
