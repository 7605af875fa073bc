use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use socketio_nats::async_nats::{self, Auth, AuthError, Client, ConnectOptions};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::watch};

use super::until;

/// A `nats-server` of the test's own, on a port that stays the same. It ends with this.
pub(crate) struct NatsServer {
    program: PathBuf,
    port: u16,
    folder: TempDir,
    child: Child,
}

/// What clients come through.
#[derive(Default)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn close(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(false);
    }
}

impl NatsServer {
    /// Starts it. There is none on machines without the program, unless that is not to be passed
    /// over.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = find() else {
            let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
            assert!(!is_ci, "nats-server is missing");
            eprintln!("skipped: nats-server is missing");
            return None;
        };
        let folder = TempDir::new().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a port").port();
        // Small enough for a test to be over it.
        fs::write(folder.path().join("nats.conf"), "max_payload: 65536\n").expect("written");
        let child = spawn(&program, port, &folder);
        let server = Self { program, port, folder, child };
        server.is_up().await;
        Some(server)
    }

    pub(crate) async fn connect(&self) -> Client {
        self.connect_through(&Gate::default()).await
    }

    /// Connects, and comes back, only while a gate is open.
    pub(crate) async fn connect_through(&self, gate: &Gate) -> Client {
        let gate = gate.0.clone();
        let options = ConnectOptions::with_auth_callback(move |_| {
            let mut is_closed = gate.subscribe();
            async move {
                is_closed.wait_for(|is_closed| !is_closed).await.map_err(AuthError::new)?;
                Ok(Auth::new())
            }
        });
        let options = options.reconnect_delay_callback(|_| Duration::from_millis(20));
        options.connect(self.address()).await.expect("connected")
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it has ended");
    }

    /// Starts it again, on the same port.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.program, self.port, &self.folder);
        self.is_up().await;
    }

    /// Has it do nothing, while its connections stay.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Has it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(status.success());
    }

    async fn is_up(&self) {
        until(async || TcpStream::connect(self.address()).await.is_ok()).await;
        async_nats::connect(self.address()).await.expect("it speaks");
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // It may be gone, or paused, which a kill ends as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &PathBuf, port: u16, folder: &TempDir) -> Child {
    Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c"])
        .arg(folder.path().join("nats.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server")
}

/// Debian has it among the programs of the system.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("nats-server")).find(|program| program.is_file())
}
