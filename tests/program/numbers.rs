//! `read`: the numbers of pictures, for people, as lines of JSON and as a table; and how `predict` leads there.

use std::{fs, path::Path};

use digitstack::{data::synthetic, seed::Seed};
use image::{GrayImage, Luma, imageops};
use serde_json::Value;

use crate::support::{
    program::{ends, on_cpu, text},
    trained::{served_run, tiny_run},
};

/// Writes a picture of built-in digits side by side.
fn number(path: &Path, digits: &[u8]) {
    let mut paper = GrayImage::from_pixel(250 * digits.len() as u32 + 100, 320, Luma([255]));
    for (place, digit) in digits.iter().enumerate() {
        let levels = synthetic::digit(*digit, Seed(1)).map(|level| 255 - level).to_vec();
        let small = GrayImage::from_raw(28, 28, levels).unwrap();
        let large = imageops::resize(&small, 280, 280, imageops::FilterType::CatmullRom);
        imageops::replace(&mut paper, &large, 250 * place as i64 + 30, 20);
    }
    paper.save(path).unwrap();
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn predict_on_several_digits_names_the_command_that_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a number.png");
    number(&picture, &[2, 4]);
    let run = name(served_run());
    let answer = on_cpu(&["predict", run, name(&picture)]);
    let said = text(&answer.stdout);
    assert!(answer.status.success() && said.contains("more than one digit"), "{said}");
    let command = said.lines().find_map(|line| line.split_once("digitstack read "));
    let (_, arguments) = command.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(arguments, format!("{run} '{}'", name(&picture)), "as a shell takes it");
    let read = on_cpu(&["read", run, name(&picture)]);
    assert!(text(&read.stdout).contains("1 number"), "{}", text(&read.stdout));

    let out = folder.path().join("answers.csv");
    let listed = text(&on_cpu(&["predict", run, name(&picture), "--out", name(&out)]).stdout);
    assert!(listed.contains(&format!("digitstack read {run} IMAGE")), "{listed}");
    let one = folder.path().join("one.png");
    number(&one, &[2]);
    let alone = text(&on_cpu(&["predict", run, name(&one)]).stdout);
    assert!(!alone.contains("digitstack read"), "{alone}");
}

#[test]
fn outputs_that_lie_among_the_pictures_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file);
    number(&at("number.png"), &[7, 1, 0]);
    let (run, pictures) = (name(tiny_run()), name(folder.path()));
    let (table, drawing) = (at("numbers.csv"), at("read.png"));
    let arguments = ["read", run, pictures, "--out", name(&table), "--draw", name(&drawing), "--force"];
    let read = || {
        let output = on_cpu(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        (fs::read_to_string(&table).unwrap(), fs::read(&drawing).unwrap())
    };
    let first = read();
    assert!(first.0.starts_with("file,line,text,confidence,left,top,width,height,refusal\n"), "{}", first.0);
    assert!(first.0.lines().skip(1).all(|row| row.contains("number.png")), "{}", first.0);
    assert_eq!(read(), first, "the same once they are there");
    let kept = ends(&["read", run, pictures, "--out", name(&table)], 2);
    assert!(kept.contains("--force"), "{kept}");
}

#[test]
fn each_picture_is_a_line_of_json_and_a_bad_one_is_named_after_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file);
    number(&at("a.png"), &[7, 1, 0]);
    fs::write(at("b.png"), "no picture").unwrap();
    image::RgbaImage::new(40, 30).save(at("c.png")).unwrap();
    let output = on_cpu(&["read", name(tiny_run()), name(folder.path()), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [number, none, clear] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&number["width"], &number["height"]), (&850.into(), &320.into()));
    let line = &number["numbers"][0];
    for field in ["text", "confidence", "box", "degrees", "refusal", "digits", "unread"] {
        assert!(line.get(field).is_some(), "{field}: {line}");
    }
    for field in ["digit", "confidence", "box", "refusal", "probabilities"] {
        assert!(line["digits"][0].get(field).is_some(), "{field}: {line}");
    }
    assert!(none["problem"].as_str().is_some_and(|words| !words.is_empty()), "{none}");
    assert_eq!((&clear["numbers"], &clear["width"]), (&Value::Array(Vec::new()), &40.into()), "clear throughout");
    assert!(text(&output.stderr).contains("1 of 3 pictures could not be read"), "{}", text(&output.stderr));
}
