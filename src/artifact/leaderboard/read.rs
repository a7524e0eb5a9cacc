//! From the files of a directory to its rows.

use std::path::Path;

use super::{Row, RunFailure};
use crate::{
    artifact::{
        Artifact,
        layout::{ArtifactKind, DataRecord, Timings},
    },
    device::ChosenDevice,
    evaluation::{ModelKind, ModelScores},
    learners::Classifier,
};

/// Every model of a complete directory.
///
/// # Errors
/// If it is not complete, not as its manifest says, or holds no models.
pub(super) fn rows(directory: &Path, device: &ChosenDevice) -> Result<Vec<Row>, RunFailure> {
    let artifact = Artifact::open(directory)?;
    let (metrics, timings, data) = (artifact.metrics()?, artifact.timings()?, artifact.data()?);
    let costs: Vec<(String, Cost)> = artifact
        .members()
        .iter()
        .zip(artifact.load_models(device)?)
        .map(|(member, models)| (member.name().to_owned(), Cost::of_member(member.name(), &models, &timings)))
        .collect();
    let together = Cost {
        models: costs.iter().map(|(_, cost)| cost.models).sum(),
        parameters: costs.iter().map(|(_, cost)| cost.parameters).sum(),
        seconds: costs.iter().map(|(_, cost)| cost.seconds).sum(),
    };
    let config = artifact.config();
    let protocol = match artifact.kind() {
        ArtifactKind::Member { .. } => format!("{} held out", config.hold_out.validation),
        ArtifactKind::Stack {} | ArtifactKind::Search {} => format!("{} folds", config.experiment.stacking.folds),
    };
    let trained_on = |scores: &ModelScores| match (&scores.out_of_fold, &scores.held_out, &data.train) {
        (Some(out_of_fold), ..) => Some(out_of_fold.images),
        (_, Some(held_out), Some(train)) => {
            (train.images * config.experiment.preprocessing.copies()).checked_sub(held_out.images)
        }
        _ => None,
    };
    let fingerprints =
        [&data.train, &data.test].map(|part| part.as_ref().map_or_else(String::new, |part| part.sha256.to_string()));
    let group = group(&artifact)? + &fingerprints.join(" ");
    let measured = data.test.as_ref().or(data.train.as_ref());
    let data_sha256 = measured.map_or_else(String::new, |part| part.sha256.to_string());
    let described = describe(&data);
    let row = |scores: ModelScores| {
        let own = costs.iter().find(|(name, _)| scores.kind == ModelKind::Member && *name == scores.name);
        let cost = own.map_or(&together, |(_, cost)| cost);
        Row {
            group: format!("{} {protocol} {group}", scores.name),
            run: directory.display().to_string(),
            configuration: config.experiment.name.clone(),
            models: cost.models,
            parameters: cost.parameters,
            training_seconds: Some(cost.seconds),
            train_images: trained_on(&scores),
            out_of_fold: scores.out_of_fold.as_ref().map(|scores| scores.accuracy),
            validation: scores.held_out.as_ref().map(|scores| scores.accuracy),
            data: described.clone(),
            data_sha256: data_sha256.clone(),
            test_images: scores.test.as_ref().map(|test| test.images),
            accuracy: scores.test.as_ref().map(|test| test.accuracy),
            protocol: protocol.clone(),
            reported: config.reported.iter().filter(|result| result.model == scores.name).cloned().collect(),
            seed: config.experiment.seed,
            seeds: None,
            kind: scores.kind,
            model: scores.name,
        }
    };
    Ok(metrics.models.into_iter().map(row).collect())
}

/// The data set in words: where its digits come from, and how many test images, or training images without any, there
/// are.
fn describe(data: &DataRecord) -> String {
    let source = data.source();
    match (&data.test, &data.train) {
        (Some(test), _) => format!("{source}, {} test images", test.images),
        (None, Some(train)) => format!("{source}, {} training images, no test images", train.images),
        (None, None) => source.to_owned(),
    }
}

/// Text that is equal for directories that differ in nothing but their seed.
fn group(artifact: &Artifact) -> Result<String, RunFailure> {
    let config = artifact.config();
    Ok(config.to_toml()?.replacen(&format!("\nseed = {}\n", config.experiment.seed), "\n", 1))
}

/// Size and cost of the fitted models that a row's model asks.
struct Cost {
    models: usize,
    /// None if one of them has no such number.
    parameters: Option<u64>,
    seconds: f64,
}

impl Cost {
    fn of_member(name: &str, models: &[Box<dyn Classifier>], timings: &Timings) -> Self {
        let prefix = format!("models/{name}/");
        Self {
            models: models.len(),
            parameters: models.iter().map(|model| model.parameters()).sum(),
            seconds: timings
                .fits
                .iter()
                .filter(|fit| fit.name.starts_with(&prefix))
                .map(|fit| fit.timing.seconds)
                .sum(),
        }
    }
}
