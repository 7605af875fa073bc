//! `MessagePack` to JSON, bytes taken out as attachments.

use std::{fmt::Write, mem};

use rmp::Marker;
use time::OffsetDateTime;

use super::*;
use crate::wire::{
    AckId, RawArgs,
    packet::{ROOT, check},
};

/// Reads a whole packet: `{ type, nsp, data?, id?, options? }`.
pub(super) fn packet(bytes: &Bytes, limits: AssemblerLimits) -> Result<Packet, PacketError> {
    let mut reader = Reader::new(bytes, limits);
    let fields = reader.fields()?;
    let kind = fields.kind.ok_or(PacketError::Type)?;
    let namespace = fields.namespace.as_deref().ok_or(PacketError::Payload)?;
    let namespace: String = serde_json::from_str(namespace).map_err(|_| PacketError::Payload)?;
    let namespace = match namespace.as_str() {
        "/" => ROOT,
        _ => namespace.into(),
    };
    let id =
        fields.id.map(|id| id.parse().map(AckId).map_err(|_| PacketError::AckId)).transpose()?;
    let data = fields.data.map(ByteString::from);
    Ok(match (kind.as_str(), data) {
        ("0", data) => {
            Packet::Connect { namespace, auth: data.map(|data| check(data, b"{")).transpose()? }
        }
        ("1", None) => Packet::Disconnect { namespace },
        ("2", Some(data)) => {
            let (name, mut args) = RawArgs::event(data)?;
            args.attach(reader.parts);
            Packet::Event { namespace, id, name, args }
        }
        ("3", Some(data)) => {
            let mut args = RawArgs::list(data)?;
            args.attach(reader.parts);
            Packet::Ack { namespace, id, args }
        }
        ("4", Some(data)) => Packet::ConnectError { namespace, data },
        ("1" | "2" | "3" | "4", _) => return Err(PacketError::Payload),
        _ => return Err(PacketError::Type),
    })
}

/// The values of a packet as JSON; `undefined` is as if it were not there.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    namespace: Option<String>,
    data: Option<String>,
    id: Option<String>,
}

struct Reader<'a> {
    bytes: &'a Bytes,
    position: usize,
    limits: AssemblerLimits,
    json: String,
    parts: Vec<Bytes>,
    part_bytes: usize,
}

/// What a value begins with: all of it, or how much follows.
enum Item {
    Array(usize),
    Binary(usize),
    Bool(bool),
    Date(i64),
    Float(f64),
    Map(usize),
    Null,
    Signed(i64),
    String(usize),
    Undefined,
    Unsigned(u64),
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a Bytes, limits: AssemblerLimits) -> Self {
        Self { bytes, position: 0, limits, json: String::new(), parts: Vec::new(), part_bytes: 0 }
    }

    fn fields(&mut self) -> Result<Fields, PacketError> {
        let Item::Map(len) = self.item()? else {
            return Err(PacketError::Malformed);
        };
        let mut fields = Fields::default();
        for _ in 0..len {
            let Item::String(len) = self.item()? else {
                return Err(PacketError::Malformed);
            };
            let name = self.take(len)?;
            let is_written = self.value(0)?;
            let value = is_written.then(|| mem::take(&mut self.json));
            match name {
                b"type" => fields.kind = value,
                b"nsp" => fields.namespace = value,
                b"data" => fields.data = value,
                b"id" => fields.id = value,
                _ => self.json.clear(),
            }
        }
        match self.position == self.bytes.len() {
            true => Ok(fields),
            false => Err(PacketError::Malformed),
        }
    }

    /// Writes the next value as JSON. Tells whether there is one, which `undefined` is not.
    fn value(&mut self, depth: usize) -> Result<bool, PacketError> {
        match self.item()? {
            Item::Array(_) | Item::Map(_) if depth == MAX_DEPTH => {
                return Err(PacketError::Malformed);
            }
            Item::Array(len) => self.array(len, depth)?,
            Item::Binary(len) => self.binary(len)?,
            Item::Bool(value) => self.put(value),
            Item::Date(millis) => self.date(millis),
            Item::Float(value) => self.put(serde_json::Value::from(value)),
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
        let mut is_first = true;
        for _ in 0..len {
            let start = self.json.len();
            if !is_first {
                self.json.push(',');
            }
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
        }
        self.json.push('}');
        Ok(())
    }

    fn string(&mut self, len: usize) -> Result<(), PacketError> {
        // JavaScript strings may have halves of characters.
        let text = String::from_utf8_lossy(self.take(len)?);
        self.put(serde_json::Value::from(text));
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
        self.put(format_args!(r#"{{"_placeholder":true,"num":{}}}"#, self.parts.len()));
        self.parts.push(part);
        Ok(())
    }

    /// As `toJSON` writes it. A date that has no such text is as one that is none.
    fn date(&mut self, millis: i64) {
        match OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000) {
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

    fn item(&mut self) -> Result<Item, PacketError> {
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
            Marker::FixExt1 => {
                self.extension()?;
                self.take(1)?;
                Item::Undefined
            }
            Marker::FixExt8 => {
                self.extension()?;
                Item::Date(self.unsigned(8)? as i64)
            }
            Marker::Ext8 => self.array_buffer(1)?,
            Marker::Ext16 => self.array_buffer(2)?,
            Marker::Ext32 => self.array_buffer(4)?,
            Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt16 | Marker::Reserved => {
                return Err(PacketError::Malformed);
            }
        })
    }

    fn array_buffer(&mut self, bytes: usize) -> Result<Item, PacketError> {
        let len = self.len(bytes)?;
        self.extension()?;
        Ok(Item::Binary(len))
    }

    fn extension(&mut self) -> Result<(), PacketError> {
        match self.unsigned(1)? {
            EXTENSION => Ok(()),
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

    fn take(&mut self, len: usize) -> Result<&'a [u8], PacketError> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..len).ok_or(PacketError::Malformed)?;
        self.position += len;
        Ok(taken)
    }
}
