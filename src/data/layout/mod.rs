//! The layouts that data sets come in, told by the names of files and folders.
//!
//! | layout | names |
//! |---|---|
//! | IDX | `train-images-idx3-ubyte` and its labels, `t10k-…` for the test; also `emnist-digits-…`, `qmnist-…` |
//! | tables | `train.csv` and `test.csv`, `mnist_train.csv` …, a single CSV file; `.tsv` and `.gz` too |
//! | pictures | `train/0…9` and `test/0…9`, or `0…9`; also `training/`, `00…09`, `digit_0`, `zero` |
//!
//! A folder that has none of them itself is searched for exactly one inside: `MNIST/raw`, `mnist_png`. Nothing is read
//! here. [`sort_names`] does the thinking and touches no disk; the rest lists folders for it.

mod advice;
mod names;

use std::path::{Path, PathBuf};

use super::{
    error::{DataError, Result, reading},
    folder::{ClassFolders, is_left_by_system},
    ground::is_stored_turned,
    split_marker::{SplitMarker, leftovers_beside},
    tables::TEST_LABELS,
};

pub use names::{Entry, IdxPair, IdxSet, Names, TableSet, class_of, is_table, sort_names};

/// Folders inside each other that are searched.
const MAX_DEPTH: usize = 3;
/// Folders that are searched in all.
const MAX_FOLDERS: usize = 300;

/// A layout that was found.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Folder of its files: the one that was named, or one inside.
    pub(super) folder: PathBuf,
    pub(super) kind: LayoutKind,
    /// Things that somebody should know: what was chosen, and what is not read.
    pub(super) notes: Vec<String>,
}

/// Kind of a layout, with its files.
#[derive(Clone, Debug)]
pub(super) enum LayoutKind {
    Idx(IdxSet),
    Tables {
        set: TableSet,
        /// Record of the files, if `digitstack data split` wrote them.
        marker: Option<SplitMarker>,
    },
    Pictures {
        train: ClassFolders,
        test: Option<ClassFolders>,
    },
}

impl Layout {
    /// Whether images are stored with rows and columns exchanged, as all of EMNIST's are.
    pub(super) fn is_transposed(&self) -> bool {
        match &self.kind {
            LayoutKind::Idx(set) => is_stored_turned(&set.prefix),
            LayoutKind::Tables { set, .. } => is_stored_turned(set.parts[0].as_deref().unwrap_or_default()),
            LayoutKind::Pictures { .. } => false,
        }
    }

    /// Whether there is a test part, as far as names say. A table without labels may turn out to be none.
    pub(super) fn has_test(&self) -> bool {
        match &self.kind {
            LayoutKind::Idx(set) => set.parts[1] != IdxPair::default(),
            LayoutKind::Tables { set, .. } => set.parts[1].is_some(),
            LayoutKind::Pictures { test, .. } => test.is_some(),
        }
    }

    /// The layout in words: "IDX files", "train.csv", "picture folders 0 to 9".
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            LayoutKind::Idx(set) if set.prefix.is_empty() => "IDX files".to_owned(),
            LayoutKind::Idx(set) => format!("IDX files {}-…", set.prefix),
            LayoutKind::Tables { set, .. } => set.parts[0].clone().unwrap_or_default(),
            LayoutKind::Pictures { train, test } => {
                let name = |folders: &ClassFolders, index: Option<usize>| {
                    let index = index.unwrap_or(folders.classes.len() - 1);
                    folders.classes[index].1.to_string_lossy().into_owned()
                };
                let range = |folders: &ClassFolders| format!("{} to {}", name(folders, Some(0)), name(folders, None));
                match test {
                    Some(test) => format!("picture folders {} and {}", range(train), range(test)),
                    None => format!("picture folders {}", range(train)),
                }
            }
        }
    }
}

/// Finds the data set in a folder, or in one CSV file.
///
/// # Errors
/// [`DataError::Layout`] with what lies there if there is no data set or several, if class folders are ambiguous, or if
/// `digitstack data split` was interrupted in writing it; [`DataError::Read`] if a folder cannot be listed.
pub(super) fn find(folder: &Path) -> Result<Layout> {
    let wrong = |problem: String| DataError::Layout { path: folder.to_owned(), problem };
    if folder.is_file() {
        return single_file(folder);
    }
    if !folder.is_dir() {
        let problem = if folder.exists() { "is not a folder" } else { "does not exist" };
        return Err(wrong(problem.into()));
    }
    let names = list(folder)?;
    if let Some(layout) = look(folder, folder, &names)? {
        return Ok(layout);
    }
    if let Some(problem) = leftovers_beside(folder).map_err(reading(folder))? {
        return Err(wrong(problem));
    }
    let mut left = MAX_FOLDERS;
    let mut found = Vec::new();
    search(folder, folder, &names, MAX_DEPTH, &mut left, &mut found)?;
    let inside = |layout: &Layout| {
        let inside = layout.folder.strip_prefix(folder).unwrap_or(&layout.folder);
        inside.display().to_string()
    };
    match (found.pop(), &found[..]) {
        (Some(mut layout), []) => {
            layout.notes.insert(0, format!("found {} in {}", layout.describe(), inside(&layout)));
            Ok(layout)
        }
        (Some(last), others) => {
            let all: Vec<_> = others.iter().chain([&last]).map(inside).collect();
            Err(wrong(format!(
                "holds several data sets, in {}; name the folder of one with --data, or combine them with \
                 [[data.sources]]",
                all.join(", ")
            )))
        }
        (None, _) => Err(wrong(advice::nothing_found(&names))),
    }
}

/// Whether the data set in a folder is one of IDX files.
pub fn is_idx_folder(folder: &Path) -> bool {
    find(folder).is_ok_and(|layout| matches!(layout.kind, LayoutKind::Idx(_)))
}

/// One file in place of a folder: a table.
fn single_file(path: &Path) -> Result<Layout> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !is_table(&name) {
        let problem = advice::of_file(&name).map_or("is a file".to_owned(), |what| format!("is {what}"))
            + "; expected a folder, or a CSV or TSV file";
        return Err(DataError::Layout { path: path.to_owned(), problem });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let set = TableSet { prefix: String::new(), parts: [Some(name), None] };
    let kind = LayoutKind::Tables { set, marker: None };
    Ok(Layout { folder: folder.to_owned(), kind, notes: Vec::new() })
}

/// The names in a folder, but for what systems leave.
fn list(folder: &Path) -> Result<Names> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading(folder))? {
        let entry = entry.map_err(reading(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_left_by_system(&name) {
            entries.push(Entry { name, is_folder: entry.path().is_dir() });
        }
    }
    Ok(sort_names(&entries))
}

/// Looks for layouts in the folders of a folder that has none itself.
fn search(
    root: &Path,
    folder: &Path,
    names: &Names,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<Layout>,
) -> Result<()> {
    for name in names.folders.iter().chain(names.parts.iter().flatten()) {
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        let inside = folder.join(name);
        // A folder that cannot be listed is none of the data set.
        let Ok(names) = list(&inside) else { continue };
        match look(root, &inside, &names)? {
            Some(layout) => found.push(layout),
            None if depth > 1 => search(root, &inside, &names, depth - 1, left, found)?,
            None => {}
        }
    }
    Ok(())
}

/// The layout of a folder itself; none if it has none. Files are named relative to `root`.
fn look(root: &Path, folder: &Path, names: &Names) -> Result<Option<Layout>> {
    let wrong = |problem: String| DataError::Layout { path: folder.to_owned(), problem };
    let marker = SplitMarker::read(folder)?;
    let difference = marker.as_ref().map(|marker| marker.first_difference(folder, TEST_LABELS)).transpose();
    if let Some(problem) = difference.map_err(reading(folder))?.flatten() {
        return Err(wrong(problem));
    }
    let mut notes = Vec::new();
    let mut kinds: Vec<(String, LayoutKind)> = Vec::new();
    if let Some(set) = idx_set(names, &mut notes).map_err(wrong)? {
        kinds.push(("IDX files".to_owned(), LayoutKind::Idx(set)));
    }
    for set in tables(names) {
        let name = set.parts[0].clone().unwrap_or_default();
        kinds.push((name, LayoutKind::Tables { set, marker: marker.clone() }));
    }
    let below = folder.strip_prefix(root).unwrap_or(Path::new("")).to_owned();
    if let Some(train) = part(root, &below, &names.parts[0])? {
        let mut test = part(root, &below, &names.parts[1])?;
        let validation = part(root, &below, &names.parts[2])?;
        if let Some(folders) = validation {
            let name = &names.parts[2][0];
            if test.is_none() {
                notes.push(format!("{name}/ is the test part: there is no other"));
                test = Some(folders);
            } else {
                notes.push(format!("{name}/ is not read: validation digits are cut from the training part"));
            }
        }
        kinds.push(("image folders train/0 to train/9".to_owned(), LayoutKind::Pictures { train, test }));
    }
    if let Some(classes) = class_folders(names).map_err(wrong)? {
        let classes = classes.into_iter().map(|(class, name)| (class, below.join(name))).collect();
        let train = ClassFolders { root: root.to_owned(), classes };
        if !names.folders.is_empty() {
            notes.push(format!("not read, since they name no digit: {}", advice::listed(&names.folders)));
        }
        kinds.push(("image folders 0 to 9".to_owned(), LayoutKind::Pictures { train, test: None }));
    }
    if marker.is_none()
        && matches!(kinds[..], [(_, LayoutKind::Tables { .. })])
        && let Some(problem) = leftovers_beside(folder).map_err(reading(folder))?
    {
        return Err(wrong(problem));
    }
    let all = kinds.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    match kinds.pop() {
        Some((_, kind)) if kinds.is_empty() => Ok(Some(Layout { folder: folder.to_owned(), kind, notes })),
        Some(_) => Err(wrong(format!(
            "holds several data sets ({all}); keep one, name one file with --data, or combine folders with \
             [[data.sources]]"
        ))),
        None => Ok(None),
    }
}

/// The set of IDX files to read. EMNIST comes in six sets, of which two hold digits.
fn idx_set(names: &Names, notes: &mut Vec<String>) -> std::result::Result<Option<IdxSet>, String> {
    let all = || names.idx.iter().map(|set| format!("{}-…", set.prefix)).collect::<Vec<_>>().join(", ");
    match &names.idx[..] {
        [] => Ok(None),
        sets if sets.iter().all(|set| set.prefix.starts_with("emnist")) => {
            let of = |prefix: &str| sets.iter().find(|set| set.prefix == prefix);
            let Some(set) = of("emnist-digits").or_else(|| of("emnist-mnist")) else {
                return Err(format!(
                    "holds {}, which are letters or letters and digits; of EMNIST's sets only emnist-digits-… and \
                     emnist-mnist-… are digits alone",
                    all()
                ));
            };
            if sets.len() > 1 {
                notes.push(format!("of EMNIST's sets {}-… is read", set.prefix));
            }
            Ok(Some(set.clone()))
        }
        [set] => Ok(Some(set.clone())),
        _ => Err(format!("holds several data sets of IDX files ({}); keep one", all())),
    }
}

/// The tables to read: each set with a training table, or else the only table there is.
fn tables(names: &Names) -> Vec<TableSet> {
    match (&names.tables[..], &names.other_tables[..]) {
        ([], [table]) => vec![TableSet { prefix: String::new(), parts: [Some(table.clone()), None] }],
        (sets, _) => sets.to_vec(),
    }
}

/// The class folders inside the folder of a part, or in the only folder inside that.
fn part(root: &Path, below: &Path, folders: &[String]) -> Result<Option<ClassFolders>> {
    let mut found: Option<ClassFolders> = None;
    for folder in folders {
        let mut relative = below.join(folder);
        let mut names = list(&root.join(&relative))?;
        let inner: Vec<&String> = names.folders.iter().chain(names.parts.iter().flatten()).collect();
        if let ([], [only]) = (&names.classes[..], &inner[..]) {
            relative = relative.join(only);
            names = list(&root.join(&relative))?;
        }
        let wrong = |problem: String| DataError::Layout { path: root.join(&relative), problem };
        let Some(classes) = class_folders(&names).map_err(wrong)? else { continue };
        let classes = classes.into_iter().map(|(class, name)| (class, relative.join(name))).collect();
        if found.is_some() {
            let problem = format!("holds several folders of one part ({}); keep one", folders.join(", "));
            return Err(DataError::Layout { path: root.join(below), problem });
        }
        found = Some(ClassFolders { root: root.to_owned(), classes });
    }
    Ok(found)
}

/// The class folders among names, each class once; none if there is none.
fn class_folders(names: &Names) -> std::result::Result<Option<Vec<(u8, String)>>, String> {
    if names.classes.is_empty() {
        return Ok(None);
    }
    if let Some(pair) = names.classes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("the folders `{}` and `{}` both mean the digit {}", pair[0].1, pair[1].1, pair[0].0));
    }
    let has_zero = names.classes[0].0 == 0;
    if !has_zero && names.classes.len() == 9 && names.folders.iter().any(|name| name.trim_start_matches('0') == "10") {
        return Err("has folders 1 to 10 and none for the digit 0; rename 10 to 0 if that is what it holds".to_owned());
    }
    Ok(Some(names.classes.clone()))
}

#[cfg(test)]
mod tests;
