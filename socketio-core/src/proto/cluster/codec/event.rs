//! Events and answers: `["name", …]`, and one argument.

use bytes::Bytes;
use bytestring::ByteString;

use super::DecodeError;
use crate::wire::{RawArgs, quote};

/// An event as JSON: `["name", …]`. Bytes are placeholders, for
/// [these attachments](RawArgs::attachments).
pub fn event_to_json(name: &str, args: &RawArgs) -> String {
    let mut json = String::with_capacity(name.len() + args.as_json().len() + "[\"\",]".len());
    json.push('[');
    quote(&mut json, name);
    if !args.is_empty() {
        json.push(',');
        json.push_str(args.as_json());
    }
    json.push(']');
    json
}

/// Reads an event, `["name", …]`, in which placeholders may stand for attachments.
///
/// # Errors
/// It is no such list.
pub fn event_from_json(
    array: &str,
    attachments: Vec<Bytes>,
) -> Result<(ByteString, RawArgs), DecodeError> {
    let (name, mut args) = RawArgs::named(array.into())?;
    args.attach(attachments);
    Ok((name, args))
}

/// An answer as JSON: the first of these arguments, if there is one. Nodes do not exchange more.
pub fn answer_to_json(args: &RawArgs) -> Option<&str> {
    args.iter().next()
}

/// Reads an answer, in which placeholders may stand for attachments. None is no argument.
///
/// # Errors
/// It is not JSON.
pub fn answer_from_json(
    answer: Option<&str>,
    attachments: Vec<Bytes>,
) -> Result<RawArgs, DecodeError> {
    let array = format!("[{}]", answer.unwrap_or_default());
    let mut args = RawArgs::list(array.into())?.first();
    args.attach(attachments);
    Ok(args)
}
