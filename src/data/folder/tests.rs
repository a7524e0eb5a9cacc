use std::{path::PathBuf, sync::Arc, sync::Mutex};

use super::*;
use crate::{
    data::PictureProblemKind,
    progress::{Silent, Task},
};

/// Reads what the tests write: two letters of polarity and a number, `dl7` or `ld7`; `dark` and `blank` fail so.
fn reader() -> PictureReader {
    Arc::new(|bytes, asked| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let problem = |kind, message: &str| Err(PictureProblem { kind, message: message.to_owned() });
        let (own, value) = match text.split_at_checked(2) {
            Some(("dl", value)) => (Polarity::DarkOnLight, value),
            Some(("ld", value)) => (Polarity::LightOnDark, value),
            _ if text == "torn" => return problem(PictureProblemKind::Unreadable, "ends early"),
            _ if text == "blank" => return problem(PictureProblemKind::Blank, "no ink"),
            _ => return problem(PictureProblemKind::NotAPicture, "text, not a picture"),
        };
        let polarity = if asked == Polarity::Auto { own } else { asked };
        let value: u8 = value.parse().unwrap();
        let pixels = if polarity == own { [value; PIXELS] } else { [255 - value; PIXELS] };
        Ok(PictureDigit { pixels, polarity })
    })
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn classes(root: &Path) -> ClassFolders {
    let classes = (0..10).map(|class| (class, PathBuf::from(class.to_string())));
    let classes = classes.filter(|(_, folder)| root.join(folder).is_dir()).collect();
    ClassFolders { root: root.to_owned(), classes }
}

const LENIENT: PictureOptions = PictureOptions { polarity: Polarity::Auto, max_skipped: 1.0, strict: false };

fn read_with(root: &Path, options: PictureOptions) -> Result<PictureSet> {
    read(&classes(root), &options, &reader(), &Silent)
}

/// Keeps every message.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn task(&self, _: &str, _: u64, _: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }
    fn message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

fn heard(root: &Path, options: PictureOptions) -> (PictureSet, String) {
    let heard = Heard::default();
    let set = read(&classes(root), &options, &reader(), &heard).unwrap();
    let said = heard.0.lock().unwrap().join("\n");
    (set, said)
}

#[test]
fn order_names_and_what_systems_leave() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, text) in [("7/b.png", "ld3"), ("7/a.jpg", "ld200"), ("0/wide.png", "ld50"), ("7/alice/x.png", "ld9")] {
        write(root, name, text);
    }
    let plain = read_with(root, LENIENT).unwrap();
    for junk in [
        "7/.DS_Store",
        "7/Thumbs.db",
        "7/thumbs.db",
        "7/THUMBS.DB",
        "0/desktop.ini",
        "0/Desktop.ini",
        "0/ehthumbs.db",
        "0/._wide.png",
        "0/@eaDir/wide.png/thumb.jpg",
        "7/@EADIR/x",
        "7/$RECYCLE.BIN/x",
        "7/Icon\r",
    ] {
        write(root, junk, "x");
    }
    let set = read_with(root, PictureOptions { strict: true, ..LENIENT }).unwrap();
    assert_eq!(set.digits, plain.digits);
    assert_eq!(set.hash, plain.hash);
    assert_eq!(set.digits.labels, [0, 7, 7, 7]);
    let names: Vec<_> = (0..4).map(|index| set.digits.name(index)).collect();
    assert_eq!(names, ["0/wide.png", "7/a.jpg", "7/alice/x.png", "7/b.png"]);
    assert_eq!([0, 1, 2, 3].map(|index| set.digits.images.get(index)[0]), [50, 200, 9, 3]);
    std::fs::rename(root.join("7/b.png"), root.join("7/c.png")).unwrap();
    assert_ne!(read_with(root, LENIENT).unwrap().hash, set.hash);
    write(root, "7/train/y.png", "ld1");
    let error = read_with(root, LENIENT).unwrap_err().to_string();
    assert!(error.contains("a folder `train` inside a class folder"), "{error}");
}

#[test]
fn bad_files_are_listed_with_their_reasons_up_to_the_allowed_share() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for index in 0..97 {
        write(root, &format!("{}/{index:02}.png", index % 10), &format!("ld{index}"));
    }
    let clean = read_with(root, PictureOptions { max_skipped: 0.0, ..LENIENT }).unwrap();
    for (name, text) in [("4/torn.jpg", "torn"), ("5/empty, \"page\".png", "blank"), ("3/README.txt", "text")] {
        write(root, name, text);
    }
    let (set, said) = heard(root, PictureOptions { max_skipped: 0.03, ..LENIENT });
    assert_eq!(set.digits, clean.digits);
    assert_eq!(
        skipped_csv(&set.skipped),
        "file,reason,problem\n3/README.txt,not a picture,\"text, not a picture\"\n4/torn.jpg,unreadable,ends early\n\
         \"5/empty, \"\"page\"\".png\",blank,no ink\n"
    );
    assert!(said.contains("3 of 100 files passed over (1 unreadable, 1 blank, 1 not a picture)"), "{said}");
    let error = read_with(root, PictureOptions { max_skipped: 0.029, ..LENIENT }).unwrap_err().to_string();
    for words in ["3 of 100 files give no digit", "data.max_skipped", "\n  4/torn.jpg: ends early\n"] {
        assert!(error.contains(words), "{error}");
    }
    let error = read_with(root, PictureOptions { strict: true, ..LENIENT }).unwrap_err().to_string();
    assert!(error.ends_with("README.txt: text, not a picture"), "{error}");
    write(root, "9/nothing.png", "");
    let set = read_with(root, LENIENT).unwrap();
    assert_eq!(set.skipped.last().unwrap().problem.message, "the file is empty (0 bytes)");
}

#[test]
fn polarity_is_decided_once_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for index in 0..20 {
        write(root, &format!("{}/{index:02}.png", index % 10), &format!("dl{index}"));
    }
    let (set, said) = heard(root, LENIENT);
    assert!(said.contains("20 pictures, all dark on light"), "{said}");
    assert_eq!(set.digits.images.get(0)[0], 0);
    // One that reads the other way is read like the rest.
    write(root, "3/03.png", "ld3");
    let (set, said) = heard(root, LENIENT);
    assert!(said.contains("19 of 20 pictures are dark on light; 1 that read otherwise is read again so"), "{said}");
    let odd = (0..20).find(|&index| set.digits.name(index) == "3/03.png").unwrap();
    assert_eq!(set.digits.images.get(odd)[0], 252);
    // A set that is really mixed is said to be.
    for index in 10..20 {
        write(root, &format!("{}/{index:02}.png", index % 10), &format!("ld{index}"));
    }
    let (_, said) = heard(root, LENIENT);
    assert!(said.contains("mixed: 9 are dark on light and 11 light on dark"), "{said}");
    let (set, said) = heard(root, PictureOptions { polarity: Polarity::LightOnDark, ..LENIENT });
    assert!(said.contains("20 pictures read as light on dark (data.polarity)"), "{said}");
    assert_eq!(set.digits.images.get(0)[0], 255);
}

#[test]
fn folders_without_a_picture_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("3")).unwrap();
    write(folder.path(), "3/Thumbs.db", "x");
    let error = read_with(folder.path(), LENIENT).unwrap_err().to_string();
    assert!(error.ends_with("the class folders hold no picture"), "{error}");
}
