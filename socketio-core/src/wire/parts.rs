//! Placeholders in JSON, and the attachments that they stand for.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
        Visitor, value::MapAccessDeserializer,
    },
};
use serde_json::{Error, value::RawValue};

use super::{decode::plain_methods, packet::PacketError};

/// JSON in which placeholders stand for attachments.
pub(super) struct WithParts<'a, D> {
    pub(super) inner: D,
    pub(super) parts: &'a [Bytes],
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

    plain_methods!(forward);

    forward! {
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
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
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
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
