//! Picture files that somebody names: single ones, whole folders, patterns.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    folder::is_left_by_system,
    picture::{PictureProblem, PictureProblemKind, picture_bytes},
};

/// Most folders inside each other that are listed.
const MAX_DEPTH: usize = 64;

/// A file that was named or found, or something named that leads to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPicture {
    /// The path, or the pattern.
    pub path: PathBuf,
    /// Reason why there is no file to read; none if there is one.
    pub problem: Option<String>,
}

impl NamedPicture {
    /// Reads the file whole.
    ///
    /// # Errors
    /// If there is none, or it cannot be read, is too long or is empty.
    pub fn bytes(&self) -> Result<Vec<u8>, PictureProblem> {
        match &self.problem {
            Some(problem) => Err(PictureProblem { kind: PictureProblemKind::Unreadable, message: problem.clone() }),
            None => picture_bytes(&self.path),
        }
    }
}

/// Lists the files that paths, folders and patterns stand for, in the order of `named`.
///
/// A folder stands for every file in it and in the folders inside, a pattern (`*`, `?`, `[…]`, `**`) for the files and
/// folders that match it; both in the order of their paths, component by component. Files that systems leave
/// (`desktop.ini`, `.DS_Store`, …) are passed over in folders, as are names that begin with a dot. What exists under
/// the very name is no pattern. Nothing stops the rest: a folder that cannot be read and a pattern without a match are
/// entries with a problem.
pub fn find_pictures(named: &[PathBuf]) -> Vec<NamedPicture> {
    let mut found = Vec::new();
    for path in named {
        if path.is_dir() {
            add_folder(path, &mut found);
            continue;
        }
        match path.to_str().filter(|text| text.contains(['*', '?', '[']) && path.symlink_metadata().is_err()) {
            Some(pattern) => add_matches(pattern, &mut found),
            None => found.push(NamedPicture { path: path.clone(), problem: None }),
        }
    }
    found
}

fn add_matches(pattern: &str, found: &mut Vec<NamedPicture>) {
    let problem = |problem: String| NamedPicture { path: pattern.into(), problem: Some(problem) };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches = match glob::glob_with(pattern, options) {
        Ok(matches) => matches,
        Err(error) => return found.push(problem(format!("is no pattern: {error}"))),
    };
    let before = found.len();
    let mut paths = Vec::new();
    for entry in matches {
        match entry {
            Ok(path) => paths.push(path),
            Err(error) => {
                let path = error.path().to_owned();
                found.push(NamedPicture { path, problem: Some(format!("cannot be listed: {}", error.error())) });
            }
        }
    }
    paths.sort();
    for path in paths {
        match path.is_dir() {
            true => add_folder(&path, found),
            false => found.push(NamedPicture { path, problem: None }),
        }
    }
    if found.len() == before {
        found.push(problem("no file matches this pattern".to_owned()));
    }
}

fn add_folder(folder: &Path, found: &mut Vec<NamedPicture>) {
    let before = found.len();
    collect(folder, 0, &mut HashSet::new(), found);
    found[before..].sort_by(|a, b| a.path.cmp(&b.path));
}

/// Adds the files of a folder and of those inside it, in any order. `open`: folders that this one is in, however they
/// are reached, so that a link upwards ends.
fn collect(folder: &Path, depth: usize, open: &mut HashSet<PathBuf>, found: &mut Vec<NamedPicture>) {
    let mut problem = |path: &Path, problem: String| {
        found.push(NamedPicture { path: path.to_owned(), problem: Some(problem) });
    };
    if depth > MAX_DEPTH {
        return problem(folder, format!("more than {MAX_DEPTH} folders inside each other"));
    }
    let unlisted = |error: std::io::Error| format!("cannot be listed: {error}");
    let real = match folder.canonicalize() {
        Ok(real) => real,
        Err(error) => return problem(folder, unlisted(error)),
    };
    if !open.insert(real.clone()) {
        return;
    }
    match folder.read_dir() {
        Err(error) => problem(folder, unlisted(error)),
        Ok(entries) => {
            for entry in entries {
                let path = match entry {
                    Ok(entry) => entry.path(),
                    Err(error) => {
                        found.push(NamedPicture { path: folder.to_owned(), problem: Some(unlisted(error)) });
                        break;
                    }
                };
                if path.file_name().is_some_and(|name| is_left_by_system(&name.to_string_lossy())) {
                    continue;
                }
                match path.is_dir() {
                    true => collect(&path, depth + 1, open, found),
                    false => found.push(NamedPicture { path, problem: None }),
                }
            }
        }
    }
    open.remove(&real);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        root
    }

    fn list(root: &Path, named: &[&str]) -> Vec<String> {
        let named: Vec<PathBuf> = named.iter().map(|name| root.join(name)).collect();
        let shown = |found: NamedPicture| {
            let path = found.path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.problem.map_or_else(|| path.clone(), |problem| format!("{path}: {problem}"))
        };
        find_pictures(&named).into_iter().map(shown).collect()
    }

    #[test]
    fn folders_and_patterns_are_sorted_and_named_files_stay_in_their_order() {
        let root = folder(&[
            "b/2.png",
            "b/10.png",
            "b/a/z.png",
            "a.png",
            "c.jpg",
            "b/.DS_Store",
            "b/Thumbs.db",
            ".hidden.png",
        ]);
        let root = root.path();
        assert_eq!(list(root, &["c.jpg", "a.png", "c.jpg"]), ["c.jpg", "a.png", "c.jpg"]);
        assert_eq!(list(root, &["b"]), ["b/10.png", "b/2.png", "b/a/z.png"]);
        assert_eq!(list(root, &["*.png"]), ["a.png"]);
        assert_eq!(list(root, &["**/*.png"]), ["a.png", "b/10.png", "b/2.png", "b/a/z.png"]);
        assert_eq!(list(root, &["[ab]*"]), ["a.png", "b/10.png", "b/2.png", "b/a/z.png"]);
        assert_eq!(list(root, &["*.gif"]), ["*.gif: no file matches this pattern"]);
        assert!(list(root, &["a[.png"])[0].contains("is no pattern"));
        assert_eq!(list(root, &["missing.png"]), ["missing.png"], "whoever reads it says so");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_with_stars_is_a_name_if_it_exists_and_circles_of_links_end() {
        let root = folder(&["a*.png", "ab.png", "inner/x.png"]);
        let root = root.path();
        std::os::unix::fs::symlink("..", root.join("inner/up")).unwrap();
        assert_eq!(list(root, &["a*.png"]), ["a*.png"]);
        assert_eq!(list(root, &["inner"]), ["inner/up/a*.png", "inner/up/ab.png", "inner/x.png"]);
    }
}
