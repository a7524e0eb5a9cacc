//! A page of one file that reads drawn digits with one net, in the browser, without a service.
//!
//! It contains the net as the safetensors file of `digitstack export`, an interpreter of its layers (`net.js`), the
//! steps from ink to a 28×28 image (`digit.js`) and the drawing area of the service's page. It loads nothing.

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    artifact::{ModelFile, ModelFiles, RunFailure},
    device::ChosenDevice,
    learners::ModelFormat,
    report,
};

/// Scripts in the order in which they are joined.
const SCRIPTS: [&str; 8] = [
    include_str!("../assets/history.js"),
    include_str!("../assets/canvas.js"),
    include_str!("../assets/bars.js"),
    include_str!("../assets/percent.js"),
    include_str!("../assets/samples.js"),
    include_str!("digit.js"),
    include_str!("net.js"),
    include_str!("standalone.js"),
];

/// Steps of a recipe that `digit.js` knows.
const STANDALONE_STEPS: [&str; 4] = ["noise", "normalise-size", "stretch", "centre"];

/// Variables of the template `standalone.html`.
#[derive(Template)]
#[template(path = "standalone.html", config = "src/serve/askama.toml")]
struct Standalone {
    run: String,
    model: String,
    /// Accuracy of the member, in words; empty if it was not measured.
    accuracy: String,
    style: String,
    /// The safetensors file, in base64.
    weights: String,
    script: String,
}

/// Writes the page of a net of a finished directory, as HTML.
///
/// # Errors
/// If the model is no net, its images pass a step that the page cannot do, or a file cannot be read.
pub fn standalone_page(models: &ModelFiles, model: &ModelFile, device: &ChosenDevice) -> Result<Vec<u8>, RunFailure> {
    let learner = models.learner(model).filter(|learner| learner.net().is_some());
    let Some(learner) = learner else { return Err(RunFailure::PageModel { model: model.name.clone() }) };
    let recipe = models.recipe(model);
    if let Some(step) = recipe.steps.iter().find(|step| !STANDALONE_STEPS.contains(&step.name())) {
        let known = STANDALONE_STEPS.join(", ");
        return Err(RunFailure::PageStep { model: model.name.clone(), step: step.name(), known });
    }
    let weights = models.export(model, ModelFormat::Safetensors, device)?;
    let page = Standalone {
        run: models.artifact().config().experiment.name.clone(),
        model: model.name.clone(),
        accuracy: accuracy(models, model, learner.name())?,
        style: [&report::colour_variables(), include_str!("../assets/page.css"), include_str!("standalone.css")]
            .join("\n"),
        weights: STANDARD.encode(weights),
        script: script(),
    };
    Ok(page.render().map_err(report::ReportError::from)?.into_bytes())
}

/// All scripts as one: their imports go, since what they import stands above them.
fn script() -> String {
    let lines = SCRIPTS.iter().flat_map(|script| script.lines());
    let own = lines.filter(|line| !line.starts_with("import ") && !line.starts_with("//"));
    own.map(|line| line.strip_prefix("export ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Test accuracy of the model's member, in words; empty without test images.
fn accuracy(models: &ModelFiles, model: &ModelFile, member: &str) -> Result<String, RunFailure> {
    let count = models.fits_of(model).len();
    let of = if count > 1 { format!("the {count} models of {member} together: ") } else { String::new() };
    let scored = models.artifact().metrics()?.models.into_iter().find(|scores| scores.name == member);
    let test = scored.and_then(|scores| scores.test);
    Ok(test.map_or_else(String::new, |scores| {
        format!("{of}{:.2} % of {} test images right", 100.0 * scores.accuracy.value, scores.images)
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_scripts_fit_together_in_one_scope() {
        let script = script();
        assert!(!script.contains("\nimport ") && !script.contains("\nexport ") && !script.contains("</script"));
        let mut names = HashSet::new();
        for line in script.lines() {
            let declared = ["function ", "const ", "let ", "async function "].iter().find_map(|kind| {
                let rest = line.strip_prefix(kind)?;
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
            });
            if let Some(name) = declared.filter(|name| !name.is_empty()) {
                assert!(names.insert(name), "{name} is declared twice");
            }
        }
        assert!(names.contains("createPad") && names.contains("digitFromInk") && names.contains("createNet"));
    }
}
