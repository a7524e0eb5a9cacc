//! `digitstack train`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{
    failure::UsageError,
    options::{Curves, TrainingData},
    score_table::{findings, next_steps, score_table, source_table},
    session::Session,
};
use crate::{
    artifact::Artifact,
    data::HeldOut,
    evaluation::ModelScores,
    fit::{FitTiming, History},
    storage::RunDirectory,
    training::{self, Inputs},
};

const HELP: &str = "\
The directory holds a single model: `predict`, `evaluate`, `export` and `leaderboard` take it like a run. After a crash \
or Ctrl-C the same command continues; on a complete directory it verifies the files and prints the result again. A \
directory with other settings or other data is an error that names each difference (exit code 2).

Examples:
  digitstack train cnn                       the quickstart's CNN on built-in digits
  digitstack train booster configs/mnist-cpu.toml --data ~/mnist
  digitstack train cnn --set members.cnn.network.filters=32
  digitstack train cnn --validation 1000     hold out 1000 digits instead of a tenth of them
  digitstack train svm configs/families/kaggle.toml --data ~/kaggle    a support-vector machine
  digitstack leaderboard                     every run and every single model in one table

Kinds of members: dense, cnn, booster, logistic (`[members.logistic]`: c, max_iterations, tolerance), svm \
(`[members.svm]`: c, gamma, tolerance, calibration_folds, cache_mib) and knn (`[members.knn]`: k, weights). An \
interrupted fit of the last three starts over. Every kind takes `prepare`, preprocessing steps for the images of this \
member only, and every kind but knn `augment`.";

/// Train one model of a configuration without the stack, scored on held-out digits
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct TrainArguments {
    /// Name of a member of the configuration; the quickstart has dense, cnn and booster
    model: String,
    /// TOML file [default: the built-in quickstart]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: TrainingData,
    /// Directory to write [default: artifacts/<name of the configuration>-<MODEL>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Training digits to hold out for validation: a fraction below 1 or a number of digits [default: the
    /// configuration's `single.validation`, 0.1]
    #[arg(long, value_name = "FRACTION|COUNT")]
    validation: Option<HeldOut>,
    /// Start over: delete what an earlier fit left in the directory
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    curves: Curves,
}

/// Result of a training as JSON.
#[derive(Serialize)]
struct Training<'a> {
    scores: &'a ModelScores,
    history: &'a History,
    timing: &'a FitTiming,
}

impl TrainArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let mut config = session.run_config_on(self.config.as_deref(), &self.data)?;
        if let Some(validation) = self.validation {
            config.hold_out.validation = validation;
        }
        let Some(member) = config.experiment.members.iter().find(|member| member.name() == self.model) else {
            let (model, available) = (&self.model, config.experiment.member_names().join(", "));
            return Err(UsageError(format!(
                "unknown member `{model}` of {}; available: {available}",
                config.experiment.name
            ))
            .into());
        };
        let default = || Path::new("artifacts").join(format!("{}-{}", config.experiment.name, member.name()));
        let folder = self.out.clone().unwrap_or_else(default);
        let events = self.curves.events()?;
        let directory = RunDirectory::open(&folder, self.fresh)?;
        session.report_state(&directory);
        let resources = session.resources(cancel)?;
        let device = if member.runs_on_device() { resources.device.description() } else { "the CPU" };
        output.status(&format!("{}: {}, on {device}", member.name(), member.summary()));
        let inputs = Inputs::read(&config.experiment.data, self.data.path(), resources.progress.as_ref())?;
        let metrics = training::train_member(
            &config,
            member.name(),
            &inputs,
            &directory,
            &resources.context().recorded(events.as_ref()),
        )?;
        let artifact = Artifact::open(&folder)?;
        let (fit, timings) = (artifact.fits()[0], artifact.timings()?);
        let (scores, history, timing) = (&metrics.models[0], artifact.history(fit)?, &timings.fits[0].timing);
        output.json(&Training { scores, history: &history, timing })?;
        output.lines(history_lines(&history))?;
        let rate = timing.images as f64 / timing.seconds;
        output.line(format!("{:.1} s, {rate:.0} images/s", timing.seconds))?;
        output.lines(score_table(&metrics.models))?;
        output.lines(source_table(&metrics.sources))?;
        output.lines(findings(&metrics, &folder))?;
        output.line(format!("model: {}", artifact.path_of(fit).display()))?;
        output.lines(next_steps(&folder))
    }
}

/// Every epoch, or every 50th tree or iteration and the last one.
fn history_lines(history: &History) -> impl Iterator<Item = String> {
    let figure =
        |value: Option<f64>, scale: f64| value.map_or_else(|| "–".to_owned(), |value| format!("{:.4}", scale * value));
    let is_shown =
        |step: u32| history.unit == "epoch" || step.is_multiple_of(50) || step as usize == history.points.len();
    history.points.iter().filter(move |point| is_shown(point.step)).map(move |point| {
        format!(
            "{} {:>4}: training loss {}, validation loss {}, validation accuracy {} %",
            history.unit,
            point.step,
            figure(point.train_loss, 1.0),
            figure(point.validation_loss, 1.0),
            figure(point.validation_accuracy, 100.0)
        )
    })
}
