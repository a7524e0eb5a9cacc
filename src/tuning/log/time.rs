//! Times as the format writes them: ISO 8601 in UTC with microseconds.

use std::time::{Duration, SystemTime};

use crate::calendar::days_from_civil;
pub(super) use crate::calendar::to_iso;

const DAY: i64 = 86_400;

/// Reads `YYYY-MM-DDTHH:MM:SS`, with or without a fraction of up to six digits and an offset; none if it is something
/// else.
pub(super) fn from_iso(text: &str) -> Option<SystemTime> {
    let text = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|&(at, mark)| text.get(at) == Some(&mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut at = 19;
    let mut microseconds = 0;
    if text.get(at) == Some(&b'.') {
        let digits = text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=6).contains(&digits) {
            return None;
        }
        microseconds = number(at + 1, at + 1 + digits)? * 10_i64.pow(6 - digits as u32);
        at += 1 + digits;
    }
    let offset = match &text[at..] {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let seconds = number(at + 1, at + 3)? * 3600 + number(at + 4, at + 6)? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let since = Duration::from_secs(seconds.unsigned_abs());
    let whole =
        if seconds < 0 { SystemTime::UNIX_EPOCH.checked_sub(since) } else { SystemTime::UNIX_EPOCH.checked_add(since) };
    whole?.checked_add(Duration::from_micros(microseconds as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::civil_from_days;

    fn at(seconds: u64, microseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(microseconds)
    }

    #[test]
    fn known_moments() {
        for (time, text) in [
            (at(0, 0), "1970-01-01T00:00:00.000000+00:00"),
            (at(951_782_400, 1), "2000-02-29T00:00:00.000001+00:00"),
            (at(1_709_251_199, 999_999), "2024-02-29T23:59:59.999999+00:00"),
            (at(1_795_280_755, 123_456), "2026-11-21T17:05:55.123456+00:00"),
        ] {
            assert_eq!(to_iso(time), text);
            assert_eq!(from_iso(text), Some(time));
        }
        assert_eq!(from_iso("2026-11-21T19:05:55.12+02:00"), Some(at(1_795_280_755, 120_000)));
        assert_eq!(from_iso("2026-11-21T17:05:55Z"), Some(at(1_795_280_755, 0)));
        assert_eq!(to_iso(SystemTime::UNIX_EPOCH - Duration::from_secs(5)), to_iso(at(0, 0)));
        assert_eq!(to_iso(at(1 << 40, 0)), "9999-12-31T23:59:59.999999+00:00");
        for bad in [
            "",
            "2026-13-01T00:00:00",
            "2026-01-01 00:00:00",
            "2026-01-01T00:00:00.",
            "2026-01-01T00:00:00+1",
            "2026-01-01T0é:00:00",
        ] {
            assert_eq!(from_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in (0..2_932_896).step_by(97) {
            let (year, month, of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, of_month), day);
        }
    }
}
