//! A stage of a search, as data.

use serde::{Deserialize, Serialize};

use super::{Parameter, PlotKind, Score, Space, SplitsConfig, StrategyConfig, field_path, parameter::number};
use crate::{
    data::FieldError,
    learners::{self, Learner, Length},
    stacking::{FeatureScale, MetaConfig},
};

/// The learner of a stage that chooses among meta-models instead of tuning a member.
pub const STACK: &str = "stack";
/// What such a stage can search: the meta-model, and what it sees of the members' probabilities.
const STACK_FIELDS: [&str; 2] = ["meta", "features"];

/// One stage: which learner, what is searched and how, what a trial costs and how it is scored, what is picked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Unique within the study: 1 to 60 of a–z, 0–9 and `-`.
    pub name: String,
    /// The name of a member, or `stack` for the choice among meta-models.
    pub learner: String,
    /// A heading; by default the name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// A few sentences for the page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What is searched.
    pub parameters: Vec<Parameter>,
    /// How. Default: grid.
    #[serde(default)]
    pub strategy: StrategyConfig,
    /// When it ends at the latest.
    #[serde(default)]
    pub budget: Budget,
    /// Settings of this stage's trials alone, by dotted path: `{ "training.epochs" = 3 }`. They replace what is there.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub set: toml::Table,
    /// Settings that the inherited picks must have led to, by dotted path: `{ "training.optimizer.kind" = "adadelta"
    /// }`. Otherwise the stage is left out. Default: none.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub when: toml::Table,
    /// Earlier stages whose picks its trials start from. Default: all earlier ones of the same learner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherits: Option<Vec<String>>,
    /// The images that trials are fitted and scored on.
    #[serde(default)]
    pub splits: SplitsConfig,
    /// What is made large. Default accuracy.
    #[serde(default)]
    pub score: Score,
    /// Which trial is chosen. Default the best.
    #[serde(default)]
    pub pick: Pick,
    /// How it is drawn. By default what suits its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plot: Option<PlotKind>,
    /// Try many briefly and go on with the best. Default: every trial to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<Halving>,
    /// Stop trials that do worse than half of the earlier ones. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
}

/// When a stage ends at the latest; whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Different trials, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Minutes by the clock, over all interruptions (each counted up to the last trial before it). No trial starts
    /// later; those under way end. The only setting that makes a result depend on the speed of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
}

/// Which trial of a stage is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// The highest score; the earliest of several.
    #[default]
    Best,
    /// The smallest value within one standard error of the best (Breiman et al., 1984): for one number, where smaller
    /// is simpler.
    OneStandardError,
    /// None: the stage is there to be looked at.
    None,
}

/// Successive halving (Jamieson and Talwalkar, 2016), batch by batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// What a trial first gets little of.
    pub resource: Resource,
    /// How much at first: epochs or trees, or training images.
    pub least: u64,
    /// One in so many goes on to so many times as much, 2 to 10. Default 3.
    #[serde(default = "three")]
    pub factor: usize,
}

/// What successive halving gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Epochs or trees: a trial that goes on continues where it was.
    Steps,
    /// Training images: a trial that goes on starts anew with more of them.
    Images,
}

/// Median pruning (Golovin et al., 2017): on the first split, a trial ends at a step where its score is below the
/// median of the trials before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pruning {
    /// Steps that every trial gets. Default 1.
    pub warmup: u64,
    /// Trials that run to their end before any is pruned, at least 1. Default 4.
    pub trials: usize,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { warmup: 1, trials: 4 }
    }
}

fn three() -> usize {
    3
}

/// A stage with its space, checked.
#[derive(Clone, Debug)]
pub struct Stage {
    /// As it was written.
    pub config: StageConfig,
    /// What is searched.
    pub space: Space,
}

impl Stage {
    /// Checks everything that can be known before a trial runs: that the learner exists, that its settings take the
    /// values at either end of every range, that the budget suits the strategy. `members` are the settings of the
    /// members, `earlier` the stages before.
    ///
    /// # Errors
    /// The field, seen from the stage.
    pub fn new(config: StageConfig, members: &[toml::Table], earlier: &[Self]) -> Result<Self, FieldError> {
        check_name(&config, earlier)?;
        if config.parameters.is_empty() {
            return Err(FieldError::new("parameters", "there is none, a stage searches at least one"));
        }
        let space = Space::new(config.parameters.clone())?;
        config.strategy.check().map_err(|error| error.inside("strategy"))?;
        config.splits.check().map_err(|error| error.inside("splits"))?;
        let stage = Self { config, space };
        stage.check_budget().map_err(|error| error.inside("budget"))?;
        stage.check_pick()?;
        stage.check_inherits(earlier)?;
        if stage.is_stack() {
            stage.check_stack(members.len())?;
        } else {
            stage.check_learner(members, earlier)?;
        }
        Ok(stage)
    }

    /// True if it chooses among meta-models.
    pub fn is_stack(&self) -> bool {
        self.config.learner == STACK
    }

    /// Its heading.
    pub fn title(&self) -> &str {
        if self.config.title.is_empty() { &self.config.name } else { &self.config.title }
    }

    /// How it is drawn.
    pub fn plot(&self) -> PlotKind {
        let numeric: Vec<bool> = self.space.parameters().iter().map(Parameter::is_numeric).collect();
        self.config.plot.unwrap_or(match numeric[..] {
            [true] => PlotKind::Line,
            [false] => PlotKind::Bars,
            [true, true] => PlotKind::Contour,
            _ => PlotKind::Progress,
        })
    }

    /// True if the picks of `stage` are part of what this one's trials start from.
    pub fn inherits_from(&self, stage: &Self) -> bool {
        stage.config.pick != Pick::None
            && match &self.config.inherits {
                Some(names) => names.contains(&stage.config.name),
                None => stage.config.learner == self.config.learner,
            }
    }

    /// True if the stage is to be run on these settings.
    pub(super) fn applies_to(&self, base: &toml::Table) -> bool {
        self.config.when.iter().all(|(path, value)| field_path::get(base, path) == Some(value))
    }

    /// The settings of a trial: `base` with `set` and then the candidate's values in their places.
    ///
    /// # Errors
    /// A path that leads nowhere.
    pub(super) fn settings(&self, base: &toml::Table, candidate: &[toml::Value]) -> Result<toml::Table, FieldError> {
        let mut settings = base.clone();
        for (path, value) in &self.config.set {
            field_path::set(&mut settings, path, value.clone()).map_err(|problem| FieldError::new("set", problem))?;
        }
        for (place, (parameter, value)) in self.space.parameters().iter().zip(candidate).enumerate() {
            let error = |problem| FieldError::new(format!("parameters[{place}].field"), problem);
            field_path::set(&mut settings, &parameter.field, value.clone()).map_err(error)?;
        }
        Ok(settings)
    }

    fn check_budget(&self) -> Result<(), FieldError> {
        let Budget { trials, minutes } = self.config.budget;
        if minutes.is_some() && (self.is_stack() || matches!(self.config.strategy, StrategyConfig::Curve)) {
            return Err(FieldError::new("minutes", "has no meaning here: the work is done in one piece"));
        }
        if trials == Some(0) {
            return Err(FieldError::new("trials", "found 0, expected at least 1"));
        }
        if let Some(minutes) = minutes.filter(|minutes| !(*minutes > 0.0 && minutes.is_finite())) {
            return Err(FieldError::new("minutes", format!("found {minutes}, expected more than 0")));
        }
        let size = self.space.grid_size();
        match (&self.config.strategy, trials) {
            (StrategyConfig::Grid | StrategyConfig::Curve, Some(trials)) if trials < size => {
                Err(FieldError::new("trials", format!("found {trials}, but the grid has {size} points")))
            }
            (StrategyConfig::Grid | StrategyConfig::Narrowing { .. }, _) if size > 100_000 => Err(FieldError::new(
                "trials",
                format!("a grid of {size} points is too large; search at random, or use larger steps"),
            )),
            (strategy, None) if !strategy.is_finite() && minutes.is_none() => {
                Err(FieldError::new("trials", "is missing: this strategy needs a number of trials or of `minutes`"))
            }
            _ => Ok(()),
        }
    }

    fn check_pick(&self) -> Result<(), FieldError> {
        let numeric = matches!(self.space.parameters(), [only] if only.is_numeric());
        let two = matches!(self.space.parameters(), [a, b] if a.is_numeric() && b.is_numeric());
        if self.config.pick == Pick::OneStandardError && !numeric {
            return Err(FieldError::new(
                "pick",
                "`one-standard-error` takes the smallest value: it needs exactly one parameter, a number",
            ));
        }
        let suits = match self.config.plot {
            Some(PlotKind::Line) => numeric,
            Some(PlotKind::Bars) => self.space.parameters().len() == 1,
            Some(PlotKind::Contour | PlotKind::Intervals) => two,
            Some(PlotKind::Progress) | None => true,
        };
        if suits {
            Ok(())
        } else {
            Err(FieldError::new("plot", "does not suit the parameters; leave it out to have one chosen"))
        }
    }

    fn check_inherits(&self, earlier: &[Self]) -> Result<(), FieldError> {
        for name in self.config.inherits.iter().flatten() {
            match earlier.iter().find(|stage| stage.config.name == *name) {
                None => return Err(FieldError::new("inherits", format!("there is no stage `{name}` before this one"))),
                Some(stage) if stage.config.learner != self.config.learner => {
                    let problem =
                        format!("stage `{name}` tunes `{}`, this one `{}`", stage.config.learner, self.config.learner);
                    return Err(FieldError::new("inherits", problem));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn check_stack(&self, members: usize) -> Result<(), FieldError> {
        if self.config.halving.is_some()
            || self.config.pruning.is_some()
            || matches!(self.config.strategy, StrategyConfig::Curve)
        {
            return Err(FieldError::new(
                "strategy",
                "meta-models are fitted in one piece: no curve, no `halving`, no `pruning`",
            ));
        }
        if !self.config.when.is_empty() {
            return Err(FieldError::new("when", "looks at the settings of a member; a `stack` stage has none"));
        }
        if self.config.splits != SplitsConfig::default() {
            return Err(FieldError::new(
                "splits",
                "have no meaning here: a `stack` stage uses the folds of `stacking.folds`",
            ));
        }
        if !self.config.set.is_empty() {
            return Err(FieldError::new(
                "set",
                "a `stack` stage has no settings of its own; the members are as they were picked",
            ));
        }
        for (place, parameter) in self.space.parameters().iter().enumerate() {
            let at = format!("parameters[{place}]");
            if !STACK_FIELDS.contains(&parameter.field.as_str()) {
                let problem = format!("found `{}`, a `stack` stage searches `meta` and `features`", parameter.field);
                return Err(FieldError::new(format!("{at}.field"), problem));
            }
            for value in parameter.grid() {
                let error = |error: FieldError| error.inside(&format!("{at}.values"));
                match parameter.field.as_str() {
                    "meta" => meta(&value).and_then(|meta| meta.check(members)).map_err(error)?,
                    _ => features(&value).map(drop).map_err(error)?,
                }
            }
        }
        Ok(())
    }

    fn check_learner(&self, members: &[toml::Table], earlier: &[Self]) -> Result<(), FieldError> {
        let name =
            |member: &toml::Table| member.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let Some(base) = members.iter().find(|member| name(member) == self.config.learner) else {
            let known: Vec<String> = members.iter().map(|member| format!("`{}`", name(member))).collect();
            let problem =
                format!("there is no member `{}`; it can be {} or `stack`", self.config.learner, known.join(", "));
            return Err(FieldError::new("learner", problem));
        };
        // The picks of the stages before are not known yet: one of their values stands for them, if possible one that
        // `when` asks for.
        let mut base = base.clone();
        for stage in earlier.iter().filter(|stage| self.inherits_from(stage)) {
            if !stage.applies_to(&base) {
                continue;
            }
            for parameter in stage.space.parameters() {
                let put = |value: &toml::Value| {
                    let mut base = base.clone();
                    field_path::set(&mut base, &parameter.field, value.clone()).map(|()| base)
                };
                let values = parameter.grid();
                let mut best: Option<(usize, toml::Table)> = None;
                for value in &values {
                    let changed = put(value).map_err(|problem| FieldError::new("inherits", problem))?;
                    let met = self
                        .config
                        .when
                        .iter()
                        .filter(|(path, wanted)| field_path::get(&changed, path) == Some(wanted))
                        .count();
                    if best.as_ref().is_none_or(|(most, _)| met > *most) {
                        best = Some((met, changed));
                    }
                }
                if let Some((_, changed)) = best {
                    base = changed;
                }
            }
        }
        if !self.applies_to(&base) {
            return Err(FieldError::new("when", "asks for what no earlier stage can pick; the stage would never run"));
        }
        let first: Vec<toml::Value> =
            self.space.parameters().iter().filter_map(|parameter| parameter.grid().into_iter().next()).collect();
        let learner = self.build(&base, &first)?;
        for (place, parameter) in self.space.parameters().iter().enumerate() {
            let grid = parameter.grid();
            let ends = if parameter.values.is_some() { &grid[..] } else { &grid[grid.len() - 1..] };
            for end in ends {
                let mut candidate = first.clone();
                candidate[place] = end.clone();
                let error = |error: FieldError| {
                    FieldError::new(
                        format!("parameters[{place}]"),
                        format!("{} is refused: {error}", parameter.describe(end)),
                    )
                };
                let learner = self.build(&base, &candidate).map_err(error)?;
                self.check_steps(learner.length())?;
            }
        }
        self.check_steps(learner.length())
    }

    fn build(&self, base: &toml::Table, candidate: &[toml::Value]) -> Result<Box<dyn Learner>, FieldError> {
        learners::build(self.settings(base, candidate)?)
    }

    /// Curves, halving and pruning read a fit's score on its way.
    fn check_steps(&self, length: Length) -> Result<(), FieldError> {
        let reads = |what: &str| match length.is_prefix {
            true if self.config.score == Score::Accuracy => Ok(()),
            true => Err(FieldError::new(what, "reads the accuracy on the way: `score` must be `accuracy`")),
            false => {
                let problem = "needs a learner whose short fit is the beginning of its long one: a constant schedule, no early stopping and \
                               no best epoch kept";
                Err(FieldError::new(what, problem))
            }
        };
        if matches!(self.config.strategy, StrategyConfig::Curve) {
            reads("strategy")?;
            let ok = matches!(self.space.parameters(), [only] if only.field == length.field && only.grid().iter().all(toml::Value::is_integer));
            if !ok {
                let problem = format!("a curve has exactly one parameter, `{}`, with whole numbers", length.field);
                return Err(FieldError::new("parameters", problem));
            }
            if self.config.halving.is_some() || self.config.pruning.is_some() {
                return Err(FieldError::new(
                    "strategy",
                    "a curve is one training: it takes no `halving` and no `pruning`",
                ));
            }
        }
        if let Some(halving) = &self.config.halving {
            if self.config.pruning.is_some() {
                return Err(FieldError::new("pruning", "and `halving` exclude each other"));
            }
            if !(2..=10).contains(&halving.factor) {
                return Err(FieldError::new("halving.factor", format!("found {}, expected 2 to 10", halving.factor)));
            }
            if halving.least == 0 {
                return Err(FieldError::new("halving.least", "found 0, expected at least 1"));
            }
            if halving.resource == Resource::Steps {
                reads("halving")?;
                if halving.least >= u64::from(length.steps) {
                    let problem = format!(
                        "found {}, but a trial has {} {}s: nothing is left to give",
                        halving.least, length.steps, length.unit
                    );
                    return Err(FieldError::new("halving.least", problem));
                }
                if self.space.parameters().iter().any(|parameter| parameter.field == length.field) {
                    return Err(FieldError::new(
                        "halving",
                        format!("gives out steps, and `{}` is searched", length.field),
                    ));
                }
            }
        }
        if let Some(pruning) = self.config.pruning {
            reads("pruning")?;
            if pruning.trials == 0 {
                return Err(FieldError::new("pruning.trials", "found 0, expected at least 1"));
            }
        }
        Ok(())
    }
}

fn check_name(config: &StageConfig, earlier: &[Stage]) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if config.name.is_empty() || config.name.len() > 60 || !config.name.chars().all(allowed) {
        return Err(FieldError::new("name", format!("found {:?}, expected 1 to 60 of a–z, 0–9 and `-`", config.name)));
    }
    if earlier.iter().any(|stage| stage.config.name == config.name) {
        return Err(FieldError::new("name", format!("`{}` is there twice", config.name)));
    }
    Ok(())
}

/// The meta-model that a value of `meta` names: `"logistic"` or a table with its settings.
pub(super) fn meta(value: &toml::Value) -> Result<MetaConfig, FieldError> {
    let table = match value {
        toml::Value::Table(table) => table.clone(),
        other => toml::Table::from_iter([("kind".to_owned(), other.clone())]),
    };
    learners::parse_settings(table)
}

/// The scale that a value of `features` names.
pub(super) fn features(value: &toml::Value) -> Result<FeatureScale, FieldError> {
    value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| FieldError::new("features", error.message().replace('\n', " ")))
}

/// Orders numbers for [`Pick::OneStandardError`].
pub(super) fn smaller_first(a: &toml::Value, b: &toml::Value) -> std::cmp::Ordering {
    number(a).unwrap_or(f64::NAN).total_cmp(&number(b).unwrap_or(f64::NAN))
}
