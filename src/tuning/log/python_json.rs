//! The three numbers that Python's JSON has and standard JSON lacks.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// Number, finite or not; parsed from the output of [`plain_json`], displayed as Python writes it.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => {
                number.as_f64().map(Self).ok_or_else(|| de::Error::custom("found a number beyond the range of f64"))
            }
            Value::String(name) if name == "NaN" => Ok(Self(f64::NAN)),
            Value::String(name) if name == "Infinity" => Ok(Self(f64::INFINITY)),
            Value::String(name) if name == "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
            other => Err(de::Error::custom(format!("{other}, expected a number"))),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("Infinity"),
            f64::NEG_INFINITY => f.write_str("-Infinity"),
            number => write!(f, "{number:?}"),
        }
    }
}

/// Converts Python's JSON to standard JSON: `NaN`, `Infinity` and `-Infinity` become strings.
pub(super) fn plain_json(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        let taken = word.map_or_else(|| if rest.starts_with('"') { string_length(rest) } else { 1 }, str::len);
        match word {
            Some(word) => plain.extend(["\"", word, "\""]),
            None => plain.push_str(&rest[..taken]),
        }
        rest = &rest[taken..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Returns the length in bytes of the string that `text` begins with, both quotes included; that of `text` if the
/// string does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_lacks_becomes_text_outside_of_text_only() {
        let python = r#"{"a": NaN, "NaN\"": -Infinity, "b": [Infinity, -1, "- Infinity"]}"#;
        assert_eq!(plain_json(python), r#"{"a": "NaN", "NaN\"": "-Infinity", "b": ["Infinity", -1, "- Infinity"]}"#);
        for same in [r#"["NaN"]"#, r#"{"\\": "Infinity"}"#, r#""NaN"#, "-"] {
            assert_eq!(plain_json(same), same);
        }
    }

    #[test]
    fn numbers_come_back() {
        for number in [0.5, 1e-7, -0.0, 1e300, 54.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let read: Number = serde_json::from_str(&plain_json(&Number(number).to_string())).unwrap();
            assert_eq!(read.0.to_bits(), number.to_bits());
        }
        assert!(serde_json::from_str::<Number>("null").is_err());
    }
}
