//! A JPEG picture at an eighth of its size, from the mean of each of its blocks.

use image::{DynamicImage, GrayImage, RgbImage};

use super::{
    scan::{Component, Frame},
    walk::Walk,
};

/// Colours of a picture with three or four components.
#[derive(Clone, Copy, PartialEq)]
enum Colours {
    YCbCr,
    Rgb,
    /// Inverted, as Adobe writes them.
    Cmyk,
    Ycck,
}

/// Makes the picture; `None` if its means were not kept. The rows and columns of blocks that reach over its edge are
/// left out, because encoders fill them with anything.
pub(super) fn picture(frame: &Frame, walk: &Walk) -> Option<DynamicImage> {
    let planes: Vec<Plane> =
        frame.components.iter().map(|component| Plane::of(component, walk)).collect::<Option<_>>()?;
    let across = frame.components.iter().map(|component| component.across).max()?;
    let down = frame.components.iter().map(|component| component.down).max()?;
    let (width, height) = ((frame.width / 8).max(1) as u32, (frame.height / 8).max(1) as u32);
    let level = |plane: &Plane, x: u32, y: u32| {
        let component = plane.component;
        plane.level(x as usize * component.across / across, y as usize * component.down / down)
    };
    let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
    let colours = match (&planes[..], walk.adobe) {
        ([plane], _) => {
            let single = GrayImage::from_fn(width, height, |x, y| image::Luma([plane.level(x as usize, y as usize)]));
            return Some(single.into());
        }
        ([_, _, _], Some(0)) => Colours::Rgb,
        ([_, _, _], None) if ids == *b"RGB" => Colours::Rgb,
        ([_, _, _], _) => Colours::YCbCr,
        (_, Some(2)) => Colours::Ycck,
        _ => Colours::Cmyk,
    };
    let pixel = |x: u32, y: u32| {
        let levels: [u8; 3] = std::array::from_fn(|index| level(&planes[index], x, y));
        let [red, green, blue] = match colours {
            Colours::YCbCr | Colours::Ycck => rgb(levels),
            Colours::Rgb | Colours::Cmyk => levels,
        };
        let Some(black) = planes.get(3) else { return image::Rgb([red, green, blue]) };
        // Of inverted inks, 255 is none.
        let black = u32::from(level(black, x, y));
        let of_ink = |ink: u8| (u32::from(ink) * black / 255) as u8;
        match colours {
            Colours::Ycck => image::Rgb([255 - red, 255 - green, 255 - blue].map(of_ink)),
            _ => image::Rgb([red, green, blue].map(of_ink)),
        }
    };
    Some(RgbImage::from_fn(width, height, pixel).into())
}

/// Mean of each block of a component.
struct Plane<'a> {
    component: &'a Component,
    /// Quantisation of the mean.
    factor: i32,
}

impl<'a> Plane<'a> {
    fn of(component: &'a Component, walk: &Walk) -> Option<Self> {
        let factor = i32::from(walk.quantisation[component.table]?);
        (!component.means.is_empty()).then_some(Self { component, factor })
    }

    fn level(&self, x: usize, y: usize) -> u8 {
        let (x, y) = (x.min(self.component.stride - 1), y.min(self.component.rows - 1));
        let mean = i32::from(self.component.means[y * self.component.stride + x]);
        // The coefficient is eight times the mean, of levels around 0.
        ((mean * self.factor + 4) >> 3).saturating_add(128).clamp(0, 255) as u8
    }
}

/// Red, green and blue by ITU-R BT.601, of the full range.
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|level| level.round().clamp(0.0, 255.0) as u8)
}
