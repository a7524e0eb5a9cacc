//! What a run leaves when everything is fitted: metrics, timings, environment, report, manifest.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    RunConfig, RunFailure, Work,
    fits::FitResult,
    kind::{self, Kind},
    report_input::{self, Picked},
};
use crate::{
    data::{Digits, Probabilities},
    evaluation::{self, Comparison, ModelKind, ModelScores, Scores},
    fit::FitTiming,
    learners::Classifier,
    report::{self, ReportInput, ReportOptions},
    stacking::{Metafeatures, Stack},
    storage::{self, Environment, RunDirectory},
};

/// The scores of every model.
pub(super) const METRICS: &str = "metrics.json";
/// Times; differ from run to run.
pub(super) const TIMINGS: &str = "timings.json";
/// Versions and machine; differ from run to run.
pub(super) const ENVIRONMENT: &str = "environment.json";
/// What the report shows beside the scores: pictures of mistakes, examples, filters.
pub(super) const PICTURES: &str = "pictures.json";

/// Where a meta-model is kept.
pub(super) fn stack_file(name: &str) -> String {
    format!("models/{name}.json")
}

/// `metrics.json`: holds no times, so that equal runs have equal bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Metrics {
    /// The model to believe: the name of the first meta-model.
    pub stack: String,
    /// Members, then meta-models.
    pub models: Vec<ModelScores>,
    /// The stack against the member that is best by its out-of-fold accuracy, on the test images.
    pub stack_against_best_member: Option<BestMember>,
}

/// A comparison on the same test images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BestMember {
    /// Which member.
    pub member: String,
    /// Stack first, member second.
    pub comparison: Comparison,
    /// True if the stack is worse and the interval of the difference does not reach 0.
    pub stack_is_worse: bool,
}

/// How long a stage of a run took in the process that finished it; fits that an earlier process did count nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTiming {
    /// The stage.
    pub name: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Images that went through it, each time counted.
    pub images: u64,
}

/// `timings.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Timings {
    /// Wall time of the process that finished the run.
    pub(super) seconds: f64,
    pub(super) stages: Vec<StageTiming>,
    pub(super) fits: Vec<NamedTiming>,
}

/// One fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NamedTiming {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) timing: FitTiming,
}

/// Everything that the evaluation looks at.
pub(super) struct Evidence<'a> {
    /// All training images, prepared.
    pub(super) digits: &'a Digits,
    /// Those that the train column is measured on.
    pub(super) sample: &'a Digits,
    pub(super) test: Option<&'a Digits>,
    /// Out-of-fold, by member.
    pub(super) members: Vec<Probabilities>,
    /// Cross-fitted out-of-fold, by meta-model.
    pub(super) stacked: Vec<Probabilities>,
    /// On the sample, by member.
    pub(super) train: Vec<Probabilities>,
    /// On the test images, by member.
    pub(super) test_predictions: Option<Vec<Probabilities>>,
    pub(super) stacks: Vec<Stack>,
    pub(super) models: &'a [Vec<Box<dyn Classifier>>],
}

/// Scores every model; writes `metrics.json` and the pictures of the report.
pub(super) fn evaluate(
    config: &RunConfig,
    evidence: &Evidence,
    directory: &RunDirectory,
) -> Result<Metrics, RunFailure> {
    let scored = |rows: &Probabilities, digits: &Digits| evaluation::score(rows, &digits.labels);
    let on_test = |rows: Option<&Probabilities>| -> Result<Option<Scores>, RunFailure> {
        Ok(rows.zip(evidence.test).map(|(rows, test)| scored(rows, test)).transpose()?)
    };
    let mut models = Vec::new();
    for (place, member) in config.members.iter().enumerate() {
        models.push(ModelScores {
            name: member.name().to_owned(),
            kind: ModelKind::Member,
            train: Some(scored(&evidence.train[place], evidence.sample)?),
            out_of_fold: Some(scored(&evidence.members[place], evidence.digits)?),
            test: on_test(evidence.test_predictions.as_ref().map(|rows| &rows[place]))?,
        });
    }
    let stacked = |members: &Vec<Probabilities>| -> Result<Vec<Probabilities>, RunFailure> {
        let features = Metafeatures::new(members, config.stacking.features)?;
        Ok(evidence.stacks.iter().map(|stack| stack.predict_proba(&features)).collect::<Result<_, _>>()?)
    };
    let train = stacked(&evidence.train)?;
    let test = evidence.test_predictions.as_ref().map(stacked).transpose()?;
    for (place, meta) in config.stacking.meta.iter().enumerate() {
        models.push(ModelScores {
            name: meta.name().to_owned(),
            kind: meta.kind(),
            train: Some(scored(&train[place], evidence.sample)?),
            out_of_fold: Some(scored(&evidence.stacked[place], evidence.digits)?),
            test: on_test(test.as_ref().map(|rows| &rows[place]))?,
        });
    }
    let metrics = Metrics {
        stack: config.stacking.meta[0].name().to_owned(),
        stack_against_best_member: best_member(config, evidence, &models, test.as_ref().map(|rows| &rows[0]))?,
        models,
    };
    let pictures = report_input::pictures(&picked(config, evidence, test.as_ref().map(|rows| &rows[0])))?;
    directory.write_json(METRICS, &metrics)?;
    directory.write_json(PICTURES, &pictures)?;
    Ok(metrics)
}

/// The stack's mistakes on the test images; out of fold, if there is no test set.
fn picked<'a>(config: &'a RunConfig, evidence: &'a Evidence, stack_on_test: Option<&'a Probabilities>) -> Picked<'a> {
    let (digits, stack, members) = match (evidence.test, stack_on_test, &evidence.test_predictions) {
        (Some(test), Some(stack), Some(members)) => (test, stack, members),
        _ => (evidence.digits, &evidence.stacked[0], &evidence.members),
    };
    let names = || config.members.iter().map(|member| member.name());
    Picked {
        train: evidence.digits,
        test_images: evidence.test.map(Digits::len),
        judged: (digits, stack),
        members: names().zip(members).collect(),
        models: names()
            .zip(evidence.models)
            .filter_map(|(name, models)| Some((name, models.first()?.as_ref())))
            .collect(),
    }
}

/// Compares the stack with the member that is best out of fold (not on the test images: that would be choosing by
/// them).
fn best_member(
    config: &RunConfig,
    evidence: &Evidence,
    models: &[ModelScores],
    stack: Option<&Probabilities>,
) -> Result<Option<BestMember>, RunFailure> {
    let (Some(stack), Some(rows), Some(test)) = (stack, &evidence.test_predictions, evidence.test) else {
        return Ok(None);
    };
    let accuracy = |place: &usize| models[*place].out_of_fold.as_ref().map_or(0.0, |scores| scores.accuracy.value);
    let Some(best) = (0..config.members.len()).max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)).then(b.cmp(a))) else {
        return Ok(None);
    };
    let comparison = evaluation::compare(stack, &rows[best], &test.labels)?;
    let stack_is_worse = comparison.first_is_worse();
    Ok(Some(BestMember { member: config.members[best].name().to_owned(), comparison, stack_is_worse }))
}

/// Writes what is left, the manifest last.
pub(super) fn conclude(
    config: &RunConfig,
    fitted: &[FitResult],
    stages: Vec<StageTiming>,
    seconds: Duration,
    directory: &RunDirectory,
    work: &Work,
) -> Result<(), RunFailure> {
    let fits = fitted
        .iter()
        .map(|result| NamedTiming { name: result.fit.part(config), timing: result.timing.clone() })
        .collect();
    directory.write_json(TIMINGS, &Timings { seconds: seconds.as_secs_f64(), stages, fits })?;
    write_environment(directory, work)?;
    write_report(config, directory, report_input::read, ReportOptions::default())?;
    directory.complete()?;
    Ok(())
}

/// Writes down the machine and the program.
pub(super) fn write_environment(directory: &RunDirectory, work: &Work) -> Result<(), RunFailure> {
    let environment = Environment::collect(work.device.description(), storage::command_line());
    Ok(directory.write_json(ENVIRONMENT, &environment)?)
}

/// Gathers what a report shows from the files of a directory with this configuration and reproducible hash.
pub(super) type ReadInput = fn(&RunConfig, &Path, String) -> Result<ReportInput, RunFailure>;

/// Draws the report of a run, or of a model that was trained alone, from its files.
pub(super) fn write_report(
    config: &RunConfig,
    directory: &RunDirectory,
    read: ReadInput,
    options: ReportOptions,
) -> Result<PathBuf, RunFailure> {
    let hash = directory.inventory()?.reproducible_hash();
    Ok(report::render(&read(config, directory.path(), hash)?, &options)?.write(directory)?)
}

/// Draws the report of a complete run, or of a model that was trained alone, again.
pub fn draw_report(run: &Path, options: ReportOptions) -> Result<PathBuf, RunFailure> {
    // A damaged report is what this mends.
    let manifest = storage::verify_without_derived(run)?;
    let read = match kind::of(&manifest) {
        Kind::Single | Kind::UnnamedSingle => report_input::read_single,
        Kind::Run | Kind::Other => {
            kind::expect_run(run, &manifest)?;
            report_input::read
        }
    };
    let directory = RunDirectory::open(run, false)?;
    let config = RunConfig::load(Some(&run.join(super::run::CONFIG)), &[])?;
    write_report(&config, &directory, read, options)
}
