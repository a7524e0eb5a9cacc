//! The figures of a run for a page other than its report.

use super::{
    error::ReportError,
    figure_book::FigureBook,
    input::ReportInput,
    page::PageFigure,
    run, study,
    theme::{self, Palette},
};
use crate::tuning::StudyOutcome;

/// A figure as markup whose colours are the CSS variables of [`colour_variables`].
#[derive(Clone, Debug)]
pub struct Figure {
    /// Identifier, unique within the gallery and valid as an HTML `id`.
    pub id: String,
    /// Caption.
    pub caption: String,
    /// Inline SVG.
    pub svg: String,
    /// Inline SVG for narrow screens; empty if `svg` is narrow enough.
    pub narrow: String,
    /// True if two such figures fit side by side on a wide page.
    pub half: bool,
}

/// A titled group of figures.
#[derive(Clone, Debug)]
pub struct Section {
    /// Identifier, valid as an HTML `id`.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// Introductory text.
    pub text: String,
    /// Figures in their order.
    pub figures: Vec<Figure>,
}

/// Draws the figures of a run: learning curves, the search that chose its settings (if `search` is given), accuracies,
/// errors and calibration, first-layer filters. Sections without a figure are left out.
///
/// # Errors
/// The errors of [`super::render`] and [`super::render_study`].
pub fn gallery(input: &ReportInput, search: Option<&StudyOutcome>) -> Result<Vec<Section>, ReportError> {
    run::check(input)?;
    let palette = Palette::new(input.models.iter().map(|model| model.name.as_str()));
    let models = run::ranked(&input.models);
    let mut book = FigureBook::default();
    let members = run::learning_curves(input, &palette, &mut book);
    let training = Section {
        id: "training",
        title: "Training".to_owned(),
        text:
            "Lines are means over the fits of a member (one for each fold); bands span the lowest to the highest fit."
                .to_owned(),
        figures: members.into_iter().flat_map(|member| member.figures).map(Figure::new).collect(),
    };
    let mut search_section = Section {
        id: "search",
        title: "Search".to_owned(),
        text: "The settings were chosen stage by stage on validation images; the test images were not read.".to_owned(),
        figures: Vec::new(),
    };
    if let Some(outcome) = search {
        let drawn = study::figures_of(outcome, &mut book)?;
        search_section.figures = drawn.into_iter().flatten().map(Figure::new).collect();
    }
    let featured = input.featured.as_ref().and_then(|name| models.iter().find(|model| model.name == *name).copied());
    let ensembles = Section {
        id: "ensembles",
        title: "Ensembles".to_owned(),
        text: format!(
            "The stack is trained on out-of-fold predictions of the members. {}",
            run::summary(input, featured)
        ),
        figures: run::leaderboard(&models, &palette, &mut book).into_iter().map(Figure::new).collect(),
    };
    let analysis = featured.and_then(|model| run::error_analysis(model, input.data.held_out(), &palette, &mut book));
    let errors = Section {
        id: "errors",
        title: "Errors and confidence".to_owned(),
        text: analysis.as_ref().map(|analysis| analysis.basis.clone()).unwrap_or_default(),
        figures: analysis
            .into_iter()
            .flat_map(|analysis| [analysis.confusion, analysis.calibration])
            .map(Figure::new)
            .collect(),
    };
    let filters = Section {
        id: "filters",
        title: "First layer".to_owned(),
        text: "Weights of the first layer of each net.".to_owned(),
        figures: run::filters(input, &mut book).into_iter().map(Figure::new).collect(),
    };
    let sections = [training, search_section, ensembles, errors, filters];
    Ok(sections.into_iter().filter(|section| !section.figures.is_empty()).collect())
}

/// Returns date, program and device of a run in one line.
pub fn byline(input: &ReportInput) -> String {
    run::byline(input)
}

/// Returns a style sheet that declares the colours of the figures and of the pages around them, for light and dark
/// mode.
pub fn colour_variables() -> String {
    theme::colour_sheet()
}

impl Figure {
    fn new(figure: PageFigure) -> Self {
        let half = figure.narrow.is_none();
        let narrow = figure.narrow.unwrap_or_default();
        Self { id: figure.id, caption: figure.caption, svg: figure.svg, narrow, half }
    }
}
