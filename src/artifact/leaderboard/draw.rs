//! The table as a figure.

use std::path::Path;

use super::{Leaderboard, Row, RunFailure};
use crate::report::{self, LeaderboardEntry};

impl Leaderboard {
    /// Draws the rows in their order, as SVG text or, if `png`, as a PNG picture. Where there were no test images the
    /// accuracy is that on the digits held out, and marked as such; rows with neither are left out.
    ///
    /// # Errors
    /// If no row has one.
    pub fn draw(&self, png: bool) -> Result<Vec<u8>, RunFailure> {
        let entries: Vec<LeaderboardEntry> = self.rows.iter().filter_map(|row| self.entry(row)).collect();
        Ok(report::draw_leaderboard(&entries, png)?)
    }

    fn entry(&self, row: &Row) -> Option<LeaderboardEntry> {
        let accuracy = row.accuracy.or(row.out_of_fold).or(row.validation)?;
        Some(LeaderboardEntry {
            model: row.model.clone(),
            run: self.short_name(row),
            parameters: row.parameters,
            seconds: row.training_seconds,
            protocol: row.protocol.clone(),
            data: row.data.clone(),
            data_sha256: row.data_sha256.clone(),
            is_held_out: row.accuracy.is_none(),
            value: accuracy.value,
            low: accuracy.low,
            high: accuracy.high,
            seeds: row.seeds.as_ref().map_or(1, |seeds| seeds.seeds.len()),
            reported: row.reported.iter().map(|result| result.accuracy).collect(),
        })
    }

    /// The directory's own name, or its whole path where two directories have the same.
    fn short_name(&self, row: &Row) -> String {
        let own = |run: &str| {
            Path::new(run).file_name().map_or_else(|| run.to_owned(), |name| name.to_string_lossy().into_owned())
        };
        let name = own(&row.run);
        let is_unique = self.rows.iter().all(|other| other.run == row.run || own(&other.run) != name);
        if is_unique { name } else { row.run.clone() }
    }
}
