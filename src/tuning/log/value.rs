//! Value of a hyperparameter.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Value of a hyperparameter, or one of its choices; a plain value in JSON and TOML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// True or false.
    Flag(bool),
    /// Whole number.
    Integer(i64),
    /// Real number.
    Real(f64),
    /// Text.
    Text(String),
    /// List of values, such as the units of each layer.
    List(Vec<ParameterValue>),
    /// No value: the parameter is off.
    None,
}

impl ParameterValue {
    /// Returns a choice that Optuna accepts (null, a flag, a number or text): a list becomes its JSON text.
    pub(super) fn to_choice(&self) -> Value {
        match self {
            Self::Flag(flag) => (*flag).into(),
            Self::Integer(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(_) => self.to_string().into(),
            Self::None => Value::Null,
        }
    }

    /// Reads the result of [`Self::to_choice`]. Text is a list only if it is, byte for byte, the text of a list.
    pub(super) fn from_choice(choice: Value) -> Result<Self, serde_json::Error> {
        let value = serde_json::from_value(choice)?;
        if let Self::Text(text) = &value
            && text.starts_with('[')
            && let Ok(list) = serde_json::from_str::<Self>(text)
            && list.to_string() == *text
        {
            return Ok(list);
        }
        Ok(value)
    }

    /// Formats JSON with a space after each comma.
    fn json(&self) -> String {
        match self {
            Self::List(values) => format!("[{}]", values.iter().map(Self::json).collect::<Vec<_>>().join(", ")),
            single => single.to_choice().to_string(),
        }
    }
}

/// Formats text as it is, no value as nothing, and everything else as JSON.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::None => Ok(()),
            other => f.write_str(&other.json()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_travels_as_text_and_text_stays_text() {
        let list = ParameterValue::List(vec![
            ParameterValue::Integer(54),
            ParameterValue::Real(2.0),
            ParameterValue::Text("a \"b\"".to_owned()),
            ParameterValue::List(vec![ParameterValue::None, ParameterValue::Flag(true)]),
        ]);
        assert_eq!(list.to_choice(), Value::from(r#"[54, 2.0, "a \"b\"", [null, true]]"#));
        assert_eq!(ParameterValue::from_choice(list.to_choice()).unwrap(), list);
        for text in ["[54,2.0]", "[", "[oops]", "54", "null", ""] {
            assert_eq!(ParameterValue::from_choice(text.into()).unwrap(), ParameterValue::Text(text.to_owned()));
        }
        assert_eq!(ParameterValue::from_choice(Value::Null).unwrap(), ParameterValue::None);
        ParameterValue::from_choice(serde_json::json!({"a": 1})).unwrap_err();
    }
}
