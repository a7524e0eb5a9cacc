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
    configurations::TINY,
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
    RUN.get_or_init(|| made("served-run", &SERVED.map(|setting| ["--set", setting]).concat()))
}

/// Directory of a run of the [`TINY`] quickstart in two folds, which has learnt little; read-only.
pub fn tiny_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| made("tiny-run", &[&TINY[..], &["--set", "stacking.folds=2"]].concat()))
}

/// Makes the directory with `digitstack run` unless this build has made it already.
fn made(name: &str, settings: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let run = folder.join(name);
    let mut note = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(format!("{name}.made-by")))
        .expect("opens");
    note.lock().expect("locks");
    let (mut made_by, this) = (String::new(), build(settings));
    note.read_to_string(&mut made_by).expect("reads");
    // An interrupted run of this build is resumed; a run of another build starts over.
    let fresh = made_by != this;
    if fresh {
        note.set_len(0).and_then(|()| note.rewind()).and_then(|()| note.write_all(this.as_bytes())).expect("writes");
    }
    let output = program()
        .args(["run", "--quiet", "--device", "cpu", "--out"])
        .arg(&run)
        .args(settings)
        .args(fresh.then_some("--fresh"))
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    run
}

/// Text that tells builds of the program, and settings, apart.
fn build(settings: &[&str]) -> String {
    let about = fs::metadata(env!("CARGO_BIN_EXE_digitstack")).expect("the program");
    let changed = about.modified().expect("a time").duration_since(UNIX_EPOCH).expect("after 1970");
    format!("{} bytes, {} ns\n{}\n", about.len(), changed.as_nanos(), settings.join("\n"))
}
