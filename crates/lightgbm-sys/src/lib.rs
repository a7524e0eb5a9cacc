//! The functions of LightGBM's C interface that digitstack calls, and the library itself, compiled from its source.
//!
//! Declarations are written by hand after `include/LightGBM/c_api.h` of LightGBM 4.7.0. Every function returns 0 on
//! success and −1 on failure, when [`LGBM_GetLastError`] gives the calling thread's message. No C++ exception crosses
//! the interface.
//!
//! **Waiting threads sleep.** GCC's OpenMP runtime lets threads spin between parallel regions, which makes training
//! several times slower as soon as something else wants the cores, and it reads its settings only once, before `main`.
//! The runtime is therefore linked statically, and a constructor of this crate, which runs before the runtime's own,
//! sets `OMP_WAIT_POLICY=passive` unless the environment already says something.

#![allow(unsafe_code, non_camel_case_types)]

use std::ffi::{c_char, c_double, c_int, c_void};

/// An opaque dataset.
pub type DatasetHandle = *mut c_void;
/// An opaque booster.
pub type BoosterHandle = *mut c_void;

/// Data of type `float`.
pub const C_API_DTYPE_FLOAT32: c_int = 0;
/// Data of type `double`.
pub const C_API_DTYPE_FLOAT64: c_int = 1;
/// Probabilities of each class.
pub const C_API_PREDICT_NORMAL: c_int = 0;
/// Feature importance: how often a feature is split on.
pub const C_API_FEATURE_IMPORTANCE_SPLIT: c_int = 0;

unsafe extern "C" {
    /// The calling thread's last error message, NUL-terminated; valid until its next failing call.
    pub fn LGBM_GetLastError() -> *const c_char;
    /// Sends the calling thread's log lines to `callback` instead of standard output.
    pub fn LGBM_RegisterLogCallback(callback: Option<extern "C" fn(*const c_char)>) -> c_int;

    /// Makes an empty dataset of `num_local_row` rows whose bins come from sampled columns: `sample_data[c]` holds the
    /// `num_per_col[c]` values of column `c` that are not zero, `sample_indices[c]` their rows among the
    /// `num_sample_row` sampled ones.
    pub fn LGBM_DatasetCreateFromSampledColumn(
        sample_data: *mut *mut c_double,
        sample_indices: *mut *mut c_int,
        ncol: i32,
        num_per_col: *const c_int,
        num_sample_row: i32,
        num_local_row: i32,
        num_dist_row: i64,
        parameters: *const c_char,
        out: *mut DatasetHandle,
    ) -> c_int;
    /// Makes an empty dataset of `num_total_row` rows with the bins of `reference`.
    pub fn LGBM_DatasetCreateByReference(
        reference: DatasetHandle,
        num_total_row: i64,
        out: *mut DatasetHandle,
    ) -> c_int;
    /// Writes `nrow` rows of `ncol` row-major values, from row `start_row` on; the push that ends at the last row
    /// completes the dataset.
    pub fn LGBM_DatasetPushRows(
        dataset: DatasetHandle,
        data: *const c_void,
        data_type: c_int,
        nrow: i32,
        ncol: i32,
        start_row: i32,
    ) -> c_int;
    /// Copies the rows at `used_row_indices`, ascending, into a dataset with the same bins.
    pub fn LGBM_DatasetGetSubset(
        handle: DatasetHandle,
        used_row_indices: *const i32,
        num_used_row_indices: i32,
        parameters: *const c_char,
        out: *mut DatasetHandle,
    ) -> c_int;
    /// Sets `label` (`float`, one a row) or `init_score` (`double`, class by class).
    pub fn LGBM_DatasetSetField(
        handle: DatasetHandle,
        field_name: *const c_char,
        field_data: *const c_void,
        num_element: c_int,
        data_type: c_int,
    ) -> c_int;
    /// Number of columns, constant ones included.
    pub fn LGBM_DatasetGetNumFeature(handle: DatasetHandle, out: *mut c_int) -> c_int;
    /// Frees a dataset.
    pub fn LGBM_DatasetFree(handle: DatasetHandle) -> c_int;

    /// Makes a booster that trains on `train_data`, which has to outlive it.
    pub fn LGBM_BoosterCreate(train_data: DatasetHandle, parameters: *const c_char, out: *mut BoosterHandle) -> c_int;
    /// Adds a dataset to evaluate on, which has to outlive the booster.
    pub fn LGBM_BoosterAddValidData(handle: BoosterHandle, valid_data: DatasetHandle) -> c_int;
    /// Changes parameters between iterations.
    pub fn LGBM_BoosterResetParameter(handle: BoosterHandle, parameters: *const c_char) -> c_int;
    /// Grows one tree for each class; `produced_empty_tree` becomes 1 when nothing was left to split.
    pub fn LGBM_BoosterUpdateOneIter(handle: BoosterHandle, produced_empty_tree: *mut c_int) -> c_int;
    /// Number of metrics.
    pub fn LGBM_BoosterGetEvalCounts(handle: BoosterHandle, out_len: *mut c_int) -> c_int;
    /// Writes the metrics of dataset `data_idx` (0 = training, 1 = the first added): room for the number of metrics is
    /// needed.
    pub fn LGBM_BoosterGetEval(
        handle: BoosterHandle,
        data_idx: c_int,
        out_len: *mut c_int,
        out_results: *mut c_double,
    ) -> c_int;
    /// Writes the model text with its NUL if `buffer_len` suffices; `out_len` is the size needed.
    pub fn LGBM_BoosterSaveModelToString(
        handle: BoosterHandle,
        start_iteration: c_int,
        num_iteration: c_int,
        feature_importance_type: c_int,
        buffer_len: i64,
        out_len: *mut i64,
        out_str: *mut c_char,
    ) -> c_int;
    /// Predicts rows of raw values.
    pub fn LGBM_BoosterPredictForMat(
        handle: BoosterHandle,
        data: *const c_void,
        data_type: c_int,
        nrow: i32,
        ncol: i32,
        is_row_major: c_int,
        predict_type: c_int,
        start_iteration: c_int,
        num_iteration: c_int,
        parameter: *const c_char,
        out_len: *mut i64,
        out_result: *mut c_double,
    ) -> c_int;
    /// Frees a booster.
    pub fn LGBM_BoosterFree(handle: BoosterHandle) -> c_int;
}

/// True if the library was built on an OpenMP runtime; without one it always runs on one thread.
pub const HAS_OPENMP: bool = cfg!(openmp);

/// Sets the number of threads of every parallel region that starts from now on, **in the whole process**; 0 = OpenMP's
/// default.
///
/// # Safety
/// No other thread may be inside a function of the library: arrays sized by the old number would be indexed by the new
/// one.
pub unsafe fn set_num_threads(threads: c_int) {
    #[cfg(openmp)]
    {
        unsafe extern "C" {
            fn OMP_SET_NUM_THREADS(num_threads: c_int);
        }
        // SAFETY: stores one integer; the caller keeps other threads out.
        unsafe { OMP_SET_NUM_THREADS(threads) }
    }
    #[cfg(not(openmp))]
    let _ = threads;
}

/// The constructor: before 101, the first priority open to programs, nothing of ours runs; libgomp's own constructor
/// has none and comes last.
#[cfg(all(openmp, any(target_os = "linux", target_vendor = "apple")))]
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array.00101"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static WAIT_PASSIVELY: extern "C" fn() = wait_passively;

#[cfg(all(openmp, any(target_os = "linux", target_vendor = "apple")))]
extern "C" fn wait_passively() {
    unsafe extern "C" {
        fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int;
    }
    // SAFETY: constructors run one after another before `main`, while no thread of this program can read the
    // environment.
    unsafe { setenv(c"OMP_WAIT_POLICY".as_ptr(), c"passive".as_ptr(), 0) };
}
