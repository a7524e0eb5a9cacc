//! One model of a finished run, or the one of `digitstack train`, as a file for other programs.

use std::path::{Path, PathBuf};

use super::{
    RunConfig, RunFailure,
    finish::stack_file,
    fits::Fit,
    kind::{self, Kind},
    run::CONFIG,
    single::{self, MODEL},
};
use crate::{
    device::ChosenDevice,
    imaging::Recipe,
    learners::{LearnerError, ModelFormat, ModelNotes},
    stacking::Stack,
    storage,
};

/// The models in a complete directory. Every file was verified against the manifest.
pub struct ModelFiles {
    folder: PathBuf,
    config: RunConfig,
    models: Vec<ModelFile>,
}

/// One model in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name: `cnn/fold-1`, `cnn/all`, `meta/logistic`; that of its member if it is the only one of the directory.
    pub name: String,
    /// What it may also be called as long as nothing else is: `cnn`, `logistic`.
    short: String,
    /// False for a fold's model of a run whose members were fitted again on everything.
    is_final: bool,
    place: Place,
}

/// Where a model lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A folder with a model of the configuration's member of this index.
    Member(usize, String),
    /// A file with a meta-model.
    Meta(String),
}

impl ModelFiles {
    /// Lists the models of a complete run directory, or of a directory that `digitstack train` or `digitstack import`
    /// left.
    ///
    /// # Errors
    /// If the directory is not complete, damaged, or of another kind.
    pub fn open(folder: &Path) -> Result<Self, RunFailure> {
        let kind = kind::of(&storage::verify(folder)?);
        let config = || RunConfig::load(Some(&folder.join(CONFIG)), &[]);
        let (config, models) = match kind {
            Kind::Run => {
                let config = config()?;
                let models = models_of_run(&config);
                (config, models)
            }
            Kind::Single => {
                let config = config()?;
                let model = single_model(&config, folder)?;
                (config, vec![model])
            }
            Kind::UnnamedSingle => return Err(RunFailure::UnnamedModel(folder.to_owned())),
            Kind::Other => return Err(RunFailure::NoModel(folder.to_owned())),
        };
        Ok(Self { folder: folder.to_owned(), config, models })
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
        let of_stack: Vec<&ModelFile> = called.iter().copied().filter(|model| model.is_final).collect();
        match of_stack[..] {
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
        RunFailure::NoSuchModel { directory: self.folder.clone(), model: name.to_owned(), problem, models }
    }

    /// What is done to an image before a model sees it: the run's steps, then those of its member. Before a meta-model:
    /// the run's.
    pub fn preparation(&self, model: &ModelFile) -> Recipe {
        match model.place {
            Place::Member(member, _) => self.config.preparation_for(self.config.members[member].as_ref()),
            Place::Meta(_) => self.config.prepare.recipe.clone(),
        }
    }

    /// A model in a format.
    ///
    /// # Errors
    /// [`LearnerError::NoFormat`] if the model cannot be written so.
    pub fn export(&self, model: &ModelFile, format: ModelFormat, device: &ChosenDevice) -> Result<Vec<u8>, RunFailure> {
        match &model.place {
            Place::Member(member, part) => {
                let notes = ModelNotes {
                    model: model.name.clone(),
                    preparation: to_json(&self.preparation(model), &model.name)?,
                };
                Ok(self.config.members[*member].load(&self.folder.join(part), device)?.export(format, &notes)?)
            }
            Place::Meta(file) => {
                if format != ModelFormat::Json {
                    let model = model.name.clone();
                    return Err(LearnerError::NoFormat { model, format, formats: &[ModelFormat::Json] }.into());
                }
                let stack: Stack = storage::read_json(&self.folder.join(file))?;
                Ok(to_json(&stack, &model.name)?.into_bytes())
            }
        }
    }
}

/// A recipe or a meta-model as JSON.
fn to_json(value: &impl serde::Serialize, model: &str) -> Result<String, RunFailure> {
    serde_json::to_string(value).map_err(|source| RunFailure::Json { model: model.to_owned(), source })
}

/// Every fit, then the meta-models.
fn models_of_run(config: &RunConfig) -> Vec<ModelFile> {
    let fits = Fit::all(config).into_iter().map(|fit| {
        let short = config.members[fit.member].name().to_owned();
        let is_final = fit.fold.is_none() == config.refits();
        ModelFile { name: fit.name(config), short, is_final, place: Place::Member(fit.member, fit.part(config)) }
    });
    let metas = config.stacking.meta.iter().map(|meta| {
        let short = meta.name().to_owned();
        ModelFile { name: format!("meta/{short}"), short, is_final: true, place: Place::Meta(stack_file(meta.name())) }
    });
    fits.chain(metas).collect()
}

/// The one model of a directory.
fn single_model(config: &RunConfig, folder: &Path) -> Result<ModelFile, RunFailure> {
    let (member, learner) = single::learner(config, folder)?;
    let name = learner.name().to_owned();
    Ok(ModelFile { name: name.clone(), short: name, is_final: true, place: Place::Member(member, MODEL.to_owned()) })
}
