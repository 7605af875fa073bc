//! `cargo xtask cluster`: one chat on servers in Rust and on Node, behind a load balancer.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    runtime,
    signal::ctrl_c,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    example::Options,
    tools::{self, binary, cargo, client_files, examples, examples_tests, node, npm_ci, target},
};

/// The examples that are the nodes in Rust.
const NODES: [&str; 2] = ["axum-chat", "actix-chat"];

/// The folder of the example that is the node on Node.
const NODE: &str = "node-chat";

/// How long a server may take until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until it is interrupted.
pub(crate) fn serve(options: &Options) -> Result<()> {
    node()?;
    tools::redis()?;
    npm_ci(&examples_tests())?;
    npm_ci(&examples().join(NODE))?;
    let packages = NODES.iter().chain(&["balancer"]).flat_map(|name| ["--package", name]);
    tools::run(cargo(["build", "--bins"]).args(packages))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(options.port))
}

async fn run(port: u16) -> Result<()> {
    let redis = redis().await?;
    let url = format!("redis://{}", redis.address);
    let mut nodes = Vec::new();
    for name in NODES {
        let mut command = Command::new(binary(name)?);
        command.env("REDIS_URL", &url).env("CLIENT_FILES", client_files());
        nodes.push(Server::start(name, free_port()?, command.stdout(Stdio::null())).await?);
    }
    let mut command = Command::new("node");
    command.arg("index.js").current_dir(examples().join(NODE)).env("REDIS_URL", &url);
    nodes.push(Server::start(NODE, free_port()?, command.stdout(Stdio::null())).await?);

    let addresses: Vec<_> = nodes.iter().map(|node| node.address.to_string()).collect();
    let mut command = Command::new(binary("balancer")?);
    let balancer =
        Server::start("balancer", port, command.env("NODES", addresses.join(","))).await?;

    greet(&balancer, &redis, &nodes);
    let mut ends = JoinSet::new();
    for server in nodes.into_iter().chain([balancer, redis]) {
        ends.spawn(server.end());
    }
    let (mut interrupted, mut terminated) = (pin!(ctrl_c()), pin!(terminated()));
    loop {
        tokio::select! {
            // Ctrl-C is for all processes of a terminal: their ends are no news then.
            biased;
            interrupted = &mut interrupted => {
                interrupted?;
                break;
            }
            () = &mut terminated => {
                ends.shutdown().await;
                return Ok(());
            }
            Some(end) = ends.join_next() => {
                let (name, status) = end?;
                let status = status?;
                println!("{name} has ended: {status}");
                if !NODES.contains(&name) && name != NODE {
                    bail!("without {name} there is no cluster");
                }
            }
        }
    }
    // Who has not ended by then is killed.
    let ended = async { while ends.join_next().await.is_some() {} };
    let _ = timeout(PATIENCE, ended).await;
    Ok(())
}

/// Without persistence, and for this machine alone.
async fn redis() -> Result<Server> {
    let folder = target()?.join("cluster");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no"]).arg("--dir").arg(folder);
    Server::start("redis-server", port, command.stdout(Stdio::null())).await
}

fn greet(balancer: &Server, redis: &Server, nodes: &[Server]) {
    println!("The chat is at http://{}, behind a load balancer. Its nodes:\n", balancer.address);
    for Server { name, address, child } in nodes {
        let id = child.id().unwrap_or_default();
        println!("  {name:<12} http://{address}   process {id}");
    }
    println!("  {:<12} redis://{}\n", redis.name, redis.address);
    println!(
        "  Open it in three windows, under three nicknames: beside the room is who serves it."
    );
    println!("  End a node by `kill` and its process: its windows come back on another.");
    println!("  See what the nodes tell each other: redis-cli -p {} MONITOR", redis.address.port());
    println!("\nCtrl-C stops all of them.");
}

/// A process that listens. It ends with this.
#[derive(Debug)]
struct Server {
    name: &'static str,
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts it, and waits until it listens at the port, which it finds in the variable `PORT`.
    async fn start(name: &'static str, port: u16, command: &mut Command) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let command = command.env("PORT", port.to_string()).stdin(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            status = child.wait() => bail!("{name} has ended: {}", status?),
            listens = timeout(PATIENCE, listens) => {
                listens.with_context(|| format!("{name} does not listen at {address}"))?;
            }
        }
        Ok(Self { name, address, child })
    }

    /// Waits for its end.
    async fn end(mut self) -> (&'static str, std::io::Result<ExitStatus>) {
        (self.name, self.child.wait().await)
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

/// Waits for SIGTERM, where there is one.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be listened for");
        terminate.recv().await;
    }
    #[cfg(not(unix))]
    std::future::pending().await
}
