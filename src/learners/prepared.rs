//! Decorator of a learner whose images pass additional steps first: `prepare = ["deskewed"]` in a member's table.
//!
//! So members with different preprocessing can be members of one stack. The steps of the run itself come before.

use std::{path::Path, sync::Arc};

use super::{
    classifier::{Classifier, Inspect, Predictor},
    decorated_net::{DecoratedNet, Decorator},
    error::LearnerError,
    learner::{Description, Fitted, Learner, NetCapabilities},
};
use crate::{
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    fit::FitContext,
    imaging::{Processor, Recipe},
    seed::Seed,
};

/// Name of the setting in a member's table.
pub(super) const FIELD: &str = "prepare";

/// Decorator of a learner of any kind: its images pass a recipe first.
pub(super) struct PreparedLearner {
    description: Description,
    inner: Box<dyn Learner>,
    steps: Steps,
}

/// A recipe ready to be applied. No step of it is random.
#[derive(Clone)]
struct Steps(Arc<Processor>);

impl Steps {
    fn all(&self, images: &Images) -> Images {
        // The seed is never drawn from.
        self.0.apply_all(images, Seed(0))
    }

    fn digits(&self, digits: &Digits) -> Digits {
        Digits {
            images: self.all(&digits.images),
            labels: digits.labels.clone(),
            groups: digits.groups.clone(),
            origins: digits.origins.clone(),
        }
    }

    /// The model with these steps before it.
    fn before(&self, inner: Box<dyn Classifier>) -> Box<dyn Classifier> {
        Box::new(PreparedClassifier { inner, steps: self.clone() })
    }
}

impl PreparedLearner {
    /// Decorates a learner.
    ///
    /// # Errors
    /// If the recipe is impossible or random.
    pub(super) fn new(inner: Box<dyn Learner>, recipe: Recipe) -> Result<Self, FieldError> {
        let processor = recipe.compile().map_err(|error| error.inside(FIELD))?;
        if processor.is_random() {
            return Err(FieldError::new(FIELD, "has a random step; those belong into `augment`"));
        }
        Ok(Self::decorate(inner, recipe, Steps(Arc::new(processor))))
    }

    fn decorate(inner: Box<dyn Learner>, recipe: Recipe, steps: Steps) -> Self {
        let names = recipe.steps.iter().map(|step| step.name()).collect::<Vec<_>>().join(", ");
        let mut description = inner.description().clone();
        description.summary = format!("{}, images through {names}", description.summary);
        description.layers.insert(0, (format!("image through {names}"), format!("1 × {SIDE} × {SIDE}")));
        description.preparation = recipe;
        Self { description, inner, steps }
    }
}

impl Learner for PreparedLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        let recipe = toml::Value::try_from(&self.description.preparation);
        let name = || self.description.name.clone();
        let recipe = recipe.map_err(|source| LearnerError::Settings { name: name(), source })?;
        let mut table = self.inner.settings()?;
        table.insert(FIELD.to_owned(), recipe);
        Ok(table)
    }

    fn cost(&self, images: usize) -> f64 {
        self.inner.cost(images)
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let (train, validation) = (self.steps.digits(train), validation.map(|digits| self.steps.digits(digits)));
        // The cache holds values of images without these steps.
        let context = context.sharing(None);
        let fitted = self.inner.fit(&train, validation.as_ref(), &context)?;
        Ok(Fitted { classifier: self.steps.before(fitted.classifier), ..fitted })
    }

    fn load(&self, folder: &Path, device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(self.steps.before(self.inner.load(folder, device)?))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        Some(Box::new(DecoratedNet { inner: self.inner.net()?, decorator: self }))
    }
}

impl Decorator for PreparedLearner {
    fn model(&self, inner: Box<dyn Classifier>) -> Box<dyn Classifier> {
        self.steps.before(inner)
    }

    fn overfitting(&self, inner: Box<dyn Learner>) -> Box<dyn Learner> {
        Box::new(Self::decorate(inner, self.description.preparation.clone(), self.steps.clone()))
    }
}

/// Fitted model whose images pass a recipe first.
struct PreparedClassifier {
    inner: Box<dyn Classifier>,
    steps: Steps,
}

impl Classifier for PreparedClassifier {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        self.inner.predict_proba(&self.steps.all(images))
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(PreparedPredictor { inner: self.inner.predictor()?, steps: self.steps.clone() }))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        self.inner.save(folder)
    }

    fn inspect(&self) -> &dyn Inspect {
        self.inner.inspect()
    }
}

/// Predictor whose images pass a recipe first.
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
