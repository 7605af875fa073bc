use std::{fmt, sync::Arc};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{
    Deserializer as _,
    de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    decode::{self, ArgsError},
    encode::{self, Args, EncodeError},
    packet::{PacketError, is_reserved},
    parts,
};

/// The arguments of an event or an acknowledgement as they came: a slice of the frame, checked to
/// be JSON, and the attachments.
///
/// They are read only when asked for, and handed on without being read: emitting `RawArgs` copies
/// the text and shares the attachments.
#[derive(Clone, Default)]
pub struct RawArgs {
    /// The JSON array they stand in. Empty if there are none.
    array: ByteString,
    /// Elements of the array that come before the arguments.
    skipped: usize,
    /// Where in `array` the first argument starts and the last one ends.
    start: usize,
    end: usize,
    len: usize,
    attachments: Option<Arc<[Bytes]>>,
}

impl RawArgs {
    /// Writes arguments as a client would send them.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new<T: Args + ?Sized>(args: &T) -> Result<Self, EncodeError> {
        let (array, parts) = encode::args(args)?;
        let mut args = Self::list(array).expect("arguments are written as JSON");
        args.attach(parts);
        Ok(args)
    }

    /// Reads `["name", …]`, as a client may send it.
    pub(super) fn event(array: ByteString) -> Result<(ByteString, Self), PacketError> {
        match Self::named(array)? {
            (name, _) if is_reserved(&name) => Err(PacketError::ReservedEvent),
            event => Ok(event),
        }
    }

    /// Reads `["name", …]`.
    pub(crate) fn named(array: ByteString) -> Result<(ByteString, Self), PacketError> {
        let Elements { head, tail } = elements(&array, 1)?;
        let name = head.ok_or(PacketError::Payload)?;
        Ok((event_name(&array, name)?, Self::at(array, 1, tail)))
    }

    /// Takes `["name", …]` as this server wrote it, given the length of `["name"` and how many
    /// arguments follow.
    pub(super) fn written(
        array: ByteString,
        name: usize,
        len: usize,
    ) -> Option<(ByteString, Self)> {
        let tail = match len {
            0 => Tail::default(),
            len => Tail { start: name + 1, end: array.len() - 1, len },
        };
        let name = event_name(&array, &array[1..name]).ok()?;
        Some((name, Self::at(array, 1, tail)))
    }

    /// Reads `[…]`.
    pub(crate) fn list(array: ByteString) -> Result<Self, PacketError> {
        let tail = elements(&array, 0)?.tail;
        Ok(Self::at(array, 0, tail))
    }

    /// Arguments that were read from elsewhere: a JSON array, and what its placeholders stand for.
    ///
    /// # Errors
    /// It is no JSON array, or there are attachments and a placeholder stands for none of them.
    pub fn from_json(array: &str, attachments: Vec<Bytes>) -> Result<Self, PacketError> {
        let mut args = Self::list(array.into())?;
        if !attachments.is_empty() {
            args.set_attachments(attachments)?;
        }
        Ok(args)
    }

    fn at(array: ByteString, skipped: usize, tail: Tail) -> Self {
        Self { array, skipped, start: tail.start, end: tail.end, len: tail.len, attachments: None }
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The arguments as JSON, joined by commas. Binary data stands as placeholders,
    /// `{"_placeholder":true,"num":k}`, for the k-th of [`attachments`](Self::attachments).
    pub fn as_json(&self) -> &str {
        &self.array[self.start..self.end]
    }

    /// Binary data that the placeholders stand for.
    pub fn attachments(&self) -> &[Bytes] {
        self.attachments.as_deref().unwrap_or_default()
    }

    /// Reads the arguments: a tuple takes one each, anything else takes the first.
    ///
    /// What is left over is ignored. What is missing is `None` to an `Option` and an error to
    /// everything else. Binary data goes wherever `T` asks for bytes.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        decode::parse(self)
    }

    /// Each argument as JSON.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let list = serde_json::from_str::<Vec<&RawValue>>(&self.array).unwrap_or_default();
        list.into_iter().skip(self.skipped).map(RawValue::get)
    }

    /// The arguments after the first `count`.
    #[must_use]
    pub fn skip(&self, count: usize) -> Self {
        let skipped = self.skipped + count;
        match elements(&self.array, skipped) {
            Ok(elements) => Self {
                attachments: self.attachments.clone(),
                ..Self::at(self.array.clone(), skipped, elements.tail)
            },
            Err(_) => Self::default(),
        }
    }

    /// The first argument alone, if there is one.
    #[must_use]
    pub(crate) fn first(&self) -> Self {
        match self.iter().next() {
            Some(element) if self.len > 1 => {
                let first = Self::list(format!("[{element}]").into());
                let first = first.expect("an element of a list is JSON");
                Self { attachments: self.attachments.clone(), ..first }
            }
            _ => self.clone(),
        }
    }

    /// The array that the arguments stand in, and how many of its elements come before them.
    pub(super) fn array(&self) -> (&str, usize) {
        (&self.array, self.skipped)
    }

    pub(super) fn set_attachments(&mut self, parts: Vec<Bytes>) -> Result<(), PacketError> {
        parts::check_placeholders(self.array.as_ref(), parts.len())?;
        self.attach(parts);
        Ok(())
    }

    /// Where placeholders may be anything, as the application may write what looks like one.
    pub(crate) fn attach(&mut self, parts: Vec<Bytes>) {
        self.attachments = (!parts.is_empty()).then(|| parts.into());
    }
}

/// Equal are those that were written alike, whatever stands around them.
impl PartialEq for RawArgs {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json() && self.attachments() == other.attachments()
    }
}

impl Eq for RawArgs {}

/// What can be read from the arguments of an event or of an acknowledgement: everything that is
/// `Deserialize`, as [`RawArgs::parse`] reads it, and [`RawArgs`] itself.
pub trait FromArgs: Sized {
    /// Reads the arguments.
    ///
    /// # Errors
    /// They do not fit.
    fn from_args(args: &RawArgs) -> Result<Self, ArgsError>;
}

impl<T: DeserializeOwned> FromArgs for T {
    fn from_args(args: &RawArgs) -> Result<Self, ArgsError> {
        args.parse()
    }
}

impl FromArgs for RawArgs {
    fn from_args(args: &RawArgs) -> Result<Self, ArgsError> {
        Ok(args.clone())
    }
}

impl fmt::Debug for RawArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawArgs")
            .field("json", &self.as_json())
            .field("attachments", &self.attachments().len())
            .finish()
    }
}

#[inline]
fn event_name(array: &ByteString, name: &str) -> Result<ByteString, PacketError> {
    match name.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            Ok(array.slice_ref(&name[1..name.len() - 1]))
        }
        [b'"', ..] => {
            serde_json::from_str::<String>(name).map(Into::into).map_err(|_| PacketError::Json)
        }
        [b'-' | b'0'..=b'9', ..] => Ok(array.slice_ref(name)),
        _ => Err(PacketError::Payload),
    }
}

#[derive(Default)]
struct Tail {
    start: usize,
    end: usize,
    len: usize,
}

struct Elements<'a> {
    /// The first element, if any were to be skipped.
    head: Option<&'a str>,
    /// Those after the skipped ones.
    tail: Tail,
}

/// Checks that the text is one JSON array, and finds where its elements stand.
fn elements(array: &str, skip: usize) -> Result<Elements<'_>, PacketError> {
    if array.trim_start_matches([' ', '\t', '\n', '\r']).as_bytes().first() != Some(&b'[') {
        return match serde_json::from_str::<IgnoredAny>(array) {
            Ok(_) => Err(PacketError::Payload),
            Err(_) => Err(PacketError::Json),
        };
    }
    let mut json = serde_json::Deserializer::from_str(array);
    let visitor = ElementsVisitor { array, skip };
    let elements = json.deserialize_seq(visitor).map_err(|_| PacketError::Json)?;
    json.end().map_err(|_| PacketError::Json)?;
    Ok(elements)
}

struct ElementsVisitor<'a> {
    array: &'a str,
    skip: usize,
}

impl<'de> Visitor<'de> for ElementsVisitor<'de> {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut head = None;
        for _ in 0..self.skip {
            let element = seq.next_element::<&RawValue>()?.map(RawValue::get);
            head = head.or(element);
        }
        let mut tail = Tail::default();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            let element = element.get();
            let start = element.as_ptr() as usize - self.array.as_ptr() as usize;
            if tail.len == 0 {
                tail.start = start;
            }
            tail.end = start + element.len();
            tail.len += 1;
        }
        Ok(Elements { head, tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(array: &str) -> RawArgs {
        RawArgs::event(array.into()).expect("an event").1
    }

    #[test]
    fn finds_the_arguments() {
        assert_eq!(event(r#" [ "a" , 1 , {"b": [2]} ] "#).as_json(), r#"1 , {"b": [2]}"#);
        assert_eq!(event(r#"["a"]"#).as_json(), "");
        assert_eq!(RawArgs::list("[1,2]".into()).map(|args| args.len()), Ok(2));
        assert_eq!(RawArgs::list("[]".into()).map(|args| args.len()), Ok(0));
    }

    #[test]
    fn skips() {
        let args = event(r#"["a",1,2,3]"#);
        assert_eq!(args.skip(1).as_json(), "2,3");
        assert_eq!(args.skip(1).skip(1).as_json(), "3");
        assert!(args.skip(3).is_empty());
        assert!(args.skip(9).is_empty());
        assert!(RawArgs::default().skip(1).is_empty());
    }
}
