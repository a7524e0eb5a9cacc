//! Folders as people have them: every layout gives the same digits, shares are held out of those without a test part,
//! several sources are read side by side, and what cannot be right is refused or said.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
};

use digitstack::{
    data::{
        CLASSES, DataConfig, DataError, Digits, HeldOut, Images, PIXELS, PictureDigit, PictureProblem,
        PictureProblemKind, PictureReader, Polarity, Source, idx, shared_images,
    },
    progress::{Progress, Silent, Task},
};
use proptest::prelude::*;

/// Digits that differ from each other, on a dark ground.
fn digits(count: usize, salt: u8) -> Digits {
    let image = |index: usize| {
        let mut image = [0; PIXELS];
        image[300..304].copy_from_slice(&(index as u32 + 1).to_le_bytes());
        image[400] = salt;
        image[401] = 200;
        image
    };
    Digits::new(Images::from_images((0..count).map(image)), (0..count).map(|index| (index % CLASSES) as u8).collect())
}

/// Keeps every message.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn said(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Progress for Heard {
    fn task(&self, _: &str, _: u64, _: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }
    fn message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Reads raw pixels.
fn raw() -> PictureReader {
    Arc::new(|bytes, _| match bytes.try_into() {
        Ok(pixels) => Ok(PictureDigit { pixels, polarity: Polarity::LightOnDark }),
        Err(_) => Err(PictureProblem { kind: PictureProblemKind::Unreadable, message: "ends early".into() }),
    })
}

fn open(config: &str, folder: Option<&Path>) -> Result<Source, DataError> {
    Source::open(&toml::from_str::<DataConfig>(config).unwrap(), folder, raw())
}

fn write_idx(folder: &Path, names: [&str; 2], digits: &Digits) {
    std::fs::create_dir_all(folder).unwrap();
    idx::write_pair(digits, &folder.join(names[0]), &folder.join(names[1])).unwrap();
}

fn write_table(path: &Path, header: &str, separator: &str, digits: &Digits) {
    let rows = digits.images.iter().zip(&digits.labels).map(|(image, label)| {
        let cells: Vec<String> = std::iter::once(label).chain(image).map(u8::to_string).collect();
        cells.join(separator) + "\n"
    });
    std::fs::write(path, header.to_owned() + &rows.collect::<String>()).unwrap();
}

fn write_pictures(folder: &Path, digits: &Digits, class_name: impl Fn(u8) -> String) {
    for (index, (image, &label)) in digits.images.iter().zip(&digits.labels).enumerate() {
        let class = folder.join(class_name(label));
        std::fs::create_dir_all(&class).unwrap();
        std::fs::write(class.join(format!("{index:05}.png")), image).unwrap();
    }
}

/// The images with their labels, whatever their order.
fn contents(digits: &Digits) -> Vec<([u8; PIXELS], u8)> {
    let mut all: Vec<_> = digits.images.iter().copied().zip(digits.labels.iter().copied()).collect();
    all.sort_unstable();
    all
}

fn turned(digits: &Digits) -> Digits {
    let turn = |image: &[u8; PIXELS]| std::array::from_fn(|at| image[at % 28 * 28 + at / 28]);
    Digits { images: Images::from_images(digits.images.iter().map(turn)), ..digits.clone() }
}

#[test]
fn every_layout_gives_the_same_digits() {
    let (train, test) = (digits(60, 1), digits(30, 2));
    let pixel_names: Vec<String> = (0..PIXELS).map(|at| format!("pixel{}", at + 1)).collect();
    let header = format!("label,{}\n", pixel_names.join(","));
    let raw_names = |part: &str| [format!("{part}-images-idx3-ubyte"), format!("{part}-labels-idx1-ubyte")];
    let write = |name: &str, folder: &Path| match name {
        "torchvision" => {
            for (part, digits) in [("train", &train), ("t10k", &test)] {
                write_idx(&folder.join("MNIST/raw"), raw_names(part).each_ref().map(String::as_str), digits);
            }
        }
        "emnist" => {
            for (part, digits) in [("emnist-digits-train", &train), ("emnist-digits-test", &test)] {
                let names = raw_names(part).map(|name| name + ".gz");
                write_idx(&folder.join("gzip"), names.each_ref().map(String::as_str), &turned(digits));
            }
            std::fs::write(folder.join("gzip/emnist-letters-mapping.txt"), "x").unwrap();
        }
        "emnist tables" => {
            write_table(&folder.join("emnist-digits-train.csv"), "", ",", &turned(&train));
            write_table(&folder.join("emnist-digits-test.csv"), "", ",", &turned(&test));
        }
        "qmnist" => {
            for (part, digits) in [("qmnist-train", &train), ("qmnist-test", &test)] {
                let images = folder.join(format!("{part}-images-idx3-ubyte"));
                idx::write_pair(digits, &images, &folder.join("unused")).unwrap();
                std::fs::remove_file(folder.join("unused")).unwrap();
                let mut labels = vec![0, 0, 0x0c, 2];
                labels.extend((digits.len() as u32).to_be_bytes());
                labels.extend(8u32.to_be_bytes());
                for &label in &digits.labels {
                    labels.extend(u32::from(label).to_be_bytes());
                    labels.extend([7; 28]);
                }
                std::fs::write(folder.join(format!("{part}-labels-idx2-int")), labels).unwrap();
            }
        }
        "fashion" => {
            write_table(&folder.join("fashion-mnist_train.csv"), &header, ",", &train);
            write_table(&folder.join("fashion-mnist_test.csv"), &header, ",", &test);
        }
        "semicolons" => {
            write_table(&folder.join("train.csv"), &header.replace(',', ";"), ";", &train);
            write_table(&folder.join("test.csv"), "", "\t", &test);
        }
        "training and testing" => {
            write_pictures(&folder.join("training"), &train, |class| format!("{class:02}"));
            write_pictures(&folder.join("testing"), &test, |class| class.to_string());
        }
        other => panic!("{other}"),
    };
    for name in ["torchvision", "emnist", "emnist tables", "qmnist", "fashion", "semicolons", "training and testing"] {
        let folder = tempfile::tempdir().unwrap();
        write(name, folder.path());
        let source = open("", Some(folder.path())).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(contents(&source.train(&Silent).unwrap()), contents(&train), "{name}");
        assert_eq!(contents(&source.test(&Silent).unwrap().unwrap()), contents(&test), "{name}");
        // The same with a configuration that was made for MNIST.
        let as_mnist = open("source = \"mnist\"", Some(folder.path())).unwrap();
        assert_eq!(contents(&as_mnist.train(&Silent).unwrap()), contents(&train), "{name}");
    }
}

#[test]
fn one_table_may_be_named_in_place_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my-digits.csv");
    write_table(&path, "", ",", &digits(40, 1));
    for named in [path.as_path(), folder.path()] {
        let source = open("", Some(named)).unwrap();
        let read = source.train(&Silent).unwrap();
        assert_eq!((read.len(), read.name(16)), (40, "my-digits.csv, row 17".to_owned()));
        assert_eq!(source.test(&Silent).unwrap(), None);
    }
}

#[test]
fn a_share_is_held_out_of_sets_without_a_test_part_and_copies_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let all = digits(100, 1);
    write_pictures(folder.path(), &all, |class| class.to_string());
    // Each picture once more, under another name.
    for class in 0..10 {
        for entry in std::fs::read_dir(folder.path().join(class.to_string())).unwrap().collect::<Vec<_>>() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, path.with_extension("copy.png")).unwrap();
        }
    }
    for config in ["test = 0.2", "test = 20"] {
        let heard = Heard::default();
        let source = open(config, Some(folder.path())).unwrap();
        let train = source.train(&heard).unwrap();
        let test = source.test(&Silent).unwrap().unwrap();
        assert_eq!(train.len() + test.len(), 200);
        assert!((36..=44).contains(&test.len()), "{}", test.len());
        assert!(test.class_counts().iter().all(|&count| count >= 2));
        assert_eq!(shared_images(&train, &test), []);
        let names: HashSet<String> =
            [&train, &test].iter().flat_map(|set| (0..set.len()).map(|index| set.name(index))).collect();
        assert_eq!(names.len(), 200);
        assert!(heard.said().contains("are held out for the test (data.test)"), "{}", heard.said());
        assert!(heard.said().contains("training images are copies of others"), "{}", heard.said());
        // Read again, the same digits are held out.
        assert_eq!(open(config, Some(folder.path())).unwrap().test(&Silent).unwrap().unwrap(), test);
    }
    assert_eq!(open("", Some(folder.path())).unwrap().test(&Silent).unwrap(), None);
    write_pictures(&folder.path().join("x/train"), &all, |class| class.to_string());
    write_pictures(&folder.path().join("x/test"), &digits(20, 2), |class| class.to_string());
    let error = open("test = 0.2", Some(&folder.path().join("x"))).err().unwrap();
    assert!(matches!(&error, DataError::Setting(error) if error.field == "test"), "{error}");
    assert!(error.to_string().contains("has a test part of its own"), "{error}");
    assert!(open("test = 0.2", None).is_err(), "built-in digits take a number");
}

#[test]
fn limits_that_cut_a_set_are_said() {
    let folder = tempfile::tempdir().unwrap();
    write_table(&folder.path().join("train.csv"), "", ",", &digits(200, 1));
    let heard = Heard::default();
    open("train = 50", Some(folder.path())).unwrap().train(&heard).unwrap();
    assert!(heard.said().contains("50 of 200 train digits are used (data.train = 50)"), "{}", heard.said());
}

#[test]
fn several_sources_are_read_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    write_pictures(&own, &digits(50, 1), |class| class.to_string());
    let tables = folder.path().join("tables");
    std::fs::create_dir(&tables).unwrap();
    write_table(&tables.join("train.csv"), "", ",", &digits(40, 2));
    write_table(&tables.join("test.csv"), "", ",", &digits(20, 3));
    let config = format!(
        "[[sources]]\nsource = \"folder\"\npath = {own:?}\nrepeat = 3\ntest = 0.2\n[[sources]]\nname = \"kaggle\"\nsource \
         = \"folder\"\npath = {tables:?}\n[[sources]]\nsource = \"builtin\"\ntrain = 30\ntest = 10\n",
    );
    let source = open(&config, None).unwrap();
    let train = source.train(&Silent).unwrap();
    assert_eq!(train.len(), 3 * 40 + 40 + 30);
    assert_eq!(train.origins.source_names(), ["own", "kaggle", "builtin"]);
    let of = |set: &Digits, source: usize| (0..set.len()).filter(|&index| set.origins.source(index) == source).count();
    assert_eq!([0, 1, 2].map(|source| of(&train, source)), [120, 40, 30]);
    assert!(
        train.name(0).starts_with("own: 0/") && train.name(120) == "kaggle: train.csv, row 1",
        "{}",
        train.name(120)
    );
    // The repeats of a digit share its group, digits of different sources never do.
    assert_eq!(train.groups.iter().collect::<HashSet<_>>().len(), 40 + 40 + 30);
    assert_eq!(train.groups[0], train.groups[40]);
    let test = source.test(&Silent).unwrap().unwrap();
    assert_eq!([0, 1, 2].map(|source| of(&test, source)), [10, 20, 10]);
    assert_eq!(shared_images(&train, &test), []);
    assert_eq!(source.train_fingerprint().unwrap().files[0].name, "own/pictures");

    // What one source holds out, another may not bring back.
    let again = folder.path().join("again");
    write_pictures(&again, &digits(50, 1), |class| class.to_string());
    let config = format!(
        "[[sources]]\nsource = \"folder\"\npath = {own:?}\ntest = 0.2\n[[sources]]\nsource = \"folder\"\npath = \
         {again:?}\n"
    );
    let source = open(&config, None).unwrap();
    let heard = Heard::default();
    let train = source.train(&heard).unwrap();
    assert!(heard.said().contains("10 training images are left out"), "{}", heard.said());
    assert_eq!((train.len(), shared_images(&train, &source.test(&Silent).unwrap().unwrap())), (80, vec![]));

    for (config, field) in [
        ("train = 5\n[[sources]]\nsource = \"builtin\"", "train"),
        ("[[sources]]\nrepeat = 0", "sources[0].repeat"),
        ("[[sources]]\n[[sources]]\n", "sources[1].name"),
        ("[[sources]]\nsource = \"folder\"", "sources[0].path"),
        ("[[sources]]\ntest = 0.2", "sources[0].test"),
        ("max_skipped = 2.0", "max_skipped"),
    ] {
        let error = open(config, None).err().unwrap();
        assert!(matches!(&error, DataError::Setting(error) if error.field == field), "{config}: {error}");
    }
}

#[test]
fn one_class_is_refused_and_missing_ones_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = digits(60, 1);
    all.labels.fill(3);
    write_table(&folder.path().join("train.csv"), "", ",", &all);
    let error = open("", Some(folder.path())).unwrap().train(&Silent).unwrap_err().to_string();
    assert!(error.contains("the only class of 60 training digits is 3"), "{error}");
    all.labels = (0..60).map(|index| index % 8).collect();
    write_table(&folder.path().join("train.csv"), "", ",", &all);
    let heard = Heard::default();
    open("", Some(folder.path())).unwrap().train(&heard).unwrap();
    assert!(heard.said().contains("no digit of classes 8, 9"), "{}", heard.said());
}

#[test]
fn tables_on_a_light_ground_are_inverted_as_the_setting_says() {
    let folder = tempfile::tempdir().unwrap();
    let dark = digits(40, 1);
    let invert = |image: &[u8; PIXELS]| image.map(|pixel| 255 - pixel);
    let light = Digits { images: Images::from_images(dark.images.iter().map(invert)), ..dark.clone() };
    write_table(&folder.path().join("train.csv"), "", ",", &light);
    for (config, expected) in
        [("", &dark), ("polarity = \"dark-on-light\"", &dark), ("polarity = \"light-on-dark\"", &light)]
    {
        assert_eq!(&open(config, Some(folder.path())).unwrap().train(&Silent).unwrap(), expected, "{config}");
    }
}

#[test]
fn skipped_files_are_kept_for_the_record() {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(&folder.path().join("train"), &digits(100, 1), |class| class.to_string());
    write_pictures(&folder.path().join("test"), &digits(100, 2), |class| class.to_string());
    std::fs::write(folder.path().join("train/3/torn.png"), "torn").unwrap();
    std::fs::write(folder.path().join("test/4/torn.png"), "torn").unwrap();
    let source = open("", Some(folder.path())).unwrap();
    assert_eq!(source.skipped(), []);
    source.train(&Silent).unwrap();
    source.test(&Silent).unwrap();
    let files: Vec<_> = source.skipped().into_iter().map(|file| file.file).collect();
    assert_eq!(files, ["train/3/torn.png", "test/4/torn.png"]);
    assert!(open("max_skipped = 0.0", Some(folder.path())).unwrap().train(&Silent).is_err());
}

#[test]
fn settings_are_written_as_they_were_read() {
    for text in ["", "polarity = \"dark-on-light\"\nmax_skipped = 0.05", "test = 0.2", "[[sources]]\nrepeat = 4"] {
        let config: DataConfig = toml::from_str(text).unwrap();
        assert_eq!(toml::from_str::<DataConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    }
    let mut config: DataConfig = toml::from_str("train = 20000\ntest = 2000").unwrap();
    let left_out = config.use_folder(|field| field == "data.test");
    assert_eq!(
        (left_out, config.train, config.test),
        (vec!["data.train = 20000".to_owned()], None, Some(HeldOut::Count(2000)))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_held_out_is_ever_trained_on(
        values in proptest::collection::vec(0u8..40, 60..120), share in 0.1f64..0.5, repeat in 1usize..4
    ) {
        let image = |value: &u8| { let mut image = [0; PIXELS]; image[400] = *value + 1; image };
        let labels: Vec<u8> = values.iter().map(|value| value % 4).collect();
        let set = Digits::new(Images::from_images(values.iter().map(image)), labels);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_table(&path, "", ",", &set);
        let config = format!(
            "[[sources]]\nsource = \"folder\"\npath = {path:?}\ntest = {share}\nrepeat = {repeat}\n[[sources]]\nname = \"b\"\n\
             source = \"folder\"\npath = {path:?}\n"
        );
        let source = open(&config, None).unwrap();
        if let (Ok(train), Ok(Some(test))) = (source.train(&Silent), source.test(&Silent)) {
            prop_assert_eq!(shared_images(&train, &test), vec![]);
        }
    }
}
