//! Finds lines of digits on a page: a photograph, a scan or a wide drawing.
//!
//! 1. The levels of the picture are those of a single digit's picture: opacity, brightness or the colour channel with
//!    the strongest edges.
//! 2. [`background`]: a morphological closing on a coarse grid estimates the paper around each pixel, so that uneven
//!    light, shadows and a table below the sheet are background. [`contrast`]: ink is darker than its paper by a share
//!    of the paper's level, whichever the light. Which side is ink, dark or light, is the one with more contrast.
//! 3. [`ink`]: connected components, each with a threshold of its own at half of its contrast. Components with soft
//!    edges are shadows, large ones at the border are tables; inside them the paper is estimated again with a narrow
//!    window.
//! 4. [`rulings`]: rulings, underlines, frames and combs are straight thin tracks; they are erased where nothing
//!    crosses them. What they enclose are cells.
//! 5. [`lines`]: components that stand side by side form lines, whatever their slope.
//! 6. [`strip`]: each line becomes an image of its own, level and of a standard height.

mod background;
mod contrast;
mod ink;
mod lines;
mod rulings;
mod strip;
mod tracks;

pub use strip::{Strip, StripComponent};

use super::{
    components::Component,
    drawing::{DrawingError, InkSource, Levels, PagePicture, levels_of},
    ink::InkBox,
};
use contrast::Contrast;
use ink::PageInk;
use rulings::without_lines;

/// Most lines of a page: those that come later in the reading order are left out.
const MAX_LINES: usize = 200;
/// Most components of a page: more are texture, of which the largest are kept.
const MAX_COMPONENTS: usize = 4000;

/// Where the digits of a page are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// In lines of free writing.
    #[default]
    Lines,
    /// In printed boxes or the fields of combs, one digit in each.
    Boxes,
}

/// A line of digits of a page.
#[derive(Clone, Debug)]
pub struct FoundLine {
    /// Image of the line. With [`Layout::Boxes`] there is one for each box.
    pub strips: Vec<Strip>,
    /// Smallest box around the ink of the line in the upright picture.
    pub area: InkBox,
}

/// Finds the lines of a page, in reading order; none on an empty page. With [`Layout::Boxes`] a line is a row of boxes,
/// and boxes without ink are left out.
///
/// # Errors
/// [`DrawingError::Blank`] for a picture that is clear throughout.
pub fn find_numbers(page: &PagePicture, source: InkSource, layout: Layout) -> Result<Vec<FoundLine>, DrawingError> {
    let picture = &page.picture;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(DrawingError::Empty { width: picture.width(), height: picture.height() });
    }
    let PageInk { mut ink, mut components } = match levels_of(picture, source).ok_or(DrawingError::Blank)? {
        Levels::Ink(ink) => PageInk::of_ink(ink),
        Levels::Picture(levels, dark) => PageInk::of(Contrast::of(levels, dark)),
    };
    if components.len() > MAX_COMPONENTS {
        components.sort_by_key(|component| std::cmp::Reverse(component.pixels));
        components.truncate(MAX_COMPONENTS);
    }
    let size = (ink.width(), ink.height());
    let scale = (page.width as f32 / size.0 as f32, page.height as f32 / size.1 as f32);
    let ruled = without_lines(components, &mut ink);
    if layout == Layout::Boxes {
        return Ok(boxes(&ruled.components, ruled.cells, &ink, scale));
    }
    let mut found = lines::lines(&ruled.components, size);
    found.truncate(MAX_LINES);
    let strip = |line: lines::Line| {
        let members: Vec<&Component> = line.members.iter().map(|&index| &ruled.components[index]).collect();
        let area = InkBox::enclosing(members.iter().map(|component| component.area))?;
        let strip = Strip::of(&members, &ink, line.height, line.slope, scale)?;
        Some(FoundLine { strips: vec![strip], area: scaled(area, scale) })
    };
    Ok(found.into_iter().filter_map(strip).collect())
}

/// Rows of boxes with the ink in them.
fn boxes(components: &[Component], mut cells: Vec<InkBox>, ink: &super::Gray, scale: (f32, f32)) -> Vec<FoundLine> {
    // The inner edge of a frame and the outer one enclose the same.
    cells.sort_by_key(|cell| (cell.top, cell.left));
    let mut rows: Vec<Vec<InkBox>> = Vec::new();
    for cell in cells {
        let is_beside = |row: &&mut Vec<InkBox>| {
            row.last().is_some_and(|last| {
                let overlap = last.bottom().min(cell.bottom()).saturating_sub(last.top.max(cell.top));
                2 * overlap >= last.height.min(cell.height)
            })
        };
        match rows.iter_mut().find(is_beside) {
            Some(row) => row.push(cell),
            None => rows.push(vec![cell]),
        }
    }
    let in_cell = |cell: &InkBox| -> Vec<&Component> {
        let least = (cell.width.min(cell.height) / 12).max(3);
        let is_inside = |component: &&Component| {
            let (x, y) = component.area.middle();
            let (left, top) = (cell.left as f32, cell.top as f32);
            x >= left
                && y >= top
                && x <= cell.right() as f32
                && y <= cell.bottom() as f32
                && component.area.width.max(component.area.height) >= least
        };
        components.iter().filter(is_inside).collect()
    };
    let row = |mut row: Vec<InkBox>| {
        row.sort_by_key(|cell| cell.left);
        let filled = row.iter().map(in_cell).filter(|members| !members.is_empty());
        let strips: Vec<Strip> = filled
            .filter_map(|members| {
                let area = InkBox::enclosing(members.iter().map(|component| component.area))?;
                Strip::of(&members, ink, area.height as f32, 0.0, scale)
            })
            .collect();
        let area = InkBox::enclosing(row)?;
        (!strips.is_empty()).then(|| FoundLine { strips, area: scaled(area, scale) })
    };
    rows.into_iter().filter_map(row).collect()
}

/// A box of the page in the upright picture.
fn scaled(area: InkBox, scale: (f32, f32)) -> InkBox {
    let side = |first: usize, length: usize, scale: f32| {
        let from = (first as f32 * scale).floor() as usize;
        (from, ((first + length) as f32 * scale).ceil() as usize - from)
    };
    let (left, width) = side(area.left, area.width, scale.0);
    let (top, height) = side(area.top, area.height, scale.1);
    InkBox { left, top, width, height }
}
