use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// A socket as its node tells of it, in the words of the Node server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SocketDescription {
    /// Its id. Nodes that run the Node server have ids of other kinds too.
    pub id: String,
    /// Its first request.
    #[serde(default, deserialize_with = "or_default")]
    pub handshake: RemoteHandshake,
    /// The rooms it is in, its own among them.
    #[serde(default, deserialize_with = "rooms")]
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
    #[serde(deserialize_with = "or_default")]
    pub headers: Map<String, Value>,
    /// When the request came, as text for people.
    #[serde(deserialize_with = "or_default")]
    pub time: String,
    /// The client's IP address, empty where it is not known.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Whether the request came from a page of another origin.
    #[serde(rename = "xdomain", deserialize_with = "or_default")]
    pub is_cross_domain: bool,
    /// Whether the connection was encrypted, as far as the request tells.
    #[serde(rename = "secure", deserialize_with = "or_default")]
    pub is_secure: bool,
    /// When the request came, in milliseconds since 1970.
    #[serde(deserialize_with = "or_default")]
    pub issued: u64,
    /// The request's target.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
    /// The parameters of its query.
    #[serde(deserialize_with = "or_default")]
    pub query: Map<String, Value>,
    /// The auth payload of the connect.
    pub auth: Value,
}

/// `null` is as if it were not there: some encodings do not tell it from `undefined`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn rooms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let rooms: Vec<Name> = or_default(deserializer)?;
    Ok(rooms.into_iter().map(|Name(room)| room).collect())
}

/// A name of a room, which on Node may be a number.
#[derive(Debug)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Name, E> {
                Ok(Name(number.to_string()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Name, E> {
                Ok(Name(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Name, E> {
                Ok(Name(number.to_string()))
            }
        }

        deserializer.deserialize_any(NameVisitor)
    }
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
