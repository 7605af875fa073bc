use arbitrary::{Arbitrary, Result, Unstructured};

/// Bytes that one random input is made of, at most.
const LENGTH: usize = 2000;

/// Inputs that look random, the same in each run.
pub fn random<T: for<'a> Arbitrary<'a>>(count: usize) -> impl Iterator<Item = T> {
    let mut state = 2026_u64;
    let mut roll = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..count).map(move |_| {
        let length = roll() as usize % LENGTH;
        let bytes: Vec<u8> = (0..length).map(|_| (roll() >> 32) as u8).collect();
        T::arbitrary(&mut Unstructured::new(&bytes)).expect("what is missing is taken as zeros")
    })
}

/// A list of any length up to `MAX`. That of a plain `Vec` is one or two, if the bytes are random.
#[derive(Clone, Debug)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<'a, T: Arbitrary<'a>, const MAX: usize> Arbitrary<'a> for List<T, MAX> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let len = u.int_in_range(0..=MAX)?;
        (0..len).map(|_| u.arbitrary()).collect::<Result<_>>().map(Self)
    }
}

/// A text that resembles the protocols' more often than chance would have it.
#[derive(Clone, Debug)]
pub struct Junk(pub String);

/// What protocols are made of.
const PIECES: [&str; 43] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "-",
    ",",
    "/",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\\",
    ":",
    "b",
    "\u{1e}",
    "é",
    "\u{0}",
    "\\u00e9",
    "\\ud800",
    "\"a\"",
    "null",
    "1e999",
    "51-",
    "450-",
    "/n,",
    "/dyn-1,",
    "{\"_placeholder\":true,\"num\":0}",
    "\"_placeholder\":true",
    "\"num\":-1",
    "99999999999999999999",
    "[\"message\",",
    "[\"ask\",",
    "probe",
    "AQID",
    "=",
    "[\"connect\"]",
    "{\"a\":",
    "40",
];

/// What can be an argument.
const ARGUMENTS: [&str; 12] = [
    "null",
    "true",
    "-1.50",
    "1e999",
    "18446744073709551615",
    "\"\\u00e9\"",
    " [ 1 , [] ] ",
    "{\"a\":{\"b\":[\"c\"]}}",
    "{\"_placeholder\":true,\"num\":0}",
    "{\"num\":1,\"_placeholder\":true}",
    "[{\"_placeholder\":true,\"num\":0}]",
    "\"é\"",
];

const NAMES: [&str; 5] = ["message", "ask", "n\\u0061me", "connect", ""];

impl<'a> Arbitrary<'a> for Junk {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut text = if u.arbitrary()? { packet(u)? } else { String::new() };
        let pieces = if text.is_empty() { 12 } else { 1 };
        for _ in 0..u.int_in_range(0..=pieces)? {
            match PIECES.get(u.int_in_range(0..=PIECES.len() + 4)?) {
                Some(piece) => text.push_str(piece),
                None => text.push(u.arbitrary()?),
            }
        }
        Ok(Self(text))
    }
}

/// An event or an acknowledgement that is likely to be in order.
fn packet(u: &mut Unstructured<'_>) -> Result<String> {
    let mut text: String = (*u.choose(&["2", "3", "51-", "61-", "52-", "62-"])?).into();
    text.push_str(u.choose(&["", "/n,", "/dyn-1,", "/,"])?);
    if u.arbitrary()? {
        text.push_str(&u.arbitrary::<u8>()?.to_string());
    }
    let mut arguments = vec![format!("\"{}\"", u.choose(&NAMES)?)];
    for _ in 0..u.int_in_range(0..=4)? {
        arguments.push((*u.choose(&ARGUMENTS)?).into());
    }
    Ok(format!("{text}[{}]", arguments.join(",")))
}

#[cfg(test)]
mod tests {
    use socketio_core::wire::Packet;

    use super::*;

    #[test]
    fn a_part_of_the_junk_is_understood() {
        let mut understood = [0; 2];
        for Junk(text) in random(2000) {
            match Packet::decode(&text.into()) {
                Ok((Packet::Event { .. }, _)) => understood[0] += 1,
                Ok((Packet::Ack { .. }, _)) => understood[1] += 1,
                _ => {}
            }
        }
        assert!(understood.iter().all(|count| *count > 100), "{understood:?} of 2000");
    }
}
