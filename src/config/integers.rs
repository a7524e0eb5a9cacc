//! Integers that TOML cannot hold, such as a seed above 9223372036854775807.

use super::error::ConfigError;
use crate::data::FieldError;

/// Describes the problem of a whole number that does not fit into TOML's 64 signed bits; `None` for any other text.
pub(super) fn out_of_range(literal: &str) -> Option<String> {
    let number = literal.replace('_', "");
    let digits = number.strip_prefix(['+', '-']).unwrap_or(&number);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (whole && number.parse::<i64>().is_err())
        .then(|| format!("found {literal}, expected a whole number from {} to {}", i64::MIN, i64::MAX))
}

/// Returns the error with file, line and field if `source` is about such a number in `text`.
pub(super) fn located(file: &str, text: &str, source: &toml::de::Error) -> Option<ConfigError> {
    let span = source.span()?;
    let (before, literal) = (text.get(..span.start)?, text.get(span)?);
    let problem = out_of_range(literal)?;
    let line = before.matches('\n').count() + 1;
    let key = before.rsplit(['\n', '{', ',']).next()?.split('=').next()?.trim();
    Some(ConfigError::Field { location: format!("{file}:{line}"), error: FieldError::new(key, problem) })
}
