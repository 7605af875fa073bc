//! What else runs on the machine while a server is measured.

use std::{collections::HashMap, fs, process, time::Instant};

use rustix::param::clock_ticks_per_second;
use serde::Serialize;

use crate::{Result, run::now};

/// How much of the machine others took during a measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Others {
    /// The load average over one minute before the measurement.
    pub(crate) load_average: f64,
    /// Cores that everything else took, or was kept from using by the host.
    pub(crate) cores: f64,
    /// The busiest other processes that can be seen from here.
    pub(crate) busiest: Vec<Process>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Process {
    pub(crate) name: String,
    /// Cores that it took.
    pub(crate) cores: f64,
}

/// The counters before a measurement.
#[derive(Debug)]
pub(crate) struct Watch {
    load_average: f64,
    start: Instant,
    busy: u64,
    processes: HashMap<u32, Stat>,
}

/// What `/proc/PID/stat` says about a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    name: String,
    /// What it has run for, in user and kernel space.
    pub(crate) ticks: u64,
    started_at: u64,
}

impl Watch {
    pub(crate) fn start() -> Result<Self> {
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            load_average: load.split(' ').next().unwrap_or_default().parse()?,
            start: now(),
            busy: busy(&fs::read_to_string("/proc/stat")?).ok_or("no cpu in /proc/stat")?,
            processes: processes()?,
        })
    }

    /// These processes are not among the others, and neither is this one.
    pub(crate) fn end(&self, measured: &[u32]) -> Result<Others> {
        let cores = |ticks: u64| {
            ticks as f64 / clock_ticks_per_second() as f64 / self.start.elapsed().as_secs_f64()
        };
        let busy = busy(&fs::read_to_string("/proc/stat")?).ok_or("no cpu in /proc/stat")?;
        let (mut ours, mut busiest) = (0, Vec::new());
        for (id, Stat { name, ticks, started_at }) in processes()? {
            let before = self.processes.get(&id).filter(|before| before.started_at == started_at);
            let ticks = ticks.saturating_sub(before.map_or(0, |before| before.ticks));
            if measured.contains(&id) || id == process::id() {
                ours += ticks;
            } else {
                busiest.push(Process { name, cores: cores(ticks) });
            }
        }
        busiest.retain(|process| process.cores >= 0.01);
        busiest.sort_by(|a, b| b.cores.total_cmp(&a.cores));
        busiest.truncate(3);
        let others = busy.saturating_sub(self.busy).saturating_sub(ours);
        Ok(Others { load_average: self.load_average, cores: cores(others), busiest })
    }
}

impl Stat {
    pub(crate) fn parse(stat: &str) -> Option<Self> {
        // The name stands in parentheses, and may hold some.
        let (start, fields) = stat.rsplit_once(')')?;
        let (_, name) = start.split_once('(')?;
        // A kernel's worker adds what it works on for the moment.
        let name = match name.split_once('-') {
            Some((worker, _)) if name.starts_with("kworker/") => worker,
            _ => name,
        };
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { name: name.into(), ticks: field(11)? + field(12)?, started_at: field(19)? })
    }
}

/// The ticks that all cores together were not idle for.
fn busy(stat: &str) -> Option<u64> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = all.split_ascii_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user.
    Some(fields.take(8).enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, n)| n).sum())
}

fn processes() -> Result<HashMap<u32, Stat>> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended in the meantime is of no interest.
        let stat = fs::read_to_string(entry.path().join("stat"));
        processes.extend(stat.ok().and_then(|stat| Some((id, Stat::parse(&stat)?))));
    }
    Ok(processes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let rest = "S 1 1 1 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 100";
        let stat = |name: &str| Stat { name: name.into(), ticks: 12, started_at: 100 };
        assert_eq!(Stat::parse(&format!("12 (a) b (c) {rest}")), Some(stat("a) b (c")));
        assert_eq!(
            Stat::parse(&format!("12 (kworker/u8:2-xyz) {rest}")),
            Some(stat("kworker/u8:2"))
        );
        assert_eq!(Stat::parse("12"), None);
    }

    #[test]
    fn idle_time_is_not_busy() {
        assert_eq!(busy("cpu  1 2 3 1000 1000 4 5 6 7 0\ncpu0 9"), Some(21));
        assert_eq!(busy(""), None);
    }
}
