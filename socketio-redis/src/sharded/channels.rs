use bytestring::ByteString;
use socketio_core::{ClusterMessage, NodeId};

/// Which rooms have a channel of their own, to which a node listens as long as it has somebody
/// there. All nodes need the same: what goes by the channel of a room is lost on a node that does not
/// know of it. Node: `subscriptionMode`.
///
/// There are no other modes on Node, so a match may name them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionMode {
    /// None has: each node hears everything of a namespace.
    Static,
    /// All rooms have, but those of sockets, and others with a name as long as a socket's id, which
    /// is 20 characters. For many sockets, and events for rooms.
    #[default]
    Dynamic,
    /// All rooms have, those of sockets among them. For many events to single sockets: each socket
    /// costs its node a subscription.
    DynamicPrivate,
}

/// The names of channels.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    pub(super) prefix: String,
    pub(super) mode: SubscriptionMode,
}

/// The length of a socket's id as Node measures it, in units of UTF-16.
const ID_LEN: usize = 20;

impl Channels {
    /// That of a namespace, to which all nodes listen that have it.
    pub(super) fn namespace(&self, namespace: &str) -> ByteString {
        format!("{}#{namespace}#", self.prefix).into()
    }

    /// That of the answers for a node.
    pub(super) fn answers(&self, namespace: &str, node: &NodeId) -> ByteString {
        format!("{}#{namespace}#{node}#", self.prefix).into()
    }

    /// Those to which a node listens as long as it has a namespace.
    pub(super) fn of_namespace(&self, namespace: &str, node: &NodeId) -> [ByteString; 2] {
        [self.namespace(namespace), self.answers(namespace, node)]
    }

    /// That of a room, if it has one.
    pub(super) fn room(&self, namespace: &str, room: &str) -> Option<ByteString> {
        let has_one = match self.mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::Dynamic => room.encode_utf16().count() != ID_LEN,
            SubscriptionMode::DynamicPrivate => true,
        };
        has_one.then(|| format!("{}#{namespace}#{room}#", self.prefix).into())
    }

    /// That of the room that a message is for, if it is for the nodes alone that have somebody there:
    /// to a question all nodes answer.
    pub(super) fn room_of(&self, namespace: &str, message: &ClusterMessage) -> Option<ByteString> {
        match message {
            ClusterMessage::Broadcast { options, request: None, .. } => match &options.rooms[..] {
                [room] => self.room(namespace, room),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use socketio_core::{BroadcastOptions, RawArgs, RequestId};

    use super::*;

    fn channels(mode: SubscriptionMode) -> Channels {
        Channels { prefix: "socket.io".into(), mode }
    }

    /// What Node listens to and publishes to with each mode.
    #[test]
    fn rooms_have_channels_as_on_node() {
        let room = |mode, room: &str| channels(mode).room("/chat", room).map(String::from);
        let own = |room: &str| Some(format!("socket.io#/chat#{room}#"));
        let id = "u-3tZFL3NMbgtiiFAAAC";
        for name in ["blue", "", "#", id, "12345678901234567890"] {
            assert_eq!(room(SubscriptionMode::Static, name), None);
            assert_eq!(room(SubscriptionMode::DynamicPrivate, name), own(name));
        }
        for name in ["blue", "", "#", "short", "é", &"😀".repeat(20)] {
            assert_eq!(room(SubscriptionMode::Dynamic, name), own(name));
        }
        for name in [id, "12345678901234567890", &"é".repeat(20), &"😀".repeat(10)] {
            assert_eq!(room(SubscriptionMode::Dynamic, name), None);
        }
    }

    #[test]
    fn only_an_event_for_one_room_that_is_no_question_goes_to_it() {
        let channels = channels(SubscriptionMode::Dynamic);
        let channel = |rooms: &[&str], request: Option<&str>| {
            let rooms = rooms.iter().map(|room| (*room).into()).collect();
            let options =
                BroadcastOptions { rooms, except: vec!["x".into()], ..Default::default() };
            let request = request.map(RequestId::new);
            let (name, args) = ("news".into(), RawArgs::default());
            let message = ClusterMessage::Broadcast { options, name, args, request };
            channels.room_of("/", &message).map(String::from)
        };
        assert_eq!(channel(&["blue"], None).as_deref(), Some("socket.io#/#blue#"));
        assert_eq!(channel(&["blue"], Some("question")), None);
        assert_eq!(channel(&["blue", "red"], None), None);
        assert_eq!(channel(&[], None), None);
        let options = BroadcastOptions { rooms: vec!["blue".into()], ..Default::default() };
        let message = ClusterMessage::DisconnectSockets { options, close: true };
        assert_eq!(channels.room_of("/", &message), None);
    }
}
