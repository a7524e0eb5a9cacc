//! Formats numbers for readers.

use crate::tuning::{ParameterOutcome, Score};

/// Narrow no-break space.
const THIN: char = '\u{202f}';

/// Formats a count with narrow spaces between thousands, such as 12 345.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// Formats a fraction as a percentage with two decimals, without the percent sign.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// Formats a probability as a whole percentage; values strictly between 0 and 1 never become 0 % or 100 %.
pub(super) fn probability(share: f64) -> String {
    let whole = (100.0 * share).round();
    match () {
        () if share < 1.0 && whole >= 100.0 => "> 99\u{a0}%".to_owned(),
        () if share > 0.0 && whole <= 0.0 => "< 1\u{a0}%".to_owned(),
        () => format!("{whole:.0}\u{a0}%"),
    }
}

/// Formats a number with up to six decimals; very small and very large ones with an exponent.
pub(super) fn short(value: f64) -> String {
    if value != 0.0 && !(1e-5..1e9).contains(&value.abs()) {
        return scientific(value);
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Formats a number with an exponent and three significant digits, such as `1.25e-7`.
fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// Formats a setting as in a configuration: integers exactly, other numbers with five significant digits.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 {
        return format!("{:.0}", value + 0.0);
    }
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    if (1e-5..1e9).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// Formats the value of a searched setting: the name of the choice, or the number.
pub(super) fn setting(parameter: &ParameterOutcome, value: f64) -> String {
    match parameter.choices.get(value as usize) {
        Some(choice) => choice.clone(),
        None => number(value),
    }
}

/// Formats a score without its unit: accuracy in percent, or log-loss.
pub(super) fn score(score: Score, value: f64) -> String {
    match score {
        Score::Accuracy => percent(value),
        Score::LogLoss => format!("{:.4}", value.abs()),
    }
}

/// Formats a score with its standard error and unit, such as `98.12 ± 0.08 %`.
pub(super) fn score_and_error(kind: Score, value: f64, standard_error: Option<f64>) -> String {
    let error = standard_error.map_or_else(String::new, |error| format!("\u{a0}±\u{a0}{}", score_width(kind, error)));
    let unit = if kind == Score::Accuracy { "\u{a0}%" } else { "" };
    format!("{}{error}{unit}", score(kind, value))
}

/// Formats a difference of scores without its unit.
pub(super) fn score_width(score: Score, width: f64) -> String {
    match score {
        Score::Accuracy => percent(width),
        Score::LogLoss => format!("{width:.4}"),
    }
}

/// Formats a count with its noun, such as "1 epoch" or "12 345 epochs".
pub(super) fn counted(value: u64, thing: &str) -> String {
    format!("{}\u{a0}{thing}{}", count(value), if value == 1 { "" } else { "s" })
}

/// Formats a duration in a suitable unit, from milliseconds to hours.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => "< 1 ms".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", 1000.0 * s),
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 5400.0 => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s / 60.0 % 60.0).floor()),
    }
}

/// Formats an amount of memory in MiB or GiB.
pub(super) fn bytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 999.5 { format!("{mebibytes:.0} MiB") } else { format!("{:.2} GiB", mebibytes / 1024.0) }
}

/// Formats a throughput in images per second with three significant digits; `None` without images.
pub(super) fn rate(images: u64, seconds: f64) -> Option<String> {
    let rate = images as f64 / seconds;
    if !rate.is_finite() || images == 0 {
        return None;
    }
    let unit = 10_f64.powf((rate.max(1.0).log10().floor() - 2.0).max(0.0));
    Some(format!("{} images/s", count(((rate / unit).round() * unit) as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_for_readers() {
        assert_eq!([7, 9_999, 10_000, 1_234_567].map(count), ["7", "9999", "10\u{202f}000", "1\u{202f}234\u{202f}567"]);
        assert_eq!(
            [0.0, 0.001, 0.5, 0.9999, 1.0].map(probability),
            ["0\u{a0}%", "< 1\u{a0}%", "50\u{a0}%", "> 99\u{a0}%", "100\u{a0}%"]
        );
        assert_eq!([90.0, 99.5, 99.98, 100.0 * (1.0 - 0.0005), -0.0].map(short), ["90", "99.5", "99.98", "99.95", "0"]);
        assert_eq!([1e-7, -2.5e-6, 0.00002, 3e12].map(short), ["1e-7", "-2.5e-6", "0.00002", "3e12"]);
        assert_eq!(
            [0.0001, 0.25, 12.34, 125.0, 7_260.0].map(duration),
            ["< 1 ms", "250 ms", "12.3 s", "2 min 05 s", "2 h 01 min"]
        );
        assert_eq!([300 << 20, 1536 << 20].map(bytes), ["300 MiB", "1.50 GiB"]);
        assert_eq!(rate(12_345, 1.0).unwrap(), "12\u{202f}300 images/s");
        assert_eq!(rate(5, 0.0), None);
    }

    #[test]
    fn settings_are_formatted_as_in_a_configuration() {
        let values = [64.0, -0.0, 0.000_316_227_766, 1e-7, 123_456.0, 0.1 + 0.2, -1.5, 2.5e10];
        assert_eq!(values.map(number), ["64", "0", "0.00031623", "1e-7", "123456", "0.3", "-1.5", "2.5e10"]);
        let choices = vec!["relu".to_owned(), "selu".to_owned()];
        let parameter =
            ParameterOutcome { field: "activation".to_owned(), label: "activation".to_owned(), log: false, choices };
        assert_eq!(setting(&parameter, 1.0), "selu");
    }

    #[test]
    fn scores_have_units_and_losses_are_positive() {
        assert_eq!(score_and_error(Score::Accuracy, 0.98125, Some(0.0008)), "98.12\u{a0}±\u{a0}0.08\u{a0}%");
        assert_eq!(score_and_error(Score::LogLoss, -0.0, None), "0.0000");
        assert_eq!(score_and_error(Score::LogLoss, -0.0712, Some(0.002)), "0.0712\u{a0}±\u{a0}0.0020");
        assert_eq!([1, 12_000].map(|value| counted(value, "epoch")), ["1\u{a0}epoch", "12\u{202f}000\u{a0}epochs"]);
    }
}
