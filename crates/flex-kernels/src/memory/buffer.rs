//! Scratch memory that is allocated once and aligned to a cache line.

/// Reusable memory that begins at a cache line.
#[derive(Default)]
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// Returns `len` values with unspecified content, growing the buffer if necessary.
    pub fn take(&mut self, len: usize) -> &mut [f32] {
        const LINE: usize = 64 / size_of::<f32>();
        if self.0.len() < len + LINE {
            self.0.resize(len + LINE, 0.0);
        }
        let skip = Self::skip(&self.0);
        &mut self.0[skip..skip + len]
    }

    /// Returns the first `len` values.
    pub fn get(&self, len: usize) -> &[f32] {
        &self.0[Self::skip(&self.0)..][..len]
    }

    /// Returns the number of values in front of the first cache line.
    fn skip(memory: &[f32]) -> usize {
        const LINE: usize = 64 / size_of::<f32>();
        // `align_offset` may decline (it does so in constant evaluation only); then the buffer is merely unaligned.
        memory.as_ptr().align_offset(64).min(LINE)
    }
}
