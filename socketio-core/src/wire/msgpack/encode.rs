//! JSON to `MessagePack`, attachments put in where their placeholders stand.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use memchr::memchr2;
use rmp::encode;

use super::MAX_DEPTH;

/// Writes values, one behind the other.
pub(super) struct Writer<'a> {
    pub(super) out: Vec<u8>,
    pub(super) parts: &'a [Bytes],
}

/// What a value may be the part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Index(usize),
    Other,
    True,
}

impl<'a> Writer<'a> {
    pub(super) fn new(parts: &'a [Bytes]) -> Self {
        Self { out: Vec::with_capacity(64), parts }
    }

    /// Writes a value that stands in so many others. What nobody could read is `null`: what is too deep, or a number too large.
    /// `serde_json` would give up all of it, and with it an event that is fine but for that.
    pub(super) fn json(&mut self, json: &str, depth: usize) {
        let start = self.out.len();
        if self.value(&mut Json { rest: json }, depth).is_none() {
            self.out.truncate(start);
            self.null();
        }
    }

    pub(super) fn array(&mut self, len: usize) {
        sure(encode::write_array_len(&mut self.out, length(len)));
    }

    pub(super) fn map(&mut self, len: usize) {
        sure(encode::write_map_len(&mut self.out, length(len)));
    }

    pub(super) fn string(&mut self, text: &str) {
        sure(encode::write_str(&mut self.out, text));
    }

    pub(super) fn unsigned(&mut self, number: u64) {
        sure(encode::write_uint(&mut self.out, number));
    }

    fn null(&mut self) {
        sure(encode::write_nil(&mut self.out));
    }

    /// Writes the next value. There is none where the text is not JSON.
    fn value(&mut self, json: &mut Json<'_>, depth: usize) -> Option<Seen> {
        match json.peek()? {
            b'[' | b'{' if depth == MAX_DEPTH => {
                json.skip()?;
                self.null();
            }
            b'[' => self.elements(json, depth)?,
            b'{' => self.entries(json, depth)?,
            b'"' => self.string(&json.string()?),
            _ => return self.scalar(json.scalar()),
        }
        Some(Seen::Other)
    }

    fn scalar(&mut self, token: &str) -> Option<Seen> {
        match token {
            "null" => self.null(),
            "true" => {
                sure(encode::write_bool(&mut self.out, true));
                return Some(Seen::True);
            }
            "false" => sure(encode::write_bool(&mut self.out, false)),
            number => {
                if let Ok(number) = number.parse() {
                    self.unsigned(number);
                    return Some(usize::try_from(number).map_or(Seen::Other, Seen::Index));
                } else if let Ok(number) = number.parse() {
                    sure(encode::write_sint(&mut self.out, number));
                } else {
                    match number.parse::<f64>().ok()? {
                        number if number.is_finite() => {
                            sure(encode::write_f64(&mut self.out, number));
                        }
                        _ => self.null(),
                    }
                }
            }
        }
        Some(Seen::Other)
    }

    fn elements(&mut self, json: &mut Json<'_>, depth: usize) -> Option<()> {
        let (start, mut len) = (self.begin(), 0);
        json.open();
        while json.next(b']', len)? {
            self.value(json, depth + 1)?;
            len += 1;
        }
        self.put_first(start, |writer| writer.array(len));
        Some(())
    }

    fn entries(&mut self, json: &mut Json<'_>, depth: usize) -> Option<()> {
        let (start, mut len) = (self.begin(), 0);
        let (mut marker, mut num) = (Seen::Other, Seen::Other);
        json.open();
        while json.next(b'}', len)? {
            let key = json.string()?;
            self.string(&key);
            json.colon()?;
            let value = self.value(json, depth + 1)?;
            match &*key {
                "_placeholder" => marker = value,
                "num" => num = value,
                _ => {}
            }
            len += 1;
        }
        let part = match (marker, num) {
            (Seen::True, Seen::Index(index)) => self.parts.get(index),
            _ => None,
        };
        match part {
            Some(part) => {
                self.out.truncate(start);
                sure(encode::write_bin(&mut self.out, part));
            }
            None => self.put_first(start, |writer| writer.map(len)),
        }
        Some(())
    }

    /// Leaves a byte for the head of an array or a map. Tells where it is.
    fn begin(&mut self) -> usize {
        self.out.push(0);
        self.out.len() - 1
    }

    /// Puts the head of an array or a map where it begins: only its end shows how long it is.
    fn put_first(&mut self, start: usize, head: impl FnOnce(&mut Self)) {
        let end = self.out.len();
        head(self);
        let len = self.out.len() - end;
        // Its last byte takes the place that was left, and what comes before it is moved there.
        self.out.swap_remove(start);
        self.out[start..].rotate_right(len - 1);
    }
}

fn sure<T, E: fmt::Debug>(written: Result<T, E>) {
    written.expect("a vector takes every write");
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("a packet is below 4 GiB")
}

/// What is left of a JSON text.
struct Json<'a> {
    rest: &'a str,
}

impl<'a> Json<'a> {
    /// What the next token begins with.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let spaces = self.rest.bytes().take_while(is_space).count();
        self.rest = &self.rest[spaces..];
        self.rest.bytes().next()
    }

    /// Passes over the bracket that a list begins with.
    fn open(&mut self) {
        self.rest = &self.rest[1..];
    }

    /// Whether a list has one more, after so many. Passes over what comes before it, or its end.
    fn next(&mut self, end: u8, len: usize) -> Option<bool> {
        match self.peek()? {
            byte if byte == end => {
                self.open();
                return Some(false);
            }
            b',' if len > 0 => self.open(),
            _ if len > 0 => return None,
            _ => {}
        }
        self.peek().map(|_| true)
    }

    fn colon(&mut self) -> Option<()> {
        (self.peek()? == b':').then(|| self.open())
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        let token = self.quoted()?;
        let inner = &token[1..token.len() - 1];
        if !inner.contains('\\') {
            return Some(inner.into());
        }
        // As bytes, since JavaScript strings may have halves of characters.
        let bytes: Bytes = serde_json::from_str(token).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    /// A string as it stands, with its quotes.
    fn quoted(&mut self) -> Option<&'a str> {
        if self.peek()? != b'"' {
            return None;
        }
        let mut from = 1;
        loop {
            let found = memchr2(b'"', b'\\', self.rest.as_bytes().get(from..)?)? + from;
            match self.rest.as_bytes()[found] {
                b'"' => return Some(self.take(found + 1)),
                // An escape: what is behind it does not end the string.
                _ => from = found + 1 + self.rest[found + 1..].chars().next()?.len_utf8(),
            }
        }
    }

    /// A word or a number.
    fn scalar(&mut self) -> &'a str {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Passes over a list and what stands in it, however deep.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => drop(self.quoted()?),
                byte => {
                    match byte {
                        b'[' | b'{' => depth += 1,
                        b']' | b'}' => depth -= 1,
                        _ => {}
                    }
                    self.rest = self.rest.get(1..)?;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }
}
