//! Converts a figure from SVG to PNG. DejaVu Sans is built in, so that the picture is the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{self, Options, Tree, fontdb::Database},
};

use super::error::ReportError;

/// Scale factor from the figure's natural size to pixels: about 200 dots an inch in a column of a paper.
const SCALE: f32 = 2.5;

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// Converts a figure of theme [`Theme::Paper`](super::theme::Theme::Paper); `name` is used in errors.
pub(super) fn png(svg: &str, name: &str) -> Result<Vec<u8>, ReportError> {
    let refuse = |problem: String| ReportError::Raster { figure: name.to_owned(), problem };
    let options = Options { fontdb: Arc::clone(&FONTS), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error: usvg::Error| refuse(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| refuse("the figure has no size".to_owned()))?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or_else(|| refuse("the figure is too large".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| refuse(error.to_string()))
}
