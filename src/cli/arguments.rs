//! What can be typed.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::{
    check::CheckCommand,
    data_split::SplitArguments,
    export::{self, ExportArguments},
    import::{self, ImportArguments},
    leaderboard::LeaderboardArguments,
    predict_table::TableArguments,
};
use crate::{
    data::HeldOut,
    imaging::{Centre, DrawingOptions, InkSource},
    nn::DeviceChoice,
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "digitstack",
    version,
    about = "Trains, searches, stacks and serves handwritten-digit classifiers: a dense net, a CNN and LightGBM, combined by a logistic regression",
    after_help = "\
Examples:
  digitstack run                                          the full stack on the built-in digits, in about a minute
  digitstack run configs/mnist-cpu.toml                   the real MNIST (downloaded and verified when it is not there)
  digitstack run configs/mnist-cpu.toml --data ~/mnist    the same with the files of a folder
  digitstack predict artifacts/quickstart photo.png       what digit is this?
  digitstack serve                                        draw a digit in the browser
  digitstack tune                                         search for better settings, stage by stage
  digitstack devices                                      which GPU or CPU would be used

`digitstack <COMMAND> --help` says more about each command."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Global {
    /// Where nets run: auto (a real GPU if one answers, otherwise the CPU), cpu, wgpu[:N], cuda[:N] or ndarray
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub(super) device: DeviceChoice,
    /// The run's seed; overrides the configuration's
    #[arg(long, global = true, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// CPU threads to use; results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,
    /// Compose nets of Burn's own operations on the CPU too, as on a GPU: many times slower, for comparisons
    #[arg(long, global = true)]
    pub(super) plain_ops: bool,
    /// Override any field of the configuration, as often as needed: --set members.cnn.training.epochs=3
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Print the result as JSON on standard output, for scripts
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say more (each epoch as a line)
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Say only results and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the whole pipeline: data, folds, members, stack, evaluation, report
    #[command(after_help = "\
The run directory (artifacts/<name> unless --out says otherwise) is always either complete or resumable: after a crash or Ctrl-C the same
command goes on from the last finished fold or epoch. A complete run is not repeated unless --fresh is given.

Examples:
  digitstack run                                                     the built-in quickstart
  digitstack run configs/mnist-cpu.toml --data ~/mnist
  digitstack run --set members.cnn.training.epochs=1 --out /tmp/try  a quicker quickstart
  digitstack run configs/reference.toml --device wgpu                the reference settings, on a GPU")]
    Run(RunArguments),
    /// Search for hyperparameters, stage by stage, on validation images alone; write the best configuration and a page
    /// of plots
    #[command(after_help = "\
A search is a TOML file: members, and stages that each tune a few of their settings. Every trial is on the disk when it ends, in a log that
Optuna's tools open: after a crash or Ctrl-C the same command goes on, repeats no finished trial and comes to the same picks. The test images
are never opened.

Examples:
  digitstack tune                                                 every stage of the reference, small, on the built-in digits
  digitstack tune configs/tuning/reference.toml --data ~/mnist
  digitstack tune --status                                        how far it is, while it runs or afterwards
  digitstack tune --export csv > trials.csv
  digitstack run artifacts/tune-quick/best.toml                   train with what was found")]
    Tune(TuneArguments),
    /// Train one member of a configuration by itself, with a validation part held out
    #[command(after_help = "\
The directory is then a single model: `predict` and `evaluate` take it as they take a run.

Examples:
  digitstack train cnn                                     the quickstart's CNN on the built-in digits
  digitstack train booster configs/mnist-cpu.toml --data ~/mnist
  digitstack train cnn --set members.cnn.network.filters=32
  digitstack train cnn --validation 1000                   1000 digits held out instead of a tenth of them
  digitstack train svm my.toml --data ~/mnist              my.toml has a `[[members]]` table with name = \"svm\", kind = \"svm\"
  digitstack leaderboard                                   every run and every such model in one table

Kinds of members are dense, cnn, booster, logistic (`[members.logistic]` c, max_iterations, tolerance) and svm (`[members.svm]` c, gamma,
tolerance, calibration_folds, cache_mib). The last two leave no checkpoint: an interrupted fit starts over. Each kind takes `augment`, and
`prepare`, steps that this member alone sees its images through.")]
    Train(TrainArguments),
    /// Verify a finished run or a single model and score it again, on its own or on other data
    #[command(after_help = "\
Examples:
  digitstack evaluate artifacts/quickstart
  digitstack evaluate artifacts/quickstart-cnn              a single model, which `digitstack train cnn` left
  digitstack evaluate artifacts/quickstart --data ~/mnist   how a stack trained on built-in digits reads real ones
  digitstack evaluate artifacts/quickstart --drawn          how the drawing page would fare")]
    Evaluate(EvaluateArguments),
    /// Recognise the digit in each picture (PNG or JPEG of any size, ink of any colour), or in each row of a CSV file
    #[command(after_help = "\
A run answers with its stack: its confidence is calibrated, and it says when a picture does not look like a digit. A single model, which \
`digitstack train` leaves, answers with its own probability as it is, and refuses nothing.

--csv reads one digit a row, as Kaggle's Digit Recognizer has them: 784 pixels, or a label and 784 pixels, with or without a header. It writes \
ImageId,Label with ids from 1, and with --probabilities p0 to p9 behind them. Rows are read, answered and written in batches, so that a file of any \
length takes the same memory. When something goes wrong in the middle (a row that is no digit is named with its line; Ctrl-C), all rows before it \
stay in the output, the error says how many, and the exit code is 1. With labels in the file, or by --answers, the accuracy is printed too.

Examples:
  digitstack predict artifacts/quickstart photo.png
  digitstack predict artifacts/mnist-cpu *.png --json
  digitstack predict artifacts/quickstart-cnn photo.png                            a single model
  digitstack predict artifacts/mnist-cpu --csv test.csv --out submission.csv       a file for Kaggle
  digitstack predict artifacts/mnist-cpu --csv test.csv.gz --out - --probabilities | head
  digitstack predict artifacts/mnist-cpu --csv test.csv --out cnn.csv --model cnn  one member of the stack
  digitstack predict artifacts/mnist-cpu --csv test.csv --out out.csv --answers test-labels.csv")]
    Predict(PredictArguments),
    /// Write one model as a file for other programs: safetensors, ONNX, LightGBM's text or JSON
    #[command(after_help = export::HELP)]
    Export(ExportArguments),
    /// Bring a net that was trained elsewhere, from a safetensors file
    #[command(after_help = import::HELP)]
    Import(ImportArguments),
    /// Open a page on this machine where one draws a digit, and an API that other programs can ask
    #[command(after_help = "\
The page is at http://127.0.0.1:8028/ unless --host or --port say otherwise. Programs ask POST /api/predict (a PNG or JPEG picture, or JSON), or
/v2/models/NAME/infer (the open inference protocol, for batches); /api/openapi.json describes every route, /metrics counts them.
Each request is a line of JSON on standard error. SIGTERM or Ctrl-C lets requests under way end.

Examples:
  digitstack serve                                        the newest complete run in artifacts/
  digitstack serve artifacts/mnist-cpu --port 0           on a free port, which is printed
  curl --data-binary @digit.png -H 'Content-Type: image/png' http://127.0.0.1:8028/api/predict")]
    Serve(ServeArguments),
    /// Draw a finished run's report again
    Report(ReportArguments),
    /// Fetch, describe or show a data set
    #[command(subcommand)]
    Data(DataCommand),
    /// List the devices found and the one that `auto` picks
    #[command(after_help = "\
On a device that is not a CPU the training and validation images of a net lie in the device's memory. Of a member's `augment` the device \
computes `affine`, `elastic`, and `affine` with `elastic` right behind it, the preset `light` among them, from random numbers that the CPU draws. \
Any other list of steps, such as the preset `strong`, is computed by the CPU, which then sends the pixels of every batch.")]
    Devices,
    /// Measure the speed of one part on this machine
    #[command(after_help = "\
Examples:
  digitstack bench cnn --batch 128 --json
  digitstack bench booster --data ~/mnist
  digitstack bench booster --data ~/mnist --images 60000 --folds 4
  digitstack bench service 127.0.0.1:8028 --connections 64 --seconds 30")]
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Check that nets can learn and that gradients are right
    #[command(subcommand)]
    Check(CheckCommand),
    /// Compare every finished run and single model: one table, and one figure
    #[command(after_help = "\
A row is a model of a run (its members, ensembles and stack) or the one model of `digitstack train`. Directories that are not finished or not as
their manifest says are skipped, with the reason. Runs of one configuration that differ in the seed alone have a row more: the mean of their
test accuracies ± the standard deviation. What others report comes from the configuration's `[[reported]]` tables:

  [[reported]]
  model = \"cnn\"
  system = \"an eight-layer Keras net\"
  accuracy = 0.9925
  protocol = \"official test set, one run\"

Examples:
  digitstack leaderboard                                     every run in artifacts/
  digitstack leaderboard artifacts/mnist-* --out board.svg
  digitstack leaderboard --sort parameters --json
  for seed in 1 2 3; do digitstack run --seed $seed --out artifacts/quick-$seed; done; digitstack leaderboard")]
    Leaderboard(LeaderboardArguments),
    /// Print a completion script: digitstack completions bash > /etc/bash_completion.d/digitstack
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// A TOML file such as configs/mnist-cpu.toml [default: the quickstart, built in]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataDirectory,
    /// The run directory [default: artifacts/<name of the configuration>]
    #[arg(long, value_name = "RUN_DIR")]
    pub(super) out: Option<PathBuf>,
    /// Start over, deleting what an earlier run left in the run directory
    #[arg(long)]
    pub(super) fresh: bool,
}

#[derive(Args, Debug)]
pub(super) struct TuneArguments {
    /// A TOML file such as configs/tuning/reference.toml [default: the quick search, built in]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataDirectory,
    /// The search's directory [default: artifacts/<name of the configuration>]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Start over, deleting what an earlier search left in the directory
    #[arg(long)]
    pub(super) fresh: bool,
    /// Fits at once, each with its share of the threads; results do not depend on it [default: one for each thread]
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<NonZeroUsize>,
    /// Only say how far the search in the directory is
    #[arg(long, conflicts_with_all = ["fresh", "export"])]
    pub(super) status: bool,
    /// Only write every trial of the search in the directory to standard output
    #[arg(long, value_name = "FORMAT", conflicts_with = "fresh")]
    pub(super) export: Option<ExportFormat>,
}

/// What trials are written as.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum ExportFormat {
    /// One line for each trial
    Csv,
}

#[derive(Args, Debug)]
pub(super) struct TrainArguments {
    /// The name of a member of the configuration; of the quickstart dense, cnn, booster
    pub(super) model: String,
    /// A TOML file [default: the quickstart, built in]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataDirectory,
    /// The model's directory [default: artifacts/<name of the configuration>-<MODEL>]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Training digits held out for validation: a share below 1, or a count of digits [default: the configuration's
    /// `single.validation`, 0.1]
    #[arg(long, value_name = "SHARE|COUNT")]
    pub(super) validation: Option<HeldOut>,
    /// Start over
    #[arg(long)]
    pub(super) fresh: bool,
}

#[derive(Args, Debug)]
pub(super) struct EvaluateArguments {
    /// The directory of a complete run or of a single model
    pub(super) run: PathBuf,
    #[command(flatten)]
    pub(super) data: DataDirectory,
    /// Of a run: also read the test digits as drawings, centred either way, and count what is refused: digits, pairs of
    /// digits, scribbles
    #[arg(long)]
    pub(super) drawn: bool,
}

#[derive(Args, Debug)]
pub(super) struct PredictArguments {
    /// The directory of a complete run or of a single model
    pub(super) run: PathBuf,
    /// Pictures, PNG or JPEG
    #[arg(required_unless_present = "csv", conflicts_with = "csv", value_name = "IMAGE")]
    pub(super) images: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) drawing: DrawingArguments,
    #[command(flatten)]
    pub(super) table: TableArguments,
}

#[derive(Args, Debug)]
pub(super) struct ServeArguments {
    /// A complete run directory, not a single model [default: the one in artifacts/ that was completed last]
    pub(super) run: Option<PathBuf>,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 8028, value_name = "N")]
    pub(super) port: u16,
    /// The address to listen on; anything but a loopback address lets other machines ask
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(super) host: IpAddr,
    /// Requests under way at the same time; more are answered 429 at once
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) in_flight: u16,
    /// Seconds that a request may take, from its head to its answer
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub(super) timeout: f64,
    #[command(flatten)]
    pub(super) drawing: DrawingArguments,
}

/// How a picture becomes a digit.
#[derive(Args, Clone, Debug)]
pub(super) struct DrawingArguments {
    /// What comes to lie in the middle of the 28×28 image: the centre of mass, as in MNIST, or the ink's box
    #[arg(long, default_value = "mass", value_name = "WHAT")]
    pub(super) centre: CentreArgument,
    /// What counts as ink: auto finds it; alpha, dark or light say where it is
    #[arg(long, default_value = "auto", value_name = "WHAT")]
    pub(super) ink: InkArgument,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum CentreArgument {
    Mass,
    Box,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum InkArgument {
    Auto,
    Alpha,
    Dark,
    Light,
}

impl DrawingArguments {
    /// As the library takes it.
    pub(super) fn options(&self) -> DrawingOptions {
        let centre = match self.centre {
            CentreArgument::Mass => Centre::Mass,
            CentreArgument::Box => Centre::Box,
        };
        let ink = match self.ink {
            InkArgument::Auto => InkSource::Auto,
            InkArgument::Alpha => InkSource::Alpha,
            InkArgument::Dark => InkSource::Dark,
            InkArgument::Light => InkSource::Light,
        };
        DrawingOptions { centre, ink, ..DrawingOptions::default() }
    }
}

#[derive(Args, Debug)]
pub(super) struct ReportArguments {
    /// A complete run directory
    pub(super) run: PathBuf,
    /// Write every figure as PNG too
    #[arg(long)]
    pub(super) png: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct DataDirectory {
    /// A folder of digits: MNIST's IDX files, train.csv/test.csv, or one folder of pictures for each class
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Download the MNIST files into a folder [default: the cache folder], each verified by its SHA-256
    Fetch {
        /// The folder
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Counts, classes and hashes of a data set
    Info(DataArguments),
    /// Draw a data set anew into train.csv, test.csv and test-labels.csv, as Kaggle's Digit Recognizer has them
    #[command(after_help = "\
train.csv (label,pixel0…pixel783) is drawn from the training part of the data; test.csv (pixel0…pixel783) from all that is left; no digit is there
twice. Both keep each class's share and are in random order; --seed draws others. test-labels.csv (ImageId,Label) has the answers to test.csv:
where it lies beside it, a finished model is scored on test.csv. Of MNIST's 70,000 digits the sizes of Kaggle's files are left: 42,000 and 28,000.

Examples:
  digitstack data split kaggle configs/mnist-cpu.toml       MNIST, downloaded when it is not there
  digitstack data split kaggle --data ~/mnist --seed 7      the same of a folder, and other digits
  digitstack data split tiny --train 600 --test 400         of the built-in digits
  digitstack run configs/mnist-cpu.toml --set data.source=folder --data kaggle --out artifacts/kaggle
  digitstack predict artifacts/kaggle --csv kaggle/test.csv --out submission.csv --answers kaggle/test-labels.csv")]
    Split(SplitArguments),
    /// Write a 10 × 10 sheet of examples, one row for each class, as PNG
    Show {
        #[command(flatten)]
        data: DataArguments,
        /// The picture to write
        #[arg(long, default_value = "digits.png", value_name = "PNG")]
        out: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(super) struct DataArguments {
    /// A configuration whose data and preprocessing to use [default: the quickstart's built-in digits]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataDirectory,
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// The reference CNN (64 and 128 filters, 54–30–10, Adadelta)
    Cnn(NetBench),
    /// The reference dense net (784–80–28–10)
    Dense(NetBench),
    /// Each operation of both nets by itself: convolutions, fully connected layers, the loss, the update rules
    Operations(OperationsBench),
    /// LightGBM at the reference's depth and leaves: one fit, or all fits of a cross-validation side by side
    Booster(BoosterBench),
    /// The reference's preprocessing with three rotations
    Imaging(ImagingBench),
    /// A running service, asked by many clients at once
    Service(ServiceBench),
}

#[derive(Args, Debug)]
pub(super) struct NetBench {
    /// Images in a training batch
    #[arg(long, default_value_t = NonZeroUsize::new(128).expect("128 is not zero"))]
    pub(super) batch: NonZeroUsize,
    #[command(flatten)]
    pub(super) time: BenchTime,
}

#[derive(Args, Debug)]
pub(super) struct OperationsBench {
    /// Images in a batch
    #[arg(long, default_value_t = NonZeroUsize::new(128).expect("128 is not zero"))]
    pub(super) batch: NonZeroUsize,
    /// Seconds to measure each operation for, after a warm-up
    #[arg(long, default_value_t = 0.5)]
    pub(super) seconds: f64,
}

#[derive(Args, Debug)]
pub(super) struct BenchTime {
    /// Seconds to measure for, after a warm-up
    #[arg(long, default_value_t = 10.0)]
    pub(super) seconds: f64,
}

#[derive(Args, Debug)]
pub(super) struct BoosterBench {
    #[command(flatten)]
    pub(super) data: DataDirectory,
    /// Training images to use
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) images: usize,
    /// Trees of each class
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub(super) trees: u32,
    /// Fit on all but one of so many folds, for each fold, as many fits at once as there are threads
    #[arg(long, value_name = "N")]
    pub(super) folds: Option<usize>,
}

#[derive(Args, Debug)]
pub(super) struct ServiceBench {
    /// Where `digitstack serve`, or another service with its POST /api/predict, listens
    #[arg(default_value = "127.0.0.1:8028", value_name = "ADDRESS:PORT")]
    pub(super) address: SocketAddr,
    /// Clients, each with one request under way
    #[arg(long, default_value_t = NonZeroUsize::new(64).expect("64 is not zero"), value_name = "N")]
    pub(super) connections: NonZeroUsize,
    #[command(flatten)]
    pub(super) time: BenchTime,
}

#[derive(Args, Debug)]
pub(super) struct ImagingBench {
    #[command(flatten)]
    pub(super) data: DataDirectory,
    #[command(flatten)]
    pub(super) time: BenchTime,
}
