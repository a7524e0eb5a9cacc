//! The drawing page in a real browser, used by mouse, finger and keyboard events like a person's.
//!
//! Needs Chromium and its driver (on Debian the packages `chromium chromium-driver`); without them each test is
//! skipped. Pictures of the page are left in `target/tmp/browser/`.

mod standalone;
mod strokes;
mod webdriver;
mod with_key;

use std::{collections::BTreeMap, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use strokes::{SCRIBBLE, SIDE, Stroke, digit, line, paper, placed};
use webdriver::{Browser, Pointer, Programs, Step};

use crate::{server::Service, support::skip};

/// Page with a service of its own.
struct Page {
    browser: Browser,
    service: Service,
}

/// Text that the page shows.
#[derive(Debug, Deserialize, PartialEq)]
struct Shown {
    state: String,
    view: String,
    verdict: String,
    digit: String,
    confidence: String,
    runner_up: String,
    /// Names of the models, the headings of the columns.
    models: Vec<String>,
    /// Ten rows with a cell for each model.
    table: Vec<Vec<String>>,
    /// Digits whose cell is bold, for each model.
    tops: Vec<Vec<usize>>,
    /// Width and height of each stage's picture, 0 where there is none.
    stages: BTreeMap<String, (u32, u32)>,
}

const SHOWN: &str = "
    const text = (id) => document.getElementById(id).textContent;
    const rows = [...document.querySelectorAll('#probabilities tbody tr')].map((row) => [...row.querySelectorAll('td')]);
    const headings = [...document.querySelectorAll('#probabilities th[data-model]')];
    const visible = (picture) => picture.checkVisibility() && picture.complete;
    const size = (picture) => (visible(picture) ? [picture.naturalWidth, picture.naturalHeight] : [0, 0]);
    const stages = ['stage-ink', 'stage-box', 'stage-crop', 'stage-image'];
    return {
        state: document.documentElement.dataset.state,
        view: document.getElementById('answer').dataset.view,
        verdict: text('verdict'),
        digit: text('digit'),
        confidence: text('confidence'),
        runner_up: text('runner-up'),
        models: headings.map((heading) => heading.dataset.model),
        table: rows.map((row) => row.map((cell) => cell.querySelector('.value').textContent)),
        tops: headings.map((_, column) => rows.flatMap((row, digit) => (row[column].classList.contains('top') ? [digit] : []))),
        stages: Object.fromEntries(stages.map((id) => [id, size(document.getElementById(id))])),
    };";

/// Runs a test on the page, if there is a browser, and then checks that the console has no error.
fn on_the_page(test: impl FnOnce(&Page)) {
    with_the_page(|page| {
        test(&page);
        assert_eq!(page.browser.console(), []);
        page.service.stop();
    });
}

fn with_the_page(test: impl FnOnce(Page)) {
    with_the_page_of(|| Service::start(&[]), |service| service.url("/"), test);
}

fn with_the_page_of(start: impl FnOnce() -> Service, url: impl FnOnce(&Service) -> String, test: impl FnOnce(Page)) {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(missing) => return skip(missing),
    };
    let service = start();
    let browser = Browser::start(&programs);
    browser.resize(1280, 900, false);
    browser.prefer("light");
    browser.open(&url(&service));
    test(Page { browser, service });
}

impl Page {
    /// Draws with the mouse or a finger: press, move and release for each stroke.
    fn draw_with(&self, pointer: Pointer, drawing: &[Stroke]) {
        let scale = self.number("document.getElementById('pad').getBoundingClientRect().width") / SIDE;
        let from_middle = |length: f64| ((length - SIDE / 2.0) * scale).round() as i64;
        for stroke in drawing {
            let mut moves = stroke.iter().map(|(x, y)| Step::Move(from_middle(*x), from_middle(*y)));
            let steps =
                moves.next().into_iter().chain([Step::Press]).chain(moves).chain([Step::Release]).collect::<Vec<_>>();
            self.browser.point(pointer, "#pad", &steps);
        }
    }

    fn draw(&self, drawing: &[Stroke]) {
        self.draw_with(Pointer::Mouse, drawing);
    }

    /// Text of the page once it shows the answer to the drawing.
    fn answered(&self) -> Shown {
        self.browser.wait("document.documentElement.dataset.state === 'answered'");
        self.browser.wait("[...document.querySelectorAll('img[src]')].every((picture) => picture.complete)");
        self.shown()
    }

    fn shown(&self) -> Shown {
        serde_json::from_value(self.browser.run(SHOWN)).unwrap()
    }

    fn clear(&self) {
        self.browser.click("#clear");
    }

    fn number(&self, expression: &str) -> f64 {
        self.browser
            .run(&format!("return {expression}"))
            .as_f64()
            .unwrap_or_else(|| panic!("{expression} is no number"))
    }

    /// Number of answers so far.
    fn answers(&self) -> f64 {
        self.number("Number(document.documentElement.dataset.answers)")
    }

    /// Number of the pad's pixels that have ink.
    fn inked(&self) -> f64 {
        self.number(
            "(() => { const pad = document.getElementById('pad');
              const levels = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data;
              return levels.filter((level, index) => index % 4 === 3 && level > 0).length })()",
        )
    }

    fn disabled(&self, selector: &str) -> bool {
        self.browser.run(&format!("return document.querySelector('{selector}').disabled")).as_bool().unwrap()
    }

    /// Saves a picture of the page, to look at.
    fn save_picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&folder).unwrap();
        self.browser.save_picture(&folder.join(format!("{name}.png")));
    }
}

impl Shown {
    /// Checks an answer that names a digit, and the rest of the page.
    fn check(&self, expected: u8, stack: &str) {
        let expected = expected.to_string();
        assert_eq!((self.view.as_str(), &self.digit), ("answer", &expected), "{self:?}");
        assert!(
            self.verdict
                .starts_with(&format!("{expected}, {} sure; second guess {} (", self.confidence, self.runner_up)),
            "{self:?}"
        );
        let confidence: f64 = self.confidence.trim_start_matches('>').strip_suffix(" %").unwrap().parse().unwrap();
        assert!((30.0..=100.0).contains(&confidence), "{self:?}");
        let runner_up: u8 = self.runner_up.parse().unwrap();
        assert!(runner_up <= 9 && self.runner_up != expected, "{self:?}");

        assert_eq!(self.table.len(), 10, "{self:?}");
        for (column, model) in self.models.iter().enumerate() {
            let shares: Vec<f64> =
                self.table.iter().map(|row| row[column].trim_start_matches(['<', '>']).parse().unwrap()).collect();
            let sum: f64 = shares.iter().sum();
            // Probabilities are rounded to 0.01, and smaller ones are shown as less than that.
            assert!((sum - 100.0).abs() < 0.11, "{model}: {shares:?} sum to {sum}");
            let highest = shares.iter().copied().fold(0.0, f64::max);
            assert!(
                self.tops[column].iter().all(|digit| shares[*digit] == highest),
                "{model}: {shares:?}, bold {:?}",
                self.tops[column]
            );
            assert!(!self.tops[column].is_empty(), "{model}");
        }
        let of_stack = self.models.iter().position(|model| model == stack).unwrap();
        assert_eq!(
            self.tops[of_stack],
            [expected.parse::<usize>().unwrap()],
            "the table and the answer are of one mind"
        );

        let [ink, boxed, (wide, high)] = ["stage-ink", "stage-box", "stage-crop"].map(|stage| self.stages[stage]);
        assert!(ink == boxed && 10 < wide && wide <= ink.0 && 40 < high && high <= ink.1, "{:?}", self.stages);
        assert_eq!(self.stages["stage-image"], (28, 28));
    }

    /// Checks that the page shows no part of an answer.
    fn check_empty(&self) {
        assert_eq!((self.digit.as_str(), self.confidence.as_str(), self.runner_up.as_str()), ("", "", ""), "{self:?}");
        assert!(self.table.iter().flatten().all(|cell| cell == "–"), "{self:?}");
        assert!(self.tops.iter().all(Vec::is_empty), "{self:?}");
        assert!(self.stages.values().all(|size| *size == (0, 0)), "{self:?}");
    }

    /// Checks that no digit is named, for a reason that contains these words.
    fn check_refused(&self, reason: &str) {
        assert_eq!(self.view, "refusal", "{self:?}");
        assert!(self.verdict.contains(reason), "expected words with {reason:?}: {self:?}");
        assert_eq!((self.digit.as_str(), self.confidence.as_str(), self.runner_up.as_str()), ("", "", ""), "{self:?}");
    }
}

/// The service's description of its run.
fn about_the_run(service: &Service) -> Value {
    let text = ureq::get(service.url("/api/run")).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn digits_drawn_with_the_mouse_are_read_and_clear_empties_the_page() {
    on_the_page(|page| {
        let run = about_the_run(&page.service);
        let invitation = page.shown();
        invitation.check_empty();
        page.save_picture("empty");
        assert_eq!(json!(invitation.models), run["models"], "a column for each of the run's models");
        for label in [1, 0, 7, 3, 4, 2] {
            let before = page.answers();
            page.draw(&digit(label));
            let shown = page.answered();
            shown.check(label, run["model"].as_str().unwrap());
            assert_eq!(shown.stages["stage-ink"], (280, 280));
            assert!(page.answers() > before);
            page.clear();
            assert_eq!(page.shown(), invitation, "as before the first stroke");
            assert_eq!(page.inked(), 0.0);
        }
    });
}

/// Measures the time from the release of the pointer to the answer to the whole drawing, in milliseconds.
const STOPWATCH: &str = "
    window.times = [];
    const root = document.documentElement;
    let lifted = null;
    const stop = () => {
        if (lifted === null || root.dataset.state !== 'answered') return;
        window.times.push(performance.now() - lifted);
        lifted = null;
    };
    document.getElementById('pad').addEventListener('pointerup', () => { lifted = performance.now(); queueMicrotask(stop); });
    new MutationObserver(stop).observe(root, { attributes: true, attributeFilter: ['data-state'] });";

#[test]
fn the_answer_comes_soon_after_the_pen_is_lifted() {
    on_the_page(|page| {
        page.browser.run(STOPWATCH);
        for label in [0, 1, 2, 3, 7].repeat(6) {
            page.draw(&digit(label));
            assert_eq!(page.answered().digit, label.to_string());
            page.clear();
        }
        let mut times: Vec<f64> = serde_json::from_value(page.browser.run("return window.times")).unwrap();
        assert_eq!(times.len(), 30);
        times.sort_by(f64::total_cmp);
        let (median, most) = (times[15], times[28]);
        // Past the harness, which would keep it to itself.
        writeln!(std::io::stderr(), "pen up to answer: median {median:.0} ms, 95 % {most:.0} ms").unwrap();
        // A browser that waits until it is idle takes a second; the target, 60 ms, is for a machine that does nothing else.
        assert!(times[15] < 500.0, "{times:?}");
    });
}

#[test]
fn the_drawing_is_read_while_the_pen_is_down() {
    on_the_page(|page| {
        let scale = page.number("document.getElementById('pad').getBoundingClientRect().width") / SIDE;
        let from_middle = |length: f64| ((length - SIDE / 2.0) * scale).round() as i64;
        let seven = digit(7).concat();
        let mut moves = seven.iter().map(|(x, y)| Step::Move(from_middle(*x), from_middle(*y)));
        let steps: Vec<Step> = moves.next().into_iter().chain([Step::Press]).chain(moves).collect();
        page.browser.point(Pointer::Mouse, "#pad", &steps);
        let down = page.answered();
        assert_eq!(down.digit, "7");
        page.browser.point(Pointer::Mouse, "#pad", &[Step::Release]);
        assert_eq!(page.answered().table, down.table, "the last stroke is not lost, nor an older answer shown");
    });
}

#[test]
fn samples_are_read_and_a_drawing_is_kept_as_a_file() {
    on_the_page(|page| {
        assert!(page.disabled("#save"));
        for label in ["3", "7", "2", "4", "0", "3"] {
            page.browser.click("#sample");
            assert_eq!(page.answered().digit, label);
        }
        page.browser.run(
            "window.saved = null;
             HTMLAnchorElement.prototype.click = function () { window.saved = [this.download, this.href]; };",
        );
        page.browser.click("#save");
        assert_eq!(page.browser.run("return window.saved[0]"), "digit.png");
        page.browser.run(
            "const picture = new Image();
             picture.onload = () => (window.size = [picture.naturalWidth, picture.naturalHeight]);
             picture.src = window.saved[1];",
        );
        page.browser.wait("Boolean(window.size)");
        assert_eq!(page.browser.run("return window.size"), json!([280, 280]));
    });
}

#[test]
fn undo_takes_the_last_stroke_back_and_redo_restores_it() {
    on_the_page(|page| {
        let (one, four) = (&digit(4)[..1], &digit(4)[1..]);
        assert!(page.disabled("#undo") && page.disabled("#redo"));
        page.draw(one);
        assert_eq!(page.answered().digit, "1");
        let less = page.inked();
        page.draw(four);
        let whole = page.answered();
        assert_eq!(whole.digit, "4");
        let more = page.inked();
        assert!(more > less && less > 0.0, "{less} and {more} pixels");

        page.browser.click("#undo");
        assert_eq!((page.answered().digit.as_str(), page.inked()), ("1", less));
        assert!(!page.disabled("#undo") && !page.disabled("#redo"));
        page.browser.click("#redo");
        assert_eq!((page.answered().table, page.inked()), (whole.table, more));
        assert!(page.disabled("#redo"));

        // Clearing can be undone.
        page.clear();
        page.browser.click("#undo");
        assert_eq!((page.answered().digit.as_str(), page.inked()), ("4", more));
        for _ in 0..2 {
            page.browser.click("#undo");
        }
        page.shown().check_empty();
        assert!(page.disabled("#undo"));
        // A new stroke discards what could be redone.
        page.draw(&digit(1));
        assert_eq!(page.answered().digit, "1");
        assert!(page.disabled("#redo"));
    });
}

#[test]
fn an_uploaded_picture_is_shown_and_read_and_what_is_no_picture_is_refused() {
    on_the_page(|page| {
        let run = about_the_run(&page.service);
        let folder = tempfile::tempdir().unwrap();
        let hidden = "return document.getElementById('underlay').hidden";
        for label in [3, 2, 2] {
            page.browser.choose_file("#upload", &paper(folder.path(), label));
            page.answered().check(label, run["model"].as_str().unwrap());
            assert_eq!(page.browser.run(hidden), false);
            page.save_picture("uploaded");
            page.clear();
            page.shown().check_empty();
            assert_eq!(page.browser.run(hidden), true);
        }

        let text = folder.path().join("digit.png");
        std::fs::write(&text, "a text with a picture's name").unwrap();
        page.browser.choose_file("#upload", &text);
        page.browser.wait("document.documentElement.dataset.state === 'failed'");
        let shown = page.shown();
        assert_eq!(
            (shown.view.as_str(), shown.verdict.as_str()),
            ("failure", "Only PNG, JPEG, GIF, BMP and WebP pictures can be read here.")
        );
        shown.check_empty();
    });
}

#[test]
fn a_wider_brush_of_a_pen_leaves_more_ink() {
    on_the_page(|page| {
        let inked = "document.getElementById('pad').getContext('2d').getImageData(0, 0, 280, 280).data\
                     .filter((value, index) => index % 4 === 3 && value > 0).length";
        let ink = [8, 16, 32].map(|width| {
            let set =
                format!("const brush = document.getElementById('brush'); brush.value = {width}; brush.dispatchEvent(new Event('input'));");
            page.browser.run(&set);
            assert_eq!(page.browser.run("return document.getElementById('brush-width').textContent"), width.to_string());
            page.draw_with(Pointer::Pen, &digit(1));
            page.answered();
            let ink = page.number(inked);
            page.clear();
            ink
        });
        assert!(ink[0] > 500.0 && ink[1] > 1.7 * ink[0] && ink[2] > 1.7 * ink[1], "{ink:?}");
    });
}

#[test]
fn pictures_are_pasted_and_dropped() {
    on_the_page(|page| {
        let run = about_the_run(&page.service);
        let folder = tempfile::tempdir().unwrap();
        let hand_over = [
            (
                3,
                "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))",
            ),
            (
                2,
                "document.getElementById('pad').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))",
            ),
        ];
        for (label, event) in hand_over {
            let picture = STANDARD.encode(std::fs::read(paper(folder.path(), label)).unwrap());
            page.browser.run(&format!(
                "const bytes = Uint8Array.from(atob('{picture}'), (letter) => letter.charCodeAt(0));
                 const data = new DataTransfer();
                 data.items.add(new File([bytes], 'digit.png', {{ type: 'image/png' }}));
                 {event};"
            ));
            page.answered().check(label, run["model"].as_str().unwrap());
            page.clear();
            page.shown().check_empty();
        }
    });
}

#[test]
fn an_empty_pad_and_a_scribble_are_given_no_digit_and_a_reason() {
    on_the_page(|page| {
        page.browser.click("#recognise");
        let blank = page.answered();
        blank.check_refused("nothing here");
        blank.check_empty();

        page.draw(&[line(&SCRIBBLE)]);
        page.answered().check_refused("does not look like a digit");
        page.clear();

        // The next digit is read as usual.
        page.draw(&digit(0));
        assert_eq!(page.answered().digit, "0");
    });
}

/// Digits side by side on the pad.
fn side_by_side(digits: &[u8]) -> Vec<Stroke> {
    let (scale, step) = (0.36, SIDE / digits.len() as f64);
    let place = |(at, label): (usize, &u8)| {
        let middle = step * (at as f64 + 0.5);
        placed(&digit(*label), scale, (middle - scale * SIDE / 2.0, 0.5 * SIDE * (1.0 - scale)))
    };
    digits.iter().enumerate().flat_map(place).collect()
}

/// Numbers that the page shows, and the boxes over the pad: label, and left, top, right and bottom in pixels of the pad.
#[derive(Debug, Deserialize)]
struct Numbers {
    view: String,
    verdict: String,
    texts: Vec<String>,
    boxes: Vec<(String, [f64; 4])>,
}

const NUMBERS: &str = "
    const frame = document.getElementById('pad').getBoundingClientRect();
    const scale = 280 / frame.width;
    const box = ({ left, top, right, bottom }) => [left - frame.left, top - frame.top, right - frame.left, bottom - frame.top];
    return {
        view: document.getElementById('answer').dataset.view,
        verdict: document.getElementById('verdict').textContent,
        texts: [...document.querySelectorAll('#numbers b')].filter((it) => it.checkVisibility()).map((it) => it.textContent),
        boxes: [...document.querySelectorAll('#marks li')].map((mark) => [
            mark.textContent, box(mark.getBoundingClientRect()).map((length) => length * scale)]),
    };";

impl Page {
    /// Numbers that the page shows once it has answered.
    fn numbers(&self) -> Numbers {
        self.browser.wait("document.documentElement.dataset.state === 'answered'");
        serde_json::from_value(self.browser.run(NUMBERS)).unwrap()
    }
}

impl Numbers {
    /// Checks that this one number is shown, with a box for each digit in its part of the pad.
    fn check(&self, digits: &[u8]) {
        let text: String = digits.iter().map(u8::to_string).collect();
        assert_eq!((self.view.as_str(), &self.texts), ("numbers", &vec![text.clone()]), "{self:#?}");
        assert!(self.verdict.starts_with(&format!("Several digits, read as the number {text}: ")), "{self:#?}");
        assert!(self.verdict.ends_with("% sure."), "{self:#?}");
        assert_eq!(self.boxes.len(), digits.len(), "{self:#?}");
        let step = SIDE / digits.len() as f64;
        for (at, ((label, [left, top, right, bottom]), digit)) in self.boxes.iter().zip(digits).enumerate() {
            assert_eq!(*label, digit.to_string(), "{self:#?}");
            let column = step * at as f64..=step * (at + 1) as f64;
            assert!(column.contains(left) && column.contains(right), "{self:#?}");
            assert!(right - left > 8.0 && (45.0..110.0).contains(&(bottom - top)), "{self:#?}");
        }
    }
}

#[test]
fn several_digits_are_shown_as_a_number_with_a_box_around_each() {
    on_the_page(|page| {
        let model = about_the_run(&page.service)["model"].as_str().unwrap().to_owned();
        page.draw(&side_by_side(&[7, 1, 0]));
        page.numbers().check(&[7, 1, 0]);
        page.shown().check_empty();
        page.save_picture("number");
        let note = page.browser.run("return document.getElementById('timing').textContent");
        assert!(note.as_str().is_some_and(|note| note.contains(&model) && note.contains("experimental")), "{note}");

        // Without the last digit, and then with it again.
        page.browser.click("#undo");
        page.numbers().check_part(2);
        page.browser.click("#redo");
        page.numbers().check(&[7, 1, 0]);
        page.clear();
        let empty = page.browser.run(NUMBERS);
        assert_eq!((&empty["view"], &empty["texts"], &empty["boxes"]), (&json!("empty"), &json!([]), &json!([])));

        // A digit alone is a digit.
        page.draw(&digit(3));
        let shown = page.answered();
        shown.check(3, &model);
        assert_eq!(page.browser.run(NUMBERS)["boxes"], json!([]));
        page.clear();

        // Keyboard, redo and centring ask in the same way.
        page.draw(&side_by_side(&[0, 4]));
        page.numbers().check(&[0, 4]);
        page.browser.click("input[name=centre][value=box]");
        page.numbers().check(&[0, 4]);
    });
}

impl Numbers {
    /// Checks that the first digits are shown in their columns.
    fn check_part(&self, count: usize) {
        assert_eq!((self.view.as_str(), self.boxes.len()), ("numbers", count), "{self:#?}");
    }
}

#[test]
fn a_picture_of_a_number_is_read_with_its_boxes_where_the_picture_is() {
    on_the_page(|page| {
        let folder = tempfile::tempdir().unwrap();
        let picture = crate::http::number(&[7, 1, 0]);
        let path = folder.path().join("number.png");
        picture.save(&path).unwrap();
        let check = |numbers: Numbers| {
            assert_eq!((numbers.view.as_str(), numbers.boxes.len()), ("numbers", 3), "{numbers:#?}");
            // The picture of 850×320 pixels fills the pad from left to right, in the middle of its height.
            let edge = SIDE * (1.0 - 320.0 / 850.0) / 2.0;
            for (_, [left, top, right, bottom]) in &numbers.boxes {
                assert!(*top >= edge && *bottom <= SIDE - edge && *left >= 0.0 && *right <= SIDE, "{numbers:#?}");
            }
        };
        page.browser.choose_file("#upload", &path);
        check(page.numbers());
        page.save_picture("number-uploaded");
        page.clear();
        let bytes = STANDARD.encode(std::fs::read(&path).unwrap());
        page.browser.run(&format!(
            "const bytes = Uint8Array.from(atob('{bytes}'), (letter) => letter.charCodeAt(0));
             const data = new DataTransfer();
             data.items.add(new File([bytes], 'number.png', {{ type: 'image/png' }}));
             document.getElementById('pad').dispatchEvent(
                 new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }}));"
        ));
        check(page.numbers());
    });
}

#[test]
fn a_number_fits_a_phone_in_light_and_dark() {
    on_the_page(|page| {
        page.browser.resize(360, 740, true);
        page.browser.open(&page.service.url("/"));
        page.draw_with(Pointer::Touch, &side_by_side(&[7, 1, 0]));
        page.numbers().check(&[7, 1, 0]);
        for scheme in ["light", "dark"] {
            page.browser.prefer(scheme);
            page.browser.wait(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
            page.check_fits_the_phone();
            for text in ["#numbers b", "#marks span", "#verdict"] {
                let (ink, paper) = page.colours(text);
                assert!(contrast(&ink, &paper) >= 4.5, "{scheme}: {text} is {ink} on {paper}");
            }
            page.save_picture(&format!("number-phone-{scheme}"));
        }
        let bottom = page.number("document.getElementById('numbers').getBoundingClientRect().bottom");
        assert!(0.0 < bottom && bottom <= 740.0, "the number ends at {bottom} of 740 pixels");
    });
}

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const SHIFT: char = '\u{e008}';
const CONTROL: char = '\u{e009}';
const LEFT: char = '\u{e012}';
const UP: char = '\u{e013}';
const RIGHT: char = '\u{e014}';
const DOWN: char = '\u{e015}';
const DELETE: char = '\u{e017}';

#[test]
fn a_digit_can_be_drawn_read_undone_and_cleared_with_the_keyboard_alone() {
    on_the_page(|page| {
        let focused = "return document.activeElement.id";
        let mut tabs = 0;
        while page.browser.run(focused) != "pad" {
            assert!(tabs < 10, "the pad is not among the first elements that Tab reaches");
            page.browser.press(&[], &[TAB]);
            tabs += 1;
        }
        // From the middle to the upper left corner of a 7.
        page.browser.press(&[SHIFT], &[UP; 5]);
        page.browser.press(&[SHIFT], &[LEFT; 3]);
        assert_eq!(page.inked(), 0.0, "the pen is up");
        page.browser.press(&[], &[' ']);
        page.browser.press(&[SHIFT], &[RIGHT; 6]);
        page.browser.press(&[], &[[DOWN; 2].as_slice(), &[LEFT]].concat().repeat(20));
        page.browser.press(&[], &[' ']);
        let seven = page.answered();
        assert_eq!(seven.digit, "7", "{seven:#?}");
        let inked = page.inked();
        page.browser.press(&[], &[DOWN, LEFT]);
        assert_eq!(page.inked(), inked, "the pen is up again");

        let before = page.answers();
        page.browser.press(&[], &[ENTER]);
        page.browser.wait(&format!("Number(document.documentElement.dataset.answers) === {}", before + 1.0));

        page.browser.press(&[CONTROL], &['z']);
        assert_eq!(page.inked(), 0.0);
        page.shown().check_empty();
        page.browser.press(&[CONTROL], &['y']);
        assert_eq!(page.inked(), inked);
        assert_eq!(page.answered().table, seven.table);
        page.browser.press(&[], &[DELETE]);
        assert_eq!(page.inked(), 0.0);
        page.shown().check_empty();
    });
}

#[test]
fn the_switch_to_centring_by_the_box_asks_again_and_moves_the_digit() {
    on_the_page(|page| {
        let picture = "return document.getElementById('stage-image').src";
        page.browser.click("input[name=centre][value=box]");
        assert_eq!(page.shown().state, "idle", "there is nothing to ask about");
        page.browser.click("input[name=centre][value=mass]");
        // Its centre of mass lies high above the middle of its box.
        page.draw(&digit(7));
        page.answered();
        let (by_mass, before) = (page.browser.run(picture), page.answers());
        page.browser.click("input[name=centre][value=box]");
        page.browser.wait(&format!("Number(document.documentElement.dataset.answers) === {}", before + 1.0));
        assert_eq!(page.answered().digit, "7");
        assert_ne!(page.browser.run(picture), by_mass);
        page.browser.click("input[name=centre][value=mass]");
        page.browser.wait(&format!("Number(document.documentElement.dataset.answers) === {}", before + 2.0));
        assert_eq!(page.browser.run(picture), by_mass);
    });
}

/// Red, green, blue and opacity of a colour.
fn colour(css: &str) -> [f64; 4] {
    let numbers = css.trim_start_matches("rgba(").trim_start_matches("rgb(").trim_end_matches(')');
    let numbers: Vec<f64> =
        numbers.split(',').map(|number| number.trim().parse().unwrap_or_else(|_| panic!("{css}"))).collect();
    [numbers[0], numbers[1], numbers[2], numbers.get(3).copied().unwrap_or(1.0)]
}

/// Contrast of two opaque colours by the Web Content Accessibility Guidelines 2.2, 1 to 21.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |css: &str| {
        let [red, green, blue, opacity] = colour(css);
        assert!(opacity == 1.0, "{css} is not opaque");
        let linear = |level: f64| {
            let level = level / 255.0;
            if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05
    };
    let ratio = luminance(one) / luminance(other);
    ratio.max(1.0 / ratio)
}

#[test]
fn contrast_is_measured_as_the_guidelines_say() {
    for (one, other, expected) in [
        ("rgb(0, 0, 0)", "rgb(255, 255, 255)", 21.0),
        ("rgb(255, 255, 255)", "rgb(118, 118, 118)", 4.54),
        ("rgb(255, 0, 0)", "rgb(255, 255, 255)", 4.0),
        ("rgb(9, 9, 9)", "rgb(9, 9, 9)", 1.0),
    ] {
        assert!((contrast(one, other) - expected).abs() < 0.005, "{one} on {other}: {}", contrast(one, other));
    }
}

impl Page {
    /// Colours of an element's text and of its background.
    fn colours(&self, selector: &str) -> (String, String) {
        let script = format!(
            "let element = document.querySelector('{selector}'), style = getComputedStyle(element);
             const ink = style.color;
             while (style.backgroundColor.endsWith(', 0)')) style = getComputedStyle((element = element.parentElement));
             return [ink, style.backgroundColor]"
        );
        serde_json::from_value(self.browser.run(&script)).unwrap_or_else(|error| panic!("{selector}: {error}"))
    }
}

/// JavaScript function body that returns the pad's colour in the middle of the drawn digit 1.
const DRAWN_COLOUR: &str = "
    const [red, green, blue, opacity] = document.getElementById('pad').getContext('2d').getImageData(142, 140, 1, 1).data;
    return opacity === 255 ? `rgb(${red}, ${green}, ${blue})` : `only ${opacity} of 255`;";

#[test]
fn light_and_dark_pages_have_colours_of_their_own_that_can_be_read() {
    on_the_page(|page| {
        page.draw(&digit(1));
        let answer = page.answered();
        let texts = [
            "body",
            ".byline",
            "#recognise",
            "#clear",
            "#timing",
            "#probabilities td",
            ".kind",
            ".layers .output",
            "pre",
            "a",
            "footer p",
        ];
        let mut seen = Vec::new();
        for scheme in ["light", "dark"] {
            page.browser.prefer(scheme);
            page.browser.wait(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
            for text in texts {
                let (ink, paper) = page.colours(text);
                assert!(
                    contrast(&ink, &paper) >= 4.5,
                    "{scheme}: {text} is {ink} on {paper}: {:.2}",
                    contrast(&ink, &paper)
                );
            }
            let (ink, paper) = page.colours("body");
            // The strokes are drawn again in the page's ink colour.
            page.browser.wait(&format!("(() => {{ {DRAWN_COLOUR} }})() === '{ink}'"));
            let (_, pad) = page.colours("#pad");
            assert!(contrast(&ink, &pad) > 10.0, "{scheme}: strokes of {ink} on {pad}");
            page.save_picture(&format!("desktop-{scheme}"));
            seen.push((ink, paper));
        }
        assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1, "{seen:?}");
        let dark = |css: &str| contrast(css, "rgb(0, 0, 0)") < contrast(css, "rgb(255, 255, 255)");
        assert!(dark(&seen[0].0) && !dark(&seen[0].1) && !dark(&seen[1].0) && dark(&seen[1].1), "{seen:?}");

        // The ink is sent without its colour.
        page.browser.click("#recognise");
        assert_eq!(page.answered().table, answer.table);
    });
}

impl Page {
    /// Checks that nothing is wider than a screen of 360 pixels.
    fn check_fits_the_phone(&self) {
        let wide =
            "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth, visualViewport.width]";
        assert_eq!(self.browser.run(&format!("return {wide}")), json!([360, 360, 360, 360]));
        let script =
            "return [...document.querySelectorAll('body *')].filter((it) => !it.closest('.scroll, pre, svg, .unseen'))
            .filter((it) => it.checkVisibility() && [it.getBoundingClientRect()]
                .some(({ left, right }) => left < -0.5 || right > 360.5))
            .map((it) => it.outerHTML.slice(0, 120))";
        assert_eq!(self.browser.run(script), json!([]), "wider than the screen");
    }
}

#[test]
fn on_a_phone_a_finger_draws_and_nothing_scrolls_sideways() {
    on_the_page(|page| {
        page.browser.resize(360, 740, true);
        page.browser.open(&page.service.url("/"));
        page.check_fits_the_phone();
        let scrolled = page.number("scrollY");
        page.draw_with(Pointer::Touch, &digit(3));
        assert_eq!(page.answered().digit, "3");
        assert_eq!(page.number("scrollY"), scrolled, "the finger draws and does not scroll");
        assert_eq!(scrolled, 0.0);
        for part in ["digit", "confidence", "bars", "recognise"] {
            let bottom = page.number(&format!("document.getElementById('{part}').getBoundingClientRect().bottom"));
            assert!(0.0 < bottom && bottom <= 740.0, "{part} ends at {bottom} of 740 pixels");
        }
        page.check_fits_the_phone();
        page.save_picture("phone-light");
        page.browser.prefer("dark");
        page.browser.wait("matchMedia('(prefers-color-scheme: dark)').matches");
        page.save_picture("phone-dark");
    });
}

#[test]
fn a_service_that_is_gone_is_told_to_the_reader_and_the_console_is_heard() {
    with_the_page(|page| {
        page.draw(&digit(1));
        assert_eq!(page.answered().digit, "1");
        assert_eq!(page.browser.console(), []);
        page.service.stop();
        page.browser.click("#recognise");
        page.browser.wait("document.documentElement.dataset.state === 'failed'");
        let words = "return document.getElementById('verdict').textContent";
        assert_eq!(page.browser.run(words), "The service does not answer. Is it still running?");
        assert_eq!(page.browser.run("return document.getElementById('digit').textContent"), "");
        // Proof that the other tests would notice an error in the console.
        let heard = page.browser.console();
        assert!(heard.iter().any(|(level, words)| level == "SEVERE" && words.contains("/api/predict")), "{heard:?}");
    });
}

#[test]
fn the_report_opens_without_a_complaint() {
    on_the_page(|page| {
        page.browser.click(".byline a");
        page.browser.wait("location.pathname === '/report/' && document.readyState === 'complete'");
        assert!(page.number("document.querySelectorAll('svg').length") > 3.0);
        let loaded = "performance.getEntriesByType('resource').length";
        assert_eq!(page.number(loaded), 0.0, "it is one file");
    });
}
