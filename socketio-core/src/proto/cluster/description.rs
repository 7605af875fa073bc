use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A socket as its node tells of it, in the words of the Node server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SocketDescription {
    /// Its id. Nodes that run the Node server have ids of other kinds too.
    pub id: String,
    /// Its first request.
    #[serde(default)]
    pub handshake: RemoteHandshake,
    /// The rooms it is in, its own among them.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// Its data, as a rule an object.
    #[serde(default)]
    pub data: Value,
}

/// The first request of a socket that may be on another node. Node: `handshake` of a
/// `RemoteSocket`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct RemoteHandshake {
    /// The headers by their names in lower case. Several values of one name are joined.
    pub headers: Map<String, Value>,
    /// When the request came, as text for people.
    pub time: String,
    /// The client's IP address, empty where it is not known.
    pub address: String,
    /// Whether the request came from a page of another origin.
    #[serde(rename = "xdomain")]
    pub is_cross_domain: bool,
    /// Whether the connection was encrypted, as far as the request tells.
    #[serde(rename = "secure")]
    pub is_secure: bool,
    /// When the request came, in milliseconds since 1970.
    pub issued: u64,
    /// The request's target.
    pub url: String,
    /// The parameters of its query.
    pub query: Map<String, Value>,
    /// The auth payload of the connect.
    pub auth: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_empty_and_what_is_unknown_is_passed_over() {
        let socket: SocketDescription = serde_json::from_value(
            json!({ "id": "/n#x", "handshake": { "issued": 1, "more": 2 } }),
        )
        .expect("a description");
        let handshake = RemoteHandshake { issued: 1, ..RemoteHandshake::default() };
        let expected = SocketDescription { id: "/n#x".into(), handshake, ..Default::default() };
        assert_eq!(socket, expected);
    }
}
