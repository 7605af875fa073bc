//! `opts`: `{"rooms":[…],"except":[…],"flags":{…}}`.

use std::time::Duration;

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};
use serde_json::Number;

use super::super::{
    description::{Name, or_default},
    message::BroadcastOptions,
};

impl Serialize for BroadcastOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flags = Flags {
            volatile: self.is_volatile.then_some(true),
            timeout: self.timeout.map(|timeout| (timeout.as_millis() as u64).into()),
        };
        let mut fields = serializer.serialize_struct("opts", 3)?;
        fields.serialize_field("rooms", &texts(&self.rooms))?;
        fields.serialize_field("except", &texts(&self.except))?;
        fields.serialize_field("flags", &flags)?;
        fields.end()
    }
}

/// Whatever is missing is empty: not all emitters write it.
impl<'de> Deserialize<'de> for BroadcastOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Options { rooms, except, flags } = Options::deserialize(deserializer)?;
        let timeout = |millis: f64| Duration::try_from_secs_f64(millis / 1000.0).ok();
        Ok(Self {
            rooms: names(rooms),
            except: names(except),
            is_volatile: flags.volatile == Some(true),
            timeout: flags.timeout.and_then(|millis| millis.as_f64()).and_then(timeout),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    #[serde(deserialize_with = "or_default")]
    rooms: Vec<Name>,
    #[serde(deserialize_with = "or_default")]
    except: Vec<Name>,
    #[serde(deserialize_with = "or_default")]
    flags: Flags,
}

/// Those that say something to other nodes. `timeout` is in milliseconds.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    volatile: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Number>,
}

pub(super) fn names(names: Vec<Name>) -> Vec<ByteString> {
    names.into_iter().map(|Name(name)| name.into()).collect()
}

pub(super) fn texts(names: &[ByteString]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}
