//! Socket.IO packets: `<type>[<attachments>-][<namespace>,][<ack id>][<json>]`. That is protocol 5,
//! and 4 but for what is said when a client connects.

use std::{fmt, str};

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::args::RawArgs;

/// The namespace that is left out on the wire.
pub const ROOT: ByteString = ByteString::from_static("/");

/// Names that stand for the life of a socket and cannot be events (as on Node).
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Tells whether an event must not have this name.
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// The number that pairs an event with its acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckId(pub u64);

impl fmt::Display for AckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One Socket.IO packet. The order is that of the protocol's type digits; types 5 and 6 are an
/// event and an acknowledgement with attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0`: the wish to join a namespace, with an optional JSON object.
    Connect {
        /// The namespace to join.
        namespace: ByteString,
        /// The auth payload: a JSON object.
        auth: Option<ByteString>,
    },
    /// `1`: the namespace is left.
    Disconnect {
        /// The namespace that is left.
        namespace: ByteString,
    },
    /// `2`, `5`: an event.
    Event {
        /// The namespace it happens in.
        namespace: ByteString,
        /// Present if an acknowledgement is asked for.
        id: Option<AckId>,
        /// The event's name. Empty where the packet had no payload, which Node lets pass.
        name: ByteString,
        /// What follows the name.
        args: RawArgs,
    },
    /// `3`, `6`: an acknowledgement.
    Ack {
        /// The namespace it happens in.
        namespace: ByteString,
        /// What it answers. Without it the packet says nothing, which Node lets pass.
        id: Option<AckId>,
        /// The answer.
        args: RawArgs,
    },
    /// `4`: the namespace was refused. ERROR in protocol 4.
    ConnectError {
        /// The namespace that was refused.
        namespace: ByteString,
        /// Why: JSON, in protocol 5 an object.
        data: ByteString,
    },
}

/// Text that is no Socket.IO packet: the sender broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// An acknowledgement id that is no number.
    #[error("bad acknowledgement id")]
    AckId,
    /// None announced, or not a number.
    #[error("bad number of attachments")]
    Attachments,
    /// A binary message that was not announced, or text where one was.
    #[error("attachments out of order")]
    AttachmentOrder,
    /// The payload is not JSON.
    #[error("bad JSON")]
    Json,
    /// Nothing that the parser can read.
    #[error("malformed")]
    Malformed,
    /// JSON that this type of packet cannot have.
    #[error("bad payload")]
    Payload,
    /// A placeholder that stands for no attachment.
    #[error("bad placeholder")]
    Placeholder,
    /// An event that has one of the reserved names.
    #[error("reserved event name")]
    ReservedEvent,
    /// More attachments than the limit.
    #[error("too many attachments")]
    TooManyAttachments,
    /// More attachment bytes than the limit.
    #[error("attachments too large")]
    TooLarge,
    /// Not one of the seven types.
    #[error("unknown packet type")]
    Type,
}

impl Packet {
    /// Reads the text of a packet, and how many attachments follow it.
    pub fn decode(text: &ByteString) -> Result<(Self, usize), PacketError> {
        let mut head = Head { rest: text };
        let kind = head.kind()?;
        let attachments = head.attachments(kind)?;
        let namespace = head.namespace(text);
        Ok((head.packet(text, kind, namespace)?, attachments))
    }

    /// Reads the text of a packet of this namespace, whose name may be one that text cannot have:
    /// with a comma in it, or without a `/` in front.
    pub(super) fn decode_in(namespace: ByteString, text: &ByteString) -> Result<Self, PacketError> {
        let mut head = Head { rest: text };
        let kind = head.kind()?;
        head.attachments(kind)?;
        if namespace != ROOT {
            let rest = head.rest.strip_prefix(&*namespace).and_then(|rest| rest.strip_prefix(','));
            head.rest = rest.ok_or(PacketError::Payload)?;
        }
        head.packet(text, kind, namespace)
    }

    /// Adds what its placeholders stand for.
    pub(super) fn set_attachments(&mut self, parts: Vec<Bytes>) -> Result<(), PacketError> {
        match self {
            Packet::Event { args, .. } | Packet::Ack { args, .. } => args.set_attachments(parts),
            _ => Ok(()),
        }
    }

    /// The namespace it is for.
    pub fn namespace(&self) -> &str {
        match self {
            Packet::Connect { namespace, .. }
            | Packet::Disconnect { namespace }
            | Packet::Event { namespace, .. }
            | Packet::Ack { namespace, .. }
            | Packet::ConnectError { namespace, .. } => namespace,
        }
    }
}

/// In protocol 4 a CONNECT names the namespace with a query in place of an auth payload: takes them
/// apart, and makes the one the other.
pub fn split_query(namespace: ByteString) -> (ByteString, Option<ByteString>) {
    let Some((name, query)) = namespace.split_once('?') else {
        return (namespace, None);
    };
    let name = if name == "/" { ROOT } else { namespace.slice_ref(name) };
    let fields = form_urlencoded::parse(query.as_bytes()).into_owned();
    let auth: serde_json::Map<_, _> = fields.map(|(key, value)| (key, value.into())).collect();
    (name, Some(serde_json::Value::from(auth).to_string().into()))
}

/// JSON, whole and of a kind that starts with one of these bytes.
pub(super) fn check(data: ByteString, starts: &[u8]) -> Result<ByteString, PacketError> {
    let json: &RawValue = serde_json::from_str(&data).map_err(|_| PacketError::Json)?;
    match json.get().as_bytes().first() {
        Some(first) if starts.contains(first) => Ok(data),
        _ => Err(PacketError::Payload),
    }
}

/// What is left of a packet while its header is read.
struct Head<'a> {
    rest: &'a str,
}

impl<'a> Head<'a> {
    fn kind(&mut self) -> Result<u8, PacketError> {
        let kind = *self.rest.as_bytes().first().ok_or(PacketError::Type)?;
        if !kind.is_ascii_digit() {
            return Err(PacketError::Type);
        }
        self.rest = &self.rest[1..];
        Ok(kind)
    }

    fn digits(&mut self) -> &'a str {
        let is_other = |byte: &u8| !byte.is_ascii_digit();
        let end = self.rest.bytes().position(|byte| is_other(&byte));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        digits
    }

    fn attachments(&mut self, kind: u8) -> Result<usize, PacketError> {
        if !matches!(kind, b'5' | b'6') {
            return Ok(0);
        }
        let count = self.digits().parse().map_err(|_| PacketError::Attachments)?;
        self.rest = self.rest.strip_prefix('-').ok_or(PacketError::Attachments)?;
        match count {
            0 => Err(PacketError::Attachments),
            count => Ok(count),
        }
    }

    fn namespace(&mut self, text: &ByteString) -> ByteString {
        if !self.rest.starts_with('/') {
            return ROOT;
        }
        let (name, rest) = self.rest.split_once(',').unwrap_or((self.rest, ""));
        self.rest = rest;
        match name {
            "/" => ROOT,
            name => text.slice_ref(name),
        }
    }

    fn ack_id(&mut self) -> Result<Option<AckId>, PacketError> {
        match self.digits() {
            "" => Ok(None),
            digits => digits.parse().map(|id| Some(AckId(id))).map_err(|_| PacketError::AckId),
        }
    }

    /// What follows the namespace.
    fn packet(
        mut self,
        text: &ByteString,
        kind: u8,
        namespace: ByteString,
    ) -> Result<Packet, PacketError> {
        // A refusal answers nothing; it may be a number.
        let id = if kind == b'4' { None } else { self.ack_id()? };
        let data = (!self.rest.is_empty()).then(|| text.slice_ref(self.rest));
        Ok(match kind {
            b'0' => {
                Packet::Connect { namespace, auth: data.map(|data| check(data, b"{")).transpose()? }
            }
            b'1' if data.is_none() => Packet::Disconnect { namespace },
            b'1' => return Err(PacketError::Payload),
            b'2' | b'5' => {
                let (name, args) = match data {
                    Some(data) => RawArgs::event(data)?,
                    None => Default::default(),
                };
                Packet::Event { namespace, id, name, args }
            }
            b'3' | b'6' => Packet::Ack {
                namespace,
                id,
                args: data.map(RawArgs::list).transpose()?.unwrap_or_default(),
            },
            b'4' => {
                let data = data.ok_or(PacketError::Payload)?;
                serde_json::from_str::<IgnoredAny>(&data).map_err(|_| PacketError::Json)?;
                Packet::ConnectError { namespace, data }
            }
            _ => return Err(PacketError::Type),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Packet, PacketError> {
        Packet::decode(&text.into()).map(|(packet, _)| packet)
    }

    #[test]
    fn reads_connect() {
        let connect = |namespace: &'static str, auth: Option<&'static str>| {
            Ok(Packet::Connect { namespace: namespace.into(), auth: auth.map(Into::into) })
        };
        assert_eq!(decode("0"), connect("/", None));
        assert_eq!(decode("0/custom"), connect("/custom", None));
        assert_eq!(decode("0/custom,"), connect("/custom", None));
        assert_eq!(decode(r#"0{"a":1}"#), connect("/", Some(r#"{"a":1}"#)));
        assert_eq!(decode(r#"0/n,{"a":1}"#), connect("/n", Some(r#"{"a":1}"#)));
        assert_eq!(decode("0[1]"), Err(PacketError::Payload));
        assert_eq!(decode("0{"), Err(PacketError::Json));
    }

    #[test]
    fn a_query_is_an_auth_payload() {
        for (namespace, name, auth) in [
            ("/n", "/n", None),
            ("/n?", "/n", Some("{}")),
            ("/n?b=1&a=%C3%A9+x&b=2", "/n", Some(r#"{"a":"é x","b":"2"}"#)),
            ("/?a=?", "/", Some(r#"{"a":"?"}"#)),
        ] {
            assert_eq!(split_query(namespace.into()), (name.into(), auth.map(Into::into)));
        }
    }

    #[test]
    fn reads_events() {
        let Ok((Packet::Event { namespace, id, name, args }, 2)) =
            Packet::decode(&r#"52-/n,13["up",{"_placeholder":true,"num":0}, 1]"#.into())
        else {
            panic!("no event");
        };
        assert_eq!((&*namespace, id, &*name), ("/n", Some(AckId(13)), "up"));
        assert_eq!(args.len(), 2);
    }

    #[test]
    fn event_names_may_be_escaped_or_numbers() {
        for (text, expected) in [(r#"2["\u0061b"]"#, "ab"), ("2[7]", "7"), ("2", "")] {
            match decode(text) {
                Ok(Packet::Event { name, .. }) => assert_eq!(name, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn refuses_what_breaks_the_protocol() {
        for (text, error) in [
            ("", PacketError::Type),
            ("abc", PacketError::Type),
            ("éaaaa", PacketError::Type),
            ("7", PacketError::Type),
            ("1[]", PacketError::Payload),
            ("2{}", PacketError::Payload),
            ("2[]", PacketError::Payload),
            ("2[{}]", PacketError::Payload),
            ("2[null]", PacketError::Payload),
            (r#"2["a""#, PacketError::Json),
            (r#"2["a",]"#, PacketError::Json),
            (r#"2["a"]x"#, PacketError::Json),
            (r#"2abc["a"]"#, PacketError::Json),
            (r#"2["connect"]"#, PacketError::ReservedEvent),
            (r#"2["disconn\u0065ct"]"#, PacketError::ReservedEvent),
            ("299999999999999999999[1]", PacketError::AckId),
            ("3{}", PacketError::Payload),
            ("4", PacketError::Payload),
            ("4no", PacketError::Json),
            (r#"50-["a"]"#, PacketError::Attachments),
            (r#"5-["a"]"#, PacketError::Attachments),
            (r#"51["a"]"#, PacketError::Attachments),
            (r#"5é-["a"]"#, PacketError::Attachments),
        ] {
            assert_eq!(decode(text), Err(error), "{text}");
        }
    }
}
