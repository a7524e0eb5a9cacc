use super::{loss::PixelLoss, pixels::Inked};
use crate::{classical::fit::MOST_LOSS, data::synthetic, optimize::Objective, seed::Seed};
use rand::RngExt;

#[test]
fn the_gradient_is_that_of_the_value() {
    let digits = synthetic::generate(1500, Seed(1));
    let classes: Vec<u8> = (0..10).collect();
    let images = Inked::new(&digits.images);
    let problem = PixelLoss::new(&images, &digits.labels, &classes, 0.01);
    let mut rng = Seed(2).rng();
    let at: Vec<f64> = (0..problem.parameters()).map(|_| rng.random_range(-0.5..0.5)).collect();
    let gradient = problem.evaluate(&at).1;
    // Corners and centres of several classes, and intercepts.
    for index in [0, 300, 406, 784, 785, 785 + 350, 5 * 785 + 410, 7849] {
        let mut moved = [at.clone(), at.clone()];
        moved[0][index] += 1e-5;
        moved[1][index] -= 1e-5;
        let [up, down] = moved.map(|at| problem.evaluate(&at).0);
        assert!(((up - down) / 2e-5 - gradient[index]).abs() < 1e-8, "parameter {index}");
    }
}

#[test]
fn the_loss_is_that_of_its_definition() {
    let digits = synthetic::generate(40, Seed(1));
    let classes: Vec<u8> = (0..10).collect();
    let images = Inked::new(&digits.images);
    let problem = PixelLoss::new(&images, &digits.labels, &classes, 1e6);
    let mut rng = Seed(2).rng();
    let at: Vec<f64> = (0..problem.parameters()).map(|_| rng.random_range(-0.5..0.5)).collect();
    let table = problem.table(&at);
    let (mut loss, mut reported, mut correct) = (0.0, 0.0, 0_u32);
    for (image, &label) in digits.images.iter().zip(&digits.labels) {
        let logit = |class: usize| {
            table[784][class] + image.iter().zip(&table).map(|(&level, row)| f64::from(level) * row[class]).sum::<f64>()
        };
        let logits: Vec<f64> = (0..10).map(logit).collect();
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        // Random weights are certain of wrong things; what is reported of one image has a bound, what is minimised has
        // none.
        let of_image = sum.ln() - logits[usize::from(label)];
        loss += of_image;
        reported += of_image.min(MOST_LOSS);
        correct += u32::from((0..10).all(|class| logits[class] <= logits[usize::from(label)]));
    }
    let standing = problem.standing_on(&at, &images, &digits.labels);
    assert!(
        (standing.loss - reported / 40.0).abs() < 1e-9 && standing.accuracy == f64::from(correct) / 40.0,
        "{standing:?}"
    );
    problem.evaluate(&at);
    let training = problem.standing();
    assert!((training.loss - loss / 40.0).abs() < 1e-9 && training.accuracy == standing.accuracy, "{training:?}");
    assert!(training.loss > standing.loss, "the bound is met");
}
