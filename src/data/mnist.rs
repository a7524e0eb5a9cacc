//! MNIST: 60,000 training and 10,000 test digits.
//!
//! Its folder is the first that applies of: the folder named by the caller; the folder named by the environment
//! variable `DIGITSTACK_DATA`; `mnist/` in the user's cache folder, into which missing files are downloaded.
//!
//! A named folder may hold anybody's digits in MNIST's form: they are read as they are, and whether they are the
//! official ones is reported. The cache folder is the program's own: a file there counts only if its hash is MNIST's,
//! otherwise it is downloaded again.

use std::path::{Path, PathBuf};

use super::{
    Digits,
    download::{Mirrors, RemoteFile, download},
    error::{DataError, Result},
    file::FileHash,
    idx,
};
use crate::progress::Progress;

/// The environment variable that names a folder with MNIST's files.
pub const FOLDER_VARIABLE: &str = "DIGITSTACK_DATA";

/// Part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Training digits: models are fitted and selected on them.
    Train,
    /// Test digits: opened once, when training is over.
    Test,
}

impl Part {
    /// `"train"` or `"test"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// The names, without extension, of the images and labels of this part.
    pub(super) fn idx_names(self) -> [&'static str; 2] {
        match self {
            Self::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Self::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Names, lengths and digests of the four files of a data set in MNIST's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MnistFiles {
    /// Images and labels.
    pub train: [RemoteFile; 2],
    /// Images and labels.
    pub test: [RemoteFile; 2],
}

impl MnistFiles {
    /// The images and labels of a part.
    pub fn of(&self, part: Part) -> &[RemoteFile; 2] {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }

    /// Tells whether both files have the expected digests.
    pub(super) fn are(&self, part: Part, found: &[FileHash; 2]) -> bool {
        self.of(part).iter().zip(found).all(|(expected, found)| expected.sha256 == found.sha256)
    }
}

impl Default for MnistFiles {
    /// The official files.
    fn default() -> Self {
        let file = |name: &str, bytes, sha256: &str| RemoteFile {
            name: name.into(),
            bytes,
            sha256: sha256.parse().expect("the digests below are well formed"),
        };
        let ([train_images, train_labels], [test_images, test_labels]) =
            (Part::Train.idx_names(), Part::Test.idx_names());
        Self {
            train: [
                file(train_images, 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
                file(train_labels, 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            ],
            test: [
                file(test_images, 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
                file(test_labels, 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
            ],
        }
    }
}

/// Location of MNIST's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A user's folder: read as it is, never written.
    Folder(PathBuf),
    /// The program's own folder: verified, and filled by download.
    Cache(PathBuf),
}

impl Location {
    /// `explicit`, or the folder that `DIGITSTACK_DATA` names, or the user's cache folder.
    ///
    /// # Errors
    /// [`DataError::NoCacheFolder`] if none of the three exists.
    pub fn find(explicit: Option<&Path>) -> Result<Self> {
        let named = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
        let cache =
            directories::ProjectDirs::from("", "", "digitstack").map(|folders| folders.cache_dir().join("mnist"));
        Self::choose(explicit, named, cache)
    }

    /// The first of the three; a variable set to nothing counts as unset.
    fn choose(explicit: Option<&Path>, named: Option<PathBuf>, cache: Option<PathBuf>) -> Result<Self> {
        let named = named.filter(|folder| !folder.as_os_str().is_empty());
        match (explicit.map(Path::to_owned).or(named), cache) {
            (Some(folder), _) => Ok(Self::Folder(folder)),
            (None, Some(folder)) => Ok(Self::Cache(folder)),
            (None, None) => Err(DataError::NoCacheFolder),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Cache(folder) => folder,
        }
    }
}

/// A data set in MNIST's format.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// Location of its files.
    pub location: Location,
    /// Expected files: required in the cache; elsewhere they decide whether the files are official.
    pub files: MnistFiles,
    /// Sources of missing files.
    pub mirrors: Mirrors,
}

/// Contents of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MnistPart {
    /// The digits, each its own group.
    pub digits: Digits,
    /// The files of images and labels.
    pub files: [FileHash; 2],
    /// True if the files are the official MNIST.
    pub is_official: bool,
}

impl Mnist {
    /// The official files and mirrors.
    ///
    /// # Errors
    /// Those of [`Location::find`].
    pub fn find(explicit: Option<&Path>) -> Result<Self> {
        Ok(Self { location: Location::find(explicit)?, files: MnistFiles::default(), mirrors: Mirrors::default() })
    }

    /// Reads a part, and downloads it first if it belongs into the cache and is not there. The other part is neither
    /// read nor needed.
    ///
    /// # Errors
    /// [`DataError::Layout`] if a named folder lacks a file, [`DataError::Download`] if the cache does and no mirror
    /// helps, and those of [`idx::read_pair`].
    pub fn read(&self, part: Part, progress: &dyn Progress) -> Result<MnistPart> {
        let [images, labels] = match &self.location {
            Location::Folder(folder) => locate_pair(folder, part)?,
            Location::Cache(folder) => {
                let [images, labels] = self.files.of(part);
                [self.cached(images, folder, progress)?, self.cached(labels, folder, progress)?]
            }
        };
        let (digits, files) = idx::read_pair_hashed(&images, &labels)?;
        let is_official = self.files.are(part, &files);
        if let (Location::Cache(_), false) = (&self.location, is_official) {
            return Err(DataError::Format {
                path: images,
                problem: "or its labels changed while they were being read".into(),
            });
        }
        Ok(MnistPart { digits, files, is_official })
    }

    /// Finds the verified file in the cache; downloads it if it is missing or has another digest.
    fn cached(&self, file: &RemoteFile, folder: &Path, progress: &dyn Progress) -> Result<PathBuf> {
        for path in spellings(folder, &file.name).filter(|path| path.is_file()) {
            if matches!(file.is_at(&path), Ok(true)) {
                return Ok(path);
            }
            progress.message(&format!("{} is damaged and is downloaded again", path.display()));
        }
        let wanted: Vec<String> =
            self.files.train.iter().chain(&self.files.test).map(|file| file.name.clone()).collect();
        download(file, &self.mirrors, folder, &wanted, progress)
    }
}

/// The names a file may have: `a-idx3-ubyte` and `a.idx3-ubyte`, plain and with `.gz`.
fn spellings(folder: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    [name.to_owned(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")]
        .map(|name| folder.join(name))
        .into_iter()
}

/// Finds the image and label file of a part in a user's folder.
fn locate_pair(folder: &Path, part: Part) -> Result<[PathBuf; 2]> {
    let [images, labels] = part.idx_names().map(|name| spellings(folder, name).find(|path| path.is_file()));
    if let (Some(images), Some(labels)) = (&images, &labels) {
        return Ok([images.clone(), labels.clone()]);
    }
    let missing: Vec<_> = part
        .idx_names()
        .into_iter()
        .zip([images, labels])
        .filter(|(_, path)| path.is_none())
        .map(|(name, _)| name)
        .collect();
    let problem = format!("lacks {} (plain, or gzipped with .gz added)", missing.join(" and "));
    Err(DataError::Layout { path: folder.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Images, progress::Silent};

    #[test]
    fn the_callers_folder_comes_before_the_variable_and_that_before_the_cache() {
        let choose = |explicit: Option<&str>, named: Option<&str>, cache: Option<&str>| {
            Location::choose(explicit.map(Path::new), named.map(PathBuf::from), cache.map(PathBuf::from)).ok()
        };
        assert_eq!(choose(Some("a"), Some("b"), Some("c")), Some(Location::Folder("a".into())));
        assert_eq!(choose(None, Some("b"), Some("c")), Some(Location::Folder("b".into())));
        assert_eq!(choose(None, Some(""), Some("c")), Some(Location::Cache("c".into())));
        assert_eq!(choose(None, None, None), None);
    }

    #[test]
    fn every_spelling_is_found_and_missing_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let digits = Digits::new(Images::from_images([[1; 784], [2; 784]]), vec![3, 4]);
        let at = |name: &str| folder.path().join(name);
        let mnist = Mnist::find(Some(folder.path())).unwrap();
        let error = mnist.read(Part::Train, &Silent).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "lacks train-images-idx3-ubyte and train-labels-idx1-ubyte (plain, or gzipped with .gz added)"
            ),
            "{error}"
        );
        for (images, labels) in [
            ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
            ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
            ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ] {
            idx::write_pair(&digits, &at(images), &at(labels)).unwrap();
            let part = mnist.read(Part::Train, &Silent).unwrap();
            assert_eq!((part.digits, part.is_official), (digits.clone(), false));
            assert!(mnist.read(Part::Test, &Silent).is_err());
            std::fs::remove_file(at(images)).unwrap();
            std::fs::remove_file(at(labels)).unwrap();
        }
    }
}
