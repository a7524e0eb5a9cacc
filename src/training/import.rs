//! A net that was trained elsewhere, as the finished directory of a single member.

use super::{inputs::Inputs, run::run};
use crate::{
    artifact::{
        RunFailure,
        layout::{ArtifactKind, Metrics},
    },
    config::{ConfigError, Override, RunConfig},
    data::FieldError,
    device::ChosenDevice,
    fit::FitContext,
    imaging::Recipe,
    learners::{Classifier, Learner, ModelNotes},
    nn::WeightsFile,
    storage::RunDirectory,
};

/// A net with weights from elsewhere, checked and not yet saved.
pub struct Imported {
    kind: ArtifactKind,
    weights_sha256: String,
    classifier: Box<dyn Classifier>,
}

/// The configuration of a weights file that this program exported: its network as the only member, and its
/// preprocessing; none if the file does not say its network.
///
/// # Errors
/// As [`RunConfig::of_network`].
pub fn config_of_weights(
    weights: &WeightsFile,
    member: &str,
    overrides: &[Override],
) -> Option<Result<RunConfig, ConfigError>> {
    let network = weights.architecture()?;
    let location = || weights.path().display().to_string();
    let recipe = recipe_of(weights).map_err(|error| ConfigError::Field { location: location(), error });
    Some(recipe.and_then(|recipe| {
        RunConfig::of_network(weights.path(), member, network, recipe.unwrap_or_default(), overrides)
    }))
}

/// The recipe that a weights file names, by which its images were prepared; none if it names none.
fn recipe_of(weights: &WeightsFile) -> Result<Option<Recipe>, FieldError> {
    let parse =
        |text| serde_json::from_str(text).map_err(|error| FieldError::new(ModelNotes::PREPARATION, error.to_string()));
    weights.note(ModelNotes::PREPARATION).map(parse).transpose()
}

impl Imported {
    /// Puts the weights into the net of a member. Writes nothing.
    ///
    /// # Errors
    /// If the weights are not those of such a net, or belong to images that are preprocessed in another way.
    pub fn new(
        config: &RunConfig,
        member: &dyn Learner,
        weights: &WeightsFile,
        device: &ChosenDevice,
    ) -> Result<Self, RunFailure> {
        let classifier = member.import(weights, device)?;
        let expected = config.experiment.recipe_for(member);
        if let Some(recipe) = recipe_of(weights)?.filter(|recipe| *recipe != expected) {
            let text = |recipe: &Recipe| serde_json::to_string(recipe).unwrap_or_default();
            return Err(RunFailure::OtherPreprocessing {
                path: weights.path().to_owned(),
                file: text(&recipe),
                config: text(&expected),
            });
        }
        let weights_sha256 = weights.sha256();
        let kind =
            ArtifactKind::Member { member: member.name().to_owned(), imported_sha256: Some(weights_sha256.clone()) };
        Ok(Self { kind, weights_sha256, classifier })
    }

    /// SHA-256 of the file that the weights came in, in hexadecimal digits.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// Scores the net on the configuration's hold-out and on the test images, and leaves what [`super::train_member`]
    /// leaves, with a history without points. Whether the net was trained on the hold-out, only its maker knows.
    ///
    /// # Errors
    /// As [`super::train_member`].
    pub fn save(
        &self,
        config: &RunConfig,
        inputs: &Inputs,
        directory: &RunDirectory,
        context: &FitContext,
    ) -> Result<Metrics, RunFailure> {
        run(config, &self.kind, inputs, Some(self.classifier.as_ref()), directory, context)
    }
}
