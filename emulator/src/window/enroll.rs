//! Giving a device a token: from a link, a code that is typed, or a picture of a QR code, with the PIN to choose.

use std::fmt;

use eframe::egui::{Align, Key, Layout, Modifiers, Ui};
use zeroize::Zeroize as _;

use crate::face::{Command, Facts, Invitation, Link, Notice, Secret, why_no_pins};

use super::sources::{self, Picture};
use super::view::View;
use super::{Scene, parts, theme};

/// What was typed and pasted.
#[derive(Default)]
pub(super) struct Enrolling {
    pub(super) is_open: bool,
    invitation: String,
    host: String,
    label: String,
    pin: String,
    again: String,
    duress: String,
    file: String,
    picture: Option<Picture>,
    problem: Option<String>,
    /// It was opened just now: what is typed next is the invitation.
    is_new: bool,
    /// What was the newest that came of anything when this was sent: what comes of this is newer.
    sent: Option<u64>,
}

impl fmt::Debug for Enrolling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolling").field("is_open", &self.is_open).finish_non_exhaustive()
    }
}

impl Drop for Enrolling {
    fn drop(&mut self) {
        for secret in [&mut self.invitation, &mut self.pin, &mut self.again, &mut self.duress] {
            secret.zeroize();
        }
    }
}

impl Enrolling {
    pub(super) fn open(&mut self) {
        *self = Self::default();
        (self.is_open, self.is_new) = (true, true);
    }

    /// Takes what somebody dropped on the window, or copied.
    fn take(&mut self, picture: Result<Picture, String>) {
        match picture {
            Ok(Picture::Text(text)) => (self.invitation, self.problem) = (text.to_string(), None),
            Ok(picture @ Picture::Image { .. }) => (self.picture, self.problem) = (Some(picture), None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Whether it is a code that a person types, which needs the name of its server.
    fn is_code(&self) -> bool {
        let text = self.invitation.trim();
        !text.is_empty() && !text.contains(':') && !text.contains('/')
    }

    /// What is missing, for a person; nothing if it can be said.
    fn missing(&self) -> Option<String> {
        let has_none = self.picture.is_none() && self.invitation.trim().is_empty();
        let text = match () {
            () if has_none => "Paste a link, type a code, or give a picture",
            () if self.picture.is_none() && self.is_code() && self.host.trim().is_empty() => {
                "A typed code needs the name of its server"
            }
            () if self.pin.is_empty() => "Choose a PIN",
            () if self.pin != self.again => "The two PINs differ",
            () => {
                let duress: Vec<&str> = self.duress.split_whitespace().collect();
                return why_no_pins(&self.pin, &duress).map(|why| parts::sentence(&why));
            }
        };
        Some(text.to_owned())
    }

    /// Looks at what came of it: when it is done, it is put away; when it was refused, it can be mended.
    fn came(&mut self, facts: &Facts, device: &str) {
        let Some(sent) = self.sent else { return };
        let is_it = |notice: &&Notice| {
            notice.number > sent && notice.verb == "enroll" && notice.device.as_deref() == Some(device)
        };
        match facts.notices.iter().rev().find(is_it) {
            Some(notice) if notice.failed.is_some() => (self.sent, self.problem) = (None, Some(notice.text.clone())),
            Some(_) => *self = Self::default(),
            // Nothing comes of it any more.
            None if matches!(facts.link, Link::Lost(_)) => self.sent = None,
            None => {}
        }
    }

    fn command(&self, device: &str) -> Command {
        let invitation = match &self.picture {
            Some(Picture::Image { bytes, name }) => Invitation::Picture(bytes.clone(), name.clone()),
            Some(Picture::Text(_)) | None if self.is_code() => {
                Invitation::Code(Secret::new(self.invitation.trim()), self.host.trim().to_owned())
            }
            Some(Picture::Text(_)) | None => Invitation::Text(Secret::new(self.invitation.trim())),
        };
        let duress = self.duress.split_whitespace().map(Secret::new).collect();
        let label = self.label.trim().to_owned();
        Command::Enroll { device: device.to_owned(), invitation, pin: Secret::new(&self.pin), duress, label }
    }
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    view.enroll.came(scene.facts, &view.device);
    let is_in_front = !view.palette.is_open();
    let enroll = &mut view.enroll;
    if !enroll.is_open {
        // It is done: the card stands here again.
        ui.ctx().request_repaint();
        return;
    }
    let is_working = enroll.sent.is_some();
    // Before a field takes it.
    let is_left = is_in_front && !is_working && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    if let Some(dropped) = sources::dropped(ui) {
        enroll.take(dropped);
    }
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        parts::title(ui, "Enroll this device");
        parts::faint(ui, "Paste the link of the enrolling page, or type its code.");
        invitation(ui, enroll);
        ui.add_space(theme::NEAR);
        pins(ui, enroll);
    });
    ui.add_space(theme::GAP);
    let missing = enroll.missing();
    let ready = missing.is_none() && !is_working;
    let text = if is_working { "Enrolling…" } else { "Enroll with this PIN" };
    let width = ui.available_width();
    let given = ui.add_enabled_ui(ready, |ui| parts::primary(ui, scene.colors, text, width)).inner.clicked();
    if let Some(problem) = &enroll.problem {
        ui.colored_label(scene.colors.bad, problem);
    } else if let Some(missing) = missing {
        parts::faint(ui, missing);
    }
    if given {
        let command = view.enroll.command(&view.device);
        let known = scene.facts.notices.iter().map(|notice| notice.number);
        let begun = scene.facts.working.iter().map(|work| work.number);
        view.enroll.sent = Some(known.chain(begun).max().unwrap_or(0));
        view.enroll.problem = None;
        scene.say(command);
    } else if parts::quiet(ui, "Cancel").clicked() || is_left {
        view.enroll = Enrolling::default();
    }
}

fn invitation(ui: &mut Ui, enroll: &mut Enrolling) {
    if let Some(Picture::Image { name, .. }) = &enroll.picture {
        let text = format!("Picture: {name}");
        let mut forget = false;
        ui.horizontal(|ui| {
            ui.label(text);
            forget = parts::quiet(ui, "Forget it").clicked();
        });
        if forget {
            enroll.picture = None;
        }
        return;
    }
    let field = parts::field(ui, "Link or code", "https://… or XXXX-XXXXXX", &mut enroll.invitation);
    if std::mem::take(&mut enroll.is_new) {
        field.request_focus();
    }
    if enroll.is_code() {
        parts::field(ui, "Server of the code", "id.example.com", &mut enroll.host);
    }
    ui.horizontal_wrapped(|ui| {
        if parts::plain(ui, "From the clipboard").on_hover_text("A link, or a picture of its QR code").clicked() {
            enroll.take(sources::clipboard());
        }
        if parts::plain(ui, "From the screen").on_hover_text("A QR code that is shown somewhere on it").clicked() {
            enroll.take(sources::screen());
        }
    });
    ui.collapsing("From a file", |ui| {
        parts::field(ui, "Picture file", "qr.png, or drop it on this window", &mut enroll.file);
        if parts::plain(ui, "Read the file").clicked() {
            enroll.take(sources::file(std::path::Path::new(enroll.file.trim())));
        }
    });
}

fn pins(ui: &mut Ui, enroll: &mut Enrolling) {
    parts::hidden(ui, "New PIN", "Six digits or more", &mut enroll.pin);
    parts::hidden(ui, "New PIN again", "", &mut enroll.again);
    ui.collapsing("More", |ui| {
        parts::field(ui, "Name of the token", "Front door", &mut enroll.label);
        parts::hidden(ui, "Duress PINs", "One or more, if the service allows them", &mut enroll.duress);
        parts::faint(ui, "A duress PIN seems to open, and tells the service that you were made to.");
    });
}
