//! A data set in the memory of a device, and its augmentation there.

mod digits;
mod warp;

pub(in crate::nn) use digits::{DeviceDigits, unchanged};
pub(in crate::nn) use warp::{DeviceWarp, Draws};
