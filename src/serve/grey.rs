//! Scale of grey levels that are sent as numbers.

/// What full ink is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// 1.
    Unit,
    /// 255.
    Byte,
}

/// Scale of fractions or whole numbers from 0 to 255: full ink is 1 if no number is greater. A picture of at most
/// level 1 of 255 would be blank, so that nothing that shows a digit is taken for something else.
///
/// # Errors
/// If the greatest number is between 1 and 2: too great for the one scale, and too small for the other.
pub(super) fn scale(numbers: impl Iterator<Item = f64>) -> Result<Scale, String> {
    let greatest = numbers.fold(0.0, f64::max);
    if greatest <= 1.0 {
        Ok(Scale::Unit)
    } else if greatest >= 2.0 {
        Ok(Scale::Byte)
    } else {
        Err(format!("the greatest number is {greatest}, expected numbers from 0 to 1 or from 0 to 255"))
    }
}

impl Scale {
    /// Level from 0 to 255 of a number of this scale.
    pub(super) fn level(self, number: f64) -> u8 {
        match self {
            Self::Unit => (255.0 * number).round() as u8,
            Self::Byte => number.round() as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_picture_is_the_same_in_every_scale(levels in proptest::collection::vec(any::<u8>(), 1..50), ink in 2u8..) {
            let levels: Vec<u8> = levels.into_iter().chain([ink]).collect();
            for (factor, expected) in [(1.0, Scale::Byte), (1.0 / 255.0, Scale::Unit)] {
                let numbers: Vec<f64> = levels.iter().map(|&level| f64::from(level) * factor).collect();
                let scale = scale(numbers.iter().copied()).unwrap();
                prop_assert_eq!(scale, expected);
                prop_assert_eq!(numbers.iter().map(|&number| scale.level(number)).collect::<Vec<u8>>(), levels.clone());
            }
        }
    }

    #[test]
    fn numbers_between_the_scales_are_refused() {
        assert_eq!(scale([].into_iter()), Ok(Scale::Unit));
        for between in [1.000_001, 1.5, 1.999] {
            assert!(scale([0.0, between].into_iter()).unwrap_err().contains(&between.to_string()));
        }
    }
}
