//! `digitstack data`.

use serde::Serialize;

use super::{
    arguments::{DataArguments, DataCommand, Global},
    data_split, on_interrupt,
    output::Output,
    run::overrides,
};
use crate::{
    data::{
        CLASSES, Digits, Fingerprint,
        mnist::{Location, Mnist, Part},
    },
    pipeline::{self, RunConfig},
    report,
};

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

pub(super) fn data(command: &DataCommand, global: &Global, output: &Output) -> anyhow::Result<()> {
    match command {
        DataCommand::Fetch { data } => fetch(data.as_deref(), output),
        DataCommand::Info(arguments) => info(arguments, global, output),
        DataCommand::Split(arguments) => data_split::split(arguments, global, output, &on_interrupt(output)?),
        DataCommand::Show { data, out } => {
            let source = pipeline::open_data(&config(data, global)?.data, data.data.data.as_deref())?;
            let digits = source.train(output.progress().as_ref())?;
            report::sheet(&digits, 10).save(out).map_err(|error| anyhow::anyhow!("{}: {error}", out.display()))?;
            output.json(&serde_json::json!({ "sheet": out }))?;
            output.line(format!("{}: {} examples of {}", out.display(), 100, source.describe()))
        }
    }
}

fn fetch(folder: Option<&std::path::Path>, output: &Output) -> anyhow::Result<()> {
    let progress = output.progress();
    let mut mnist = Mnist::find(None)?;
    if let Some(folder) = folder {
        mnist.location = Location::Cache(folder.to_owned());
    }
    let mut files = Vec::new();
    for part in [Part::Train, Part::Test] {
        files.extend(mnist.read(part, progress.as_ref())?.files);
    }
    output.json(&files)?;
    for file in &files {
        output.line(format!("{}  {}", file.sha256, file.name))?;
    }
    output.line(format!("the MNIST files are in {}", mnist.location.folder().display()))
}

fn info(arguments: &DataArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    let progress = output.progress();
    let source = pipeline::open_data(&config(arguments, global)?.data, arguments.data.data.as_deref())?;
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
            Some(set) => set.lines(name).into_iter().try_for_each(|line| output.line(line))?,
            None => output.line(format!("{name}: none"))?,
        }
    }
    Ok(())
}

fn config(arguments: &DataArguments, global: &Global) -> anyhow::Result<RunConfig> {
    Ok(RunConfig::load(arguments.config.as_deref(), &overrides(global)?)?)
}
