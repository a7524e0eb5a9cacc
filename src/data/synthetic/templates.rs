//! How each digit is written: tables of pen strokes.
//!
//! Coordinates are hundredths of the digit's height: x to the right from 0 to about 64, y downwards from 0 to 100. `s`
//! is a knot that the pen passes smoothly, `c` a corner. The shapes of one template have the same strokes and knots, so
//! that any mixture of them is a shape too.

use super::style::Draw;
use crate::data::CLASSES;

mod five_to_nine;
mod zero_to_four;

use five_to_nine::{EIGHT, FIVE, NINE, SEVEN, SIX};
use zero_to_four::{FOUR, ONE, THREE, TWO, ZERO};

/// By class, 0 to 9. A static, so that a template has one address.
static TEMPLATES: [&[Template<'static>]; CLASSES] = [ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE];

/// A point that the pen goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Knot {
    pub x: f32,
    pub y: f32,
    /// True if the pen may turn sharply here.
    pub corner: bool,
}

/// A knot that the pen passes smoothly.
pub(crate) const fn s(x: i16, y: i16) -> Knot {
    Knot { x: x as f32, y: y as f32, corner: false }
}

/// A corner.
pub(crate) const fn c(x: i16, y: i16) -> Knot {
    Knot { x: x as f32, y: y as f32, corner: true }
}

/// Strokes of one shape, each a list of knots.
pub(crate) type Shape = &'static [&'static [Knot]];

/// One way to write a class.
#[derive(Debug)]
pub(super) struct Template<'shapes> {
    /// Relative frequency among the templates of its class.
    pub weight: f32,
    /// Shapes that blend.
    pub shapes: &'shapes [Shape],
}

/// Draws one of the ways in which `class` is written.
pub(super) fn choose(class: u8, draw: &mut Draw) -> &'static Template<'static> {
    let templates = TEMPLATES[usize::from(class)];
    let sum: f32 = templates.iter().map(|template| template.weight).sum();
    let mut left = draw.unit() * sum;
    for template in templates {
        if left < template.weight {
            return template;
        }
        left -= template.weight;
    }
    &templates[templates.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_shapes_of_a_template_blend() {
        for template in TEMPLATES.into_iter().flatten() {
            let outline = |shape: &Shape| -> Vec<Vec<bool>> {
                shape.iter().map(|stroke| stroke.iter().map(|knot| knot.corner).collect()).collect()
            };
            let first = outline(&template.shapes[0]);
            assert!(first.iter().all(|stroke| stroke.len() >= 2), "{template:?}");
            assert!(
                template.shapes.iter().all(|shape| outline(shape) == first),
                "strokes, knots or corners differ: {template:?}"
            );
            assert!(template.weight > 0.0, "{template:?}");
        }
    }

    #[test]
    fn every_template_is_used_about_as_often_as_its_weight_says() {
        for class in 0..CLASSES as u8 {
            let templates = TEMPLATES[usize::from(class)];
            let sum: f32 = templates.iter().map(|template| template.weight).sum();
            let mut counts = vec![0; templates.len()];
            for index in 0..4_000 {
                let chosen = choose(class, &mut Draw::new(Seed(2).index(index)));
                counts[templates
                    .iter()
                    .position(|template| std::ptr::eq(template, chosen))
                    .expect("one of the class")] += 1;
            }
            for (template, count) in templates.iter().zip(counts) {
                let (share, wanted) = (count as f32 / 4_000.0, template.weight / sum);
                assert!((share - wanted).abs() < 0.03, "class {class}: share {share}, weight {wanted}");
            }
        }
    }
}
