//! What a broadcast costs up to the edge of the core: serialised once, queued for every member,
//! and taken by every pump. No network.

use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use socketio_core::{
    Data, Socket, SocketIo,
    testing::{TestClient, TestServer},
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const MEMBERS: usize = 1000;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn broadcast_to_room(bencher: Bencher<'_, '_>) {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    let members: Vec<TestClient> = (0..MEMBERS)
        .map(|_| {
            let member = server.connect();
            member.emit("join", "room");
            member
        })
        .collect();
    let payload = "x".repeat(64);
    bencher
        .counter(ItemsCount::new(MEMBERS))
        .with_inputs(|| {
            // What the round before has sent goes here, outside of the measured time.
            for member in &members {
                while member.connection().next_frame().is_some() {}
            }
        })
        .bench_local_values(|()| {
            server.io().to("room").emit("news", &payload).expect("an event");
            server.run();
        });
    let last = members.last().map(|member| member.expect::<String>("news"));
    assert_eq!(last, Some(payload));
}
