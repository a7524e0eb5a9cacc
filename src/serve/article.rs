//! What the page says of the run: its models, its steps, its plots.

use crate::{
    evaluation::ModelKind,
    imaging::{Centre, DrawingOptions},
    pipeline::SavedRun,
    report::ReportInput,
};

/// A model in the page's table.
pub(super) struct Model {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) summary: String,
    /// Place of its colour.
    pub(super) accent: usize,
    /// Accuracy on the test images in per cent, or a dash.
    pub(super) test: String,
}

/// What an image passes in a member.
pub(super) struct Net {
    pub(super) name: String,
    pub(super) layers: Vec<Layer>,
}

/// One stage of it.
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) output: String,
}

/// One step of preprocessing, in words.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// Colours of the palette.
const ACCENTS: usize = 9;

/// Members, the stack, the ensembles.
pub(super) fn models(run: &SavedRun, input: &ReportInput) -> Vec<Model> {
    let config = &run.config;
    let test = |name: &str| {
        let scores = input.models.iter().find(|model| model.name == name).and_then(|model| model.test.as_ref());
        scores.map_or_else(|| "–".to_owned(), |scores| format!("{:.2}", 100.0 * scores.accuracy.value))
    };
    let accent = |name: &str| input.models.iter().position(|model| model.name == name).unwrap_or_default() % ACCENTS;
    let model = |name: &str, kind: ModelKind, summary| Model {
        name: name.to_owned(),
        kind: kind.name(),
        summary,
        accent: accent(name),
        test: test(name),
    };
    let members = config.members.iter().map(|member| model(member.name(), ModelKind::Member, member.summary()));
    let metas = config.stacking.meta.iter().map(|meta| {
        let summary = match meta.kind() {
            ModelKind::Stack => "learned from the members' predictions out of fold",
            _ => "combines the members' probabilities",
        };
        model(meta.name(), meta.kind(), summary.to_owned())
    });
    members.chain(metas).collect()
}

/// The members' architectures.
pub(super) fn nets(run: &SavedRun) -> Vec<Net> {
    let layer = |(name, output)| Layer { name, output };
    let members = run.config.members.iter();
    members
        .map(|member| Net { name: member.name().to_owned(), layers: member.layers().into_iter().map(layer).collect() })
        .collect()
}

/// From a picture to what the models see.
pub(super) fn steps(run: &SavedRun, drawing: &DrawingOptions) -> Vec<Step> {
    let centre = match drawing.centre {
        Centre::Mass => "The centre of mass of the ink comes to pixel (14, 14), where it lies in MNIST's digits.",
        Centre::Box => "The middle of the box comes to the middle of the image.",
    };
    let step = |title, text: String| Step { title, text };
    let mut steps = vec![
        step("Ink", "What a pen left is in the drawing's alpha channel. In a photograph a smooth surface is fitted to the background, because paper \
             is never lit evenly; what differs from it beyond Otsu's threshold is ink, whichever its colour. Specks are removed.".to_owned()),
        step("Box", "The smallest rectangle around the ink.".to_owned()),
        step("Crop", "The rectangle is cut out and reduced until its longer side is 20 pixels, proportions kept.".to_owned()),
        step("Image", format!("The digit is stretched to the full range of grey and put into 28 × 28 pixels. {centre}")),
    ];
    let recipe: Vec<&str> = run.config.prepare.recipe.steps.iter().map(|step| step.name()).collect();
    if !recipe.is_empty() {
        steps.push(step(
            "Recipe",
            format!(
                "This run's models were trained on images that went through {}; so does this one.",
                recipe.join(", ")
            ),
        ));
    }
    steps
}

/// How good the stack is, in a sentence.
pub(super) fn test_note(run: &SavedRun, input: &ReportInput) -> String {
    let stack = input.models.iter().find(|model| model.name == run.stack_name()).and_then(|model| model.test.as_ref());
    stack.map_or_else(
        || "This run had no test images.".to_owned(),
        |scores| {
            let [value, low, high] = [scores.accuracy.value, scores.accuracy.low, scores.accuracy.high].map(|share| 100.0 * share);
            format!(
                "On {} test images, which nothing was chosen by, it is right on {value:.2} % (95 % interval {low:.2} – {high:.2}).",
                scores.images
            )
        },
    )
}
