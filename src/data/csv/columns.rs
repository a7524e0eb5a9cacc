//! The meaning of a table's columns, by their names or by their places.

use super::records::shown;
use crate::data::{PIXELS, SIDE, counted::counted};

/// Names of a column of labels, in lower case.
const LABELS: [&str; 6] = ["label", "labels", "class", "digit", "target", "y"];
/// Names of columns that number or name the rows, in lower case. They are passed over.
const IDS: [&str; 11] =
    ["id", "imageid", "image_id", "index", "idx", "", "unnamed: 0", "row", "rownames", "filename", "file"];

/// Meaning of a table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Number of columns.
    pub(super) count: usize,
    /// Column of the labels; none in a table without labels.
    pub(super) label: Option<usize>,
    /// Column of each pixel, `[784]`, row-major.
    pub(super) pixels: Vec<usize>,
    /// Whether the label was found by its name.
    pub(super) has_names: bool,
}

/// Problem with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderProblem {
    /// Column, counted from 0.
    pub(super) column: usize,
    pub(super) problem: String,
}

impl Columns {
    /// Label and pixels, or pixels alone, in this order; none for another number of columns.
    pub(super) fn by_place(count: usize) -> Option<Self> {
        let first = count.checked_sub(PIXELS).filter(|&first| first < 2)?;
        let label = (first == 1).then_some(0);
        Some(Self { count, label, pixels: (first..count).collect(), has_names: false })
    }

    /// The columns that these names mean; none if the record is no header but a row. `comma`: whether a comma inside a
    /// number is its decimal point.
    ///
    /// # Errors
    /// The first column that does not belong or is out of place.
    pub(super) fn of_header(names: &[&[u8]], comma: bool) -> Option<Result<Self, HeaderProblem>> {
        let names: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
        let point = |name: &String| if comma { name.replace(',', ".") } else { name.clone() };
        let is_number = |name: &String| point(name).parse::<f64>().is_ok_and(f64::is_finite);
        let numbers = names.iter().filter(|name| is_number(name)).count();
        // A few names among many numbers are a header if the numbers are names, too: label,0,1,2 …
        if 2 * numbers < names.len() || (numbers < names.len() && counts_up(&names)) {
            return Some(Self::by_names(&names));
        }
        // Numbers alone are names if they count the columns: no pixel is above 255.
        let counts = |base: usize| names.iter().enumerate().all(|(at, name)| name.parse() == Ok(at + base));
        if numbers == names.len() && (counts(0) || counts(1)) {
            return Some(Self::by_place(names.len()).ok_or_else(|| HeaderProblem {
                column: names.len() - 1,
                problem: format!("{}, expected {}", counted(names.len(), "column"), expected()),
            }));
        }
        None
    }

    fn by_names(names: &[String]) -> Result<Self, HeaderProblem> {
        let wrong = |column: usize, problem: String| HeaderProblem { column, problem };
        let labels: Vec<usize> = (0..names.len()).filter(|&at| LABELS.contains(&names[at].as_str())).collect();
        if let [first, second, ..] = labels[..] {
            let problem =
                format!("`{}` and `{}` (column {}) both name the label", names[second], names[first], first + 1);
            return Err(wrong(second, problem));
        }
        let mut label = labels.first().copied();
        let is_id = |at: usize| IDS.contains(&names[at].as_str());
        let mut rest: Vec<usize> = (0..names.len()).filter(|&at| Some(at) != label && !is_id(at)).collect();
        // Counted through from the label on, as R does: V1 is the label.
        if label.is_none() && rest.len() == PIXELS + 1 && one_sequence(names, &rest) {
            label = Some(rest.remove(0));
        }
        if rest.len() != PIXELS {
            return Err(match (label, rest.first()) {
                (None, Some(&first)) if rest.len() == PIXELS + 1 => wrong(
                    first,
                    format!(
                        "the first of {} columns is called `{}`, expected `label`",
                        rest.len(),
                        text(&names[first])
                    ),
                ),
                _ => wrong(
                    rest.first().copied().unwrap_or(0),
                    format!("{} of pixels by their names, expected {PIXELS}", counted(rest.len(), "column")),
                ),
            });
        }
        let pixels = positions(names, &rest)?;
        Ok(Self { count: names.len(), label, pixels, has_names: label.is_some() })
    }

    /// Whether pixels lie one behind the other in the order of their places.
    pub(super) fn is_in_order(&self) -> bool {
        self.pixels.is_sorted()
    }
}

/// The numbers of columns that a table may have.
pub(super) fn expected() -> String {
    format!("{} (label and pixels) or {PIXELS} (pixels)", PIXELS + 1)
}

fn text(name: &str) -> String {
    shown(name.as_bytes())
}

/// Whether the numbers among names count up by one: names such as `label,0,1,2`.
fn counts_up(names: &[String]) -> bool {
    let numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.len() >= PIXELS && {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[1] == pair[0] + 1)
    }
}

/// Whether the names of these columns count up by one from left to right.
fn one_sequence(names: &[String], columns: &[usize]) -> bool {
    let parts: Vec<Name> = columns.iter().map(|&at| Name::parse(&names[at])).collect();
    parts.windows(2).all(|pair| {
        pair[0].words == pair[1].words
            && matches!((&pair[0].numbers[..], &pair[1].numbers[..]), ([a], [b]) if *b == a + 1)
    })
}

/// A name taken apart: `pixel12` has the words `pixel` and the number 12, `1x2` the words `` and `x`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// Text before each number, and after the last one.
    words: Vec<String>,
    numbers: Vec<u64>,
}

impl Name {
    fn parse(name: &str) -> Self {
        let (mut words, mut numbers) = (vec![String::new()], Vec::new());
        let mut chars = name.chars().peekable();
        while let Some(&c) = chars.peek() {
            if c.is_ascii_digit() {
                let mut number = 0u64;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(u64::from(digit));
                    chars.next();
                }
                numbers.push(number);
                words.push(String::new());
            } else {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
                chars.next();
            }
        }
        Self { words, numbers }
    }
}

/// The column of each pixel, by the names of these 784 columns.
fn positions(names: &[String], columns: &[usize]) -> Result<Vec<usize>, HeaderProblem> {
    let parsed: Vec<Name> = columns.iter().map(|&at| Name::parse(&names[at])).collect();
    // The form that most names have; one that differs is out of place.
    let forms = || parsed.iter().map(|name| &name.words);
    let usual = [0, PIXELS / 2, PIXELS - 1]
        .into_iter()
        .map(|at| &parsed[at].words)
        .max_by_key(|form| forms().filter(|other| other == form).count());
    let odd = |at: usize, why: &str| HeaderProblem {
        column: columns[at],
        problem: format!(
            "`{}` {why}; pixels are named by their places, as pixel0 to pixel{} or 1x1 to {SIDE}x{SIDE} (remove the \
             header if the columns are in this order)",
            text(&names[columns[at]]),
            PIXELS - 1
        ),
    };
    let differs = |at: &usize| Some(&parsed[*at].words) != usual || parsed[*at].numbers.is_empty();
    if let Some(at) = (0..PIXELS).find(differs) {
        return Err(odd(at, "says no place among the pixels"));
    }
    // Numbers that are the same in all names, such as that of a data set, say nothing.
    let varying: Vec<usize> = (0..parsed[0].numbers.len())
        .filter(|&index| parsed.iter().any(|name| name.numbers[index] != parsed[0].numbers[index]))
        .collect();
    let least = |index: usize| parsed.iter().map(|name| name.numbers[index]).min().unwrap_or_default();
    let place = |at: usize| -> Option<usize> {
        let offset = |index: usize| usize::try_from(parsed[at].numbers[index] - least(index)).ok();
        match varying[..] {
            [index] => offset(index).filter(|&place| place < PIXELS),
            [first, second] => {
                let (mut row, mut column) = (offset(first)?, offset(second)?);
                if is_column_first(&parsed[at].words[first], &parsed[at].words[second]) {
                    std::mem::swap(&mut row, &mut column);
                }
                (row < SIDE && column < SIDE).then_some(row * SIDE + column)
            }
            _ => None,
        }
    };
    let mut found = vec![usize::MAX; PIXELS];
    for (at, &column) in columns.iter().enumerate().take(PIXELS) {
        let Some(place) = place(at) else { return Err(odd(at, "is no place among 784 pixels")) };
        if found[place] != usize::MAX {
            return Err(odd(at, &format!("is the same place as column {}", found[place] + 1)));
        }
        found[place] = column;
    }
    Ok(found)
}

/// Whether the words before two numbers say that the first is the column: `x3y5`, `c3r5`.
fn is_column_first(first: &str, second: &str) -> bool {
    let is = |word: &str, names: &[&str]| names.contains(&word.trim_matches(|c: char| !c.is_alphabetic()));
    let ends =
        |word: &str, names: &[&str]| is(word, names) || names.iter().any(|name| word.ends_with(&format!("_{name}")));
    ends(first, &["x", "c", "col", "column"]) && is(second, &["y", "r", "row"])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(names: &[String]) -> Option<Result<Columns, HeaderProblem>> {
        let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        Columns::of_header(&names, false)
    }

    fn with_label(names: impl Iterator<Item = String>) -> Vec<String> {
        std::iter::once("Label".to_owned()).chain(names).collect()
    }

    /// Names of the pixels in their order, in many ways of writing.
    fn schemes() -> Vec<Vec<String>> {
        let one = |name: fn(usize) -> String| (0..PIXELS).map(name).collect::<Vec<_>>();
        vec![
            one(|at| format!("pixel{at}")),
            one(|at| format!("Pixel_{:03}", at + 1)),
            one(|at| format!("{}x{}", at / SIDE + 1, at % SIDE + 1)),
            one(|at| format!("r{}c{}", at / SIDE, at % SIDE)),
            one(|at| format!("x{}y{}", at % SIDE, at / SIDE)),
            one(|at| format!("pixel_{}_{}", at / SIDE, at % SIDE)),
            one(|at| format!("mnist28 px{at}")),
            one(|at| at.to_string()),
        ]
    }

    #[test]
    fn every_scheme_says_the_same_places() {
        for scheme in schemes() {
            let columns = columns(&with_label(scheme.clone().into_iter())).unwrap().unwrap();
            assert_eq!((columns.label, columns.is_in_order()), (Some(0), true), "{}", scheme[1]);
            assert_eq!(columns.pixels, (1..=PIXELS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn labels_are_found_anywhere_and_numbers_of_rows_passed_over() {
        let mut last: Vec<String> = (1..=PIXELS).map(|at| format!("pixel{at}")).collect();
        last.push("class".to_owned());
        assert_eq!(columns(&last).unwrap().unwrap().label, Some(PIXELS));
        last.insert(0, String::new());
        let found = columns(&last).unwrap().unwrap();
        assert_eq!((found.label, found.pixels[0], found.count), (Some(PIXELS + 1), 1, PIXELS + 2));
        let unlabelled: Vec<String> =
            std::iter::once("id".to_owned()).chain((0..PIXELS).map(|at| format!("p{at}"))).collect();
        assert_eq!(columns(&unlabelled).unwrap().unwrap().label, None);
        let counted: Vec<String> = (1..=PIXELS + 1).map(|at| format!("V{at}")).collect();
        let found = columns(&counted).unwrap().unwrap();
        assert_eq!((found.label, found.pixels[0], found.has_names), (Some(0), 1, true));
        let bare: Vec<String> = (0..=PIXELS).map(|at| at.to_string()).collect();
        assert_eq!(columns(&bare).unwrap().unwrap().label, Some(0));
    }

    #[test]
    fn the_first_column_out_of_place_is_named() {
        let names = || with_label((0..PIXELS).map(|at| format!("pixel{at}")));
        let problem = |names: &[String]| {
            let HeaderProblem { column, problem } = columns(names).unwrap().unwrap_err();
            format!("{column}: {problem}")
        };
        let mut twice = names();
        twice[6] = "pixel4".to_owned();
        assert!(problem(&twice).starts_with("6: `pixel4` is the same place as column 6"), "{}", problem(&twice));
        let mut beyond = names();
        beyond[9] = "pixel784".to_owned();
        assert!(problem(&beyond).starts_with("9: `pixel784` is no place among 784 pixels"));
        let mut odd = names();
        odd[3] = "ink".to_owned();
        assert!(problem(&odd).starts_with("3: `ink` says no place among the pixels"));
        let mut two = names();
        two[5] = "digit".to_owned();
        assert!(problem(&two).starts_with("5: `digit` and `label` (column 1) both name the label"));
        let words = with_label((0..PIXELS).map(|at| "abcdefgh".repeat(at % 3 + 1)));
        assert!(problem(&words).starts_with("1: `abcdefgh` says no place"), "{}", problem(&words));
        let row: Vec<String> = (0..=PIXELS).map(|at| (at % 10).to_string()).collect();
        assert_eq!(columns(&row), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_order_of_columns_is_undone(scheme in 0usize..8, order in Just((0..=PIXELS).collect::<Vec<_>>()).prop_shuffle()) {
            let names = with_label(schemes()[scheme].clone().into_iter());
            let shuffled: Vec<String> = order.iter().map(|&at| names[at].clone()).collect();
            let columns = columns(&shuffled).unwrap().unwrap();
            prop_assert_eq!(order[columns.label.unwrap()], 0);
            for (pixel, &column) in columns.pixels.iter().enumerate() {
                prop_assert_eq!(order[column], pixel + 1);
            }
        }

        #[test]
        fn any_names_are_read_or_refused(names in proptest::collection::vec("\\PC{0,6}|pixel[0-9]{1,3}", 783..787)) {
            if let Some(Ok(columns)) = columns(&names) {
                let mut all = columns.pixels.clone();
                all.extend(columns.label);
                all.sort_unstable();
                all.dedup();
                prop_assert!(all.len() == PIXELS + usize::from(columns.label.is_some()));
            }
        }
    }
}
