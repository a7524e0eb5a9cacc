//! `digitstack train`.

use std::path::PathBuf;

use super::{
    UsageError,
    arguments::{Global, TrainArguments},
    evaluate::leaderboard,
    output::Output,
    run::overrides,
};
use crate::{
    nn,
    pipeline::{self, RunConfig, Work},
    progress::Cancel,
    storage::{RunDirectory, RunState},
};

pub(super) fn train(
    arguments: &TrainArguments,
    global: &Global,
    output: &Output,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    let mut config = RunConfig::load(arguments.config.as_deref(), &overrides(global)?)?;
    if let Some(validation) = arguments.validation {
        config.single.validation = validation;
    }
    let Some(member) = config.members.iter().find(|member| member.name() == arguments.model) else {
        let names: Vec<_> = config.members.iter().map(|member| member.name()).collect();
        return Err(UsageError(format!(
            "there is no member `{}` in {}; it has {}",
            arguments.model,
            config.name,
            names.join(", ")
        ))
        .into());
    };
    let default = || PathBuf::from("artifacts").join(format!("{}-{}", config.name, member.name()));
    let folder = arguments.out.clone().unwrap_or_else(default);
    let directory = RunDirectory::open(&folder, arguments.fresh)?;
    if matches!(directory.state(), RunState::Complete) {
        return Err(UsageError(format!("{} is complete already; start over with --fresh", folder.display())).into());
    }
    let device = nn::resolve(&global.device)?;
    output.status(&format!(
        "{}: {}, on {}",
        member.name(),
        member.summary(),
        if member.runs_on_device() { device.description() } else { "the CPU" }
    ));
    let progress = output.progress();
    let work = Work { device: &device, threads: rayon::current_num_threads(), progress: progress.as_ref(), cancel };
    let result = pipeline::train_one(&config, member.as_ref(), arguments.data.data.as_deref(), &directory, &work)?;
    output.json(&result)?;
    for point in &result.history.points {
        let figure = |value: Option<f64>, scale: f64| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{:.4}", scale * value))
        };
        if result.history.unit == "epoch" || point.step % 50 == 0 || point.step as usize == result.history.points.len()
        {
            output.line(format!(
                "{} {:>4}: training loss {}, validation loss {}, validation accuracy {} %",
                result.history.unit,
                point.step,
                figure(point.train_loss, 1.0),
                figure(point.validation_loss, 1.0),
                figure(point.validation_accuracy, 100.0)
            ))?;
        }
    }
    output.line(format!(
        "{:.1} s, {:.0} images/s",
        result.timing.seconds,
        result.timing.images as f64 / result.timing.seconds
    ))?;
    for line in leaderboard(std::slice::from_ref(&result.scores)) {
        output.line(line)?;
    }
    output.line(format!("model: {}", folder.join("model").display()))
}
