//! Reads recipes from a configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, MapDeserializer},
    },
};

use super::{
    Recipe,
    presets::{self, PRESETS},
    step::Step,
};

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecipeVisitor)
    }
}

impl JsonSchema for Recipe {
    fn schema_name() -> Cow<'static, str> {
        "Recipe".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = json_schema!({
            "enum": PRESETS.into_iter().chain(Step::NAMES).collect::<Vec<_>>(),
            "description": "A preset, or a step with its defaults.",
        });
        json_schema!({
            "description": "Preprocessing steps: the name of a preset or step, or a list of names and of tables such \
                            as { step = \"noise\", level = 32 }.",
            "anyOf": [
                name,
                { "type": "array", "items": { "anyOf": [name, generator.subschema_for::<Step>()] } },
            ]
        })
    }
}

struct RecipeVisitor;

impl<'de> Visitor<'de> for RecipeVisitor {
    type Value = Recipe;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "a preset ({}) or a list of presets and steps", PRESETS.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Recipe, E> {
        named(name).map(|steps| Recipe { steps })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Recipe, A::Error> {
        let mut steps = Vec::new();
        while let Some(Item(more)) = items.next_element()? {
            steps.extend(more);
        }
        Ok(Recipe { steps })
    }
}

/// One entry of the list: a single step, or the steps of a preset.
struct Item(Vec<Step>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor).map(Item)
    }
}

/// Reads one entry of the list: the name of a preset or of a step, or the table of a step.
struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Vec<Step>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("the name of a step or preset, or a table like { step = \"noise\", level = 32 }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Vec<Step>, E> {
        named(name)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Step>, A::Error> {
        Step::deserialize(MapAccessDeserializer::new(map)).map(|step| vec![step])
    }
}

/// The steps of a preset, or the step of this name with its defaults.
fn named<E: Error>(name: &str) -> Result<Vec<Step>, E> {
    if let Some(steps) = presets::steps(name) {
        return Ok(steps);
    }
    let table = MapDeserializer::<_, serde::de::value::Error>::new(std::iter::once(("step", name)));
    match Step::deserialize(table) {
        Ok(step) => Ok(vec![step]),
        Err(error) => Err(E::custom(format!("{error}, or a preset: {}", PRESETS.join(", ")))),
    }
}
