//! What it costs to bring an event to its handler and the acknowledgement to its client. No network.

use divan::{AllocProfiler, Bencher};
use operations::{Client, server, text};
use socketio_core::{Data, EventContext, Handler, RawArgs};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

type Args = (String, u32);

fn main() {
    divan::main();
}

#[divan::bench]
fn raw_args(bencher: Bencher<'_, '_>) {
    ask(bencher, |args: RawArgs| args);
}

#[divan::bench]
fn data(bencher: Bencher<'_, '_>) {
    ask(bencher, |data: Data<Args>| data);
}

#[divan::bench]
fn data_async(bencher: Bencher<'_, '_>) {
    ask(bencher, async |data: Data<Args>| data);
}

#[divan::bench]
fn data_that_does_not_fit(bencher: Bencher<'_, '_>) {
    ask(bencher, |data: Data<Vec<u32>>| data);
}

fn ask<M: 'static>(bencher: Bencher<'_, '_>, handler: impl Handler<EventContext, M>) {
    let (endpoint, io) = server();
    io.on("event", handler);
    let mut client = Client::connect(&endpoint);
    let event = text(&format!(r#"421["event","{}",7]"#, "x".repeat(64)));
    bencher.bench_local(|| {
        client.send(&event);
        client.receive()
    });
}
