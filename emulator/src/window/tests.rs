//! The window, without a screen: found by what a screen reader says, clicked and typed into, and drawn by a few lines of arithmetic.

mod flows;
mod load;
mod panels;
mod pictures;
mod raster;
mod scripted;

use std::sync::Arc;

use eframe::egui::{self, Theme};
use egui_kittest::Harness;

use super::{Window, theme};
use scripted::Scripted;

/// A window over these facts, at a size that people have.
fn window<'a>(source: &Arc<Scripted>) -> Harness<'a, Window> {
    themed(source, Theme::Light, 1.0)
}

fn themed<'a>(source: &Arc<Scripted>, shown: Theme, pixels: f32) -> Harness<'a, Window> {
    let mut window = Window::new(Arc::clone(source) as Arc<dyn crate::face::Source>, || None);
    window.view.was_focused = true;
    let mut is_dressed = false;
    let builder =
        Harness::builder().with_size(egui::vec2(1240.0, 800.0)).with_pixels_per_point(pixels).with_theme(shown);
    let mut harness = builder.renderer(raster::Textures::default()).build_ui_state(
        move |ui: &mut egui::Ui, window: &mut Window| {
            if !std::mem::replace(&mut is_dressed, true) {
                theme::install(ui.ctx());
            }
            window.draw(ui);
        },
        window,
    );
    harness.run();
    harness
}
