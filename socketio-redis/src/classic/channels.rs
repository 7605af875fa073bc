use bytestring::ByteString;
use socketio_core::NodeId;

use super::encode::Channel;

/// The names of the channels, which all begin with the same key.
#[derive(Clone, Debug)]
pub(crate) struct Channels {
    key: ByteString,
}

impl Channels {
    pub(crate) fn new(key: impl Into<ByteString>) -> Self {
        Self { key: key.into() }
    }

    /// Where events for clients go: those for one room have a channel of their own.
    pub(crate) fn broadcast(&self, namespace: &str, room: Option<&str>) -> String {
        let key = &self.key;
        match room {
            Some(room) => format!("{key}#{namespace}#{room}#"),
            None => format!("{key}#{namespace}#"),
        }
    }

    /// The room, where a channel is for the events of one.
    pub(crate) fn room<'a>(&self, namespace: &str, channel: &'a str) -> Option<&'a str> {
        let namespaces = channel.strip_prefix(&*self.key)?.strip_prefix('#')?;
        namespaces.strip_prefix(namespace)?.strip_prefix('#')?.strip_suffix('#')
    }

    /// Where everything else goes that is for all nodes.
    pub(crate) fn request(&self, namespace: &str) -> String {
        format!("{}-request#{namespace}#", self.key)
    }

    /// Where answers go, or those to one node.
    pub(crate) fn response(&self, namespace: &str, to: Option<&NodeId>) -> String {
        let key = &self.key;
        match to {
            Some(node) => format!("{key}-response#{namespace}#{node}#"),
            None => format!("{key}-response#{namespace}#"),
        }
    }

    /// The channel of something that was written, of which an answer may be for one node.
    pub(crate) fn of(&self, channel: &Channel, namespace: &str, to: Option<&NodeId>) -> String {
        match channel {
            Channel::Broadcast(room) => self.broadcast(namespace, room.as_deref()),
            Channel::Request => self.request(namespace),
            Channel::Response => self.response(namespace, to),
            Channel::SharedResponse => self.response(namespace, None),
        }
    }

    /// What matches all the channels for events. Node does not escape the names, so that there a
    /// namespace with one of these characters hears of others.
    pub(crate) fn pattern(&self, namespace: &str) -> String {
        let mut pattern = String::new();
        for char in self.broadcast(namespace, None).chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern + "*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_as_on_node() {
        let channels = Channels::new("socket.io");
        assert_eq!(channels.broadcast("/chat", None), "socket.io#/chat#");
        assert_eq!(channels.broadcast("/chat", Some("r#1")), "socket.io#/chat#r#1#");
        assert_eq!(channels.room("/chat", "socket.io#/chat#"), None);
        assert_eq!(channels.room("/chat", "socket.io#/chat#r#1#"), Some("r#1"));
        assert_eq!(channels.room("/", "socket.io-request#/#"), None);
        assert_eq!(channels.request("/"), "socket.io-request#/#");
        assert_eq!(channels.response("/", None), "socket.io-response#/#");
        assert_eq!(channels.response("/", Some(&NodeId::new("x"))), "socket.io-response#/#x#");
        assert_eq!(channels.pattern("/"), "socket.io#/#*");
        assert_eq!(channels.pattern(r"/a*[b]?\"), r"socket.io#/a\*\[b\]\?\\#*");
    }
}
