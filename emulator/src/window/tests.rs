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
use egui_kittest::kittest::Queryable as _;

use super::{Window, theme};
use scripted::Scripted;

/// A window over these facts, at a size that people have.
fn window<'a>(source: &Arc<Scripted>) -> Harness<'a, Window> {
    themed(source, Theme::Light, 1.0)
}

/// Types into a field.
fn type_into(window: &mut Harness<'_, Window>, field: &str, text: &str) {
    window.get_by_label(field).focus();
    window.run();
    window.event(egui::Event::Text(text.into()));
    window.run();
}

fn themed<'a>(source: &Arc<Scripted>, shown: Theme, pixels: f32) -> Harness<'a, Window> {
    sized(source, shown, pixels, egui::vec2(1256.0, 816.0))
}

fn sized<'a>(source: &Arc<Scripted>, shown: Theme, pixels: f32, size: egui::Vec2) -> Harness<'a, Window> {
    let mut window = Window::new(Arc::clone(source) as Arc<dyn crate::face::Source>, || None);
    window.view.was_focused = true;
    let builder = Harness::builder().with_size(size).with_pixels_per_point(pixels).with_theme(shown);
    let builder = builder.with_context_setup(theme::install).renderer(raster::Textures);
    let mut harness = builder.build_ui_state(|ui: &mut egui::Ui, window: &mut Window| window.draw(ui), window);
    harness.run();
    harness
}
