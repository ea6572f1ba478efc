//! Colors, type and spacing: the same for everything, light and dark. All sizes are points, so that they are right on every screen.

use eframe::egui::epaint::Shadow;
use eframe::egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, Ui, Visuals, vec2,
};

use crate::face::Tone;

/// Between things that belong together.
pub(super) const NEAR: f32 = 6.0;
/// Between things.
pub(super) const GAP: f32 = 12.0;
/// Of cards.
pub(super) const ROUND: u8 = 14;
/// Of buttons and fields.
pub(super) const SOFT: u8 = 9;

/// Colors by what they are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colors {
    /// Behind everything.
    pub(super) back: Color32,
    /// Behind the list of devices.
    pub(super) side: Color32,
    /// Of cards.
    pub(super) card: Color32,
    /// Of what can be clicked or typed in.
    pub(super) well: Color32,
    /// Of what is pointed at.
    pub(super) lift: Color32,
    /// Of text.
    pub(super) ink: Color32,
    /// Of text that is not so important.
    pub(super) faint: Color32,
    /// Of lines.
    pub(super) line: Color32,
    /// Of what is chosen, and of what to click first.
    pub(super) brand: Color32,
    /// Of text on `brand`, and on tones.
    pub(super) on_brand: Color32,
    pub(super) good: Color32,
    pub(super) calm: Color32,
    pub(super) soon: Color32,
    pub(super) bad: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

impl Colors {
    const LIGHT: Self = Self {
        back: rgb(0x00f5_f3ef),
        side: rgb(0x00ec_e9e2),
        card: rgb(0x00ff_ffff),
        well: rgb(0x00f0_ede7),
        lift: rgb(0x00e4_dfd6),
        ink: rgb(0x0020_1e1b),
        faint: rgb(0x0067_6259),
        line: rgb(0x00e0_dbd2),
        brand: rgb(0x003d_49c4),
        on_brand: rgb(0x00ff_ffff),
        good: rgb(0x000b_7a54),
        calm: rgb(0x003f_4d63),
        soon: rgb(0x009a_5b00),
        bad: rgb(0x00b4_2433),
    };
    const DARK: Self = Self {
        back: rgb(0x0014_151a),
        side: rgb(0x000f_1014),
        card: rgb(0x001d_1f26),
        well: rgb(0x0029_2c35),
        lift: rgb(0x0036_3a46),
        ink: rgb(0x00ee_ece7),
        faint: rgb(0x00a3_a5ae),
        line: rgb(0x002c_2f39),
        brand: rgb(0x0098_a4ff),
        on_brand: rgb(0x0012_131a),
        good: rgb(0x0046_d39f),
        calm: rgb(0x009a_aecb),
        soon: rgb(0x00f2_b655),
        bad: rgb(0x00ff_7b84),
    };

    /// Those of the theme that is shown.
    pub(super) fn of(ui: &Ui) -> Self {
        if ui.visuals().dark_mode { Self::DARK } else { Self::LIGHT }
    }

    /// The color of a tone.
    pub(super) const fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Good => self.good,
            Tone::Calm => self.calm,
            Tone::Soon => self.soon,
            Tone::Bad => self.bad,
            Tone::Quiet => self.faint,
        }
    }
}

/// The word on the lock card.
pub(super) fn word() -> TextStyle {
    TextStyle::Name("word".into())
}

/// The title of a card.
pub(super) fn title() -> TextStyle {
    TextStyle::Name("title".into())
}

/// Has everything drawn like this, light and dark.
pub(super) fn install(context: &Context) {
    context.set_style_of(Theme::Light, style(Visuals::light(), &Colors::LIGHT));
    context.set_style_of(Theme::Dark, style(Visuals::dark(), &Colors::DARK));
}

fn style(visuals: Visuals, colors: &Colors) -> Style {
    let mut style = Style { visuals, animation_time: 0.12, ..Style::default() };
    let text = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, text(12.5)),
        (TextStyle::Body, text(14.5)),
        (TextStyle::Button, text(14.5)),
        (title(), text(17.0)),
        (TextStyle::Heading, text(22.0)),
        (word(), text(42.0)),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 6.0);
    spacing.button_padding = vec2(12.0, 7.0);
    spacing.interact_size = vec2(36.0, 32.0);
    spacing.text_edit_width = 240.0;
    spacing.menu_margin = Margin::same(8);
    spacing.scroll.floating = true;
    // What blinks draws when nothing happens.
    style.visuals.text_cursor.blink = false;
    dress(&mut style.visuals, colors);
    style
}

fn dress(visuals: &mut Visuals, colors: &Colors) {
    visuals.panel_fill = colors.back;
    visuals.window_fill = colors.card;
    visuals.window_stroke = Stroke::new(1.0, colors.line);
    visuals.window_corner_radius = CornerRadius::same(ROUND);
    visuals.menu_corner_radius = CornerRadius::same(SOFT);
    let shadow = Shadow { offset: [0, 10], blur: 32, spread: 0, color: Color32::from_black_alpha(60) };
    (visuals.window_shadow, visuals.popup_shadow) = (shadow, shadow);
    visuals.extreme_bg_color = colors.well;
    visuals.text_edit_bg_color = Some(colors.well);
    visuals.faint_bg_color = colors.well;
    visuals.code_bg_color = colors.well;
    visuals.hyperlink_color = colors.brand;
    (visuals.warn_fg_color, visuals.error_fg_color) = (colors.soon, colors.bad);
    visuals.weak_text_color = Some(colors.faint);
    visuals.disabled_alpha = 0.8;
    visuals.selection.bg_fill = colors.brand.gamma_multiply(0.28);
    visuals.selection.stroke = Stroke::new(1.5, colors.brand);
    let widgets = &mut visuals.widgets;
    for (widget, fill, line) in [
        (&mut widgets.noninteractive, colors.card, colors.line),
        (&mut widgets.inactive, colors.well, Color32::TRANSPARENT),
        (&mut widgets.hovered, colors.lift, colors.line),
        (&mut widgets.active, colors.lift, colors.brand),
        (&mut widgets.open, colors.lift, colors.line),
    ] {
        (widget.bg_fill, widget.weak_bg_fill) = (colors.line, fill);
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.3, colors.ink);
        widget.corner_radius = CornerRadius::same(SOFT);
        widget.expansion = 0.0;
    }
    // Who goes by the keyboard sees where he is.
    widgets.active.bg_stroke = Stroke::new(2.0, colors.brand);
}
