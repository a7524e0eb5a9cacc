use super::*;
use crate::{
    artifact::leaderboard::Seeds,
    config::ReportedResult,
    evaluation::{ModelKind, Proportion},
};

fn row(model: &str, run: &str, correct: Option<usize>) -> Row {
    Row {
        model: model.into(),
        kind: ModelKind::Member,
        run: run.into(),
        configuration: "quick".into(),
        models: 5,
        parameters: Some(249_310),
        training_seconds: Some(83.46),
        train_images: Some(60_000),
        out_of_fold: Some(Proportion::wilson(9_920, 10_000)),
        validation: None,
        data: "MNIST, 10000 test images".into(),
        data_sha256: "m".into(),
        test_images: correct.map(|_| 10_000),
        accuracy: correct.map(|correct| Proportion::wilson(correct, 10_000)),
        protocol: "5 folds".into(),
        reported: Vec::new(),
        seed: 1,
        seeds: None,
        group: String::new(),
    }
}

#[test]
fn the_table_is_aligned_and_says_what_its_columns_mean() {
    let reported = |accuracy: f64| ReportedResult {
        model: "cnn".into(),
        system: "another system".into(),
        accuracy,
        protocol: "official test set, one run".into(),
    };
    let cnn = Row { reported: vec![reported(0.9925), reported(0.987)], ..row("cnn", "artifacts/quick-1", Some(9931)) };
    let seeds = Seeds { seeds: vec![1, 2, 3], deviation: 0.000_75 };
    let rows = [
        cnn.clone(),
        Row { run: "quick, 3 seeds".into(), seeds: Some(seeds), ..cnn },
        Row {
            parameters: None,
            out_of_fold: None,
            validation: Some(Proportion::wilson(985, 1_000)),
            train_images: None,
            training_seconds: None,
            protocol: "10 % held out".into(),
            ..row("weighted-mean", "b", None)
        },
    ];
    let expected = "\
model          run                parameters  training s  images  out-of-fold %  validation %  test %  95 % interval    reported %  protocol
cnn            artifacts/quick-1      249310        83.5   60000          99.20             –   99.31  99.13 – 99.45  99.25, 98.70  5 folds, 10000 test images
cnn            quick, 3 seeds         249310        83.5   60000          99.20             –   99.31         ± 0.07  99.25, 98.70  5 folds, 10000 test images
weighted-mean  b                           –           –       –              –         98.50       –              –             –  10 % held out, no test images
reported, cnn: 99.25 % by another system; official test set, one run
reported, cnn: 98.70 % by another system; official test set, one run
training s: sum over the fits of a model, in a run over all folds; parameters: sum over all models that predict
out-of-fold %: on all training digits, each predicted by models that did not learn from it; validation %: on the \
digits that `train` holds out, which may have chosen its best epoch
±: standard deviation over the seeds of equal configurations; test %, training s: their mean";
    assert_eq!(table(&rows).join("\n"), expected);
}

#[test]
fn data_sets_have_tables_of_their_own() {
    let other = Row {
        data: "a folder of digits, 200 test images".into(),
        data_sha256: "f".into(),
        ..row("cnn", "b", Some(9000))
    };
    let lines = table(&[row("cnn", "a", Some(9900)), other]);
    let headings: Vec<&String> = lines.iter().filter(|line| line.starts_with("data set")).collect();
    assert_eq!(
        headings,
        ["data set 1 of 2: MNIST, 10000 test images", "data set 2 of 2: a folder of digits, 200 test images"]
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("model ")).count(), 2);
    assert!(lines.iter().any(|line| line == "accuracies on different data sets cannot be compared"));
}

#[test]
fn only_svg_and_png_can_be_drawn() {
    assert_eq!(figure_file("a/board.SVG".into()), Ok(PathBuf::from("a/board.SVG")));
    assert!(figure_file("board.pdf".into()).unwrap_err().contains(".svg or .png"));
    assert!(figure_file("svg".into()).is_err());
}
