use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use crate::Result;

/// Counts the instructions that a server takes in user space, by running it under valgrind.
#[derive(Debug)]
pub(crate) struct Callgrind {
    profile: PathBuf,
}

impl Callgrind {
    /// Several servers have different ports.
    pub(crate) fn new(port: u16) -> Self {
        Self { profile: env::temp_dir().join(format!("bench-{}-{port}.callgrind", process::id())) }
    }

    /// The command that runs a program, which does not count yet.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut out = OsString::from("--callgrind-out-file=");
        out.push(&self.profile);
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--quiet", "--instr-atstart=no"]).arg(out).arg(program);
        command
    }

    /// Counts what the process takes while `work` is done.
    pub(crate) fn count<T>(
        &self,
        process: u32,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<(T, u64)> {
        control("--instr=on", process)?;
        let done = work()?;
        control("--instr=off", process)?;
        control("--dump", process)?;
        let profile = fs::read_to_string(self.dump())?;
        Ok((done, total(&profile).ok_or("no total in callgrind's profile")?))
    }

    /// Where the first dump goes.
    fn dump(&self) -> PathBuf {
        self.profile.with_added_extension("1")
    }
}

impl Drop for Callgrind {
    fn drop(&mut self) {
        // There are none of a server that did not start.
        let _ = fs::remove_file(&self.profile);
        let _ = fs::remove_file(self.dump());
    }
}

fn control(action: &str, process: u32) -> Result<()> {
    let mut command = Command::new("callgrind_control");
    let output = command.arg(action).arg(process.to_string()).output();
    let output = output.map_err(|error| format!("callgrind_control: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("callgrind_control {action}: {}", output.stderr.escape_ascii()).into())
}

fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_total() {
        let profile = "events: Ir\nsummary: 0\n\nfn=(1) main\n16 400\ntotals: 139095\n";
        assert_eq!(total(profile), Some(139_095));
        assert_eq!(total("events: Ir\n"), None);
    }
}
