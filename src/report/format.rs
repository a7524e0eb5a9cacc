//! Figures as people write them.

/// A space that is thin and does not break.
const THIN: char = '\u{202f}';

/// 12 345 with thin spaces between thousands.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage with two decimals, without the sign.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// A probability as a whole percentage; never "100" for less than 1 nor "0" for more than 0.
pub(super) fn probability(share: f64) -> String {
    let whole = (100.0 * share).round();
    match () {
        () if share < 1.0 && whole >= 100.0 => "> 99\u{a0}%".to_owned(),
        () if share > 0.0 && whole <= 0.0 => "< 1\u{a0}%".to_owned(),
        () => format!("{whole:.0}\u{a0}%"),
    }
}

/// A number with as many decimals as it needs, at most six.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A duration in the unit that suits it.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => "< 1 ms".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", 1000.0 * s),
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 5400.0 => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s / 60.0 % 60.0).floor()),
    }
}

/// An amount of memory, to three figures.
pub(super) fn bytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 999.5 { format!("{mebibytes:.0} MiB") } else { format!("{:.2} GiB", mebibytes / 1024.0) }
}

/// Images in a second, to three figures.
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
    fn figures_are_written_as_people_do() {
        assert_eq!([7, 9_999, 10_000, 1_234_567].map(count), ["7", "9999", "10\u{202f}000", "1\u{202f}234\u{202f}567"]);
        assert_eq!([0.0, 0.001, 0.5, 0.9999, 1.0].map(probability), ["0\u{a0}%", "< 1\u{a0}%", "50\u{a0}%", "> 99\u{a0}%", "100\u{a0}%"]);
        assert_eq!([90.0, 99.5, 99.98, 100.0 * (1.0 - 0.0005), -0.0].map(short), ["90", "99.5", "99.98", "99.95", "0"]);
        assert_eq!([0.0001, 0.25, 12.34, 125.0, 7_260.0].map(duration), ["< 1 ms", "250 ms", "12.3 s", "2 min 05 s", "2 h 01 min"]);
        assert_eq!([300 << 20, 1536 << 20].map(bytes), ["300 MiB", "1.50 GiB"]);
        assert_eq!(rate(12_345, 1.0).unwrap(), "12\u{202f}300 images/s");
        assert_eq!(rate(5, 0.0), None);
    }
}
