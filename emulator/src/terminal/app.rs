//! What a person at a terminal has selected, typed and opened. The facts are not in here: they come from the emulator.

use super::form::Form;
use super::menu::Menu;
use crate::face::{Card, Command, Confirmation, Device, Facts, Notice, On, Prompt, Row, Timeline, Token};

/// What a person has in front of them.
#[derive(Debug, Default)]
pub(crate) struct App {
    /// The device that is selected.
    pub(super) device: String,
    /// The token of it, where one was chosen among several.
    pub(super) token: Option<String>,
    pub(super) front: Pane,
    /// The row of the timeline that is looked at, counted from the first ever; nothing where the newest are followed.
    pub(super) row: Option<u64>,
    /// Only rows with all these words.
    pub(super) filter: String,
    /// Whether it is being typed.
    pub(super) is_filtering: bool,
    /// By how many lines the detail is scrolled.
    pub(super) scroll: u16,
    pub(super) dialog: Option<Dialog>,
    /// What was said last, as a command line.
    pub(super) said: Option<String>,
    /// The notice that was the newest when it was said: it is about something else.
    old_notice: Option<Notice>,
    /// A device that is selected as soon as it is there.
    wanted: Option<String>,
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pane {
    #[default]
    Devices,
    Timeline,
    Detail,
}

/// Something in front of everything else.
#[derive(Debug)]
pub(super) enum Dialog {
    Help,
    Menu(Menu),
    Form(Form),
}

/// What waits for an answer.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// The holder of a device is asked for the PIN.
    Prompt(&'a Device, &'a Prompt),
    /// A text waits.
    Text(On, &'a Confirmation),
}

impl App {
    /// Nothing is selected yet; this device is when it is there.
    pub(super) fn for_device(name: &str) -> Self {
        Self { wanted: Some(name.to_owned()), ..Self::default() }
    }

    /// For these facts: a device that is there is selected. What has to be said for that comes back.
    pub(super) fn settle(&mut self, facts: &Facts) -> Option<Command> {
        if let Some(wanted) = self.wanted.take_if(|name| facts.device(name).is_some()) {
            return Some(self.select(&wanted));
        }
        if facts.device(&self.device).is_some() {
            return None;
        }
        let first = facts.devices.keys().next()?.clone();
        Some(self.select(&first))
    }

    /// Looks at another device.
    pub(super) fn select(&mut self, device: &str) -> Command {
        device.clone_into(&mut self.device);
        (self.token, self.scroll) = (None, 0);
        Command::Look(self.device.clone())
    }

    /// Looks at the next device, or the one before.
    pub(super) fn step(&mut self, by: isize, facts: &Facts) -> Option<Command> {
        let names: Vec<&String> = facts.devices.keys().collect();
        let at = names.iter().position(|name| **name == self.device)?;
        let next = names.get(at.checked_add_signed(by)?)?;
        Some(self.select(next))
    }

    /// Looks at the next token of the device, or the one before, around the end.
    pub(super) fn step_token(&mut self, by: isize, facts: &Facts) {
        let Some(device) = facts.device(&self.device) else { return };
        let count = device.tokens.len();
        let now = self.token(facts).and_then(|token| device.tokens.iter().position(|it| it.id == token.id));
        if let (Some(now), true) = (now, count > 1) {
            let next = (now + count).saturating_add_signed(by) % count;
            self.token = Some(device.tokens[next].id.clone());
            self.scroll = 0;
        }
    }

    /// The token that is looked at.
    pub(super) fn token<'a>(&self, facts: &'a Facts) -> Option<&'a Token> {
        facts.device(&self.device)?.token(self.token.as_deref())
    }

    /// What commands are about.
    pub(super) fn on(&self, facts: &Facts) -> On {
        let is_one_of_many = facts.device(&self.device).is_some_and(|device| device.tokens.len() > 1);
        let token = self.token(facts).filter(|_| is_one_of_many).map(|token| token.id.clone());
        On { device: self.device.clone(), token }
    }

    pub(super) fn card(&self, facts: &Facts, now: u64) -> Card {
        Card::of(facts, &self.device, self.token.as_deref(), now)
    }

    /// What waits for an answer: here first, then on other devices.
    pub(super) fn asked<'a>(&self, facts: &'a Facts) -> Option<Asked<'a>> {
        let here = facts.devices.get(&self.device);
        let prompt = |device: &'a Device| Some(Asked::Prompt(device, device.prompts.first()?));
        let text = || {
            let token = self.token(facts)?;
            let waiting = facts.answers(&self.device, &token.id)?.confirmations.as_ref()?.first()?;
            Some(Asked::Text(self.on(facts), waiting))
        };
        let elsewhere = || facts.devices.values().find_map(|device| prompt(device));
        here.and_then(|device| prompt(device)).or_else(text).or_else(elsewhere)
    }

    /// Remembers what is said, for the line that shows it.
    pub(super) fn says(&mut self, command: &Command, facts: &Facts) {
        if let Some(line) = command.command_line(&facts.program) {
            self.said = Some(line);
            self.old_notice = facts.notices.last().cloned();
        }
        if let Command::NewDevice { name } | Command::Rename { new: name, .. } = command {
            self.wanted = Some(name.clone());
        }
    }

    /// What came of what was said last.
    pub(super) fn notice<'a>(&self, facts: &'a Facts) -> Option<&'a Notice> {
        facts.notices.last().filter(|notice| Some(*notice) != self.old_notice.as_ref())
    }

    /// Whether a row is among those that are shown.
    fn shows(&self) -> impl Fn(&(u64, &Row)) -> bool + use<> {
        let words: Vec<String> = self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
        move |(_, row)| words.iter().all(|word| row.search.contains(word))
    }

    /// The last rows that fit, the newest last, with their numbers.
    pub(super) fn rows<'a>(&self, timeline: &'a Timeline, height: usize) -> Vec<(u64, &'a Row)> {
        let numbered = numbered(timeline).rev().filter(self.shows());
        // What is looked at is in the middle where there is more after it.
        let newest: Vec<(u64, &Row)> = match self.row {
            None => numbered.take(height).collect(),
            Some(at) => {
                let later = numbered_from(timeline, at).filter(self.shows()).take(height / 2 + 1);
                let end = later.last().map_or(at, |(number, _)| number);
                numbered.skip_while(|(number, _)| *number > end).take(height).collect()
            }
        };
        newest.into_iter().rev().collect()
    }

    /// The row that is looked at.
    pub(super) fn row<'a>(&self, timeline: &'a Timeline) -> Option<&'a Row> {
        let place = usize::try_from(self.row?.checked_sub(timeline.gone())?).ok()?;
        timeline.get(place).map(|row| &**row)
    }

    /// Looks at rows before or after; after the newest, at whatever comes.
    pub(super) fn step_row(&mut self, by: isize, timeline: &Timeline) {
        self.scroll = 0;
        let count = by.unsigned_abs();
        if by < 0 {
            let before = numbered(timeline).rev().filter(self.shows());
            let before = before.skip_while(|(number, _)| self.row.is_some_and(|at| *number >= at)).take(count);
            if let Some((number, _)) = before.last() {
                self.row = Some(number);
            }
        } else if let Some(at) = self.row {
            let after = numbered_from(timeline, at + 1).filter(self.shows()).take(count);
            self.row = after.last().map(|(number, _)| number);
        }
    }
}

/// All rows with their numbers.
fn numbered(timeline: &Timeline) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
    let rows = (0..timeline.len()).filter_map(|place| timeline.get(place).map(|row| (place, &**row)));
    rows.map(|(place, row)| (timeline.gone() + place as u64, row))
}

/// Those from this number on.
fn numbered_from(timeline: &Timeline, number: u64) -> impl Iterator<Item = (u64, &Row)> {
    let first = usize::try_from(number.saturating_sub(timeline.gone())).unwrap_or(usize::MAX);
    let rows = (first..timeline.len()).filter_map(|place| timeline.get(place).map(|row| (place, &**row)));
    rows.map(|(place, row)| (timeline.gone() + place as u64, row))
}
