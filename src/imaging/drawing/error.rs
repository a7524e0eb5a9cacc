//! Errors of converting a picture to a digit.

/// Maximum length of a side, in pixels.
pub const MAX_SIDE: u32 = 4096;

/// Reason why a picture cannot be converted to a digit.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// No ink stands out from the background.
    #[error("the picture is blank: no ink stands out from its background")]
    Blank,
    /// A side is longer than [`MAX_SIDE`].
    #[error("the picture is {width}×{height} pixels: at most {MAX_SIDE} pixels a side are supported; scale it down")]
    TooLarge {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
    },
    /// A side has no pixels.
    #[error("the picture has no pixels ({width}×{height})")]
    Empty {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Path of the file.
        path: std::path::PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The bytes are not a PNG or JPEG picture, or a damaged one.
    #[error("not a readable PNG or JPEG picture: {0}")]
    Decode(#[from] image::ImageError),
}
