//! Days and dates of the Gregorian calendar, after Howard Hinnant, "chrono-compatible low-level date algorithms".

use std::time::SystemTime;

/// 9999-12-31T23:59:59.999999, the last moment that has four digits for its year, in microseconds since 1970.
pub(crate) const LAST: u128 = 253_402_300_799_999_999;

/// Year, month and day of a day counted from 1970-01-01, which is not negative.
///
/// Years are counted from March, so that the leap day is the last of its year; 400 years have 146,097 days.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`], for any year from 0.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// `2026-11-21T17:05:55.000000+00:00`; a moment before 1970 or after 9999 becomes the nearest that can be written.
pub(crate) fn to_iso(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().min(LAST) as i64;
    let (seconds, microseconds) = (since / 1_000_000, since % 1_000_000);
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microseconds:06}+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // From `date -u -d`, as days since 1970-01-01.
        for (days, date) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (19_782, (2024, 2, 29)), (47_482, (2100, 1, 1))]
        {
            assert_eq!((civil_from_days(days), days_from_civil(date.0, date.1, date.2)), (date, days));
        }
    }
}
