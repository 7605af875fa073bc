use std::{fmt, ops::RangeInclusive};

use redis::Value;

/// The slots of a Redis Cluster.
pub(super) const SLOTS: u16 = 16384;

/// The slot of a key, or of a channel of a shard. What is between the first `{` and the next `}`
/// counts alone, if there is something.
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % SLOTS
}

/// That of XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

/// Where a node of a cluster is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// As it is in `MOVED`. A node that does not know its own host leaves it out: it is that of who
    /// says so.
    pub(super) fn read(text: &str, said_by: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self::new(host, port.parse().ok()?, said_by))
    }

    fn new(host: &str, port: u16, said_by: &str) -> Self {
        let host = match host {
            "" | "?" => said_by,
            host => host,
        };
        Self { host: host.to_owned(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Which master has which slots, as `CLUSTER SLOTS` tells.
pub(super) fn masters(reply: &Value, said_by: &str) -> Option<Vec<(RangeInclusive<u16>, Address)>> {
    let Value::Array(ranges) = reply else { return None };
    ranges.iter().map(|range| master(range, said_by)).collect()
}

fn master(range: &Value, said_by: &str) -> Option<(RangeInclusive<u16>, Address)> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else {
        return None;
    };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    let host = match host {
        Value::BulkString(host) => str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        Value::Nil => "",
        _ => return None,
    };
    let slot = |number: i64| u16::try_from(number).ok().filter(|slot| *slot < SLOTS);
    let address = Address::new(host, u16::try_from(*port).ok()?, said_by);
    let slots = slot(*first)?..=slot(*last)?;
    (!slots.is_empty()).then_some((slots, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_slots_that_redis_gives_them() {
        for (key, expected) in [
            ("", 0),
            ("123456789", 12739),
            ("socket.io#/#", 13868),
            ("a{user}b", 5474),
            ("user", 5474),
            ("{}x", 10595),
        ] {
            assert_eq!(slot(key), expected, "{key}");
        }
    }

    #[test]
    fn an_address_without_a_host_is_beside_who_says_it() {
        let read = |text| Address::read(text, "self").map(|address| address.to_string());
        assert_eq!(read("10.0.0.1:6379").as_deref(), Some("10.0.0.1:6379"));
        assert_eq!(read("::1:6379").as_deref(), Some("::1:6379"));
        assert_eq!(read(":6379").as_deref(), Some("self:6379"));
        assert_eq!(read("10.0.0.1"), None);
        assert_eq!(read("10.0.0.1:redis"), None);
    }

    #[test]
    fn what_is_no_list_of_slots_is_refused() {
        let node = |host| Value::Array(vec![host, Value::Int(7000), Value::Nil]);
        let range = |first, last, node| {
            Value::Array(vec![Value::Array(vec![Value::Int(first), Value::Int(last), node])])
        };
        let host = || Value::BulkString("redis".into());
        let here = |host: &str| Address { host: host.into(), port: 7000 };
        let read = |reply: &Value| masters(reply, "self");
        assert_eq!(read(&range(0, 16383, node(host()))), Some(vec![(0..=16383, here("redis"))]));
        assert_eq!(read(&range(5, 5, node(Value::Nil))), Some(vec![(5..=5, here("self"))]));
        assert_eq!(read(&Value::Array(Vec::new())), Some(Vec::new()));
        for reply in [
            range(0, 16384, node(host())),
            range(-1, 1, node(host())),
            range(2, 1, node(host())),
            range(0, 1, node(Value::Int(1))),
            range(0, 1, Value::Nil),
            Value::Nil,
        ] {
            assert_eq!(read(&reply), None);
        }
    }
}
