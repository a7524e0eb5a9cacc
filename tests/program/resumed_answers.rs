//! `predict --out` that was killed goes on where it was, and only with the same models, settings and input.
#![cfg(unix)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use digitstack::{data::synthetic, seed::Seed};

use crate::support::{
    program::{ends, on_cpu, program, text},
    trained::{smallest_model, tiny_run},
};

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A table of `rows` digits.
fn table(path: &Path, rows: usize) {
    let digits = synthetic::generate(200, Seed(5));
    let line = |index: usize| {
        let cells = digits.images.get(index).iter().map(u8::to_string).collect::<Vec<_>>();
        cells.join(",") + "\n"
    };
    let lines: Vec<String> = (0..200).map(line).collect();
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    (0..rows).for_each(|row| file.write_all(lines[row % 200].as_bytes()).unwrap());
}

/// Partial files in a folder.
fn partials(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "partial")).collect();
    paths.sort();
    paths
}

/// Starts a command and kills it when its partial file has some lines, or returns whether it ended before.
fn killed_midway(arguments: &[&str], folder: &Path) -> bool {
    let mut child: Child = program()
        .args(arguments)
        .args(["--device", "cpu", "--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    loop {
        let lines =
            partials(folder).first().map_or(0, |path| fs::read_to_string(path).unwrap_or_default().lines().count());
        if lines > 600 {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing was written");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_killed_table_goes_on_and_ends_with_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    table(&at("table.csv"), 20_000);
    let (csv, whole, out) = (at("table.csv"), at("whole.csv"), at("out.csv"));
    let ask = |out: &Path| {
        ["predict", name(smallest_model()), "--csv", name(&csv), "--out", name(out), "--probabilities"]
            .map(str::to_owned)
    };
    let line = ask(&whole);
    ends(&line.each_ref().map(String::as_str), 0);
    let line = ask(&out);
    let arguments = line.each_ref().map(String::as_str);
    if !killed_midway(&arguments, root.path()) {
        panic!("the command ended before it was killed: use more rows");
    }
    assert!(!out.exists());
    // A line cut off in the middle.
    let [partial] = &partials(root.path())[..] else { panic!("one partial file") };
    let mut bytes = fs::read(partial).unwrap();
    bytes.extend_from_slice(b"20001,");
    fs::write(partial, &bytes).unwrap();

    // Another setting, another input and another model do not go on with it.
    let answered = |output: &std::process::Output| text(&output.stderr).contains("going on after");
    let other = at("other.csv");
    let output = on_cpu(&["predict", name(tiny_run()), "--csv", name(&csv), "--out", name(&other), "--model", "mean"]);
    assert!(output.status.success() && !answered(&output), "{}", text(&output.stderr));
    assert_eq!(partials(root.path()).len(), 1);
    let output = on_cpu(&[&arguments[..], &["--threads", "2"]].concat());
    assert!(output.status.success() && answered(&output), "{}", text(&output.stderr));
    assert!(fs::read(&out).unwrap() == fs::read(&whole).unwrap(), "other bytes than without an interruption");
    assert!(partials(root.path()).is_empty());
}

#[test]
fn an_edited_table_begins_anew_and_what_was_left_goes() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let (csv, out) = (at("table.csv"), at("out.csv"));
    table(&csv, 1200);
    let good = fs::read(&csv).unwrap();
    fs::write(&csv, [&good[..], b"1,2,3\n"].concat()).unwrap();
    let arguments = ["predict", name(smallest_model()), "--csv", name(&csv), "--out", name(&out), "--threads", "1"];
    let said = ends(&arguments, 1);
    assert!(said.contains("line 1201") && said.contains("the first 1200 rows are answered in"), "{said}");
    assert!(!said.contains("goes on from there"), "{said}");
    let before = partials(root.path());
    assert_eq!(before.len(), 1);
    assert!(ends(&arguments, 1).contains("going on after 1000 rows"), "whole pieces of 500");
    fs::write(&csv, &good).unwrap();
    assert!(!ends(&arguments, 0).contains("going on after"));
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 1201);
    assert!(partials(root.path()).is_empty());
}

#[test]
fn killed_pictures_go_on_and_changed_ones_begin_anew() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let digits = synthetic::generate(10, Seed(8));
    fs::create_dir(at("pictures")).unwrap();
    for index in 0..4_000 {
        let path = at(&format!("pictures/{index:05}.png"));
        match index < 10 {
            true => image::GrayImage::from_raw(28, 28, digits.images.get(index).to_vec()).unwrap().save(path).unwrap(),
            false => fs::hard_link(at(&format!("pictures/{:05}.png", index % 10)), path).unwrap(),
        }
    }
    let (pictures, whole, out) = (at("pictures"), at("whole.csv"), at("out.csv"));
    let model = smallest_model();
    ends(&["predict", name(model), name(&pictures), "--out", name(&whole)], 0);
    let arguments = ["predict", name(model), name(&pictures), "--out", name(&out)];
    assert!(killed_midway(&arguments, root.path()), "the command ended before it was killed: use more pictures");
    assert!(!out.exists());
    // With a minimum confidence it is other work.
    let other = at("other.csv");
    let said = ends(&["predict", name(model), name(&pictures), "--out", name(&other), "--min-confidence", "0.5"], 0);
    assert!(!said.contains("going on after"), "{said}");
    let said = ends(&arguments, 0);
    assert!(said.contains("going on after"), "{said}");
    assert!(fs::read(&out).unwrap() == fs::read(&whole).unwrap(), "other bytes than without an interruption");
    assert!(partials(root.path()).is_empty());
}
