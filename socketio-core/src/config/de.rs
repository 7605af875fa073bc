//! How options are written in a file.

use std::time::Duration;

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A duration, in milliseconds as on Node.
pub(super) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Millis;

    impl Visitor<'_> for Millis {
        type Value = Duration;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number of milliseconds")
        }

        fn visit_u64<E: Error>(self, millis: u64) -> Result<Duration, E> {
            Ok(Duration::from_millis(millis))
        }

        fn visit_i64<E: Error>(self, millis: i64) -> Result<Duration, E> {
            let wrong = |_| E::invalid_value(Unexpected::Signed(millis), &self);
            u64::try_from(millis).map_err(wrong).map(Duration::from_millis)
        }
    }

    deserializer.deserialize_u64(Millis)
}
