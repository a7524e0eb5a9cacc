//! Advice for a folder that holds no data set that can be read.

use super::Names;
use crate::data::counted::counted;

/// Names that a message lists; the others are counted.
const SHOWN: usize = 6;
/// Extensions of picture files.
const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "heic"];

/// The first names of a list, and the number of the others.
pub(super) fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Format of a file that is not read, by its name, with advice.
pub(super) fn of_file(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let arrays = "its arrays can be saved as CSV with the label first, or as pictures in folders 0 to 9";
    if ends(&[".npz", ".npy"]) {
        Some(format!("a file of NumPy arrays: {arrays}"))
    } else if ends(&[".pt", ".pth", ".pkl", ".pkl.gz", ".pickle"]) {
        Some(format!("a Python pickle: {arrays}; torchvision keeps the files themselves in MNIST/raw"))
    } else if ends(&[".mat"]) {
        Some(format!("a MATLAB file: {arrays}"))
    } else if ends(&[".h5", ".hdf5"]) {
        Some(format!("an HDF5 file: {arrays}"))
    } else if ends(&[".parquet"]) {
        Some("a Parquet file: its pictures can be saved as files in folders 0 to 9".to_owned())
    } else if ends(&[".arff"]) {
        Some("an ARFF file: its table can be saved as CSV".to_owned())
    } else if name.contains(".tfrecord") {
        Some("a TFRecord file: its pictures can be saved as files in folders 0 to 9".to_owned())
    } else if ends(&[".xlsx", ".xls", ".ods"]) {
        Some("a workbook: export the sheet as CSV".to_owned())
    } else if ends(&[".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar", ".xz", ".bz2", ".zst"]) {
        Some("an archive: unpack it".to_owned())
    } else {
        None
    }
}

/// Contents of a folder in words, with the expected ones.
pub(super) fn nothing_found(names: &Names) -> String {
    let files: Vec<String> = names.files.iter().chain(&names.other_tables).cloned().collect();
    let folders: Vec<String> = names.folders.iter().chain(names.parts.iter().flatten()).cloned().collect();
    let mut held = Vec::new();
    if !folders.is_empty() {
        held.push(format!("{} ({})", counted(folders.len(), "folder"), listed(&folders)));
    }
    if !files.is_empty() {
        held.push(format!("{} ({})", counted(files.len(), "file"), listed(&files)));
    }
    let holds = if held.is_empty() { "nothing".to_owned() } else { held.join(" and ") };
    let mut advice = String::new();
    let is_picture = |name: &&String| {
        name.rsplit_once('.').is_some_and(|(_, extension)| PICTURES.contains(&extension.to_lowercase().as_str()))
    };
    let pictures = files.iter().filter(is_picture).count();
    if pictures > 0 {
        advice += &format!(
            " Of the files {pictures} look like pictures, but nothing says which digit each shows: put them into \
             folders 0 to 9."
        );
    }
    if names.other_tables.len() > 1 {
        advice += " None of the tables is called train.csv: rename one, or name its file with --data.";
    }
    if let Some((file, what)) = files.iter().find_map(|name| Some((name, of_file(name)?))) {
        advice += &format!(" {} is {what}.", file.escape_debug());
    }
    format!(
        "holds no training digits but {holds}; expected train-images-idx3-ubyte and train-labels-idx1-ubyte, or \
         train.csv, or folders train/0 to train/9, or folders 0 to 9 of pictures.{advice}"
    )
}
