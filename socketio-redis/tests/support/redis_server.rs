use std::{
    env, fs,
    io::ErrorKind,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio, id},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use socketio_redis::{Target, redis};

use super::eventually;

/// A `redis-server` on a port of its own, which keeps nothing. It ends with this.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    arguments: Vec<String>,
    folder: PathBuf,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts one. `None` if there is no `redis-server` on this machine, so that the test is to be
    /// left out; with `CI` set that is a failure.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// As [`start`](Self::start), with more arguments.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let (port, folder) = (free_port(), folder());
        let own = ["--save", "", "--appendonly", "no"];
        let arguments = own.iter().chain(options).map(|argument| (*argument).to_owned()).collect();
        Self::with(port, folder, arguments)
    }

    /// Starts one as Sentinel, with more lines of configuration.
    pub(crate) fn start_sentinel(configuration: &str) -> Option<Self> {
        let (port, folder) = (free_port(), folder());
        let file = folder.join("sentinel.conf");
        fs::write(&file, configuration).expect("a folder of the test's own");
        let arguments = vec![file.to_str().expect("text").to_owned(), "--sentinel".to_owned()];
        Self::with(port, folder, arguments)
    }

    fn with(port: u16, folder: PathBuf, arguments: Vec<String>) -> Option<Self> {
        let mut server = Self { port, arguments, folder, process: None };
        server.run().then_some(server)
    }

    /// Starts it again, on the same port.
    pub(crate) fn restart(&mut self) {
        assert!(self.run(), "it was there before");
    }

    fn run(&mut self) -> bool {
        let started = Command::new("redis-server")
            .args(&self.arguments)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&self.folder)
            .stdout(Stdio::null())
            .spawn();
        match started {
            Ok(process) => self.process = Some(process),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(env::var_os("CI").is_none_or(|ci| ci.is_empty()), "no redis-server");
                eprintln!("left out: there is no redis-server");
                return false;
            }
            Err(error) => panic!("starting redis-server: {error}"),
        }
        eventually("Redis answers", || self.connection());
        true
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn target(&self) -> Target {
        Target::server(self.url()).expect("a URL")
    }

    /// A connection past all adapters.
    pub(crate) fn connection(&self) -> Option<redis::Connection> {
        redis::Client::open(self.url()).expect("a URL").get_connection().ok()
    }

    /// Runs a command.
    pub(crate) fn query<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_query(command).expect("an answer that fits")
    }

    /// Runs a command that may fail.
    pub(crate) fn try_query<T: redis::FromRedisValue>(
        &self,
        command: &[&str],
    ) -> redis::RedisResult<T> {
        let mut connection = self.connection().expect("a Redis that answers");
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection)
    }

    /// How many listen to a channel.
    pub(crate) fn subscribers(&self, channel: &str) -> usize {
        self.query::<(String, usize)>(&["PUBSUB", "NUMSUB", channel]).1
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a process of this one");
            process.wait().expect("it ends");
        }
    }

    /// Has it stand still, with all its connections open.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Has it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs");
        let sent = Command::new("kill").args([signal, &process.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // Somebody may have an eye on it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new folder.
fn folder() -> PathBuf {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Relaxed);
    let folder = env::temp_dir().join(format!("socketio-redis-{}-{number}", id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
