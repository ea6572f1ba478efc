//! Draws and listens, until it ends. Nothing is drawn where nothing has changed.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crossterm::event::Event;

use super::app::App;
use super::draw;
use super::happening::{Happening, read_keys, watch_signals};
use super::keys::Step;
use super::screen::Screen;
use super::theme::Theme;
use crate::cli::CliError;
use crate::face::{Command, Face, Facts, How, Source, moment, rest};

/// What has ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A person who had seen enough.
    Left,
    /// Ctrl-C.
    Interrupted,
    /// A signal to terminate, or a terminal that is gone.
    Terminated,
}

impl Ended {
    /// The exit code of the program.
    pub(crate) const fn exit(self) -> u8 {
        match self {
            Self::Left => crate::exit::DONE,
            Self::Interrupted => crate::exit::INTERRUPTED,
            Self::Terminated => crate::exit::TERMINATED,
        }
    }
}

/// Shows an emulator in the terminal of this process until somebody has seen enough.
pub(crate) fn run(how: How, device: &str) -> Result<Ended, CliError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::NoScreen);
    }
    let (happens, happening) = channel();
    watch_signals(happens.clone())?;
    let wake = happens.clone();
    let tell = move || {
        // Nobody listens any more where it has ended.
        let _ = wake.send(Happening::Facts);
    };
    let face = Face::start(how, tell)?;
    let theme = Theme::said(std::env::var_os("NO_COLOR").as_deref());
    let mut screen = Screen::take().map_err(CliError::Runtime)?;
    read_keys(happens)?;
    let ended = shown(&mut screen, &face, &happening, App::for_device(device), theme);
    // The terminal is a person's again while the emulator ends.
    drop(screen);
    ended
}

fn shown(
    screen: &mut Screen,
    face: &Face,
    happening: &Receiver<Happening>,
    mut app: App,
    theme: Theme,
) -> Result<Ended, CliError> {
    loop {
        let facts = face.facts();
        if let Some(command) = app.settle(&facts) {
            face.tell(command);
        }
        let now = facts.clock.at(Some(moment()));
        let drawn = screen.terminal.draw(|frame| draw::draw(frame, &app, &facts, now, theme));
        drawn.map_err(CliError::Output)?;
        let first = match rest::until_next(|now| app.card(&facts, now), &facts, moment()) {
            None => happening.recv().ok(),
            Some(time) => match happening.recv_timeout(time) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Left),
            },
        };
        // Whatever has happened meanwhile is drawn at once.
        for happening in first.into_iter().chain(happening.try_iter()) {
            if let Some(ended) = happened(&mut app, face, happening)? {
                return Ok(ended);
            }
        }
    }
}

fn happened(app: &mut App, face: &Face, happening: Happening) -> Result<Option<Ended>, CliError> {
    match happening {
        Happening::Facts | Happening::Typed(Event::Resize(..)) => Ok(None),
        Happening::End(ended) => Ok(Some(ended)),
        Happening::Broken(source) => Err(CliError::File { path: "the terminal".into(), source }),
        Happening::Typed(event) => {
            let facts: Arc<Facts> = face.facts();
            match app.typed(&event, &facts, facts.clock.at(Some(moment()))) {
                Step::Leave(ended) => Ok(Some(ended)),
                Step::Tell(commands) => {
                    commands.into_iter().for_each(|command| tell(app, face, &facts, command));
                    Ok(None)
                }
            }
        }
    }
}

fn tell(app: &mut App, face: &Face, facts: &Facts, command: Command) {
    app.says(&command, facts);
    face.tell(command);
}
