use std::{cell::RefCell, fmt, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_executor::{LocalPool, LocalSpawner};
use futures_util::{
    future::{self, AbortHandle},
    stream,
    task::LocalSpawnExt,
};
use http::{Request, Response, StatusCode, header};
use serde::Serialize;

use super::{
    client::{TestClient, TestConnection, WeakConnection},
    clock::TestClock,
    websocket::{ServerEnd, Wire},
};
use crate::{
    accept::{Accept, Endpoint},
    clock::Clock,
    config::Builder,
    error::ConnectError,
    server::SocketIo,
};

/// A server without a network. Clones are the same server.
#[derive(Clone)]
pub struct TestServer(Rc<Inner>);

struct Inner {
    io: SocketIo,
    endpoint: Endpoint,
    world: Rc<World>,
}

/// What servers have in common that stand beside each other.
struct World {
    clock: TestClock,
    pool: RefCell<LocalPool>,
    spawner: LocalSpawner,
    /// Whose pings are to be answered while time passes.
    connections: RefCell<Vec<WeakConnection>>,
}

impl TestServer {
    /// Builds a server with a [`TestClock`].
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn new(builder: Builder) -> Self {
        Self::with_clock(TestClock::default(), builder)
    }

    pub(super) fn with_clock(clock: TestClock, builder: Builder) -> Self {
        let pool = LocalPool::new();
        let spawner = pool.spawner();
        let world =
            World { clock, pool: RefCell::new(pool), spawner, connections: RefCell::default() };
        Self::within(Rc::new(world), builder)
    }

    /// Builds another server, with the same clock: what runs one runs both, and time passes for
    /// both.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn beside(&self, builder: Builder) -> Self {
        Self::within(Rc::clone(&self.0.world), builder)
    }

    fn within(world: Rc<World>, builder: Builder) -> Self {
        let io = builder.clock(Arc::new(world.clock.clone())).build().expect("valid options");
        let endpoint = Endpoint::from(&io);
        Self(Rc::new(Inner { io, endpoint, world }))
    }

    /// The server under test.
    pub fn io(&self) -> &SocketIo {
        &self.0.io
    }

    /// The time it sees.
    pub fn clock(&self) -> &TestClock {
        &self.0.world.clock
    }

    /// Connects a client to `/`.
    ///
    /// # Panics
    /// If it is refused.
    pub fn connect(&self) -> TestClient {
        match self.connect_to("/", &()) {
            Ok(client) => client,
            Err(error) => panic!("refused: {error}"),
        }
    }

    /// Connects a client to a namespace with an auth payload, a JSON object or `()`.
    ///
    /// # Errors
    /// The server refused it.
    pub fn connect_to(
        &self,
        namespace: &str,
        auth: &impl Serialize,
    ) -> Result<TestClient, ConnectError> {
        self.open().join(namespace, auth)
    }

    /// Opens a connection by websocket that has joined no namespace yet.
    pub fn open(&self) -> TestConnection {
        self.open_with(Request::new(Bytes::new()))
    }

    /// As [`open`](Self::open), with the headers and extensions of a request.
    pub fn open_with(&self, request: Request<Bytes>) -> TestConnection {
        let (mut head, body) = request.into_parts();
        head.uri = "/socket.io/?EIO=4&transport=websocket".parse().expect("a URI");
        let wire = self.upgrade(Request::from_parts(head, body));
        TestConnection::new(self.clone(), wire)
    }

    /// As [`open`](Self::open), but with parameters of the client's own, such as `EIO=3` for one of
    /// the versions 1.x and 2.x. Such a client is in `/` at once; speak to it in frames, and have it
    /// ping with `2` when time passes.
    ///
    /// # Panics
    /// If it is not let in.
    pub fn open_query(&self, query: &str) -> TestConnection {
        TestConnection::new(self.clone(), self.upgrade(websocket(query)))
    }

    /// Upgrades a polling session, whose id the client knows, up to the open websocket.
    ///
    /// # Panics
    /// If the websocket is refused.
    pub fn open_probe(&self, sid: &str) -> TestConnection {
        self.open_probe_query(&format!("EIO=4&sid={sid}"))
    }

    /// As [`open_probe`](Self::open_probe), but with parameters of the client's own.
    ///
    /// # Panics
    /// If the websocket is refused.
    pub fn open_probe_query(&self, query: &str) -> TestConnection {
        TestConnection::bare(self.clone(), self.upgrade(websocket(query)))
    }

    /// Sends a request as a framework would. The response may take its time.
    pub fn request(&self, request: Request<Bytes>) -> TestResponse {
        let (head, body) = request.into_parts();
        let endpoint = self.0.endpoint.clone();
        let server = self.clone();
        let response = async move {
            match endpoint.accept(&head).await {
                Accept::Respond(response) => response,
                Accept::Open(response, driver) => {
                    server.spawn(driver);
                    response
                }
                Accept::Poll(poll) => poll.await,
                Accept::Receive(receive) => {
                    let body: Result<_, std::convert::Infallible> = Ok(body);
                    receive.collect(stream::iter([body])).await
                }
                Accept::Upgrade(upgrade) => {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                    upgrade.respond(response)
                }
            }
        };
        let slot = Rc::new(RefCell::new(None));
        let answered = Rc::clone(&slot);
        let (task, abort) = future::abortable(async move {
            let response = response.await;
            answered.replace(Some(response));
        });
        self.spawn(async move {
            // Hanging up is what the handle is for.
            let _ = task.await;
        });
        TestResponse { slot, abort, server: self.clone() }
    }

    /// GETs a path with its query.
    pub fn get(&self, uri: &str) -> TestResponse {
        self.request(Request::get(uri).body(Bytes::new()).expect("a request"))
    }

    /// POSTs to a path with its query.
    pub fn post(&self, uri: &str, body: impl Into<Bytes>) -> TestResponse {
        self.request(Request::post(uri).body(body.into()).expect("a request"))
    }

    /// Lets time pass, from one deadline to the next, running what they wake.
    pub fn advance(&self, duration: Duration) {
        self.run();
        let end = self.0.world.clock.now() + duration;
        while self.0.world.clock.jump(end) {
            self.run();
            let connections: Vec<_> = {
                let mut connections = self.0.world.connections.borrow_mut();
                connections.retain(|connection| connection.upgrade().is_some());
                connections.iter().filter_map(WeakConnection::upgrade).collect()
            };
            connections.iter().for_each(TestConnection::read);
        }
        self.0.world.clock.advance(end.saturating_duration_since(self.0.world.clock.now()));
        self.run();
    }

    /// Runs a future beside the server.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.0.world.spawner.spawn_local(future).expect("the pool runs");
        self.run();
    }

    /// Runs everything until all of it waits.
    pub fn run(&self) {
        // Within a run of the pool there is nothing to do: what was woken is run anyway.
        if let Ok(mut pool) = self.0.world.pool.try_borrow_mut() {
            pool.run_until_stalled();
        }
    }

    pub(super) fn attend(&self, connection: WeakConnection) {
        self.0.world.connections.borrow_mut().push(connection);
    }

    fn upgrade(&self, request: Request<Bytes>) -> Wire {
        let (mut head, _) = request.into_parts();
        for (name, value) in [
            (header::CONNECTION, "Upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            head.headers.insert(name, http::HeaderValue::from_static(value));
        }
        let endpoint = self.0.endpoint.clone();
        let accept = async move { endpoint.accept(&head).await };
        match self.0.world.pool.borrow_mut().run_until(accept) {
            Accept::Upgrade(upgrade) => {
                let wire = Wire::default();
                self.spawn(upgrade.serve(ServerEnd(wire.clone())));
                wire
            }
            other => panic!("no websocket: {other:?}"),
        }
    }
}

/// The request for a websocket.
fn websocket(query: &str) -> Request<Bytes> {
    let uri = format!("/socket.io/?transport=websocket&{query}");
    Request::get(uri).body(Bytes::new()).expect("a request")
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestServer").field(&self.0.io).finish()
    }
}

/// A response on its way. Dropping it hangs up.
#[derive(Debug)]
pub struct TestResponse {
    slot: Rc<RefCell<Option<Response<Bytes>>>>,
    abort: AbortHandle,
    server: TestServer,
}

impl TestResponse {
    /// The response, if it has come.
    pub fn try_take(&mut self) -> Option<Response<Bytes>> {
        self.server.run();
        self.slot.take()
    }

    /// The status and the body as text.
    ///
    /// # Panics
    /// If the response has not come.
    pub fn take(mut self) -> (u16, String) {
        let response = self.try_take().expect("a response");
        let body = String::from_utf8_lossy(response.body()).into_owned();
        (response.status().as_u16(), body)
    }
}

impl Drop for TestResponse {
    fn drop(&mut self) {
        self.abort.abort();
        self.server.run();
    }
}
