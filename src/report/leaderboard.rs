//! The leaderboard over many runs, as a file of its own.

use super::{error::ReportError, figures, input::LeaderboardEntry, raster, theme::Theme};

/// Name of the figure in error messages.
const FIGURE: &str = "the leaderboard";
/// Natural width of the figure, in pixels.
const WIDTH: f64 = 1000.0;
/// Maximum number of rows; a longer figure would be unreadable.
const MAX_ROWS: usize = 500;

/// Draws the leaderboard, rows in the given order, as SVG text or, if `png`, as a PNG picture.
///
/// # Errors
/// [`ReportError::Input`] without a row, with more than 500 rows, or if an accuracy is not between 0 and 1.
pub fn draw_leaderboard(rows: &[LeaderboardEntry], png: bool) -> Result<Vec<u8>, ReportError> {
    let refuse = |problem: String| Err(ReportError::input(FIGURE, problem));
    if rows.is_empty() || rows.len() > MAX_ROWS {
        return refuse(format!("found {} models with an accuracy, expected 1 to {MAX_ROWS}", rows.len()));
    }
    let accuracies = |row: &LeaderboardEntry| {
        [row.value, row.low, row.high].into_iter().chain(row.reported.iter().copied()).collect::<Vec<_>>()
    };
    if let Some(row) = rows.iter().find(|row| accuracies(row).iter().any(|accuracy| !(0.0..=1.0).contains(accuracy))) {
        return refuse(format!("found an accuracy of `{}` in {} that is not between 0 and 1", row.model, row.run));
    }
    let svg = figures::leaderboard(rows, Theme::Paper, WIDTH);
    if png { raster::png(&svg, FIGURE) } else { Ok(svg.into_bytes()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(model: &str, value: f64) -> LeaderboardEntry {
        let (low, high) = (value - 0.002, value + 0.001);
        LeaderboardEntry {
            model: model.into(),
            run: "artifacts/a-run".into(),
            parameters: Some(7850),
            seconds: Some(12.4),
            protocol: "5 folds".into(),
            data: "MNIST".into(),
            data_sha256: "m".into(),
            is_held_out: false,
            value,
            low,
            high,
            seeds: 1,
            reported: Vec::new(),
        }
    }

    #[test]
    fn each_row_shows_its_name_accuracy_and_mark() {
        let long = "a-very-long-name-of-a-model-that-no-column-has-room-for-not-even-a-wide-one";
        let rows = [
            LeaderboardEntry { seeds: 3, low: 0.9915, high: 0.9935, ..entry("cnn <b>", 0.9925) },
            LeaderboardEntry { reported: vec![0.97], ..entry(long, 0.98) },
        ];
        let svg = String::from_utf8(draw_leaderboard(&rows, false).unwrap()).unwrap();
        for text in [
            "cnn &lt;b&gt;",
            "99.25 ± 0.10",
            "98.00",
            "artifacts/a-run · 7850 parameters · 12 s · 5 folds",
            "mean over seeds",
            "test accuracy, 95 % interval",
            "reported elsewhere",
        ] {
            assert!(svg.contains(text), "{text} is missing from {svg}");
        }
        assert!(svg.contains("a-very-long-name") && svg.contains('…') && !svg.contains(&format!(">{long}<")));
        let plain = String::from_utf8(draw_leaderboard(&rows[..1], false).unwrap()).unwrap();
        assert!(
            !plain.contains("reported elsewhere") && !plain.contains("held-out"),
            "the legend lists only marks that occur"
        );
        let held_out = LeaderboardEntry { is_held_out: true, ..entry("cnn", 0.99) };
        assert!(
            String::from_utf8(draw_leaderboard(&[held_out], false).unwrap()).unwrap().contains("held-out accuracy")
        );
        assert!(!plain.contains("MNIST"), "one data set needs no heading");
        let other = LeaderboardEntry { data: "a folder".into(), data_sha256: "f".into(), ..entry("cnn", 0.99) };
        let apart = String::from_utf8(draw_leaderboard(&[entry("cnn", 0.9), other], false).unwrap()).unwrap();
        assert!(apart.contains(">MNIST<") && apart.contains(">a folder<"), "{apart}");
        assert!(draw_leaderboard(&rows, true).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn empty_long_and_invalid_leaderboards_are_refused() {
        let refused = |rows: &[LeaderboardEntry]| draw_leaderboard(rows, false).unwrap_err().to_string();
        assert!(refused(&[]).contains("found 0 models with an accuracy"));
        assert!(refused(&vec![entry("m", 0.5); 501]).contains("found 501"));
        assert!(refused(&[entry("m", f64::NAN)]).contains("`m` in artifacts/a-run that is not between 0 and 1"));
    }
}
