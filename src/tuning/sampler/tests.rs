use std::collections::HashMap;

use super::{
    super::space::{Candidate, Space},
    *,
};
use crate::seed::Seed;

/// Objective that scores at most `budget` different candidates by a function.
struct Function<'a> {
    space: &'a Space,
    score: fn(&Candidate) -> Option<f64>,
    budget: usize,
    scored: HashMap<String, Option<f64>>,
    order: Vec<Candidate>,
}

impl Objective for Function<'_> {
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, Stop> {
        let mut scores = Vec::new();
        for candidate in candidates {
            let key = self.space.key(candidate);
            if !self.scored.contains_key(&key) {
                if self.scored.len() == self.budget {
                    return Err(Stop::Budget);
                }
                self.order.push(candidate.clone());
            }
            scores.push(*self.scored.entry(key).or_insert_with(|| (self.score)(candidate)));
        }
        Ok(scores)
    }
}

fn space() -> Space {
    #[derive(Deserialize)]
    struct Holder {
        parameters: Vec<crate::tuning::Parameter>,
    }
    let text = r#"parameters = [
        { field = "width", integers = { from = 10, to = 150 } },
        { field = "rate", reals = { from = 0.001, to = 1.0, log = true } },
        { field = "kind", values = ["a", "b", "c"] },
    ]"#;
    Space::new(toml::from_str::<Holder>(text).unwrap().parameters).unwrap()
}

/// Best at 90, 0.1, "b"; a width above 140 fails.
fn score(candidate: &Candidate) -> Option<f64> {
    let (width, rate) = (candidate[0].as_integer()? as f64, candidate[1].as_float()?);
    let kind = if candidate[2].as_str()? == "b" { 0.0 } else { 0.05 };
    (width <= 140.0).then(|| 1.0 - ((width - 90.0) / 140.0).powi(2) - 0.1 * (rate / 0.1).log10().powi(2) - kind)
}

fn samplers() -> Vec<SamplerConfig> {
    vec![
        SamplerConfig::Grid,
        SamplerConfig::Random,
        SamplerConfig::NelderMead { width: 0.3 },
        SamplerConfig::ParticleSwarm { particles: 8 },
        SamplerConfig::Annealing { temperature: 0.01, step: 0.5 },
        SamplerConfig::Narrowing { rounds: 3 },
    ]
}

fn search(
    config: &SamplerConfig,
    budget: usize,
    seed: u64,
    score: fn(&Candidate) -> Option<f64>,
) -> (Vec<Candidate>, f64) {
    let space = space();
    let mut function = Function { space: &space, score, budget, scored: HashMap::new(), order: Vec::new() };
    let ended = config.build().unwrap().search(&space, &[0.1, 0.9, 0.9], &mut function, Seed(seed));
    assert!(matches!(ended, Ok(()) | Err(Stop::Budget)), "{config:?}");
    let best = function.scored.values().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    (function.order, best)
}

#[test]
fn every_sampler_comes_near_the_best_point() {
    for config in samplers().into_iter().filter(|config| !config.is_finite()) {
        let mut bests: Vec<f64> = (0..5).map(|seed| search(&config, 80, seed, score).1).collect();
        bests.sort_by(f64::total_cmp);
        assert!(bests[2] > 0.97, "{config:?}: {bests:?}");
        let (order, _) = search(&config, 80, 3, score);
        assert_eq!(order, search(&config, 80, 3, score).0, "{config:?} draws from its seed alone");
    }
}

#[test]
fn a_larger_budget_only_adds_trials() {
    for config in samplers() {
        let (short, _) = search(&config, 15, 7, score);
        let (long, _) = search(&config, 40, 7, score);
        assert_eq!(long[..short.len()], short, "{config:?}");
    }
}

#[test]
fn failures_and_spaces_without_slope_end_no_search_badly() {
    for config in samplers() {
        search(&config, 60, 1, |_| None);
        search(&config, 60, 1, |_| Some(0.5));
        search(&config, 60, 1, |candidate| if candidate[2].as_str() == Some("b") { None } else { Some(0.1) });
    }
}

#[test]
fn known_good_settings_are_tried_first() {
    let start = space().decode(&[0.1, 0.9, 0.9]);
    for config in samplers().into_iter().filter(|config| !config.is_finite()) {
        assert_eq!(search(&config, 10, 2, score).0[0], start, "{config:?}");
    }
}

#[test]
fn a_narrowing_grid_ends_between_the_neighbours_of_its_best_point() {
    let space = space();
    let numbers = Space::new(space.parameters()[1..2].to_vec()).unwrap();
    let score = |candidate: &Candidate| Some(-(candidate[0].as_float()? / 0.2).log10().abs());
    let mut function = Function { space: &numbers, score, budget: 100, scored: HashMap::new(), order: Vec::new() };
    narrowing::NarrowingSampler { rounds: 4 }.search(&numbers, &[0.5], &mut function, Seed(1)).unwrap();
    let best = function.scored.values().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(best > -0.05, "three narrowings leave points a tenth of a decade apart: {best}");
    assert!(function.order.len() < 20, "{}", function.order.len());
}

#[test]
fn impossible_settings_are_named() {
    let field = |config: SamplerConfig| config.check().unwrap_err().field;
    assert_eq!(field(SamplerConfig::NelderMead { width: 0.0 }), "width");
    assert_eq!(field(SamplerConfig::ParticleSwarm { particles: 1 }), "particles");
    assert_eq!(field(SamplerConfig::Annealing { temperature: 0.0, step: 0.5 }), "temperature");
    assert_eq!(field(SamplerConfig::Narrowing { rounds: 0 }), "rounds");
}
