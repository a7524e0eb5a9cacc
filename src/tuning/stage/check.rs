//! Checks of a stage before any trial runs.

use super::{Budget, Halving, Pruning, Resource, SelectionRule, Stage, StageConfig, features, meta};
use crate::{
    data::FieldError,
    field_path,
    learners::{self, Learner, Length},
    tuning::{
        outcome::{PlotKind, Score},
        parameter::Parameter,
        sampler::SamplerConfig,
        space::Space,
        splits::SplitsConfig,
    },
};

/// Parameters that a `stack` stage can search: the meta-model, and the scale of its metafeatures.
const STACK_FIELDS: [&str; 2] = ["meta", "features"];
/// Largest grid.
const MAX_GRID: usize = 100_000;

impl Stage {
    /// Checks everything that can be known before a trial runs: that the learner exists, that its settings accept the
    /// values at either end of every range, that the budget suits the sampler. `members` are the settings of the
    /// members, `earlier` the stages before this one.
    ///
    /// # Errors
    /// [`FieldError`] with the path of the field inside the stage.
    pub fn new(config: StageConfig, members: &[toml::Table], earlier: &[Self]) -> Result<Self, FieldError> {
        check_name(&config, earlier)?;
        if config.parameters.is_empty() {
            return Err(FieldError::new("parameters", "found none, expected at least one"));
        }
        let space = Space::new(config.parameters.clone())?;
        config.sampler.check().map_err(|error| error.inside("strategy"))?;
        config.splits.check().map_err(|error| error.inside("splits"))?;
        let stage = Self { config, space };
        stage.check_budget().map_err(|error| error.inside("budget"))?;
        stage.check_selection()?;
        stage.check_inherits(earlier)?;
        if stage.is_stack() {
            stage.check_stack(members.len())?;
        } else {
            stage.check_learner(members, earlier)?;
        }
        Ok(stage)
    }

    fn check_budget(&self) -> Result<(), FieldError> {
        let Budget { trials, minutes } = self.config.budget;
        if minutes.is_some() && (self.is_stack() || matches!(self.config.sampler, SamplerConfig::Curve)) {
            return Err(FieldError::new("minutes", "not possible for a curve or a `stack` stage; use `trials`"));
        }
        if trials == Some(0) {
            return Err(FieldError::new("trials", "found 0, expected at least 1"));
        }
        if let Some(minutes) = minutes.filter(|minutes| !(*minutes > 0.0 && minutes.is_finite())) {
            return Err(FieldError::new("minutes", format!("found {minutes}, expected more than 0")));
        }
        let size = self.space.grid_size();
        match (&self.config.sampler, trials) {
            (SamplerConfig::Grid | SamplerConfig::Curve, Some(trials)) if trials < size => {
                Err(FieldError::new("trials", format!("found {trials}, but the grid has {size} points")))
            }
            (SamplerConfig::Grid | SamplerConfig::Narrowing { .. }, _) if size > MAX_GRID => Err(FieldError::new(
                "trials",
                format!("the grid has {size} points, expected at most {MAX_GRID}; use larger steps or another sampler"),
            )),
            (sampler, None) if !sampler.is_finite() && minutes.is_none() => {
                Err(FieldError::new("trials", "missing: this sampler needs a number of trials or of `minutes`"))
            }
            _ => Ok(()),
        }
    }

    fn check_selection(&self) -> Result<(), FieldError> {
        let numeric = matches!(self.space.parameters(), [only] if only.is_numeric());
        let two = matches!(self.space.parameters(), [a, b] if a.is_numeric() && b.is_numeric());
        if self.config.selection == SelectionRule::OneStandardError && !numeric {
            return Err(FieldError::new(
                "pick",
                "`one-standard-error` selects the smallest value: it needs exactly one parameter, a number",
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
            Err(FieldError::new("plot", "does not suit the parameters; leave it out for the default"))
        }
    }

    fn check_inherits(&self, earlier: &[Self]) -> Result<(), FieldError> {
        for name in self.config.inherits.iter().flatten() {
            match earlier.iter().find(|stage| stage.config.name == *name) {
                None => {
                    return Err(FieldError::new("inherits", format!("there is no stage `{name}` before this one")));
                }
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
            || matches!(self.config.sampler, SamplerConfig::Curve)
        {
            return Err(FieldError::new(
                "strategy",
                "meta-models have no intermediate scores: a `stack` stage takes no curve, `halving` or `pruning`",
            ));
        }
        if !self.config.when.is_empty() {
            return Err(FieldError::new("when", "not possible for a `stack` stage: it inherits no settings"));
        }
        if self.config.splits != SplitsConfig::default() {
            return Err(FieldError::new(
                "splits",
                "not possible for a `stack` stage: it scores on the folds of `stacking.folds`",
            ));
        }
        if !self.config.set.is_empty() {
            return Err(FieldError::new(
                "set",
                "not possible for a `stack` stage: it uses the members as earlier stages selected them",
            ));
        }
        for (index, parameter) in self.space.parameters().iter().enumerate() {
            let at = format!("parameters[{index}]");
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
            let problem = format!("unknown member `{}`; available: {}, `stack`", self.config.learner, known.join(", "));
            return Err(FieldError::new("learner", problem));
        };
        let base = self.plausible_base(base, earlier)?;
        if !self.applies_to(&base) {
            return Err(FieldError::new(
                "when",
                "no earlier stage can select these settings; the stage would never run",
            ));
        }
        let first: Vec<toml::Value> =
            self.space.parameters().iter().filter_map(|parameter| parameter.grid().into_iter().next()).collect();
        let learner = self.build(&base, &first)?;
        for (index, parameter) in self.space.parameters().iter().enumerate() {
            let grid = parameter.grid();
            let ends = if parameter.values.is_some() { &grid[..] } else { &grid[grid.len() - 1..] };
            for end in ends {
                let mut candidate = first.clone();
                candidate[index] = end.clone();
                let error = |error: FieldError| {
                    FieldError::new(
                        format!("parameters[{index}]"),
                        format!("{} is refused: {error}", parameter.describe(end)),
                    )
                };
                let learner = self.build(&base, &candidate).map_err(error)?;
                self.check_steps(learner.length())?;
            }
        }
        self.check_steps(learner.length())
    }

    /// Returns settings that the stages before can lead to. Their selections are not known yet: of each, one value
    /// stands for it, if possible one that `when` asks for.
    fn plausible_base(&self, base: &toml::Table, earlier: &[Self]) -> Result<toml::Table, FieldError> {
        let mut base = base.clone();
        for stage in earlier.iter().filter(|stage| self.inherits_from(stage)) {
            if !stage.applies_to(&base) {
                continue;
            }
            for parameter in stage.space.parameters() {
                let mut best: Option<(usize, toml::Table)> = None;
                for value in parameter.grid() {
                    let mut changed = base.clone();
                    field_path::set(&mut changed, &parameter.field, value)
                        .map_err(|problem| FieldError::new("inherits", problem.to_string()))?;
                    let wanted = self.config.when.iter();
                    let met = wanted.filter(|(path, value)| field_path::get(&changed, path) == Some(value)).count();
                    if best.as_ref().is_none_or(|(most, _)| met > *most) {
                        best = Some((met, changed));
                    }
                }
                if let Some((_, changed)) = best {
                    base = changed;
                }
            }
        }
        Ok(base)
    }

    fn build(&self, base: &toml::Table, candidate: &[toml::Value]) -> Result<Box<dyn Learner>, FieldError> {
        learners::build(self.settings(base, candidate)?)
    }

    /// Checks that a learner of this length has the intermediate scores that curves, halving and pruning read.
    fn check_steps(&self, length: Length) -> Result<(), FieldError> {
        if matches!(self.config.sampler, SamplerConfig::Curve) {
            self.check_curve(length)?;
        }
        if let Some(halving) = &self.config.halving {
            self.check_halving(halving, length)?;
        }
        if let Some(pruning) = self.config.pruning {
            self.check_pruning(pruning, length)?;
        }
        Ok(())
    }

    fn check_curve(&self, length: Length) -> Result<(), FieldError> {
        self.check_prefix("strategy", length)?;
        let counts = |parameter: &Parameter| {
            parameter.field == length.field && parameter.grid().iter().all(toml::Value::is_integer)
        };
        if !matches!(self.space.parameters(), [only] if counts(only)) {
            let problem = format!("a curve has exactly one parameter, `{}`, with whole numbers", length.field);
            return Err(FieldError::new("parameters", problem));
        }
        if self.config.halving.is_some() || self.config.pruning.is_some() {
            return Err(FieldError::new("strategy", "a curve is one training: it takes no `halving` and no `pruning`"));
        }
        Ok(())
    }

    fn check_halving(&self, halving: &Halving, length: Length) -> Result<(), FieldError> {
        if self.config.pruning.is_some() {
            return Err(FieldError::new("pruning", "not possible together with `halving`"));
        }
        if !(2..=10).contains(&halving.factor) {
            return Err(FieldError::new("halving.factor", format!("found {}, expected 2 to 10", halving.factor)));
        }
        if halving.least == 0 {
            return Err(FieldError::new("halving.least", "found 0, expected at least 1"));
        }
        if halving.resource == Resource::Images {
            return Ok(());
        }
        self.check_prefix("halving", length)?;
        if halving.least >= u64::from(length.steps) {
            let problem = format!(
                "found {}, expected less than the {} {}s of a complete trial",
                halving.least, length.steps, length.unit
            );
            return Err(FieldError::new("halving.least", problem));
        }
        if self.space.parameters().iter().any(|parameter| parameter.field == length.field) {
            let problem = format!("allocates steps, so that `{}` cannot be searched", length.field);
            return Err(FieldError::new("halving", problem));
        }
        Ok(())
    }

    fn check_pruning(&self, pruning: Pruning, length: Length) -> Result<(), FieldError> {
        self.check_prefix("pruning", length)?;
        if pruning.trials == 0 {
            return Err(FieldError::new("pruning.trials", "found 0, expected at least 1"));
        }
        Ok(())
    }

    /// Refuses `field`, which reads intermediate scores, unless they are accuracies of a fit that is the beginning of a
    /// longer one.
    fn check_prefix(&self, field: &str, length: Length) -> Result<(), FieldError> {
        match length.is_prefix {
            true if self.config.score == Score::Accuracy => Ok(()),
            true => Err(FieldError::new(field, "reads intermediate accuracies: `score` must be `accuracy`")),
            false => Err(FieldError::new(
                field,
                "needs a learner whose short fit is the beginning of its long one: a constant schedule, no early \
                 stopping and `keep_best_epoch = false`",
            )),
        }
    }
}

fn check_name(config: &StageConfig, earlier: &[Stage]) -> Result<(), FieldError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if config.name.is_empty() || config.name.len() > 60 || !config.name.chars().all(allowed) {
        return Err(FieldError::new("name", format!("found {:?}, expected 1 to 60 of a–z, 0–9 and `-`", config.name)));
    }
    if earlier.iter().any(|stage| stage.config.name == config.name) {
        return Err(FieldError::new("name", format!("`{}` occurs twice", config.name)));
    }
    Ok(())
}
