//! Engine.IO without Socket.IO.

mod support;

use std::{
    future::{Ready, pending},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_executor::LocalPool;
use futures_util::{FutureExt, task::LocalSpawnExt};
use socketio_core::{Endpoint, EngineIo, EngineSocket, testing::TestClock};

use self::support::{WebSocket, accept, head, upgrade};

/// A server whose handler is given, with no time passing.
fn engine<Fut>(handler: impl Fn(EngineSocket) -> Fut + Send + Sync + 'static) -> EngineIo
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let builder = EngineIo::builder().clock(Arc::new(TestClock::default()));
    builder.build_engine(handler).expect("valid options")
}

/// Runs a future beside the others until all of them wait.
fn spawn(pool: &mut LocalPool, future: impl Future<Output = ()> + 'static) {
    pool.spawner().spawn_local(future).expect("the pool runs");
    pool.run_until_stalled();
}

#[test]
fn a_socket_may_be_read_on_another_task() {
    let handed_over = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&handed_over);
    let engine = engine(move |socket| {
        *slot.lock().expect("no panic") = Some(socket);
        pending()
    });
    let mut pool = LocalPool::new();
    let websocket = WebSocket::default();
    spawn(&mut pool, upgrade(&Endpoint::from(&engine), None).serve(websocket.clone()));
    // More than are read ahead.
    for n in 0..200 {
        websocket.send_text(&format!("4{n}"));
    }
    pool.run_until_stalled();
    let mut socket = handed_over.lock().expect("no panic").take().expect("a session");
    let received = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&received);
    spawn(&mut pool, async move {
        while socket.recv().await.is_some() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(received.load(Ordering::Relaxed), 200);
}

#[test]
fn a_flood_of_messages_does_not_keep_the_answers_from_being_written() {
    let engine = engine(async |mut socket: EngineSocket| {
        while socket.recv().await.is_some() {
            if socket.send(Bytes::from(vec![0; 4096])).is_err() {
                break;
            }
        }
    });
    let websocket = WebSocket::default();
    for _ in 0..5000 {
        websocket.send_text("4x");
    }
    // All answers together are more than may wait.
    let mut pool = LocalPool::new();
    spawn(&mut pool, upgrade(&Endpoint::from(&engine), None).serve(websocket.clone()));
    assert_eq!(websocket.taken(), 1 + 5000);
}

#[test]
fn a_handler_that_panics_before_its_future_leaves_no_session() {
    let engine = engine(|_| -> Ready<()> { panic!("a bug") });
    let endpoint = Endpoint::from(&engine);
    // Whether the panic gets as far as here does not matter.
    let polling = head(&endpoint, "polling", None);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(accept(&endpoint, &polling))));
    assert_eq!(engine.clients_count(), 0);
    let websocket = upgrade(&endpoint, None).serve(WebSocket::default());
    let _ = catch_unwind(AssertUnwindSafe(|| websocket.now_or_never()));
    assert_eq!(engine.clients_count(), 0);
}
