//! The processors that nets can be computed on: what this machine has, and the choice of one.
//!
//! [`list`] names the devices without opening any; [`resolve`] turns the user's [`DeviceChoice`] into a
//! [`ChosenDevice`]. `auto` selects a real GPU if there is one and the CPU otherwise. A software adapter (lavapipe,
//! llvmpipe, SwiftShader, WARP) never counts as a GPU: it is many times slower than the CPU backend, and is used only
//! if it is asked for by name, as the parity test does.

#[cfg(feature = "wgpu")]
mod adapters;
mod choice;
mod selection;

pub use choice::{DeviceChoice, DeviceError, DeviceInfo, DeviceKind};
pub use selection::{ChosenDevice, list, resolve};
