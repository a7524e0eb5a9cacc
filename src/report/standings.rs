//! The leaderboard over many runs, as a file of its own.

use super::{ReportError, figures, input::Standing, raster, theme::Theme};

/// Natural width of the figure, in pixels.
const WIDTH: f64 = 1000.0;
/// Most rows: the figure of more could not be read.
const MOST: usize = 500;

/// Draws the rows in their order, as SVG text or, if `png`, as a PNG picture.
///
/// # Errors
/// [`ReportError::Input`] if there is no row, there are more than 500, or an accuracy is no share.
pub fn draw_standings(rows: &[Standing], png: bool) -> Result<Vec<u8>, ReportError> {
    let refuse = |problem: String| Err(ReportError::Input { figure: FIGURE.to_owned(), problem });
    if rows.is_empty() || rows.len() > MOST {
        return refuse(format!("found {} models with an accuracy, expected 1 to {MOST}", rows.len()));
    }
    let shares = |row: &Standing| {
        [row.value, row.low, row.high].into_iter().chain(row.reported.iter().copied()).collect::<Vec<_>>()
    };
    if let Some(row) = rows.iter().find(|row| shares(row).iter().any(|share| !(0.0..=1.0).contains(share))) {
        return refuse(format!("an accuracy of `{}` in {} is no share from 0 to 1", row.model, row.run));
    }
    let svg = figures::standings(rows, Theme::Paper, WIDTH);
    if png { raster::png(&svg, FIGURE) } else { Ok(svg.into_bytes()) }
}

/// How errors call it.
const FIGURE: &str = "the leaderboard";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn standing(model: &str, value: f64) -> Standing {
        let (low, high) = (value - 0.002, value + 0.001);
        Standing {
            model: model.into(),
            run: "artifacts/a-run".into(),
            parameters: Some(7850),
            seconds: Some(12.4),
            protocol: "5 folds".into(),
            is_held_out: false,
            value,
            low,
            high,
            seeds: 1,
            reported: Vec::new(),
        }
    }

    #[test]
    fn rows_have_their_names_figures_and_marks() {
        let long = "a-very-long-name-of-a-model-that-no-column-has-room-for-not-even-a-wide-one";
        let rows = [
            Standing { seeds: 3, low: 0.9915, high: 0.9935, ..standing("cnn <b>", 0.9925) },
            Standing { reported: vec![0.97], ..standing(long, 0.98) },
        ];
        let svg = String::from_utf8(draw_standings(&rows, false).unwrap()).unwrap();
        for word in [
            "cnn &lt;b&gt;",
            "99.25 ± 0.10",
            "98.00",
            "artifacts/a-run · 7850 parameters · 12 s · 5 folds",
            "mean over seeds",
            "test, with its 95 %",
            "reported elsewhere",
        ] {
            assert!(svg.contains(word), "{word} is missing from {svg}");
        }
        assert!(svg.contains("a-very-long-name") && svg.contains('…') && !svg.contains(&format!(">{long}<")));
        let plain = String::from_utf8(draw_standings(&rows[..1], false).unwrap()).unwrap();
        assert!(
            !plain.contains("reported elsewhere") && !plain.contains("95 % interval"),
            "only marks that are there are explained"
        );
        let held_out = Standing { is_held_out: true, ..standing("cnn", 0.99) };
        assert!(String::from_utf8(draw_standings(&[held_out], false).unwrap()).unwrap().contains("no test images"));
        assert!(draw_standings(&rows, true).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let refused = |rows: &[Standing]| draw_standings(rows, false).unwrap_err().to_string();
        assert!(refused(&[]).contains("found 0 models with an accuracy"));
        assert!(refused(&vec![standing("m", 0.5); 501]).contains("found 501"));
        assert!(refused(&[standing("m", f64::NAN)]).contains("`m` in artifacts/a-run is no share"));
    }
}
