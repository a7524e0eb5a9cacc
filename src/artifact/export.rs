//! Models of a finished directory as files for other programs.

use super::{
    directory::Artifact,
    failure::RunFailure,
    layout::{Fit, is_final, stack_file},
};
use crate::{
    device::ChosenDevice,
    imaging::Recipe,
    learners::{Learner, LearnerError, ModelFormat, ModelNotes},
    stacking::Stack,
    storage,
};

/// List of the models in a finished directory.
pub struct ModelFiles {
    artifact: Artifact,
    models: Vec<ModelFile>,
}

/// A model in a finished directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name: `cnn/fold-1`, `cnn/all`, `meta/logistic`; that of its member if it is the only model.
    pub name: String,
    /// A shorter name that is accepted while it is unambiguous: `cnn`, `logistic`.
    short: String,
    /// False for a fold's model of a run whose members were fitted again on everything.
    is_final: bool,
    location: Location,
}

/// Location of a model in its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Location {
    /// The folder of a fit.
    Fit(Fit),
    /// The file of a meta-model.
    Meta(String),
}

impl ModelFiles {
    /// Lists the models of a finished directory: every fit, then the meta-models.
    pub fn of(artifact: Artifact) -> Self {
        let config = artifact.config();
        let is_only = artifact.fits().len() == 1;
        let fits = artifact.fits().iter().map(|&fit| {
            let short = config.experiment.members[fit.member].name().to_owned();
            let name = if is_only { short.clone() } else { fit.name(config) };
            ModelFile { name, short, is_final: is_final(fit, config), location: Location::Fit(fit) }
        });
        let metas = config.experiment.stacking.meta.iter().filter(|_| artifact.expect_stack().is_ok()).map(|meta| {
            let short = meta.name().to_owned();
            let location = Location::Meta(stack_file(meta.name()));
            ModelFile { name: format!("meta/{short}"), short, is_final: true, location }
        });
        let models = fits.chain(metas).collect();
        Self { artifact, models }
    }

    /// The model of this name. A member's name alone means its only model, or the one that was fitted again on all
    /// images.
    ///
    /// # Errors
    /// [`RunFailure::NoSuchModel`] if there is none, or more than one.
    pub fn find(&self, name: &str) -> Result<&ModelFile, RunFailure> {
        if let Some(model) = self.models.iter().find(|model| model.name == name) {
            return Ok(model);
        }
        let called: Vec<&ModelFile> = self.models.iter().filter(|model| model.short == name).collect();
        let finished: Vec<&ModelFile> = called.iter().copied().filter(|model| model.is_final).collect();
        match finished[..] {
            [model] => Ok(model),
            [] => Err(self.no_such_model(name, "is none of its models", self.models.iter())),
            _ => Err(self.no_such_model(name, "is the name of several models", called.into_iter())),
        }
    }

    fn no_such_model<'a>(
        &self,
        name: &str,
        problem: &'static str,
        models: impl Iterator<Item = &'a ModelFile>,
    ) -> RunFailure {
        let models = models.map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ");
        RunFailure::NoSuchModel {
            directory: self.artifact.folder().to_owned(),
            model: name.to_owned(),
            problem,
            models,
        }
    }

    /// The finished directory.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The fits of a model's member: its folds, or its only one; none for a meta-model.
    pub fn fits_of(&self, model: &ModelFile) -> &[Fit] {
        let Location::Fit(fit) = model.location else { return &[] };
        let fits = self.artifact.fits();
        let is_same = |other: &Fit| other.member == fit.member;
        let start = fits.iter().position(is_same).unwrap_or(0);
        let count = fits[start..].iter().take_while(|other| is_same(other)).count();
        &fits[start..start + count]
    }

    /// The learner of a model's member; none for a meta-model.
    pub fn learner(&self, model: &ModelFile) -> Option<&dyn Learner> {
        let Location::Fit(fit) = model.location else { return None };
        Some(self.artifact.config().experiment.members[fit.member].as_ref())
    }

    /// Steps that an image goes through before a model sees it: the run's, then those of its member; before a
    /// meta-model's members: the run's.
    pub fn recipe(&self, model: &ModelFile) -> Recipe {
        let experiment = &self.artifact.config().experiment;
        match model.location {
            Location::Fit(fit) => experiment.recipe_for(experiment.members[fit.member].as_ref()),
            Location::Meta(_) => experiment.preprocessing.recipe.clone(),
        }
    }

    /// The bytes of a model in a format.
    ///
    /// # Errors
    /// [`LearnerError::NoFormat`] if the model cannot be written in it.
    pub fn export(&self, model: &ModelFile, format: ModelFormat, device: &ChosenDevice) -> Result<Vec<u8>, RunFailure> {
        match &model.location {
            Location::Fit(fit) => {
                let learner = &self.artifact.config().experiment.members[fit.member];
                let preparation = to_json(&self.recipe(model), &model.name)?;
                let notes = ModelNotes { model: model.name.clone(), preparation, shifts: learner.shifts() };
                Ok(learner.load(&self.artifact.path_of(*fit), device)?.export(format, &notes)?)
            }
            Location::Meta(file) => {
                if format != ModelFormat::Json {
                    let model = model.name.clone();
                    return Err(LearnerError::NoFormat { model, format, formats: &[ModelFormat::Json] }.into());
                }
                let stack: Stack = storage::read_json(&self.artifact.folder().join(file))?;
                Ok(to_json(&stack, &model.name)?.into_bytes())
            }
        }
    }
}

/// A recipe or a meta-model as JSON.
fn to_json(value: &impl serde::Serialize, model: &str) -> Result<String, RunFailure> {
    serde_json::to_string(value).map_err(|source| RunFailure::Json { model: model.to_owned(), source })
}
