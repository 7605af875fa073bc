use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream},
    num::NonZero,
    path::PathBuf,
    process::{Child, Command, Stdio},
    str::FromStr,
    thread,
    time::Duration,
};

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_setaffinity},
};

use crate::{Result, callgrind::Callgrind, machine::Stat, route::Route, run::now};

/// A server binary and what to call it.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: String,
    path: PathBuf,
}

impl FromStr for Contender {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (name, path) = text.split_once('=').ok_or("not NAME=PATH")?;
        Ok(Self { name: name.into(), path: path.into() })
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

/// A running server. It ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    callgrind: Option<Callgrind>,
    address: SocketAddrV4,
}

impl Launcher {
    pub(crate) fn start(&self, contender: &Contender) -> Result<Server> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let callgrind = self.is_counted.then(Callgrind::new);
        let mut command = match &callgrind {
            Some(callgrind) => callgrind.command(&contender.path),
            None => Command::new(&contender.path),
        };
        command
            .env("MODE", "bench")
            .env("THREADS", self.threads.to_string())
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = self.cores.apart(|| command.spawn())?;
        let child =
            child.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let mut server = Server { child, callgrind, address };
        let deadline = now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}").into());
            }
            if now() > deadline {
                return Err("the server does not listen".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Server {
    /// Does some work, and gives the instructions that it took, if they are counted.
    pub(crate) fn count<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, Option<u64>)> {
        match &self.callgrind {
            Some(callgrind) => {
                let (done, instructions) = callgrind.count(self.id(), work)?;
                Ok((done, Some(instructions)))
            }
            None => Ok((work()?, None)),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// To it from the client with this number.
    pub(crate) fn route(&self, client: usize) -> Result<Route> {
        Ok(Route::new(self.address, client)?)
    }

    /// The time that it has run for, in user and kernel space.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(&self.id().to_string())
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = now() + Duration::from_secs(5);
        while self.child.try_wait()?.is_none() {
            if now() > deadline {
                return Err("the server does not end".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails where the server has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time that this process has run for.
pub(crate) fn own_cpu() -> Result<Duration> {
    cpu("self")
}

fn cpu(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let Stat { ticks, .. } = Stat::parse(&stat).ok_or("no times in stat")?;
    Ok(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
