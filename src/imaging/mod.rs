//! Image processing: from pictures to 28×28 digits, and from 28×28 digits to the images that models see.
//!
//! There are two image types. A digit is `[u8; 784]`: one 28×28 image, row-major, 0 = background, 255 = ink. **Every
//! processing step takes a digit and returns a digit**, so that steps can be chained in any order; because the size is
//! known at compile time, none of them allocates. A picture of any other size, drawn or photographed, is a [`Gray`] and
//! is converted to a digit once, by [`digit_from_picture`].
//!
//! The steps, each in its own file: ink box and centre of mass ([`ink_box`], [`centre_of_mass`]); resizing with
//! Pillow's antialiased filters ([`normalise_size`], [`Gray::resize`]); centering ([`centre`]); intensity
//! ([`subtract_noise`], [`stretch`]); affine warps in one resampling pass ([`Affine`], [`rotate`]); deskewing by image
//! moments ([`deskew`]); elastic distortion ([`Elastic`]); stroke width ([`thicken`], [`thin`]).
//!
//! A [`Recipe`] chains steps as a configuration names them. [`Recipe::compile`] turns it into a [`Processor`], which
//! applies them to one image or, on all cores, to a data set. Random steps draw only from the seed they are given, so a
//! result depends on the image and its seed, never on the number of threads or the order of the images.
//!
//! Pixels are rounded to whole grey levels after every step, as Pillow does; all arithmetic is plain `f32` without
//! fused multiply-add, so that every processor gives the same bits whichever vector instructions it has.

mod batch;
mod centering;
mod components;
mod deskew;
mod drawing;
mod elastic;
mod gray;
mod ink;
mod intensity;
mod page;
mod pen;
mod recipe;
mod resize;
mod stroke;
mod vector;
mod warp;

pub use batch::{Throughput, expand, throughput};
pub use centering::{Centre, centre, normalise_size};
pub use deskew::deskew;
pub use drawing::{
    DrawingError, DrawingOptions, ExtractedDigit, InkSource, MAX_PICTURE_BYTES, MAX_PIXELS, MAX_SIDE, MAX_WHOLE_PIXELS,
    PICTURE_FORMATS, PagePicture, decode_page, decode_picture, decoding_memory, digit_from_ink, digit_from_picture,
    is_picture, open_picture, page_memory, read_picture,
};
pub use elastic::{Elastic, Field, RawField};
pub use gray::Gray;
pub use ink::{InkBox, centre_of_mass, ink_box};
pub use intensity::{stretch, subtract_noise};
pub use page::{FoundLine, Layout, Strip, StripComponent, find_numbers};
pub use pen::draw_line;
pub use recipe::{
    AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, PRESETS, Processor, Recipe, RotateStep,
    SingleWarp, Step, StrokeStep, describe_preset,
};
pub use resize::Filter;
pub use stroke::{thicken, thin};
pub use warp::{Affine, rotate};
