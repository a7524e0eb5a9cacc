//! `digitstack data split`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::super::{failure::UsageError, options::DataSet, session::Session};
use crate::{
    data::{
        CLASSES, Digits, HeldOut, SourceKind,
        tables::{self, Tables},
    },
    preprocessing,
    seed::Seed,
};

const HELP: &str = "\
train.csv (label,pixel0…pixel783) is drawn from the training part of the data, test.csv (pixel0…pixel783) from all \
that is left; no digit is drawn twice. Both keep the proportion of each class and are in random order; --seed draws \
others. test-labels.csv (ImageId,Label) holds the labels of test.csv: where it lies beside it, finished models are \
scored on test.csv. split.json records size and SHA-256 of the three files: what an interrupted split left is refused \
as data until the same command is run again. The default sizes are those of Kaggle's files: 42,000 and 28,000 of \
MNIST's 70,000 digits.

Examples:
  digitstack data split kaggle configs/mnist-cpu.toml     MNIST, downloaded if missing
  digitstack data split kaggle --data ~/mnist --seed 7    MNIST from a folder, other digits
  digitstack data split tiny --train 600 --test 400       built-in digits
  digitstack run configs/mnist-cpu.toml --set data.source=folder --data kaggle --out artifacts/csv
  digitstack predict artifacts/csv --csv kaggle/test.csv --out submission.csv";

/// Draw train.csv, test.csv and test-labels.csv from a data set, in the format of Kaggle's Digit Recognizer
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct SplitArguments {
    /// Folder to write to
    out: PathBuf,
    #[command(flatten)]
    set: DataSet,
    /// Number of digits in train.csv, drawn from the training part of the data
    #[arg(long, value_name = "N", default_value = "42000")]
    train: NonZeroUsize,
    /// Number of digits in test.csv, drawn from the rest of the training part and from the test part
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
    files: [String; 3],
    train: [usize; CLASSES],
    test: [usize; CLASSES],
}

impl SplitArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let folder = &self.out;
        tables::check_folder(folder, self.force)?;
        let mut config = session.run_config_on(self.set.config.as_deref(), &self.set.data)?;
        let data = self.set.data.path();
        if data.or(config.experiment.data.path.as_deref()).is_some_and(|source| is_same_folder(source, folder)) {
            return Err(UsageError(format!(
                "{} is the folder that the digits are read from; name another one",
                folder.display()
            ))
            .into());
        }
        let sizes = [self.train.get(), self.test.get()];
        // As many built-in digits are generated as are wanted. Files are drawn from as a whole: the limits of a
        // configuration are for its own fits.
        let is_builtin = config.experiment.data.source == SourceKind::Builtin && data.is_none();
        (config.experiment.data.train, config.experiment.data.test) =
            if is_builtin { (Some(sizes[0]), Some(HeldOut::Count(sizes[1]))) } else { (None, None) };
        let progress = output.progress();
        let source = preprocessing::open_data(&config.experiment.data, data)?;
        let (train, test) = (source.train(progress.as_ref())?, source.test(progress.as_ref())?);
        let none = Digits::default();
        let seed = Seed(config.experiment.seed).derive("tables");
        let tables = Tables::draw([&train, test.as_ref().unwrap_or(&none)], sizes, seed)?;
        let written = tables.write(folder, self.force, progress.as_ref(), &cancel)?;
        let files = written.map(|file| file.display().to_string());
        let [train, test] = tables.class_counts();
        output.json(&Written {
            source: source.describe(),
            seed: config.experiment.seed,
            files: files.clone(),
            train,
            test,
        })?;
        output.line(format!("from {}, by seed {}:", source.describe(), config.experiment.seed))?;
        let contents = ["digits with labels", "digits without labels", "labels of these"];
        for ((file, counts), content) in files.iter().zip([train, test, test]).zip(contents) {
            output.line(format!("{file}: {} {content}", counts.iter().sum::<usize>()))?;
        }
        Ok(())
    }
}

fn is_same_folder(source: &Path, out: &Path) -> bool {
    matches!((source.canonicalize(), out.canonicalize()), (Ok(source), Ok(out)) if source == out)
}
