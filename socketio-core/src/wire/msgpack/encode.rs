//! JSON to `MessagePack`, attachments put in where their placeholders stand.

use std::fmt;

use bytes::Bytes;
use rmp::encode;
use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

use crate::wire::{AckId, Packet, RawArgs};

/// Writes a packet: `{ type, nsp, id?, data? }`.
pub(super) fn packet(packet: &Packet) -> Vec<u8> {
    let mut writer = Writer { out: Vec::with_capacity(64), parts: &[] };
    match packet {
        Packet::Connect { namespace, auth } => {
            writer.head(0, namespace, None, auth.is_some());
            if let Some(auth) = auth {
                writer.json(auth);
            }
        }
        Packet::Disconnect { namespace } => writer.head(1, namespace, None, false),
        Packet::Event { namespace, id, name, args } => {
            writer.head(2, namespace, *id, true);
            writer.args(Some(name), args);
        }
        Packet::Ack { namespace, id, args } => {
            writer.head(3, namespace, *id, true);
            writer.args(None, args);
        }
        Packet::ConnectError { namespace, data } => {
            writer.head(4, namespace, None, true);
            writer.json(data);
        }
    }
    writer.out
}

struct Writer<'a> {
    out: Vec<u8>,
    parts: &'a [Bytes],
}

impl<'a> Writer<'a> {
    /// All but the data, which comes last.
    fn head(&mut self, kind: u64, namespace: &str, id: Option<AckId>, has_data: bool) {
        let fields = 2 + u32::from(id.is_some()) + u32::from(has_data);
        sure(encode::write_map_len(&mut self.out, fields));
        self.string("type");
        sure(encode::write_uint(&mut self.out, kind));
        self.string("nsp");
        self.string(namespace);
        if let Some(AckId(id)) = id {
            self.string("id");
            sure(encode::write_uint(&mut self.out, id));
        }
        if has_data {
            self.string("data");
        }
    }

    fn args(&mut self, name: Option<&str>, args: &'a RawArgs) {
        self.parts = args.attachments();
        let len = args.len() + usize::from(name.is_some());
        sure(encode::write_array_len(&mut self.out, length(len)));
        if let Some(name) = name {
            self.string(name);
        }
        for argument in args.iter() {
            self.json(argument);
        }
    }

    /// Writes a value. One that is too deep is written as `null`: there is no way to read it.
    fn json(&mut self, json: &str) {
        let start = self.out.len();
        let json = &mut serde_json::Deserializer::from_str(json);
        if (Value { writer: self }).deserialize(json).is_err() {
            self.out.truncate(start);
            sure(encode::write_nil(&mut self.out));
        }
    }

    fn string(&mut self, text: &str) {
        sure(encode::write_str(&mut self.out, text));
    }

    /// Puts the head of an array or a map where it begins: only its end shows how long it is.
    fn insert(&mut self, start: usize, head: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        head(&mut bytes);
        self.out.splice(start..start, bytes);
    }
}

fn sure<T, E: fmt::Debug>(written: Result<T, E>) {
    written.expect("a vector takes every write");
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("a packet is below 4 GiB")
}

/// What a value may be the part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Index(usize),
    Other,
    True,
}

/// Writes the JSON value that it is read from.
struct Value<'w, 'a> {
    writer: &'w mut Writer<'a>,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        sure(encode::write_bool(&mut self.writer.out, value));
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Seen, E> {
        sure(encode::write_sint(&mut self.writer.out, value));
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Seen, E> {
        sure(encode::write_uint(&mut self.writer.out, value));
        Ok(usize::try_from(value).map_or(Seen::Other, Seen::Index))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Seen, E> {
        sure(encode::write_f64(&mut self.writer.out, value));
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Seen, E> {
        self.writer.string(value);
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        sure(encode::write_nil(&mut self.writer.out));
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        let writer = self.writer;
        let (start, mut len) = (writer.out.len(), 0);
        while seq.next_element_seed(Value { writer })?.is_some() {
            len += 1;
        }
        writer.insert(start, |out| sure(encode::write_array_len(out, length(len))));
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let writer = self.writer;
        let (start, mut len) = (writer.out.len(), 0);
        let (mut marker, mut num) = (Seen::Other, Seen::Other);
        while let Some(key) = map.next_key::<String>()? {
            writer.string(&key);
            let value = map.next_value_seed(Value { writer })?;
            match key.as_str() {
                "_placeholder" => marker = value,
                "num" => num = value,
                _ => {}
            }
            len += 1;
        }
        let part = match (marker, num) {
            (Seen::True, Seen::Index(index)) => writer.parts.get(index),
            _ => None,
        };
        match part {
            Some(part) => {
                writer.out.truncate(start);
                sure(encode::write_bin(&mut writer.out, part));
            }
            None => writer.insert(start, |out| sure(encode::write_map_len(out, length(len)))),
        }
        Ok(Seen::Other)
    }
}
