use std::{
    env,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::PATIENCE;

/// The server that `CONFORMANCE_SERVER` names, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        Self { address, child: spawn(address).await }
    }

    /// Ends it as a crash would, and starts it again on the same port.
    pub async fn restart(&mut self) {
        self.child.kill().await.expect("a server that runs");
        self.child = spawn(self.address).await;
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn spawn(address: SocketAddr) -> Child {
    let program = env::var_os("CONFORMANCE_SERVER").expect("CONFORMANCE_SERVER, a path");
    let child = Command::new(program)
        .args(["--mode", "fixture", "--port", &address.port().to_string()])
        .kill_on_drop(true)
        .spawn()
        .expect("a program");
    let served = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, served).await.expect("a server that listens");
    child
}
