//! The report of made-up hyperparameter studies that look like real ones.

use std::path::Path;

use crate::support::markup::{check_markup, text};
use digitstack::{
    report::{Report, ReportError, ReportOptions, render_study},
    seed::Seed,
    tuning::{ParameterOutcome, PlotKind, Score, StageOutcome, StudyOutcome, TrialOutcome, TrialState},
};
use proptest::prelude::*;
use rand::RngExt;

fn number(field: &str, label: &str, log: bool) -> ParameterOutcome {
    ParameterOutcome { field: field.to_owned(), label: label.to_owned(), log, choices: Vec::new() }
}

fn choice(field: &str, choices: &[&str]) -> ParameterOutcome {
    let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
    ParameterOutcome { field: field.to_owned(), label: field.to_owned(), log: false, choices }
}

fn trial(values: &[f64], score: f64) -> TrialOutcome {
    TrialOutcome {
        values: values.to_vec(),
        state: TrialState::Complete,
        score: Some(score),
        standard_error: Some(0.0012),
        train_score: None,
        steps: Vec::new(),
        seconds: 12.4,
        error: None,
    }
}

fn failed(values: &[f64], error: &str) -> TrialOutcome {
    let state = TrialState::Failed;
    TrialOutcome { state, score: None, standard_error: None, error: Some(error.to_owned()), ..trial(values, 0.0) }
}

fn stage(
    name: &str,
    title: &str,
    plot: PlotKind,
    parameters: Vec<ParameterOutcome>,
    trials: Vec<TrialOutcome>,
) -> StageOutcome {
    let best = (0..trials.len())
        .filter(|index| trials[*index].state == TrialState::Complete && trials[*index].score.is_some())
        .max_by(|a, b| trials[*a].score.unwrap().total_cmp(&trials[*b].score.unwrap()));
    let steps_naive = 3 * trials.len() as u64;
    StageOutcome {
        name: name.to_owned(),
        title: title.to_owned(),
        about: String::new(),
        learner: "cnn".to_owned(),
        sampler: format!("grid of {}", trials.len()),
        scoring: "accuracy, mean of 3 splits".to_owned(),
        score: Score::Accuracy,
        plot,
        parameters,
        trials,
        selected: best,
        seconds: 184.2,
        steps_run: steps_naive,
        steps_naive,
        unit: "epoch".to_owned(),
        finished: true,
    }
}

/// Learning curve, which ends early in a pruned trial.
fn with_steps(mut trial: TrialOutcome, steps: u64, of: u64) -> TrialOutcome {
    let end = 1.0 - trial.score.unwrap();
    trial.steps =
        (1..=steps).map(|step| (step, 1.0 - end * (1.0 + 6.0 * (-6.0 * step as f64 / of as f64).exp()))).collect();
    if steps < of {
        trial.state = TrialState::Pruned;
        trial.score = trial.steps.last().map(|(_, score)| *score);
        trial.standard_error = None;
    }
    trial
}

/// Outcome with every kind of plot, as a search over all members would give it.
fn realistic() -> StudyOutcome {
    let mut rng = Seed(3).rng();
    let mut noise = move |size: f64| rng.random_range(-size..size);

    let filters = [10.0, 20.0, 30.0, 40.0, 50.0, 64.0];
    let mut filters = stage(
        "cnn-filters",
        "Filters of the first block",
        PlotKind::Line,
        vec![number("network.filters", "filters", false)],
        filters
            .iter()
            .map(|count| trial(&[*count], 0.9885 - 0.012 / (count / 10.0_f64).powf(1.2) + noise(0.0004)))
            .collect(),
    );
    filters.selected = Some(4);
    filters.about =
        "More filters cost more time. The smallest number within one standard error of the best is chosen.".to_owned();

    let mut hidden: Vec<TrialOutcome> = (0..36)
        .map(|index: i32| {
            let (a, b) = ((10.0 + 50.0 * (0.5 + noise(0.5))).round(), (10.0 + 50.0 * (0.5 + noise(0.5))).round());
            let good = 0.974 - 0.000_012 * ((a - 52.0) * (a - 52.0) + (b - 34.0) * (b - 34.0))
                + 0.0001 * f64::from(index)
                + noise(0.001);
            trial(&[a, b], good)
        })
        .collect();
    hidden[4].state = TrialState::Pruned;
    let hidden_numbers = vec![
        number("network.hidden.0", "first hidden layer", false),
        number("network.hidden.1", "second hidden layer", false),
    ];
    let hidden = stage("cnn-hidden", "Widths of the hidden layers", PlotKind::Intervals, hidden_numbers, hidden);

    let names = ["relu", "elu", "tanh", "sigmoid", "selu", "softplus"];
    let errors = [0.0142, 0.0131, 0.0163, 0.905, 0.0128, 0.0171];
    let mut activation: Vec<TrialOutcome> =
        errors.iter().enumerate().map(|(index, error)| trial(&[index as f64], 1.0 - error)).collect();
    activation.push(failed(&[2.0], "the loss became NaN in epoch 2"));
    let mut activation =
        stage("cnn-activation", "Activation", PlotKind::Bars, vec![choice("network.activation", &names)], activation);
    activation.selected = Some(1);

    let mut surface: Vec<TrialOutcome> = (0..40)
        .map(|_| {
            let (rate, rho) = (10.0_f64.powf(-2.5 + 3.0 * (0.5 + noise(0.5))), 0.3 + 0.69 * (0.5 + noise(0.5)));
            let far = ((rate.log10() - 0.1) / 1.1).powi(2) + ((rho - 0.55) / 0.5).powi(2);
            trial(&[rate, rho], 1.0 - 0.0095 * (1.0 + 1.6 * far) * (1.0 + noise(0.05)))
        })
        .collect();
    surface[7] = failed(&[3.1, 0.97], "it diverged");
    surface[12].state = TrialState::Pruned;
    let rates = vec![
        number("training.optimizer.learning_rate", "learning rate", true),
        number("training.optimizer.rho", "rho", false),
    ];
    let mut surface = stage("cnn-adadelta", "Adadelta", PlotKind::Contour, rates, surface);
    surface.about = "The learning rate and the decay of Adadelta, together.".to_owned();

    let epochs = (1..=24).map(|epoch| {
        let fall = (-f64::from(epoch) / 4.0).exp();
        let mut trial = trial(&[f64::from(epoch)], 1.0 - 0.0085 * (1.0 + 3.0 * fall) + noise(0.0003));
        trial.train_score = Some(1.0 - 0.0055 * (5.0 * fall + (-f64::from(epoch) / 9.0).exp()));
        trial
    });
    let epochs = stage(
        "cnn-epochs",
        "Epochs",
        PlotKind::Line,
        vec![number("training.epochs", "epochs", false)],
        epochs.collect(),
    );

    let halved = (0..27).map(|index| {
        let end = 0.985 - 0.0011 * f64::from((index * 7) % 27) + noise(0.001);
        let steps = if index % 9 == 0 {
            27
        } else if index % 3 == 0 {
            9
        } else {
            3
        };
        with_steps(
            trial(
                &[
                    f64::from(index % 3),
                    0.0005 * 1.3_f64.powi(index),
                    f64::from(16 << (index % 4)),
                    0.1 + noise(0.1),
                    0.02,
                ],
                end,
            ),
            steps,
            27,
        )
    });
    let halved_parameters = vec![
        choice("training.optimizer.kind", &["sgd", "adam", "adadelta"]),
        number("training.optimizer.learning_rate", "learning rate", true),
        number("training.batch_size", "batch size", true),
        number("network.dropout", "dropout", false),
        number("training.weight_decay", "weight decay", true),
    ];
    let mut halved =
        stage("cnn-everything", "Everything at once", PlotKind::Progress, halved_parameters, halved.collect());
    halved.sampler = "random, 27 trials, successive halving".to_owned();
    halved.steps_naive = 27 * 27;
    halved.steps_run = 3 * 27 + 9 * 6 + 27 * 3;

    let leaves = [20.0, 31.0, 50.0, 70.0, 100.0, 140.0].iter().enumerate().map(|(index, leaves)| TrialOutcome {
        train_score: Some(-0.04 / (index as f64 + 1.0).powi(3)),
        standard_error: Some(0.002),
        ..trial(&[*leaves], -0.081 - 0.004 * (index as f64 - 3.0).powi(2) / 3.0)
    });
    let mut leaves =
        stage("booster-leaves", "Leaves", PlotKind::Line, vec![number("num_leaves", "leaves", true)], leaves.collect());
    leaves.learner = "booster".to_owned();
    leaves.score = Score::LogLoss;
    leaves.scoring = "log-loss, 5 folds".to_owned();
    (leaves.unit, leaves.steps_run, leaves.steps_naive) = ("tree".to_owned(), 12_400, 30_000);

    let meta: Vec<TrialOutcome> = (0..10)
        .map(|index| trial(&[f64::from(index % 5), f64::from(index / 5)], 0.9931 + 0.0001 * f64::from((index * 3) % 7)))
        .collect();
    let meta_parameters = vec![
        choice("meta", &["logistic", "mean", "weighted-mean", "tree", "best member"]),
        choice("features", &["probabilities", "logits"]),
    ];
    let mut meta = stage("stack-meta", "Meta-model", PlotKind::Bars, meta_parameters, meta);
    (meta.learner, meta.unit, meta.steps_run, meta.steps_naive) = ("stack".to_owned(), String::new(), 0, 0);

    let deep = (0..60).map(|index: i32| {
        let near = (-f64::from(index) / 15.0).exp();
        let bad = if index % 17 == 3 { 0.6 } else { 0.0 };
        trial(&[6.0 + 20.0 * near, 0.1 * (1.0 + near), 40.0 + 60.0 * near], 0.979 - 0.012 * near + noise(0.0015) - bad)
    });
    let deep_parameters =
        vec![number("max_depth", "depth", false), number("lambda", "lambda", true), number("leaves", "leaves", false)];
    let mut deep = stage("booster-all", "All settings together", PlotKind::Progress, deep_parameters, deep.collect());
    (deep.learner, deep.sampler, deep.unit) =
        ("booster".to_owned(), "Nelder–Mead, 60 trials".to_owned(), "tree".to_owned());
    deep.selected = Some(41);

    let mut running = stage(
        "stack-alpha",
        "Shrinkage",
        PlotKind::Line,
        vec![number("meta.l2", "penalty", true)],
        vec![trial(&[0.01], 0.9934)],
    );
    (running.finished, running.selected, running.learner) = (false, None, "stack".to_owned());

    StudyOutcome {
        name: "reference-search".to_owned(),
        data: "MNIST, 60,000 training images".to_owned(),
        seed: 7,
        stages: vec![filters, hidden, activation, surface, epochs, halved, leaves, deep, meta, running],
        is_unfinished: true,
    }
}

/// Checks that the page and all figures are well-formed and contain no NaN, infinity or external reference.
fn check(report: &Report) {
    let mut names = std::collections::BTreeSet::new();
    for file in &report.files {
        assert!(names.insert(&file.name), "{} twice", file.name);
        if file.name.ends_with(".png") {
            assert!(file.bytes.starts_with(b"\x89PNG\r\n\x1a\n") && file.bytes.len() > 2_000, "{}", file.name);
            continue;
        }
        let text = text(&file.bytes);
        check_markup(&file.name, text);
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        for never in [
            "http:", "https:", "url(", "@import", "<script", "src=", "=\"NaN", ",NaN", "inf\"", " inf", ",inf", "\"inf",
        ] {
            assert!(!foreign.contains(never), "{} contains {never}", file.name);
        }
        assert!(!file.name.ends_with(".svg") || !text.contains("var(--"), "{} needs the page's colours", file.name);
    }
    let page = text(&report.files[0].bytes);
    assert_eq!(page.matches("<figure").count(), page.matches("<figcaption").count());
    for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!("id=\"{target}\"")).count(), 1, "#{target}");
    }
    for target in page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|target| target.ends_with(".svg"))
    {
        assert!(report.files.iter().any(|file| file.name == target), "{target}");
    }
}

fn figure<'a>(report: &'a Report, name: &str) -> &'a str {
    let file = report.files.iter().find(|file| file.name == format!("{name}.svg"));
    text(&file.unwrap_or_else(|| panic!("no {name}.svg")).bytes)
}

/// Also writes the report to the folder that `DIGITSTACK_REPORT_DIR` names, to look at.
#[test]
fn a_study_is_whole_self_contained_and_the_same_twice() {
    let outcome = realistic();
    let report = render_study(&outcome, &ReportOptions { png: true }).unwrap();
    if let Some(folder) = std::env::var_os("DIGITSTACK_REPORT_DIR") {
        let folder = Path::new(&folder).join("study");
        std::fs::create_dir_all(&folder).unwrap();
        for file in &report.files {
            std::fs::write(folder.join(&file.name), &file.bytes).unwrap();
        }
    }
    check(&report);
    assert!(report.files[0].bytes.len() < 1_000_000, "the page is {} bytes", report.files[0].bytes.len());
    for stage in &outcome.stages {
        figure(&report, &format!("progress-{}", stage.name));
        assert_eq!(
            report.files.iter().any(|file| file.name == format!("score-{}.svg", stage.name)),
            stage.plot != PlotKind::Progress
        );
        assert_eq!(
            report.files.iter().any(|file| file.name == format!("steps-{}.svg", stage.name)),
            stage.name == "cnn-everything"
        );
    }
    let again = render_study(&outcome, &ReportOptions { png: true }).unwrap();
    assert!(report.files.iter().zip(&again.files).all(|(a, b)| a.name == b.name && a.bytes == b.bytes));
}

#[test]
fn figures_name_their_choices_and_what_was_chosen() {
    let report = render_study(&realistic(), &ReportOptions::default()).unwrap();
    let bars = figure(&report, "score-cnn-activation");
    for choice in [
        "relu",
        "elu",
        "tanh",
        "sigmoid",
        "selu",
        "softplus",
        ">failed<",
        "one standard error below the best",
        "chosen: elu: 98.69",
    ] {
        assert!(bars.contains(choice), "{choice}");
    }
    assert_eq!(bars.matches("stroke-dasharray").count(), 2, "the threshold and its entry");
    let best = figure(&report, "score-cnn-hidden");
    assert!(best.contains("first hidden layer") && !best.contains("one standard error"), "the best was chosen");
    let line = figure(&report, "score-cnn-epochs");
    assert!(line.contains(">train<") && line.contains(">validation<"));
    assert!(!figure(&report, "score-cnn-filters").contains(">train<"), "it has no training scores");
    let contour = figure(&report, "score-cnn-adadelta");
    assert!(
        contour.contains(">learning rate<") && contour.contains(">rho<") && contour.matches("evenodd").count() == 8
    );
    assert!(contour.contains(">failed<") && contour.contains(">pruned<"));
    let progress = figure(&report, "progress-booster-all");
    assert!(!progress.contains(">90<") && progress.contains(">97<"), "what learned nothing does not take the axis");
    let steps = figure(&report, "steps-cnn-everything");
    assert_eq!(steps.matches("<polyline").count(), 27, "one line for each trial");
    let page = text(&report.files[0].bytes);
    assert!(
        page.contains("<a href=\"#stage-cnn-adadelta\">Adadelta</a>")
            && page.contains("The stage “Shrinkage” is still running.")
            && page.contains("This search is unfinished")
    );
    assert!(
        page.contains("216 of 729\u{a0}epochs, 30\u{a0}%")
            && page.contains("12\u{202f}400 of 30\u{202f}000\u{a0}trees")
    );
    assert!(page.contains("the loss became NaN in epoch 2") && page.contains("0.0810\u{a0}±\u{a0}0.0020"));
    assert_eq!(page.matches("<p>The learning rate and the decay").count(), 1);
    assert!(!page.contains("<p></p>") && !page.contains("<td class=\"name wrap\"></td><td class=\"name wrap\"></td>"));
}

#[test]
fn the_axis_is_that_of_the_search() {
    let position = |log: bool| {
        let trials = [0.001, 0.01, 0.1].map(|rate| trial(&[rate], 0.98)).to_vec();
        let stages = vec![stage("rate", "Rate", PlotKind::Line, vec![number("rate", "rate", log)], trials)];
        let outcome = StudyOutcome { stages, ..realistic() };
        let report = render_study(&outcome, &ReportOptions::default()).unwrap();
        let points = figure(&report, "score-rate")
            .split("<polyline points=\"")
            .last()
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let x: Vec<f64> = points.split(' ').map(|point| point.split(',').next().unwrap().parse().unwrap()).collect();
        (x[1] - x[0]) / (x[2] - x[0])
    };
    assert!((position(true) - 0.5).abs() < 0.01 && position(false) < 0.1);
}

#[test]
fn studies_under_way_and_without_a_success_have_a_page() {
    let render = |outcome: &StudyOutcome| {
        let report = render_study(outcome, &ReportOptions { png: true }).unwrap();
        check(&report);
        report
    };
    let empty = StudyOutcome { stages: Vec::new(), ..realistic() };
    assert!(text(&render(&empty).files[0].bytes).contains("No stage of this search has started."));

    let kinds = [PlotKind::Line, PlotKind::Bars, PlotKind::Intervals, PlotKind::Contour, PlotKind::Progress];
    for kind in kinds {
        for score in [Score::Accuracy, Score::LogLoss] {
            let parameters = match kind {
                PlotKind::Line => vec![number("a", "a", true)],
                PlotKind::Bars => vec![choice("a", &["one", "two"])],
                _ => vec![number("a", "a", true), number("b", "b", false)],
            };
            let count = parameters.len();
            let value = |score: f64| if kind == PlotKind::Bars { 1.0 } else { score };
            let trials = |trials: &[TrialOutcome]| {
                let mut stage = stage("s", "S", kind, parameters.clone(), trials.to_vec());
                if score == Score::LogLoss {
                    stage.score = score;
                    for trial in &mut stage.trials {
                        trial.score = trial.score.map(|score| score - 1.0);
                        trial.steps.iter_mut().for_each(|(_, score)| *score -= 1.0);
                    }
                }
                render(&StudyOutcome { stages: vec![stage], ..realistic() })
            };
            let one = trial(&vec![value(0.5); count], 0.9);
            let text_of = |report: &Report| text(&report.files[0].bytes).to_owned();
            assert!(text_of(&trials(&[])).contains("No trial of this stage has finished yet."));
            assert!(text_of(&trials(std::slice::from_ref(&one))).contains("The only trial"));
            let none = trials(&[failed(&vec![value(0.0); count], "no memory")]);
            assert!(
                none.files.len() == 1
                    && text_of(&none).contains("no memory")
                    && text_of(&none).contains("has a score.")
            );
            let same = trials(&[one.clone(), one.clone(), one.clone()]);
            let apart =
                trials(&[one.clone(), trial(&vec![value(0.25); count], 0.9), trial(&vec![value(0.0); count], 0.9)]);
            assert!(
                text_of(&same).contains("All 3 trials")
                    && text_of(&apart).contains("90.00") != (score == Score::LogLoss)
            );
            let perfect = trials(&[trial(&vec![value(1.0); count], 1.0), trial(&vec![value(0.0); count], 0.0)]);
            assert!(perfect.files.len() > 1);
            let pruned = TrialOutcome { state: TrialState::Pruned, standard_error: None, ..one.clone() };
            trials(&[pruned.clone(), TrialOutcome { score: None, ..pruned }, failed(&vec![value(0.0); count], "")]);
            trials(&[with_steps(one.clone(), 1, 1), with_steps(one.clone(), 1, 4)]);
        }
    }
}

#[test]
fn texts_of_a_study_cannot_become_markup() {
    let evil = "<script>alert('1')</script>\"&\u{1}";
    let mut outcome = realistic();
    outcome.name = evil.to_owned();
    outcome.data = evil.to_owned();
    for stage in &mut outcome.stages {
        for text in [
            &mut stage.title,
            &mut stage.about,
            &mut stage.learner,
            &mut stage.sampler,
            &mut stage.scoring,
            &mut stage.unit,
        ] {
            *text = evil.to_owned();
        }
        for parameter in &mut stage.parameters {
            for text in [&mut parameter.label, &mut parameter.field].into_iter().chain(&mut parameter.choices) {
                *text = evil.to_owned();
            }
        }
        for trial in &mut stage.trials {
            trial.error = Some(evil.to_owned());
        }
    }
    outcome.stages[0].name = evil.to_owned();
    let report = render_study(&outcome, &ReportOptions { png: true }).unwrap();
    check(&report);
    assert!(report.files.iter().all(|file| file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))));
}

#[test]
fn an_inconsistent_outcome_is_refused_by_name() {
    type Spoil = fn(&mut StudyOutcome);
    let spoilt: [(&str, Spoil); 11] = [
        ("trial 3 of stage cnn-filters: found 2 values", |outcome| outcome.stages[0].trials[2].values.push(1.0)),
        ("trial 1 of stage cnn-filters: found the score NaN", |outcome| {
            outcome.stages[0].trials[0].score = Some(f64::NAN)
        }),
        ("the score 1.5, expected an accuracy", |outcome| outcome.stages[0].trials[0].steps.push((1, 1.5))),
        ("the score 0.3, expected a negated log-loss", |outcome| outcome.stages[6].trials[0].train_score = Some(0.3)),
        ("found inf for network.filters, expected a finite number", |outcome| {
            outcome.stages[0].trials[0].values[0] = f64::INFINITY
        }),
        ("found 6 for network.activation, expected the index of one of 6", |outcome| {
            outcome.stages[2].trials[0].values[0] = 6.0
        }),
        ("error or time of -1", |outcome| outcome.stages[0].trials[0].standard_error = Some(-1.0)),
        ("stage cnn-filters: found NaN seconds", |outcome| outcome.stages[0].seconds = f64::NAN),
        ("found trial 100 as the chosen one, expected 1 to 6", |outcome| outcome.stages[0].selected = Some(99)),
        ("found trial 7 as the chosen one, which has no score", |outcome| outcome.stages[2].selected = Some(6)),
        ("stage cnn-filters: found two stages with this name", |outcome| {
            outcome.stages[1].name = "cnn-filters".to_owned()
        }),
    ];
    for (expected, spoil) in spoilt {
        let mut outcome = realistic();
        spoil(&mut outcome);
        let error = render_study(&outcome, &ReportOptions::default()).unwrap_err();
        assert!(
            matches!(error, ReportError::Input { .. }) && error.to_string().contains(expected),
            "{expected}: {error}"
        );
    }
}

fn any_trial(parameters: Vec<(bool, usize)>, score: Score) -> impl Strategy<Value = TrialOutcome> {
    let value = |(_, choices): (bool, usize)| match choices {
        0 => prop_oneof![-1e12..1e12_f64, 1e-9..1e-3_f64, (0..5_i32).prop_map(f64::from), Just(0.0)].boxed(),
        choices => (0..choices as u32).prop_map(f64::from).boxed(),
    };
    let values: Vec<_> = parameters.into_iter().map(value).collect();
    let share = prop_oneof![0.0..=1.0_f64, 0.97..0.99_f64, Just(1.0), Just(0.0), Just(0.5)];
    let share = share.prop_map(move |share| if score == Score::Accuracy { share } else { -20.0 * (1.0 - share) });
    let state =
        prop_oneof![3 => Just(TrialState::Complete), 1 => Just(TrialState::Pruned), 1 => Just(TrialState::Failed)];
    let steps = proptest::collection::vec((0..60_u64, share.clone()), 0..5);
    let option = |values| proptest::option::weighted(0.7, values);
    let numbers = (option(share.clone().boxed()), option((0.0..0.3_f64).boxed()), option(share.boxed()), 0.0..1e7_f64);
    (values, state, numbers, steps, proptest::option::of(".{0,12}")).prop_map(
        |(values, state, (score, error, train, seconds), steps, problem)| TrialOutcome {
            values,
            state,
            score,
            standard_error: error,
            train_score: train,
            steps,
            seconds,
            error: problem,
        },
    )
}

fn any_stage() -> impl Strategy<Value = StageOutcome> {
    let kind = prop_oneof![
        Just(PlotKind::Line),
        Just(PlotKind::Bars),
        Just(PlotKind::Intervals),
        Just(PlotKind::Contour),
        Just(PlotKind::Progress)
    ];
    let parameters = proptest::collection::vec((any::<bool>(), prop_oneof![3 => Just(0_usize), 1 => 1..4_usize]), 0..4);
    (kind, parameters, prop_oneof![Just(Score::Accuracy), Just(Score::LogLoss)]).prop_flat_map(
        |(plot, parameters, score)| {
            let described: Vec<_> = parameters
                .iter()
                .enumerate()
                .map(|(index, (log, choices))| ParameterOutcome {
                    field: format!("field.{index}"),
                    label: "label".repeat(index),
                    log: *log,
                    choices: (0..*choices).map(|choice| format!("choice {choice}")).collect(),
                })
                .collect();
            let trials = proptest::collection::vec(any_trial(parameters, score), 0..12);
            (trials, any::<bool>(), 0..13_usize, any::<(u32, u32)>(), "[a-z]{0,5}").prop_map(
                move |(trials, finished, pick, steps, unit)| {
                    let good = |trial: &&TrialOutcome| trial.state == TrialState::Complete && trial.score.is_some();
                    StageOutcome {
                        score,
                        selected: Some(pick).filter(|index| trials.get(*index).as_ref().is_some_and(good)),
                        finished,
                        unit,
                        steps_run: steps.0.into(),
                        steps_naive: steps.1.into(),
                        ..stage("any", "Any", plot, described.clone(), trials)
                    }
                },
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// No consistent outcome is refused, and none puts NaN or infinity into a figure.
    #[test]
    fn any_outcome_has_a_page(stage in any_stage()) {
        let outcome = StudyOutcome { stages: vec![stage], name: "any".to_owned(), data: String::new(), seed: 0, is_unfinished: false };
        check(&render_study(&outcome, &ReportOptions { png: false }).unwrap());
    }
}
