//! Strided view of a tensor's memory.

/// Four-dimensional view `[batch, channels, height, width]` of a buffer, with strides in values.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub data: &'a [f32],
    pub offset: usize,
    pub strides: [isize; 4],
}

impl View<'_> {
    pub fn at(&self, n: usize, c: usize, y: usize, x: usize) -> usize {
        let [sn, sc, sy, sx] = self.strides;
        (self.offset as isize + n as isize * sn + c as isize * sc + y as isize * sy + x as isize * sx) as usize
    }
}
