//! `digitstack data split`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use serde::Serialize;

use super::{
    UsageError,
    arguments::{DataArguments, Global},
    output::Output,
    run::overrides,
};
use crate::{
    data::{
        CLASSES, Digits, SourceKind,
        tables::{NAMES, Tables},
    },
    pipeline::{self, RunConfig},
    progress::Cancel,
    seed::Seed,
};

#[derive(Args, Debug)]
pub(super) struct SplitArguments {
    /// The folder to write to
    out: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Digits in train.csv, drawn from the training part of the data
    #[arg(long, value_name = "N", default_value = "42000")]
    train: NonZeroUsize,
    /// Digits in test.csv, drawn from all that is left: the rest of the training part, and the test part
    #[arg(long, value_name = "N", default_value = "28000")]
    test: NonZeroUsize,
    /// Replace files of these names
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Written {
    source: String,
    seed: u64,
    files: [PathBuf; 3],
    train: [usize; CLASSES],
    test: [usize; CLASSES],
}

pub(super) fn split(
    arguments: &SplitArguments,
    global: &Global,
    output: &Output,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    let folder = &arguments.out;
    if let Some(there) =
        NAMES.iter().map(|name| folder.join(name)).find(|path| !arguments.force && path.symlink_metadata().is_ok())
    {
        return Err(UsageError(format!(
            "{} is there already; replace it with --force, or name another folder",
            there.display()
        ))
        .into());
    }
    let mut config = RunConfig::load(arguments.data.config.as_deref(), &overrides(global)?)?;
    let data = arguments.data.data.data.as_deref();
    if let Some(read) = data.or(config.data.path.as_deref())
        && matches!((read.canonicalize(), folder.canonicalize()), (Ok(read), Ok(out)) if read == out)
    {
        return Err(UsageError(format!(
            "{} is the folder that the digits are read from; name another one",
            folder.display()
        ))
        .into());
    }
    let sizes = [arguments.train.get(), arguments.test.get()];
    // Built-in digits are as many as are wanted. Of files, all are drawn from: the limits of a configuration are for
    // its own fits.
    let is_builtin = config.data.source == SourceKind::Builtin && data.is_none();
    (config.data.train, config.data.test) = if is_builtin { (Some(sizes[0]), Some(sizes[1])) } else { (None, None) };
    let progress = output.progress();
    let source = pipeline::open_data(&config.data, data)?;
    let (train, test) = (source.train(progress.as_ref())?, source.test(progress.as_ref())?);
    let none = Digits::default();
    let tables = Tables::draw([&train, test.as_ref().unwrap_or(&none)], sizes, Seed(config.seed).derive("tables"))?;
    let files = tables.write(folder, progress.as_ref(), cancel)?;
    let [train, test] = tables.class_counts();
    output.json(&Written { source: source.describe(), seed: config.seed, files: files.clone(), train, test })?;
    output.line(format!("from {}, by seed {}:", source.describe(), config.seed))?;
    for ((file, counts), what) in
        files.iter().zip([train, test, test]).zip(["digits with labels", "digits without", "labels of these"])
    {
        output.line(format!("{}: {} {what}", file.display(), counts.iter().sum::<usize>()))?;
    }
    Ok(())
}
