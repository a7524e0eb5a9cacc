//! Groups of arguments that several commands share, and parsers of their values.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{failure::UsageError, output::Output};
use crate::{
    data::DataConfig,
    device::DeviceChoice,
    fit::EventFolder,
    imaging::{Centre, DrawingOptions, InkSource},
    storage::OutputFile,
};

/// Most threads that may be asked for. More cannot help, and the system refuses large numbers in its own words.
pub(super) const MAX_THREADS: usize = 1024;
/// Most images in a batch of a benchmark.
pub(super) const MAX_BATCH: usize = 16_384;
/// Most connections of the service benchmark.
pub(super) const MAX_CONNECTIONS: usize = 10_000;

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Device for neural nets: auto (a GPU if one answers, otherwise the CPU), cpu, wgpu[:N], cuda[:N] or ndarray
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub(super) device: DeviceChoice,
    /// Seed of every random draw, in place of the configuration's `seed`
    #[arg(long, global = true, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// CPU threads, at most 1024; no result depends on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = count::<MAX_THREADS>)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Run nets on Burn's own CPU operations: many times slower, for comparisons
    #[arg(long, global = true)]
    pub(super) plain_ops: bool,
    /// Override a field of the configuration, such as data.train=600; repeatable
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_delimiter = '\n')]
    pub(super) set: Vec<String>,
    /// Print the result as JSON, from `predict` and `read` one line for each picture
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print every epoch as a line on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Print results and errors only, no progress
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// Folder of digits.
#[derive(Args, Clone, Debug)]
pub(super) struct DataDirectory {
    /// Digits in place of the configuration's: a folder of MNIST's files, of train.csv and test.csv, or of a folder of
    /// pictures for each class; or a CSV file
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataDirectory {
    pub(super) fn path(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

/// Folder of digits to train on, and how strictly it is read.
#[derive(Args, Clone, Debug)]
pub(super) struct TrainingData {
    #[command(flatten)]
    directory: DataDirectory,
    /// Stop at the first picture of a folder that gives no digit, in place of passing over a few of them
    #[arg(long)]
    strict: bool,
}

impl TrainingData {
    pub(super) fn path(&self) -> Option<&Path> {
        self.directory.path()
    }

    /// Puts these options into a configuration, by `use_folder`, and says to `output` what is left out of it.
    pub(super) fn apply<C>(
        &self,
        config: &mut C,
        data: impl FnOnce(&mut C) -> &mut DataConfig,
        use_folder: impl FnOnce(&mut C, &Path) -> Vec<String>,
        output: Option<&Output>,
    ) {
        if let Some(folder) = self.path() {
            let left_out = use_folder(config, folder);
            if let Some(output) = output.filter(|_| !left_out.is_empty()) {
                output.status(&format!(
                    "not applied, since they are for other digits than those of --data: {}",
                    left_out.join(", ")
                ));
            }
        }
        data(config).strict = self.strict;
    }
}

/// Curves of the fits for other programs.
#[derive(Args, Clone, Debug)]
pub(super) struct Curves {
    /// Write the curves of each fit as TensorBoard event files into this folder, while they are fitted: tensorboard
    /// --logdir DIR shows them
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
}

impl Curves {
    /// The folder of event files, created if it is missing; none if none was asked for.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(super) fn events(&self) -> Result<Option<EventFolder>, UsageError> {
        let open = |folder: &PathBuf| {
            let error = |error| UsageError(format!("--tensorboard {}: {error}", folder.display()));
            EventFolder::open(folder).map_err(error)
        };
        self.tensorboard.as_ref().map(open).transpose()
    }
}

/// Data set of a configuration.
#[derive(Args, Debug)]
pub(super) struct DataSet {
    /// TOML file whose data and preprocessing to use [default: the quickstart's built-in digits]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: TrainingData,
}

/// How a picture becomes a 28×28 image.
#[derive(Args, Clone, Debug)]
pub(super) struct Drawing {
    /// Point at the centre of the 28×28 image: the ink's centre of mass, as in MNIST, or the middle of its bounding box
    /// [default: mass]
    #[arg(long, value_name = "POINT")]
    centre: Option<CentreArgument>,
    /// Source of the ink: found from the picture (auto), opaque pixels on a transparent background (alpha), dark pixels
    /// on a light background or light ones on a dark background [default: auto]
    #[arg(long, value_name = "INK")]
    ink: Option<InkArgument>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CentreArgument {
    Mass,
    Box,
}

/// Source of the ink.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum InkArgument {
    Auto,
    Alpha,
    Dark,
    Light,
}

impl InkArgument {
    /// The source as the library takes it.
    pub(super) fn source(self) -> InkSource {
        match self {
            Self::Auto => InkSource::Auto,
            Self::Alpha => InkSource::Alpha,
            Self::Dark => InkSource::Dark,
            Self::Light => InkSource::Light,
        }
    }
}

impl Drawing {
    /// True if one of the options was given.
    pub(super) fn is_given(&self) -> bool {
        self.centre.is_some() || self.ink.is_some()
    }

    /// The options as the library takes them.
    pub(super) fn options(&self) -> DrawingOptions {
        let centre = match self.centre {
            None | Some(CentreArgument::Mass) => Centre::Mass,
            Some(CentreArgument::Box) => Centre::Box,
        };
        let ink = self.ink.map_or(InkSource::Auto, InkArgument::source);
        DrawingOptions { centre, ink, ..DrawingOptions::default() }
    }
}

/// Parses a count from 1 to `MAX`.
pub(super) fn count<const MAX: usize>(text: &str) -> Result<NonZeroUsize, String> {
    let parsed = text.parse::<NonZeroUsize>().ok().filter(|count| count.get() <= MAX);
    parsed.ok_or_else(|| format!("expected a whole number from 1 to {MAX}"))
}

/// Checks a file to write before any work: whether it may be written, and that it is none of the inputs.
pub(super) fn output_file<'a>(
    option: &str,
    path: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
    force: bool,
) -> Result<OutputFile, UsageError> {
    // Compared as files, not as names: writing would destroy the input before it is read to its end.
    let is_same = |input: &&Path| same_file::is_same_file(input, path).unwrap_or(false);
    if let Some(input) = inputs.into_iter().find(is_same) {
        let (path, input) = (path.display(), input.display());
        return Err(UsageError(format!("{option} {path}: is also an input, named {input}")));
    }
    OutputFile::check(path, force).map_err(|error| UsageError(format!("{option}: {error}")))
}

/// Parses a share from 0 to 1.
pub(super) fn share(text: &str) -> Result<f32, String> {
    let parsed = text.parse::<f32>().ok().filter(|share| (0.0..=1.0).contains(share));
    parsed.ok_or_else(|| "expected a number from 0 to 1, such as 0.95".to_owned())
}

/// Parses seconds of a measurement or a timeout: above 0, at most an hour.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 3600.0);
    parsed.ok_or_else(|| "expected seconds above 0 and at most 3600".to_owned())
}
