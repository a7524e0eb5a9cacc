//! Pixels in JSON: 784 levels, or 28 rows of 28.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::{
    grey,
    problem::{Problem, shortened},
};
use crate::data::{PIXELS, SIDE};

/// Levels as they were sent: of an array only as many values are kept as may be needed, whatever its length.
#[derive(Debug)]
pub(super) struct Levels(Vec<Value>, usize);

/// Value of an array.
#[derive(Debug)]
enum Value {
    Number(f64),
    /// An array with its first values and the number of all.
    Row(Vec<Value>, usize),
    /// What is no number, in words.
    Other(String),
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match (AnyValue { most: PIXELS }).deserialize(deserializer)? {
            Value::Row(values, count) => Ok(Self(values, count)),
            _ => Err(serde::de::Error::custom("pixels: expected an array")),
        }
    }
}

/// Reads a value; of an array, at most this number of values, and of those inside it a row.
#[derive(Clone, Copy)]
struct AnyValue {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a number or an array of numbers")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other("null".to_owned()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Other(format!("{:?}", shortened(value, 40))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let (mut kept, mut count) = (Vec::new(), 0);
        let inside = Self { most: if self.most == PIXELS { SIDE } else { 0 } };
        while count < self.most
            && let Some(value) = values.next_element_seed(inside)?
        {
            kept.push(value);
            count += 1;
        }
        while values.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Value::Row(kept, count))
    }
}

impl Levels {
    /// The 28×28 image.
    ///
    /// # Errors
    /// 400 that names the row and the column.
    pub(super) fn image(&self) -> Result<Box<[u8; PIXELS]>, Problem> {
        let size = |what: String, found: usize, expected: &str| {
            Problem::bad_request(format!("{what}: found {found} values, expected {expected}"))
        };
        let Self(values, count) = self;
        let mut levels = Vec::with_capacity(PIXELS);
        if matches!(values.first(), Some(Value::Row(..))) {
            if *count != SIDE {
                return Err(size("pixels".into(), *count, "28 rows"));
            }
            for (y, row) in values.iter().enumerate() {
                let Value::Row(row, count) = row else {
                    return Err(Problem::bad_request(format!("pixels[{y}]: expected an array of 28 levels")));
                };
                if *count != SIDE {
                    return Err(size(format!("pixels[{y}]"), *count, "28"));
                }
                for (x, value) in row.iter().enumerate() {
                    levels.push(value.number(|| format!("pixels[{y}][{x}]"))?);
                }
            }
        } else {
            if *count != PIXELS {
                return Err(size("pixels".into(), *count, "784, or 28 rows of 28"));
            }
            for (index, value) in values.iter().enumerate() {
                levels.push(value.number(|| format!("pixels[{index}]"))?);
            }
        }
        let scale =
            grey::scale(levels.iter().copied()).map_err(|error| Problem::bad_request(format!("pixels: {error}")))?;
        let mut image = Box::new([0; PIXELS]);
        image.iter_mut().zip(levels).for_each(|(level, number)| *level = scale.level(number));
        Ok(image)
    }
}

impl Value {
    /// A number from 0 to 255.
    fn number(&self, place: impl Fn() -> String) -> Result<f64, Problem> {
        let found = match self {
            Self::Number(number) if (0.0..=255.0).contains(number) => return Ok(*number),
            Self::Number(number) => number.to_string(),
            Self::Row(..) => "an array".to_owned(),
            Self::Other(found) => found.clone(),
        };
        let (place, found) = (place(), shortened(&found, 40));
        let message = format!("{place}: found {found}, expected a number from 0 (background) to 1 or 255 (ink)");
        Err(Problem::bad_request(message))
    }
}
