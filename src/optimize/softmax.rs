//! The softmax of all models that are computed in double precision.

/// Probabilities of logits: `exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x)`, summed in order; −∞ gives 0.
pub(crate) fn softmax<const N: usize>(mut logits: [f64; N]) -> [f64; N] {
    softmax_in_place(&mut logits, 1.0);
    logits
}

/// Replaces logits, multiplied by `sharpness` (the inverse of a temperature), by their probabilities.
///
/// The largest is subtracted before the multiplication, so that no sharpness overflows; 1 changes no bit.
pub(crate) fn softmax_in_place(logits: &mut [f64], sharpness: f64) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (sharpness * (*logit - largest)).exp();
        sum += *logit;
    }
    for power in logits {
        *power /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_infinite_logits_give_probabilities() {
        assert_eq!(softmax([1000.0, f64::NEG_INFINITY, 1000.0]), [0.5, 0.0, 0.5]);
        let mut sharp = [0.0, (0.25_f64).ln()];
        softmax_in_place(&mut sharp, 0.5);
        assert!((sharp[0] - 2.0 / 3.0).abs() < 1e-15 && (sharp[1] - 1.0 / 3.0).abs() < 1e-15, "{sharp:?}");
    }
}
