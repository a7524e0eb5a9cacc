//! Contents of the drawing page, its assets and the report of the run, all in memory.

mod article;
mod standalone;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use standalone::standalone_page;

use askama::Template;
use axum::body::Bytes;
use utoipa::openapi::OpenApi;

use super::error::ServeError;
use crate::{
    artifact::{self, RunFailure, TrainedModels},
    evaluation::ModelKind,
    imaging::{Centre, DrawingOptions},
    report::{self, Section},
    storage::{REPORT, read_limited},
};

/// Largest file of a report that is shown, in bytes.
const MAX_REPORT_FILE: u64 = 256 << 20;

/// Files that the page loads: name, content type, contents.
const ASSETS: [(&str, &str, &str); 15] = [
    ("page.css", STYLE, include_str!("assets/page.css")),
    ("app.js", SCRIPT, include_str!("assets/app.js")),
    ("bars.js", SCRIPT, include_str!("assets/bars.js")),
    ("canvas.js", SCRIPT, include_str!("assets/canvas.js")),
    ("history.js", SCRIPT, include_str!("assets/history.js")),
    ("keys.js", SCRIPT, include_str!("assets/keys.js")),
    ("numbers.js", SCRIPT, include_str!("assets/numbers.js")),
    ("percent.js", SCRIPT, include_str!("assets/percent.js")),
    ("picture.js", SCRIPT, include_str!("assets/picture.js")),
    ("result.js", SCRIPT, include_str!("assets/result.js")),
    ("samples.js", SCRIPT, include_str!("assets/samples.js")),
    ("service.js", SCRIPT, include_str!("assets/service.js")),
    ("stages.js", SCRIPT, include_str!("assets/stages.js")),
    ("table.js", SCRIPT, include_str!("assets/table.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];
/// Content type of scripts.
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Content type of style sheets.
pub(super) const STYLE: &str = "text/css; charset=utf-8";

/// Variables of the template `index.html`.
#[derive(Template)]
#[template(path = "index.html", config = "src/serve/askama.toml")]
struct Index {
    run: String,
    byline: String,
    /// Name of the answering model.
    stack: String,
    /// True if it combines the others.
    combines: bool,
    test_note: String,
    accuracy_basis: &'static str,
    models: Vec<article::Model>,
    nets: Vec<article::Net>,
    steps: Vec<article::Step>,
    sections: Vec<Section>,
    report: bool,
    /// True if the service centres digits by their bounding box unless a request says otherwise.
    by_box: bool,
}

/// Rendered files.
pub(super) struct Pages {
    /// Drawing page.
    pub(super) index: Bytes,
    /// Style sheet with the colours of the report.
    pub(super) colours: Bytes,
    /// Files of the report of the run, by name; empty for a run without a report.
    pub(super) report: BTreeMap<String, Bytes>,
    /// OpenAPI document.
    pub(super) document: Bytes,
}

impl Pages {
    /// Renders the page and reads the report of the run in `folder`.
    ///
    /// # Errors
    /// If a file of the run cannot be read or a figure cannot be drawn.
    pub(super) fn new(
        models: &TrainedModels,
        drawing: &DrawingOptions,
        document: &OpenApi,
    ) -> Result<Self, ServeError> {
        let (run, config) = (models.artifact(), models.artifact().config());
        let hash = run.manifest().reproducible_hash();
        let input = artifact::report_input(run.folder(), run.kind(), config, run.fits(), hash)?;
        let search = config.search.as_deref().and_then(artifact::search_outcome);
        let report = report_files(run.folder());
        let stack = models.recommended_name();
        let page = Index {
            run: config.experiment.name.clone(),
            byline: report::byline(&input),
            stack: stack.to_owned(),
            combines: models.names_and_kinds()[models.recommended()].1 != ModelKind::Member,
            test_note: article::test_note(stack, &input),
            accuracy_basis: article::accuracy_basis(&input),
            models: article::models(config, &input),
            nets: article::nets(config),
            steps: article::steps(config, drawing),
            // A search that cannot be drawn is left out.
            sections: report::gallery(&input, search.as_ref())
                .or_else(|_| report::gallery(&input, None))
                .map_err(RunFailure::from)?,
            report: report.contains_key("index.html"),
            by_box: drawing.centre == Centre::Box,
        };
        // A document of plain values always serialises.
        let document = document.to_pretty_json().unwrap_or_default();
        let index = page.render().map_err(|error| RunFailure::from(report::ReportError::from(error)))?;
        Ok(Self { index: index.into(), colours: report::colour_variables().into(), report, document: document.into() })
    }
}

/// Content type and contents of a file that the page loads, by its name.
pub(super) fn asset(name: &str) -> Option<(&'static str, &'static str)> {
    ASSETS.iter().find(|(known, ..)| *known == name).map(|(_, content_type, contents)| (*content_type, *contents))
}

/// HTML and SVG files of the report of a run, by name; empty for a run without a report.
fn report_files(folder: &Path) -> BTreeMap<String, Bytes> {
    let Ok(entries) = std::fs::read_dir(folder.join(REPORT)) else { return BTreeMap::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_page = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "html" || kind == "svg");
    let file = |path: PathBuf| {
        Some((path.file_name()?.to_str()?.to_owned(), read_limited(&path, MAX_REPORT_FILE).ok()?.into()))
    };
    paths.filter(is_page).filter_map(file).collect()
}
