//! The JSON schema of a configuration.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::tidy::tidy;
use crate::{
    config::{experiment::Shared, run, search},
    imaging::Recipe,
    learners,
    tuning::StageConfig,
};

/// Places of the definitions in the schema.
pub(super) const DEFINITIONS: &str = "$defs";

/// The JSON schema (draft 2020-12) of the configurations of runs and searches: every field with its type, its default
/// and its meaning.
///
/// What depends on several fields at once, such as a kernel that is larger than its image, is not in it: `digitstack
/// config check` finds that.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut properties = Map::new();
    for part in [
        Shared::json_schema(&mut generator),
        run::Rest::json_schema(&mut generator),
        search::Rest::json_schema(&mut generator),
    ] {
        properties.extend(properties_of(part.to_value()));
    }
    properties.insert("members".to_owned(), members(&mut generator));
    let stage = generator.subschema_for::<StageConfig>();
    properties.insert(
        "stages".to_owned(),
        json!({
            "type": "array", "minItems": 1, "items": stage,
            "description": "Stages of a search, in the order in which they run; a configuration with stages is for \
                            `digitstack tune`. Default: none.",
        }),
    );
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "digitstack configuration",
        "description": "Configuration of a run (`digitstack run`) or, with stages, of a search (`digitstack tune`).",
        "type": "object",
        "properties": properties,
        "required": ["name", "members"],
        "additionalProperties": false,
        "if": { "required": ["stages"] },
        "then": { "properties": { "search": false, "single": false, "reported": false } },
        "else": { "properties": { "best": false } },
        DEFINITIONS: generator.take_definitions(true),
    });
    tidy(&mut schema);
    schema
}

/// The `[[members]]` tables: one form for each kind of learner.
fn members(generator: &mut SchemaGenerator) -> Value {
    let schemas = learners::settings_schemas(generator);
    let predict = learners::predict_schema(generator).to_value();
    let mut forms = Vec::new();
    for ((kind, about), schema) in learners::kinds().zip(schemas) {
        let recipe = generator.subschema_for::<Recipe>();
        let mut prepare = recipe.to_value();
        if let Some(prepare) = prepare.as_object_mut() {
            let about = "Deterministic steps for the images of this member only, behind those of `prepare.recipe`. \
                         Default: none.";
            prepare.insert("description".to_owned(), about.into());
            prepare.insert("default".to_owned(), json!([]));
        }
        let mut properties = properties_of(schema.to_value());
        properties.insert("prepare".to_owned(), prepare);
        properties.insert("predict".to_owned(), predict.clone());
        properties.insert(
            "name".to_owned(),
            json!({
                "type": "string", "pattern": "^[a-z0-9-]{1,40}$",
                "description": "Name of the member and of its folder: 1 to 40 of a–z, 0–9 and `-`, each once.",
            }),
        );
        properties.insert("kind".to_owned(), json!({ "const": kind, "description": "Kind of the model." }));
        forms.push(json!({
            "type": "object",
            "description": sentence(about),
            "properties": properties,
            "required": ["name", "kind"],
            "additionalProperties": false,
        }));
    }
    json!({
        "type": "array", "minItems": 1, "maxItems": 1000, "items": { "oneOf": forms },
        "description": "Models, in the order of the metafeatures, 1 to 1000.",
    })
}

/// A few words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

fn properties_of(mut schema: Value) -> Map<String, Value> {
    match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    }
}
