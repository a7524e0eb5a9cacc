use super::*;

const GOOD: &str = r#"name = "t"
seed = 3

[data]
source = "builtin"
train = 100

[stacking]
folds = 3

[[members]]
name = "dense"
kind = "dense"
[members.network]
hidden = [20]
[members.training]
epochs = 2

[[members]]
name = "trees"
kind = "booster"
[members.booster]
trees = 5
"#;

fn error(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<_> = overrides.iter().map(|set| Override::parse(set).expect("an override")).collect();
    match RunConfig::parse("x.toml", text, &overrides) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_integer_that_toml_cannot_hold_is_named_with_its_range() {
    let huge = "18446744073709551615";
    let range = format!("found {huge}, expected a whole number from {} to {}", i64::MIN, i64::MAX);
    assert_eq!(error(&GOOD.replace("seed = 3", &format!("seed = {huge}")), &[]), format!("x.toml:2: seed: {range}"));
    let inline = GOOD.replace("[data]\n", &format!("[data]\nlimits = {{ a = 1, train = {huge} }}\n"));
    assert_eq!(error(&inline, &[]), format!("x.toml:5: train: {range}"));
    let set = Override::parse(&format!("seed={huge}")).expect_err("an error").to_string();
    assert_eq!(set, format!("--set seed={huge}: {range}"));
    let largest = RunConfig::parse("x.toml", GOOD, &[Override::parse("seed=9223372036854775807").expect("it fits")]);
    assert_eq!(largest.unwrap_or_else(|error| panic!("{error}")).seed, i64::MAX as u64);
}

#[test]
fn the_shipped_configurations_are_valid_and_read_back() {
    for folder in ["configs", "configs/families"] {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
        let files = files
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|it| it == "toml"));
        read_back(&files.collect::<Vec<_>>());
    }
}

fn read_back(files: &[PathBuf]) {
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        let config = RunConfig::load(Some(path), &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Some(config.name.as_ref()), path.file_stem().and_then(|stem| stem.to_str()));
        let text = config.to_toml().expect("writes");
        let again = RunConfig::parse("resolved", &text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(again.to_toml().expect("writes"), text);
    }
}

#[test]
fn the_deep_net_of_the_kaggle_family_has_the_parameters_of_its_original() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/families/kaggle.toml");
    let config = RunConfig::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{error}"));
    let deep = config.members.iter().find(|member| member.name() == "deep").expect("a deep net");
    assert!(
        deep.summary().contains("convolutions 32–32, 64–64, 128, 256–10")
            && deep.summary().contains("436010 parameters")
    );
}

#[test]
fn a_member_may_prepare_its_images_and_no_member_is_called_as_a_meta_model() {
    let own = GOOD.replace("kind = \"dense\"\n", "kind = \"dense\"\nprepare = \"deskewed\"\n");
    let config = RunConfig::parse("x.toml", &own, &[]).unwrap_or_else(|error| panic!("{error}"));
    let deskewed = Recipe::preset("deskewed").expect("a preset");
    assert_eq!(config.preparation_for(config.members[0].as_ref()), deskewed);
    assert_eq!(config.preparation_for(config.members[1].as_ref()), Recipe::default());
    assert!(config.members[0].summary().contains("deskew") && config.members[0].layers()[0].0.contains("deskew"));
    let text = config.to_toml().expect("writes");
    let again = RunConfig::parse("resolved", &text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.to_toml().expect("writes"), text);
    for (prepare, expected) in [
        ("\"light\"", "members[0].prepare: has a random step"),
        ("\"slanted\"", "members[0].prepare"),
        ("[{ step = \"rotate\", degrees = 1000 }]", "members[0].prepare.0.degrees"),
    ] {
        let message = error(&own.replace("\"deskewed\"", prepare), &[]);
        assert!(message.contains(expected), "{prepare}: {message}");
    }
    let message = error(&GOOD.replace("name = \"trees\"", "name = \"logistic\""), &[]);
    assert!(message.contains("x.toml:20: members[1].name: `logistic` is what a meta-model is called"), "{message}");
}

#[test]
fn errors_name_the_line_and_the_field() {
    let cases = [
        ("folds = 3", "folds = 1", "x.toml:9: stacking.folds: found 1, expected 2 to 20"),
        ("trees = 5", "tres = 5", "x.toml:23"),
        ("trees = 5", "tres = 5", "unknown field `tres`"),
        ("epochs = 2", "epochs = \"two\"", "x.toml:17: members[0].training.epochs"),
        ("source = \"builtin\"", "source = \"moon\"", "x.toml:5: data.source"),
        ("kind = \"booster\"", "kind = \"forest\"", "expected one of `dense`, `cnn`, `booster`, `logistic`, `svm`"),
        ("name = \"trees\"", "name = \"dense\"", "twice"),
        ("name = \"trees\"", "name = \"../x\"", "x.toml:20: members[1].name"),
        ("seed = 3", "sed = 3", "unknown field `sed`"),
    ];
    for (good, bad, expected) in cases {
        let message = error(&GOOD.replace(good, bad), &[]);
        assert!(message.contains(expected), "{bad}: {message}");
    }
    assert!(error("name = ", &[]).contains("x.toml is not valid TOML"));
    assert!(error("name = \"t\"", &[]).contains("members"));
}

#[test]
fn any_field_can_be_overridden_and_the_override_is_named_in_its_error() {
    let set = ["members.trees.booster.trees=7", "data.source=mnist", "stacking.folds=4", "seed=9"]
        .map(|text| Override::parse(text).expect("parses"));
    let config = RunConfig::parse("x.toml", GOOD, &set).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((config.seed, config.stacking.folds), (9, 4));
    assert_eq!(config.members[1].settings().expect("writes")["booster"]["trees"].as_integer(), Some(7));

    assert!(error(GOOD, &["stacking.folds=99"]).starts_with("--set stacking.folds=99: stacking.folds: found 99"));
    assert!(error(GOOD, &["members.trees.booster.trees=0"]).starts_with("--set members.trees.booster.trees=0"));
    assert!(error(GOOD, &["members.cnn.training.epochs=1"]).contains("no entry `cnn`; available: dense, trees"));
    assert!(error(GOOD, &["stacking.fold=2"]).contains("unknown field `fold`"));
    assert!(Override::parse("no equals sign").is_err());
    assert!(Override::parse("a..b=1").is_err());
}

const EXTRAS: &str = r#"
[single]
validation = 1000

[[reported]]
model = "dense"
system = "another system"
accuracy = 0.9711
protocol = "its own test part, one run"

[[reported]]
model = "logistic"
system = "a third"
accuracy = 0.9989
protocol = "copies of one digit on both sides"
"#;

#[test]
fn what_is_held_out_and_what_others_report_stay_in_the_resolved_configuration() {
    let parse = |text: &str, set: &[&str]| {
        let set: Vec<_> = set.iter().map(|set| Override::parse(set).expect("an override")).collect();
        RunConfig::parse("x.toml", text, &set).unwrap_or_else(|error| panic!("{error}"))
    };
    let plain = parse(GOOD, &[]);
    assert_eq!((plain.single.validation, plain.reported.len()), (HeldOut::Share(0.1), 0));
    let config = parse(&format!("{GOOD}{EXTRAS}"), &["reported.logistic.accuracy=0.5", "reported.0.system=else"]);
    assert_eq!(config.single.validation, HeldOut::Count(1000));
    assert_eq!((config.reported[0].system.as_str(), config.reported[0].accuracy), ("else", 0.9711));
    assert_eq!((config.reported[1].model.as_str(), config.reported[1].accuracy), ("logistic", 0.5));
    let text = config.to_toml().expect("writes");
    let again = parse(&text, &[]);
    assert_eq!((&again.reported, &again.single), (&config.reported, &config.single));
    assert_eq!(again.to_toml().expect("writes"), text);
    assert_eq!(parse(GOOD, &["single.validation=0.25"]).single.validation, HeldOut::Share(0.25));
}

#[test]
fn what_cannot_be_held_out_or_reported_is_refused_with_its_line() {
    let good = format!("{GOOD}{EXTRAS}");
    let cases = [
        (
            "validation = 1000",
            "validation = 0",
            "x.toml:26: single.validation: found 0, expected a fraction above 0 and below 1",
        ),
        ("validation = 1000", "validation = 1.0", "x.toml:26: single.validation: found 1.0"),
        ("validation = 1000", "validation = -3", "x.toml:26: single.validation"),
        ("validation = 1000", "validation = \"all\"", "x.toml:26: single.validation"),
        ("validation = 1000", "test = 5", "unknown field `test`"),
        (
            "model = \"dense\"",
            "model = \"cnn\"",
            "x.toml:29: reported[0].model: found `cnn`, expected one of `dense`, `trees`, `logistic`",
        ),
        ("accuracy = 0.9989", "accuracy = 99.89", "x.toml:37: reported[1].accuracy: found 99.89"),
        ("system = \"a third\"", "system = \" \"", "x.toml:36: reported[1].system"),
        ("accuracy = 0.9989\n", "", "missing field `accuracy`"),
    ];
    for (from, to, expected) in cases {
        let message = error(&good.replacen(from, to, 1), &[]);
        assert!(message.contains(expected), "{to}: {message}");
    }
    assert!(
        error(&good, &["single.validation=2.5"])
            .starts_with("--set single.validation=2.5: single.validation: found 2.5")
    );
}
