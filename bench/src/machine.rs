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
    processes: HashMap<u32, (String, u64)>,
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

    /// `server` is not among the others, and neither is this process.
    pub(crate) fn end(self, server: u32) -> Result<Others> {
        let cores = |ticks: u64| {
            ticks as f64 / clock_ticks_per_second() as f64 / self.start.elapsed().as_secs_f64()
        };
        let busy = busy(&fs::read_to_string("/proc/stat")?).ok_or("no cpu in /proc/stat")?;
        let (mut ours, mut busiest) = (0, Vec::new());
        for (id, (name, ticks)) in processes()? {
            let before = self.processes.get(&id).filter(|before| before.0 == name);
            let ticks = ticks.saturating_sub(before.map_or(0, |before| before.1));
            if id == server || id == process::id() {
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

/// The ticks that all cores together were not idle for.
fn busy(stat: &str) -> Option<u64> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = all.split_ascii_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user.
    Some(fields.take(8).enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, n)| n).sum())
}

/// The name of each process and the ticks that it has run for.
fn processes() -> Result<HashMap<u32, (String, u64)>> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended in the meantime is of no interest.
        let stat = fs::read_to_string(entry.path().join("stat"));
        processes.extend(stat.ok().and_then(|stat| Some((id, name_and_ticks(&stat)?))));
    }
    Ok(processes)
}

/// From a process's `stat`. The name stands in parentheses, and may hold some.
pub(crate) fn name_and_ticks(stat: &str) -> Option<(String, u64)> {
    let (start, fields) = stat.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let mut fields = fields.split_ascii_whitespace().skip(11).map(|field| field.parse::<u64>());
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some((name.to_owned(), user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "12 (a) b (c) S 1 1 1 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 100";
        assert_eq!(name_and_ticks(stat), Some(("a) b (c".to_owned(), 12)));
    }

    #[test]
    fn idle_time_is_not_busy() {
        assert_eq!(busy("cpu  1 2 3 1000 1000 4 5 6 7 0\ncpu0 9"), Some(21));
        assert_eq!(busy(""), None);
    }
}
