use std::{fmt, num::ParseIntError, str::FromStr};

use serde_json::Value;

use super::message::{ClusterMessage, NodeId};

/// A place in a log that all nodes share. Clients have it as the offset of an event, and name it when
/// they come back, to any node. Written as two numbers, such as `1526919030474-55`: so Redis names
/// the entries of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogOffset {
    /// The more significant number, with Redis milliseconds since 1970.
    pub major: u64,
    /// Tells entries of the same major number apart.
    pub minor: u64,
}

impl LogOffset {
    /// Before all others: that of an empty log.
    pub const START: Self = Self { major: 0, minor: 0 };

    /// Behind all others.
    pub const MAX: Self = Self { major: u64::MAX, minor: u64::MAX };
}

/// A text that is no [`LogOffset`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not two numbers with a hyphen between them")]
pub struct LogOffsetError;

impl From<ParseIntError> for LogOffsetError {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for LogOffset {
    type Err = LogOffsetError;

    fn from_str(text: &str) -> Result<Self, LogOffsetError> {
        let (major, minor) = text.split_once('-').ok_or(LogOffsetError)?;
        Ok(Self { major: major.parse()?, minor: minor.parse()? })
    }
}

impl fmt::Display for LogOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.major, self.minor)
    }
}

/// What is kept of a socket whose client may come back, to any node. Node: `Session`.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedSession {
    /// The socket's id. Node: `sid`.
    pub socket: String,
    /// The key to it, which its client has: not for other eyes. Node: `pid`.
    pub key: String,
    /// Its rooms, its own among them.
    pub rooms: Vec<SavedRoom>,
    /// Its data, an object.
    pub data: Value,
    /// The node that it was on. A Node server does not tell, and passes it over.
    pub node: Option<NodeId>,
    /// Which events were meant for it. The same goes for this.
    pub span: Option<SessionSpan>,
}

/// A room of a socket whose client may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRoom {
    /// The name.
    pub name: String,
    /// The last event before the socket joined: it is to have none of the room up to that. A Node
    /// server does not tell.
    pub since: Option<LogOffset>,
}

/// Which events of the log were meant for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSpan {
    /// The last one before it came.
    pub start: LogOffset,
    /// The last one that was sent to it.
    pub end: LogOffset,
    /// The last one when it went.
    pub left_at: LogOffset,
}

impl SessionSpan {
    /// The last event that a client has which names this offset when it comes back.
    pub(crate) fn has(&self, offset: Option<LogOffset>) -> LogOffset {
        let offset = offset.unwrap_or(self.start).max(self.start);
        // Who has all that was sent to it missed nothing before it went, however long ago that was.
        // There was nothing more that it could have, whatever it says.
        if offset >= self.end { self.left_at } else { offset.min(self.left_at) }
    }
}

/// A message that is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedMessage {
    /// Its place.
    pub offset: LogOffset,
    /// The message.
    pub message: ClusterMessage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_two_numbers_in_their_order() {
        let offset: LogOffset = "1526919030474-55".parse().expect("an offset");
        assert_eq!(offset, LogOffset { major: 1_526_919_030_474, minor: 55 });
        assert_eq!(offset.to_string(), "1526919030474-55");
        assert!(offset < "1526919030474-56".parse().expect("an offset"));
        for text in ["", "7", "1-", "-1", "1-2-3", "a-b", "1 - 2"] {
            assert_eq!(text.parse::<LogOffset>(), Err(LogOffsetError), "{text:?}");
        }
    }
}
