//! Arguments to Rust values: JSON through `serde_json`, placeholders replaced by attachments.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IgnoredAny, MapAccess,
        SeqAccess, VariantAccess, Visitor, value::MapAccessDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, value::RawValue};

use super::{args::RawArgs, packet::PacketError};

/// Arguments that do not fit the type they were read into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArgsError {
    message: String,
}

/// Characters of a message that are kept. It may quote what the client sent.
const MESSAGE_CHARS: usize = 200;

impl From<Error> for ArgsError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        // The position is one in the frame, which means nothing to whoever reads this.
        let end = message.rfind(" at line ").unwrap_or(message.len());
        Self { message: message[..end].chars().take(MESSAGE_CHARS).collect() }
    }
}

pub(super) fn parse<T: DeserializeOwned>(args: &RawArgs) -> Result<T, ArgsError> {
    Ok(T::deserialize(ArgsDeserializer { args })?)
}

/// Several arguments to a tuple, the first to everything else.
struct ArgsDeserializer<'de> {
    args: &'de RawArgs,
}

macro_rules! first_argument {
    ($($method:ident($($arg:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Error> {
            let parts = self.args.attachments();
            if self.args.is_empty() {
                return Missing.$method($($arg,)* visitor);
            }
            let mut json = serde_json::Deserializer::from_str(self.args.as_json());
            if parts.is_empty() {
                json.$method($($arg,)* visitor)
            } else {
                WithParts { inner: &mut json, parts }.$method($($arg,)* visitor)
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for ArgsDeserializer<'de> {
    type Error = Error;

    first_argument! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let (array, skip) = match self.args.array() {
            ("", _) => ("[]", 0),
            array => array,
        };
        let parts = self.args.attachments();
        serde_json::Deserializer::from_str(array).deserialize_seq(TupleVisitor {
            skip,
            parts,
            visitor,
        })
    }
}

struct TupleVisitor<'a, V> {
    skip: usize,
    parts: &'a [Bytes],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TupleVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<V::Value, A::Error> {
        for _ in 0..self.skip {
            seq.next_element::<IgnoredAny>()?;
        }
        let value = self.visitor.visit_seq(TupleAccess { seq: &mut seq, parts: self.parts })?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

struct TupleAccess<'a, A> {
    seq: &'a mut A,
    parts: &'a [Bytes],
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for TupleAccess<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let mut seed = Some(seed);
        let found = self.seq.next_element_seed(Lent { seed: &mut seed, parts: self.parts })?;
        match (found, seed) {
            (None, Some(seed)) => seed.deserialize(Missing).map(Some).map_err(A::Error::custom),
            (found, _) => Ok(found),
        }
    }
}

/// A seed that its owner gets back if it was not used.
struct Lent<'a, T> {
    seed: &'a mut Option<T>,
    parts: &'a [Bytes],
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Lent<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let seed = self.seed.take().ok_or_else(|| D::Error::custom("seed used twice"))?;
        match self.parts {
            [] => seed.deserialize(deserializer),
            parts => seed.deserialize(WithParts { inner: deserializer, parts }),
        }
    }
}

/// An argument that did not come: `None`, or an error.
struct Missing;

impl<'de> Deserializer<'de> for Missing {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom(format_args!("missing argument, expected {}", Expected(&visitor))))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Expected<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// JSON in which placeholders stand for attachments.
struct WithParts<'a, D> {
    inner: D,
    parts: &'a [Bytes],
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = PartsVisitor { visitor, parts: self.parts, on_map: OnMap::Map };
            self.inner.$method($($arg,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WithParts<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = PartsVisitor { visitor, parts: self.parts, on_map: OnMap::Either };
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = PartsVisitor { visitor, parts: self.parts, on_map: OnMap::Placeholder };
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(visitor)
    }

    forward! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// What a JSON object can be at this place.
#[derive(Clone, Copy)]
enum OnMap {
    Either,
    Map,
    Placeholder,
}

struct PartsVisitor<'a, V> {
    visitor: V,
    parts: &'a [Bytes],
    on_map: OnMap,
}

impl<V> PartsVisitor<'_, V> {
    fn part<E: de::Error>(&self, index: usize) -> Result<Vec<u8>, E> {
        let part = self.parts.get(index).ok_or_else(|| E::custom("no such attachment"))?;
        Ok(part.to_vec())
    }
}

macro_rules! visit {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for PartsVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(WithParts { inner, parts: self.parts })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(WithParts { inner, parts: self.parts })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(WithParts { inner, parts: self.parts })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut inner: A) -> Result<V::Value, A::Error> {
        match self.on_map {
            OnMap::Map => self.visitor.visit_map(WithParts { inner, parts: self.parts }),
            OnMap::Placeholder => {
                let placeholder = Placeholder::deserialize(MapAccessDeserializer::new(inner))?;
                let part = self.part(placeholder.num)?;
                self.visitor.visit_byte_buf(part)
            }
            OnMap::Either => {
                let mut entries = Vec::new();
                while let Some(entry) = inner.next_entry::<String, Box<RawValue>>()? {
                    entries.push(entry);
                }
                match placeholder(&entries) {
                    Some(index) => {
                        let part = self.part(index)?;
                        self.visitor.visit_byte_buf(part)
                    }
                    None => self
                        .visitor
                        .visit_map(Replay {
                            entries: entries.into_iter(),
                            value: None,
                            parts: self.parts,
                        })
                        .map_err(A::Error::custom),
                }
            }
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(WithParts { inner, parts: self.parts })
    }
}

#[derive(Deserialize)]
struct Placeholder {
    #[serde(rename = "_placeholder")]
    _marker: bool,
    num: usize,
}

/// The index in a placeholder; its keys may come in any order.
fn placeholder(entries: &[(String, Box<RawValue>)]) -> Option<usize> {
    let value = |name| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
    match value("_placeholder") {
        Some("true") => value("num")?.parse().ok(),
        _ => None,
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for WithParts<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(WithParts { inner: seed, parts: self.parts })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithParts<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(WithParts { inner: seed, parts: self.parts })
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for WithParts<'a, A> {
    type Error = A::Error;
    type Variant = WithParts<'a, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, inner) = self.inner.variant_seed(seed)?;
        Ok((value, WithParts { inner, parts: self.parts }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for WithParts<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(WithParts { inner: seed, parts: self.parts })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = PartsVisitor { visitor, parts: self.parts, on_map: OnMap::Map };
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = PartsVisitor { visitor, parts: self.parts, on_map: OnMap::Map };
        self.inner.struct_variant(fields, visitor)
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for WithParts<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(WithParts { inner, parts: self.parts })
    }
}

/// A map that had to be read to the end to see that it is no placeholder.
struct Replay<'a> {
    entries: std::vec::IntoIter<(String, Box<RawValue>)>,
    value: Option<Box<RawValue>>,
    parts: &'a [Bytes],
}

impl<'de> MapAccess<'de> for Replay<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(de::value::StringDeserializer::<Error>::new(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("value before key"))?;
        // The value outlives nothing but this call, so it is read as owned data.
        let mut json = serde_json::Deserializer::from_reader(value.get().as_bytes());
        seed.deserialize(WithParts { inner: &mut json, parts: self.parts })
    }
}

/// Checks that every placeholder in this JSON stands for one of `count` attachments.
pub(super) fn check_placeholders(json: &str, count: usize) -> Result<(), PacketError> {
    if json.is_empty() {
        return Ok(());
    }
    let mut json = serde_json::Deserializer::from_str(json);
    match (Check { count }).deserialize(&mut json) {
        Ok(_) => Ok(()),
        Err(_) => Err(PacketError::Placeholder),
    }
}

#[derive(Clone, Copy)]
struct Check {
    count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Index(u64),
    Other,
    True,
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a placeholder below {}", self.count)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Seen, E> {
        Ok(Seen::Index(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let (mut marker, mut num) = (Seen::Other, Seen::Other);
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = map.next_value_seed(self)?;
            match &*key {
                "_placeholder" => marker = value,
                "num" => num = value,
                _ => {}
            }
        }
        match (marker, num) {
            (Seen::True, Seen::Index(index)) if index < self.count as u64 => Ok(Seen::Other),
            (Seen::True, _) => Err(A::Error::custom("no such attachment")),
            _ => Ok(Seen::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytestring::ByteString;

    use super::*;

    fn args(array: &'static str, parts: &[&'static str]) -> RawArgs {
        let mut args = RawArgs::list(ByteString::from_static(array)).expect("a list");
        if !parts.is_empty() {
            let parts = parts.iter().map(|part| Bytes::from_static(part.as_bytes()));
            args.set_attachments(parts.collect()).expect("placeholders that fit");
        }
        args
    }

    fn parse<T: DeserializeOwned>(array: &'static str) -> Result<T, ArgsError> {
        args(array, &[]).parse()
    }

    #[test]
    fn a_tuple_is_several_arguments_and_anything_else_is_one() {
        assert_eq!(parse("[1,2]"), Ok((1, 2)));
        assert_eq!(parse("[1,2]"), Ok(1));
        assert_eq!(parse("[[1,2]]"), Ok(vec![1, 2]));
        assert_eq!(parse("[1,2,3]"), Ok((1, 2)));
        assert_eq!(parse("[]"), Ok(()));
        assert_eq!(parse("[1]"), Ok(()));
        assert_eq!(
            parse(r#"["a",{"b":1}]"#),
            Ok((String::from("a"), HashMap::from([(String::from("b"), 1)])))
        );
    }

    #[test]
    fn what_is_missing_is_none_or_an_error() {
        assert_eq!(parse("[1]"), Ok((1, None::<i32>)));
        assert_eq!(parse("[]"), Ok(None::<i32>));
        let error = parse::<(i32, String)>("[1]").expect_err("a missing argument");
        assert_eq!(error.to_string(), "missing argument, expected a string");
        assert!(parse::<i32>("[]").is_err());
        assert!(parse::<i32>(r#"["x"]"#).is_err());
    }

    #[test]
    fn messages_do_not_grow_with_what_the_client_sent() {
        let args = RawArgs::list(format!("[\"{}\"]", "x".repeat(100_000)).into()).expect("a list");
        let error = args.parse::<u32>().expect_err("no number");
        assert!(error.to_string().len() <= 200);
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Upload {
        name: String,
        body: Bytes,
        #[serde(with = "serde_bytes")]
        tail: Vec<u8>,
        more: Option<Vec<Bytes>>,
    }

    #[test]
    fn bytes_go_where_they_are_asked_for() {
        let args = args(
            r#"[{"name":"n","body":{"num":1,"_placeholder":true},"tail":{"_placeholder":true,"num":0},
                "more":[{"_placeholder":true,"num":2}]},{"_placeholder":true,"num":0}]"#,
            &["a", "b", "c"],
        );
        let upload = Upload {
            name: "n".into(),
            body: "b".into(),
            tail: b"a".to_vec(),
            more: Some(vec!["c".into()]),
        };
        assert_eq!(args.parse(), Ok((upload, Bytes::from("a"))));
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Binary(Bytes),
        Fields(HashMap<String, u32>),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Shape {
        Blob(Bytes),
        Named { blob: Bytes },
        Pair(Bytes, u8),
    }

    #[test]
    fn bytes_go_into_enums() {
        let both = args(r#"[{"_placeholder":true,"num":0},{"num":7}]"#, &["x"]);
        let fields = Either::Fields(HashMap::from([(String::from("num"), 7)]));
        assert_eq!(both.parse(), Ok((Either::Binary("x".into()), fields)));
        let shapes = args(
            r#"[{"Blob":{"_placeholder":true,"num":0}},{"Named":{"blob":{"_placeholder":true,"num":0}}},
                {"Pair":[{"_placeholder":true,"num":0},1]}]"#,
            &["x"],
        );
        let x = || Bytes::from("x");
        assert_eq!(
            shapes.parse(),
            Ok((Shape::Blob(x()), Shape::Named { blob: x() }, Shape::Pair(x(), 1)))
        );
    }

    #[test]
    fn binary_does_not_fit_json_values() {
        let args = args(r#"[{"_placeholder":true,"num":0}]"#, &["x"]);
        assert!(args.parse::<serde_json::Value>().is_err());
    }
}
