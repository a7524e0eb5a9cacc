//! The page, what it loads, and the run's report: all in memory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use askama::Template;
use axum::{
    body::Bytes,
    extract::{self, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa::openapi::OpenApi;

use super::{
    ServeError, Service, article,
    problem::{ErrorBody, Problem},
};
use crate::{
    imaging::{Centre, DrawingOptions},
    pipeline::{RunFailure, SavedRun},
    report::{self, Section},
};

/// Files that the page loads: name, content type, contents.
const ASSETS: [(&str, &str, &str); 11] = [
    ("page.css", STYLE, include_str!("page/page.css")),
    ("app.js", SCRIPT, include_str!("page/app.js")),
    ("canvas.js", SCRIPT, include_str!("page/canvas.js")),
    ("history.js", SCRIPT, include_str!("page/history.js")),
    ("keys.js", SCRIPT, include_str!("page/keys.js")),
    ("picture.js", SCRIPT, include_str!("page/picture.js")),
    ("result.js", SCRIPT, include_str!("page/result.js")),
    ("service.js", SCRIPT, include_str!("page/service.js")),
    ("stages.js", SCRIPT, include_str!("page/stages.js")),
    ("table.js", SCRIPT, include_str!("page/table.js")),
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
/// The run's report is one file with its style inside, and loads nothing.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'";
/// May be kept, and is asked about before it is used again.
const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

/// `index.html`.
#[derive(Template)]
#[template(path = "index.html", config = "src/serve/askama.toml")]
struct Index {
    run: String,
    byline: String,
    stack: String,
    test_note: String,
    models: Vec<article::Model>,
    nets: Vec<article::Net>,
    steps: Vec<article::Step>,
    sections: Vec<Section>,
    report: bool,
    /// Which choice of centre is the service's own.
    by_box: bool,
}

/// Everything that a browser can ask for.
pub(super) struct Pages {
    index: Bytes,
    colours: Bytes,
    report: BTreeMap<String, Bytes>,
    document: Bytes,
}

impl Pages {
    /// Draws the page and reads the report of a run; keeps the document that describes the API.
    pub(super) fn new(
        run: &SavedRun,
        folder: &Path,
        drawing: &DrawingOptions,
        document: &OpenApi,
    ) -> Result<Self, ServeError> {
        let input = run.report_input(folder)?;
        let search = run.search_outcome();
        let report = report_files(folder);
        let page = Index {
            run: run.config.name.clone(),
            byline: report::byline(&input),
            stack: run.stack_name().to_owned(),
            test_note: article::test_note(run, &input),
            models: article::models(run, &input),
            nets: article::nets(run),
            steps: article::steps(run, drawing),
            // A search that cannot be drawn is no reason not to serve.
            sections: report::gallery(&input, search.as_ref())
                .or_else(|_| report::gallery(&input, None))
                .map_err(RunFailure::from)?,
            report: report.contains_key("index.html"),
            by_box: drawing.centre == Centre::Box,
        };
        // A document made of plain values is always JSON.
        let document = document.to_pretty_json().unwrap_or_default();
        let index = page.render().map_err(|error| RunFailure::from(report::ReportError::from(error)))?;
        Ok(Self { index: index.into(), colours: report::colour_variables().into(), report, document: document.into() })
    }
}

/// The files of a run's report by name; none for a run that was completed without a report.
fn report_files(folder: &Path) -> BTreeMap<String, Bytes> {
    let Ok(entries) = std::fs::read_dir(folder.join("report")) else { return BTreeMap::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let wanted = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "html" || kind == "svg");
    let file = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), std::fs::read(&path).ok()?.into()));
    paths.filter(wanted).filter_map(file).collect()
}

/// The drawing page.
#[utoipa::path(get, path = "/", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn index(State(service): State<Service>) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), CACHE], service.pages.index.clone()).into_response()
}

/// What the page loads.
#[utoipa::path(
    get,
    path = "/assets/{name}",
    params(("name" = String, Path, description = "A file of the page")),
    responses((status = 200, content((String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml"))), (status = 404, body = ErrorBody))
)]
pub(super) async fn asset(
    State(service): State<Service>,
    extract::Path(name): extract::Path<String>,
) -> Result<Response, Problem> {
    if name == "colours.css" {
        return Ok(([(header::CONTENT_TYPE, STYLE), CACHE], service.pages.colours.clone()).into_response());
    }
    let (_, kind, contents) = ASSETS.iter().find(|(known, ..)| *known == name).ok_or_else(|| no_file(&name))?;
    Ok(([(header::CONTENT_TYPE, *kind), CACHE], *contents).into_response())
}

/// The run's report.
#[utoipa::path(
    get,
    path = "/report/",
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = ErrorBody))
)]
pub(super) async fn report_index(State(service): State<Service>) -> Result<Response, Problem> {
    report_file(&service, "index.html")
}

/// A figure of the run's report, or the report itself.
#[utoipa::path(
    get,
    path = "/report/{name}",
    params(("name" = String, Path, description = "A figure of the report")),
    responses((status = 200, content((String = "image/svg+xml"), (String = "text/html"))), (status = 404, body = ErrorBody))
)]
pub(super) async fn report(
    State(service): State<Service>,
    extract::Path(name): extract::Path<String>,
) -> Result<Response, Problem> {
    report_file(&service, &name)
}

fn report_file(service: &Service, name: &str) -> Result<Response, Problem> {
    let contents = service.pages.report.get(name).ok_or_else(|| no_file(name))?;
    let kind = if name.ends_with(".svg") { "image/svg+xml" } else { "text/html; charset=utf-8" };
    let headers = [(header::CONTENT_TYPE, kind), CACHE, (header::CONTENT_SECURITY_POLICY, REPORT_POLICY)];
    Ok((headers, contents.clone()).into_response())
}

fn no_file(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("there is no file `{name}` here"))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, body = Object, content_type = "application/json")))]
pub(super) async fn openapi(State(service): State<Service>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), CACHE], service.pages.document.clone()).into_response()
}
