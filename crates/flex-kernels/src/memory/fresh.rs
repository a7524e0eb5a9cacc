//! Large results whose memory each thread clears right before it fills its part.
//!
//! `vec![0.0; n]` clears a tensor of many megabytes on one thread, and the cleared memory has left the caches before it
//! is filled. Here each task clears its own part right before it writes to it.
//!
//! # Invariant
//! A vector is returned only if all of it was cleared: [`Fresh::parts`] cuts it without gaps or overlaps, a part can be
//! cleared once and then counts its values, and [`Fresh::finish`] compares the sum with the length.
#![allow(unsafe_code)]

use std::{
    mem::MaybeUninit,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Vector whose values are not initialised yet.
pub(crate) struct Fresh {
    /// Empty, with room for all.
    values: Vec<f32>,
    len: usize,
    /// Number of values cleared since the last call of `parts`.
    cleared: AtomicUsize,
}

/// Part of a [`Fresh`].
pub(crate) struct Part<'a> {
    values: &'a mut [MaybeUninit<f32>],
    cleared: &'a AtomicUsize,
}

impl Fresh {
    pub fn new(len: usize) -> Self {
        Self { values: Vec::with_capacity(len), len, cleared: AtomicUsize::new(0) }
    }

    /// Cuts the whole vector into parts of `size` values, the last one possibly smaller. Values of earlier parts are
    /// lost.
    pub fn parts(&mut self, size: usize) -> impl Iterator<Item = Part<'_>> {
        *self.cleared.get_mut() = 0;
        let cleared = &self.cleared;
        self.values.spare_capacity_mut()[..self.len].chunks_mut(size).map(move |values| Part { values, cleared })
    }

    /// Returns the vector.
    ///
    /// # Panics
    /// If not every one of its parts was cleared.
    pub fn finish(mut self) -> Vec<f32> {
        assert_eq!(*self.cleared.get_mut(), self.len, "some parts of a result were left out");
        // SAFETY: the capacity is at least `len`. The last call of `parts` set the count to 0 and handed every value
        // out in exactly one part. A part adds to the count only after it has written all of its values, at most once,
        // for `cleared` consumes it. So a count of `len` means that all are written. Parts borrow `self` mutably: they
        // are gone, and threads that had them have handed the borrow back.
        unsafe { self.values.set_len(self.len) };
        self.values
    }
}

impl<'a> Part<'a> {
    /// Clears the part and returns its values, all zero.
    pub fn cleared(self) -> &'a mut [f32] {
        for value in self.values.iter_mut() {
            value.write(0.0);
        }
        self.cleared.fetch_add(self.values.len(), Ordering::Relaxed);
        // SAFETY: all values were written above.
        unsafe { self.values.assume_init_mut() }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn parts_are_zero_side_by_side_and_keep_what_is_written() {
        for (len, size) in [(0, 3), (1, 3), (7, 3), (9, 3), (1000, 64)] {
            let mut fresh = Fresh::new(len);
            fresh.parts(size).collect::<Vec<_>>().into_par_iter().enumerate().for_each(|(index, part)| {
                let values = part.cleared();
                assert!(values.iter().all(|value| *value == 0.0) && values.len() == size.min(len - index * size));
                for (i, value) in values.iter_mut().enumerate() {
                    *value = (index * size + i) as f32;
                }
            });
            assert_eq!(fresh.finish(), (0..len).map(|i| i as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "left out")]
    fn a_part_that_was_not_cleared_is_noticed() {
        let mut fresh = Fresh::new(9);
        fresh.parts(3).skip(1).for_each(|part| part.cleared().fill(1.0));
        fresh.finish();
    }

    /// Twice two of three parts are as many as all values and more.
    #[test]
    #[should_panic(expected = "left out")]
    fn parts_of_an_earlier_cut_do_not_count() {
        let mut fresh = Fresh::new(9);
        for _ in 0..2 {
            fresh.parts(3).take(2).for_each(|part| part.cleared().fill(1.0));
        }
        fresh.finish();
    }
}
