/// The revision of Engine.IO that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revision {
    /// `EIO=3`: the 1.x and 2.x clients, over which Socket.IO speaks its protocol 4 (or 3, which is
    /// that without binary acknowledgements).
    V3,
    /// `EIO=4`: the clients since 3.0, over which Socket.IO speaks its protocol 5.
    #[default]
    V4,
}

impl Revision {
    /// The number in the `EIO` parameter.
    pub fn number(self) -> u8 {
        match self {
            Revision::V3 => 3,
            Revision::V4 => 4,
        }
    }
}

/// How the packets of a session become payloads and frames. The client says it in the query of its
/// first request.
///
/// The default is that of a current client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// `EIO`: the revision of the protocol.
    pub revision: Revision,
    /// `b64`: the client takes no bytes, only base64.
    pub is_base64: bool,
    /// `j`: the client polls by JSONP, and this is the number of its callback.
    pub jsonp: Option<u16>,
    /// In revision 3: how the client writes text beyond ASCII when it polls, and so reads it. What
    /// it sends tells.
    pub text: TextForm,
    /// The text of messages is JSON, so that characters in it may be escaped.
    pub is_json: bool,
}

/// How text beyond ASCII stands in the text payloads of a client of revision 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextForm {
    /// Of a 1.x client: each byte of its UTF-8 is a character, and counts as one.
    Bytes,
    /// Of a 2.x client: as it is. Its length counts UTF-16 units.
    Units,
    /// The client has sent none so far.
    #[default]
    Unknown,
}

impl Framing {
    /// Whether the client takes bytes when it polls.
    pub(super) fn polls_bytes(self) -> bool {
        !self.is_base64 && self.jsonp.is_none()
    }
}
