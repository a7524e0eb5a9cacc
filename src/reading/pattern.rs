//! Patterns that a number must match, as a small part of regular expressions.

use std::{collections::HashMap, str::FromStr};

/// Most digits of a pattern.
const MAX_DIGITS: usize = 64;
/// Most states of its automaton. `\d{0,30}0\d{30}` has more: its state tells where the zeros among the last 30 digits
/// are.
const MAX_STATES: usize = 1000;

/// Pattern of a number: a list of items, each a set of digits with the numbers of times that it may come.
///
/// Items are `\d`, a digit, and sets such as `[0-4]` or `[13579]`; each may be followed by `{n}`, `{n,m}` or `?`.
///
/// It is a deterministic automaton: a text goes one way through its states, so that sums over texts count each once.
/// Reading starts in state 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    states: Vec<State>,
}

/// State between two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// State behind each digit; `None` if it may not stand here.
    following: [Option<usize>; 10],
    /// Whether a number may end here.
    is_end: bool,
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
        let fits = (1..=MAX_DIGITS).contains(&digits);
        fits.then(|| Self::chain(vec![ALL; digits]))
    }

    /// The pattern of exactly these digits.
    pub(super) fn of_digits(digits: &[u8]) -> Self {
        Self::chain(digits.iter().map(|&digit| 1 << digit))
    }

    /// The pattern of places without optional ones: as many states as places, and the end.
    fn chain(places: impl IntoIterator<Item = u16>) -> Self {
        let state = |(place, digits): (usize, u16)| State {
            following: std::array::from_fn(|digit| (digits >> digit & 1 == 1).then_some(place + 1)),
            is_end: false,
        };
        let mut states: Vec<State> = places.into_iter().enumerate().map(state).collect();
        states.push(State { following: [None; 10], is_end: true });
        Self { states }
    }

    /// The automaton of places, by the subset construction: a state is a set of places that may come next. `None` if it
    /// has too many.
    fn of_places(places: &[Place]) -> Option<Self> {
        // Places that may take the next digit: up to the first that is not optional.
        let reachable = |place: usize| {
            let rest = &places[place..];
            place..place + rest.iter().position(|place| !place.optional).map_or(rest.len(), |first| first + 1)
        };
        let is_end = |place: usize| places[place..].iter().all(|place| place.optional);
        let mut sets = vec![vec![0]];
        let mut indices = HashMap::from([(vec![0], 0)]);
        let mut states = Vec::new();
        while let Some(set) = sets.get(states.len()).cloned() {
            let mut following = [None; 10];
            for (digit, following) in following.iter_mut().enumerate() {
                let fits = |place: &usize| places[*place].digits >> digit & 1 == 1;
                let mut next: Vec<usize> =
                    set.iter().flat_map(|&place| reachable(place)).filter(fits).map(|place| place + 1).collect();
                next.sort_unstable();
                next.dedup();
                if next.is_empty() {
                    continue;
                }
                let index = *indices.entry(next.clone()).or_insert(sets.len());
                if index == sets.len() {
                    sets.push(next);
                }
                *following = Some(index);
            }
            states.push(State { following, is_end: set.iter().any(|&place| is_end(place)) });
            if sets.len() > MAX_STATES {
                return None;
            }
        }
        Some(Self { states })
    }

    /// Whether a number matches, from its first digit to its last.
    pub fn matches(&self, digits: &[u8]) -> bool {
        digits.iter().try_fold(0, |state, &digit| self.following(state, digit)).is_some_and(|state| self.is_end(state))
    }

    /// Number of states.
    pub(super) fn states(&self) -> usize {
        self.states.len()
    }

    /// Whether a number may end in a state.
    pub(super) fn is_end(&self, state: usize) -> bool {
        self.states[state].is_end
    }

    /// State behind a digit; `None` if the digit may not stand there.
    pub(super) fn following(&self, state: usize, digit: u8) -> Option<usize> {
        self.states[state].following[usize::from(digit)]
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
        Self::of_places(&places).ok_or_else(|| error("too many combinations of optional digits", 1))
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
    fn a_pattern_without_optional_places_is_a_chain_of_states() {
        for (text, chain) in [(r"\d{3}", Pattern::of_length(3).unwrap()), ("407", Pattern::of_digits(&[4, 0, 7]))] {
            assert_eq!(text.parse::<Pattern>().unwrap(), chain);
        }
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
            (r"\d{0,30}0\d{30}", "too many combinations of optional digits"),
        ] {
            let error = pattern.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
