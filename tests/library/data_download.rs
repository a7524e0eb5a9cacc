//! The download of MNIST into the cache, from mirrors that fail in every way; a local HTTP server plays them.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use digitstack::{
    data::{
        Digits, Images,
        download::{Mirrors, RemoteFile},
        idx,
        mnist::{Location, Mnist, MnistFiles, Part},
    },
    progress::{Progress, Silent, Task},
    storage::Sha256Digest,
};

/// Behaviour of a mirror.
#[derive(Clone, Copy)]
enum Manner {
    Good,
    /// The right length, one byte changed.
    Corrupt,
    /// Valid gzip of something else.
    OtherContents,
    /// Closes the connection halfway through the file.
    CutOff,
    /// Sends nothing more halfway through the file, for five seconds.
    Stalled,
    /// Sends a byte now and then, for ten seconds.
    Trickling,
    /// Never answers, for five seconds.
    Silent,
    NotFound,
    /// States half the length, then sends everything.
    StatesLess,
    /// States more than any copy of the file has.
    StatesHuge,
    /// Never ends.
    Endless,
}

/// Small data set in MNIST's form, and its gzipped files.
struct Set {
    files: MnistFiles,
    digits: Digits,
    packed: Vec<(String, Vec<u8>)>,
}

fn set() -> Set {
    let digits = Digits::new(
        Images::from_images((0..40u8).map(|image| std::array::from_fn(|pixel| (pixel as u8).wrapping_mul(image)))),
        vec![3; 40],
    );
    let folder = tempfile::tempdir().unwrap();
    let mut packed = Vec::new();
    let mut pair = |names: [&str; 2]| {
        let paths = names.map(|name| folder.path().join(name));
        idx::write_pair(&digits, &paths[0], &paths[1]).unwrap();
        let zipped = names.map(|name| folder.path().join(format!("{name}.gz")));
        idx::write_pair(&digits, &zipped[0], &zipped[1]).unwrap();
        std::array::from_fn(|index| {
            let plain = std::fs::read(&paths[index]).unwrap();
            packed.push((names[index].to_owned(), std::fs::read(&zipped[index]).unwrap()));
            let sha256 = Sha256Digest::of(&plain);
            RemoteFile { name: names[index].into(), bytes: plain.len() as u64, sha256 }
        })
    };
    let train = pair(["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]);
    let test = pair(["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
    Set { files: MnistFiles { train, test }, digits, packed }
}

/// Address of a mirror, and the number of requests to it.
struct Mirror {
    url: String,
    requests: Arc<AtomicUsize>,
}

fn mirror(set: &Set, manner: Manner) -> Mirror {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let (files, counter) = (set.packed.clone(), requests.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let files = files.clone();
            // A client that hangs up early is part of the test.
            std::thread::spawn(move || answer(stream, &files, manner).ok());
        }
    });
    Mirror { url, requests }
}

fn answer(mut stream: TcpStream, files: &[(String, Vec<u8>)], manner: Manner) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let body = &files.iter().find(|(name, _)| request.starts_with(&format!("GET /{name}.gz "))).unwrap().1;
    let mut send = |length: usize, body: &[u8]| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
        stream.write_all(body)?;
        stream.flush()
    };
    let half = &body[..body.len() / 2];
    match manner {
        Manner::Good => send(body.len(), body),
        Manner::Corrupt => {
            let mut changed = body.clone();
            changed[body.len() / 2] ^= 1;
            send(body.len(), &changed)
        }
        Manner::OtherContents => {
            let other = &files.iter().find(|(_, other)| other != body).unwrap().1;
            send(other.len(), other)
        }
        Manner::CutOff => send(body.len(), half),
        Manner::Stalled => {
            send(body.len(), half)?;
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        }
        Manner::Trickling => {
            send(body.len(), half)?;
            for byte in &body[body.len() / 2..] {
                std::thread::sleep(Duration::from_millis(100));
                stream.write_all(&[*byte])?;
            }
            Ok(())
        }
        Manner::Silent => {
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        }
        Manner::NotFound => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Manner::StatesLess => send(body.len() / 2, body),
        Manner::StatesHuge => send(1 << 40, body),
        Manner::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[0x1f; 4096])?;
            }
        }
    }
}

fn mnist(set: &Set, cache: &Path, mirrors: &[&Mirror]) -> Mnist {
    let mirrors = Mirrors {
        urls: mirrors.iter().map(|mirror| mirror.url.clone()).collect(),
        connect: Duration::from_millis(500),
        stall: Duration::from_millis(500),
        total: Duration::from_secs(2),
    };
    Mnist { location: Location::Cache(cache.to_owned()), files: set.files.clone(), mirrors }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Counts the bytes that are announced and that are done.
#[derive(Clone, Default)]
struct Counter {
    announced: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
}

impl Progress for Counter {
    fn task(&self, _name: &str, total: u64, unit: &str) -> Box<dyn Task> {
        assert_eq!(unit, "bytes");
        self.announced.fetch_add(total, Ordering::SeqCst);
        Box::new(self.clone())
    }
    fn message(&self, _text: &str) {}
}

impl Task for Counter {
    fn advance(&self, items: u64) {
        self.done.fetch_add(items, Ordering::SeqCst);
    }
    fn note(&self, _text: &str) {}
}

#[test]
fn progress_counts_every_byte() {
    let (set, cache, counter) = (set(), tempfile::tempdir().unwrap(), Counter::default());
    let good = mirror(&set, Manner::Good);
    mnist(&set, cache.path(), &[&good]).read(Part::Train, &counter).unwrap();
    let bytes: u64 = set.packed[..2].iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert_eq!([counter.announced, counter.done].map(|count| count.load(Ordering::SeqCst)), [bytes, bytes]);
}

#[test]
fn what_is_downloaded_is_kept_and_only_the_part_that_was_asked_for() {
    let (set, cache) = (set(), tempfile::tempdir().unwrap());
    let cache = cache.path().join("deep/mnist");
    let good = mirror(&set, Manner::Good);
    let mnist = mnist(&set, &cache, &[&good]);
    for _ in 0..2 {
        let part = mnist.read(Part::Train, &Silent).unwrap();
        assert!(part.is_official && part.digits == set.digits);
        assert_eq!(names(&cache), ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]);
        assert_eq!(good.requests.load(Ordering::SeqCst), 2);
    }
    assert_eq!(mnist.read(Part::Test, &Silent).unwrap().digits, set.digits);
    assert_eq!(names(&cache).len(), 4);
}

#[test]
fn every_failure_leads_to_the_next_mirror_and_none_leaves_a_file() {
    let set = set();
    let good = mirror(&set, Manner::Good);
    for (manner, words) in [
        (Manner::Corrupt, "damaged"),
        (Manner::OtherContents, "not the one expected"),
        (Manner::CutOff, "broke off after"),
        (Manner::Stalled, "timeout"),
        (Manner::Trickling, "timeout"),
        (Manner::Silent, "timeout"),
        (Manner::NotFound, "404"),
        (Manner::StatesLess, "damaged"),
        (Manner::StatesHuge, "states 1099511627776 bytes"),
        (Manner::Endless, "sent more than"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let bad = mirror(&set, manner);
        let start = Instant::now();
        let error = mnist(&set, cache.path(), &[&bad]).read(Part::Train, &Silent).unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(4), "took {:?}", start.elapsed());
        assert!(error.contains(words), "expected {words}: {error}");
        assert!(names(cache.path()).is_empty(), "{:?}", names(cache.path()));

        let part = mnist(&set, cache.path(), &[&bad, &good]).read(Part::Train, &Silent).unwrap();
        assert!(part.is_official && bad.requests.load(Ordering::SeqCst) == 3, "{words}");
        assert_eq!(names(cache.path()).len(), 2);
    }
}

#[test]
fn a_file_in_the_cache_is_never_trusted_for_its_name() {
    let (set, cache) = (set(), tempfile::tempdir().unwrap());
    let good = mirror(&set, Manner::Good);
    let mnist = mnist(&set, cache.path(), &[&good]);
    mnist.read(Part::Train, &Silent).unwrap();
    let images = cache.path().join("train-images-idx3-ubyte.gz");
    let bytes = std::fs::read(&images).unwrap();
    // A truncated file; a valid IDX file of other digits; arbitrary bytes under the uncompressed name.
    std::fs::write(&images, &bytes[..bytes.len() / 2]).unwrap();
    assert!(mnist.read(Part::Train, &Silent).unwrap().is_official);
    let other = Digits::new(Images::from_images([[9; 784]; 40]), vec![3; 40]);
    idx::write_pair(&other, &images, &cache.path().join("unused")).unwrap();
    assert_eq!(mnist.read(Part::Train, &Silent).unwrap().digits, set.digits);
    std::fs::write(cache.path().join("train-images-idx3-ubyte"), "nonsense").unwrap();
    assert_eq!(mnist.read(Part::Train, &Silent).unwrap().digits, set.digits);
    assert_eq!(good.requests.load(Ordering::SeqCst), 4);
    assert_eq!(std::fs::read(&images).unwrap(), bytes);
}

#[test]
fn two_programs_may_fill_the_cache_at_once() {
    let (set, cache) = (set(), tempfile::tempdir().unwrap());
    let good = mirror(&set, Manner::Good);
    let mnist = mnist(&set, cache.path(), &[&good]);
    std::thread::scope(|scope| {
        let readers = [(); 4].map(|()| scope.spawn(|| mnist.read(Part::Train, &Silent).unwrap().digits));
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() == set.digits));
    });
    assert_eq!(names(cache.path()).len(), 2);
}

#[test]
fn without_a_network_the_error_says_which_files_to_put_where() {
    let (set, cache) = (set(), tempfile::tempdir().unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = Mirror { url: format!("http://{closed}/"), requests: Arc::default() };
    let error = mnist(&set, cache.path(), &[&nobody]).read(Part::Test, &Silent).unwrap_err().to_string();
    for words in [
        "could not download t10k-images-idx3-ubyte",
        &nobody.url,
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        &cache.path().display().to_string(),
        "DIGITSTACK_DATA",
    ] {
        assert!(error.contains(words), "expected {words}: {error}");
    }
}
