//! Errors of converting a picture to a digit.

/// Maximum length of a side, in pixels: what JPEG and GIF can express.
pub const MAX_SIDE: u32 = 65_535;
/// Maximum number of pixels of a PNG or JPEG picture, which are reduced while they are decoded: 134 megapixels.
pub const MAX_PIXELS: u64 = 1 << 27;
/// Maximum number of pixels of a picture that is decoded as a whole: 67 megapixels.
pub const MAX_WHOLE_PIXELS: u64 = 1 << 26;
/// Formats that are read, for messages.
pub const PICTURE_FORMATS: &str = "PNG, JPEG, GIF, BMP, WebP, TIFF or PNM";

/// Reason why a picture cannot be converted to a digit.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// No ink stands out from the background.
    #[error("the picture is blank: no ink stands out from its background")]
    Blank,
    /// More pixels, or a longer side, than are read.
    #[error(
        "the picture is {width}×{height} pixels; expected at most {} megapixels and {MAX_SIDE} pixels a side: scale it \
         down",
        most_pixels / 1_000_000
    )]
    TooLarge {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
        /// Maximum number of pixels of a picture of its format.
        most_pixels: u64,
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
    /// Parts of the picture are missing or changed.
    #[error("a damaged {format} picture: {problem}")]
    Damaged {
        /// Name of the format.
        format: &'static str,
        /// Damage, in words.
        problem: String,
    },
    /// A picture of a format that is not read.
    #[error("{what}, which cannot be read: {advice}")]
    OtherFormat {
        /// Name of what was found, with its article.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The bytes are no picture.
    #[error("not a picture: found {found}, expected {PICTURE_FORMATS}")]
    NotAPicture {
        /// What they are, if known.
        found: &'static str,
    },
    /// The decoder refuses the picture.
    #[error("not a readable picture: {0}")]
    Decode(#[from] image::ImageError),
}

impl DrawingError {
    /// Damage of a picture.
    pub(super) fn damaged(format: &'static str, problem: impl Into<String>) -> Self {
        Self::Damaged { format, problem: named_chunk(problem.into()) }
    }
}

/// The `png` crate's sentence with the name of a chunk in place of its debug output, `ChunkType { type: tEXt, … }`.
fn named_chunk(problem: String) -> String {
    let parts = problem.split_once("ChunkType { type: ").and_then(|(before, rest)| {
        let (inside, after) = rest.split_once(" }")?;
        Some((before, inside.split_once(',').map_or(inside, |(name, _)| name), after))
    });
    match parts {
        Some((before, name, after)) => format!("{before}`{name}`{after}"),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_in_the_wrong_place_is_named() {
        let text = "ChunkType { type: tEXt, critical: false, private: false } chunk appeared before IHDR chunk";
        let said = DrawingError::damaged("PNG", text).to_string();
        assert_eq!(said, "a damaged PNG picture: `tEXt` chunk appeared before IHDR chunk");
    }
}
