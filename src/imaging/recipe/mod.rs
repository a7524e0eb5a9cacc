//! Steps chained by name.
//!
//! ```toml
//! preprocess = "reference"                       # a preset
//! augment = ["light", { step = "erase", side = 6 }] # presets and steps, in order
//! tidy = [{ step = "noise", level = 32 }, "normalise-size", "stretch"]
//! ```
//!
//! A step is its name, if its defaults will do, or a table with `step` and the settings that differ. A preset stands
//! for its steps and may be mixed with others. A recipe is written back as its steps, so that a stored configuration
//! says what was done even if a preset changes.

mod presets;
mod processor;
mod single_warp;
mod step;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};

pub use presets::PRESETS;
pub use processor::Processor;
pub use single_warp::SingleWarp;
pub use step::{AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, RotateStep, Step, StrokeStep};

use crate::data::FieldError;

/// Steps in the order in which they are done. The empty recipe, which is the default, leaves images as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Recipe {
    /// In order.
    pub steps: Vec<Step>,
}

impl Recipe {
    /// The preset of this name, or `None`. [`PRESETS`] lists them.
    pub fn preset(name: &str) -> Option<Self> {
        presets::steps(name).map(|steps| Self { steps })
    }

    /// Refuses impossible settings. The field is the place in the list, from 0, and the setting: `1.level`.
    pub fn check(&self) -> Result<(), FieldError> {
        for (place, step) in self.steps.iter().enumerate() {
            step.check().map_err(|error| error.inside(&place.to_string()))?;
        }
        Ok(())
    }

    /// True if the same image can come out differently with another seed.
    pub fn is_random(&self) -> bool {
        self.steps.iter().any(Step::is_random)
    }

    /// Checks the settings and computes the tables of all steps.
    pub fn prepare(&self) -> Result<Processor, FieldError> {
        self.check()?;
        Ok(Processor::new(&self.steps))
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecipeVisitor)
    }
}

struct RecipeVisitor;

impl<'de> Visitor<'de> for RecipeVisitor {
    type Value = Recipe;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "a preset ({}) or a list of presets and steps", PRESETS.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Recipe, E> {
        match Recipe::preset(name) {
            Some(recipe) => Ok(recipe),
            None => Ok(Recipe { steps: vec![Step::named(name)?] }),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Recipe, A::Error> {
        let mut steps = Vec::new();
        while let Some(Item(more)) = items.next_element()? {
            steps.extend(more);
        }
        Ok(Recipe { steps })
    }
}

/// One entry of the list: a preset's steps or a single step.
struct Item(Vec<Step>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(step::StepVisitor).map(Item)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        preprocess: Recipe,
    }

    fn parse(toml: &str) -> Result<Recipe, String> {
        toml::from_str::<File>(&format!("preprocess = {toml}"))
            .map(|file| file.preprocess)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn names_tables_and_presets_mix() {
        let recipe = parse(
            r#"["deskew", { step = "noise", level = 8 }, "light", { step = "normalise-size", filter = "bilinear" }]"#,
        )
        .unwrap();
        assert_eq!(recipe.steps[0], Step::Deskew {});
        assert_eq!(recipe.steps[1], Step::Noise(Noise { level: 8 }));
        assert_eq!(recipe.steps[2..recipe.steps.len() - 1], Recipe::preset("light").unwrap().steps);
        assert_eq!(parse(r#""reference""#).unwrap(), Recipe::preset("reference").unwrap());
        assert_eq!(parse(r#""deskew""#).unwrap().steps, [Step::Deskew {}]);
        assert_eq!(parse("[]").unwrap(), Recipe::default());
    }

    #[test]
    fn every_preset_survives_being_written() {
        for name in PRESETS {
            let preprocess = Recipe::preset(name).unwrap();
            preprocess.check().unwrap();
            let file = File { preprocess };
            let text = toml::to_string(&file).unwrap();
            assert_eq!(toml::from_str::<File>(&text).unwrap(), file, "{text}");
        }
    }

    #[test]
    fn defaults_are_written_as_bare_names() {
        let file = File {
            preprocess: Recipe {
                steps: vec![Step::Noise(Noise::default()), Step::Noise(Noise { level: 1 }), Step::Stretch {}],
            },
        };
        assert_eq!(
            serde_json::to_string(&file.preprocess).unwrap(),
            r#"["noise",{"step":"noise","level":1},"stretch"]"#
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (toml, parts) in [
            (r#""refrence""#, &["refrence", "reference", "noise"][..]),
            (r#"["noize"]"#, &["noize", "noise", "light"]),
            (r#"[{ step = "noise", lvl = 3 }]"#, &["lvl", "level"]),
            (r#"[{ step = "noise", level = 300 }]"#, &["300"]),
            (r#"[{ step = "stretch", to = 3 }]"#, &["to"]),
            (r#"[{ level = 3 }]"#, &["step"]),
            ("[3]", &["3", "step"]),
            ("7", &["7", "preset"]),
        ] {
            let error = parse(toml).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{toml}: {error}");
            }
        }
    }

    #[test]
    fn impossible_settings_are_refused_with_their_place() {
        for (toml, field) in [
            (r#"["stretch", { step = "normalise-size", longest = 29 }]"#, "1.longest"),
            (r#"[{ step = "normalise-size", longest = 0 }]"#, "0.longest"),
            (r#"[{ step = "affine", scale = 1.0 }]"#, "0.scale"),
            (r#"[{ step = "affine", shear = 80.0 }]"#, "0.shear"),
            (r#"[{ step = "affine", shift = -1.0 }]"#, "0.shift"),
            (r#"[{ step = "affine", rotate = nan }]"#, "0.rotate"),
            (r#"[{ step = "rotate", degrees = inf }]"#, "0.degrees"),
            (r#"[{ step = "elastic", sigma = 0.0 }]"#, "0.sigma"),
            (r#"[{ step = "elastic", alpha = -1.0 }]"#, "0.alpha"),
            (r#"[{ step = "stroke", amount = 1.5 }]"#, "0.amount"),
            (r#"[{ step = "erase", side = 29 }]"#, "0.side"),
            (r#"[{ step = "erase", probability = 1.5 }]"#, "0.probability"),
        ] {
            let recipe = parse(toml).unwrap();
            assert_eq!(recipe.check().unwrap_err().field, field);
            assert!(recipe.prepare().is_err());
        }
    }

    #[test]
    fn randomness_is_known() {
        assert!(!Recipe::preset("reference").unwrap().is_random());
        assert!(Recipe::preset("light").unwrap().is_random());
        assert!(
            !parse(r#"[{ step = "affine", rotate = 0.0, shift = 0.0, scale = 0.0, shear = 0.0 }]"#)
                .unwrap()
                .is_random()
        );
        assert!(!Recipe::default().is_random());
    }
}
