//! Rust values to packets: JSON through `serde_json`, bytes taken out as attachments.

#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    fmt::{Display, Write},
};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{
    Serialize, Serializer,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::{
    args::RawArgs,
    encoded::Encoded,
    packet::{AckId, is_reserved},
};

/// An event or acknowledgement that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The name stands for the life of a socket and cannot be an event.
    #[error("{name:?} is a reserved event name")]
    ReservedEvent {
        /// The name.
        name: String,
    },
    /// A value's `Serialize` refused.
    #[error("{message}")]
    Serialize {
        /// What it said.
        message: String,
    },
}

/// What can stand behind an event's name, or in an acknowledgement.
///
/// A tuple (or an array, which serde does not tell from it) is several arguments, `()` is none,
/// and everything else is one. A struct without field names counts as the tuple of its fields, or
/// with a single field as that field. Bytes anywhere in the value become attachments.
pub trait Args {
    #[doc(hidden)]
    fn write(&self, out: &mut ArgsWriter) -> Result<(), EncodeError>;

    /// About how many bytes of JSON this becomes.
    #[doc(hidden)]
    fn size_hint(&self) -> usize {
        96
    }
}

impl<T: Serialize + ?Sized> Args for T {
    fn write(&self, out: &mut ArgsWriter) -> Result<(), EncodeError> {
        let parts = RefCell::new(std::mem::take(&mut out.parts));
        let result = match self.serialize(TupleSerializer { out, parts: &parts }) {
            Err(TupleError::NotATuple) => argument(out, &parts, self),
            Err(TupleError::Json(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        out.parts = parts.into_inner();
        result.map_err(|error| EncodeError::Serialize { message: error.to_string() })
    }
}

impl Args for RawArgs {
    fn write(&self, out: &mut ArgsWriter) -> Result<(), EncodeError> {
        if !self.is_empty() {
            out.begin(self.len());
            out.json.extend_from_slice(self.as_json().as_bytes());
            out.parts.extend_from_slice(self.attachments());
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.as_json().len()
    }
}

/// A packet that is being written.
#[derive(Debug)]
pub struct ArgsWriter {
    json: Vec<u8>,
    parts: Vec<Bytes>,
    /// How many arguments there are.
    len: usize,
}

impl ArgsWriter {
    fn new(json: Vec<u8>) -> Self {
        Self { json, parts: Vec::new(), len: 0 }
    }

    /// So many arguments follow.
    fn begin(&mut self, len: usize) {
        self.len += len;
        if self.json.last() != Some(&b'[') {
            self.json.push(b',');
        }
    }
}

/// A packet that is written but for the end of its arguments: connection state recovery adds one.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    text: String,
    parts: Vec<Bytes>,
    /// Where the array of the name and the arguments begins.
    array: usize,
    /// How long the array is up to the end of the name.
    name: usize,
    /// How many arguments there are.
    len: usize,
}

impl Draft {
    /// The packet as it is.
    pub(crate) fn finish(mut self) -> Encoded {
        self.text.push(']');
        Encoded::new(self.text.into(), self.parts)
    }

    /// The packet with one more argument: the offset, as a string.
    pub(crate) fn finish_with(mut self, offset: impl Display) -> Encoded {
        write!(self.text, ",\"{offset}\"]").expect("a string takes every write");
        Encoded::new(self.text.into(), self.parts)
    }

    /// The event as who receives it reads it: its name and arguments.
    pub(crate) fn read(&self) -> Option<(ByteString, RawArgs)> {
        let array = [&self.text[self.array..], "]"].concat().into();
        let (name, mut args) = RawArgs::written(array, self.name, self.len)?;
        args.attach(self.parts.clone());
        Some((name, args))
    }

    /// Bytes that the packet takes in a queue, but for a few.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.parts.iter().map(Bytes::len).sum::<usize>()
    }
}

/// What [`Draft::finish_with`] this offset made, as [`Draft::finish`] would have made it.
pub(crate) fn without_offset(packet: &Encoded, offset: impl Display) -> Encoded {
    match packet.text().strip_suffix(&format!(",\"{offset}\"]")) {
        Some(text) => packet.with_text(format!("{text}]")),
        None => packet.clone(),
    }
}

/// Writes arguments as a JSON array, and the attachments that its placeholders stand for.
pub(super) fn args<T: Args + ?Sized>(args: &T) -> Result<(ByteString, Vec<Bytes>), EncodeError> {
    let mut out = ArgsWriter::new(vec![b'[']);
    args.write(&mut out)?;
    out.json.push(b']');
    let array = ByteString::try_from(out.json)
        .map_err(|error| EncodeError::Serialize { message: error.to_string() })?;
    Ok((array, out.parts))
}

/// Writes an event packet.
pub fn encode_event<T: Args + ?Sized>(
    namespace: &str,
    name: &str,
    id: Option<AckId>,
    args: &T,
) -> Result<Encoded, EncodeError> {
    draft_event(namespace, name, id, args).map(Draft::finish)
}

/// As [`encode_event`], but for the end.
pub(crate) fn draft_event<T: Args + ?Sized>(
    namespace: &str,
    name: &str,
    id: Option<AckId>,
    args: &T,
) -> Result<Draft, EncodeError> {
    if is_reserved(name) {
        return Err(EncodeError::ReservedEvent { name: name.into() });
    }
    encode(Header { kinds: ["42", "45"], namespace, id }, Some(name), args)
}

/// Writes an acknowledgement packet.
pub fn encode_ack<T: Args + ?Sized>(
    namespace: &str,
    id: AckId,
    args: &T,
) -> Result<Encoded, EncodeError> {
    let draft = encode(Header { kinds: ["43", "46"], namespace, id: Some(id) }, None, args)?;
    Ok(draft.finish())
}

/// Writes the answer to a connect: the socket's id, and with connection state recovery the key with
/// which the client comes back.
pub fn encode_connect(namespace: &str, sid: &str, pid: Option<&str>) -> Encoded {
    let mut text = header("40", namespace);
    text.push_str("{\"sid\":\"");
    text.push_str(sid);
    if let Some(pid) = pid {
        text.push_str("\",\"pid\":\"");
        text.push_str(pid);
    }
    text.push_str("\"}");
    Encoded::packet(text)
}

/// Writes the answer to a connect in protocol 4, which has no id.
pub(crate) fn encode_connect_v4(namespace: &str) -> Encoded {
    Encoded::packet(header("40", namespace))
}

/// Writes a refusal in protocol 4, ERROR: the data, or else the message.
pub(crate) fn encode_error_v4(
    namespace: &str,
    message: &str,
    data: Option<&serde_json::Value>,
) -> Encoded {
    let mut text = header("44", namespace);
    match data {
        Some(data) => text.push_str(&data.to_string()),
        None => text.push_str(&serde_json::Value::from(message).to_string()),
    }
    Encoded::packet(text)
}

/// Writes a refusal: `{"message":…,"data":…}`.
pub fn encode_connect_error(
    namespace: &str,
    message: &str,
    data: Option<&serde_json::Value>,
) -> Encoded {
    let mut text = header("44", namespace);
    text.push_str("{\"message\":");
    text.push_str(&serde_json::Value::from(message).to_string());
    if let Some(data) = data {
        text.push_str(",\"data\":");
        text.push_str(&data.to_string());
    }
    text.push('}');
    Encoded::packet(text)
}

/// Writes a disconnect packet.
pub(crate) fn encode_disconnect(namespace: &str) -> Encoded {
    Encoded::packet(header("41", namespace))
}

fn header(kind: &str, namespace: &str) -> String {
    match namespace {
        "/" => kind.into(),
        namespace => format!("{kind}{namespace},"),
    }
}

#[derive(Clone, Copy)]
struct Header<'a> {
    /// Without and with attachments.
    kinds: [&'a str; 2],
    namespace: &'a str,
    id: Option<AckId>,
}

impl Header<'_> {
    /// How long the text is, but for its arguments and escapes in the name. If it is right the text
    /// need not be moved, nor its buffer be counted apart.
    fn size_hint(&self, name: Option<&str>) -> usize {
        let namespace = if self.namespace == "/" { 0 } else { self.namespace.len() + 1 };
        let id = self.id.map_or(0, |id| 1 + id.0.checked_ilog10().unwrap_or(0) as usize);
        let name = name.map_or(0, |name| name.len() + "\"\",".len());
        self.kinds[0].len() + namespace + id + "[]".len() + name
    }

    fn write(self, out: &mut Vec<u8>, attachments: usize) {
        use std::io::Write;
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        match attachments {
            0 => put(self.kinds[0]),
            count => {
                put(self.kinds[1]);
                put(&count.to_string());
                put("-");
            }
        }
        if self.namespace != "/" {
            put(self.namespace);
            put(",");
        }
        if let Some(id) = self.id {
            write!(out, "{id}").expect("a vector takes every write");
        }
    }
}

fn encode<T: Args + ?Sized>(
    header: Header<'_>,
    name: Option<&str>,
    args: &T,
) -> Result<Draft, EncodeError> {
    let json = Vec::with_capacity(header.size_hint(name) + args.size_hint());
    let mut out = ArgsWriter::new(json);
    header.write(&mut out.json, 0);
    let mut array = out.json.len();
    out.json.push(b'[');
    match name {
        Some(name) if !name.bytes().any(needs_escape) => {
            out.json.push(b'"');
            out.json.extend_from_slice(name.as_bytes());
            out.json.push(b'"');
        }
        Some(name) => {
            serde_json::to_writer(&mut out.json, name).expect("a vector takes every string");
        }
        None => {}
    }
    let name = out.json.len() - array;
    args.write(&mut out)?;
    // How many attachments there are is known only now; with any, the text is short.
    if !out.parts.is_empty() {
        let mut text = Vec::with_capacity(out.json.len() + 4);
        header.write(&mut text, out.parts.len());
        let head = text.len();
        text.extend_from_slice(&out.json[array..]);
        (out.json, array) = (text, head);
    }
    let text = String::from_utf8(out.json)
        .map_err(|error| EncodeError::Serialize { message: error.to_string() })?;
    Ok(Draft { text, parts: out.parts, array, name, len: out.len })
}

pub(super) fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn argument<T: Serialize + ?Sized>(
    out: &mut ArgsWriter,
    parts: &RefCell<Vec<Bytes>>,
    value: &T,
) -> Result<(), serde_json::Error> {
    out.begin(1);
    let mut json = serde_json::Serializer::new(&mut out.json);
    value.serialize(TakeParts { inner: &mut json, parts })
}

/// Writes a tuple as several arguments, and turns everything else away before writing any of it.
struct TupleSerializer<'a> {
    out: &'a mut ArgsWriter,
    parts: &'a RefCell<Vec<Bytes>>,
}

#[derive(Debug, thiserror::Error)]
enum TupleError {
    #[error("not a tuple")]
    NotATuple,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl ser::Error for TupleError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        TupleError::Json(ser::Error::custom(message))
    }
}

macro_rules! arguments {
    ($($trait:ident::$method:ident;)*) => {$(
        impl $trait for TupleSerializer<'_> {
            type Ok = ();
            type Error = TupleError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TupleError> {
                Ok(argument(self.out, self.parts, value)?)
            }

            fn end(self) -> Result<(), TupleError> {
                Ok(())
            }
        }
    )*};
}

arguments! {
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
}

macro_rules! not_a_tuple {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, TupleError> {
            Err(TupleError::NotATuple)
        }
    )*};
}

type Never = ser::Impossible<(), TupleError>;

impl Serializer for TupleSerializer<'_> {
    type Ok = ();
    type Error = TupleError;
    type SerializeSeq = Never;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_tuple(self, _: usize) -> Result<Self, TupleError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, TupleError> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), TupleError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), TupleError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), TupleError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), TupleError> {
        Err(TupleError::NotATuple)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), TupleError> {
        Err(TupleError::NotATuple)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _: &T) -> Result<(), TupleError> {
        Err(TupleError::NotATuple)
    }

    not_a_tuple! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}

/// A serializer, or a value on its way into one, whose bytes become attachments.
struct TakeParts<'a, S> {
    inner: S,
    parts: &'a RefCell<Vec<Bytes>>,
}

impl<T: Serialize + ?Sized> Serialize for TakeParts<'_, &T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(TakeParts { inner, parts: self.parts })
    }
}

macro_rules! as_it_is {
    ($($method:ident($($arg:ident: $type:ty),*);)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($arg:ident: $type:ty),*) -> $compound:ident;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<Self::$compound, S::Error> {
            Ok(TakeParts { inner: self.inner.$method($($arg),*)?, parts: self.parts })
        }
    )*};
}

impl<'a, S: Serializer> Serializer for TakeParts<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = TakeParts<'a, S::SerializeSeq>;
    type SerializeTuple = TakeParts<'a, S::SerializeTuple>;
    type SerializeTupleStruct = TakeParts<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = TakeParts<'a, S::SerializeTupleVariant>;
    type SerializeMap = TakeParts<'a, S::SerializeMap>;
    type SerializeStruct = TakeParts<'a, S::SerializeStruct>;
    type SerializeStructVariant = TakeParts<'a, S::SerializeStructVariant>;

    fn serialize_bytes(self, bytes: &[u8]) -> Result<S::Ok, S::Error> {
        let num = self.parts.borrow().len();
        self.parts.borrow_mut().push(Bytes::copy_from_slice(bytes));
        let mut placeholder = self.inner.serialize_struct("Placeholder", 2)?;
        placeholder.serialize_field("_placeholder", &true)?;
        placeholder.serialize_field("num", &num)?;
        placeholder.end()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&TakeParts { inner: value, parts: self.parts })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &TakeParts { inner: value, parts: self.parts })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = TakeParts { inner: value, parts: self.parts };
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    as_it_is! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_f32(value: f32);
        serialize_f64(value: f64);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant;
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident($($key:ident: $type:ty)?);)*) => {$(
        impl<S: $trait> $trait for TakeParts<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: $type,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.inner.$method($($key,)? &TakeParts { inner: value, parts: self.parts })
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(key: &'static str);
    SerializeStructVariant::serialize_field(key: &'static str);
}

impl<S: SerializeMap> SerializeMap for TakeParts<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&TakeParts { inner: value, parts: self.parts })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
