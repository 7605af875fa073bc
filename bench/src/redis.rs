//! What takes messages from one node to the others.

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddrV4, TcpStream},
    path::PathBuf,
    process::Command,
};

use crate::{Result, process::Process, server::free_address};

/// A Redis that keeps nothing. It ends with this handle.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) process: Process,
    address: SocketAddrV4,
    folder: PathBuf,
    connection: BufReader<TcpStream>,
    /// Bytes of the answers that this connection has had.
    answers: u64,
}

/// What Redis has done since it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// Messages that were given to it.
    pub(crate) published: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// The commands that give a message to other nodes.
const PUBLISHING: [&str; 3] = ["publish", "spublish", "xadd"];

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        let address = free_address()?;
        let folder = env::temp_dir().join(format!("bench-redis-{}", address.port()));
        fs::create_dir(&folder)?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&folder);
        let mut process = Process::spawn(&mut command)?;
        process.listens(address).map_err(|error| format!("redis-server: {error}"))?;
        let connection = BufReader::new(TcpStream::connect(address)?);
        Ok(Self { process, address, folder, connection, answers: 0 })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// How many connections there are, but for the one that asks.
    pub(crate) fn connections(&mut self) -> Result<u64> {
        Ok(number(&self.info()?, "connected_clients")?.saturating_sub(1))
    }

    pub(crate) fn traffic(&mut self) -> Result<Traffic> {
        let answers = self.answers;
        let info = self.info()?;
        let calls = |command: &&str| calls(info.get(&format!("cmdstat_{command}"))?);
        Ok(Traffic {
            published: PUBLISHING.iter().filter_map(calls).sum(),
            bytes_in: number(&info, "total_net_input_bytes")?,
            bytes_out: number(&info, "total_net_output_bytes")?.saturating_sub(answers),
        })
    }

    fn info(&mut self) -> Result<HashMap<String, String>> {
        self.connection.get_mut().write_all(b"INFO all\r\n")?;
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let len =
            line.trim_end().strip_prefix('$').ok_or("no text from Redis")?.parse::<usize>()?;
        let mut text = vec![0; len + 2];
        self.connection.read_exact(&mut text)?;
        self.answers += (line.len() + text.len()) as u64;
        let lines = str::from_utf8(&text)?.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It writes nothing, so what is left is empty.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn number(info: &HashMap<String, String>, name: &str) -> Result<u64> {
    Ok(info.get(name).ok_or_else(|| format!("no {name} from Redis"))?.parse()?)
}

/// How often a command was called.
fn calls(statistics: &str) -> Option<u64> {
    statistics.split(',').find_map(|field| field.strip_prefix("calls="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_calls_of_a_command() {
        assert_eq!(calls("calls=12,usec=3,usec_per_call=0.25"), Some(12));
        assert_eq!(calls("usec=3"), None);
    }
}
