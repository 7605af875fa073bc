use std::{
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    num::NonZero,
    path::PathBuf,
    process::Command,
    str::FromStr,
    thread,
};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::{Result, callgrind::Callgrind, process::Process, redis::Redis, route::Route};

/// A server binary and what to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: String,
    /// Which of its adapters it is to use, where it has several. It is for clusters alone then.
    pub(crate) adapter: Option<&'static str>,
    path: PathBuf,
}

/// What takes messages from one node to the others.
const ADAPTERS: [&str; 3] = ["classic", "sharded", "streams"];

impl FromStr for Contender {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (name, path) = text.split_once('=').ok_or("not NAME=PATH")?;
        let with_adapter = ADAPTERS.into_iter().find_map(|adapter| {
            let path = path.strip_prefix(adapter)?.strip_prefix(':')?;
            Some((Some(adapter), path))
        });
        let (adapter, path) = with_adapter.unwrap_or((None, path));
        Ok(Self { name: name.into(), adapter, path: path.into() })
    }
}

/// Where the server and the load run, if there are enough cores to keep them apart.
#[derive(Debug)]
pub(crate) struct Cores(Option<[CpuSet; 2]>);

impl Cores {
    /// One for each of the server's threads, and the next for the load.
    pub(crate) fn find(threads: NonZero<usize>) -> Result<Self> {
        let threads = threads.get();
        if thread::available_parallelism()?.get() <= threads {
            return Ok(Self(None));
        }
        Ok(Self(Some([0..threads, threads..threads + 1].map(|cores| {
            let mut set = CpuSet::new();
            cores.for_each(|core| set.set(core));
            set
        }))))
    }

    pub(crate) fn are_shared(&self) -> bool {
        self.0.is_none()
    }

    /// Runs `start` on the server's cores, so that what it starts stays there.
    fn apart<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        let Some([server, load]) = &self.0 else { return Ok(start()) };
        sched_setaffinity(None, server)?;
        let started = start();
        sched_setaffinity(None, load)?;
        Ok(started)
    }

    /// Runs `start` on the load's core, so that what it starts stays there.
    fn beside<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        if let Some([_, load]) = &self.0 {
            sched_setaffinity(None, load)?;
        }
        Ok(start())
    }
}

/// How servers are started.
#[derive(Debug)]
pub(crate) struct Launcher {
    pub(crate) cores: Cores,
    /// A server's worker threads.
    pub(crate) threads: NonZero<usize>,
    /// Whether instructions are counted, which makes a server many times slower.
    pub(crate) is_counted: bool,
}

impl Launcher {
    /// Starts a server, which is alone.
    pub(crate) fn start(&self, contender: &Contender) -> Result<Server> {
        self.start_with(contender, &[])
    }

    /// Starts a server as a node of a cluster over this Redis.
    pub(crate) fn start_node(&self, contender: &Contender, redis: &Redis) -> Result<Server> {
        let adapter = contender.adapter.unwrap_or(ADAPTERS[0]);
        self.start_with(contender, &[("REDIS", &redis.url()), ("ADAPTER", adapter)])
    }

    /// Starts a Redis where the load runs.
    pub(crate) fn start_redis(&self) -> Result<Redis> {
        self.cores.beside(Redis::start)?
    }

    fn start_with(&self, contender: &Contender, variables: &[(&str, &str)]) -> Result<Server> {
        let address = free_address()?;
        let callgrind = self.is_counted.then(|| Callgrind::new(address.port()));
        let mut command = match &callgrind {
            Some(callgrind) => callgrind.command(&contender.path),
            None => Command::new(&contender.path),
        };
        command
            .env("MODE", "bench")
            .env("THREADS", self.threads.to_string())
            .env("PORT", address.port().to_string())
            .envs(variables.iter().copied());
        let process = self.cores.apart(|| Process::spawn(&mut command))??;
        let mut server = Server { process, callgrind, address };
        server.process.listens(address).map_err(|error| format!("the server: {error}"))?;
        Ok(server)
    }
}

/// A running server. It ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    callgrind: Option<Callgrind>,
    address: SocketAddrV4,
}

impl Server {
    /// Does some work, and gives the instructions that it took, if they are counted.
    pub(crate) fn count<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, Option<u64>)> {
        match &self.callgrind {
            Some(callgrind) => {
                let (done, instructions) = callgrind.count(self.process.id(), work)?;
                Ok((done, Some(instructions)))
            }
            None => Ok((work()?, None)),
        }
    }

    /// To it from the client with this number.
    pub(crate) fn route(&self, client: usize) -> Result<Route> {
        Ok(Route::new(self.address, client)?)
    }
}

/// One where nothing listens.
pub(crate) fn free_address() -> Result<SocketAddrV4> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_have_an_adapter() {
        let contender = |name: &str, adapter, path: &str| {
            Ok(Contender { name: name.into(), adapter, path: path.into() })
        };
        assert_eq!("ours=/a:b".parse(), contender("ours", None, "/a:b"));
        assert_eq!("ours=sharded:/a:b".parse(), contender("ours", Some("sharded"), "/a:b"));
        assert!("ours".parse::<Contender>().is_err());
    }

    #[test]
    fn cores_are_shared_where_the_load_would_have_none() {
        let all = thread::available_parallelism().expect("a number of cores");
        assert!(Cores::find(all).expect("cores").are_shared());
        if let Some(fewer) = NonZero::new(all.get() - 1) {
            let Cores(Some([server, load])) = Cores::find(fewer).expect("cores") else {
                panic!("a core is left for the load");
            };
            assert_eq!((server.count() as usize, load.count()), (fewer.get(), 1));
            assert!((0..all.get()).all(|core| server.is_set(core) != load.is_set(core)));
        }
    }
}
