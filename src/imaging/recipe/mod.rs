//! Recipes: image processing steps chained as a configuration names them.
//!
//! ```toml
//! name = "recipes"
//!
//! [prepare]
//! recipe = "reference"                              # a preset: for every image, before any model sees it
//!
//! [[members]]
//! name = "cnn"
//! kind = "cnn"
//! prepare = ["deskew", { step = "noise", level = 8 }] # a list of steps: for this member only
//! augment = ["light", { step = "erase", side = 4 }]   # presets and steps mix: random, drawn anew in every epoch
//! ```
//!
//! A step is given by its name, which selects its defaults, or by a table with `step` and the settings that differ. A
//! preset ([`PRESETS`]) stands for its steps. A recipe is written back as its steps, so that a stored configuration
//! still says what was done if a preset changes.

mod parse;
mod presets;
mod processor;
mod random;
mod single_warp;
mod step;

use serde::Serialize;

pub use presets::{PRESETS, describe_preset};
pub use processor::Processor;
pub use single_warp::SingleWarp;
pub use step::{AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, RotateStep, Step, StrokeStep};

use crate::data::FieldError;

/// Image processing steps in their order. The empty recipe, which is the default, leaves images unchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Recipe {
    /// Steps, first to last.
    pub steps: Vec<Step>,
}

impl Recipe {
    /// Returns the preset of this name; `None` if it is not one of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        presets::steps(name).map(|steps| Self { steps })
    }

    /// Checks the settings of every step.
    ///
    /// # Errors
    /// The index of the step, from 0, and its setting, such as `1.level`.
    pub fn check(&self) -> Result<(), FieldError> {
        for (index, step) in self.steps.iter().enumerate() {
            step.check().map_err(|error| error.inside(&index.to_string()))?;
        }
        Ok(())
    }

    /// True if the result depends on the seed.
    pub fn is_random(&self) -> bool {
        self.steps.iter().any(Step::is_random)
    }

    /// Compiles the recipe: checks the settings and computes the tables of all steps.
    ///
    /// # Errors
    /// The errors of [`Recipe::check`].
    pub fn compile(&self) -> Result<Processor, FieldError> {
        self.check()?;
        Ok(Processor::new(&self.steps))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config::RunConfig;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        preprocess: Recipe,
    }

    fn parse(toml: &str) -> Result<Recipe, String> {
        toml::from_str::<File>(&format!("preprocess = {toml}"))
            .map(|file| file.preprocess)
            .map_err(|error| error.message().to_owned())
    }

    /// Text of the fenced TOML blocks in a module's documentation.
    fn documented_toml(source: &str) -> Vec<String> {
        let docs: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let blocks = docs.split(|line| line.trim() == "```toml").skip(1);
        blocks.map(|block| block.split(|line| line.trim() == "```").next().unwrap().join("\n")).collect()
    }

    /// The example once named `preprocess` and `tidy`, which no configuration has.
    #[test]
    fn documented_examples_are_valid_run_configurations() {
        let examples = documented_toml(include_str!("mod.rs"));
        assert_eq!(examples.len(), 1);
        for text in examples {
            let config = RunConfig::parse("the documentation", &text, &[]).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(config.experiment.preprocessing.recipe, Recipe::preset("reference").unwrap());
            config.experiment.preprocessing.recipe.compile().unwrap();
            let member: Member = toml::from_str::<Run>(&text).unwrap().members.remove(0);
            assert!(!member.prepare.compile().unwrap().is_random() && member.augment.compile().unwrap().is_random());
        }
    }

    #[derive(Deserialize)]
    struct Run {
        members: Vec<Member>,
    }

    #[derive(Deserialize)]
    struct Member {
        prepare: Recipe,
        augment: Recipe,
    }

    #[test]
    fn names_tables_and_presets_can_be_mixed() {
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
    fn presets_round_trip_through_toml() {
        for name in PRESETS {
            let preprocess = Recipe::preset(name).unwrap();
            preprocess.check().unwrap();
            let file = File { preprocess };
            let text = toml::to_string(&file).unwrap();
            assert_eq!(toml::from_str::<File>(&text).unwrap(), file, "{text}");
        }
    }

    #[test]
    fn default_settings_are_written_as_bare_names() {
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
    fn unknown_names_and_settings_are_named_in_the_error() {
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
    fn invalid_settings_are_refused_with_their_index() {
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
            assert!(recipe.compile().is_err());
        }
    }

    #[test]
    fn random_recipes_are_detected() {
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
