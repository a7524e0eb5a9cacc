use super::*;

/// Makes empty files, and folders for names that end in `/`.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
    }
    folder
}

fn found(names: &[&str]) -> Layout {
    let folder = folder(names);
    find(folder.path()).unwrap_or_else(|error| panic!("{names:?}: {error}"))
}

#[track_caller]
fn refused(names: &[&str], words: &str) {
    let folder = folder(names);
    let error = find(folder.path()).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

const RAW: [&str; 4] = [
    "MNIST/raw/train-images-idx3-ubyte",
    "MNIST/raw/train-labels-idx1-ubyte",
    "MNIST/raw/t10k-images-idx3-ubyte",
    "MNIST/raw/t10k-labels-idx1-ubyte",
];

#[test]
fn every_layout_that_sets_come_in_is_found() {
    let torchvision = found(&RAW);
    assert!(matches!(&torchvision.kind, LayoutKind::Idx(set) if set.prefix.is_empty()));
    assert!(torchvision.folder.ends_with("MNIST/raw") && torchvision.has_test());
    assert!(torchvision.notes[0].contains("MNIST"), "{:?}", torchvision.notes);

    let emnist = found(&[
        "gzip/emnist-letters-train-images-idx3-ubyte.gz",
        "gzip/emnist-letters-train-labels-idx1-ubyte.gz",
        "gzip/emnist-digits-train-images-idx3-ubyte.gz",
        "gzip/emnist-digits-train-labels-idx1-ubyte.gz",
    ]);
    assert!(emnist.is_transposed() && !emnist.has_test());
    assert!(matches!(&emnist.kind, LayoutKind::Idx(set) if set.prefix == "emnist-digits"));
    assert!(emnist.notes.iter().any(|note| note.contains("emnist-digits-… is read")));
    assert!(found(&["emnist-digits-train.csv", "emnist-digits-test.csv"]).is_transposed());
    assert!(!found(&["fashion-mnist_train.csv", "fashion-mnist_test.csv"]).is_transposed());

    for (names, classes, test) in [
        (&["training/0/", "training/9/", "testing/0/"][..], &["training/0", "training/9"][..], true),
        (&["Train/00/", "Train/01/", "Test/00/"], &["Train/00", "Train/01"], true),
        (&["00/", "01/", "09/"], &["00", "01", "09"], false),
        (&["digit_3/", "digit_4/"], &["digit_3", "digit_4"], false),
        (&["mnist_png/training/5/", "mnist_png/testing/5/"], &["mnist_png/training/5"], true),
        (&["trainingSet/trainingSet/0/", "testSet/testSet/a.jpg"], &["trainingSet/trainingSet/0"], false),
        (&["train/0/", "val/0/"], &["train/0"], true),
    ] {
        let layout = found(names);
        let LayoutKind::Pictures { train, test: tested } = &layout.kind else { panic!("{names:?}") };
        let paths: Vec<_> = train.classes.iter().map(|(_, path)| path.to_string_lossy().replace('\\', "/")).collect();
        assert_eq!(paths, classes);
        assert_eq!(tested.is_some(), test, "{names:?}");
    }
    assert!(found(&["train/0/", "val/0/", "test/0/"]).notes[0].contains("val/ is not read"));
    let junk = found(&["0/", "1/", "@eaDir/3/", "Thumbs.db", "__MACOSX/0/", "notes/"]);
    assert_eq!(junk.notes, ["not read, since they name no digit: notes"]);
    let one = found(&["mnist_784.csv"]);
    assert!(matches!(&one.kind, LayoutKind::Tables { set, .. } if set.parts[0].as_deref() == Some("mnist_784.csv")));
}

#[test]
fn what_is_ambiguous_or_nothing_is_refused_with_what_lies_there() {
    refused(&["3/", "03/"], "the folders `03` and `3` both mean the digit 3");
    refused(
        &["1/", "2/", "3/", "4/", "5/", "6/", "7/", "8/", "9/", "10/"],
        "folders 1 to 10 and none for the digit 0; rename 10 to 0",
    );
    refused(&["emnist-letters-train-images-idx3-ubyte"], "only emnist-digits-… and emnist-mnist-… are digits alone");
    refused(&["a/train.csv", "b/train.csv"], "holds several data sets, in a, b; name the folder of one");
    refused(&["train.csv", "0/"], "several data sets (train.csv, image folders 0 to 9); keep one");
    refused(&["mnist.npz"], "mnist.npz is a file of NumPy arrays");
    refused(&["archive.zip"], "archive.zip is an archive: unpack it");
    refused(&["a.png", "b.JPG", "c.txt"], "3 files (a.png, b.JPG, c.txt)");
    refused(&["a.png", "b.JPG"], "2 look like pictures, but nothing says which digit each shows");
    refused(&[], "holds no training digits but nothing; expected train-images-idx3-ubyte");
    let file = folder(&["photo.png", "digits.csv", "mnist.npz"]);
    assert!(find(&file.path().join("photo.png")).unwrap_err().to_string().contains("is a file; expected a folder"));
    assert!(find(&file.path().join("mnist.npz")).unwrap_err().to_string().contains("is a file of NumPy arrays"));
    assert!(find(&file.path().join("gone")).unwrap_err().to_string().ends_with("gone: does not exist"));
    assert!(find(&file.path().join("digits.csv")).is_ok());
}
