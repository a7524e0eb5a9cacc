use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::config::{ConfigKind, RunConfig, SHIPPED, SearchConfig};

/// Checks a value against a schema: the keywords that this program's schema uses, and no others.
fn validate(schema: &Value, value: &Value, root: &Value) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return if schema == &Value::Bool(true) { Ok(()) } else { Err(format!("{value} is not allowed")) };
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let passes = |schema: &Value| validate(schema, value, root);
    for (keyword, rule) in keywords {
        let fails = |is_wrong: bool| if is_wrong { Err(format!("{value}: {keyword} {rule}")) } else { Ok(()) };
        let number = value.as_f64();
        match keyword.as_str() {
            "$ref" => {
                let path = rule.as_str().unwrap().trim_start_matches('#');
                passes(root.pointer(path).unwrap_or_else(|| panic!("{path}")))?;
            }
            "type" => {
                let is = |kind: &Value| match kind.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    other => panic!("{other}"),
                };
                fails(!match rule {
                    Value::Array(kinds) => kinds.iter().any(is),
                    kind => is(kind),
                })?;
            }
            "const" => fails(value != rule)?,
            "enum" => fails(!list(rule).contains(value))?,
            "minimum" => fails(number.is_some_and(|found| found < rule.as_f64().unwrap()))?,
            "maximum" => fails(number.is_some_and(|found| found > rule.as_f64().unwrap()))?,
            "exclusiveMinimum" => fails(number.is_some_and(|found| found <= rule.as_f64().unwrap()))?,
            "exclusiveMaximum" => fails(number.is_some_and(|found| found >= rule.as_f64().unwrap()))?,
            "minItems" => fails(value.as_array().is_some_and(|found| (found.len() as u64) < rule.as_u64().unwrap()))?,
            "maxItems" => fails(value.as_array().is_some_and(|found| found.len() as u64 > rule.as_u64().unwrap()))?,
            "pattern" => assert_eq!(rule, "^[a-z0-9-]{1,40}$"),
            "items" => list(value).iter().try_for_each(|entry| validate(rule, entry, root))?,
            "required" => {
                let lacks = |name: &Value| value.get(name.as_str().unwrap()).is_none();
                fails(value.is_object() && list(rule).iter().any(lacks))?;
            }
            "properties" | "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (name, inner) in value.as_object().into_iter().flatten() {
                    let known = known.and_then(|known| known.get(name));
                    match (keyword.as_str(), known) {
                        ("properties", Some(schema)) => {
                            validate(schema, inner, root).map_err(|error| format!("{name}: {error}"))?;
                        }
                        ("additionalProperties", None) => {
                            validate(rule, inner, root).map_err(|_| format!("unknown field {name}"))?;
                        }
                        _ => {}
                    }
                }
            }
            "anyOf" | "oneOf" => {
                let errors: Vec<_> = list(rule).iter().filter_map(|form| passes(form).err()).collect();
                let passed = list(rule).len() - errors.len();
                let is_enough = if keyword == "oneOf" { passed == 1 } else { passed > 0 };
                if !is_enough {
                    return Err(format!("{value}: {passed} forms fit: {}", errors.join("; ")));
                }
            }
            "if" => {
                let branch = if passes(rule).is_ok() { "then" } else { "else" };
                passes(&keywords[branch])?;
            }
            "then" | "else" | "description" | "title" | "default" | "$schema" | "$defs" => {}
            other => panic!("the keyword {other} is not known to this test"),
        }
    }
    Ok(())
}

fn value(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap();
    serde_json::to_value(table).unwrap()
}

/// The value at a dotted path; members and meta-models, which are lists, are entered at their first entry.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, part| match value {
        Value::Array(entries) => entries.first()?.get(part),
        value => value.get(part),
    })
}

const KINDS: [&str; 6] = ["dense", "cnn", "booster", "logistic", "svm", "knn"];

/// The resolved configuration of a run with one member and nothing set.
fn bare(kind: &str) -> Value {
    let text = format!("name = \"bare\"\n[[members]]\nname = \"m\"\nkind = \"{kind}\"\n");
    value(&RunConfig::parse("bare", &text, &[]).unwrap().to_toml().unwrap())
}

#[test]
fn every_shipped_configuration_fits_the_schema_as_it_is_and_resolved() {
    let schema = schema();
    for shipped in SHIPPED {
        let resolved = match shipped.kind {
            ConfigKind::Run => RunConfig::parse(shipped.name, shipped.text, &[]).unwrap().to_toml().unwrap(),
            ConfigKind::Search => SearchConfig::parse(shipped.name, shipped.text, &[]).unwrap().to_toml().unwrap(),
        };
        for text in [shipped.text, &resolved] {
            validate(&schema, &value(text), &schema).unwrap_or_else(|error| panic!("{}: {error}", shipped.name));
        }
    }
    for kind in KINDS {
        validate(&schema, &bare(kind), &schema).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[test]
fn what_the_program_refuses_by_itself_does_not_fit_the_schema() {
    let schema = schema();
    let good = json!({ "name": "x", "members": [{ "name": "a", "kind": "cnn" }] });
    validate(&schema, &good, &schema).unwrap();
    for (field, wrong) in [
        ("name", json!(3)),
        ("seed", json!(-1)),
        ("colour", json!("red")),
        ("best", json!({})),
        ("members", json!([])),
        ("members", json!([{ "name": "a", "kind": "forest" }])),
        ("members", json!([{ "name": "a", "kind": "knn", "network": {} }])),
        ("members", json!([{ "name": "a", "kind": "cnn", "network": { "filters": "many" } }])),
        ("members", json!([{ "name": "a", "kind": "cnn", "training": { "optimizer": { "kind": "adam", "rho": 1 } } }])),
        ("members", json!([{ "name": "a", "kind": "cnn", "augment": ["twist"] }])),
        ("prepare", json!({ "recipe": [{ "step": "noise", "level": 300 }] })),
        ("data", json!({ "test": 1.5 })),
        ("data", json!({ "polarity": "sideways" })),
    ] {
        let mut config = good.clone();
        config[field] = wrong;
        assert!(validate(&schema, &config, &schema).is_err(), "{config}");
        let table = toml::Table::deserialize(config.clone()).unwrap();
        let text = toml::to_string(&table).unwrap();
        assert!(RunConfig::parse("x", &text, &[]).is_err(), "{text}");
    }
}

/// Real defaults of what a bare configuration leaves out: see `skip_serializing_if`.
const LEFT_OUT: [(&str, &str); 2] = [("data.polarity", "\"auto\""), ("data.max_skipped", "0.01")];

#[test]
fn every_default_is_the_real_one() {
    let mut compared = 0;
    for kind in KINDS {
        let bare = bare(kind);
        for field in fields().iter().flat_map(|group| &group.fields) {
            let own = field.path.strip_prefix(&format!("members.{kind}."));
            let path = match own {
                Some(own) => format!("members.{own}"),
                None if field.path.starts_with("members.") => continue,
                None => field.path.clone(),
            };
            let is_known =
                at(&bare, path.rsplit_once('.').map_or("", |(table, _)| table)).is_some() || !path.contains('.');
            match (&field.default, at(&bare, &path)) {
                (Some(default), Some(real)) => {
                    assert_eq!(*default, super::toml_text::inline(&rounded(real)), "{}", field.path);
                    compared += 1;
                }
                (None, Some(real)) => {
                    assert!(field.required || real.is_object(), "{}: {real} is not explained", field.path);
                }
                (Some(default), None) if is_known => {
                    let empty = ["[]", "{}"].contains(&default.as_str());
                    let listed = LEFT_OUT.contains(&(field.path.as_str(), default.as_str()));
                    assert!(empty || listed, "{}: {default} is not what is there", field.path);
                }
                _ => {}
            }
        }
    }
    assert!(compared > 120, "only {compared} defaults were compared");
}

fn rounded(value: &Value) -> Value {
    let mut schema = json!({ "default": value });
    super::tidy::tidy(&mut schema);
    schema["default"].take()
}

#[test]
fn every_field_is_explained_and_its_comment_does_not_contradict_its_default() {
    for field in fields().iter().flat_map(|group| &group.fields) {
        assert!(field.meaning.len() > 10, "{}: {:?}", field.path, field.meaning);
        assert!(field.meaning.ends_with('.') && field.meaning.starts_with(char::is_uppercase), "{}", field.meaning);
        assert!(!field.meaning.contains("[`") && !field.meaning.contains('\n'), "{}: {}", field.path, field.meaning);
        assert_ne!(field.kind, "any value", "{}", field.path);
        for choice in field.allowed.iter().filter(|choice| !choice.meaning.is_empty()) {
            assert!(choice.meaning.ends_with(['.', ')']), "{}: {}", field.path, choice.meaning);
        }
    }
    let mut compared = 0;
    compare_comments(&schema(), &mut compared);
    assert!(compared > 80, "only {compared} comments name a default");
}

/// Compares "Default 3." in each comment with the default beside it.
fn compare_comments(schema: &Value, compared: &mut usize) {
    match schema {
        Value::Array(entries) => entries.iter().for_each(|entry| compare_comments(entry, compared)),
        Value::Object(object) => {
            let said = object.get("description").and_then(Value::as_str).and_then(|text| text.split_once("Default "));
            if let (Some((_, said)), Some(default)) = (said, object.get("default")) {
                let first = said.split([';', ' ']).next().unwrap().trim_end_matches(['.', ',', ':']).replace(',', "");
                let real = match default {
                    Value::Array(entries) => entries.first().cloned().unwrap_or_default(),
                    Value::Object(form) => form.get("kind").cloned().unwrap_or_default(),
                    other => other.clone(),
                };
                let word = first.trim_matches(['`', '"']).to_lowercase();
                let is_same = match &real {
                    Value::Number(number) => word.parse::<f64>().ok() == number.as_f64(),
                    Value::String(text) => *text == word,
                    Value::Bool(flag) => flag.to_string() == word,
                    _ => ["none", "empty"].contains(&word.as_str()),
                };
                assert!(is_same, "{:?} beside {default}", object["description"]);
                *compared += 1;
            }
            object.values().for_each(|value| compare_comments(value, compared));
        }
        _ => {}
    }
}

#[test]
fn groups_are_named_once_and_references_lead_to_earlier_ones() {
    let groups = fields();
    for (index, group) in groups.iter().enumerate() {
        assert!(groups[..index].iter().all(|earlier| earlier.path != group.path), "{}", group.path);
        if let Some(first) = &group.same_as {
            let first =
                groups[..index].iter().find(|earlier| earlier.path == *first).unwrap_or_else(|| panic!("{first}"));
            let names = |group: &Group| group.fields.iter().map(|field| field.name().to_owned()).collect::<Vec<_>>();
            assert_eq!(names(first), names(group));
        }
    }
}

#[test]
fn the_committed_documents_are_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    for (name, expected) in [("configuration.md", markdown()), ("configuration.schema.json", schema)] {
        let found = std::fs::read_to_string(root.join(name)).unwrap_or_default().replace("\r\n", "\n");
        let option = if name.ends_with(".md") { "--markdown" } else { "--schema" };
        assert!(found == expected, "docs/{name} is out of date: digitstack config explain {option} > docs/{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_changed_number_in_range_fits_the_schema_and_the_program(
        epochs in 1_u32..1000, filters in 1_usize..64, folds in 2_usize..20, share in 0.01_f64..0.99,
    ) {
        let text = format!(
            "name = \"x\"\n[data]\ntest = {share:?}\nsource = \"folder\"\n[stacking]\nfolds = {folds}\n[[members]]\n\
             name = \"a\"\nkind = \"cnn\"\n[members.network]\nfilters = {filters}\n[members.training]\n\
             epochs = {epochs}\n"
        );
        let schema = schema();
        prop_assert!(validate(&schema, &value(&text), &schema).is_ok());
        prop_assert!(RunConfig::parse("x", &text, &[]).is_ok());
    }
}
