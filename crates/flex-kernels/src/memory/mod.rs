//! Memory that the operations read and write: views of tensors, scratch buffers, results that are filled in parts.

mod buffer;
mod fresh;
mod view;

pub(crate) use buffer::Buffer;
pub(crate) use fresh::{Fresh, Part};
pub(crate) use view::View;
