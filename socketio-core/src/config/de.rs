//! How options are written in a file.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

use crate::wire::Message;

/// A duration, in milliseconds as on Node.
pub(super) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Millis;

    impl Visitor<'_> for Millis {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// What is off or on with its defaults, or on with what is given.
pub(super) fn switch<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Switch<T>(PhantomData<T>);

    impl<'de, T: Default + Deserialize<'de>> Visitor<'de> for Switch<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true, false, or options of its own")
        }

        fn visit_bool<E: Error>(self, is_on: bool) -> Result<Option<T>, E> {
            Ok(is_on.then(T::default))
        }

        fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(Switch(PhantomData))
}

/// A message, which in a file is text.
pub(super) fn message<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Message>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| Message::Text(text.into())))
}
