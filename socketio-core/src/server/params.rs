//! What stands in the places of a namespace's pattern, as values.

use bytestring::ByteString;
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, Error as _, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    context::{Context, FromContext},
    namespace::Namespace,
};
use crate::error::ExtractError;

/// What stands in the places of the pattern that the namespace was made by, such as `42` in
/// `/tenant-42` of `/tenant-{id}`.
///
/// It is read as a struct with the names of the places, as a tuple in their order, or if there is
/// one, as the value itself. Names are not percent-decoded: they are what clients and
/// [`SocketIo::of`](crate::SocketIo::of) say.
///
/// ```
/// # use socketio_core::{Data, NamespaceParams, Socket, SocketIo};
/// # let io = SocketIo::new();
/// io.of_dynamic("/tenant-{id}", |tenant| {
///     tenant.on("which", |NamespaceParams(id): NamespaceParams<u32>| Data(id));
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamespaceParams<T>(pub T);

/// Names of places, and what stands there.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Box<[(ByteString, ByteString)]>);

impl<C: Context, T: DeserializeOwned> FromContext<C> for NamespaceParams<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        cx.socket().namespace().params().map(NamespaceParams)
    }
}

impl Namespace {
    /// What stands in the places of the pattern that it was made by, as [`NamespaceParams`].
    ///
    /// # Errors
    /// It is no `T`, or no pattern made the namespace.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, ExtractError> {
        let params = self.0.params().ok_or_else(|| ExtractError::new("no pattern"))?;
        T::deserialize(params)
            .map_err(|error| ExtractError::clients(format!("namespace {}: {error}", self.name())))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(params: I) -> Self {
        let params = params.into_iter();
        Self(params.map(|(name, value)| (name.into(), value.into())).collect())
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.single()?.$method(visitor)
        }
    )*};
}

impl Params {
    fn values(&self) -> impl Iterator<Item = Value<'_>> {
        self.0.iter().map(|(_, value)| Value(value))
    }

    fn single(&self) -> Result<Value<'_>, Error> {
        match &*self.0 {
            [(_, value)] => Ok(Value(value)),
            params => Err(Error::custom(format!("{} parameters", params.len()))),
        }
    }
}

impl<'de> Deserializer<'de> for &'de Params {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let params = self.0.iter().map(|(name, value)| (&**name, Value(value)));
        visitor.visit_map(MapDeserializer::new(params))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.values()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        match self.0.len() {
            found if found == len => self.deserialize_seq(visitor),
            found => Err(Error::invalid_length(found, &visitor)),
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

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
    }

    forward_to_deserialize_any! { unit unit_struct identifier ignored_any }
}

/// One value, which is text to be read as what is asked for.
#[derive(Clone, Copy)]
struct Value<'a>(&'a str);

macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    parsed! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn params(values: &[&'static str]) -> Params {
        ["first", "second"].into_iter().zip(values.iter().copied()).collect()
    }

    fn read<T: DeserializeOwned>(values: &[&'static str]) -> Result<T, String> {
        T::deserialize(&params(values)).map_err(|error| error.to_string())
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Both {
        first: u32,
        second: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Blue,
        Red,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Id(u64);

    #[test]
    fn one_is_read_as_what_it_is_asked_to_be() {
        assert_eq!(read(&["7"]), Ok(7_u8));
        assert_eq!(read(&["7"]), Ok(Id(7)));
        assert_eq!(read(&["7"]), Ok("7".to_owned()));
        assert_eq!(read(&["-1.5"]), Ok(-1.5));
        assert_eq!(read(&["true"]), Ok(true));
        assert_eq!(read(&["x"]), Ok('x'));
        assert_eq!(read(&["red"]), Ok(Kind::Red));
        assert_eq!(read(&["7"]), Ok(Some(7_u8)));
        assert_eq!(read(&["7"]), Ok((7_u8,)));
        assert_eq!(read(&["%20"]), Ok("%20".to_owned()));
    }

    #[test]
    fn several_are_read_by_name_or_in_order() {
        assert_eq!(read(&["1", "b"]), Ok(Both { first: 1, second: Some("b".into()) }));
        assert_eq!(read(&["1", "blue"]), Ok((1_u8, Kind::Blue)));
        assert_eq!(read(&["1", "2"]), Ok(vec![1_u8, 2]));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let error = r#"invalid type: string "-1", expected u8"#;
        assert_eq!(read::<u8>(&["-1"]), Err(error.into()));
        assert_eq!(read::<u8>(&["1", "2"]), Err("2 parameters".into()));
        assert_eq!(read::<u8>(&[]), Err("0 parameters".into()));
        assert!(read::<Kind>(&["green"]).is_err());
        assert!(read::<(u8, u8)>(&["1"]).is_err());
        assert!(read::<(u8,)>(&["1", "2"]).is_err());
    }
}
