//! Geometry of the patches that a convolution reads from a staged image.

/// Vectors of output channels in one tile of [`Convolve`], and in one panel of the products between Winograd's
/// transforms.
pub(crate) const PANEL: usize = 2;

/// Offsets of the patches in a staged image.
#[derive(Clone, Copy)]
pub(crate) struct Patches<'a> {
    /// Offset of each position's first patch.
    pub bases: &'a [usize],
    /// Offset of each of the position's patches from the first.
    pub corners: [usize; 4],
    /// Patches of a position: 4 in front of a pool, else 1.
    pub candidates: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Values from one image row to the next.
    pub row: usize,
    /// Values of one kernel row.
    pub segment: usize,
}

impl Patches<'_> {
    /// The length that a staged image needs if every kernel row is read `segment` values long.
    pub fn reach(&self, segment: usize) -> usize {
        let base = self.bases.iter().copied().max().unwrap_or(0);
        let corner = self.corners.iter().copied().max().unwrap_or(0);
        base + corner + (self.kernel - 1) * self.row + segment
    }
}
