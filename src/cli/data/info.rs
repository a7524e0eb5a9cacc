//! `digitstack data info`.

use clap::Args;
use serde::Serialize;

use super::super::{options::DataSet, session::Session};
use crate::{
    data::{CLASSES, Digits, Fingerprint},
    preprocessing,
};

const HELP: &str = "\
Examples:
  digitstack data info                              the built-in digits
  digitstack data info --data ~/mnist
  digitstack data info configs/mnist-cpu.toml --json";

/// Print the number of images, the classes and the hashes of a data set
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct InfoArguments {
    #[command(flatten)]
    set: DataSet,
}

#[derive(Serialize)]
struct Info {
    source: String,
    train: Option<SetInfo>,
    test: Option<SetInfo>,
}

#[derive(Serialize)]
struct SetInfo {
    images: usize,
    classes: [usize; CLASSES],
    mean_ink: f64,
    fingerprint: Option<Fingerprint>,
}

impl SetInfo {
    fn new(digits: &Digits, fingerprint: Option<&Fingerprint>) -> Self {
        let ink: u64 = digits.images.pixels().iter().map(|&pixel| u64::from(pixel)).sum();
        let mean_ink = ink as f64 / digits.images.pixels().len().max(1) as f64;
        Self { images: digits.len(), classes: digits.class_counts(), mean_ink, fingerprint: fingerprint.cloned() }
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let counts: Vec<_> =
            self.classes.iter().enumerate().map(|(class, count)| format!("{class}: {count}")).collect();
        let mut lines = vec![format!(
            "{name}: {} images; {}; mean grey level {:.1} of 255",
            self.images,
            counts.join(", "),
            self.mean_ink
        )];
        if let Some(fingerprint) = &self.fingerprint {
            lines.extend(fingerprint.files.iter().map(|file| format!("  {}  {}", file.sha256, file.name)));
            lines.push(format!("  {}  (pixels and labels)", fingerprint.sha256));
            if fingerprint.official_mnist {
                lines.push("  the official MNIST files".to_owned());
            }
        }
        lines
    }
}

impl InfoArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let progress = output.progress();
        let config = session.run_config_on(self.set.config.as_deref(), &self.set.data)?;
        let source = preprocessing::open_data(&config.experiment.data, self.set.data.path())?;
        let train = source.train(progress.as_ref())?;
        let test = source.test(progress.as_ref())?;
        let info = Info {
            source: source.describe(),
            train: Some(SetInfo::new(&train, source.train_fingerprint())),
            test: test.map(|test| SetInfo::new(&test, source.test_fingerprint())),
        };
        output.json(&info)?;
        output.line(&info.source)?;
        for (name, set) in [("training", &info.train), ("test", &info.test)] {
            match set {
                Some(set) => output.lines(set.lines(name))?,
                None => output.line(format!("{name}: none"))?,
            }
        }
        Ok(())
    }
}
