//! k nearest neighbours: against scikit-learn (recorded by `tests/reference/knn_vectors.py`), ties, files, errors.

use std::{fs, path::Path};

use digitstack::{
    data::{Digits, Images, PIXELS, Probabilities, synthetic},
    device::{self, ChosenDevice, DeviceChoice},
    fit::{Cancel, FitContext},
    learners::{self, Classifier, Fitted, Learner, LearnerError, ModelFormat, ModelNotes},
    progress::Silent,
    seed::Seed,
};
use serde::Deserialize;

use super::classical::drawn;

fn cpu() -> ChosenDevice {
    device::resolve(&DeviceChoice::Cpu).unwrap()
}

fn knn(settings: &str) -> Box<dyn Learner> {
    let table = format!("name = \"a\"\nkind = \"knn\"\n{settings}").parse().unwrap();
    learners::build(table).unwrap()
}

fn try_fit(learner: &dyn Learner, train: &Digits) -> Result<Fitted, LearnerError> {
    let (device, cancel) = (cpu(), Cancel::default());
    learner.fit(train, Some(train), &FitContext::new(&device, 1, &Silent, &cancel).labelled("a"))
}

fn fit(settings: &str, train: &Digits) -> Box<dyn Classifier> {
    try_fit(knn(settings).as_ref(), train).unwrap().classifier
}

fn predict(model: &dyn Classifier, images: &Images) -> Probabilities {
    model.predict_proba(images).unwrap()
}

#[test]
fn the_probabilities_are_those_of_scikit_learn() {
    #[derive(Deserialize)]
    struct Recorded {
        fits: Vec<Fit>,
    }
    #[derive(Deserialize)]
    struct Fit {
        k: usize,
        weights: String,
        fresh: Vec<[f64; 10]>,
    }
    let recorded: Recorded = serde_json::from_str(include_str!("../data/classical/knn.json")).unwrap();
    assert_eq!(recorded.fits.len(), 5);
    let train = drawn(240, 1);
    let fresh =
        Images::from_images(drawn(12, 2).images.iter().chain([train.images.get(11), train.images.get(57)]).copied());
    for Fit { k, weights, fresh: expected } in recorded.fits {
        let model = fit(&format!("[knn]\nk = {k}\nweights = \"{weights}\""), &train);
        let rows = predict(model.as_ref(), &fresh);
        assert_eq!(rows.len(), expected.len());
        for (found, expected) in rows.iter().flatten().zip(expected.iter().flatten()) {
            let found = f64::from(*found);
            assert!((found - expected).abs() < 1e-6, "k = {k}, {weights}: found {found}, expected {expected}");
        }
    }
}

#[test]
fn of_equally_near_images_the_first_is_taken() {
    // Distances from the image of zeros: 2, then 1 four times.
    let image = |pixels: &[(usize, u8)]| {
        let mut image = [0; PIXELS];
        pixels.iter().for_each(|&(pixel, level)| image[pixel] = level);
        image
    };
    let images = [image(&[(3, 2)]), image(&[(0, 1)]), image(&[(1, 1)]), image(&[(2, 1)]), image(&[(5, 1)])];
    let train = Digits::new(Images::from_images(images), vec![9, 4, 3, 2, 1]);
    let new = Images::from_images([[0; PIXELS]]);
    for (k, expected) in [(1, &[4][..]), (2, &[4, 3]), (3, &[4, 3, 2]), (4, &[4, 3, 2, 1]), (5, &[4, 3, 2, 1, 9])] {
        let row = predict(fit(&format!("[knn]\nk = {k}"), &train).as_ref(), &new)[0];
        for (class, found) in row.into_iter().enumerate() {
            let share = if expected.contains(&class) { 1.0 / k as f32 } else { 0.0 };
            assert_eq!(found, share, "k = {k}, class {class}");
        }
    }
}

#[test]
fn an_answer_depends_neither_on_the_batch_nor_on_the_threads() {
    let (train, test) = (synthetic::generate(700, Seed(10)), synthetic::generate(150, Seed(11)));
    let model = fit("[knn]\nk = 5\nweights = \"distance\"", &train);
    let rows = predict(model.as_ref(), &test.images);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| predict(model.as_ref(), &test.images)), rows, "{threads} threads");
    }
    assert_eq!(predict(model.as_ref(), &test.images.select(&[149, 3, 70])), [rows[149], rows[3], rows[70]]);
    let mut predictor = model.predictor().unwrap();
    let single: Vec<_> = test.images.iter().map(|image| predictor.predict_one(image)).collect();
    assert_eq!(single, rows, "one image at a time");
    assert_eq!(predictor.another().predict_one(test.images.get(5)), rows[5]);
    let right = rows.iter().zip(&test.labels).filter(|(row, label)| row[usize::from(**label)] > 0.5).count();
    assert!(right > 100, "{right} of 150");
    assert!(predict(model.as_ref(), &Images::default()).is_empty());
}

#[test]
fn a_fit_reports_its_validation_scores_and_fits_into_a_stack() {
    let train = synthetic::generate(200, Seed(10));
    let learner = knn("[knn]\nk = 1");
    let fitted = try_fit(learner.as_ref(), &train).unwrap();
    assert_eq!((fitted.history.unit.as_str(), fitted.history.points.len(), fitted.timing.images), ("fit", 1, 200));
    assert_eq!(fitted.history.points[0].validation_accuracy, Some(1.0), "every image is its own neighbour");
    assert!(!learner.selects_by_validation() && !learner.runs_on_device() && learner.net().is_none());
    assert!(learner.cost(2000) > learner.cost(1000));
    let table = learner.settings().unwrap();
    assert_eq!(table["knn"]["weights"].as_str(), Some("uniform"));
    assert_eq!(learners::build(table.clone()).unwrap().settings().unwrap(), table);
    assert_eq!(knn("").settings().unwrap()["knn"]["k"].as_integer(), Some(3));
    let prepared = knn("prepare = [\"deskewed\"]");
    assert!(prepared.summary().contains("3 nearest neighbours") && prepared.summary().contains("deskew"));
    try_fit(prepared.as_ref(), &train).unwrap();
    let cancel = Cancel::default();
    cancel.cancel();
    let device = cpu();
    let context = FitContext::new(&device, 1, &Silent, &cancel);
    assert!(learner.fit(&train, None, &context).err().unwrap().is_cancelled());
}

/// Writes a model and returns the bytes of its two files.
fn saved(model: &dyn Classifier, folder: &Path) -> [Vec<u8>; 2] {
    model.save(folder).unwrap();
    ["knn.json", "knn.safetensors"].map(|name| fs::read(folder.join(name)).unwrap())
}

#[test]
fn a_model_comes_back_from_its_files_and_leaves_as_safetensors() {
    let (train, test) = (synthetic::generate(120, Seed(10)), synthetic::generate(30, Seed(11)));
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let settings = "[knn]\nk = 7\nweights = \"distance\"";
    let model = fit(settings, &train);
    let written = saved(model.as_ref(), folders[0].path());
    let loaded = knn(settings).load(folders[0].path(), &cpu()).unwrap();
    assert_eq!(predict(loaded.as_ref(), &test.images), predict(model.as_ref(), &test.images));
    assert_eq!(saved(loaded.as_ref(), folders[1].path()), written);
    assert_eq!(model.parameters(), None);
    assert_eq!(model.formats(), [ModelFormat::Safetensors]);
    let notes = ModelNotes { model: "a".into(), preparation: "[]".into(), shifts: 1 };
    let exported = model.export(ModelFormat::Safetensors, &notes).unwrap();
    let file = safetensors::SafeTensors::deserialize(&exported).unwrap();
    assert_eq!(file.tensor("images").unwrap().shape(), [120, 28, 28]);
    assert_eq!(file.tensor("labels").unwrap().data(), train.labels);
    for format in [ModelFormat::Json, ModelFormat::Onnx, ModelFormat::Lightgbm] {
        assert!(matches!(model.export(format, &notes), Err(LearnerError::NoFormat { .. })));
    }
}

/// Writes both files of a model with these labels and images and a matching hash, whatever they are.
fn forge(folder: &Path, model: &str, labels: &[u8], shape: &[usize], pixels: &[u8]) {
    use safetensors::{Dtype, tensor::TensorView};
    let images = TensorView::new(Dtype::U8, shape.to_vec(), pixels).unwrap();
    let labels = TensorView::new(Dtype::U8, vec![labels.len()], labels).unwrap();
    let bytes = safetensors::serialize([("images", images), ("labels", labels)], None).unwrap();
    let hash: String = {
        use sha2::Digest;
        sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    fs::write(folder.join("knn.safetensors"), bytes).unwrap();
    let text = format!("{{\"format\":\"digitstack knn 1\",\"arrays_sha256\":\"{hash}\",\"model\":{model}}}");
    fs::write(folder.join("knn.json"), text).unwrap();
}

#[test]
fn damaged_and_forged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let problem = || knn("").load(folder.path(), &cpu()).err().map(|error| error.to_string());
    let written = saved(fit("", &synthetic::generate(20, Seed(10))).as_ref(), folder.path());
    for (name, bytes) in ["knn.json", "knn.safetensors"].into_iter().zip(&written) {
        let path = folder.path().join(name);
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 3] {
            fs::write(&path, &bytes[..cut]).unwrap();
            assert!(problem().unwrap().contains(name), "{name} of {cut} bytes");
        }
        fs::remove_file(&path).unwrap();
        assert!(problem().unwrap().contains(name));
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(problem(), None);

    let model =
        |k: &str, images: &str| format!("{{\"config\":{{\"k\":{k},\"weights\":\"uniform\"}},\"images\":{images}}}");
    let (pixels, good) = (vec![7; 4 * PIXELS], [4, 28, 28]);
    forge(folder.path(), &model("3", "4"), &[0, 1, 2, 9], &good, &pixels);
    assert_eq!(problem(), None, "the forgery itself is right");
    for (model, labels, shape, expected) in [
        (model("3", "4"), &[0, 1, 2, 10][..], &good[..], "label 10"),
        (model("3", "4"), &[0, 1, 2], &good, "labels"),
        (model("3", "4"), &[0, 1, 2, 3], &[4, 784], "images"),
        (model("3", "4"), &[0, 1, 2, 3], &[28, 4, 28], "images"),
        (model("3", "5"), &[0, 1, 2, 3, 4], &good, "images"),
        (model("5", "4"), &[0, 1, 2, 3], &good, "k = 5"),
        (model("1", "0"), &[], &good, "k = 1"),
        (model("0", "4"), &[0, 1, 2, 3], &good, "expected 1 to 1000"),
        (model("1001", "4"), &[0, 1, 2, 3], &good, "expected 1 to 1000"),
        (model("3", "18446744073709551615"), &[0, 1, 2, 3], &good, "images"),
        (model("3", "-4"), &[0, 1, 2, 3], &good, "knn.json"),
        ("{}".to_owned(), &[0, 1, 2, 3], &good, "knn.json"),
    ] {
        forge(folder.path(), &model, labels, shape, &pixels);
        let problem = problem().unwrap_or_default();
        assert!(problem.contains(expected), "{model}, {shape:?}: {problem}");
    }
}

#[test]
fn impossible_settings_and_too_few_images_are_refused_by_name() {
    let build = |settings: &str| {
        learners::build(format!("name = \"a\"\nkind = \"knn\"\n{settings}").parse().unwrap()).err().unwrap().to_string()
    };
    for (settings, expected) in [
        ("[knn]\nk = 0", "knn.k"),
        ("[knn]\nk = 1001", "knn.k"),
        ("[knn]\nk = -1", "knn.k"),
        ("[knn]\nweights = \"squared\"", "knn.weights"),
        ("[knn]\nneighbours = 3", "neighbours"),
        ("k = 3", "`k`"),
    ] {
        let problem = build(settings);
        assert!(problem.contains(expected), "{settings}: {problem}");
    }
    let problem = try_fit(knn("[knn]\nk = 9").as_ref(), &synthetic::generate(8, Seed(1))).err().unwrap().to_string();
    assert_eq!(problem, "a: 8 training images, but `k` asks for 9 neighbours");
    assert!(try_fit(knn("[knn]\nk = 1").as_ref(), &Digits::default()).is_err());
}
