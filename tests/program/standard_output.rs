//! Every command that prints, where nobody reads and where nothing can be written: `| head` ends it quietly, a full
//! disk is an error.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::support::{
    configurations::TINY_CONFIG,
    program::{digitstack, ends, program, text},
    trained::{copy, tiny_run},
};

/// A search of a second.
pub const SEARCH: &str = r#"
name = "small"
[data]
source = "builtin"
train = 300
[[members]]
name = "net"
kind = "dense"
[members.network]
hidden = [8]
[members.training]
epochs = 1
[[stages]]
name = "activation"
learner = "net"
parameters = [{ field = "network.activation", values = ["relu", "tanh"] }]
"#;

/// A folder with a finished run, single model and search, a picture, tables and configurations. Commands write to it:
/// one test at a time.
static FOLDER: LazyLock<Mutex<tempfile::TempDir>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    copy(tiny_run(), &at("run"));
    fs::write(at("tiny.toml"), TINY_CONFIG).unwrap();
    fs::write(at("search.toml"), SEARCH).unwrap();
    one(&at("one.png"));
    let name = |name: &str| at(name).to_str().unwrap().to_owned();
    ends(&["train", "dense", &name("tiny.toml"), "--out", &name("dense")], 0);
    ends(&["tune", &name("search.toml"), "--out", &name("search")], 0);
    ends(&["data", "split", &name("tables"), "--train", "60", "--test", "30"], 0);
    ends(&["export", &name("dense"), "dense", "--format", "safetensors", "--out", &name("dense.safetensors")], 0);
    Mutex::new(folder)
});

fn folder() -> MutexGuard<'static, tempfile::TempDir> {
    FOLDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws a 1 into a file.
pub fn one(path: &Path) {
    let ink = |x, y| (28..34).contains(&x) && (8..52).contains(&y);
    image::GrayImage::from_fn(60, 60, |x, y| image::Luma([if ink(x, y) { 0 } else { 255 }])).save(path).unwrap();
}

/// Command lines, run in [`FOLDER`], of every command that prints and ends by itself. Words are divided by spaces.
const COMMANDS: [&str; 54] = [
    "",
    "--help",
    "-h",
    "--version",
    "help run",
    "run --help",
    "data split --help",
    "devices",
    "devices --json",
    "completions bash",
    "completions elvish",
    "completions fish",
    "completions powershell",
    "completions zsh",
    "data info --set data.train=300 --set data.test=50",
    "data info --set data.train=300 --set data.test=50 --json",
    "data show --set data.train=300 --out sheet.png",
    "data split split --train 60 --test 30 --force",
    "bench dense --seconds 0.05 --batch 16",
    "bench cnn --seconds 0.05 --batch 4 --json",
    "bench operations --seconds 0.0001 --batch 2",
    "bench imaging --seconds 0.05",
    "bench booster --images 300 --trees 2",
    "bench booster --images 300 --trees 2 --folds 2 --json",
    "check overfit tiny.toml --epochs 2",
    "check overfit tiny.toml --epochs 2 --json",
    "check gradients tiny.toml",
    "run tiny.toml --out fresh --fresh",
    "train dense tiny.toml --out fresh-dense --fresh",
    "train dense tiny.toml --out fresh-dense --fresh --json",
    "tune search.toml --out search",
    "tune search.toml --out search --status",
    "tune search.toml --out search --export csv",
    "evaluate run",
    "evaluate dense --json",
    "predict run one.png",
    "predict run one.png --json",
    "predict run one.png --out -",
    "predict run one.png --out guesses.csv --force",
    "read run one.png",
    "read run one.png --json",
    "read run one.png --out numbers.csv --force",
    "read run one.png --draw read.png --force",
    "config list",
    "config show quickstart",
    "config explain",
    "config explain --schema",
    "config check tiny.toml --json",
    "predict run --csv tables/test.csv --out -",
    "predict run --csv tables/test.csv --out answers.csv --force --json",
    "export run logistic --format json --force",
    "import dense.safetensors --out imported --fresh",
    "leaderboard run dense --out board.svg",
    "serve run --port 0",
];

fn command(line: &str, folder: &Path) -> Command {
    let mut command = program();
    command.current_dir(folder).args(line.split_whitespace()).env("NO_COLOR", "1");
    let computes = !["help", "-h", "--version", "completions"].iter().any(|word| line.contains(word));
    if computes && !line.is_empty() {
        command.args(["--device", "cpu"]);
    }
    command
}

#[track_caller]
fn assert_ended(line: &str, output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "digitstack {line}: {said}");
    assert_eq!(output.status.code(), Some(code), "digitstack {line}: {said}");
    said
}

#[test]
fn a_closed_standard_output_is_a_quiet_success() {
    let folder = folder();
    for line in COMMANDS {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = command(line, folder.path()).stdout(writer).output().unwrap();
        let said = assert_ended(line, &output, 0);
        // Mesa's software driver writes such a line by itself when adapters are listed.
        let own: Vec<_> = said.lines().filter(|line| !line.contains("XDG_RUNTIME_DIR")).collect();
        assert!(!own.concat().contains("error"), "digitstack {line}: {said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_behind_standard_output_is_an_error_in_words() {
    let folder = folder();
    for line in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(line, folder.path()).stdout(full).output().unwrap();
        let said = assert_ended(line, &output, 1);
        assert!(said.contains("standard output"), "digitstack {line}: {said}");
        assert!(said.contains("No space left on device"), "digitstack {line}: {said}");
    }
}

#[test]
fn a_reader_that_leaves_after_the_first_line_ends_the_command_quietly() {
    let folder = folder();
    for line in [
        "completions zsh",
        "--help",
        "predict run --csv tables/test.csv --out -",
        "read run one.png one.png",
        "leaderboard run dense",
    ] {
        let mut child = command(line, folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "digitstack {line}");
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "digitstack {line}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "digitstack {line}: {said}");
    }
}

#[test]
fn help_goes_to_standard_output_and_wrong_arguments_to_standard_error() {
    let help = digitstack(&["run", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Examples:") && help.stderr.is_empty());
    let wrong = digitstack(&["run", "--nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).starts_with("error: unexpected argument") && wrong.stdout.is_empty());
}
