use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    data::synthetic,
    device::{self, DeviceChoice},
    fit::Cancel,
    learners::build,
    progress::Silent,
    seed::Seed,
};

/// A learner of two epochs, or of other settings.
fn learner(settings: &str) -> Result<Box<dyn Learner>, FieldError> {
    build(format!("name = \"a\"\n{settings}").parse().unwrap())
}

const SMALL_NET: &str = "kind = \"dense\"\nnetwork.hidden = [16]\ntraining.epochs = 2\ntraining.batch_size = 20\n";

fn fit(learner: &dyn Learner, train: &Digits) -> Box<dyn Classifier> {
    let (device, cancel) = (device::resolve(&DeviceChoice::Cpu).unwrap(), Cancel::default());
    learner.fit(train, None, &FitContext::new(&device, 1, &Silent, &cancel).labelled("a")).unwrap().classifier
}

#[test]
fn each_number_of_shifts_is_a_symmetric_set_of_its_own_offsets() {
    let square = |limit: isize| (-limit..=limit).flat_map(move |x| (-limit..=limit).map(move |y| (x, y)));
    for (count, expected) in [
        (1, square(0).collect::<BTreeSet<_>>()),
        (5, square(1).filter(|(x, y)| x * y == 0).collect()),
        (9, square(1).collect()),
        (25, square(2).collect()),
    ] {
        assert!(COUNTS.contains(&count));
        assert_eq!(OFFSETS[..count as usize].iter().copied().collect::<BTreeSet<_>>(), expected, "{count}");
    }
}

proptest! {
    #[test]
    fn a_shift_moves_every_pixel_and_fills_with_background(
        pixels in prop::collection::vec(any::<u8>(), PIXELS),
        index in 0..OFFSETS.len(),
    ) {
        let image: [u8; PIXELS] = pixels.try_into().unwrap();
        let (right, down) = OFFSETS[index];
        let shifted = shift(&image, (right, down));
        let side = SIDE as isize;
        for row in 0..side {
            for column in 0..side {
                let (from_row, from_column) = (row - down, column - right);
                let is_inside = (0..side).contains(&from_row) && (0..side).contains(&from_column);
                let expected = if is_inside { image[(from_row * side + from_column) as usize] } else { 0 };
                prop_assert_eq!(shifted[(row * side + column) as usize], expected);
            }
        }
    }
}

#[test]
fn predictions_are_means_over_the_shifts_in_batches_one_by_one_and_once_loaded() {
    let train = synthetic::generate(200, Seed(3));
    let images = synthetic::generate(30, Seed(4)).images;
    for kind in [SMALL_NET, "kind = \"knn\"\n"] {
        let plain = fit(learner(kind).unwrap().as_ref(), &train);
        for count in [5, 9, 25] {
            let shifted = learner(&format!("{kind}predict.shifts = {count}")).unwrap();
            assert_eq!(shifted.shifts(), count);
            let model = fit(shifted.as_ref(), &train);
            let rows = model.predict_proba(&images).unwrap();

            let mut expected = vec![[0.0f64; CLASSES]; images.len()];
            for &offset in &OFFSETS[..count as usize] {
                let moved = Images::from_images(images.iter().map(|image| shift(image, offset)));
                for (sums, row) in expected.iter_mut().zip(plain.predict_proba(&moved).unwrap()) {
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(value) / f64::from(count));
                }
            }
            let folder = tempfile::tempdir().unwrap();
            model.save(folder.path()).unwrap();
            let loaded = shifted.load(folder.path(), &device::resolve(&DeviceChoice::Cpu).unwrap()).unwrap();
            assert_eq!(loaded.predict_proba(&images).unwrap(), rows);
            let mut predictor = model.predictor().unwrap().another();
            for (index, expected) in expected.iter().enumerate() {
                let one = predictor.predict_one(images.get(index));
                for class in 0..CLASSES {
                    assert!((f64::from(rows[index][class]) - expected[class]).abs() < 1e-6);
                    assert!((f64::from(one[class]) - expected[class]).abs() < 1e-5);
                }
            }
            assert_ne!(rows, plain.predict_proba(&images).unwrap(), "the shifts change nothing");
        }
    }
}

#[test]
fn the_setting_is_kept_and_one_shift_is_no_decorator() {
    let shifted = learner(&format!("{SMALL_NET}predict.shifts = 9")).unwrap();
    let again = build(shifted.settings().unwrap()).unwrap();
    assert_eq!((again.shifts(), again.settings().unwrap()), (9, shifted.settings().unwrap()));
    assert!(shifted.net().is_some() && shifted.summary().contains("9 shifts"));
    let one = learner(&format!("{SMALL_NET}predict.shifts = 1")).unwrap();
    assert_eq!(one.settings().unwrap(), learner(SMALL_NET).unwrap().settings().unwrap());
}

#[test]
fn wrong_settings_are_named() {
    for (settings, field) in [
        ("predict.shifts = 4", "predict.shifts"),
        ("predict.shifts = 0", "predict.shifts"),
        ("predict.shifts = \"many\"", "predict.shifts"),
        ("predict.turns = 3", "predict"),
        ("predict = 5", "predict"),
    ] {
        let error = learner(&format!("kind = \"knn\"\n{settings}")).err().unwrap().to_string();
        assert!(error.starts_with(field), "{error}");
    }
}
