//! The `[data]` section.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FieldError, HeldOut, Polarity};

/// Most images of a part.
const MAX_IMAGES: usize = 10_000_000;
/// Most built-in digits of a part.
const MAX_BUILTIN: usize = 2_000_000;
/// Memory that a digit takes during a fit, in bytes: its pixels, a prepared copy, and its predictions.
const BYTES_OF_DIGIT: usize = 1_600;
/// Most sources, and most repeats of one.
const MAX_SOURCES: usize = 100;

/// Kind of source that digits are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Digits that the program draws itself: needs no file and no network.
    #[default]
    Builtin,
    /// MNIST, from a folder or downloaded.
    Mnist,
    /// A folder of the user's, of any layout that is recognised.
    Folder,
}

impl SourceKind {
    /// `"builtin"`, `"mnist"` or `"folder"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Mnist => "mnist",
            Self::Folder => "folder",
        }
    }
}

/// The `[data]` section of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Source of the digits. Default builtin.
    pub source: SourceKind,
    /// Folder, or one CSV file, of the sources `mnist` and `folder`. Default: none. `--data` on the command line comes
    /// before it.
    pub path: Option<PathBuf>,
    /// Greatest number of training images, 1 to 10,000,000, drawn with each class's share, always the same ones. Default:
    /// all that the files hold; 12,000 built-in ones.
    pub train: Option<usize>,
    /// Test images. Of data with a test part: greatest number of them, 1 to 10,000,000. Of data without one: a fraction
    /// (`0.2`) or a number of the training images that is held out, copies of an image together. Default: the whole test
    /// part, if there is one; 2,000 built-in digits.
    pub test: Option<HeldOut>,
    /// Seed of the built-in digits, whatever the run's seed is. Default 0.
    pub builtin_seed: u64,
    /// Brightness of the ink relative to its background. Default auto: found once for each set, and said.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "auto"))]
    pub polarity: Polarity,
    /// Greatest share of a folder's files that may give no digit, 0 to 1: they are passed over and listed in
    /// `skipped.csv`. Default 0.01.
    #[serde(skip_serializing_if = "is_default_share")]
    #[schemars(extend("default" = MAX_SKIPPED))]
    pub max_skipped: f64,
    /// Several sources in place of the one that the fields above describe, at most 100 tables `[[data.sources]]`.
    /// Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceConfig>,
    /// Whether the first file that gives no digit is an error: `--strict`. Changes no result, and is not part of a
    /// configuration.
    #[serde(skip)]
    pub strict: bool,
}

/// One of several sources: a `[[data.sources]]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Name of the source in names of digits and in scores, 1 to 80 characters. Default: that of its folder, or its
    /// kind.
    pub name: Option<String>,
    /// Source of the digits, as `data.source`. Default builtin.
    pub source: SourceKind,
    /// Folder or CSV file, as `data.path`. Default: none.
    pub path: Option<PathBuf>,
    /// Greatest number of training images, as `data.train`. Default: all; 12,000 built-in ones.
    pub train: Option<usize>,
    /// Test images, as `data.test`. Default: the whole test part, if there is one; 2,000 built-in digits.
    pub test: Option<HeldOut>,
    /// Seed of the built-in digits. Default 0.
    pub builtin_seed: u64,
    /// Brightness of the ink, as `data.polarity`. Default auto.
    pub polarity: Polarity,
    /// Times that each training digit is there, 1 to 100. More gives a small source more weight; all copies of a digit
    /// stay on one side of every fold. Default 1.
    pub repeat: usize,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Default of `max_skipped`.
const MAX_SKIPPED: f64 = 0.01;

fn is_default_share(share: &f64) -> bool {
    *share == MAX_SKIPPED
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: SourceKind::default(),
            path: None,
            train: None,
            test: None,
            builtin_seed: 0,
            polarity: Polarity::Auto,
            max_skipped: MAX_SKIPPED,
            sources: Vec::new(),
            strict: false,
        }
    }
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: None,
            source: SourceKind::default(),
            path: None,
            train: None,
            test: None,
            builtin_seed: 0,
            polarity: Polarity::Auto,
            repeat: 1,
        }
    }
}

impl DataConfig {
    /// True if the digits lie in a folder that only the command line named.
    pub fn lacks_folder(&self) -> bool {
        self.source == SourceKind::Folder && self.path.is_none() && self.sources.is_empty()
    }

    /// Refuses impossible values.
    ///
    /// # Errors
    /// The first field that cannot be as it is.
    pub fn check(&self) -> Result<(), FieldError> {
        if !(0.0..=1.0).contains(&self.max_skipped) {
            return Err(FieldError::new(
                "max_skipped",
                format!("found {}, expected a share from 0 to 1", self.max_skipped),
            ));
        }
        if self.sources.is_empty() {
            return self.as_source().check();
        }
        if self.sources.len() > MAX_SOURCES {
            let problem = format!("found {}, expected at most {MAX_SOURCES}", self.sources.len());
            return Err(FieldError::new("sources", problem));
        }
        let alone = [
            ("path", self.path.is_some()),
            ("train", self.train.is_some()),
            ("test", self.test.is_some()),
            ("source", self.source != SourceKind::default()),
            ("polarity", self.polarity != Polarity::Auto),
        ];
        if let Some((field, _)) = alone.iter().find(|(_, is_set)| *is_set) {
            let problem =
                format!("belongs into the tables of [[data.sources]] where there are any, as sources[0].{field}");
            return Err(FieldError::new(*field, problem));
        }
        let names = self.source_names();
        for (index, source) in self.sources.iter().enumerate() {
            let inside = |error: FieldError| error.inside(&format!("sources[{index}]"));
            source.check().map_err(inside)?;
            if let Some(earlier) = names[..index].iter().position(|name| *name == names[index]) {
                let problem = format!("`{}` is the name of sources[{earlier}], too: give each a name", names[index]);
                return Err(inside(FieldError::new("name", problem)));
            }
        }
        Ok(())
    }

    /// Names of the sources, in order.
    pub fn source_names(&self) -> Vec<String> {
        self.sources.iter().map(SourceConfig::display_name).collect()
    }

    /// The settings of the only source.
    pub(super) fn as_source(&self) -> SourceConfig {
        SourceConfig {
            name: None,
            source: self.source,
            path: self.path.clone(),
            train: self.train,
            test: self.test,
            builtin_seed: self.builtin_seed,
            polarity: self.polarity,
            repeat: 1,
        }
    }

    /// The sources to read: those of the settings, or `folder` in their place.
    pub(super) fn all_sources(&self, folder: Option<&Path>) -> Vec<SourceConfig> {
        match folder {
            _ if self.sources.is_empty() => {
                let mut only = self.as_source();
                if let Some(folder) = folder {
                    only.path = Some(folder.to_owned());
                    if only.source == SourceKind::Builtin {
                        only.source = SourceKind::Folder;
                    }
                }
                vec![only]
            }
            Some(folder) => {
                let path = Some(folder.to_owned());
                vec![SourceConfig { source: SourceKind::Folder, path, ..SourceConfig::default() }]
            }
            None => self.sources.clone(),
        }
    }

    /// Makes this the configuration of a folder that was named on the command line, in place of built-in digits or of
    /// several sources, whose limits say nothing about it. `is_set` tells which fields somebody has set on the command
    /// line, too: they stay. Returns what was left out, in words.
    pub fn use_folder(&mut self, is_set: impl Fn(&str) -> bool) -> Vec<String> {
        let mut left_out = Vec::new();
        if !self.sources.is_empty() {
            left_out.push(format!("data.sources ({})", self.source_names().join(", ")));
            self.sources.clear();
            self.source = SourceKind::Folder;
        } else if self.source == SourceKind::Builtin {
            self.source = SourceKind::Folder;
            if !is_set("data.train")
                && let Some(count) = self.train.take()
            {
                left_out.push(format!("data.train = {count}"));
            }
            if !is_set("data.test")
                && let Some(test) = self.test.take()
            {
                left_out.push(match test {
                    HeldOut::Share(share) => format!("data.test = {share}"),
                    HeldOut::Count(count) => format!("data.test = {count}"),
                });
            }
        }
        left_out
    }
}

impl SourceConfig {
    fn check(&self) -> Result<(), FieldError> {
        let images = |count: usize| format!("{count} images, expected 1 to {MAX_IMAGES}");
        if let Some(count) = self.train.filter(|count| !(1..=MAX_IMAGES).contains(count)) {
            return Err(FieldError::new("train", images(count)));
        }
        match self.test {
            Some(HeldOut::Count(count)) if !(1..=MAX_IMAGES).contains(&count) => {
                return Err(FieldError::new("test", images(count)));
            }
            Some(test) => test.check().map_err(|error| FieldError::new("test", error.problem))?,
            None => {}
        }
        if !(1..=MAX_SOURCES).contains(&self.repeat) {
            return Err(FieldError::new("repeat", format!("found {}, expected 1 to {MAX_SOURCES}", self.repeat)));
        }
        let is_plain = |name: &String| !name.is_empty() && name.len() <= 80 && !name.chars().any(char::is_control);
        if let Some(name) = self.name.as_ref().filter(|name| !is_plain(name)) {
            return Err(FieldError::new("name", format!("found {name:?}, expected 1 to 80 characters")));
        }
        match &self.path {
            Some(path) if self.source == SourceKind::Builtin => {
                Err(FieldError::new("path", format!("is {}, but source = \"builtin\" reads no folder", path.display())))
            }
            Some(path) if path.as_os_str().is_empty() => Err(FieldError::new("path", "is empty, expected a folder")),
            _ => Ok(()),
        }
    }

    /// Name of the source: its own, or that of its folder, or its kind.
    pub(super) fn display_name(&self) -> String {
        let folder = || self.path.as_ref()?.file_name().map(|name| name.to_string_lossy().into_owned());
        self.name.clone().or_else(folder).unwrap_or_else(|| self.source.name().to_owned())
    }

    /// Refuses more built-in digits than fit into the memory of an ordinary machine (nothing on a disk limits their
    /// number), and a share of them.
    pub(super) fn check_builtin(&self) -> Result<(), FieldError> {
        let test = match self.test {
            Some(HeldOut::Share(share)) => {
                let problem = format!("{share} is a share of training digits; built-in test digits take a number");
                return Err(FieldError::new("test", problem));
            }
            Some(HeldOut::Count(count)) => Some(count),
            None => None,
        };
        for (field, count) in [("train", self.train), ("test", test)] {
            if let Some(count) = count.filter(|&count| count > MAX_BUILTIN) {
                let gigabytes = (count * BYTES_OF_DIGIT) as f64 / 1e9;
                return Err(FieldError::new(
                    field,
                    format!(
                        "{count} built-in digits would take about {gigabytes:.0} GB of memory ({:.1} kB each); at most \
                         {MAX_BUILTIN} are drawn",
                        BYTES_OF_DIGIT as f64 / 1e3
                    ),
                ));
            }
        }
        Ok(())
    }
}
