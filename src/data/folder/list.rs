//! The files of class folders, in order.

use std::path::{Path, PathBuf};

use super::ClassFolders;
use crate::data::error::{DataError, Result, reading};

/// Most folders inside each other below a class folder.
const MAX_DEPTH: usize = 8;

/// A file of a class folder.
pub(super) struct PictureFile {
    pub(super) class: u8,
    pub(super) path: PathBuf,
    /// Path relative to the data folder, for people, with `/` on every system.
    pub(super) name: String,
    /// Path inside the class folder, as bytes, for the order and the hash.
    pub(super) key: Vec<u8>,
}

/// Files and folders that operating systems, file managers and storage devices leave among pictures, in lower case.
/// Names that begin with a dot are passed over too.
const LEFT_BY_SYSTEMS: [&str; 14] = [
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "@eadir",
    "@tmp",
    "@recycle",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "__macosx",
    "lost+found",
    "zbthumbnail.info",
];

/// Tells whether a file or folder of this name is left by a system and no part of a data set, whatever the case.
pub fn is_left_by_system(name: &str) -> bool {
    name.starts_with('.') || LEFT_BY_SYSTEMS.contains(&name.to_lowercase().as_str())
}

/// Names of folders that hold a part of a data set and not one class's pictures.
const PARTS: [&str; 8] = ["train", "training", "test", "testing", "val", "valid", "validation", "eval"];

/// Lists the files with their classes, in order.
pub(super) fn list(folders: &ClassFolders) -> Result<Vec<PictureFile>> {
    let mut files = Vec::new();
    for (class, folder) in &folders.classes {
        let before = files.len();
        let inside = Inside { root: &folders.root, class: *class, class_folder: folder };
        inside.collect(Path::new(""), 0, &mut files)?;
        files[before..].sort_by(|a: &PictureFile, b| a.key.cmp(&b.key));
    }
    if files.is_empty() {
        let problem = "the class folders hold no picture".to_owned();
        return Err(DataError::Layout { path: folders.root.clone(), problem });
    }
    Ok(files)
}

/// A class folder that is listed.
struct Inside<'a> {
    root: &'a Path,
    class: u8,
    class_folder: &'a Path,
}

impl Inside<'_> {
    fn collect(&self, below: &Path, depth: usize, files: &mut Vec<PictureFile>) -> Result<()> {
        let folder = self.root.join(self.class_folder).join(below);
        for entry in std::fs::read_dir(&folder).map_err(reading(&folder))? {
            let file_name = entry.map_err(reading(&folder))?.file_name();
            let text = file_name.to_string_lossy();
            if is_left_by_system(&text) {
                continue;
            }
            let inside = below.join(&file_name);
            let relative = self.class_folder.join(&inside);
            let path = self.root.join(&relative);
            if !path.is_dir() {
                let key = slashed(&inside).into_owned().into_bytes();
                let key = if inside.to_str().is_some() { key } else { inside.as_os_str().as_encoded_bytes().to_vec() };
                files.push(PictureFile { class: self.class, name: slashed(&relative).into_owned(), path, key });
                continue;
            }
            if PARTS.contains(&text.to_lowercase().as_str()) {
                let problem = format!(
                    "a folder `{text}` inside a class folder: a training and a test part belong above the classes, as \
                     train/0 to train/9 and test/0 to test/9"
                );
                return Err(DataError::Layout { path, problem });
            }
            if depth == MAX_DEPTH {
                let problem = format!("more than {MAX_DEPTH} folders inside each other in a class folder");
                return Err(DataError::Layout { path, problem });
            }
            self.collect(&inside, depth + 1, files)?;
        }
        Ok(())
    }
}

/// A path with `/` between its parts on every system.
fn slashed(path: &Path) -> std::borrow::Cow<'_, str> {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text } else { text.replace(std::path::MAIN_SEPARATOR, "/").into() }
}
