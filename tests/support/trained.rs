//! Small trained directories that many tests read.
//!
//! Each is made once for every build of the program and lies in Cargo's folder for tests, beside a note on the build
//! and the arguments that made it. Test programs that need the same directory at the same time wait for each other by
//! a lock on that note.

use std::{
    fs::{self, File},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::UNIX_EPOCH,
};

use super::{
    configurations::{TINY, TINY_CONFIG},
    program::{program, text},
};

/// The quickstart, shortened until it takes seconds, and still sure of a digit that is drawn cleanly.
const SERVED: [&str; 6] = [
    "data.train=6000",
    "data.test=500",
    "stacking.folds=2",
    "members.dense.training.epochs=6",
    "members.cnn.training.epochs=3",
    "members.booster.booster.trees=30",
];

/// Directory of a run that recognises clean drawings; read-only.
pub fn served_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| made("served-run", &[&["run"], &SERVED.map(|setting| ["--set", setting]).concat()[..]].concat()))
}

/// Directory of a run of the [`TINY`] quickstart in two folds, which has learnt little; read-only.
pub fn tiny_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| made("tiny-run", &[&["run", "--set", "stacking.folds=2"], &TINY[..]].concat()))
}

/// Directory of a run of [`TINY_CONFIG`], the smallest that has every kind of file; read-only.
pub fn smallest_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| made("smallest-run", &["run", tiny_config()]))
}

/// Directory of the dense net of [`TINY_CONFIG`]; read-only.
pub fn smallest_model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| made("smallest-model", &["train", "dense", tiny_config()]))
}

/// File with [`TINY_CONFIG`].
fn tiny_config() -> &'static str {
    const FILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/tiny.toml");
    static WRITTEN: OnceLock<()> = OnceLock::new();
    WRITTEN.get_or_init(|| fs::write(FILE, TINY_CONFIG).expect("writes"));
    FILE
}

/// Makes the directory with a command unless this build has made it already.
fn made(name: &str, arguments: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = folder.join(name);
    let mut note = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(format!("{name}.made-by")))
        .expect("opens");
    note.lock().expect("locks");
    let (mut made_by, this) = (String::new(), build(arguments));
    note.read_to_string(&mut made_by).expect("reads");
    // What was interrupted is resumed; what another build made starts over.
    let fresh = made_by != this;
    if fresh {
        note.set_len(0).and_then(|()| note.rewind()).and_then(|()| note.write_all(this.as_bytes())).expect("writes");
    }
    if fresh || !directory.join("manifest.json").exists() {
        let output = program()
            .args(arguments)
            .args(["--quiet", "--device", "cpu", "--out"])
            .arg(&directory)
            .args(fresh.then_some("--fresh"))
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    directory
}

/// Text that tells builds of the program, and commands, apart.
fn build(arguments: &[&str]) -> String {
    let about = fs::metadata(env!("CARGO_BIN_EXE_digitstack")).expect("the program");
    let changed = about.modified().expect("a time").duration_since(UNIX_EPOCH).expect("after 1970");
    format!("{} bytes, {} ns\n{}\n", about.len(), changed.as_nanos(), arguments.join("\n"))
}

/// Copies a directory, for a test that changes it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}
