//! One picture of how things are, as text: for documents and tests, and where there is no terminal.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::app::App;
use super::draw;
use super::theme::Theme;
use crate::cli::CliError;
use crate::face::{Face, Facts, How, Link, Source, moment};

/// What is not known after so long is not waited for.
const LONGEST: Duration = Duration::from_secs(5);
/// Who says nothing new for so long has said it all.
const QUIET: Duration = Duration::from_millis(200);

/// How large a picture is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Characters in a line.
    pub(crate) width: u16,
    /// Lines.
    pub(crate) height: u16,
}

/// How an emulator is now, as lines of text.
pub(crate) fn once(how: How, device: &str, size: Size) -> Result<String, CliError> {
    let (wake, woken) = channel();
    let tell = move || {
        // Nobody listens any more where it is drawn.
        let _ = wake.send(());
    };
    let face = Face::start(how, tell)?;
    let mut app = App::for_device(device);
    settled(&mut app, &face, &woken);
    let facts = face.facts();
    Ok(picture(&app, &facts, facts.clock.at(Some(moment())), size))
}

/// Waits until the emulator has said what there is.
fn settled(app: &mut App, face: &Face, woken: &Receiver<()>) {
    let began = moment();
    let left = |end: Instant| end.saturating_duration_since(moment());
    loop {
        let facts = face.facts();
        if let Some(command) = app.settle(&facts) {
            face.tell(command);
        }
        let is_known = matches!(facts.link, Link::Lost(_) | Link::Ended)
            || !facts.devices.is_empty() && !facts.timeline.is_empty();
        let longest = left(began + LONGEST);
        let patience = if is_known { QUIET.min(longest) } else { longest };
        if woken.recv_timeout(patience).is_err() {
            return;
        }
    }
}

/// The picture that these facts make.
pub(super) fn picture(app: &App, facts: &Facts, now: u64, size: Size) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(size.width, size.height));
    let Ok(_) = terminal.draw(|frame| draw::draw(frame, app, facts, now, Theme::PLAIN));
    text(terminal.backend().buffer())
}

/// The characters, line by line, without the spaces at the ends.
pub(super) fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut lines = String::new();
    for y in area.top()..area.bottom() {
        let (mut line, mut x) = (String::new(), area.left());
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line += symbol;
            // One that is two wide has the next place, too.
            x += u16::try_from(ratatui::text::Span::raw(symbol).width()).unwrap_or(1).max(1);
        }
        lines += line.trim_end();
        lines.push('\n');
    }
    lines
}
