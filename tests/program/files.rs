//! Files that are named on the command line: what is read has a limit, what is written replaces nothing by accident.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, symlink},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{
    program::{ends, json},
    trained::{copy, tiny_run},
};

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo starts").success());
}

#[test]
fn endless_and_blocking_files_are_quick_errors() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fifo(&at("fifo"));
    symlink("/dev/zero", at("zero.png")).unwrap();
    fs::write(at("large.toml"), vec![b'#'; 2 << 20]).unwrap();
    let run = at("run");
    copy(tiny_run(), &run);
    let (fifo_at, picture, large) = (at("fifo"), at("zero.png"), at("large.toml"));
    let [fifo_name, picture, large, run_name] = [&fifo_at, &picture, &large, &run].map(|path| name(path));
    let begun = Instant::now();
    for (arguments, code, words) in [
        (&["run", "/dev/zero"][..], 2, "a device"),
        (&["run", fifo_name], 2, "a named pipe (FIFO)"),
        (&["run", large], 2, "at most 1048576"),
        (&["predict", run_name, picture], 1, "a device"),
        (&["predict", run_name, fifo_name], 1, "a named pipe (FIFO)"),
        (&["import", fifo_name, "--model", "cnn", "--out", "x"], 1, "a named pipe (FIFO)"),
        (&["import", "/dev/zero", "--model", "cnn", "--out", "x"], 1, "a device"),
    ] {
        let said = ends(arguments, code);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    for file in ["config.toml", "manifest.json"] {
        fs::remove_file(run.join(file)).unwrap();
        fifo(&run.join(file));
        let said = ends(&["predict", run_name, picture], 1);
        assert!(said.contains("FIFO") || said.contains("no ordinary file"), "{file}: {said}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "took {:?}", begun.elapsed());
}

#[test]
fn more_built_in_digits_than_memory_holds_are_refused() {
    let said = ends(&["data", "info", "--set", "data.test=10000000"], 2);
    assert!(said.contains("test: 10000000 built-in digits would take about 16 GB of memory"), "{said}");
}

#[test]
fn an_output_is_never_a_device_a_fifo_or_a_file_inside_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = at("run");
    copy(tiny_run(), &run);
    fifo(&at("fifo"));
    symlink("nothing", at("dangling")).unwrap();
    let (pipe, dangling, inside) = (at("fifo"), at("dangling"), run.join("cnn.onnx"));
    let export = |out: &str, force: bool, code| {
        let arguments = ["export", name(&run), "cnn/fold-1", "--format", "onnx", "--out", out];
        let more: &[&str] = if force { &["--force"] } else { &[] };
        ends(&[&arguments[..], more].concat(), code)
    };
    assert!(export("/dev/null", true, 2).contains("a device"));
    assert!(export(name(&pipe), true, 2).contains("FIFO"));
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(export(name(&dangling), false, 2).contains("--force"));
    assert!(at("dangling").is_symlink() && !at("nothing").exists());
    export(name(&dangling), true, 0);
    assert!(at("dangling").is_symlink() && at("nothing").is_file(), "a link is followed and stays");

    for out in [&inside, &run.join("models/cnn.onnx")] {
        assert!(export(name(out), true, 2).contains("inside the run directory"));
    }
    let board = run.join("board.svg");
    assert!(ends(&["leaderboard", name(&run), "--out", name(&board)], 2).contains("inside the run directory"));
    let (tables, sheet) = (run.join("tables"), run.join("sheet.png"));
    assert!(ends(&["data", "split", name(&tables)], 2).contains("inside the run directory"));
    let show = ["data", "show", "--out", name(&sheet), "--set", "data.train=100"];
    assert!(ends(&show, 2).contains("inside the run directory"));
    json(&["evaluate", name(&run)]);
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".digitstack-abcdefghij.part"), "half").unwrap();
    ends(&["export", name(tiny_run()), "cnn/fold-1", "--format", "onnx", "--out", name(&at("cnn.onnx"))], 0);
    assert!(at("cnn.onnx").is_file() && !at(".digitstack-abcdefghij.part").exists());
}

#[test]
fn a_damaged_report_is_told_from_a_damaged_run_and_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(tiny_run(), &run);
    let manifest = fs::read(run.join("manifest.json")).unwrap();
    fs::write(run.join("report/index.html"), "<p>").unwrap();
    let said = ends(&["evaluate", name(&run)], 1);
    assert!(said.contains("the rest of the run is as it was written") && said.contains("digitstack report"), "{said}");
    ends(&["report", name(&run)], 0);
    json(&["evaluate", name(&run)]);
    // A report that is refused leaves the run as it was.
    let timings = fs::read(run.join("timings.json")).unwrap();
    fs::write(run.join("timings.json"), "{}").unwrap();
    ends(&["report", name(&run)], 1);
    assert_eq!(fs::read(run.join("manifest.json")).unwrap(), manifest);
    fs::write(run.join("timings.json"), timings).unwrap();
    json(&["evaluate", name(&run)]);
}
