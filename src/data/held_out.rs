//! Size of a hold-out set.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{FieldError, counted::counted};

/// Size of a hold-out set: a fraction of the training digits (`0.1`) or a count (`1000`).
///
/// Digits are counted before copies are made of them: the copies of a digit are held out with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeldOut {
    /// Above 0 and below 1.
    Share(f64),
    /// At least 1.
    Count(usize),
}

impl Default for HeldOut {
    /// A tenth.
    fn default() -> Self {
        Self::Share(0.1)
    }
}

impl HeldOut {
    /// Refuses a fraction outside (0, 1) and a count of 0.
    ///
    /// # Errors
    /// With an empty field name, to be set by the caller.
    pub fn check(self) -> Result<(), FieldError> {
        let refused = |found: String| Err(FieldError::new("", format!("found {found}, expected {EXPECTED}")));
        match self {
            Self::Share(share) if !(share > 0.0 && share < 1.0) => refused(format!("{share:?}")),
            Self::Count(0) => refused("0".to_owned()),
            _ => Ok(()),
        }
    }
}

const EXPECTED: &str = "a fraction above 0 and below 1, such as 0.1, or a count of digits, such as 1000";

impl fmt::Display for HeldOut {
    /// `10 %` or `1000 digits`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Four decimals, without the noise of a binary fraction.
            Self::Share(share) => write!(f, "{} %", (1e6 * share).round() / 1e4),
            Self::Count(count) => f.write_str(&counted(*count, "digit")),
        }
    }
}

impl FromStr for HeldOut {
    type Err = String;

    /// Parses a whole number as a count and any other number as a fraction.
    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.parse().map(Self::Count).ok();
        let held_out =
            count.or_else(|| text.parse().map(Self::Share).ok()).ok_or_else(|| format!("expected {EXPECTED}"))?;
        held_out.check().map(|()| held_out).map_err(|error| error.problem)
    }
}

impl Serialize for HeldOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Share(share) => serializer.serialize_f64(share),
            Self::Count(count) => serializer.serialize_u64(count as u64),
        }
    }
}

impl<'de> Deserialize<'de> for HeldOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = HeldOut;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_f64<E: de::Error>(self, share: f64) -> Result<HeldOut, E> {
                Ok(HeldOut::Share(share))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<HeldOut, E> {
                usize::try_from(count)
                    .map(HeldOut::Count)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<HeldOut, E> {
                usize::try_from(count)
                    .map(HeldOut::Count)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(count), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl JsonSchema for HeldOut {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HeldOut".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "description": "A number of digits." },
                {
                    "type": "number", "exclusiveMinimum": 0.0, "exclusiveMaximum": 1.0,
                    "description": "A fraction of the digits.",
                },
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_makes_a_share_and_a_whole_number_a_count() {
        let read = |text: &str| text.parse::<HeldOut>();
        assert_eq!(read("0.1").unwrap(), HeldOut::Share(0.1));
        assert_eq!(read("5e-2").unwrap(), HeldOut::Share(0.05));
        assert_eq!(read("1000").unwrap(), HeldOut::Count(1000));
        for wrong in ["0", "0.0", "1.0", "-0.1", "-5", "NaN", "ten", ""] {
            assert!(read(wrong).unwrap_err().contains("expected a fraction above 0 and below 1"), "{wrong}");
        }
        assert_eq!(
            [HeldOut::Share(0.07), HeldOut::Share(0.125), HeldOut::Count(1000)].map(|held| held.to_string()),
            ["7 %", "12.5 %", "1000 digits"]
        );
    }
}
