//! One image in, one image out: everything that is done to pixels before a model sees them.
//!
//! Two kinds of image pass through here. Everything that happens to a data set works on `[u8; 784]`: one 28×28 image, 0
//! = background, 255 = ink. **Every step takes such an image and returns such an image**, so that steps can be chained
//! in any order, and because the size is known at compile time nothing in this path allocates. Pictures of other sizes,
//! drawn or photographed, are [`Gray`] and pass through [`digit_from_picture`] once, which ends in a 28×28 image.
//!
//! The steps, each in its own file: the ink box and the centre of mass ([`ink_box`], [`centre_of_mass`]); resizing with
//! Pillow's antialiased filters ([`normalise_size`], [`Gray::resize`]); placing ([`centre`]); grey levels
//! ([`subtract_noise`], [`stretch`]); affine warps in one resampling pass ([`Affine`], [`rotate`]); deskewing by image
//! moments ([`deskew`]); elastic distortion ([`Elastic`]); stroke width ([`thicken`], [`thin`]).
//!
//! [`Recipe`] chains them as a configuration names them, and [`Recipe::prepare`] turns that into a [`Processor`], which
//! has its tables ready and works on one image or, on all cores, on a data set. Random steps draw from the seed they
//! are given and from nothing else, so a result depends on the image and its seed but never on the number of threads or
//! on the order of the images.
//!
//! Pixels are rounded to whole grey levels after every step, as Pillow does; all arithmetic is plain `f32` without
//! fused multiply-add, so that every processor gives the same bits whichever vector instructions it has.

mod batch;
mod deskew;
mod drawing;
mod elastic;
mod gray;
mod ink;
mod pen;
mod place;
mod recipe;
mod resize;
mod stroke;
mod tone;
mod vector;
mod warp;

pub use batch::{Throughput, expand, throughput};
pub use deskew::deskew;
pub use drawing::{
    DrawingError, DrawingOptions, InkSource, MAX_SIDE, PreparedDigit, decode_picture, digit_from_ink,
    digit_from_picture, open_picture, picture_size,
};
pub use elastic::{Elastic, Field, RawField};
pub use gray::Gray;
pub use ink::{InkBox, centre_of_mass, ink_box};
pub use pen::draw_line;
pub use place::{Centre, centre, normalise_size};
pub use recipe::{
    AffineRange, CentreStep, ElasticStep, EraseStep, Noise, NormaliseSize, PRESETS, Processor, Recipe, RotateStep,
    SingleWarp, Step, StrokeStep,
};
pub use resize::Filter;
pub use stroke::{thicken, thin};
pub use tone::{stretch, subtract_noise};
pub use warp::{Affine, rotate};
