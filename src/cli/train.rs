//! `digitstack train`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{failure::UsageError, options::DataDirectory, score_table::score_table, session::Session};
use crate::{
    data::HeldOut,
    fit::History,
    pipeline,
    storage::{RunDirectory, RunState},
};

const HELP: &str = "\
The directory holds a single model: `predict`, `evaluate`, `export` and `leaderboard` take it like a run.

Examples:
  digitstack train cnn                       the quickstart's CNN on built-in digits
  digitstack train booster configs/mnist-cpu.toml --data ~/mnist
  digitstack train cnn --set members.cnn.network.filters=32
  digitstack train cnn --validation 1000     hold out 1000 digits instead of a tenth of them
  digitstack train svm configs/families/kaggle.toml --data ~/kaggle    a support-vector machine
  digitstack leaderboard                     every run and every single model in one table

Kinds of members: dense, cnn, booster, logistic (`[members.logistic]`: c, max_iterations, tolerance) and svm \
(`[members.svm]`: c, gamma, tolerance, calibration_folds, cache_mib). An interrupted fit of the last two starts over. \
Every kind takes `augment`, and `prepare`: preprocessing steps for the images of this member only.";

/// Train one member of a configuration without the stack, scored on a validation part that is held out
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct TrainArguments {
    /// Name of a member of the configuration; the quickstart has dense, cnn and booster
    model: String,
    /// TOML file [default: the built-in quickstart]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataDirectory,
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
}

impl TrainArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let mut config = session.run_config(self.config.as_deref())?;
        if let Some(validation) = self.validation {
            config.single.validation = validation;
        }
        let Some(member) = config.members.iter().find(|member| member.name() == self.model) else {
            let (model, available) = (&self.model, config.member_names().join(", "));
            return Err(
                UsageError(format!("unknown member `{model}` of {}; available: {available}", config.name)).into()
            );
        };
        let default = || Path::new("artifacts").join(format!("{}-{}", config.name, member.name()));
        let folder = self.out.clone().unwrap_or_else(default);
        let directory = RunDirectory::open(&folder, self.fresh)?;
        if matches!(directory.state(), RunState::Complete) {
            return Err(UsageError(format!("{} is complete already; start over with --fresh", folder.display())).into());
        }
        let resources = session.resources(cancel)?;
        let device = if member.runs_on_device() { resources.device.description() } else { "the CPU" };
        output.status(&format!("{}: {}, on {device}", member.name(), member.summary()));
        let data = self.data.path();
        let result = pipeline::train_one(&config, member.as_ref(), data, &directory, &resources.context())?;
        output.json(&result)?;
        output.lines(history_lines(&result.history))?;
        let rate = result.timing.images as f64 / result.timing.seconds;
        output.line(format!("{:.1} s, {rate:.0} images/s", result.timing.seconds))?;
        output.lines(score_table(std::slice::from_ref(&result.scores)))?;
        output.line(format!("model: {}", folder.join("model").display()))
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
