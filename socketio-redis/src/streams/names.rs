use bytestring::ByteString;
use socketio_core::NodeId;

/// How streams and channels are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(super) stream: String,
    pub(super) stream_count: i32,
    pub(super) channel_prefix: String,
}

impl Names {
    /// Which stream has the events of a namespace. Node counts as Java does, and so some to less than
    /// nothing.
    pub(crate) fn index(&self, namespace: &str) -> u32 {
        let hash = namespace
            .encode_utf16()
            .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        (hash % self.stream_count).cast_unsigned()
    }

    /// The name of a stream.
    pub(crate) fn stream(&self, index: u32) -> String {
        match self.stream_count {
            1 => self.stream.clone(),
            _ => format!("{}-{}", self.stream, index.cast_signed()),
        }
    }

    /// The channel of all nodes that have a namespace, or that of one.
    pub(super) fn channel(&self, namespace: &str, node: Option<&NodeId>) -> ByteString {
        let prefix = &self.channel_prefix;
        match node {
            None => format!("{prefix}#{namespace}#").into(),
            Some(node) => format!("{prefix}#{namespace}#{node}#").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_shared_out_as_on_node() {
        let names =
            |count| Names { stream: "s".into(), stream_count: count, channel_prefix: "c".into() };
        let stream = |count, namespace| names(count).stream(names(count).index(namespace));
        assert_eq!(stream(1, "/my-namespace"), "s");
        assert_eq!(stream(4, "/my-namespace"), "s--3");
        assert_eq!(stream(4, "/"), "s-3");
        let node = NodeId::new("8aecdbd8926f1590");
        assert_eq!(names(1).channel("/", None), "c#/#");
        assert_eq!(names(1).channel("/", Some(&node)), "c#/#8aecdbd8926f1590#");
    }
}
