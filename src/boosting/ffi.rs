//! Safe wrapper of LightGBM's C interface: owned handles, checked results. No other module calls the library.
//!
//! *The number of threads is one variable of the whole process.* The library reads it repeatedly inside one call and
//! sizes arrays by it, so that two boosters with different numbers at the same time would write out of bounds. Every
//! call therefore takes a [`Threads`] token. Tokens for the same number may be held together; one for another number
//! waits for all of them to be dropped, first come, first served.
//!
//! *A model text is never passed to the library.* Its parser crashes the process on damaged text; models are read and
//! evaluated in Rust.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    marker::PhantomData,
    ptr,
    sync::{Condvar, Mutex, PoisonError},
};

use lightgbm_sys as sys;

use super::error::BoostingError;
use crate::data::{CLASSES, PIXELS};

/// Callers inside the library, their number of threads, and the queue of those that wait.
#[derive(Default)]
struct Door {
    threads: usize,
    inside: usize,
    next_ticket: u64,
    now_serving: u64,
}

static DOOR: Mutex<Door> = Mutex::new(Door { threads: 0, inside: 0, next_ticket: 0, now_serving: 0 });
static DOOR_MOVED: Condvar = Condvar::new();

/// Token that allows calls of the library with this number of threads. Not `Send`: it stays on the thread that entered.
pub(super) struct Threads {
    count: usize,
    not_send: PhantomData<*const ()>,
}

impl Threads {
    /// Waits until no caller is inside with another number of threads, then enters.
    pub(super) fn enter(count: usize) -> Self {
        let count = count.max(1);
        let mut door = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = door.next_ticket;
        door.next_ticket += 1;
        while door.now_serving != ticket || (door.inside > 0 && door.threads != count) {
            door = DOOR_MOVED.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        door.now_serving += 1;
        if door.inside == 0 {
            door.threads = count;
            // SAFETY: `inside` is 0 and the door is locked, so that no other thread is in the library or can enter.
            unsafe { sys::set_num_threads(count as c_int) };
        }
        door.inside += 1;
        drop(door);
        DOOR_MOVED.notify_all();
        // SAFETY: the callback is a plain function that ignores its argument; registering replaces a thread-local
        // pointer.
        unsafe { sys::LGBM_RegisterLogCallback(Some(ignore)) };
        Self { count, not_send: PhantomData }
    }

    /// Number of threads.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        DOOR.lock().unwrap_or_else(PoisonError::into_inner).inside -= 1;
        DOOR_MOVED.notify_all();
    }
}

/// Discards a log line of the library; failures are returned as errors.
extern "C" fn ignore(_line: *const c_char) {}

/// Converts a status into a result, with the library's message.
fn check(call: &'static str, status: c_int) -> Result<(), BoostingError> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: the library returns a NUL-terminated thread-local string that lives until this thread's next failing
    // call.
    let message = unsafe { CStr::from_ptr(sys::LGBM_GetLastError()) }.to_string_lossy().into_owned();
    Err(BoostingError::Library { call, message })
}

/// Parameters as a C string. They contain no NUL: they are built from numbers and fixed words.
fn c_string(parameters: &str) -> CString {
    CString::new(parameters).expect("parameters are built from numbers and fixed words, without a NUL")
}

/// Finished dataset in the library's memory: bins and labels, read-only.
pub(super) struct DatasetHandle(sys::DatasetHandle);

// SAFETY: a handle is a heap object without thread affinity; it is freed once, by `Drop`.
unsafe impl Send for DatasetHandle {}
// SAFETY: after construction (`set_*` take `&mut self`) the library only reads the object: boosters take it as `const
// Dataset*`.
unsafe impl Sync for DatasetHandle {}

impl Drop for DatasetHandle {
    fn drop(&mut self) {
        // SAFETY: the handle came from the library, is owned by `self` and is not used again.
        unsafe { sys::LGBM_DatasetFree(self.0) };
    }
}

/// Nonzero values of one column, with their rows in the sample.
#[derive(Default)]
pub(super) struct SampledColumn {
    pub(super) values: Vec<f64>,
    pub(super) rows: Vec<i32>,
}

impl DatasetHandle {
    /// Creates an empty dataset of `rows` rows, binned by a sample of `sample_rows` rows.
    pub(super) fn from_sample(
        threads: &Threads,
        columns: &mut [SampledColumn],
        sample_rows: i32,
        rows: i32,
        parameters: &str,
    ) -> Result<Self, BoostingError> {
        let counts: Vec<c_int> =
            columns.iter().map(|column| column.values.len().min(column.rows.len()) as c_int).collect();
        let mut values: Vec<*mut f64> = columns.iter_mut().map(|column| column.values.as_mut_ptr()).collect();
        let mut indices: Vec<*mut c_int> = columns.iter_mut().map(|column| column.rows.as_mut_ptr()).collect();
        let parameters = c_string(&format!("{parameters} num_threads={}", threads.count()));
        let mut handle = ptr::null_mut();
        // SAFETY: `values` and `indices` hold one pointer for each column, to at least `counts[c]` elements that
        // outlive the call.
        let status = unsafe {
            sys::LGBM_DatasetCreateFromSampledColumn(
                values.as_mut_ptr(),
                indices.as_mut_ptr(),
                columns.len() as i32,
                counts.as_ptr(),
                sample_rows,
                rows,
                i64::from(rows),
                parameters.as_ptr(),
                &mut handle,
            )
        };
        check("LGBM_DatasetCreateFromSampledColumn", status)?;
        Ok(Self(handle))
    }

    /// Creates an empty dataset of `rows` rows with the bins of `reference`.
    pub(super) fn by_reference(_threads: &Threads, reference: &Self, rows: i32) -> Result<Self, BoostingError> {
        let mut handle = ptr::null_mut();
        // SAFETY: `reference` is a live dataset; the new one copies its bins.
        let status = unsafe { sys::LGBM_DatasetCreateByReference(reference.0, i64::from(rows), &mut handle) };
        check("LGBM_DatasetCreateByReference", status)?;
        Ok(Self(handle))
    }

    /// Writes rows `[k, 784]` from row `start` on, which must lie inside the dataset's `rows`.
    pub(super) fn push(
        &mut self,
        _threads: &Threads,
        values: &[f32],
        start: i32,
        rows: i32,
    ) -> Result<(), BoostingError> {
        let count = (values.len() / PIXELS) as i32;
        assert!(
            values.len().is_multiple_of(PIXELS)
                && start >= 0
                && start.checked_add(count).is_some_and(|end| end <= rows),
            "rows lie inside"
        );
        // SAFETY: `values` holds `count` rows of `PIXELS` floats, and the rows written exist (asserted above).
        let status = unsafe {
            sys::LGBM_DatasetPushRows(
                self.0,
                values.as_ptr().cast(),
                sys::C_API_DTYPE_FLOAT32,
                count,
                PIXELS as i32,
                start,
            )
        };
        check("LGBM_DatasetPushRows", status)
    }

    /// Sets one label for each row; the library refuses another count.
    pub(super) fn set_labels(&mut self, _threads: &Threads, labels: &[f32]) -> Result<(), BoostingError> {
        self.set_field(c"label", labels.as_ptr().cast(), labels.len(), sys::C_API_DTYPE_FLOAT32)
    }

    /// Sets the scores that training starts from, `[10, rows]`; the library refuses another count.
    pub(super) fn set_init_scores(&mut self, _threads: &Threads, scores: &[f64]) -> Result<(), BoostingError> {
        self.set_field(c"init_score", scores.as_ptr().cast(), scores.len(), sys::C_API_DTYPE_FLOAT64)
    }

    fn set_field(&mut self, name: &CStr, data: *const c_void, count: usize, kind: c_int) -> Result<(), BoostingError> {
        let count = c_int::try_from(count)
            .map_err(|_| BoostingError::TooManyRows { found: count / CLASSES, most: c_int::MAX as usize / CLASSES })?;
        // SAFETY: `data` points to `count` elements of the type that `kind` names (the two callers above); they are
        // copied.
        check("LGBM_DatasetSetField", unsafe { sys::LGBM_DatasetSetField(self.0, name.as_ptr(), data, count, kind) })
    }

    /// Copies some rows, ascending, all below the dataset's number of rows (the library checks both).
    pub(super) fn subset(&self, threads: &Threads, rows: &[i32]) -> Result<Self, BoostingError> {
        let parameters = c_string(&format!("verbosity=-1 num_threads={}", threads.count()));
        let mut handle = ptr::null_mut();
        // SAFETY: `rows` holds as many indices as said; the library copies the rows and keeps no pointer.
        let status = unsafe {
            sys::LGBM_DatasetGetSubset(self.0, rows.as_ptr(), rows.len() as i32, parameters.as_ptr(), &mut handle)
        };
        check("LGBM_DatasetGetSubset", status)?;
        Ok(Self(handle))
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> Result<usize, BoostingError> {
        let mut columns = 0;
        // SAFETY: writes one integer.
        check("LGBM_DatasetGetNumFeature", unsafe { sys::LGBM_DatasetGetNumFeature(self.0, &mut columns) })?;
        Ok(columns as usize)
    }
}

/// Booster in training. Borrows its datasets, to which the library keeps pointers.
pub(super) struct BoosterHandle<'data> {
    handle: sys::BoosterHandle,
    datasets: PhantomData<&'data DatasetHandle>,
}

impl Drop for BoosterHandle<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from the library, is owned by `self` and is not used again; its datasets still live.
        unsafe { sys::LGBM_BoosterFree(self.handle) };
    }
}

/// Metrics on one dataset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Metrics {
    pub(super) log_loss: f64,
    pub(super) error: f64,
}

impl<'data> BoosterHandle<'data> {
    /// Creates a booster without trees. `parameters` must ask for the metrics `multi_logloss,multi_error`, in this
    /// order.
    pub(super) fn new(
        threads: &Threads,
        training: &'data DatasetHandle,
        validation: Option<&'data DatasetHandle>,
        parameters: &str,
    ) -> Result<Self, BoostingError> {
        let parameters = c_string(&format!("{parameters} num_threads={}", threads.count()));
        let mut handle = ptr::null_mut();
        // SAFETY: `training` outlives the booster by the lifetime on `Self`.
        check("LGBM_BoosterCreate", unsafe { sys::LGBM_BoosterCreate(training.0, parameters.as_ptr(), &mut handle) })?;
        let booster = Self { handle, datasets: PhantomData };
        if let Some(validation) = validation {
            // SAFETY: `validation` outlives the booster by the lifetime on `Self`.
            check("LGBM_BoosterAddValidData", unsafe { sys::LGBM_BoosterAddValidData(booster.handle, validation.0) })?;
        }
        Ok(booster)
    }

    /// Grows one tree for each class; false if no node could be split.
    pub(super) fn update(&mut self, _threads: &Threads) -> Result<bool, BoostingError> {
        let mut finished = 0;
        // SAFETY: writes one integer; `&mut self` keeps other callers out.
        check("LGBM_BoosterUpdateOneIter", unsafe { sys::LGBM_BoosterUpdateOneIter(self.handle, &mut finished) })?;
        Ok(finished == 0)
    }

    /// Metrics on the training set (`set` 0) or the validation set (1).
    pub(super) fn metrics(&mut self, _threads: &Threads, set: c_int) -> Result<Metrics, BoostingError> {
        let mut count = 0;
        // SAFETY: writes one integer.
        check("LGBM_BoosterGetEvalCounts", unsafe { sys::LGBM_BoosterGetEvalCounts(self.handle, &mut count) })?;
        assert_eq!(count, 2, "a booster is made with two metrics");
        let mut values = [0.0; 2];
        let mut written = 0;
        // SAFETY: the library writes as many doubles as there are metrics: two (asserted above).
        check("LGBM_BoosterGetEval", unsafe {
            sys::LGBM_BoosterGetEval(self.handle, set, &mut written, values.as_mut_ptr())
        })?;
        Ok(Metrics { log_loss: values[0], error: values[1] })
    }

    /// Model text of the first `rounds` rounds.
    pub(super) fn text(&mut self, _threads: &Threads, rounds: u32) -> Result<String, BoostingError> {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let mut needed = 0;
            // SAFETY: the library writes only if `buffer.len()` bytes suffice, and at most that many.
            let status = unsafe {
                sys::LGBM_BoosterSaveModelToString(
                    self.handle,
                    0,
                    rounds as c_int,
                    sys::C_API_FEATURE_IMPORTANCE_SPLIT,
                    buffer.len() as i64,
                    &mut needed,
                    buffer.as_mut_ptr().cast(),
                )
            };
            check("LGBM_BoosterSaveModelToString", status)?;
            let needed = usize::try_from(needed).unwrap_or(0);
            if needed <= buffer.len() {
                buffer.truncate(needed.saturating_sub(1));
                return Ok(String::from_utf8_lossy(&buffer).into_owned());
            }
            buffer = vec![0; needed];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;

    #[test]
    fn other_numbers_of_threads_wait_outside_and_equal_ones_meet() {
        let inside = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let barrier = Barrier::new(6);
        std::thread::scope(|scope| {
            for worker in 0..6 {
                let (inside, barrier) = (&inside, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for _ in 0..200 {
                        let threads = Threads::enter(1 + worker % 2);
                        inside[worker % 2].fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        assert_eq!(inside[1 - worker % 2].load(Ordering::SeqCst), 0, "both kinds are inside");
                        inside[worker % 2].fetch_sub(1, Ordering::SeqCst);
                        drop(threads);
                    }
                });
            }
        });
        // Two of a kind are inside at the same time: each waits for the other while it holds its token. Other tests may
        // pass by in between.
        let meeting = Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let threads = Threads::enter(1);
                    meeting.wait();
                    drop(threads);
                });
            }
        });
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(Threads::enter(3).count(), 3);
    }

    #[test]
    fn the_library_refuses_what_would_read_past_an_array() {
        let threads = Threads::enter(1);
        let mut columns: Vec<SampledColumn> =
            (0..PIXELS).map(|_| SampledColumn { values: vec![1.0, 2.0], rows: vec![0, 1] }).collect();
        let mut dataset = DatasetHandle::from_sample(&threads, &mut columns, 3, 3, "max_bin=15 verbosity=-1")
            .expect("a sound sample");
        assert_eq!(dataset.columns().expect("a live handle"), PIXELS);
        assert!(dataset.set_labels(&threads, &[1.0; 2]).is_err());
        assert!(dataset.set_init_scores(&threads, &[0.0; 7]).is_err());
        dataset.push(&threads, &vec![1.0; 3 * PIXELS], 0, 3).expect("rows inside");
        assert!(dataset.subset(&threads, &[0, 3]).is_err());
        assert!(dataset.subset(&threads, &[2, 1]).is_err());
        let error = dataset.subset(&threads, &[]).map(|_| ()).expect_err("no rows").to_string();
        assert!(error.contains("LGBM_DatasetGetSubset failed: "), "{error}");
    }

    #[test]
    #[should_panic(expected = "rows lie inside")]
    fn rows_past_the_end_are_not_pushed() {
        let threads = Threads::enter(1);
        let mut columns: Vec<SampledColumn> =
            (0..PIXELS).map(|_| SampledColumn { values: vec![1.0], rows: vec![0] }).collect();
        let mut dataset =
            DatasetHandle::from_sample(&threads, &mut columns, 2, 2, "verbosity=-1").expect("a sound sample");
        let _ = dataset.push(&threads, &vec![1.0; 2 * PIXELS], 1, 2);
    }
}
