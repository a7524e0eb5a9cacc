//! Recognition of a layout by the names in one folder: class folders, parts of a set, IDX files, tables.
//!
//! Nothing here touches a disk.

use std::collections::BTreeMap;

use crate::data::{CLASSES, mnist::Part};

/// A file or folder, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// The files of images and labels of a part, as far as they are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdxPair {
    /// Name of the file of images.
    pub images: Option<String>,
    /// Name of the file of labels.
    pub labels: Option<String>,
}

/// IDX files that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdxSet {
    /// Prefix of `train-images-idx3-ubyte`: empty for MNIST, `emnist-digits`, `qmnist`.
    pub prefix: String,
    /// Training and test part.
    pub parts: [IdxPair; 2],
}

/// Tables that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSet {
    /// Names without the part: empty for `train.csv`, `mnist` for `mnist_train.csv`.
    pub prefix: String,
    /// Name of the training table and of the test table.
    pub parts: [Option<String>; 2],
}

/// Names of a folder's contents, sorted by what they may mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Folders of the classes, each with its class, in the order of the classes and then of the names.
    pub classes: Vec<(u8, String)>,
    /// Folders that are named like a training, test and validation part.
    pub parts: [Vec<String>; 3],
    /// Sets of IDX files.
    pub idx: Vec<IdxSet>,
    /// Sets of tables that have a training table.
    pub tables: Vec<TableSet>,
    /// Tables that are named like no part.
    pub other_tables: Vec<String>,
    /// Other folders.
    pub folders: Vec<String>,
    /// Other files.
    pub files: Vec<String>,
}

/// Sorts the names of a folder's contents. What systems leave should not be among them.
pub fn sort_names(entries: &[Entry]) -> Names {
    let mut names = Names::default();
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    let mut idx: BTreeMap<String, IdxSet> = BTreeMap::new();
    let mut tables: BTreeMap<String, TableSet> = BTreeMap::new();
    for Entry { name, is_folder } in entries {
        if *is_folder {
            match (class_of(name), part_folder(name)) {
                (Some(class), _) => names.classes.push((class, name.clone())),
                (None, Some(part)) => names.parts[part].push(name.clone()),
                (None, None) => names.folders.push(name.clone()),
            }
        } else if let Some((prefix, part, is_images)) = idx_file(name) {
            let set = idx.entry(prefix.clone()).or_insert_with(|| IdxSet { prefix, ..IdxSet::default() });
            let pair = &mut set.parts[part as usize];
            let slot = if is_images { &mut pair.images } else { &mut pair.labels };
            // Of several spellings, the one that comes first: plain before packed, `-idx3` before `.idx3`.
            let rank = |name: &String| (name.contains(".idx"), name.ends_with(".gz"), name.contains("idx2"));
            if slot.as_ref().is_none_or(|other| rank(name) < rank(other)) {
                *slot = Some(name.clone());
            }
        } else if let Some(table) = table_file(name) {
            match table {
                Table::Part(prefix, part) => {
                    let set =
                        tables.entry(prefix.clone()).or_insert_with(|| TableSet { prefix, ..TableSet::default() });
                    let slot = &mut set.parts[part as usize];
                    if slot.as_ref().is_none_or(|other| other.ends_with(".gz")) {
                        *slot = Some(name.clone());
                    }
                }
                Table::Other => names.other_tables.push(name.clone()),
                Table::Answers => names.files.push(name.clone()),
            }
        } else {
            names.files.push(name.clone());
        }
    }
    names.classes.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    names.idx = idx.into_values().collect();
    names.tables = paired(tables.into_values().collect());
    names
}

/// A training table and a test table that are alone of their kind belong together whatever else they are called.
/// Sets without a training table are left out.
fn paired(mut sets: Vec<TableSet>) -> Vec<TableSet> {
    let of = |part: usize, sets: &[TableSet]| sets.iter().filter_map(|set| set.parts[part].clone()).collect::<Vec<_>>();
    let (trains, tests) = (of(0, &sets), of(1, &sets));
    sets.retain(|set| set.parts[0].is_some());
    if let ([set], [_], [test]) = (&mut sets[..], &trains[..], &tests[..]) {
        set.parts[1] = Some(test.clone());
    }
    sets
}

/// The class that a folder's name says: `3`, `03`, `three`, `digit 3`, `class_3`.
pub fn class_of(name: &str) -> Option<u8> {
    const WORDS: [&str; CLASSES] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const PREFIXES: [&str; 5] = ["class", "digit", "label", "number", "num"];
    let name = name.trim().to_lowercase();
    let rest = PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map_or(name.as_str(), |rest| rest.trim_start_matches([' ', '_', '-', '=']));
    if let Some(class) = WORDS.iter().position(|word| *word == rest) {
        return Some(class as u8);
    }
    let is_number = !rest.is_empty() && rest.len() <= 6 && rest.bytes().all(|byte| byte.is_ascii_digit());
    rest.parse::<u32>().ok().filter(|&class| is_number && class < CLASSES as u32).map(|class| class as u8)
}

/// Index of the part that a folder's name says: 0 training, 1 test, 2 validation.
fn part_folder(name: &str) -> Option<usize> {
    const NAMES: [&[&str]; 3] = [
        &["train", "training", "trainset", "trainingset", "traindata", "trainingdata", "trainimages", "trainingimages"],
        &["test", "testing", "testset", "testingset", "testdata", "testimages", "testingimages", "t10k"],
        &["val", "valid", "validation", "validationset", "valset", "dev", "eval", "evaluation"],
    ];
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().position(|names| names.contains(&name.as_str()))
}

/// Prefix, part and kind (true: images) of an IDX file.
fn idx_file(name: &str) -> Option<(String, Part, bool)> {
    let lower = name.to_lowercase();
    let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
    let (before, is_images) = [("images", true), ("labels", false)]
        .into_iter()
        .find_map(|(word, is_images)| Some((stem.split_once(word)?, is_images)))
        .and_then(|((before, after), is_images)| {
            let after = after.trim_start_matches(['-', '.', '_']);
            let format = if is_images { after.starts_with("idx3") } else { after.starts_with("idx") };
            format.then_some((before, is_images))
        })?;
    let before = before.trim_end_matches(['-', '.', '_']);
    let (prefix, part) = before.rsplit_once(['-', '.', '_']).unwrap_or(("", before));
    let part = match part {
        "train" | "training" => Part::Train,
        "t10k" | "test" | "testing" => Part::Test,
        _ => return None,
    };
    Some((prefix.to_owned(), part, is_images))
}

/// Whether a file is a table by its name: CSV or TSV, plain or gzip.
pub fn is_table(name: &str) -> bool {
    table_file(name).is_some()
}

/// Meaning of a table's name.
enum Table {
    /// A part of a set, with the rest of its name.
    Part(String, Part),
    /// Labels or answers to another table.
    Answers,
    /// Any other table.
    Other,
}

/// The meaning of a CSV or TSV file's name; none for other files.
fn table_file(name: &str) -> Option<Table> {
    let lower = name.to_lowercase();
    let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
    let (stem, extension) = plain.rsplit_once('.')?;
    if !["csv", "tsv", "tab"].contains(&extension) {
        return None;
    }
    let words: Vec<&str> = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.iter().any(|word| {
        ["labels", "submission", "answers", "metadata", "mapping", "skipped", "guesses", "doubtful"].contains(word)
    }) {
        return Some(Table::Answers);
    }
    let part_of = |word: &&str| match *word {
        "train" | "training" => Some(Part::Train),
        "test" | "testing" | "t10k" => Some(Part::Test),
        _ => None,
    };
    let Some((at, part)) = words.iter().enumerate().find_map(|(at, word)| Some((at, part_of(word)?))) else {
        return Some(Table::Other);
    };
    let rest: Vec<&str> = words.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, word)| *word).collect();
    Some(Table::Part(rest.join("-"), part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(files: &[&str], folders: &[&str]) -> Names {
        let entry = |is_folder: bool| move |name: &&str| Entry { name: (*name).to_owned(), is_folder };
        let entries: Vec<_> = files.iter().map(entry(false)).chain(folders.iter().map(entry(true))).collect();
        sort_names(&entries)
    }

    #[test]
    fn classes_are_told_by_many_names() {
        for (name, class) in [
            ("0", Some(0)),
            ("09", Some(9)),
            ("007", Some(7)),
            ("three", Some(3)),
            ("Digit 4", Some(4)),
            ("class_5", Some(5)),
            ("label=6", Some(6)),
            ("10", None),
            ("a", None),
            ("-1", None),
            ("", None),
            ("+3", None),
            ("classes", None),
        ] {
            assert_eq!(class_of(name), class, "{name}");
        }
        let names = sorted(&[], &["01", "00", "testing", "Training", "val", "notes"]);
        assert_eq!(names.classes, [(0, "00".to_owned()), (1, "01".to_owned())]);
        assert_eq!(names.parts, [vec!["Training".to_owned()], vec!["testing".to_owned()], vec!["val".to_owned()]]);
        assert_eq!(names.folders, ["notes"]);
    }

    #[test]
    fn idx_files_of_every_family_are_paired() {
        let names = sorted(
            &[
                "train-images-idx3-ubyte.gz",
                "train-images.idx3-ubyte",
                "train-labels-idx1-ubyte",
                "t10k-images-idx3-ubyte",
                "emnist-digits-train-images-idx3-ubyte",
                "emnist-digits-train-labels-idx1-ubyte",
                "emnist-digits-test-images-idx3-ubyte",
                "qmnist-train-images-idx3-ubyte",
                "qmnist-train-labels-idx2-int.gz",
                "camera-images-idx3-ubyte",
            ],
            &[],
        );
        let prefixes: Vec<_> = names.idx.iter().map(|set| set.prefix.as_str()).collect();
        assert_eq!(prefixes, ["", "emnist-digits", "qmnist"]);
        assert_eq!(names.idx[0].parts[0].images.as_deref(), Some("train-images-idx3-ubyte.gz"));
        assert_eq!(names.idx[0].parts[1].labels, None);
        assert_eq!(names.idx[2].parts[0].labels.as_deref(), Some("qmnist-train-labels-idx2-int.gz"));
        assert_eq!(names.files, ["camera-images-idx3-ubyte"]);
    }

    #[test]
    fn tables_are_paired_by_what_is_left_of_their_names() {
        let names = sorted(
            &["fashion-mnist_train.csv", "fashion-mnist_test.csv", "test-labels.csv", "sample_submission.csv"],
            &[],
        );
        assert_eq!(names.tables.len(), 1);
        assert_eq!(names.tables[0].parts[1].as_deref(), Some("fashion-mnist_test.csv"));
        let odd = sorted(&["mnist_train_100.csv", "mnist_test_10.csv"], &[]);
        assert_eq!(odd.tables[0].parts[1].as_deref(), Some("mnist_test_10.csv"));
        let two = sorted(&["train.csv.gz", "train.csv", "mnist_train.csv", "test.csv"], &[]);
        assert_eq!(two.tables.len(), 2);
        assert_eq!(two.tables[0].parts, [Some("train.csv".to_owned()), Some("test.csv".to_owned())]);
        assert_eq!(sorted(&["mnist_784.csv", "test.csv"], &[]).other_tables, ["mnist_784.csv"]);
        assert!(sorted(&["test.csv"], &[]).tables.is_empty());
    }

    proptest! {
        #[test]
        fn every_name_is_kept_once(
            names in proptest::collection::vec(("[a-zA-Z0-9._ -]{0,30}|\\PC{0,12}", any::<bool>()), 0..30)
        ) {
            let entries: Vec<Entry> = names.into_iter().map(|(name, is_folder)| Entry { name, is_folder }).collect();
            let folders = entries.iter().filter(|entry| entry.is_folder).count();
            let sorted = sort_names(&entries);
            prop_assert_eq!(
                sorted.classes.len() + sorted.parts.iter().map(Vec::len).sum::<usize>() + sorted.folders.len(),
                folders
            );
            prop_assert!(sorted.files.len() + sorted.other_tables.len() <= entries.len() - folders);
            prop_assert!(sorted.classes.iter().all(|(class, _)| usize::from(*class) < CLASSES));
        }
    }
}
