//! Background and orientation of stored 28×28 images: dark-on-light tables are inverted, transposed ones turned.

use super::{Images, PIXELS, Polarity, SIDE};

/// Images that are looked at, from the first on.
pub(super) const LOOKED_AT: usize = 256;
/// Share of images with a light frame above which a set is dark on light, and below whose complement it is not.
const CLEAR: f64 = 0.9;

/// Background of the first images of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Dark,
    Light,
    Mixed,
}

impl Ground {
    /// Looks at the frames of the first [`LOOKED_AT`] images: an image's ground is the median of its outermost pixels.
    pub(super) fn of<'a>(images: impl Iterator<Item = &'a [u8; PIXELS]>) -> Self {
        let (mut all, mut light) = (0, 0);
        for image in images.take(LOOKED_AT) {
            all += 1;
            light += usize::from(is_framed_light(image));
        }
        if light as f64 <= (1.0 - CLEAR) * f64::from(all) {
            Self::Dark
        } else if light as f64 >= CLEAR * f64::from(all) {
            Self::Light
        } else {
            Self::Mixed
        }
    }

    /// Whether images of this ground are inverted, by the setting `data.polarity`, and what to say about it.
    pub(super) fn decide(self, polarity: Polarity, what: &str) -> (bool, Option<String>) {
        match (polarity, self) {
            (Polarity::LightOnDark, _) | (Polarity::Auto, Self::Dark) => (false, None),
            (Polarity::DarkOnLight, _) => (true, Some(format!("{what}: dark on light (data.polarity), inverted"))),
            (Polarity::Auto, Self::Light) => {
                (true, Some(format!("{what}: the background is light: inverted (data.polarity says otherwise)")))
            }
            (Polarity::Auto, Self::Mixed) => (
                false,
                Some(format!(
                    "warning: {what}: some images have a light background and some a dark one; they are taken as they \
                     are, as light on dark (data.polarity settles it)"
                )),
            ),
        }
    }
}

/// Whether a file of this name holds images with rows and columns exchanged, as all of EMNIST's do.
pub(super) fn is_stored_turned(name: &str) -> bool {
    name.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "emnist")
}

/// Whether the median of the outermost pixels is nearer to white.
fn is_framed_light(image: &[u8; PIXELS]) -> bool {
    let is_edge = |at: usize| matches!(at / SIDE, 0 | 27) || matches!(at % SIDE, 0 | 27);
    let (mut edge, mut light) = (0, 0);
    for (at, &pixel) in image.iter().enumerate() {
        if is_edge(at) {
            edge += 1;
            light += usize::from(pixel > 127);
        }
    }
    2 * light > edge
}

/// The image with ink for background.
pub(super) fn inverted(image: &[u8; PIXELS]) -> [u8; PIXELS] {
    image.map(|pixel| 255 - pixel)
}

/// The image with rows and columns exchanged.
pub(super) fn transposed(image: &[u8; PIXELS]) -> [u8; PIXELS] {
    std::array::from_fn(|at| image[at % SIDE * SIDE + at / SIDE])
}

/// Applies one change to every image.
pub(super) fn changed(images: &Images, change: impl Fn(&[u8; PIXELS]) -> [u8; PIXELS]) -> Images {
    Images::from_images(images.iter().map(change))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn light_grounds_are_inverted_unless_the_setting_says_otherwise() {
        let stroke: [u8; PIXELS] = std::array::from_fn(|at| if (10..14).contains(&(at % SIDE)) { 250 } else { 0 });
        let paper = inverted(&stroke);
        let ground = |dark: usize, light: usize| {
            Ground::of(std::iter::repeat_n(&stroke, dark).chain(std::iter::repeat_n(&paper, light)))
        };
        assert_eq!([ground(10, 0), ground(0, 10), ground(5, 5)], [Ground::Dark, Ground::Light, Ground::Mixed]);
        assert_eq!(ground(0, 0), Ground::Dark);
        assert!(ground(0, 10).decide(Polarity::Auto, "t").0 && ground(10, 0).decide(Polarity::DarkOnLight, "t").0);
        assert!(!ground(0, 10).decide(Polarity::LightOnDark, "t").0);
        let (inverts, note) = ground(4, 6).decide(Polarity::Auto, "train.csv");
        assert!(!inverts && note.unwrap().starts_with("warning: train.csv"));
    }

    proptest! {
        #[test]
        fn both_changes_undo_themselves(pixels in proptest::collection::vec(any::<u8>(), PIXELS)) {
            let image: [u8; PIXELS] = pixels.try_into().unwrap();
            prop_assert_eq!(inverted(&inverted(&image)), image);
            prop_assert_eq!(transposed(&transposed(&image)), image);
            prop_assert_eq!(transposed(&image)[5 * SIDE + 3], image[3 * SIDE + 5]);
        }
    }
}
