//! Opens the window, where there is a screen to open it on; and looks at that screen for a QR code.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eframe::egui::{self, ViewportBuilder, vec2};

use super::view::TITLE;
use super::{Window, theme};
use crate::cli::CliError;
use crate::face::{Face, How, moment};

/// Its size, in points.
const SIZE: egui::Vec2 = vec2(1240.0, 800.0);
/// What changes within so long is drawn at once.
const BREATH: Duration = Duration::from_millis(20);
/// It is of no use if it is smaller.
pub(super) const LEAST: egui::Vec2 = vec2(980.0, 620.0);

/// Whether there is a screen for windows.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("WAYLAND_DISPLAY") || is_set("DISPLAY")
}

/// Opens it; comes back when it is closed, with the exit code of the program.
pub(crate) fn open(how: How) -> Result<u8, CliError> {
    if !has_display() {
        return Err(CliError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".into()));
    }
    // The window is there later than what wakes it.
    let context: Arc<OnceLock<egui::Context>> = Arc::default();
    let wakes = Arc::clone(&context);
    let face = Arc::new(Face::start(how, move || {
        if let Some(context) = wakes.get() {
            context.request_repaint_after(BREATH);
        }
    })?);
    let shown = Arc::clone(&face);
    let viewport = ViewportBuilder::default().with_title(TITLE).with_app_id("cardea-emulator");
    let options = eframe::NativeOptions {
        viewport: viewport.with_inner_size(SIZE).with_min_inner_size(LEAST).with_drag_and_drop(true),
        centered: true,
        ..eframe::NativeOptions::default()
    };
    let window = eframe::run_native(
        "cardea-emulator",
        options,
        Box::new(move |created| {
            theme::install(&created.egui_ctx);
            // Nobody else sets it.
            let _ = context.set(created.egui_ctx.clone());
            Ok(Box::new(Window::new(shown, || Some(moment()))))
        }),
    );
    window.map_err(|error| CliError::NoDisplay(why(&error)))?;
    // The window is gone, and nobody else has it.
    let ended = Arc::into_inner(face).and_then(Face::end);
    Ok(ended.map_or(crate::exit::DONE, crate::daemon::Ended::exit))
}

/// Why there is no window, in words of a person who has no use for a place in some source.
fn why(error: &eframe::Error) -> String {
    let display = ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{name} is {value:?}, and "))
    });
    let what = match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => "no window can be opened there",
        _ => "nothing can be drawn there with OpenGL 2.1 or later, or OpenGL ES 2 or later",
    };
    display.unwrap_or_default() + what
}

/// The pixels of the screen: width, height, and red, green and blue of each.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn screen() -> Result<(u32, u32, Vec<u8>), String> {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};

    const NONE: &str = "The screen can be read under X11 only: copy the picture and use the clipboard";
    if std::env::var_os("DISPLAY").is_none() {
        return Err(NONE.into());
    }
    let (connection, number) = x11rb::connect(None).map_err(|_| NONE.to_owned())?;
    let failed = |what: &str| format!("Cannot read the screen: {what}");
    let setup = connection.setup();
    let screen = setup.roots.get(number).ok_or_else(|| failed("there is none"))?;
    let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
    let asked = connection.get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, u32::MAX);
    let image =
        asked.map_err(|error| failed(&error.to_string()))?.reply().map_err(|error| failed(&error.to_string()))?;
    if image.data.len() != usize::from(width) * usize::from(height) * 4 {
        return Err(failed("its colors are of an unknown kind"));
    }
    let is_little = setup.image_byte_order == x11rb::protocol::xproto::ImageOrder::LSB_FIRST;
    let rgb =
        image.data.chunks_exact(4).flat_map(|it| if is_little { [it[2], it[1], it[0]] } else { [it[1], it[2], it[3]] });
    Ok((width.into(), height.into(), rgb.collect()))
}

/// The pixels of the screen.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(super) fn screen() -> Result<(u32, u32, Vec<u8>), String> {
    Err("The screen cannot be read on this system: copy the picture and use the clipboard".into())
}
