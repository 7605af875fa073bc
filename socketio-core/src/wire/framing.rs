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
    /// The client has sent text payloads of revision 3, so that it reads them too. A 1.x client that
    /// can do without never sends one, and of those that come it reads no more than ASCII.
    pub reads_text: bool,
}
