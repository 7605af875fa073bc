use std::{fmt, time::Duration};

use bytestring::ByteString;

use super::description::SocketDescription;
use crate::{id::SocketId, wire::RawArgs};

macro_rules! ids {
    ($($(#[$docs:meta])* $name:ident;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ByteString);

        impl $name {
            /// The one of this text. It keeps the text: give it a copy rather than a slice of a
            /// buffer.
            pub fn new(text: impl Into<ByteString>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// Names one node of a cluster. That of a server is 16 random digits, base 16, as on Node, where
    /// it is the `uid` of an adapter.
    NodeId;
    /// Names one request to the other nodes.
    RequestId;
}

impl NodeId {
    /// Programs that only send, such as the emitters of Node, go by the name of `emitter`. They are
    /// no nodes.
    pub(super) fn is_emitter(&self) -> bool {
        self.as_str() == "emitter"
    }
}

/// What nodes tell each other: the messages that the cluster adapters of Node share, whatever their
/// encoding. Each belongs to a namespace.
///
/// A transport has to leave keys out rather than set them to null: Node takes a broadcast that has a
/// `requestId` for one that asks for acknowledgements.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClusterMessage {
    /// A node has the namespace now, and asks who else does. Node: type 1.
    InitialHeartbeat,
    /// A node is still there. Node: type 2.
    Heartbeat,
    /// An event for clients. Node: type 3.
    Broadcast {
        /// For whom it is, and how it is sent.
        options: BroadcastOptions,
        /// The event.
        name: ByteString,
        /// Its arguments.
        args: RawArgs,
        /// Present if acknowledgements are asked for.
        request: Option<RequestId>,
    },
    /// Sockets join rooms. Node: type 4.
    SocketsJoin {
        /// Which sockets.
        options: BroadcastOptions,
        /// Which rooms.
        rooms: Vec<ByteString>,
    },
    /// Sockets leave rooms. Node: type 5.
    SocketsLeave {
        /// Which sockets.
        options: BroadcastOptions,
        /// Which rooms.
        rooms: Vec<ByteString>,
    },
    /// Sockets are disconnected. Node: type 6.
    DisconnectSockets {
        /// Which sockets.
        options: BroadcastOptions,
        /// Whether their connections are closed.
        close: bool,
    },
    /// A node asks for sockets. Node: type 7.
    FetchSockets {
        /// Which sockets.
        options: BroadcastOptions,
        /// To be named in the answer.
        request: RequestId,
    },
    /// The answer to it. Node: type 8.
    FetchSocketsResponse {
        /// What is answered.
        request: RequestId,
        /// The sockets of the node that answers.
        sockets: Vec<SocketDescription>,
    },
    /// An event for the other nodes. Node: type 9.
    ServerSideEmit {
        /// The event.
        name: ByteString,
        /// Its arguments.
        args: RawArgs,
        /// Present if an answer is asked for.
        request: Option<RequestId>,
    },
    /// The answer to it. Node: type 10.
    ServerSideEmitResponse {
        /// What is answered.
        request: RequestId,
        /// One argument.
        answer: RawArgs,
    },
    /// How many clients of a node a broadcast asks for an acknowledgement. It comes before the
    /// first of them. Node: type 11.
    BroadcastClientCount {
        /// The broadcast.
        request: RequestId,
        /// The number, which may be 0.
        count: usize,
    },
    /// The acknowledgement of one client. Node: type 12.
    BroadcastAck {
        /// The broadcast.
        request: RequestId,
        /// Who acknowledges, where that is told: Node does not.
        socket: Option<SocketId>,
        /// One argument.
        answer: RawArgs,
    },
    /// A node goes, or has the namespace no longer. Node: type 13.
    AdapterClose,
}

/// For whom something is, and how it is sent. Node: `opts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroadcastOptions {
    /// The union of these rooms; everyone, if there are none.
    pub rooms: Vec<ByteString>,
    /// Without the members of these.
    pub except: Vec<ByteString>,
    /// Dropped for clients whose transport cannot take it. Node: `flags.volatile`.
    pub is_volatile: bool,
    /// How long acknowledgements or answers are waited for. Node: `flags.timeout`.
    pub timeout: Option<Duration>,
}
