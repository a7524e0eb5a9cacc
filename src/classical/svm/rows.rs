//! Rows of a kernel matrix, computed when they are asked for and kept while there is room.

use super::kernel::{ImageSet, Kernel};

/// Stands for a row that is not kept.
const ABSENT: u32 = u32::MAX;

/// The most recently used rows.
pub(super) struct Rows<'a> {
    set: &'a ImageSet,
    kernel: Kernel,
    /// Where each row is kept.
    place_of: Vec<u32>,
    kept: Vec<Kept>,
    capacity: usize,
    clock: u64,
}

struct Kept {
    row: usize,
    values: Vec<f32>,
    last_used: u64,
}

impl<'a> Rows<'a> {
    /// Keeps at most so many bytes of rows, but always two rows.
    pub(super) fn new(set: &'a ImageSet, kernel: Kernel, bytes: usize) -> Self {
        let capacity = (bytes / (set.len().max(1) * size_of::<f32>())).clamp(2, set.len().max(2));
        Self { set, kernel, place_of: vec![ABSENT; set.len()], kept: Vec::new(), capacity, clock: 0 }
    }

    /// One row.
    pub(super) fn one(&mut self, row: usize) -> &[f32] {
        let place = self.fetch(row);
        &self.kept[place].values
    }

    /// Two rows.
    pub(super) fn two(&mut self, rows: [usize; 2]) -> [&[f32]; 2] {
        // The first is the most recently used when the second is fetched: with room for two it stays.
        let [first, second] = rows.map(|row| self.fetch(row));
        [&self.kept[first].values, &self.kept[second].values]
    }

    fn fetch(&mut self, row: usize) -> usize {
        self.clock += 1;
        let place = match self.place_of[row] {
            ABSENT => self.compute(row),
            place => place as usize,
        };
        self.kept[place].last_used = self.clock;
        place
    }

    fn compute(&mut self, row: usize) -> usize {
        let place = if self.kept.len() < self.capacity {
            self.kept.push(Kept { row, values: vec![0.0; self.set.len()], last_used: 0 });
            self.kept.len() - 1
        } else {
            let oldest =
                self.kept.iter().enumerate().min_by_key(|(_, kept)| kept.last_used).map_or(0, |(place, _)| place);
            self.place_of[self.kept[oldest].row] = ABSENT;
            self.kept[oldest].row = row;
            oldest
        };
        self.place_of[row] = place as u32;
        self.set.row(self.kernel, row, &mut self.kept[place].values);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    #[test]
    fn rows_are_the_same_however_few_are_kept() {
        let set = ImageSet::new((0..20_u8).map(|number| [number * 3; PIXELS]).collect());
        let kernel = Kernel::new(0.01);
        let (mut few, mut all) = (Rows::new(&set, kernel, 1), Rows::new(&set, kernel, 1 << 20));
        for step in 0..200 {
            let rows = [step * 7 % 20, step * step % 20];
            assert_eq!(few.two(rows), all.two(rows), "{rows:?}");
        }
        assert_eq!((few.kept.len(), all.kept.len()), (2, 20));
        assert_eq!(few.one(3), all.one(3));
    }
}
