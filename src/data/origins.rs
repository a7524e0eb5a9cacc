//! The place that each digit was read from: a file, a row, a number; and which of several sources it belongs to.

use std::sync::Arc;

/// Names of the items of one source.
#[derive(Clone, Debug)]
enum Names {
    /// Files, relative to the data folder.
    Files(Vec<String>),
    /// Items that are counted: `{what} {first}`, `{what} {first + 1}` …
    Counted { what: String, first: usize },
}

/// One source of digits.
#[derive(Clone, Debug)]
struct SourceNames {
    /// Name of the source among several; empty if it is the only one.
    source: String,
    names: Names,
}

/// Place of a digit: index of its source and of the item in it.
#[derive(Clone, Copy, Debug)]
struct Place {
    source: u16,
    item: u32,
}

/// Origin of each digit of a set, `[n]`. Names are put together when they are asked for.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    sources: Arc<[SourceNames]>,
    places: Vec<Place>,
}

impl Origins {
    /// Items that are counted from `first`: `train.csv, row 1`, `train.csv, row 2` …
    pub fn counted(what: impl Into<String>, first: usize, count: usize) -> Self {
        Self::of(Names::Counted { what: what.into(), first }, count)
    }

    /// Files, relative to the data folder.
    pub fn files(paths: Vec<String>) -> Self {
        let count = paths.len();
        Self::of(Names::Files(paths), count)
    }

    fn of(names: Names, count: usize) -> Self {
        let source = SourceNames { source: String::new(), names };
        Self { sources: [source].into(), places: (0..count as u32).map(|item| Place { source: 0, item }).collect() }
    }

    /// Name of digit `index`: `3/a.png`, `train.csv, row 17`, `training image 123`; of several sources, with the name
    /// of its source before it: `own: 3/a.png`. Panics past the end.
    pub fn name(&self, index: usize) -> String {
        let Place { source, item } = self.places[index];
        let SourceNames { source, names } = &self.sources[usize::from(source)];
        let name = match names {
            Names::Files(paths) => paths[item as usize].clone(),
            Names::Counted { what, first } => format!("{what} {}", first + item as usize),
        };
        if source.is_empty() { name } else { format!("{source}: {name}") }
    }

    /// Index of the source of digit `index` among [`Origins::source_names`]. Panics past the end.
    pub fn source(&self, index: usize) -> usize {
        usize::from(self.places[index].source)
    }

    /// Names of the sources, in the order of the configuration; one empty name if there is only one source.
    pub fn source_names(&self) -> Vec<&str> {
        self.sources.iter().map(|source| source.source.as_str()).collect()
    }

    /// Selects the origins at these indices, in this order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self { sources: Arc::clone(&self.sources), places: indices.iter().map(|&index| self.places[index]).collect() }
    }

    /// Repeats each origin `times` times in a row.
    pub fn repeat_each(&self, times: usize) -> Self {
        let places = self.places.iter().flat_map(|&place| std::iter::repeat_n(place, times)).collect();
        Self { sources: Arc::clone(&self.sources), places }
    }

    /// Repeats the whole sequence `times` times.
    pub fn repeat(&self, times: usize) -> Self {
        Self { sources: Arc::clone(&self.sources), places: self.places.repeat(times) }
    }

    /// Joins the origins of several sources, each with its name.
    pub fn join(parts: Vec<(String, Self)>) -> Self {
        let mut sources = Vec::new();
        let mut places = Vec::new();
        for (name, part) in parts {
            let before = sources.len() as u16;
            let named = |names: &SourceNames| SourceNames { source: name.clone(), names: names.names.clone() };
            sources.extend(part.sources.iter().map(named));
            places.extend(part.places.into_iter().map(|place| Place { source: before + place.source, ..place }));
        }
        Self { sources: sources.into(), places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_digits_through_selections_copies_and_joins() {
        let files = Origins::files(vec!["3/a.png".into(), "4/b.png".into()]);
        let rows = Origins::counted("train.csv, row", 1, 3);
        assert_eq!((files.name(1), rows.name(2)), ("4/b.png".to_owned(), "train.csv, row 3".to_owned()));
        assert_eq!(rows.source_names(), [""]);
        let both = Origins::join(vec![("own".into(), files), ("table".into(), rows.select(&[2, 0]))]);
        let names = |origins: &Origins, count: usize| (0..count).map(|index| origins.name(index)).collect::<Vec<_>>();
        assert_eq!(
            names(&both, 4),
            ["own: 3/a.png", "own: 4/b.png", "table: train.csv, row 3", "table: train.csv, row 1"]
        );
        assert_eq!((both.source(1), both.source(3), both.source_names()), (0, 1, vec!["own", "table"]));
        let twice = both.select(&[3, 0]);
        assert_eq!(
            names(&twice.repeat_each(2), 4),
            ["table: train.csv, row 1", "table: train.csv, row 1", "own: 3/a.png", "own: 3/a.png"]
        );
        assert_eq!(names(&twice.repeat(2), 3), ["table: train.csv, row 1", "own: 3/a.png", "table: train.csv, row 1"]);
    }
}
