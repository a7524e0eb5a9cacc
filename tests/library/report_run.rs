//! The report on a made-up run that looks like a real one.

use std::path::Path;

use crate::support::markup::{check_markup, text};
use digitstack::{
    data::{CLASSES, PIXELS, SIDE},
    evaluation::{ClassScores, ModelKind, ModelScores, Proportion, ReliabilityBin, RiskCoverage, RiskPoint, Scores},
    fit::{History, HistoryPoint, TracePoint},
    report::{
        DataSummary, Example, LabelDoubt, LabelErrorSummary, MemberFilterHistory, MemberFilters, MemberHistories,
        MemberOpinion, Mistake, ReportError, ReportInput, ReportOptions, SourceRows, StageTime, render,
    },
    seed::Seed,
    storage::{Commit, Environment, RunDirectory, verify},
};
use rand::RngExt;

/// Scores of a model that errs on a fraction of the images, more often between digits that look alike.
fn scores(images: usize, error: f64, seed: u64) -> Scores {
    const ALIKE: [(usize, usize, f64); 12] = [
        (4, 9, 9.0),
        (9, 4, 7.0),
        (7, 2, 6.0),
        (3, 5, 5.0),
        (5, 3, 6.0),
        (8, 3, 4.0),
        (7, 1, 3.0),
        (2, 7, 4.0),
        (6, 0, 3.0),
        (9, 7, 3.0),
        (5, 6, 2.0),
        (8, 9, 2.0),
    ];
    let mut rng = Seed(seed).rng();
    let mut confusion = [[0; CLASSES]; CLASSES];
    let wrong = (images as f64 * error).round() as usize;
    let total: f64 = ALIKE.iter().map(|(.., weight)| weight).sum();
    let mut placed = 0;
    while placed < wrong {
        let (label, predicted) = if rng.random_range(0..3) == 0 {
            (rng.random_range(0..CLASSES), rng.random_range(0..CLASSES))
        } else {
            let mut left = rng.random_range(0.0..total);
            let pair = ALIKE.iter().find(|(.., weight)| {
                left -= weight;
                left < 0.0
            });
            pair.map_or((4, 9), |(label, predicted, _)| (*label, *predicted))
        };
        if label != predicted {
            confusion[label][predicted] += 1;
            placed += 1;
        }
    }
    for (label, row) in confusion.iter_mut().enumerate() {
        let support = images / CLASSES + usize::from(label < images % CLASSES);
        row[label] = support - row.iter().sum::<usize>();
    }
    let correct = (0..CLASSES).map(|class| confusion[class][class]).sum::<usize>();
    let class = |class: usize| {
        let support: usize = confusion[class].iter().sum();
        let predicted: usize = confusion.iter().map(|row| row[class]).sum();
        let right = confusion[class][class] as f64;
        ClassScores { support, precision: right / predicted as f64, recall: right / support as f64 }
    };
    let bin = |index: usize| {
        let (low, high) = (index as f64 / 10.0, (index + 1) as f64 / 10.0);
        let count = match index {
            9 => images * 97 / 100,
            3.. => images * 3 / 100 / 6 / (10 - index),
            _ => 0,
        };
        let confidence = if index == 9 { 0.996 } else { (low + high) / 2.0 };
        ReliabilityBin {
            low,
            high,
            count,
            confidence,
            accuracy: if index == 9 { 0.998 } else { confidence - 0.04 + 0.02 * (index % 3) as f64 },
        }
    };
    Scores {
        images,
        correct,
        accuracy: wilson(correct as f64, images as f64),
        log_loss: error * 3.4,
        classes: std::array::from_fn(class),
        confusion,
        expected_calibration_error: error / 4.0,
        reliability: (0..10).map(bin).collect(),
    }
}

fn wilson(successes: f64, trials: f64) -> Proportion {
    let (z, share) = (1.96, successes / trials);
    let centre = (share + z * z / (2.0 * trials)) / (1.0 + z * z / trials);
    let half = z / (1.0 + z * z / trials) * (share * (1.0 - share) / trials + z * z / (4.0 * trials * trials)).sqrt();
    Proportion { value: share, low: centre - half, high: centre + half }
}

/// A thick stroke along a few points, as digits are.
fn digit(label: u8, seed: u64) -> [u8; PIXELS] {
    const STROKES: [&[(f64, f64)]; CLASSES] = [
        &[(14.0, 5.0), (8.0, 10.0), (8.0, 18.0), (14.0, 23.0), (20.0, 18.0), (20.0, 10.0), (14.0, 5.0)],
        &[(11.0, 8.0), (15.0, 5.0), (14.0, 23.0)],
        &[(8.0, 9.0), (13.0, 5.0), (19.0, 8.0), (17.0, 14.0), (8.0, 22.0), (20.0, 22.0)],
        &[(8.0, 6.0), (18.0, 6.0), (13.0, 12.0), (19.0, 17.0), (14.0, 23.0), (8.0, 21.0)],
        &[(17.0, 23.0), (17.0, 5.0), (7.0, 16.0), (21.0, 16.0)],
        &[(19.0, 5.0), (10.0, 5.0), (9.0, 13.0), (17.0, 13.0), (18.0, 20.0), (9.0, 22.0)],
        &[(17.0, 5.0), (9.0, 15.0), (11.0, 22.0), (18.0, 21.0), (18.0, 15.0), (10.0, 15.0)],
        &[(8.0, 6.0), (20.0, 6.0), (12.0, 23.0)],
        &[(14.0, 13.0), (9.0, 9.0), (14.0, 5.0), (19.0, 9.0), (9.0, 18.0), (14.0, 23.0), (19.0, 18.0), (14.0, 13.0)],
        &[(19.0, 9.0), (13.0, 5.0), (9.0, 10.0), (14.0, 14.0), (19.0, 9.0), (17.0, 23.0)],
    ];
    let mut rng = Seed(seed).rng();
    let points: Vec<(f64, f64)> = STROKES[usize::from(label)]
        .iter()
        .map(|(x, y)| (x + rng.random_range(-2.0..2.0), y + rng.random_range(-1.5..1.5)))
        .collect();
    let distance = |x: f64, y: f64, [(ax, ay), (bx, by)]: [(f64, f64); 2]| {
        let (dx, dy) = (bx - ax, by - ay);
        let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
        ((x - ax - along * dx).powi(2) + (y - ay - along * dy).powi(2)).sqrt()
    };
    std::array::from_fn(|index| {
        let (x, y) = ((index % SIDE) as f64, (index / SIDE) as f64);
        let nearest = points.windows(2).map(|pair| distance(x, y, [pair[0], pair[1]])).fold(99.0, f64::min);
        (255.0 * (2.2 - nearest).clamp(0.0, 1.0)) as u8
    })
}

fn history(unit: &str, steps: u32, floor: f64, start: f64, seed: u64) -> History {
    let mut rng = Seed(seed).rng();
    let point = |step: u32| {
        let progress = f64::from(step) / f64::from(steps);
        let fall = (-5.0 * progress).exp();
        let noise = 1.0 + rng.random_range(-0.08..0.08);
        HistoryPoint {
            step,
            train_loss: Some((floor * 0.2 + start * fall * fall) * noise),
            train_accuracy: (unit == "epoch").then_some(1.0 - (floor * 0.05 + start * fall * fall * 0.2) * noise),
            validation_loss: Some((floor + start * 0.6 * fall) * noise),
            validation_accuracy: (unit == "epoch").then_some(1.0 - (floor * 0.3 + start * 0.12 * fall) * noise),
            learning_rate: Some(0.001),
        }
    };
    History {
        unit: unit.to_owned(),
        points: (1..=steps).map(point).collect(),
        best_step: Some(steps - 2 - (seed % 3) as u32),
        ..History::default()
    }
}

/// A curve with few errors among confident answers.
fn risk_coverage() -> RiskCoverage {
    let point = |(coverage, errors): (f64, usize)| RiskPoint {
        confidence: (1.0 - 0.6 * coverage) as f32,
        answered: (60_000.0 * coverage) as usize,
        errors,
    };
    let points: Vec<RiskPoint> =
        [(1.0, 240), (0.995, 120), (0.99, 70), (0.98, 40), (0.95, 20), (0.9, 11), (0.8, 5), (0.5, 1), (0.1, 0)]
            .map(point)
            .to_vec();
    RiskCoverage { images: 60_000, threshold: Some(points[3]), points, target: 0.001 }
}

fn realistic() -> ReportInput {
    let model = |name: &str, kind: ModelKind, error: f64, seed: u64| ModelScores {
        name: name.to_owned(),
        kind,
        train: Some(scores(10_000, if kind == ModelKind::Member { error / 12.0 } else { error / 20.0 }, seed)),
        out_of_fold: Some(scores(60_000, error, seed + 1)),
        held_out: None,
        test: Some(scores(10_000, error * 0.9, seed + 2)),
    };
    let mut booster = model("booster", ModelKind::Member, 0.0215, 40);
    booster.train = Some(scores(10_000, 0.0, 1));
    let models = vec![
        model("dense", ModelKind::Member, 0.0132, 10),
        model("cnn", ModelKind::Member, 0.0049, 20),
        model("cnn-deskewed", ModelKind::Member, 0.0052, 30),
        booster,
        model("mean", ModelKind::Ensemble, 0.0046, 50),
        model("weighted-mean", ModelKind::Ensemble, 0.0041, 60),
        model("logistic", ModelKind::Stack, 0.0038, 70),
        model("tree", ModelKind::Stack, 0.0068, 80),
    ];
    let fits = |unit: &str, steps, floor, start, seed: u64| {
        (0..5)
            .map(|fold| (format!("fold {}", fold + 1), history(unit, steps, floor, start, seed + fold)))
            .collect::<Vec<_>>()
    };
    let member = |name: &str, fits| MemberHistories { member: name.to_owned(), fits };
    let mut rng = Seed(5).rng();
    let mut filter = |side: usize| (0..side * side).map(|_| rng.random_range(-1.0..1.0_f32)).collect::<Vec<_>>();
    let pairs = [(4, 9), (9, 4), (7, 2), (3, 5), (5, 3), (8, 3), (6, 0), (2, 7), (1, 7), (9, 7), (5, 6), (0, 6)];
    let mistake = |(index, (label, predicted)): (usize, (u8, u8))| Mistake {
        image: digit(label, 900 + index as u64),
        name: format!("{label}/scan-{}.png", 137 * index + 18),
        label,
        predicted,
        probability: 0.9994 - 0.04 * index as f64,
        opinions: ["dense", "cnn", "cnn-deskewed", "booster"]
            .iter()
            .enumerate()
            .map(|(who, name)| MemberOpinion {
                member: (*name).to_owned(),
                digit: if (index + who) % 3 == 0 { label } else { predicted },
                probability: 0.98 - 0.11 * ((index + 2 * who) % 5) as f64,
            })
            .collect(),
    };
    let stage = |name: &str, seconds: f64, images: u64| StageTime {
        name: name.to_owned(),
        seconds,
        images: (images > 0).then_some(images),
    };
    ReportInput {
        title: "mnist-stack".to_owned(),
        data: DataSummary {
            source: "MNIST, IDX files in data/mnist".to_owned(),
            train_images: 60_000,
            test_images: Some(10_000),
            folds: 5,
        },
        environment: Environment {
            program: "digitstack".to_owned(),
            version: "0.1.0".to_owned(),
            commit: Some(Commit { hash: "3f1c0a9be2d44f6a8c7d0e5b9a1f2c3d4e5f6a7b".to_owned(), dirty: true }),
            time: "2026-03-09T17:05:00Z".to_owned(),
            os: "Debian GNU/Linux 13 (trixie)".to_owned(),
            architecture: "x86_64".to_owned(),
            cpu: "AMD EPYC 9554 64-Core Processor".to_owned(),
            threads: 16,
            device: "CPU (Flex, 16 threads)".to_owned(),
            command_line: ["digitstack", "run", "--config", "configs/mnist.toml"].map(str::to_owned).to_vec(),
            peak_memory: Some(1_400_000_000),
        },
        config_toml:
            "name = \"mnist-stack\"\nseed = 1\n\n[stacking]\nfolds = 5\n\n[[member]]\nlearner = \"cnn\"\nepochs = 20\n"
                .to_owned(),
        models,
        featured: None,
        answer: None,
        left_out: Vec::new(),
        risk_coverage: Some(risk_coverage()),
        sources: vec![
            SourceRows { source: "own".to_owned(), held_out: Some(scores(500, 0.02, 90)), test: None },
            SourceRows {
                source: "mnist".to_owned(),
                held_out: Some(scores(59_500, 0.004, 91)),
                test: Some(scores(10_000, 0.004, 92)),
            },
        ],
        label_errors: Some(LabelErrorSummary { model: "weighted-mean".to_owned(), listed: 246, estimated: 41 }),
        doubts: (0..12)
            .map(|index| LabelDoubt {
                image: digit((index % 10) as u8, 300 + index),
                name: format!("train.csv, row {}", 991 * index + 7),
                label: ((index + 3) % 10) as u8,
                predicted: (index % 10) as u8,
                label_probability: 1e-6 * (index + 1) as f64,
            })
            .collect(),
        histories: vec![
            member("dense", fits("epoch", 30, 0.045, 0.9, 100)),
            member("cnn", fits("epoch", 20, 0.016, 0.5, 200)),
            member("cnn-deskewed", fits("epoch", 20, 0.017, 0.5, 300)),
            member("booster", fits("tree", 600, 0.068, 1.9, 400)),
        ],
        timings: vec![
            stage("read training digits", 0.41, 60_000),
            stage("prepare", 2.8, 60_000),
            stage("fit members", 1284.2, 9_200_000),
            stage("fit meta-models", 6.3, 60_000),
            stage("predict training sample", 11.9, 10_000),
            stage("predict test images", 12.4, 10_000),
            stage("evaluate", 0.08, 10_000),
        ],
        mistakes: pairs.into_iter().enumerate().map(mistake).collect(),
        filters: vec![
            MemberFilters { member: "cnn".to_owned(), side: 3, weights: (0..32).map(|_| filter(3)).collect() },
            MemberFilters { member: "cnn-deskewed".to_owned(), side: 5, weights: (0..32).map(|_| filter(5)).collect() },
        ],
        filter_histories: Vec::new(),
        examples: (0..40)
            .map(|index| Example { image: digit((index % 10) as u8, index), label: (index % 10) as u8 })
            .collect(),
        reproducible_hash: "9b74c9897bac770ffc029102a200c5de3f2a1b6e4d5c8f7a0b1c2d3e4f5a6b7c".to_owned(),
        study: None,
    }
}

/// Also writes the report to the folder that `DIGITSTACK_REPORT_DIR` names, to look at.
#[test]
fn a_full_report_is_well_formed_self_contained_and_reproducible() {
    let input = realistic();
    let report = render(&input, &ReportOptions { png: true }).unwrap();
    if let Some(folder) = std::env::var_os("DIGITSTACK_REPORT_DIR") {
        for file in &report.files {
            std::fs::write(Path::new(&folder).join(&file.name), &file.bytes).unwrap();
        }
    }
    assert!(report.files[0].bytes.len() < 1_000_000, "the page is {} bytes", report.files[0].bytes.len());
    let names: Vec<_> = report.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names[0], "index.html");
    for stem in [
        "examples",
        "leaderboard",
        "accuracy-cnn",
        "loss-cnn",
        "loss-booster",
        "confusion",
        "calibration",
        "risk-coverage",
        "worst-mistakes",
        "filters-cnn",
        "time",
    ] {
        assert!(
            names.contains(&format!("{stem}.svg").as_str()) && names.contains(&format!("{stem}.png").as_str()),
            "{stem}: {names:?}"
        );
    }
    assert!(!names.contains(&"accuracy-booster.svg"), "the booster recorded no accuracy");
    for file in &report.files {
        if file.name.ends_with(".png") {
            assert!(file.bytes.starts_with(b"\x89PNG\r\n\x1a\n") && file.bytes.len() > 2_000, "{}", file.name);
            continue;
        }
        let text = text(&file.bytes);
        assert!(check_markup(&file.name, text) > 10, "{} is nearly empty", file.name);
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        for fetch in ["http:", "https:", "url(", "@import", "<script", "src=", "NaN", "inf\""] {
            assert!(!foreign.contains(fetch), "{} contains {fetch}", file.name);
        }
        assert!(!file.name.ends_with(".svg") || !text.contains("var(--"), "{} needs the page's colours", file.name);
    }
    let again = render(&input, &ReportOptions { png: true }).unwrap();
    assert!(report.files.iter().zip(&again.files).all(|(a, b)| a.name == b.name && a.bytes == b.bytes));

    let page = text(&report.files[0].bytes);
    assert!(
        page.contains("The stack logistic, the best of this run by out-of-fold accuracy, correctly classifies"),
        "ranked by out-of-fold accuracy"
    );
    assert!(
        page.contains("Debian GNU/Linux 13")
            && page.contains(&input.reproducible_hash)
            && page.contains("99.66\u{a0}%")
    );
    assert_eq!(page.matches("<figure").count(), page.matches("<figcaption").count());
}

#[test]
fn mistakes_doubtful_labels_and_sources_have_their_names() {
    let report = render(&realistic(), &ReportOptions::default()).unwrap();
    let page = text(&report.files[0].bytes);
    for name in ["4/scan-18.png", "train.csv, row 998", ">own</th>", ">mnist</th>", "doubtful.csv"] {
        assert!(page.contains(name), "{name} is missing");
    }
    assert!(
        page.contains("Probable label errors") && page.contains("estimates that 41 of the 246 listed labels are wrong")
    );
    let drawn = report.files.iter().find(|file| file.name == "worst-mistakes.svg").unwrap();
    assert!(text(&drawn.bytes).contains("4/scan-18.png"));
    let none = ReportInput { label_errors: None, doubts: Vec::new(), sources: Vec::new(), ..realistic() };
    let page = render(&none, &ReportOptions::default()).unwrap();
    let page = text(&page.files[0].bytes);
    assert!(!page.contains("Probable label errors") && !page.contains("By source"));
}

#[test]
fn the_report_says_what_threshold_has_few_errors_and_which_model_answers() {
    let mut input = realistic();
    input.answer =
        Some("out of fold cnn (99.51 %) is better than the stack logistic (99.40 %): cnn answers".to_owned());
    input.left_out = vec!["dense".to_owned()];
    input.featured = Some("cnn".to_owned());
    let report = render(&input, &ReportOptions::default()).unwrap();
    let page = text(&report.files[0].bytes);
    check_markup("index.html", page);
    assert!(
        page.contains("Answers of a confidence of at least 0.412 have 0.1 % errors or fewer: 58800 of 60000 images")
    );
    assert!(page.contains("Note: out of fold cnn (99.51 %) is better than the stack logistic (99.40 %): cnn answers."));
    assert!(page.contains("The stack does without dense"));
    input.risk_coverage = Some(RiskCoverage { threshold: None, ..risk_coverage() });
    let page = render(&input, &ReportOptions::default()).unwrap();
    assert!(text(&page.files[0].bytes).contains("No confidence threshold gives 0.1 % errors"));
    input.risk_coverage = Some(RiskCoverage { images: 10, ..risk_coverage() });
    assert!(matches!(render(&input, &ReportOptions::default()), Err(ReportError::Input { .. })));
}

#[test]
fn a_report_without_a_test_set_says_so() {
    let mut input = realistic();
    input.data.test_images = None;
    for model in &mut input.models {
        model.test = None;
    }
    for source in &mut input.sources {
        source.test = None;
    }
    let report = render(&input, &ReportOptions::default()).unwrap();
    let page = text(&report.files[0].bytes);
    assert!(page.contains("this run has no test set") && page.contains("This run has no test scores."));
    assert!(page.contains("each predicted by models that were trained without it; this run has no test scores"));
    assert!(!page.contains("test accuracy") && !page.contains("<td class=\"name\">test</td>"));
}

#[test]
fn a_single_model_shows_its_iterations_and_filter_history() {
    let whole = realistic();
    let mut cnn: Vec<ModelScores> = whole.models.iter().filter(|model| model.name == "cnn").cloned().collect();
    for model in &mut cnn {
        model.held_out = model.out_of_fold.take();
    }
    let mut history = whole.histories[1].fits[0].1.clone();
    history.trace = (1..=40)
        .map(|n| TracePoint { iteration: 50 * n, loss: 1.0 / n as f64, accuracy: 1.0 - 0.5 / n as f64 })
        .collect();
    let filters = whole.filters[0].clone();
    let weights = |scale: f32| {
        filters.weights.iter().map(|filter| filter.iter().map(|weight| weight * scale).collect()).collect()
    };
    let filter_history = MemberFilterHistory {
        member: "cnn".to_owned(),
        side: 3,
        snapshots: (0..5).map(|n| (500 * n, weights(n as f32 / 4.0 - 0.5))).collect(),
    };
    let histories = vec![MemberHistories { member: "cnn".to_owned(), fits: vec![("cnn".to_owned(), history)] }];
    let data = DataSummary { folds: 0, ..whole.data.clone() };
    let input = ReportInput {
        data,
        models: cnn,
        histories,
        filters: vec![filters],
        filter_histories: vec![filter_history],
        mistakes: Vec::new(),
        ..whole
    };
    let report = render(&input, &ReportOptions::default()).unwrap();
    let names: Vec<&str> = report.files.iter().map(|file| file.name.as_str()).collect();
    for name in
        ["accuracy-by-iteration-cnn.svg", "loss-by-iteration-cnn.svg", "filters-cnn.svg", "filters-before-cnn.svg"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(!names.contains(&"leaderboard.svg"), "one model is no leaderboard");
    let page = text(&report.files[0].bytes);
    check_markup("index.html", page);
    assert!(
        page.contains("held out for validation") && !page.to_lowercase().contains("out-of-fold"),
        "its validation part is no fold"
    );
    assert!(page.contains("2,000 iterations") || page.contains("2000 iterations"));
    let gif = report.files.iter().find(|file| file.name == "filters-cnn.gif").unwrap();
    assert_eq!(&gif.bytes[..6], b"GIF89a");
    assert!(page.contains("data:image/gif;base64,R0lGODlh"));
}

#[test]
fn the_search_that_chose_the_settings_is_linked() {
    let mut input = realistic();
    let sentence = "The settings were chosen by a search";
    assert!(!text(&render(&input, &ReportOptions::default()).unwrap().files[0].bytes).contains(sentence));
    input.study = Some("../../search/report/index.html?a&b".to_owned());
    let report = render(&input, &ReportOptions::default()).unwrap();
    let page = text(&report.files[0].bytes);
    check_markup("index.html", page);
    assert!(page.contains(&format!("{sentence}: <a href=\"../../search/report/index.html?a&#38;b\">")), "{page}");
}

#[test]
fn an_empty_run_still_has_a_page() {
    let report =
        render(&ReportInput { title: "empty".to_owned(), ..ReportInput::default() }, &ReportOptions { png: true })
            .unwrap();
    assert_eq!(report.files.len(), 1);
    check_markup("index.html", text(&report.files[0].bytes));
    assert!(text(&report.files[0].bytes).contains("This run has no scored model."));
}

#[test]
fn names_and_settings_cannot_become_markup() {
    let evil = "<script>alert('1')</script>\"&";
    let mut input = realistic();
    input.title = evil.to_owned();
    input.config_toml = evil.to_owned();
    input.data.source = evil.to_owned();
    input.models[6].name = evil.to_owned();
    input.histories[0].member = evil.to_owned();
    input.histories[1].member = evil.to_owned();
    input.timings[0].name = evil.to_owned();
    input.mistakes[0].opinions[0].member = evil.to_owned();
    input.environment.device = evil.to_owned();
    let report = render(&input, &ReportOptions::default()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for file in &report.files {
        check_markup(&file.name, text(&file.bytes));
        assert!(!text(&file.bytes).contains("<script"), "{}", file.name);
        assert!(file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)), "{}", file.name);
        assert!(names.insert(file.name.clone()), "{} twice", file.name);
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_by_name() {
    type Spoil = fn(&mut ReportInput);
    let spoilt: [(&str, Spoil); 8] = [
        ("the link to the search: found `javascript:1`", |input| input.study = Some("javascript:1".to_owned())),
        ("`//elsewhere/`, expected a relative path", |input| input.study = Some("//elsewhere/".to_owned())),
        ("featured model: found `none`", |input| input.featured = Some("none".to_owned())),
        ("a filter of cnn: found 8 weights", |input| input.filters[0].weights[3].truncate(8)),
        ("mistake 4/scan-18.png: found digit 10", |input| input.mistakes[0].label = 10),
        ("example 2: found digit 77", |input| input.examples[2].label = 77),
        ("stage prepare: found NaN", |input| input.timings[1].seconds = f64::NAN),
        ("out-of-fold scores of dense", |input| input.models[0].out_of_fold.as_mut().unwrap().correct = 60_001),
    ];
    for (expected, spoil) in spoilt {
        let mut input = realistic();
        spoil(&mut input);
        let error = render(&input, &ReportOptions::default()).unwrap_err();
        assert!(
            matches!(error, ReportError::Input { .. }) && error.to_string().contains(expected),
            "{expected}: {error}"
        );
    }
}

#[test]
fn figures_outside_their_range_are_drawn_at_the_edge() {
    let mut input = realistic();
    input.histories[0].fits[0].1.points[3].train_loss = Some(f64::INFINITY);
    input.histories[0].fits[0].1.points[4].validation_accuracy = Some(1.0);
    input.histories[1].fits.truncate(1);
    input.histories[1].fits[0].1.points.truncate(1);
    input.models[0].test = Some(scores(1, 0.0, 3));
    input.models[1].name = "a-model-with-a-very-long-name-indeed-".repeat(4);
    input.filters[0].weights[0] = vec![0.0; 9];
    input.filters[0].weights[1] = vec![f32::NAN; 9];
    for file in render(&input, &ReportOptions::default()).unwrap().files {
        let text = text(&file.bytes);
        check_markup(&file.name, text);
        assert!(!text.contains("NaN") && !text.contains("\"inf"), "{}", file.name);
    }
}

#[test]
fn a_report_belongs_to_its_run_and_can_be_drawn_again() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::open(root.path(), false).unwrap();
    run.write_json("metrics.json", &[1]).unwrap();
    let hash = run.inventory().unwrap().reproducible_hash();
    let mut input = ReportInput { title: "run".to_owned(), reproducible_hash: hash.clone(), ..ReportInput::default() };
    let page = render(&input, &ReportOptions::default()).unwrap().write(&run).unwrap();
    assert!(std::fs::read_to_string(&page).unwrap().contains(&hash));
    assert_eq!(run.complete().unwrap().reproducible_hash(), hash);
    input.title = "the same run again".to_owned();
    render(&input, &ReportOptions::default()).unwrap().write(&run).unwrap();
    assert!(std::fs::read_to_string(&page).unwrap().contains(&input.title));
    assert_eq!(verify(root.path()).unwrap().reproducible_hash(), hash);
}
