//! Image folders: one sub-folder a class, `0/` to `9/`, of PNG and JPEG files.
//!
//! A 28×28 image without transparency is taken as it is: light ink on a dark ground, as in MNIST, colours turned to
//! their brightness. Any other image is converted by the caller's [`ImageToDigit`]; this module changes no pixels. The
//! size is read from the file's header and checked before anything is decoded, and the decoder's memory is limited.
//!
//! The order is that of the classes, then of the file names' bytes, on every system.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use image::{DynamicImage, ImageReader, Limits};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{
    CLASSES, Digits, Images, PIXELS, SIDE,
    error::{DataError, Result, reading},
    file::FileHash,
};
use crate::{progress::Progress, storage::read_limited};

/// Conversion of a picture of a digit to 28×28 pixels; the error says why it is impossible.
pub type ImageToDigit = Arc<dyn Fn(&DynamicImage) -> std::result::Result<[u8; PIXELS], String> + Send + Sync>;

/// Longest side of an image, in pixels.
pub const MAX_SIDE: u32 = 4096;
/// Longest image file, in bytes: an uncompressed image of the greatest size with sixteen bits a channel.
const MAX_FILE_BYTES: u64 = 160 << 20;
/// Memory that decoding one image may take, in bytes.
const MAX_DECODER_BYTES: u64 = 256 << 20;

/// Tells whether `folder` has at least one class folder.
pub(super) fn has_classes(folder: &Path) -> bool {
    (0..CLASSES).any(|class| folder.join(class.to_string()).is_dir())
}

/// Reads every image below `folder`, each its own group. `convert` is called from several threads.
///
/// Names that begin with a dot, and `Thumbs.db`, are passed over. A class without a folder has no images.
///
/// # Errors
/// [`DataError::Layout`] if there is no image, or if a class folder holds a folder; [`DataError::Format`] naming the
/// first file (in order) that is neither PNG nor JPEG, is damaged, has a side above [`MAX_SIDE`], or that `convert`
/// refused; [`DataError::Read`].
pub fn read(folder: &Path, convert: &ImageToDigit, progress: &dyn Progress) -> Result<Digits> {
    Ok(read_hashed(folder, convert, progress)?.0)
}

/// Reads images as [`read`] does, with a hash over the class, name and contents of each file.
pub(super) fn read_hashed(
    folder: &Path,
    convert: &ImageToDigit,
    progress: &dyn Progress,
) -> Result<(Digits, FileHash)> {
    let files = list(folder)?;
    let task = progress.task(&format!("reading {}", folder.display()), files.len() as u64, "images");
    let read: Vec<Result<([u8; PIXELS], [u8; 32])>> = files
        .par_iter()
        .map(|(_, path)| {
            let image = read_image(path, convert);
            task.advance(1);
            image
        })
        .collect();
    let mut hash = Sha256::new();
    let mut pixels = Vec::with_capacity(files.len() * PIXELS);
    for ((label, path), image) in files.iter().zip(read) {
        let (image, contents) = image?;
        pixels.extend_from_slice(&image);
        hash.update([*label]);
        hash.update(Sha256::digest(path.file_name().unwrap_or_default().as_encoded_bytes()));
        hash.update(contents);
    }
    let labels = files.iter().map(|(label, _)| *label).collect();
    let digits = Digits::new(Images::new(pixels).expect("every image has 784 pixels"), labels);
    let name = format!("{}/", folder.file_name().unwrap_or_default().to_string_lossy());
    Ok((digits, FileHash { name, sha256: hash.into() }))
}

/// Lists the files with their classes, in order.
fn list(folder: &Path) -> Result<Vec<(u8, PathBuf)>> {
    let mut files = Vec::new();
    for class in 0..CLASSES as u8 {
        let class_folder = folder.join(class.to_string());
        if !class_folder.is_dir() {
            continue;
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&class_folder).map_err(reading(&class_folder))? {
            names.push(entry.map_err(reading(&class_folder))?.file_name());
        }
        names.retain(|name| !name.as_encoded_bytes().starts_with(b".") && name != "Thumbs.db");
        names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        for name in names {
            let path = class_folder.join(name);
            if path.is_dir() {
                return Err(DataError::Layout {
                    path,
                    problem: "a folder inside a class folder, expected only images".into(),
                });
            }
            files.push((class, path));
        }
    }
    if files.is_empty() {
        return Err(DataError::Layout { path: folder.to_owned(), problem: "the folders 0 to 9 hold no image".into() });
    }
    Ok(files)
}

/// Reads the digit of one file and the SHA-256 of its bytes.
fn read_image(path: &Path, convert: &ImageToDigit) -> Result<([u8; PIXELS], [u8; 32])> {
    let wrong = |problem: String| DataError::Format { path: path.to_owned(), problem };
    let bytes = read_limited(path, MAX_FILE_BYTES).map_err(reading(path))?;
    let format = image::guess_format(&bytes).map_err(|_| wrong("neither a PNG nor a JPEG file".into()))?;
    if !matches!(format, image::ImageFormat::Png | image::ImageFormat::Jpeg) {
        return Err(wrong(format!("a {format:?} file, expected PNG or JPEG")));
    }
    let damaged = |error: image::ImageError| wrong(format!("cannot be decoded: {error}"));
    let (width, height) =
        ImageReader::with_format(std::io::Cursor::new(&bytes), format).into_dimensions().map_err(damaged)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(wrong(format!("{width}×{height} pixels, at most {MAX_SIDE} a side are read")));
    }
    let mut reader = ImageReader::with_format(std::io::Cursor::new(&bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(damaged)?;
    let ready = (image.width(), image.height()) == (SIDE as u32, SIDE as u32) && !image.color().has_alpha();
    let pixels = if ready {
        image.to_luma8().into_raw().try_into().map_err(|_| wrong("cannot be turned to grey".into()))?
    } else {
        convert(&image).map_err(wrong)?
    };
    Ok((pixels, Sha256::digest(&bytes).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn mean() -> ImageToDigit {
        Arc::new(
            |image| if image.width() > 100 { Err("nothing drawn".into()) } else { Ok([image.width() as u8; PIXELS]) },
        )
    }

    fn save(path: PathBuf, width: u32, value: u8) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(width, 28, image::Luma([value])).save(path).unwrap();
    }

    #[test]
    fn order_labels_and_conversion() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        save(at("7/b.png"), 28, 3);
        save(at("7/a.jpg"), 28, 200);
        save(at("0/wide.png"), 50, 0);
        image::RgbaImage::new(28, 28).save(at("0/clear.png")).unwrap();
        std::fs::write(at("0/.DS_Store"), "x").unwrap();
        std::fs::create_dir(at("notes")).unwrap();
        let (digits, hash) = read_hashed(folder.path(), &mean(), &Silent).unwrap();
        assert_eq!(digits.labels, [0, 0, 7, 7]);
        assert_eq!([0, 1, 2, 3].map(|index| digits.images.get(index)[0]), [28, 50, 200, 3]);
        assert_eq!(digits.groups, [0, 1, 2, 3]);
        std::fs::rename(at("7/b.png"), at("7/c.png")).unwrap();
        assert_ne!(read_hashed(folder.path(), &mean(), &Silent).unwrap().1, hash);
    }

    #[test]
    fn the_first_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let error = || read(folder.path(), &mean(), &Silent).unwrap_err().to_string();
        assert!(error().ends_with("the folders 0 to 9 hold no image"));
        save(at("9/large.png"), 4097, 0);
        assert!(error().ends_with("large.png: 4097×28 pixels, at most 4096 a side are read"), "{}", error());
        save(at("8/refused.png"), 101, 0);
        assert!(error().ends_with("refused.png: nothing drawn"), "{}", error());
        save(at("5/a.png"), 28, 0);
        let bytes = std::fs::read(at("5/a.png")).unwrap();
        std::fs::write(at("5/a.png"), &bytes[..bytes.len() - 20]).unwrap();
        assert!(error().contains("a.png: cannot be decoded"), "{}", error());
        std::fs::write(at("5/a.png"), "GIF89a\u{1}\u{1}").unwrap();
        assert!(error().ends_with("a.png: a Gif file, expected PNG or JPEG"), "{}", error());
        std::fs::write(at("5/a.png"), "text").unwrap();
        assert!(error().ends_with("a.png: neither a PNG nor a JPEG file"), "{}", error());
        std::fs::create_dir_all(at("1/sub")).unwrap();
        assert!(error().contains("a folder inside a class folder"), "{}", error());
    }

    #[test]
    fn a_header_that_states_a_huge_image_is_refused_before_decoding() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("3/huge.png");
        save(path.clone(), 28, 0);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        let crc = crc.sum();
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        std::fs::write(&path, bytes).unwrap();
        let error = read(folder.path(), &mean(), &Silent).unwrap_err().to_string();
        assert!(error.contains("65535×65535 pixels, at most 4096 a side"), "{error}");
    }
}
