//! Where an invitation may come from besides the keyboard: a file, the clipboard, the screen.

use std::io::Read as _;
use std::path::Path;

use eframe::egui::Ui;
use zeroize::Zeroizing;

/// No picture is larger, as the control API takes it.
const PICTURE_MAX: u64 = 4 << 20;

/// What was read.
pub(crate) enum Picture {
    /// A link or a code.
    Text(Zeroizing<String>),
    /// A picture of a QR code, PNG or JPEG.
    Image {
        /// The file.
        bytes: Zeroizing<Vec<u8>>,
        /// What to call it.
        name: String,
    },
}

/// A file.
pub(super) fn file(path: &Path) -> Result<Picture, String> {
    let failed = |error| format!("Cannot read {}: {error}", path.display());
    let mut bytes = Zeroizing::new(Vec::new());
    let opened = std::fs::File::open(path).map_err(failed)?;
    opened.take(PICTURE_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    image(bytes, path.display().to_string())
}

fn image(bytes: Zeroizing<Vec<u8>>, name: String) -> Result<Picture, String> {
    match bytes.len() as u64 {
        0 => Err(format!("{name} is empty")),
        PICTURE_MAX.. => Err(format!("{name} is larger than 4 MiB: cut the code out of it")),
        _ => Ok(Picture::Image { bytes, name }),
    }
}

/// A file that was dropped on the window.
pub(super) fn dropped(ui: &Ui) -> Option<Result<Picture, String>> {
    let dropped = ui.input_mut(|input| input.raw.dropped_files.pop())?;
    Some(file(dropped.path()))
}

/// What was copied: a link, or a picture.
pub(crate) fn clipboard() -> Result<Picture, String> {
    let failed = |error: arboard::Error| format!("Cannot read the clipboard: {error}");
    let mut clipboard = arboard::Clipboard::new().map_err(failed)?;
    if let Ok(text) = clipboard.get_text().map(Zeroizing::new)
        && !text.trim().is_empty()
    {
        return Ok(Picture::Text(Zeroizing::new(text.trim().to_owned())));
    }
    let copied = clipboard.get_image().map_err(|_| "The clipboard has neither a link nor a picture".to_owned())?;
    let (width, height) = (size(copied.width)?, size(copied.height)?);
    let rgb = copied.bytes.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    png(width, height, rgb, "the clipboard")
}

/// What the screen shows.
pub(crate) fn screen() -> Result<Picture, String> {
    let (width, height, rgb) = super::open::screen()?;
    png(width, height, rgb, "the screen")
}

fn size(length: usize) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| "The picture is too large".to_owned())
}

/// A PNG of these pixels, so that a picture is read in one way, wherever it comes from.
fn png(width: u32, height: u32, rgb: Vec<u8>, name: &str) -> Result<Picture, String> {
    // Gray is all that a QR code needs, and a quarter of the size.
    let rgb = Zeroizing::new(rgb);
    let gray = Zeroizing::new(
        rgb.chunks_exact(3)
            .map(|pixel| ((u16::from(pixel[0]) + 2 * u16::from(pixel[1]) + u16::from(pixel[2])) / 4) as u8)
            .collect::<Vec<u8>>(),
    );
    let mut bytes = Zeroizing::new(Vec::new());
    let mut encoder = png::Encoder::new(&mut *bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let failed = |error: png::EncodingError| format!("Cannot read {name}: {error}");
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&gray).map_err(failed)?;
    drop(writer);
    image(bytes, name.to_owned())
}
