//! What a key does. Ctrl-C leaves from everywhere.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::app::{App, Asked, Dialog, Pane};
use super::form::Form;
use super::menu::{Does, Kind, Menu};
use super::run::Ended;
use crate::face::{Command, Facts, Shape};

/// So many rows are a page.
const PAGE: isize = 10;

/// What comes of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This is said.
    Tell(Vec<Command>),
    /// It ends.
    Leave(Ended),
}

/// Nothing is said.
const NOTHING: Step = Step::Tell(Vec::new());

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Self::Tell(vec![command])
    }
}

impl From<Option<Command>> for Step {
    fn from(command: Option<Command>) -> Self {
        Self::Tell(command.into_iter().collect())
    }
}

impl App {
    /// What was typed or pasted; `now` is in Unix seconds of the session.
    pub(super) fn typed(&mut self, event: &Event, facts: &Facts, now: u64) -> Step {
        match event {
            Event::Paste(text) => self.pasted(text),
            Event::FocusGained => Command::Refresh.into(),
            Event::Key(key) if key.kind != KeyEventKind::Release => self.pressed(*key, facts, now),
            _ => NOTHING,
        }
    }

    fn pasted(&mut self, text: &str) -> Step {
        match &mut self.dialog {
            Some(Dialog::Form(form)) => form.field().add(text),
            Some(Dialog::Menu(menu)) => menu.searched(|search| search.extend(text.chars().take(64))),
            None if self.is_filtering => self.filter.extend(text.chars().filter(|it| !it.is_control()).take(64)),
            // What looks like an invitation is one.
            None if text.contains("#") && (text.contains("://") || text.trim_start().starts_with("cardea:")) => {
                let mut form = Form::enroll(self.device.clone());
                form.field().add(text);
                self.dialog = Some(Dialog::Form(form));
            }
            Some(Dialog::Help) | None => {}
        }
        NOTHING
    }

    fn pressed(&mut self, key: KeyEvent, facts: &Facts, now: u64) -> Step {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Step::Leave(Ended::Interrupted);
        }
        match self.dialog.take() {
            // Any key.
            Some(Dialog::Help) => NOTHING,
            Some(Dialog::Menu(menu)) => self.in_menu(menu, key, facts),
            Some(Dialog::Form(form)) => self.in_form(form, key),
            None if self.is_filtering => self.in_filter(key),
            None if key.modifiers.intersects(KeyModifiers::CONTROL.union(KeyModifiers::ALT)) => NOTHING,
            None => self.in_front(key.code, facts, now),
        }
    }

    fn in_form(&mut self, mut form: Form, key: KeyEvent) -> Step {
        form.problem = None;
        match key.code {
            KeyCode::Esc => return NOTHING,
            KeyCode::Enter if !form.next() => {
                if let Some(command) = form.filled() {
                    return command.into();
                }
            }
            KeyCode::Tab | KeyCode::Down => {
                form.next();
            }
            KeyCode::BackTab | KeyCode::Up => form.previous(),
            KeyCode::Backspace => form.remove(false),
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => form.remove(true),
            KeyCode::Char(it) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                form.field().add(it.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        self.dialog = Some(Dialog::Form(form));
        NOTHING
    }

    fn in_menu(&mut self, mut menu: Menu, key: KeyEvent, facts: &Facts) -> Step {
        let on = self.on(facts);
        match key.code {
            KeyCode::Esc => return NOTHING,
            KeyCode::Up => menu.moved(-1, facts, &on),
            KeyCode::Down => menu.moved(1, facts, &on),
            KeyCode::PageUp => menu.moved(-PAGE, facts, &on),
            KeyCode::PageDown => menu.moved(PAGE, facts, &on),
            KeyCode::Enter | KeyCode::Char('*') => {
                let times = (key.code == KeyCode::Enter).then_some(1);
                match menu.chosen(facts, &on) {
                    Some(Does::Tell(command)) => {
                        // Faults are seldom one.
                        self.dialog = (menu.kind == Kind::Faults).then_some(Dialog::Menu(menu));
                        return command.into();
                    }
                    Some(Does::Arm(fault)) => {
                        self.dialog = Some(Dialog::Menu(menu));
                        return Command::Arm { fault, times, device: Some(on.device) }.into();
                    }
                    Some(Does::Ask(form)) => {
                        self.dialog = Some(Dialog::Form(form));
                        return NOTHING;
                    }
                    None => {}
                }
            }
            KeyCode::Backspace => menu.searched(|search| {
                search.pop();
            }),
            KeyCode::Char(it) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                menu.searched(|search| search.push(it));
            }
            _ => {}
        }
        self.dialog = Some(Dialog::Menu(menu));
        NOTHING
    }

    fn in_filter(&mut self, key: KeyEvent) -> Step {
        match key.code {
            KeyCode::Enter => self.is_filtering = false,
            KeyCode::Esc => (self.is_filtering, self.filter) = (false, String::new()),
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => self.filter.clear(),
            KeyCode::Char(it) if !key.modifiers.contains(KeyModifiers::CONTROL) => self.filter.push(it),
            _ => {}
        }
        (self.row, self.scroll) = (None, 0);
        NOTHING
    }

    fn in_front(&mut self, key: KeyCode, facts: &Facts, now: u64) -> Step {
        let on = || self.on(facts);
        let dialog = match key {
            KeyCode::Char('q') => return Step::Leave(Ended::Left),
            KeyCode::Char('c') => return Command::Close(on()).into(),
            KeyCode::Char('t' | ' ') if self.card(facts, now).shape == Shape::Open => {
                return Command::Close(on()).into();
            }
            KeyCode::Char('o' | 't' | ' ') => self.open(facts),
            KeyCode::Char('s') => return Command::Status(on()).into(),
            KeyCode::Char('i') => return self.about(facts),
            KeyCode::Char('r') => return Command::Trace(!facts.trace.on).into(),
            KeyCode::Char('a') => self.approve(facts),
            KeyCode::Char('d') => return self.deny(facts, "unsaid").into(),
            KeyCode::Char('x') => return self.deny(facts, "cancelled").into(),
            KeyCode::Char('e') => Dialog::Form(Form::enroll(self.device.clone())),
            KeyCode::Char('w') => Dialog::Form(Form::write()),
            KeyCode::Char('v') => Dialog::Form(Form::check()),
            KeyCode::Char('+') => Dialog::Form(Form::new_device()),
            KeyCode::Char('n') => Dialog::Menu(Menu::new(Kind::Network)),
            KeyCode::Char('k') => Dialog::Menu(Menu::new(Kind::Clock)),
            KeyCode::Char('f') => Dialog::Menu(Menu::new(Kind::Faults)),
            KeyCode::Char('h') => Dialog::Menu(Menu::new(Kind::Habit)),
            KeyCode::Char('p') => Dialog::Menu(Menu::new(Kind::Pins)),
            KeyCode::Char('m') => Dialog::Menu(Menu::new(Kind::More)),
            KeyCode::Char('b') => Dialog::Menu(Menu::new(Kind::Copies)),
            KeyCode::Char('?') | KeyCode::F(1) => Dialog::Help,
            key => return self.moved(key, facts),
        };
        self.dialog = Some(dialog);
        NOTHING
    }

    fn moved(&mut self, key: KeyCode, facts: &Facts) -> Step {
        match key {
            KeyCode::Char('/') => (self.is_filtering, self.front) = (true, Pane::Timeline),
            KeyCode::Char('[') => self.step_token(-1, facts),
            KeyCode::Char(']') => self.step_token(1, facts),
            KeyCode::Tab | KeyCode::Right => self.front = self.front.next(),
            KeyCode::BackTab | KeyCode::Left => self.front = self.front.previous(),
            KeyCode::Esc => (self.row, self.scroll, self.front) = (None, 0, Pane::Devices),
            KeyCode::Enter => self.front = Pane::Detail,
            KeyCode::Up => return self.stepped(-1, facts),
            KeyCode::Down => return self.stepped(1, facts),
            KeyCode::PageUp => return self.stepped(-PAGE, facts),
            KeyCode::PageDown => return self.stepped(PAGE, facts),
            KeyCode::End if self.front == Pane::Timeline => self.row = None,
            _ => {}
        }
        NOTHING
    }

    fn stepped(&mut self, by: isize, facts: &Facts) -> Step {
        match self.front {
            Pane::Devices => return self.step(by, facts).into(),
            Pane::Timeline => self.step_row(by, &facts.timeline),
            Pane::Detail => {
                let by = i16::try_from(by).unwrap_or_default();
                self.scroll = self.scroll.saturating_add_signed(by);
            }
        }
        NOTHING
    }

    fn open(&self, facts: &Facts) -> Dialog {
        match self.token(facts) {
            Some(token) => Dialog::Form(Form::open(self.on(facts), token.title())),
            // There is nothing to open yet.
            None => Dialog::Form(Form::enroll(self.device.clone())),
        }
    }

    fn about(&self, facts: &Facts) -> Step {
        let Some(token) = self.token(facts) else { return NOTHING };
        let on = crate::face::On { device: self.device.clone(), token: Some(token.id.clone()) };
        Step::Tell(vec![Command::Siblings(on.clone()), Command::History(on.clone()), Command::About(on)])
    }

    fn approve(&self, facts: &Facts) -> Dialog {
        match self.asked(facts) {
            Some(Asked::Prompt(device, prompt)) => {
                let text = prompt.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                let what = format!("{} {}{text}", prompt.service, prompt.purpose);
                Dialog::Form(Form::answer(device.name.clone(), prompt.number, &what))
            }
            Some(Asked::Text(on, waiting)) => Dialog::Form(Form::approve(on, waiting.id.clone(), &waiting.text)),
            None => Dialog::Help,
        }
    }

    fn deny(&self, facts: &Facts, reason: &'static str) -> Option<Command> {
        Some(match self.asked(facts)? {
            Asked::Prompt(device, prompt) => {
                let device = device.name.clone();
                Command::Answer { device, prompt: prompt.number, does: "cancel", pin: None }
            }
            Asked::Text(on, waiting) => Command::Deny { on, id: waiting.id.clone(), reason },
        })
    }
}

impl Pane {
    const fn next(self) -> Self {
        match self {
            Self::Devices => Self::Timeline,
            Self::Timeline => Self::Detail,
            Self::Detail => Self::Devices,
        }
    }

    const fn previous(self) -> Self {
        self.next().next()
    }
}
