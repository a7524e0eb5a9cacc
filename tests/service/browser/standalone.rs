//! The page of one file: the same image from the same ink, the same probabilities, without a service.

use std::path::{Path, PathBuf};

use digitstack::{
    artifact::{Artifact, ModelFiles},
    data::{PIXELS, synthetic},
    device::{DeviceChoice, resolve},
    imaging::{DrawingOptions, digit_from_picture},
    seed::Seed,
};
use image::{Rgba, RgbaImage, imageops::FilterType};
use serde_json::{Value, json};

use super::{
    strokes::{SIDE, digit},
    webdriver::{Browser, Pointer, Programs, Step},
};
use crate::support::{
    program::{on_cpu, text},
    skip,
    trained::served_run,
};

/// Settings of nets that have every kind of layer between them.
const NETS: [(&str, &[&str]); 5] = [
    ("cnn", &["network.filters=4"]),
    (
        "cnn",
        &[
            "network.layout=[[4,6],[8]]",
            "network.padding=same",
            "network.activation=swish",
            "network.normalization=batch",
            "network.head=global-max",
            "network.hidden=[]",
        ],
    ),
    (
        "cnn",
        &[
            "network.layout=[[3],[5]]",
            "network.kernel=5",
            "network.pool=average",
            "network.activation=leaky-relu",
            "network.input=signed",
            "network.normalization={kind=\"batch\",affine=false}",
        ],
    ),
    ("dense", &["network.activation=softsign", "network.input=standardized", "network.bias=false"]),
    (
        "dense",
        &["network.activation=tanh", "network.output=sigmoid", "training.loss=mse", "network.input={range=[0.01,1.0]}"],
    ),
];

/// A browser, if there is one.
fn browser() -> Option<Browser> {
    match Programs::find() {
        Ok(programs) => {
            let browser = Browser::start(&programs);
            browser.resize(1280, 900, false);
            browser.prefer("light");
            Some(browser)
        }
        Err(missing) => {
            skip(missing);
            None
        }
    }
}

/// Writes the page of a model, and opens it.
fn opened(browser: &Browser, run: &Path, model: &str, file: &Path) {
    let (run, file) = (run.to_str().unwrap(), file.to_str().unwrap());
    let output = on_cpu(&["export", run, model, "--format", "page", "--out", file]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    browser.open(&format!("file://{file}"));
    browser.wait("document.documentElement.dataset.state === 'ready'");
}

fn trained(folder: &Path, number: usize, member: &str, settings: &[&str]) -> PathBuf {
    let out = folder.join(format!("net-{number}"));
    let own = settings.iter().map(|setting| format!("members.{member}.{setting}"));
    let epochs = format!("members.{member}.training.epochs=1");
    let recipe = ["prepare.recipe=[\"reference\"]", "prepare.recipe=[\"mnist\"]", "prepare.recipe=[]"][number % 3];
    let all = [epochs, "data.train=400".into(), "data.test=50".into(), recipe.into()].into_iter().chain(own);
    let all: Vec<String> = all.collect();
    let sets = all.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["train", member, "--out", out.to_str().unwrap()].into_iter().chain(sets).collect();
    let output = on_cpu(&arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    out
}

#[test]
fn every_layer_gives_the_probabilities_of_the_program() {
    let Some(browser) = browser() else { return };
    let here = tempfile::tempdir().unwrap();
    let device = resolve(&DeviceChoice::Cpu).unwrap();
    let digits = synthetic::generate(30, Seed(5)).images;
    let images: Vec<Vec<u8>> = digits.iter().map(|image| image.to_vec()).collect();
    for (number, (member, settings)) in NETS.iter().enumerate() {
        let run = trained(here.path(), number, member, settings);
        opened(&browser, &run, member, &here.path().join(format!("{number}.html")));
        let found =
            browser.run(&format!("return {}.map((image) => digitstack.read(Uint8Array.from(image)))", json!(images)));
        let models = ModelFiles::of(Artifact::open(&run).unwrap());
        let model = models.find(member).unwrap();
        let folder = models.artifact().path_of(models.fits_of(model)[0]);
        let net = models.learner(model).unwrap().load(&folder, &device).unwrap();
        let prepared = models.recipe(model).compile().unwrap().apply_all(&digits, Seed(0));
        for (image, expected) in net.predict_proba(&prepared).unwrap().iter().enumerate() {
            for (class, probability) in expected.iter().enumerate() {
                let other = found[image][class].as_f64().unwrap();
                let difference = (other - f64::from(*probability)).abs();
                assert!(difference < 1e-3, "{member} {settings:?}, image {image}: {other} instead of {probability}");
            }
        }
        assert_eq!(browser.console(), []);
    }
}

#[test]
fn ink_becomes_the_same_image_as_in_the_program() {
    let Some(browser) = browser() else { return };
    let here = tempfile::tempdir().unwrap();
    opened(&browser, served_run(), "dense/fold-1", &here.path().join("page.html"));
    for (index, pixels) in synthetic::generate(24, Seed(31)).images.iter().enumerate() {
        // Strokes of a canvas, at several sizes, beside a speck or not.
        let (wide, high) = [(280, 280), (90, 200), (231, 60)][index % 3];
        let small = image::GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap();
        let large = image::imageops::resize(&small, wide - 40, high - 30, FilterType::Triangle);
        let picture = RgbaImage::from_fn(wide, high, |x, y| {
            let inside = x.checked_sub(20).zip(y.checked_sub(10)).and_then(|(x, y)| large.get_pixel_checked(x, y));
            let is_speck = index % 2 == 0 && x < 3 && y < 3;
            Rgba([0, 0, 0, if is_speck { 200 } else { inside.map_or(0, |pixel| pixel.0[0]) }])
        });
        let ink: Vec<u8> = picture.pixels().map(|pixel| pixel.0[3]).collect();
        let script = format!("return [...digitstack.digitFromInk(Uint8Array.from({}), {wide}, {high})]", json!(ink));
        let found: [u8; PIXELS] = serde_json::from_value::<Vec<u8>>(browser.run(&script)).unwrap().try_into().unwrap();
        let expected = digit_from_picture(&picture.into(), &DrawingOptions::default()).unwrap().image;
        let greatest = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // Sums in double and in single precision may be rounded to neighbouring levels.
        assert!(greatest <= 2, "digit {index}: levels differ by up to {greatest}");
    }
    assert_eq!(browser.run("return digitstack.digitFromInk(new Uint8Array(100), 10, 10)"), Value::Null);
}

#[test]
fn a_drawing_is_read_without_a_service_at_both_widths() {
    let Some(browser) = browser() else { return };
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("digits.html");
    opened(&browser, served_run(), "cnn/fold-1", &file);
    assert!(std::fs::metadata(&file).unwrap().len() < 2_000_000);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&pictures).unwrap();
    for (width, name) in [(1280, "standalone"), (360, "standalone-narrow")] {
        browser.resize(width, 740, width < 640);
        let scale =
            browser.run("return document.getElementById('pad').getBoundingClientRect().width").as_f64().unwrap() / SIDE;
        for expected in [3, 7] {
            browser.click("#clear");
            browser.wait("document.getElementById('answer').dataset.view === 'empty'");
            for stroke in digit(expected) {
                let at = |(x, y): &(f64, f64)| {
                    let from_middle = |length: f64| ((length - SIDE / 2.0) * scale).round() as i64;
                    Step::Move(from_middle(*x), from_middle(*y))
                };
                let mut steps: Vec<Step> = stroke.iter().map(at).collect();
                steps.insert(1, Step::Press);
                steps.push(Step::Release);
                browser.point(Pointer::Mouse, "#pad", &steps);
            }
            browser.wait("document.getElementById('answer').dataset.view === 'answer'");
            browser.wait(&format!("document.getElementById('digit').textContent === '{expected}'"));
        }
        let is_seen = "document.getElementById('digit').getBoundingClientRect().bottom <= innerHeight \
                       && document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.run(&format!("return {is_seen}")), true, "the answer is on the first screen at {width}");
        browser.save_picture(&pictures.join(format!("{name}.png")));
    }
    assert_eq!(browser.console(), []);
}

#[test]
fn what_the_page_cannot_run_is_said() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("page.html");
    let output = on_cpu(&[
        "export",
        served_run().to_str().unwrap(),
        "booster/fold-1",
        "--format",
        "page",
        "--out",
        file.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`booster/fold-1` cannot be written as a page, which runs nets only"));
    let out = here.path().join("net");
    let settings =
        ["data.train=200", "data.test=20", "members.dense.training.epochs=1", "prepare.recipe=[\"deskewed\"]"];
    let sets = settings.iter().flat_map(|setting| ["--set", *setting]);
    let arguments: Vec<&str> = ["train", "dense", "--out", out.to_str().unwrap()].into_iter().chain(sets).collect();
    assert!(on_cpu(&arguments).status.success());
    let output =
        on_cpu(&["export", out.to_str().unwrap(), "dense", "--format", "page", "--out", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("the step `deskew`, which the page cannot do (it can do noise, normalise-size"), "{said}");
    assert!(!file.exists());
}
