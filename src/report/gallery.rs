//! The figures of a run for another page than its report.

use super::{
    ReportError,
    input::ReportInput,
    page::{self, Shown},
    render,
    studio::Studio,
    study,
    theme::{self, Palette},
};
use crate::tuning::StudyOutcome;

/// A figure as markup. Its colours are CSS variables, which [`colour_variables`] declares.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Unique within the gallery; fit for an `id`.
    pub id: String,
    /// What it shows.
    pub caption: String,
    /// Inline SVG.
    pub svg: String,
    /// The same for a phone; empty if the other is narrow enough.
    pub narrow: String,
    /// True if two fit side by side on a wide page.
    pub half: bool,
}

/// Figures that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    /// Fit for an `id`.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// What the figures are about.
    pub text: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// The plots of a run: how its members were trained, how the ensembles compare, where the stack errs, what a net's
/// first layer looks for; and the curves of the search that chose its settings, if there was one. Sections without a
/// figure are left out.
///
/// # Errors
/// As [`super::render`] and [`super::render_study`].
pub fn gallery(input: &ReportInput, search: Option<&StudyOutcome>) -> Result<Vec<Section>, ReportError> {
    render::check(input)?;
    let palette = Palette::new(input.models.iter().map(|model| model.name.as_str()));
    let models = render::ranked(&input.models);
    let mut studio = Studio::default();
    let courses =
        render::courses(input, &palette, &mut studio).into_iter().flat_map(|course| course.figures).map(Figure::half);
    let training = Section {
        id: "training",
        title: "Training".to_owned(),
        text: "Lines are means over the fits of a member, one for each fold; bands run from the lowest fit to the highest.".to_owned(),
        figures: courses.collect(),
    };
    let mut search_section = Section {
        id: "search",
        title: "Search".to_owned(),
        text: "The settings were searched for stage by stage on validation images; the test images were never opened."
            .to_owned(),
        figures: Vec::new(),
    };
    if let Some(outcome) = search {
        let drawn = study::figures_of(outcome, &mut studio)?;
        search_section.figures = drawn.into_iter().flatten().map(Figure::of_study).collect();
    }
    let ensembles = Section {
        id: "ensembles",
        title: "Ensembles".to_owned(),
        text: format!(
            "The stack learns from predictions that the members made for images they had not seen. {}",
            page::summary(
                input,
                input.featured.as_ref().and_then(|name| models.iter().find(|model| model.name == *name).copied())
            )
        ),
        figures: render::leaderboard(&models, &palette, &mut studio).into_iter().map(Figure::wide).collect(),
    };
    let featured = input.featured.as_ref().and_then(|name| models.iter().find(|model| model.name == *name));
    let errors = featured.and_then(|model| render::errors(model, input.data.held_out(), &palette, &mut studio));
    let errors = Section {
        id: "errors",
        title: "Errors and confidence".to_owned(),
        text: errors.as_ref().map(|errors| errors.basis.clone()).unwrap_or_default(),
        figures: errors
            .into_iter()
            .flat_map(|errors| [errors.confusion, errors.calibration])
            .map(Figure::half)
            .collect(),
    };
    let filters = Section {
        id: "filters",
        title: "First layer".to_owned(),
        text: "What the first layer of a net looks for.".to_owned(),
        figures: render::filters(input, &mut studio).into_iter().map(Figure::half).collect(),
    };
    let sections = [training, search_section, ensembles, errors, filters];
    Ok(sections.into_iter().filter(|section| !section.figures.is_empty()).collect())
}

/// Date, program and machine of a run in one line.
pub fn byline(input: &ReportInput) -> String {
    page::byline(input)
}

/// The colours of the figures and of the pages around them as a style sheet: light, and dark where the reader prefers
/// it.
pub fn colour_variables() -> String {
    theme::colour_sheet()
}

impl Figure {
    fn new(shown: Shown, half: bool) -> Self {
        Self { id: shown.id, caption: shown.caption, svg: shown.svg, narrow: shown.narrow.unwrap_or_default(), half }
    }

    fn half(shown: Shown) -> Self {
        Self::new(shown, true)
    }

    fn wide(shown: Shown) -> Self {
        Self::new(shown, false)
    }

    fn of_study(shown: Shown) -> Self {
        let half = shown.narrow.is_none();
        Self::new(shown, half)
    }
}
