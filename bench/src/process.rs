use std::{
    fs,
    net::{SocketAddrV4, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
};

use crate::{Result, machine::Stat, run::now};

/// A program that listens. It ends with this handle.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| {
            let program = command.get_program().display();
            format!("{program}: {error}")
        })?;
        Ok(Self(child))
    }

    /// Waits until it listens there.
    pub(crate) fn listens(&mut self, address: SocketAddrV4) -> Result<()> {
        let deadline = now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("it ended with {status}").into());
            }
            if now() > deadline {
                return Err("it does not listen".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
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
    pub(crate) fn end(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let deadline = now() + Duration::from_secs(5);
        while self.0.try_wait()?.is_none() {
            if now() > deadline {
                return Err("it does not end".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails where the program has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
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
