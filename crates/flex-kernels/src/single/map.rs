//! Sizes of the values between two layers.

/// Sizes of the values between two layers: `[positions][channels]`, channels padded.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    pub side: usize,
    pub channels: usize,
    pub padded: usize,
}

impl Map {
    /// Returns the number of values with the padding.
    pub fn len(self) -> usize {
        self.side * self.side * self.padded
    }
}
