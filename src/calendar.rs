//! Dates of the proleptic Gregorian calendar, UTC: just enough to show a time and to read one from a header.

const SECONDS_OF_DAY: i64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 1970-01-01 to a date. Years are counted from March, so that the leap day is a year's last.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// A time as RFC 3339 writes it, such as `2023-11-14T22:13:20Z`.
pub(crate) fn rfc3339(timestamp: i64) -> String {
    let (year, month, day) = date_from_days(timestamp.div_euclid(SECONDS_OF_DAY));
    let second = timestamp.rem_euclid(SECONDS_OF_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since the epoch from a date of HTTP in its preferred form, such as `Tue, 14 Nov 2023 22:13:20 GMT`.
pub(crate) fn from_http_date(text: &str) -> Option<i64> {
    let mut words = text.split_once(", ")?.1.strip_suffix(" GMT")?.split(' ');
    let day = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let name = words.next()?;
    let (month, _) = (1..).zip(MONTHS).find(|(_, month)| *month == name)?;
    let year = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock =
        words.next()?.split(':').map(|part| part.parse::<i64>().ok().filter(|part| (0..=60).contains(part)));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let days = days_from_date(year, month, day);
    Some(days * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second)
}

/// Seconds since the epoch from a time of RFC 3339 in UTC, such as `2023-11-14T22:13:20Z`; fractions are cut.
pub(crate) fn from_rfc3339(text: &str) -> Option<i64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let clock = clock.split('.').next().unwrap_or(clock);
    let (year, month, day) = three(date, '-')?;
    let (hour, minute, second) = three(clock, ':')?;
    let in_range = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && [hour, minute, second].iter().all(|part| (0..=60).contains(part));
    let days = in_range.then(|| days_from_date(year, month, day))?;
    Some(days * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second)
}

fn three(text: &str, separator: char) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator).map(|part| part.parse().ok());
    let found = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (timestamp, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(timestamp), shown);
            assert_eq!(from_rfc3339(shown), Some(timestamp).filter(|&timestamp| timestamp >= 0));
        }
        assert_eq!(from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(from_http_date("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        for not_a_date in ["", "120", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8-49 GMT"]
        {
            assert_eq!(from_http_date(not_a_date), None, "{not_a_date}");
        }
        assert_eq!(from_rfc3339("1994-11-06T08:49:37.123Z"), Some(784_111_777));
        for not_a_time in
            ["", "Z", "TZ", "1994-11-06T08:49:37", "1994-11-06T08:49Z", "1994-13-06T08:49:37Z", "1-1-1-1TZ"]
        {
            assert_eq!(from_rfc3339(not_a_time), None, "{not_a_time}");
        }
    }

    #[test]
    fn days_and_dates_agree() {
        for days in (-800_000..800_000).step_by(17) {
            let (year, month, day) = date_from_days(days);
            assert_eq!(days_from_date(year, month, day), days);
        }
    }
}
