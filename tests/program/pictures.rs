//! `predict` on folders of pictures: a CSV file or lines of JSON, bad files and all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use digitstack::{data::synthetic, seed::Seed};
use image::{DynamicImage, GrayImage, ImageFormat, imageops::FilterType};

use crate::support::{
    program::{ends, json, on_cpu, text},
    trained::{smallest_model, tiny_run},
};

/// Writes a dark digit on white paper.
fn picture(path: &Path, pixels: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut image = DynamicImage::from(GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap());
    image.invert();
    image.resize_exact(84, 84, FilterType::Triangle).save_with_format(path, ImageFormat::Png).unwrap();
}

/// A folder of `count` pictures, and one with every kind of bad file in `bad`.
fn folder(count: usize) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let digits = synthetic::generate(count, Seed(11));
    for (index, image) in digits.images.iter().enumerate() {
        let inside = if index % 3 == 0 { "deeper/" } else { "" };
        picture(&root.path().join(format!("pictures/{inside}{index:04}.png")), image);
    }
    let bad = root.path().join("bad");
    fs::create_dir(&bad).unwrap();
    let whole = fs::read(root.path().join("pictures/deeper/0000.png")).unwrap();
    fs::write(bad.join("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(bad.join("empty.png"), "").unwrap();
    fs::write(bad.join("notes, \"mine\".txt"), "sevens and ones look alike").unwrap();
    fs::write(bad.join("Thumbs.db"), "x").unwrap();
    fs::write(bad.join(".hidden.png"), "x").unwrap();
    GrayImage::from_pixel(40, 40, image::Luma([255])).save(bad.join("white.png")).unwrap();
    root
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Rows of a CSV file by their `file`, in order, with the header first.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let cells = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                letter => cell.push(letter),
            }
        }
        cells.push(cell);
        cells
    };
    text.lines().map(cells).collect()
}

#[test]
fn a_folder_becomes_a_csv_file_with_every_file_in_order() {
    let root = folder(30);
    let (all, out) = (root.path(), root.path().join("guesses.csv"));
    let summary = json(&["predict", name(tiny_run()), name(all), "--out", name(&out)]);
    let rows = rows(&out);
    assert_eq!(rows[0].join(","), "file,digit,confidence,second,refusal");
    let files: Vec<PathBuf> = rows[1..].iter().map(|row| PathBuf::from(&row[0])).collect();
    assert_eq!(files.len(), 34, "{files:?}");
    assert!(files.iter().zip(&files[1..]).all(|(a, b)| a.components().lt(b.components()) || a.to_str() < b.to_str()));
    let by_name: BTreeMap<&str, &Vec<String>> =
        rows[1..].iter().map(|row| (row[0].rsplit('/').next().unwrap(), row)).collect();
    for (file, reason) in
        [("cut.png", "unreadable: "), ("empty.png", "unreadable: the file is empty"), ("white.png", "blank")]
    {
        let row = by_name[file];
        assert!(row[1].is_empty() && row[2].is_empty() && row[3].is_empty(), "{row:?}");
        assert!(row[4].starts_with(reason), "{row:?}");
    }
    assert!(by_name["notes, mine.txt"][4].starts_with("not-a-picture: "), "{by_name:?}");
    for row in rows.iter().filter(|row| row[0].contains("/pictures/")) {
        let (digit, second): (u8, u8) = (row[1].parse().unwrap(), row[3].parse().unwrap());
        let confidence: f64 = row[2].parse().unwrap();
        assert!(digit < 10 && second < 10 && digit != second && (0.0..=1.0).contains(&confidence), "{row:?}");
        assert!(["", "unsure", "scribble", "several-digits"].contains(&row[4].as_str()), "{row:?}");
    }
    assert_eq!((summary["files"].as_u64(), summary["readable"].as_u64()), (Some(34), Some(31)));
    let refused: u64 = summary["refused"].as_array().unwrap().iter().map(|reason| reason[1].as_u64().unwrap()).sum();
    assert_eq!(summary["answered"].as_u64().unwrap() + refused, 34);

    // The same answers by other ways: patterns, one by one, on other numbers of threads, on standard output.
    let first = fs::read_to_string(&out).unwrap();
    let of_pictures: String =
        first.lines().filter(|line| line.contains("/pictures/")).map(|line| format!("{line}\n")).collect();
    let pattern = root.path().join("pictures/**/*.png");
    let threads = ["--threads", "1"];
    let output = on_cpu(&[&["predict", name(tiny_run()), name(&pattern), "--out", "-"], &threads[..]].concat());
    let printed = text(&output.stdout);
    assert_eq!(printed.split_once('\n').unwrap().1.lines().count(), 30, "{}", text(&output.stderr));
    let digits = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .skip(1)
            .map(|line| (line.split(',').next().unwrap().to_owned(), line.split(',').nth(1).unwrap().to_owned()))
            .collect()
    };
    assert_eq!(digits(&printed), digits(&format!("head\n{of_pictures}")));

    // An output that lies among the pictures is no picture.
    let said = ends(&["predict", name(tiny_run()), name(all), "--out", name(&out)], 2);
    assert!(said.contains("exists already"), "{said}");
    ends(&["predict", name(tiny_run()), name(all), "--out", name(&out), "--force"], 0);
    assert_eq!(fs::read_to_string(&out).unwrap(), first);
}

#[test]
fn lines_of_json_are_one_for_each_file_and_bad_ones_are_an_error_behind_them() {
    let root = folder(6);
    let output = on_cpu(&["predict", name(tiny_run()), name(root.path()), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("4 of 10 pictures could not be read") && said.contains("cut.png"), "{said}");
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 10);
    for line in &lines {
        let is_bad = line["image"].as_str().unwrap().contains("/bad/");
        assert_eq!(line["digit"].is_null(), is_bad, "{line}");
        assert_eq!(line["probabilities"].is_array(), !is_bad, "{line}");
        assert_eq!(line["models"].as_array().unwrap().len(), if is_bad { 0 } else { 7 }, "{line}");
        assert!(!is_bad || line["refusal"].is_string(), "{line}");
    }
}

#[test]
fn low_confidence_is_refused_everywhere() {
    let root = folder(12);
    let (pictures, out) = (root.path().join("pictures"), root.path().join("out.csv"));
    let ask = |least: &str| {
        let arguments = ["predict", name(smallest_model()), name(&pictures), "--out", name(&out), "--force"];
        json(&[&arguments[..], &["--min-confidence", least]].concat());
        rows(&out)
    };
    let all = ask("0");
    assert!(all[1..].iter().all(|row| row[4].is_empty()), "a single model refuses nothing by itself: {all:?}");
    let mut confidences: Vec<f64> = all[1..].iter().map(|row| row[2].parse().unwrap()).collect();
    confidences.sort_by(f64::total_cmp);
    let least = (confidences[5] + confidences[6]) / 2.0;
    let some = ask(&least.to_string());
    for (row, before) in some[1..].iter().zip(&all[1..]) {
        let is_low = row[2].parse::<f64>().unwrap() < least;
        assert_eq!(row[4], if is_low { "unsure" } else { "" }, "{row:?}");
        assert_eq!(row[..4], before[..4]);
    }
    // Beyond what any answer has: lines of JSON and words for people.
    let output = on_cpu(&["predict", name(tiny_run()), name(&pictures), "--json", "--min-confidence", "1"]);
    for line in text(&output.stdout).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["refusal"].is_string() || line["confidence"].as_f64() == Some(1.0), "{line}");
    }
    let output = on_cpu(&["predict", name(smallest_model()), name(&pictures), "--min-confidence", "1"]);
    assert!(text(&output.stdout).contains("No digit fits well enough"), "{}", text(&output.stdout));
}

#[test]
fn nothing_readable_nothing_named_and_nothing_there_are_failures() {
    let root = folder(3);
    let (bad, out, none) = (root.path().join("bad"), root.path().join("out.csv"), root.path().join("none"));
    fs::remove_file(bad.join("white.png")).unwrap();
    let ask = |input: &Path| -> (Output, bool) {
        let _ = fs::remove_file(&out);
        (on_cpu(&["predict", name(tiny_run()), name(input), "--out", name(&out)]), out.exists())
    };
    let (output, is_written) = ask(&bad);
    assert_eq!((output.status.code(), is_written), (Some(1), true), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no picture could be read"), "{}", text(&output.stderr));
    assert_eq!(rows(&out).len(), 4);
    fs::create_dir(&none).unwrap();
    let (output, is_written) = ask(&none);
    assert_eq!((output.status.code(), is_written), (Some(1), false));
    assert!(text(&output.stderr).contains("there is no file in it"), "{}", text(&output.stderr));
    let (output, _) = ask(&root.path().join("*.jpeg"));
    assert_eq!(output.status.code(), Some(1));
    assert!(fs::read_to_string(&out).unwrap().contains("no file matches this pattern"));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_pictures() {
    let root = folder(1);
    let one = root.path().join("pictures/deeper/0000.png");
    let peak = |count: usize| {
        let folder = root.path().join(format!("{count}"));
        fs::create_dir(&folder).unwrap();
        (0..count).for_each(|index| fs::hard_link(&one, folder.join(format!("{index:06}.png"))).unwrap());
        let out = root.path().join(format!("{count}.csv"));
        let summary = json(&["predict", name(smallest_model()), name(&folder), "--out", name(&out), "--threads", "2"]);
        assert_eq!(summary["answered"].as_u64(), Some(count as u64));
        summary["peak_memory"].as_u64().unwrap() as f64 / 1e6
    };
    let (few, many) = (peak(1_000), peak(8_000));
    assert!(many < few + 60.0, "{few:.0} MB for 1,000 pictures, {many:.0} MB for 8,000");
}
