//! Cache of the rows of a kernel matrix.

use super::kernel::{ImageSet, Kernel};

/// Slot of a row that is not in the cache.
const ABSENT: u32 = u32::MAX;

/// Cache of the most recently used rows; a missing row is computed.
pub(super) struct Rows<'a> {
    set: &'a ImageSet,
    kernel: Kernel,
    /// Slot of each row.
    slot_of: Vec<u32>,
    cached: Vec<Cached>,
    capacity: usize,
    clock: u64,
}

struct Cached {
    row: usize,
    values: Vec<f32>,
    last_used: u64,
}

impl<'a> Rows<'a> {
    /// Creates a cache of at most so many bytes, but always with room for two rows.
    pub(super) fn new(set: &'a ImageSet, kernel: Kernel, bytes: usize) -> Self {
        let capacity = (bytes / (set.len().max(1) * size_of::<f32>())).clamp(2, set.len().max(2));
        Self { set, kernel, slot_of: vec![ABSENT; set.len()], cached: Vec::new(), capacity, clock: 0 }
    }

    /// Returns one row.
    pub(super) fn one(&mut self, row: usize) -> &[f32] {
        let slot = self.fetch(row);
        &self.cached[slot].values
    }

    /// Returns two rows.
    pub(super) fn two(&mut self, rows: [usize; 2]) -> [&[f32]; 2] {
        // The first is the most recently used when the second is fetched, so with room for two it stays.
        let [first, second] = rows.map(|row| self.fetch(row));
        [&self.cached[first].values, &self.cached[second].values]
    }

    fn fetch(&mut self, row: usize) -> usize {
        self.clock += 1;
        let slot = match self.slot_of[row] {
            ABSENT => self.compute(row),
            slot => slot as usize,
        };
        self.cached[slot].last_used = self.clock;
        slot
    }

    fn compute(&mut self, row: usize) -> usize {
        let slot = if self.cached.len() < self.capacity {
            self.cached.push(Cached { row, values: vec![0.0; self.set.len()], last_used: 0 });
            self.cached.len() - 1
        } else {
            let oldest =
                self.cached.iter().enumerate().min_by_key(|(_, cached)| cached.last_used).map_or(0, |(slot, _)| slot);
            self.slot_of[self.cached[oldest].row] = ABSENT;
            self.cached[oldest].row = row;
            oldest
        };
        self.slot_of[row] = slot as u32;
        self.set.row(self.kernel, row, &mut self.cached[slot].values);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    #[test]
    fn rows_are_the_same_however_few_are_cached() {
        let set = ImageSet::new((0..20_u8).map(|number| [number * 3; PIXELS]).collect());
        let kernel = Kernel::new(0.01);
        let (mut few, mut all) = (Rows::new(&set, kernel, 1), Rows::new(&set, kernel, 1 << 20));
        for step in 0..200 {
            let rows = [step * 7 % 20, step * step % 20];
            assert_eq!(few.two(rows), all.two(rows), "{rows:?}");
        }
        assert_eq!((few.cached.len(), all.cached.len()), (2, 20));
        assert_eq!(few.one(3), all.one(3));
    }
}
