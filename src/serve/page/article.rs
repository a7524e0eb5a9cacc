//! Texts of the page that describe the run: its models, their layers, the preprocessing steps.

use crate::{
    config::RunConfig,
    evaluation::ModelKind,
    imaging::{Centre, DrawingOptions},
    report::ReportInput,
};

/// Row of the table of models.
pub(super) struct Model {
    pub(super) name: String,
    /// `member`, `stack` or `ensemble`.
    pub(super) kind: &'static str,
    /// One-line description.
    pub(super) summary: String,
    /// Index of its colour in the palette.
    pub(super) accent: usize,
    /// Accuracy on the images of [`accuracy_basis`] in per cent, or a dash.
    pub(super) accuracy: String,
}

/// Architecture of a member.
pub(super) struct Net {
    pub(super) name: String,
    pub(super) layers: Vec<Layer>,
}

/// Layer of a member.
pub(super) struct Layer {
    pub(super) name: String,
    /// Shape of its output.
    pub(super) output: String,
}

/// Preprocessing step with its description.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// Number of colours in the palette.
const ACCENTS: usize = 9;

/// True if any model has scores on test images.
fn has_test(input: &ReportInput) -> bool {
    input.models.iter().any(|model| model.test.is_some())
}

/// The images that the accuracies of the models are measured on, in words.
pub(super) fn accuracy_basis(input: &ReportInput) -> &'static str {
    match (has_test(input), input.data.folds) {
        (true, _) => "the test images",
        (false, 0) => "images held out of the training (this run had no test images)",
        (false, _) => "the training images, out of fold (this run had no test images)",
    }
}

/// Rows for the members, the stack and the ensembles.
pub(super) fn models(config: &RunConfig, input: &ReportInput) -> Vec<Model> {
    let accuracy = |name: &str| {
        let model = input.models.iter().find(|model| model.name == name);
        let scores = model.and_then(|model| if has_test(input) { model.test.as_ref() } else { model.unseen() });
        scores.map_or_else(|| "–".to_owned(), |scores| format!("{:.2}", 100.0 * scores.accuracy.value))
    };
    let accent = |name: &str| input.models.iter().position(|model| model.name == name).unwrap_or_default() % ACCENTS;
    let model = |name: &str, kind: ModelKind, summary| Model {
        name: name.to_owned(),
        kind: kind.name(),
        summary,
        accent: accent(name),
        accuracy: accuracy(name),
    };
    let members = config
        .experiment
        .members
        .iter()
        .map(|member| model(member.name(), ModelKind::Member, member.summary().to_owned()));
    let metas = config.experiment.stacking.meta.iter().map(|meta| {
        let summary = match meta.kind() {
            ModelKind::Stack => "trained on the out-of-fold predictions of the members",
            _ => "combines the probabilities of the members",
        };
        model(meta.name(), meta.kind(), summary.to_owned())
    });
    members.chain(metas).collect()
}

/// Architectures of the members.
pub(super) fn nets(config: &RunConfig) -> Vec<Net> {
    let layer = |(name, output)| Layer { name, output };
    let members = config.experiment.members.iter();
    members
        .map(|member| Net {
            name: member.name().to_owned(),
            layers: member.layers().iter().cloned().map(layer).collect(),
        })
        .collect()
}

/// Preprocessing steps from a picture to the models' input.
pub(super) fn steps(config: &RunConfig, drawing: &DrawingOptions) -> Vec<Step> {
    let centre = match drawing.centre {
        Centre::Mass => "The centre of mass of the ink is moved to pixel (14, 14), as in MNIST.",
        Centre::Box => "The middle of the bounding box is moved to the middle of the image.",
    };
    let step = |title, text: String| Step { title, text };
    let mut steps = vec![
        step(
            "Ink",
            "The ink of a drawing is its alpha channel. In a photograph a smooth surface is fitted to the background, \
             because paper is never lit evenly; pixels that differ from it by more than Otsu's threshold are ink, of \
             whatever colour. Specks are removed."
                .to_owned(),
        ),
        step("Box", "The bounding box of the ink is found.".to_owned()),
        step(
            "Crop",
            "The ink is cropped to its bounding box and scaled until the longer side is 20 pixels; the aspect ratio \
             is kept."
                .to_owned(),
        ),
        step(
            "Image",
            format!("Intensities are stretched to the full range, and the digit is placed in 28 × 28 pixels. {centre}"),
        ),
    ];
    let recipe: Vec<&str> = config.experiment.preprocessing.recipe.steps.iter().map(|step| step.name()).collect();
    if !recipe.is_empty() {
        steps.push(step(
            "Recipe",
            format!(
                "The models of this run were trained on images preprocessed by {}; the same is applied here.",
                recipe.join(", ")
            ),
        ));
    }
    steps
}

/// Sentence with the accuracy of the stack on the test images.
pub(super) fn test_note(stack: &str, input: &ReportInput) -> String {
    let stack = input.models.iter().find(|model| model.name == stack).and_then(|model| model.test.as_ref());
    stack.map_or_else(
        || "This run had no test images.".to_owned(),
        |scores| {
            let accuracy = &scores.accuracy;
            let [value, low, high] = [accuracy.value, accuracy.low, accuracy.high].map(|fraction| 100.0 * fraction);
            format!(
                "Its accuracy on {} test images of {}, which were used for no choice, is {value:.2} % \
                 (95 % interval {low:.2} – {high:.2} %).",
                scores.images, input.data.source
            )
        },
    )
}
