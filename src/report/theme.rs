//! Colours.
//!
//! A figure inside the page takes its colours from the page's CSS variables, which change with the reader's light or
//! dark mode. A figure in a file of its own is for papers and slides: plain colours on white, which every program
//! understands.
//!
//! The first six accents are those of Okabe and Ito (*Color Universal Design*, 2008), their yellow and pink darkened to
//! be legible on white, so that people with any common colour vision can tell them apart; three more follow for long
//! leaderboards, and every mark has its label beside it. The dark page has lighter tints of the same hues.

use std::borrow::Cow;

/// Destination of a figure, which decides its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// Inside the page.
    Page,
    /// In a file of its own.
    Paper,
}

/// Role of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Text and axes.
    Ink,
    /// Secondary text.
    Soft,
    /// Grid lines and outlines.
    Grid,
    /// Background.
    Surface,
    /// A model's own colour.
    Accent(usize),
}

/// Accent colours for light and for dark mode, in the order of the models.
pub(super) const ACCENTS: [(&str, &str); 9] = [
    ("#0072b2", "#56a9e0"),
    ("#d55e00", "#f08a4b"),
    ("#009e73", "#3cc29b"),
    ("#b0528d", "#dd94c3"),
    ("#b98300", "#e6b23c"),
    ("#2f9ccf", "#8ccdf0"),
    ("#8a2846", "#e58aa3"),
    ("#6a7a14", "#b5c65a"),
    ("#5b6470", "#aab2bd"),
];

/// CSS variables and light values of the other roles; `colours.css` has the dark values.
const PLAIN: [(Paint, &str, &str); 4] = [
    (Paint::Ink, "--ink", "#1b1f24"),
    (Paint::Soft, "--soft", "#5c6570"),
    (Paint::Grid, "--grid", "#dfe3e8"),
    (Paint::Surface, "--surface", "#ffffff"),
];

impl Paint {
    /// The colour as SVG and CSS text.
    pub(super) fn css(self, theme: Theme) -> Cow<'static, str> {
        if let Self::Accent(index) = self {
            let index = index % ACCENTS.len();
            return match theme {
                Theme::Page => format!("var(--accent-{index})").into(),
                Theme::Paper => ACCENTS[index].0.into(),
            };
        }
        let plain = PLAIN.iter().find(|(paint, ..)| *paint == self);
        match (plain, theme) {
            (Some((_, name, _)), Theme::Page) => format!("var({name})").into(),
            (Some((.., value)), Theme::Paper) => (*value).into(),
            (None, _) => "currentColor".into(),
        }
    }
}

/// Declarations of the accent variables for `:root`, for light or dark mode.
pub(super) fn accent_variables(dark: bool) -> String {
    let declaration =
        |(index, (light, dim)): (usize, &(&str, &str))| format!("--accent-{index}:{};", if dark { dim } else { light });
    ACCENTS.iter().enumerate().map(declaration).collect()
}

/// Style sheet that declares every colour variable, for light and dark mode.
pub(super) fn colour_sheet() -> String {
    let (plain, light, dark) = (include_str!("colours.css"), accent_variables(false), accent_variables(true));
    format!("{plain}:root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n")
}

/// Accent colour of each model, by its index among the models.
#[derive(Clone, Debug)]
pub(super) struct Palette<'a>(Vec<&'a str>);

impl<'a> Palette<'a> {
    /// Assigns accents to names in their order; repeated names count once.
    pub(super) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut distinct = Vec::new();
        for name in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        Self(distinct)
    }

    /// Colour of a model; plain ink for an unknown name.
    pub(super) fn of(&self, name: &str) -> Paint {
        self.0.iter().position(|known| *known == name).map_or(Paint::Ink, Paint::Accent)
    }
}
