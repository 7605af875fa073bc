//! Arguments to Rust values: JSON through `serde_json`, placeholders replaced by attachments.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Error;

use super::{args::RawArgs, parts::WithParts};

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

/// Hands the methods of `Deserializer` that both deserializers here treat alike to a macro.
macro_rules! plain_methods {
    ($implement:ident) => {
        $implement! {
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
            deserialize_seq();
            deserialize_map();
            deserialize_struct(name: &'static str, fields: &'static [&'static str]);
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
            deserialize_identifier();
        }
    };
}
pub(super) use plain_methods;

/// How the names begin that `serde_json` marks its own types with, such as `RawValue`: only its own
/// deserializer reads them.
const SERDE_JSON: &str = "$serde_json::private::";

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

    plain_methods!(first_argument);

    first_argument! {
        deserialize_any();
        deserialize_bytes();
        deserialize_byte_buf();
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name.starts_with(SERDE_JSON) {
            true => serde_json::Deserializer::from_str(self.args.as_json())
                .deserialize_newtype_struct(name, visitor),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytestring::ByteString;
    use serde::Deserialize;

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

    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(u8, Option<String>);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Single<T>(T);

    #[test]
    fn a_struct_without_field_names_is_the_tuple_of_its_fields() {
        assert_eq!(parse("[]"), Ok(Unit));
        assert_eq!(parse("[null]"), Ok(Unit));
        assert_eq!(parse(r#"[1,"a"]"#), Ok(Pair(1, Some("a".into()))));
        assert_eq!(parse("[1]"), Ok(Pair(1, None)));
        assert_eq!(parse("[[1,null]]"), Ok((Pair(1, None),)));
        assert_eq!(parse(r#"["a",1]"#), Ok(Single(String::from("a"))));
        assert_eq!(parse("[1,2]"), Ok(Single((1, 2))));
        assert_eq!(parse("[]"), Ok(Single(None::<u8>)));
        let bytes = args(r#"["a",{"_placeholder":true,"num":0}]"#, &["x"]);
        assert_eq!(bytes.parse(), Ok(Single((String::from("a"), Bytes::from("x")))));
        let raw = parse::<Box<serde_json::value::RawValue>>("[[1],2]").expect("any JSON");
        assert_eq!(raw.get(), "[1]");
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
