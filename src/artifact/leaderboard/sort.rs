//! The order of the table.

use std::{
    cmp::{Ordering, Reverse},
    str::FromStr,
};

use super::Row;
use crate::evaluation::Proportion;

/// Sort key of the rows; rows without a value come last, equal ones by test accuracy, then by that on images held out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Test accuracy, best first.
    #[default]
    Test,
    /// The directory's name.
    Run,
    /// The model's name.
    Model,
    /// Parameters, fewest first.
    Parameters,
    /// Training time, shortest first.
    Seconds,
    /// Training images, most first.
    Images,
    /// The best reported accuracy, best first.
    Reported,
}

impl SortBy {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("test", Self::Test),
        ("run", Self::Run),
        ("model", Self::Model),
        ("parameters", Self::Parameters),
        ("seconds", Self::Seconds),
        ("images", Self::Images),
        ("reported", Self::Reported),
    ];

    /// Sorts rows.
    pub(super) fn sort(self, rows: &mut [Row]) {
        rows.sort_by(|a, b| {
            self.compare(a, b).then_with(|| by_test(a, b)).then_with(|| (&a.run, &a.model).cmp(&(&b.run, &b.model)))
        });
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Self::Test => Ordering::Equal,
            Self::Run => a.run.cmp(&b.run),
            Self::Model => a.model.cmp(&b.model),
            Self::Parameters => last_if_none(a.parameters, b.parameters, |a, b| a.cmp(&b)),
            Self::Seconds => last_if_none(a.training_seconds, b.training_seconds, |a, b| a.total_cmp(&b)),
            Self::Images => last_if_none(a.train_images, b.train_images, |a, b| Reverse(a).cmp(&Reverse(b))),
            Self::Reported => last_if_none(best_reported(a), best_reported(b), |a, b| b.total_cmp(&a)),
        }
    }
}

/// Puts rows of one data set together: data sets in the order of their first rows, rows in the order that they have.
pub(super) fn by_data_set(rows: &mut [Row]) {
    let mut order: Vec<String> = Vec::new();
    for row in rows.iter() {
        if !order.contains(&row.data_sha256) {
            order.push(row.data_sha256.clone());
        }
    }
    rows.sort_by_key(|row| order.iter().position(|data| *data == row.data_sha256));
}

/// Sorted rows by data set.
pub fn data_sets(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| a.data_sha256 == b.data_sha256)
}

impl FromStr for SortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(|(name, _)| name).join(", ");
        Self::ALL
            .into_iter()
            .find(|(name, _)| *name == text)
            .map(|(_, sort)| sort)
            .ok_or_else(|| format!("expected one of {names}"))
    }
}

fn by_test(a: &Row, b: &Row) -> Ordering {
    let descending = |a: Proportion, b: Proportion| b.value.total_cmp(&a.value);
    let held_out = |row: &Row| row.out_of_fold.or(row.validation);
    last_if_none(a.accuracy, b.accuracy, descending).then_with(|| last_if_none(held_out(a), held_out(b), descending))
}

fn best_reported(row: &Row) -> Option<f64> {
    row.reported.iter().map(|result| result.accuracy).max_by(f64::total_cmp)
}

fn last_if_none<T>(a: Option<T>, b: Option<T>, compare: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
