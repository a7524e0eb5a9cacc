//! Times as the journal format writes them: ISO 8601 in UTC with microseconds.

use std::time::SystemTime;

use jiff::{
    SignedDuration,
    civil::{DateTime, date},
    fmt::strtime::BrokenDownTime,
};

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);
const WRITTEN: &str = "%Y-%m-%dT%H:%M:%S%.6f+00:00";
/// Forms that Python's `datetime.isoformat` has: with an offset, as `Z`, and without, which means UTC here.
const READ: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f"];

/// Formats `2026-11-21T17:05:55.000000+00:00`; a time before 1970 or after 9999 becomes the nearest in between.
pub(super) fn to_iso(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
    EPOCH.saturating_add(since).strftime(WRITTEN).to_string()
}

/// Parses `YYYY-MM-DDTHH:MM:SS` with or without a fraction and an offset; `None` for anything else.
pub(super) fn from_iso(text: &str) -> Option<SystemTime> {
    let read = READ.iter().find_map(|form| BrokenDownTime::parse(form, text).ok())?;
    let offset = read.offset().map_or(0, |offset| offset.seconds());
    let since = read.to_datetime().ok()?.duration_since(EPOCH) - SignedDuration::from_secs(offset.into());
    match since.is_negative() {
        true => SystemTime::UNIX_EPOCH.checked_sub(since.unsigned_abs()),
        false => SystemTime::UNIX_EPOCH.checked_add(since.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64, microseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(microseconds)
    }

    #[test]
    fn known_times_are_formatted_and_parsed() {
        for (time, text) in [
            (at(0, 0), "1970-01-01T00:00:00.000000+00:00"),
            (at(951_782_400, 1), "2000-02-29T00:00:00.000001+00:00"),
            (at(1_709_251_199, 999_999), "2024-02-29T23:59:59.999999+00:00"),
            (at(1_795_280_755, 123_456), "2026-11-21T17:05:55.123456+00:00"),
            (at(4_102_444_800, 0), "2100-01-01T00:00:00.000000+00:00"),
        ] {
            assert_eq!(to_iso(time), text);
            assert_eq!(from_iso(text), Some(time));
        }
        for (text, time) in [
            ("2026-11-21T19:05:55.12+02:00", at(1_795_280_755, 120_000)),
            ("2026-11-21T16:05:55-01:00", at(1_795_280_755, 0)),
            ("2026-11-21T17:05:55Z", at(1_795_280_755, 0)),
            ("2026-11-21T17:05:55.5", at(1_795_280_755, 500_000)),
            ("1969-12-31T23:59:58.500000+00:00", SystemTime::UNIX_EPOCH - Duration::from_millis(1500)),
        ] {
            assert_eq!(from_iso(text), Some(time), "{text}");
        }
        assert_eq!(to_iso(SystemTime::UNIX_EPOCH - Duration::from_secs(5)), to_iso(at(0, 0)));
        assert_eq!(to_iso(at(1 << 40, 0)), "9999-12-31T23:59:59.999999+00:00");
        for bad in [
            "",
            "2026-13-01T00:00:00",
            "2026-02-29T00:00:00",
            "2026-01-01 00:00:00",
            "2026-01-01T00:00:00.",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00 +00:00",
            "2026-01-01T0é:00:00",
        ] {
            assert_eq!(from_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_is_parsed_as_it_was_formatted() {
        for day in (0..2_932_896).step_by(97) {
            let time = at(day * 86_400 + 86_399, 999_999);
            assert_eq!(from_iso(&to_iso(time)), Some(time));
        }
    }
}
