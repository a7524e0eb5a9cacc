//! The configurations that are shipped: all of them are inside the program.

use std::path::Path;

use super::{error::ConfigError, parse};

/// Purpose of a configuration: a run or a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigKind {
    /// A run: `digitstack run`, `train`, `check`, `data`.
    Run,
    /// A search: `digitstack tune`.
    Search,
}

impl ConfigKind {
    /// Kind of a file, or of the shipped configuration of that name: a search if it has stages.
    ///
    /// # Errors
    /// A file that cannot be read. One that is not TOML counts as that of a run.
    pub fn of(path: &Path) -> Result<Self, ConfigError> {
        let is_missing = path.is_dir() || path.symlink_metadata().is_err();
        if let Some(shipped) = path.to_str().filter(|_| is_missing).and_then(|name| ShippedConfig::find(name, None)) {
            return Ok(shipped.kind);
        }
        let (_, text) = read(path, Self::Run)?;
        let has_stages = toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("stages"));
        Ok(if has_stages { Self::Search } else { Self::Run })
    }

    /// `"run"` or `"search"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Search => "search",
        }
    }
}

/// A configuration inside the program.
#[derive(Clone, Copy, Debug)]
pub struct ShippedConfig {
    /// Name: the path of its file in `configs/`, without its ending.
    pub name: &'static str,
    /// Purpose of the configuration.
    pub kind: ConfigKind,
    /// Its text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($kind:ident $name:literal),* $(,)?) => {
        /// Every shipped configuration, by kind and name.
        pub const SHIPPED: &[ShippedConfig] = &[$(ShippedConfig {
            name: $name,
            kind: ConfigKind::$kind,
            text: include_str!(concat!("../../configs/", $name, ".toml")),
        }),*];
    };
}

shipped! {
    Run "quickstart",
    Run "mnist-cpu",
    Run "reference",
    Run "fastest",
    Run "families/convnet1",
    Run "families/deskew-a",
    Run "families/deskew-b",
    Run "families/deskew-c",
    Run "families/elastic800",
    Run "families/kaggle",
    Run "families/keras8",
    Search "tuning/quick",
    Search "tuning/mnist-cpu",
    Search "tuning/coarse-to-fine",
    Search "tuning/reference",
}

impl ShippedConfig {
    /// Description in one sentence: the first of the comment that its file begins with.
    pub fn description(&self) -> String {
        let comment: Vec<&str> = self.text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        let text = comment.join(" ");
        let end = text.find(". ").map_or(text.len(), |end| end + 1);
        text[..end].trim_end_matches('.').to_owned() + "."
    }

    /// Path of its file where the source lies.
    pub fn file(&self) -> String {
        format!("configs/{}.toml", self.name)
    }

    /// Finds a configuration by its name, `configs/NAME.toml` or, if only one of this kind ends so, its last part.
    pub fn find(name: &str, kind: Option<ConfigKind>) -> Option<&'static Self> {
        let whole = name.strip_prefix("configs/").and_then(|name| name.strip_suffix(".toml")).unwrap_or(name);
        let of_kind = |shipped: &&ShippedConfig| kind.is_none_or(|kind| shipped.kind == kind);
        if let Some(found) = SHIPPED.iter().filter(of_kind).find(|shipped| shipped.name == whole) {
            return Some(found);
        }
        let mut same_end =
            SHIPPED.iter().filter(of_kind).filter(|shipped| shipped.name.rsplit('/').next() == Some(name));
        same_end.next().filter(|_| same_end.next().is_none())
    }
}

/// Name in messages and text of a configuration: of a file or, where there is none, of the shipped one of that name.
pub(super) fn read(path: &Path, kind: ConfigKind) -> Result<(String, String), ConfigError> {
    let is_missing = path.is_dir() || path.symlink_metadata().is_err();
    match path.to_str().filter(|_| is_missing).and_then(|name| ShippedConfig::find(name, Some(kind))) {
        Some(shipped) => Ok((format!("{} (built in)", shipped.file()), shipped.text.to_owned())),
        None if path.symlink_metadata().is_err() => {
            let shipped = SHIPPED.iter().filter(|shipped| shipped.kind == kind).map(|shipped| shipped.name);
            let names = shipped.collect::<Vec<_>>().join(", ");
            Err(ConfigError::NotFound { path: path.to_owned(), kind: kind.name(), names })
        }
        None => Ok((path.display().to_string(), parse::read(path)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RunConfig, SearchConfig};

    #[test]
    fn every_file_in_configs_is_inside_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let mut found = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => found.push(path.strip_prefix(&root).unwrap().with_extension("").display().to_string()),
                }
            }
        }
        found.sort();
        let mut names: Vec<_> = SHIPPED.iter().map(|shipped| shipped.name.to_owned()).collect();
        names.sort();
        assert_eq!(found, names);
    }

    #[test]
    fn every_shipped_configuration_describes_itself_and_is_of_its_kind() {
        for shipped in SHIPPED {
            let description = shipped.description();
            assert!((20..=250).contains(&description.len()) && description.ends_with('.'), "{description}");
            let path = Path::new(shipped.name);
            match shipped.kind {
                ConfigKind::Run => drop(RunConfig::load(Some(path), &[]).unwrap_or_else(|error| panic!("{error}"))),
                ConfigKind::Search => {
                    drop(SearchConfig::load(Some(path), &[]).unwrap_or_else(|error| panic!("{error}")))
                }
            }
        }
    }

    #[test]
    fn names_are_found_whole_by_their_last_part_and_as_paths() {
        let name = |name: &str, kind| ShippedConfig::find(name, kind).map(|found| found.name);
        let (run, search) = (Some(ConfigKind::Run), Some(ConfigKind::Search));
        assert_eq!(name("mnist-cpu", run), Some("mnist-cpu"));
        assert_eq!(name("mnist-cpu", search), Some("tuning/mnist-cpu"));
        assert_eq!(name("mnist-cpu", None), Some("mnist-cpu"));
        assert_eq!(name("kaggle", run), Some("families/kaggle"));
        assert_eq!(name("configs/families/kaggle.toml", None), Some("families/kaggle"));
        for other in ["kaggle.toml", "x/quickstart", "", "configs/kaggle.toml", "quick.toml", "./quickstart"] {
            assert_eq!(name(other, None), None, "{other}");
        }
        assert_eq!(name("kaggle", search), None);
    }
}
