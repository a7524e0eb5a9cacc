//! The list of learners by kind, and how a member's table becomes a learner.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    booster, knn,
    learner::Learner,
    logistic, net,
    prepared::{self, PreparedLearner},
    settings::parse_settings,
    shifted::{self, PredictSettings, ShiftedLearner},
    svm,
};
use crate::{
    data::FieldError,
    imaging::Recipe,
    nn::{CnnConfig, DenseConfig, NetworkConfig},
};

/// Builds a learner called `name` from its settings.
type Build = fn(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError>;

/// Schema of a kind's settings, without those that every member has: `name`, `kind`, `prepare`, `predict`.
type SettingsSchema = fn(&mut SchemaGenerator) -> Schema;

/// Every kind of learner: its name in a configuration, a few words on it, its constructor, and the schema of its
/// settings.
const KINDS: [(&str, &str, Build, SettingsSchema); 6] = [
    ("dense", "fully connected net", net::dense, net::Settings::<DenseConfig>::json_schema),
    ("cnn", "VGG-style convolutional net", net::cnn, net::Settings::<CnnConfig>::json_schema),
    ("booster", "LightGBM gradient-boosted trees", booster::build, booster::Settings::json_schema),
    ("logistic", "multinomial logistic regression on the pixels", logistic::build, logistic::Settings::json_schema),
    ("svm", "support-vector machine with an RBF kernel", svm::build, svm::Settings::json_schema),
    ("knn", "k nearest neighbours by Euclidean distance", knn::build, knn::Settings::json_schema),
];

/// The names of all kinds with a few words on each.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|(name, about, ..)| (*name, *about))
}

/// The schema of each kind's settings, in the order of [`kinds`].
pub(crate) fn settings_schemas(generator: &mut SchemaGenerator) -> Vec<Schema> {
    KINDS.iter().map(|(.., schema)| schema(generator)).collect()
}

/// The schema of `[members.predict]`, which every kind has.
pub(crate) fn predict_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<PredictSettings>()
}

/// Builds a learner from the table of a `[[members]]` entry: `name`, `kind`, `prepare` (steps that the images of this
/// member alone pass), `predict` (shifts that predictions are means over) and the settings of that kind.
///
/// # Errors
/// Names the field that is missing, unknown, of the wrong type or impossible.
pub fn build(mut table: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let mut text = |field: &str| match table.remove(field) {
        Some(toml::Value::String(text)) => Ok(text),
        Some(other) => Err(FieldError::new(field, format!("found {} `{other}`, expected a string", other.type_str()))),
        None => Err(FieldError::new(field, "is missing; every member has a `name` and a `kind`")),
    };
    let (name, kind) = (text("name")?, text("kind")?);
    check_name(&name)?;
    let recipe: Recipe = match table.remove(prepared::FIELD) {
        Some(recipe) => recipe
            .try_into()
            .map_err(|error: toml::de::Error| FieldError::new(prepared::FIELD, error.message().trim()))?,
        None => Recipe::default(),
    };
    let predict = match table.remove(shifted::FIELD) {
        Some(toml::Value::Table(table)) => parse_settings(table).map_err(|error| error.inside(shifted::FIELD))?,
        Some(other) => {
            let found = other.type_str();
            return Err(FieldError::new(
                shifted::FIELD,
                format!("found {found}, expected a `[members.predict]` table"),
            ));
        }
        None => PredictSettings::default(),
    };
    let Some((_, _, build, _)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
        let known: Vec<_> = kinds().map(|(kind, _)| format!("`{kind}`")).collect();
        return Err(FieldError::new("kind", format!("found `{kind}`, expected one of {}", known.join(", "))));
    };
    let learner = ShiftedLearner::decorate(build(&name, table)?, predict)?;
    if recipe.steps.is_empty() { Ok(learner) } else { Ok(Box::new(PreparedLearner::new(learner, recipe)?)) }
}

/// Builds the learner of a net of this architecture, with the default training.
///
/// # Errors
/// If the name is not allowed or the architecture impossible.
pub fn of_network(name: &str, network: &NetworkConfig) -> Result<Box<dyn Learner>, FieldError> {
    check_name(name)?;
    net::of_network(name, network.clone())
}

/// Checks that a text can be the name of a member.
fn check_name(name: &str) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || !name.chars().all(allowed) {
        return Err(FieldError::new(
            "name",
            format!("found {name:?}, expected 1 to 40 of a–z, 0–9 and `-` (it names a folder)"),
        ));
    }
    Ok(())
}
