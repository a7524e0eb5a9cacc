//! A learner whose images pass steps of its own first: `prepare = ["deskewed"]` in a member's table.
//!
//! So members that want their images prepared in different ways are members of one stack. Images that come here went
//! through the run's own steps before.

use std::{path::Path, sync::Arc};

use super::{Classifier, FitContext, Fitted, Learner, LearnerError, Length, ModelFormat, ModelNotes, Predictor};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    imaging::{Processor, Recipe},
    nn::{ChosenDevice, Film, Filters, GradientCheck, WeightsFile},
    progress::Progress,
    seed::Seed,
};

/// The setting's name in a member's table.
pub(super) const FIELD: &str = "prepare";

/// A learner of any kind, and what is done to an image before it sees it.
pub(super) struct PreparedLearner {
    inner: Box<dyn Learner>,
    recipe: Recipe,
    steps: Steps,
}

/// The recipe with its tables ready. No step of it is random.
#[derive(Clone)]
struct Steps(Arc<Processor>);

impl Steps {
    fn all(&self, images: &Images) -> Images {
        // The seed is never drawn from.
        self.0.apply_all(images, Seed(0))
    }

    fn digits(&self, digits: &Digits) -> Digits {
        Digits { images: self.all(&digits.images), labels: digits.labels.clone(), groups: digits.groups.clone() }
    }

    /// The model behind these steps.
    fn before(&self, inner: Box<dyn Classifier>) -> Box<dyn Classifier> {
        Box::new(PreparedClassifier { inner, steps: self.clone() })
    }
}

impl PreparedLearner {
    /// Refuses a recipe that is impossible or random.
    pub(super) fn new(inner: Box<dyn Learner>, recipe: Recipe) -> Result<Self, FieldError> {
        let processor = recipe.compile().map_err(|error| error.inside(FIELD))?;
        if processor.is_random() {
            return Err(FieldError::new(FIELD, "has a random step; those belong into `augment`"));
        }
        Ok(Self { inner, recipe, steps: Steps(Arc::new(processor)) })
    }

    fn step_names(&self) -> String {
        self.recipe.steps.iter().map(|step| step.name()).collect::<Vec<_>>().join(", ")
    }
}

impl Learner for PreparedLearner {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        let recipe = toml::Value::try_from(&self.recipe);
        let recipe = recipe.map_err(|source| LearnerError::Settings { name: self.name().to_owned(), source })?;
        let mut table = self.inner.settings()?;
        table.insert(FIELD.to_owned(), recipe);
        Ok(table)
    }

    fn summary(&self) -> String {
        format!("{}, images through {}", self.inner.summary(), self.step_names())
    }

    fn layers(&self) -> Vec<(String, String)> {
        let own = (format!("image through {}", self.step_names()), format!("1 × {SIDE} × {SIDE}"));
        std::iter::once(own).chain(self.inner.layers()).collect()
    }

    fn selects_by_validation(&self) -> bool {
        self.inner.selects_by_validation()
    }

    fn runs_on_device(&self) -> bool {
        self.inner.runs_on_device()
    }

    fn length(&self) -> Length {
        self.inner.length()
    }

    fn work(&self, images: usize) -> f64 {
        self.inner.work(images)
    }

    fn preparation(&self) -> Recipe {
        self.recipe.clone()
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let (train, validation) = (self.steps.digits(train), validation.map(|digits| self.steps.digits(digits)));
        // What others share is made of images as they came.
        let context = FitContext { shared: None, ..*context };
        let fitted = self.inner.fit(&train, validation.as_ref(), &context)?;
        Ok(Fitted { classifier: self.steps.before(fitted.classifier), ..fitted })
    }

    fn overfitting(&self, images: usize, epochs: u32) -> Option<Box<dyn Learner>> {
        let inner = self.inner.overfitting(images, epochs)?;
        Some(Box::new(Self { inner, recipe: self.recipe.clone(), steps: self.steps.clone() }))
    }

    fn check_gradients(
        &self,
        seed: Seed,
        device: &ChosenDevice,
        progress: &dyn Progress,
    ) -> Option<Result<Vec<GradientCheck>, LearnerError>> {
        self.inner.check_gradients(seed, device, progress)
    }

    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(self.steps.before(self.inner.load(folder, device)?))
    }

    fn import(&self, weights: &WeightsFile, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(self.steps.before(self.inner.import(weights, device)?))
    }
}

/// A model that was fitted on prepared images.
struct PreparedClassifier {
    inner: Box<dyn Classifier>,
    steps: Steps,
}

impl Classifier for PreparedClassifier {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        self.inner.predict_proba(&self.steps.all(images))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        self.inner.save(folder)
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(PreparedPredictor { inner: self.inner.predictor()?, steps: self.steps.clone() }))
    }

    fn parameters(&self) -> Option<u64> {
        self.inner.parameters()
    }

    fn formats(&self) -> &'static [ModelFormat] {
        self.inner.formats()
    }

    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        self.inner.export(format, notes)
    }

    fn first_layer_filters(&self) -> Option<Filters> {
        self.inner.first_layer_filters()
    }

    fn film(&self) -> Option<&Film> {
        self.inner.film()
    }
}

/// The same for one image after another.
struct PreparedPredictor {
    inner: Box<dyn Predictor>,
    steps: Steps,
}

impl Predictor for PreparedPredictor {
    fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        self.inner.predict_one(&self.steps.0.apply(image, Seed(0)))
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(Self { inner: self.inner.another(), steps: self.steps.clone() })
    }
}
