//! `MessagePack` to JSON, bytes taken out as attachments.

use std::fmt::Write;

use bytes::Bytes;
use rmp::Marker;
use time::OffsetDateTime;

use super::{BytesAs, DATE, EXTENSION, MAX_DEPTH, quote};
use crate::wire::{AssemblerLimits, PacketError};

/// Reads values, one behind the other, as JSON.
pub(super) struct Reader<'a> {
    bytes: &'a Bytes,
    position: usize,
    limits: AssemblerLimits,
    bytes_as: BytesAs,
    /// What was read last.
    pub(super) json: String,
    parts: Vec<Bytes>,
    part_bytes: usize,
    /// The lowest number of the objects that look like placeholders.
    lookalike: Option<usize>,
}

/// What a value begins with: all of it, or how much follows.
pub(super) enum Item {
    Array(usize),
    Binary(usize),
    Bool(bool),
    /// In milliseconds since 1970.
    Date(i128),
    Float(f64),
    Map(usize),
    Null,
    Signed(i64),
    String(usize),
    Undefined,
    Unsigned(u64),
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a Bytes, limits: AssemblerLimits, bytes_as: BytesAs) -> Self {
        Self {
            bytes,
            position: 0,
            limits,
            bytes_as,
            // What stands around the values takes a little more than in `MessagePack`.
            json: String::with_capacity(bytes.len() + bytes.len() / 2),
            parts: Vec::new(),
            part_bytes: 0,
            lookalike: None,
        }
    }

    /// Nothing is to follow. Gives what the placeholders stand for, unless there are objects that
    /// look as if they stood for the same: nobody could tell these apart.
    pub(super) fn finish(self) -> Result<Vec<Bytes>, PacketError> {
        if self.position < self.bytes.len() {
            return Err(PacketError::Malformed);
        }
        match self.lookalike {
            Some(index) if index < self.parts.len() => Err(PacketError::Placeholder),
            _ => Ok(self.parts),
        }
    }

    /// Writes the next value as JSON. Tells whether there is one, which `undefined` is not.
    pub(super) fn value(&mut self, depth: usize) -> Result<bool, PacketError> {
        match self.item()? {
            Item::Array(_) | Item::Map(_) if depth == MAX_DEPTH => {
                return Err(PacketError::Malformed);
            }
            Item::Array(len) => self.array(len, depth)?,
            Item::Binary(len) => self.binary(len)?,
            Item::Bool(value) => self.put(value),
            Item::Date(millis) => self.date(millis),
            Item::Float(value) => self.float(value),
            Item::Map(len) => self.map(len, depth)?,
            Item::Null => self.put("null"),
            Item::Signed(value) => self.put(value),
            Item::String(len) => self.string(len)?,
            Item::Undefined => return Ok(false),
            Item::Unsigned(value) => self.put(value),
        }
        Ok(true)
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<(), PacketError> {
        self.json.push('[');
        for index in 0..len {
            if index > 0 {
                self.json.push(',');
            }
            if !self.value(depth + 1)? {
                self.put("null");
            }
        }
        self.json.push(']');
        Ok(())
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<(), PacketError> {
        self.json.push('{');
        let (mut is_first, mut is_marked, mut num) = (true, false, None);
        for _ in 0..len {
            let start = self.json.len();
            if !is_first {
                self.json.push(',');
            }
            let key = self.json.len();
            match self.item()? {
                Item::String(len) => self.string(len)?,
                // What JavaScript makes of them as names.
                Item::Signed(key) => self.put(format_args!("\"{key}\"")),
                Item::Unsigned(key) => self.put(format_args!("\"{key}\"")),
                _ => return Err(PacketError::Malformed),
            }
            self.json.push(':');
            match self.value(depth + 1)? {
                true => is_first = false,
                false => self.json.truncate(start),
            }
            let entry = self.json.get(key..).unwrap_or_default();
            is_marked |= entry == r#""_placeholder":true"#;
            num = entry.strip_prefix("\"num\":").map_or(num, |num| num.parse().ok());
        }
        if is_marked && let Some(num) = num {
            self.lookalike = Some(self.lookalike.map_or(num, |lowest| lowest.min(num)));
        }
        self.json.push('}');
        Ok(())
    }

    fn string(&mut self, len: usize) -> Result<(), PacketError> {
        // JavaScript strings may have halves of characters.
        let text = String::from_utf8_lossy(self.take(len)?);
        quote(&mut self.json, &text);
        Ok(())
    }

    fn binary(&mut self, len: usize) -> Result<(), PacketError> {
        let part = self.bytes.slice_ref(self.take(len)?);
        self.part_bytes += len;
        if self.parts.len() == self.limits.attachments {
            return Err(PacketError::TooManyAttachments);
        }
        if self.part_bytes > self.limits.bytes {
            return Err(PacketError::TooLarge);
        }
        match self.bytes_as {
            #[cfg(feature = "cluster")]
            BytesAs::Json => {
                let bytes: &[u8] = &part;
                let bytes = serde_json::to_string(bytes).expect("a list of numbers");
                self.put(format_args!(r#"{{"type":"Buffer","data":{bytes}}}"#));
            }
            BytesAs::Attachments => {
                self.put(format_args!(r#"{{"_placeholder":true,"num":{}}}"#, self.parts.len()));
                self.parts.push(part);
            }
        }
        Ok(())
    }

    /// Whole numbers may come as floats where JavaScript cannot count one by one any more.
    fn float(&mut self, value: f64) {
        const UNSAFE: f64 = (1_u64 << 53) as f64;
        match value.fract() == 0.0 && (UNSAFE..u64::MAX as f64).contains(&value.abs()) {
            true => self.put(value as i128),
            false => self.put(serde_json::Value::from(value)),
        }
    }

    /// As `toJSON` writes it. A date that has no such text is as one that is none.
    fn date(&mut self, millis: i128) {
        match OffsetDateTime::from_unix_timestamp_nanos(millis.saturating_mul(1_000_000)) {
            Ok(date) if date.year() >= 0 => self.put(format_args!(
                "\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                date.year(),
                u8::from(date.month()),
                date.day(),
                date.hour(),
                date.minute(),
                date.second(),
                date.millisecond(),
            )),
            _ => self.put("null"),
        }
    }

    fn put(&mut self, json: impl std::fmt::Display) {
        write!(self.json, "{json}").expect("a string takes every write");
    }

    pub(super) fn item(&mut self) -> Result<Item, PacketError> {
        Ok(match Marker::from_u8(self.unsigned(1)? as u8) {
            Marker::FixPos(value) => Item::Unsigned(value.into()),
            Marker::FixNeg(value) => Item::Signed(value.into()),
            Marker::Null => Item::Null,
            Marker::True => Item::Bool(true),
            Marker::False => Item::Bool(false),
            Marker::U8 => Item::Unsigned(self.unsigned(1)?),
            Marker::U16 => Item::Unsigned(self.unsigned(2)?),
            Marker::U32 => Item::Unsigned(self.unsigned(4)?),
            Marker::U64 => Item::Unsigned(self.unsigned(8)?),
            Marker::I8 => Item::Signed((self.unsigned(1)? as i8).into()),
            Marker::I16 => Item::Signed((self.unsigned(2)? as i16).into()),
            Marker::I32 => Item::Signed((self.unsigned(4)? as i32).into()),
            Marker::I64 => Item::Signed(self.unsigned(8)? as i64),
            Marker::F32 => Item::Float(f32::from_bits(self.unsigned(4)? as u32).into()),
            Marker::F64 => Item::Float(f64::from_bits(self.unsigned(8)?)),
            Marker::FixStr(len) => Item::String(len.into()),
            Marker::Str8 => Item::String(self.len(1)?),
            Marker::Str16 => Item::String(self.len(2)?),
            Marker::Str32 => Item::String(self.len(4)?),
            Marker::Bin8 => Item::Binary(self.len(1)?),
            Marker::Bin16 => Item::Binary(self.len(2)?),
            Marker::Bin32 => Item::Binary(self.len(4)?),
            Marker::FixArray(len) => Item::Array(len.into()),
            Marker::Array16 => Item::Array(self.len(2)?),
            Marker::Array32 => Item::Array(self.len(4)?),
            Marker::FixMap(len) => Item::Map(len.into()),
            Marker::Map16 => Item::Map(self.len(2)?),
            Marker::Map32 => Item::Map(self.len(4)?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.array_buffer_or_date(1)?,
            Marker::Ext16 => self.array_buffer_or_date(2)?,
            Marker::Ext32 => self.array_buffer_or_date(4)?,
            Marker::Reserved => return Err(PacketError::Malformed),
        })
    }

    /// An extension of one of the lengths that have a marker of their own.
    fn extension(&mut self, len: usize) -> Result<Item, PacketError> {
        match (self.unsigned(1)?, len) {
            (EXTENSION, 1) => {
                self.take(1)?;
                Ok(Item::Undefined)
            }
            (EXTENSION, 8) => Ok(Item::Date((self.unsigned(8)? as i64).into())),
            (DATE, 4) => Ok(Item::Date(i128::from(self.unsigned(4)?) * 1000)),
            (DATE, 8) => {
                let both = self.unsigned(8)?;
                Ok(date((both & SECONDS) as i64, both >> SECONDS.count_ones()))
            }
            _ => Err(PacketError::Malformed),
        }
    }

    fn array_buffer_or_date(&mut self, bytes: usize) -> Result<Item, PacketError> {
        let len = self.len(bytes)?;
        match (self.unsigned(1)?, len) {
            (EXTENSION, len) => Ok(Item::Binary(len)),
            (DATE, 12) => {
                let nanos = self.unsigned(4)?;
                Ok(date(self.unsigned(8)? as i64, nanos))
            }
            _ => Err(PacketError::Malformed),
        }
    }

    fn len(&mut self, bytes: usize) -> Result<usize, PacketError> {
        usize::try_from(self.unsigned(bytes)?).map_err(|_| PacketError::Malformed)
    }

    fn unsigned(&mut self, bytes: usize) -> Result<u64, PacketError> {
        let bytes = self.take(bytes)?.iter();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], PacketError> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..len).ok_or(PacketError::Malformed)?;
        self.position += len;
        Ok(taken)
    }
}

/// The bits of a date in eight bytes that are its seconds; the others are nanoseconds.
const SECONDS: u64 = (1 << 34) - 1;

fn date(seconds: i64, nanos: u64) -> Item {
    Item::Date(i128::from(seconds) * 1000 + i128::from(nanos / 1_000_000))
}
