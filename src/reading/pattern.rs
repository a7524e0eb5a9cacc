//! Patterns that a number must match, as a small part of regular expressions.

use std::str::FromStr;

/// Most digits of a pattern.
const MAX_DIGITS: usize = 64;

/// Pattern of a number: a list of items, each a set of digits with the numbers of times that it may come.
///
/// Items are `\d`, a digit, and sets such as `[0-4]` or `[13579]`; each may be followed by `{n}`, `{n,m}` or `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    places: Vec<Place>,
}

/// One place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Digits that may stand there, one bit each.
    digits: u16,
    optional: bool,
}

/// Error in a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "pattern `{pattern}`: {problem} at character {at}; expected items such as \\d, 7, [0-4], each with {{n}}, {{n,m}} or \
     ?"
)]
pub struct PatternError {
    pattern: String,
    problem: &'static str,
    at: usize,
}

impl Pattern {
    /// The pattern of numbers with this many digits, 1 to 64; `None` for other counts.
    pub fn of_length(digits: usize) -> Option<Self> {
        let place = Place { digits: ALL, optional: false };
        let fits = (1..=MAX_DIGITS).contains(&digits);
        fits.then(|| Self { places: vec![place; digits] })
    }

    /// The pattern of exactly these digits.
    pub(super) fn of_digits(digits: &[u8]) -> Self {
        Self { places: digits.iter().map(|&digit| Place { digits: 1 << digit, optional: false }).collect() }
    }

    /// Whether a number matches, from its first digit to its last.
    pub fn matches(&self, digits: &[u8]) -> bool {
        let mut states = vec![false; self.states()];
        states[0] = true;
        for &digit in digits {
            let mut next = vec![false; states.len()];
            for state in (0..states.len()).filter(|&state| states[state]) {
                self.following(state, digit).for_each(|following| next[following] = true);
            }
            states = next;
        }
        (0..states.len()).any(|state| states[state] && self.is_end(state))
    }

    /// Number of states: before each place, and behind the last.
    pub(super) fn states(&self) -> usize {
        self.places.len() + 1
    }

    /// Whether a number may end in a state.
    pub(super) fn is_end(&self, state: usize) -> bool {
        self.places[state..].iter().all(|place| place.optional)
    }

    /// States that follow a digit.
    pub(super) fn following(&self, state: usize, digit: u8) -> impl Iterator<Item = usize> + '_ {
        let rest = &self.places[state..];
        let reachable = rest.iter().position(|place| !place.optional).map_or(rest.len(), |first| first + 1);
        rest[..reachable]
            .iter()
            .enumerate()
            .filter(move |(_, place)| place.digits >> digit & 1 == 1)
            .map(move |(index, _)| state + index + 1)
    }
}

/// All ten digits.
const ALL: u16 = 0x3ff;

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = |problem, at| PatternError { pattern: text.to_owned(), problem, at };
        let inner = text.strip_prefix('^').unwrap_or(text);
        let inner = inner.strip_suffix('$').unwrap_or(inner);
        let symbols: Vec<char> = inner.chars().collect();
        let mut places = Vec::new();
        let mut at = 0;
        while at < symbols.len() {
            let start = at + 1;
            let digits = match symbols[at] {
                '\\' if symbols.get(at + 1) == Some(&'d') => {
                    at += 2;
                    ALL
                }
                '[' => {
                    let length = symbols[at..].iter().position(|&symbol| symbol == ']');
                    let length = length.ok_or_else(|| error("a set without its `]`", start))?;
                    let set = set(&symbols[at + 1..at + length]).ok_or_else(|| error("a set of no digits", start))?;
                    at += length + 1;
                    set
                }
                symbol => match symbol.to_digit(10) {
                    Some(digit) => {
                        at += 1;
                        1 << digit
                    }
                    None => return Err(error("found something else", start)),
                },
            };
            let (least, most, length) = repetition(&symbols[at..]).ok_or_else(|| error("a wrong number", at + 1))?;
            at += length;
            places.extend((0..most).map(|index| Place { digits, optional: index >= least }));
            if places.len() > MAX_DIGITS {
                return Err(error("more than 64 digits", at));
            }
        }
        if places.is_empty() {
            return Err(error("no digits", 1));
        }
        Ok(Self { places })
    }
}

/// Digits of a set; `None` if it is none.
fn set(symbols: &[char]) -> Option<u16> {
    let digit = |symbol: char| symbol.to_digit(10);
    let mut digits = 0;
    let mut at = 0;
    while at < symbols.len() {
        let first = digit(symbols[at])?;
        let last = match symbols.get(at + 1) {
            Some('-') => {
                at += 2;
                digit(*symbols.get(at)?)?
            }
            _ => first,
        };
        if last < first {
            return None;
        }
        (first..=last).for_each(|digit| digits |= 1 << digit);
        at += 1;
    }
    (digits > 0).then_some(digits)
}

/// Least and most repetitions that stand at the beginning, and their length; `None` if they are wrong.
fn repetition(symbols: &[char]) -> Option<(usize, usize, usize)> {
    match symbols.first() {
        Some('?') => Some((0, 1, 1)),
        Some('{') => {
            let end = symbols.iter().position(|&symbol| symbol == '}')?;
            let inner: String = symbols[1..end].iter().collect();
            let (least, most) = match inner.split_once(',') {
                Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
                None => (inner.parse().ok()?, inner.parse().ok()?),
            };
            (least <= most && (1..=MAX_DIGITS).contains(&most)).then_some((least, most, end + 1))
        }
        _ => Some((1, 1, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, number: &str) -> bool {
        let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
        pattern.parse::<Pattern>().unwrap().matches(&digits)
    }

    #[test]
    fn numbers_match_from_end_to_end() {
        for (pattern, yes, no) in [
            (r"\d{5}", &["12345"][..], &["1234", "123456", ""][..]),
            (r"\d{3,5}", &["123", "1234", "12345"], &["12", "123456"]),
            (r"^19[0-4]\d?$", &["190", "1945"], &["195", "19", "19455"]),
            (r"[13579]{2}0", &["130"], &["120", "131"]),
            (r"1?2?3", &["3", "13", "23", "123"], &["12", "213"]),
        ] {
            yes.iter().for_each(|number| assert!(matches(pattern, number), "{pattern} {number}"));
            no.iter().for_each(|number| assert!(!matches(pattern, number), "{pattern} {number}"));
        }
        assert!(Pattern::of_length(3).unwrap().matches(&[1, 2, 3]));
        assert_eq!((Pattern::of_length(0), Pattern::of_length(65)), (None, None));
    }

    #[test]
    fn wrong_patterns_name_what_is_wrong() {
        for (pattern, problem) in [
            ("", "no digits"),
            ("abc", "found something else at character 1"),
            (r"\d{5", "a wrong number at character 3"),
            (r"\d{3,2}", "a wrong number"),
            ("[5-1]", "a set of no digits"),
            ("[12", "a set without its `]`"),
            (r"\d{65}", "a wrong number"),
            (r"\d{40}\d{40}", "more than 64 digits"),
        ] {
            let error = pattern.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
