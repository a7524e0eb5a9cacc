//! The schema validator of these tests refuses wrong values.

use serde_json::{Value, json};

use crate::http::schema::Document;

fn document() -> Document {
    Document(json!({
        "paths": {},
        "components": { "schemas": {
            "Digit": { "type": "integer", "format": "int32", "minimum": 0, "maximum": 9 },
            "Answer": {
                "type": "object",
                "description": "An answer.",
                "required": ["digit", "names"],
                "properties": {
                    "digit": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Digit" }] },
                    "names": { "type": "array", "items": { "type": "string" } },
                    "kind": { "enum": ["member", "stack"] },
                    "share": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
                    "either": { "anyOf": [{ "type": "string" }, { "type": "boolean" }] },
                    "both": { "oneOf": [{ "type": "integer" }, { "type": "number" }] },
                    "any": {},
                },
            },
        } },
    }))
}

#[test]
fn right_values_pass_and_wrong_values_do_not() {
    let (document, schema) = (document(), json!({ "$ref": "#/components/schemas/Answer" }));
    let check = |value: Value| document.check(&schema, &value);
    for right in [
        json!({ "digit": 3, "names": [] }),
        json!({ "digit": null, "names": ["a"], "kind": "stack", "share": null, "either": true, "both": 0.5 }),
        json!({ "digit": 0, "names": [], "any": [{}] }),
        json!({ "digit": 9.0, "names": ["a", ""], "share": 1, "either": "x", "any": null }),
    ] {
        assert_eq!(check(right.clone()), Ok(()), "{right}");
    }
    for (wrong, words) in [
        (json!([]), "type"),
        (json!(null), "type"),
        (json!({ "names": [] }), "`digit` is missing"),
        (json!({ "digit": 3 }), "`names` is missing"),
        (json!({ "digit": 10, "names": [] }), "digit"),
        (json!({ "digit": -1, "names": [] }), "digit"),
        (json!({ "digit": 2.5, "names": [] }), "digit"),
        (json!({ "digit": "2", "names": [] }), "digit"),
        (json!({ "digit": 2, "names": {} }), "names"),
        (json!({ "digit": 2, "names": ["a", 1] }), "[1]"),
        (json!({ "digit": 2, "names": [], "kind": "other" }), "kind"),
        (json!({ "digit": 2, "names": [], "share": 1.01 }), "share"),
        (json!({ "digit": 2, "names": [], "share": "0.5" }), "share"),
        (json!({ "digit": 2, "names": [], "either": 1 }), "either"),
        (json!({ "digit": 2, "names": [], "both": 1 }), "both"),
        (json!({ "digit": 2, "names": [], "more": 1 }), "`more` is not in the document"),
    ] {
        let error = check(wrong.clone()).expect_err(&wrong.to_string());
        assert!(error.contains(words), "{wrong}: {error}");
    }
}

#[test]
fn a_schema_that_is_not_understood_is_an_error() {
    assert_eq!(document().check_itself(), Ok(16));
    for (wrong, words) in [
        (json!({ "type": "string", "pattern": "a+" }), "pattern"),
        (json!({ "type": "array", "items": { "minLength": 3 } }), "minLength"),
        (json!({ "properties": { "a": { "oneOf": [{ "not": {} }] } } }), "not"),
        (json!({ "$ref": "#/components/schemas/None" }), "nowhere"),
        (json!({ "$ref": "elsewhere.json" }), "nowhere"),
        (json!(true), "no schema"),
    ] {
        let mut document = document();
        document.0["components"]["schemas"]["Wrong"] = wrong.clone();
        let error = document.check_itself().expect_err(&wrong.to_string());
        assert!(error.contains(words), "{wrong}: {error}");
    }
    let error = document()
        .check(&json!({ "type": "string", "pattern": "a+" }), &json!("b"))
        .expect_err("a keyword that is not known");
    assert!(error.contains("pattern"), "{error}");
}
