//! Interface between folders of pictures and the module that reads pictures. Nothing is decoded here.

use std::{fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use super::PIXELS;
use crate::storage::read_limited;

/// Longest picture file, in bytes: 67 megapixels of RGB without compression.
const MAX_FILE_BYTES: u64 = 224 << 20;

/// Brightness of the ink relative to its background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// Found from the pictures.
    #[default]
    Auto,
    /// Dark ink on a light background, as on paper.
    DarkOnLight,
    /// Light ink on a dark background, as in MNIST.
    LightOnDark,
}

impl fmt::Display for Polarity {
    /// `auto`, `dark on light` or `light on dark`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::DarkOnLight => "dark on light",
            Self::LightOnDark => "light on dark",
        })
    }
}

/// A digit that was read from a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureDigit {
    /// `[28, 28]`, 0 = background, 255 = ink.
    pub pixels: [u8; PIXELS],
    /// Polarity that the picture was read with; never [`Polarity::Auto`].
    pub polarity: Polarity,
}

/// Reason why a file gives no digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureProblemKind {
    /// A picture that cannot be read: damaged, cut off, too large.
    Unreadable,
    /// A picture without ink.
    Blank,
    /// A file that is no picture, or one of a format that is not read.
    NotAPicture,
}

impl PictureProblemKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Unreadable, Self::Blank, Self::NotAPicture];

    /// `"unreadable"`, `"blank"` or `"not a picture"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Blank => "blank",
            Self::NotAPicture => "not a picture",
        }
    }
}

/// Problem of a file that gives no digit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PictureProblem {
    /// Kind of the problem.
    pub kind: PictureProblemKind,
    /// The problem in words, without the name of the file.
    pub message: String,
}

/// Reader of a whole picture file: from its bytes and the polarity to read it with to a digit. It is called from several
/// threads.
pub type PictureReader = Arc<dyn Fn(&[u8], Polarity) -> Result<PictureDigit, PictureProblem> + Send + Sync>;

/// Reads a picture file whole.
///
/// # Errors
/// A file that cannot be read, is too long or is empty.
pub(crate) fn picture_bytes(path: &Path) -> Result<Vec<u8>, PictureProblem> {
    let unreadable = |message| PictureProblem { kind: PictureProblemKind::Unreadable, message };
    match read_limited(path, MAX_FILE_BYTES) {
        Ok(bytes) if bytes.is_empty() => Err(unreadable("the file is empty (0 bytes)".to_owned())),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(unreadable(format!("cannot be read: {error}"))),
    }
}
