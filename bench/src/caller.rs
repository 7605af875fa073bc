use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use crate::{
    Result, exchange,
    frame::{self, TEXT},
    http,
    route::Route,
    scenario::Way,
};

/// A heartbeat of the server, and the answer.
pub(crate) const PING: &[u8] = &[0x81, 1, b'2'];
pub(crate) const PONG: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

/// A websocket's close frame, and the answer.
const CLOSE: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8];
const CLOSED: &[u8] = &[0x88, 2, 3, 0xe8];

/// A client on a raw connection that waits for each answer.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    /// What has come and was not asked for yet.
    pub(crate) unread: Vec<u8>,
}

impl Caller {
    /// A client that is connected to `/` by websocket, and greeted.
    pub(crate) fn websocket(route: Route, way: Way) -> Result<Self> {
        match way {
            Way::Direct => {
                let mut caller = Self::connect(route)?;
                caller.upgrade(None)?;
                caller.expect("0{")?;
                caller.send(&frame::request(TEXT, "40{}"))?;
                caller.expect("40{")?;
                caller.expect(r#"42["auth","#)?;
                Ok(caller)
            }
            Way::Upgrade | Way::UpgradeAndPoll => {
                let (mut polling, sid) = Self::polling(route)?;
                let is_polling = matches!(way, Way::UpgradeAndPoll);
                if is_polling {
                    polling.send(&http::get(Some(&sid)))?;
                }
                let mut caller = Self::connect(route)?;
                caller.upgrade(Some(&sid))?;
                caller.send(&frame::request(TEXT, "2probe"))?;
                caller.expect("3probe")?;
                // It moves over when its last poll has been answered by nothing.
                while is_polling && polling.records(&sid)?.as_slice() != [b"6"] {
                    polling.send(&http::get(Some(&sid)))?;
                }
                caller.send(&frame::request(TEXT, "5"))?;
                Ok(caller)
            }
        }
    }

    /// A client that is connected to `/` by long-polling, and greeted; and its session.
    pub(crate) fn polling(route: Route) -> Result<(Self, String)> {
        let mut caller = Self::connect(route)?;
        caller.send(&http::get(None))?;
        let handshake = caller.body()?;
        let sid = sid(&handshake).ok_or_else(|| unexpected("a handshake", &handshake))?;
        caller.post(&sid, b"40{}")?;
        let mut awaited = ["40{", r#"42["auth","#].iter();
        while awaited.len() > 0 {
            caller.send(&http::get(Some(&sid)))?;
            for record in caller.records(&sid)? {
                let start = awaited.next().ok_or_else(|| unexpected("nothing", &record))?;
                if !record.starts_with(start.as_bytes()) {
                    return Err(unexpected(start, &record));
                }
            }
        }
        Ok((caller, sid))
    }

    pub(crate) fn connect(route: Route) -> Result<Self> {
        let stream = route.connect()?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, unread: Vec::new() })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Waits for a text frame that starts like this.
    pub(crate) fn expect(&mut self, start: &str) -> Result<()> {
        loop {
            let text = self.wait(|bytes| {
                let text = frame::take_text(bytes)?;
                Ok(text.map(<[u8]>::to_vec))
            })?;
            match text.as_slice() {
                text if text.starts_with(start.as_bytes()) => return Ok(()),
                // Some servers send their first heartbeat at once.
                b"2" => self.send(PONG)?,
                text => return Err(unexpected(start, text)),
            }
        }
    }

    /// Joins a room.
    pub(crate) fn join(&mut self, room: usize) -> Result<()> {
        let (request, reply) = exchange::join(room);
        self.send(&frame::request(TEXT, &request))?;
        self.expect(reply)
    }

    /// Closes a websocket, and waits until the server has closed the connection.
    pub(crate) fn close(mut self) -> Result<()> {
        self.send(CLOSE)?;
        self.stream.read_to_end(&mut self.unread)?;
        let answer = self.unread.strip_prefix(PING).unwrap_or(&self.unread);
        if answer == CLOSED { Ok(()) } else { Err(unexpected("a close frame", answer)) }
    }

    fn upgrade(&mut self, sid: Option<&str>) -> Result<()> {
        self.send(&http::upgrade(sid))?;
        self.wait(|bytes| Ok(http::take_upgrade(bytes)?.then_some(())))
    }

    /// Waits for the packets of a poll. Heartbeats are answered and left out.
    fn records(&mut self, sid: &str) -> Result<Vec<Vec<u8>>> {
        let body = self.body()?;
        let mut records: Vec<_> =
            body.split(|byte| *byte == http::SEPARATOR).map(<[u8]>::to_vec).collect();
        let all = records.len();
        records.retain(|record| record != b"2");
        if records.len() < all {
            self.post(sid, b"3")?;
        }
        Ok(records)
    }

    fn post(&mut self, sid: &str, body: &[u8]) -> Result<()> {
        self.send(&http::post(&http::post_start(sid), body))?;
        let answer = self.body()?;
        if answer == b"ok" { Ok(()) } else { Err(unexpected("ok", &answer)) }
    }

    fn body(&mut self) -> Result<Vec<u8>> {
        self.wait(|bytes| Ok(http::take_body(bytes)?.map(<[u8]>::to_vec)))
    }

    /// Reads until `take` finds what it takes from the start of what has come.
    fn wait<T>(&mut self, take: impl Fn(&mut &[u8]) -> Result<Option<T>>) -> Result<T> {
        let mut buffer = [0; 4096];
        loop {
            let mut rest = self.unread.as_slice();
            let taken = take(&mut rest)?;
            let len = self.unread.len() - rest.len();
            self.unread.drain(..len);
            if let Some(taken) = taken {
                return Ok(taken);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err("the server closed the connection".into()),
                count => self.unread.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// Opens many at a time, as servers may let each wait for a while. They come in order.
pub(crate) fn open_all<T: Send>(
    count: usize,
    open: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    const AT_A_TIME: usize = 64;
    let (mut opened, open) = (Vec::with_capacity(count), &open);
    thread::scope(|scope| {
        let openers: Vec<_> = (0..AT_A_TIME)
            .map(|n| n * count / AT_A_TIME..(n + 1) * count / AT_A_TIME)
            .map(|part| {
                // An error of this program's may hold anything, but crosses threads as text.
                let open = move |index| open(index).map_err(|error| error.to_string());
                scope.spawn(move || part.map(open).collect::<std::result::Result<Vec<_>, _>>())
            })
            .collect();
        for opener in openers {
            opened.extend(opener.join().expect("no opener panics")?);
        }
        Ok(opened)
    })
}

fn sid(handshake: &[u8]) -> Option<String> {
    let handshake = str::from_utf8(handshake).ok()?.strip_prefix(r#"0{"sid":""#)?;
    Some(handshake.split_once('"')?.0.to_owned())
}

fn unexpected(wanted: &str, got: &[u8]) -> Box<dyn std::error::Error> {
    format!("expected {wanted}, got {}", got.escape_ascii()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_opened_in_order() {
        for count in [0, 1, 63, 64, 1000] {
            let opened = open_all(count, Ok).expect("no error");
            assert!(opened.into_iter().eq(0..count));
        }
        assert!(open_all(100, |n| if n < 99 { Ok(n) } else { Err("full".into()) }).is_err());
    }

    #[test]
    fn finds_the_session() {
        assert_eq!(sid(br#"0{"sid":"abc","upgrades":[]}"#).as_deref(), Some("abc"));
        assert_eq!(sid(b"44"), None);
    }
}
