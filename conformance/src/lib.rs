//! What all conformance servers share: the command line, the modes, the handlers. A binary adds the
//! mount and nothing else.

/// The README's code is compiled here, as this crate knows every framework.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// That of the chapters, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/delivery.md")]
struct Delivery;

#[cfg(doctest)]
#[doc = include_str!("../../docs/node.md")]
struct Node;

#[cfg(doctest)]
#[doc = include_str!("../../docs/scaling.md")]
struct Scaling;

mod bench;
mod client;
mod cluster;
mod echo;
mod eioclient;
mod fixture;
mod listeners;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use socketio_core::{Builder, Endpoint, EngineIo, Limits, MsgPack, SocketIo};
use tokio::net::{TcpListener, TcpSocket};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The command line.
#[derive(Debug, Parser)]
pub struct Options {
    /// What to serve.
    #[arg(long, env = "MODE")]
    pub mode: Mode,
    /// The port on 127.0.0.1.
    #[arg(long, env = "PORT")]
    pub port: u16,
    /// Worker threads; as many as there are cores by default.
    #[arg(long, env = "THREADS")]
    pub threads: Option<usize>,
    /// How packets travel, in the modes `fixture` and `abuse`; as the protocol says by default.
    #[arg(long, env = "PARSER")]
    pub parser: Option<PacketParser>,
    /// The directory with the browser client's files.
    #[arg(long, env = "CLIENT_FILES")]
    pub client_files: Option<PathBuf>,
    /// Of the mode `cluster`.
    #[command(flatten)]
    pub cluster: cluster::NodeOptions,
}

/// What a conformance server can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The fixture with short timers.
    Abuse,
    /// For load.
    Bench,
    /// For the suite of socket.io-client.
    Client,
    /// A node of a cluster.
    Cluster,
    /// Bare Engine.IO that sends everything back, to clients of revision 3 too.
    Eio3,
    /// Bare Engine.IO that sends everything back.
    Eio4,
    /// For the suite of engine.io-client.
    #[value(name = "eioclient")]
    EioClient,
    /// Every feature behind an event.
    Fixture,
    /// For the official Socket.IO v5 suite.
    Sio5,
}

/// How packets can travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PacketParser {
    /// As `socket.io-msgpack-parser` writes them.
    Msgpack,
}

/// A server in one of the modes.
#[derive(Clone, Debug)]
pub struct Server {
    /// What to mount.
    pub endpoint: Endpoint,
    /// Worker threads, for frameworks that have their own.
    pub threads: Option<usize>,
    /// Whether the mode has CORS: with credentials, for the pages that [`is_local`] accepts, and for
    /// [`METHODS`] and [`HEADER`].
    pub has_cors: bool,
    kind: Kind,
}

/// The methods that pages may use, where there is CORS.
pub const METHODS: [&str; 2] = ["GET", "POST"];

/// The header that pages may send, where there is CORS.
pub const HEADER: &str = "x-accept-test";

/// Whose pages are let in, where there is CORS: this machine's, at every port.
pub const HOSTS: [&str; 2] = ["http://127.0.0.1", "http://localhost"];

/// Whether an origin is one of this machine.
pub fn is_local(origin: &[u8]) -> bool {
    let origin = str::from_utf8(origin).unwrap_or_default();
    let (host, port) = origin.rsplit_once(':').unwrap_or_default();
    HOSTS.contains(&host) && port.parse::<u16>().is_ok()
}

#[derive(Clone, Debug)]
enum Kind {
    Engine(EngineIo),
    Socket(SocketIo),
}

impl Server {
    /// Makes the server that the options ask for.
    pub fn new(options: &Options) -> Self {
        let millis = Duration::from_millis;
        let threads = options.threads;
        let kind = match options.mode {
            Mode::Abuse => Kind::Socket(fixture::full(builder(options, 1000, 1500))),
            Mode::Bench => Kind::Socket(bench::server(&options.cluster)),
            Mode::Client => Kind::Socket(client::server()),
            Mode::Cluster => Kind::Socket(cluster::server(&options.cluster, options.port)),
            Mode::Eio3 | Mode::Eio4 => {
                let allow_eio3 = options.mode == Mode::Eio3;
                Kind::Engine(echo::server(millis(300), millis(200), allow_eio3))
            }
            Mode::EioClient => Kind::Engine(eioclient::server()),
            Mode::Fixture => Kind::Socket(fixture::full(builder(options, 2000, 2000))),
            Mode::Sio5 => {
                let builder = SocketIo::builder()
                    .ping_interval(millis(300))
                    .ping_timeout(millis(200))
                    .connect_timeout(millis(1000));
                Kind::Socket(fixture::basic(builder))
            }
        };
        let endpoint = match &kind {
            Kind::Engine(engine) => Endpoint::from(engine),
            Kind::Socket(io) => Endpoint::from(io),
        };
        let has_cors = matches!(options.mode, Mode::Abuse | Mode::Fixture);
        Self { endpoint, threads, has_cors, kind }
    }

    /// CORS as a tower layer.
    pub fn cors(&self) -> Option<CorsLayer> {
        let is_local =
            |origin: &http::HeaderValue, _: &http::request::Parts| is_local(origin.as_bytes());
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(is_local))
            .allow_credentials(true)
            .allow_methods([http::Method::GET, http::Method::POST])
            .allow_headers([http::HeaderName::from_static(HEADER)]);
        self.has_cors.then_some(cors)
    }

    async fn close(&self) {
        match &self.kind {
            Kind::Engine(engine) => engine.close().await,
            Kind::Socket(io) => io.close().await,
        }
    }
}

fn builder(options: &Options, ping: u64, connect_timeout: u64) -> Builder {
    let limits = Limits { body_timeout: Duration::from_secs(5), ..Limits::default() };
    let builder = SocketIo::builder()
        .allow_eio3(true)
        .ping_interval(Duration::from_millis(ping))
        .ping_timeout(Duration::from_millis(ping))
        .connect_timeout(Duration::from_millis(connect_timeout))
        .upgrade_timeout(Duration::from_secs(3))
        .limits(limits);
    let builder = match options.parser {
        Some(PacketParser::Msgpack) => builder.parser(MsgPack),
        None => builder,
    };
    match &options.client_files {
        Some(directory) => builder.client_files(directory),
        None => builder,
    }
}

/// Parses the command line and runs `serve` on a tokio runtime until SIGTERM.
///
/// `serve` gets the listener and the server, and mounts the one on the other; whatever it still
/// runs half a second after the server has closed is cut off.
pub fn main<F, Fut>(serve: F)
where
    F: FnOnce(TcpListener, Server) -> Fut,
    Fut: Future<Output = ()>,
{
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = runtime(options.threads).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = Server::new(&options);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpSocket::new_v4().expect("a socket");
        listener.set_reuseaddr(true).expect("an option");
        // Connections inherit it. Without it a slow peer's acknowledgements hold small frames back.
        listener.set_nodelay(true).expect("an option");
        listener.bind(address).expect("a free port");
        let listener = listener.listen(1024).expect("a listener");
        let close = async {
            terminated().await;
            // A client that stopped reading does not hold up the end.
            let _ = tokio::time::timeout(Duration::from_secs(2), server.close()).await;
        };
        tokio::select! {
            () = serve(listener, server.clone()) => {}
            () = close => {}
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
}

/// On one thread the scheduler for many has no use: it takes its tasks out of turn once more than
/// 256 are ready.
fn runtime(threads: Option<usize>) -> tokio::runtime::Builder {
    match threads {
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        Some(threads) => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
        None => tokio::runtime::Builder::new_multi_thread(),
    }
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
