//! Makes a generated schema fit for editors and for people: TOML has no null, and comments link no code.

use serde_json::Value;

/// Removes alternatives and defaults of null, formats and titles of Rust's types; rounds single-precision defaults to
/// the numbers that were written; makes plain text of doc comments.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(entries) => entries.iter_mut().for_each(tidy),
        Value::Object(object) => {
            object.retain(|key, value| !(key == "format" && value.is_string() || key == "default" && value.is_null()));
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
                forms.retain(|form| form.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = &forms[..] {
                    let only = only.clone();
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("description", Value::String(text)) => *text = plain(text),
                    ("default", value) => round(value),
                    ("enum" | "const" | "required", _) => {}
                    (_, value) => tidy(value),
                }
            }
        }
        _ => {}
    }
}

/// Rounds numbers that were single-precision.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let written = number.as_f64().filter(|_| number.is_f64()).and_then(|exact| {
                let single = exact as f32;
                if f64::from(single) == exact { single.to_string().parse::<f64>().ok() } else { None }
            });
            if let Some(written) = written.and_then(serde_json::Number::from_f64) {
                *number = written;
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(round),
        Value::Object(object) => object.values_mut().for_each(round),
        _ => {}
    }
}

/// The text of a doc comment on one line, with `code` in place of links to it.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((code, after)) = link.split_once("`]") else { break };
        shown.push_str(before);
        shown.push_str(&format!("`{code}`"));
        rest = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    shown.push_str(rest);
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_left_that_toml_lacks() {
        let mut schema = json!({
            "type": ["integer", "null"], "format": "uint", "default": null,
            "properties": {
                "a": { "anyOf": [{ "$ref": "#/$defs/A" }, { "type": "null" }], "default": 0.1_f32 },
                "format": { "type": "string", "description": "See [`Loss`](crate::nn::Loss)\nand [`x`] or `[0, 1]`." },
            },
        });
        tidy(&mut schema);
        assert_eq!(
            schema,
            json!({
                "type": "integer",
                "properties": {
                    "a": { "$ref": "#/$defs/A", "default": 0.1 },
                    "format": { "type": "string", "description": "See `Loss` and `x` or `[0, 1]`." },
                },
            })
        );
    }
}
