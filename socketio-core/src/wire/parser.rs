use std::{fmt, sync::Arc};

use bytestring::ByteString;

use super::{
    assembler::{Assembler, AssemblerLimits},
    encoded::Encoded,
    engine::Message,
    packet::{Packet, PacketError},
};

/// How packets travel, in place of the protocol's own way. Clients must use its counterpart. Node:
/// `parser`.
///
/// The server writes every packet as JSON first, and reads arguments from JSON, so that handlers
/// and all that handles arguments need not know of parsers: a parser translates. This one wraps
/// each packet, attachments and all, in one message:
///
/// ```
/// use socketio_core::{
///     SocketIo,
///     wire::{AssemblerLimits, Decoder, Encoded, Message, Packet, PacketError, Parser, RawArgs},
/// };
///
/// /// `<namespace> <event> <arguments>`: events without attachments, and nothing else.
/// #[derive(Debug)]
/// struct Plain;
///
/// impl Parser for Plain {
///     fn encode(&self, packet: Packet) -> Encoded {
///         Encoded::from(Message::from(&*match packet {
///             Packet::Event { namespace, name, args, .. } => {
///                 format!("{namespace} {name} {}", args.as_json())
///             }
///             other => format!("{} -", other.namespace()),
///         }))
///     }
///
///     fn decoder(&self, _: AssemblerLimits) -> Box<dyn Decoder> {
///         Box::new(Plain)
///     }
/// }
///
/// impl Decoder for Plain {
///     fn decode(&mut self, message: Message) -> Result<Option<Packet>, PacketError> {
///         let Message::Text(text) = message else {
///             return Err(PacketError::AttachmentOrder);
///         };
///         let (namespace, rest) = text.split_once(' ').ok_or(PacketError::Type)?;
///         let namespace = namespace.into();
///         Ok(Some(match rest.split_once(' ') {
///             Some((name, args)) => Packet::Event {
///                 namespace,
///                 id: None,
///                 name: name.into(),
///                 args: RawArgs::from_json(&format!("[{args}]"), Vec::new())?,
///             },
///             None => Packet::Connect { namespace, auth: None },
///         }))
///     }
/// }
///
/// let io = SocketIo::builder().parser(Plain).build()?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
pub trait Parser: fmt::Debug + Send + Sync + 'static {
    /// Writes a packet. The `auth` of a CONNECT is the server's answer to one, `{"sid":…}`. It may be
    /// called while the namespace is locked, so it must not use the server.
    fn encode(&self, packet: Packet) -> Encoded;

    /// Makes what reads the packets of one client.
    fn decoder(&self, limits: AssemblerLimits) -> Box<dyn Decoder>;
}

/// Reads the packets of one client.
pub trait Decoder: fmt::Debug + Send {
    /// Takes a message and gives the packet, if it is complete.
    ///
    /// # Errors
    /// The client broke the protocol, and is closed.
    fn decode(&mut self, message: Message) -> Result<Option<Packet>, PacketError>;
}

/// How the packets of a server are written: as JSON, or by a parser of the application's choice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codec(Option<Arc<dyn Parser>>);

impl Codec {
    pub(crate) fn new(parser: Option<Arc<dyn Parser>>) -> Self {
        Self(parser)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.0.is_none()
    }

    /// Makes what reads the packets of one client.
    pub(crate) fn reader(&self, limits: AssemblerLimits) -> Reader {
        match &self.0 {
            None => Reader::Json(Assembler::new(limits)),
            Some(parser) => Reader::Other(parser.decoder(limits)),
        }
    }

    /// The packet of a namespace as it goes out, from how it is written in JSON.
    pub(crate) fn encode(&self, namespace: &ByteString, json: Encoded) -> Encoded {
        match &self.0 {
            None => json,
            Some(parser) => parser.encode(json.into_packet(namespace.clone())),
        }
    }
}

/// Reads the packets of one client, however they are written.
#[derive(Debug)]
pub(crate) enum Reader {
    Json(Assembler),
    Other(Box<dyn Decoder>),
}

impl Reader {
    pub(crate) fn decode(&mut self, message: Message) -> Result<Option<Packet>, PacketError> {
        match (self, message) {
            (Reader::Json(assembler), Message::Text(text)) => assembler.text(&text),
            (Reader::Json(assembler), Message::Binary(bytes)) => assembler.binary(bytes),
            (Reader::Other(decoder), message) => decoder.decode(message),
        }
    }
}
