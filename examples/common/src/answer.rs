use std::fmt::Display;

use serde::Serialize;

/// The acknowledgement of what may be refused: `{ ok: true, … }` or `{ ok: false, error }`.
#[derive(Debug, Serialize)]
pub struct Answer<T> {
    ok: bool,
    #[serde(flatten)]
    body: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<T> Answer<T> {
    /// `{ ok: true, … }`, with the fields of the body.
    pub fn ok(body: T) -> Self {
        Self { ok: true, body: Some(body), error: None }
    }
}

impl<T, E: Display> From<Result<T, E>> for Answer<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(body) => Self::ok(body),
            Err(error) => Self { ok: false, body: None, error: Some(error.to_string()) },
        }
    }
}
