//! JSON values as TOML on one line.

use serde_json::Value;

/// Writes a value as TOML on one line: `{ kind = "adam", learning_rate = 0.001 }`.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(real) => format!("{real:?}"),
            None => number.to_string(),
        },
        Value::Array(entries) => format!("[{}]", entries.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            // The kind first, as people write it.
            let tags = object.iter().filter(|(key, _)| is_tag(key));
            let others = object.iter().filter(|(key, _)| !is_tag(key));
            let entries = tags.chain(others).map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// True for a key that selects the form of a table.
pub(super) fn is_tag(key: &str) -> bool {
    matches!(key, "kind" | "step")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_back_as_toml() {
        for (value, text) in [
            (json!(3), "3"),
            (json!(1.0), "1.0"),
            (json!(1e-7), "1e-7"),
            (json!("auto"), "\"auto\""),
            (json!([80, 28]), "[80, 28]"),
            (json!({ "beta": 0.9, "kind": "adam" }), "{ kind = \"adam\", beta = 0.9 }"),
            (json!({}), "{}"),
            (json!([]), "[]"),
        ] {
            assert_eq!(inline(&value), text);
            let table: toml::Table = toml::from_str(&format!("x = {text}")).unwrap();
            assert_eq!(serde_json::to_value(&table["x"]).unwrap(), value);
        }
    }
}
