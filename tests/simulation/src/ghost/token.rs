//! The token as it should be: written anew for the simulation, so that it can disagree with the server's.

use cardea_server::domain::confirmation::ConfirmationState;

/// What a PIN is to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Normal,
    Duress,
    Wrong,
}

/// An opening: its second, its length, whether one check ends it.
#[derive(Debug, Clone, Copy)]
struct Opening {
    at: u64,
    seconds: u64,
    single: bool,
}

/// The PINs of one device: the true ones, and those of the shadow if they were changed there.
#[derive(Debug, Clone, Copy)]
struct Pins {
    real: [u8; 2],
    shadow: Option<[u8; 2]>,
}

/// The token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Token {
    pub(crate) single_use: bool,
    pub(crate) silent: bool,
    pub(crate) restored_at: u64,
    pins: Vec<Pins>,
    real: Option<Opening>,
    shadow: Option<Opening>,
    duress: bool,
    closes: Vec<(Option<usize>, u64)>,
    /// How often each device has changed its static key.
    rotations: Vec<u32>,
    /// Devices that are blocked, suspended, revoked or given up: nothing of theirs is accepted.
    ended: Vec<usize>,
    questions: Vec<Question>,
}

/// A confirmation: its id, when its time is over, and what ended it.
#[derive(Debug, Clone, Copy)]
struct Question {
    id: [u8; 8],
    ends_at: u64,
    ended: Option<ConfirmationState>,
}

impl Question {
    fn state(&self, now: u64) -> ConfirmationState {
        let is_over = now >= self.ends_at;
        self.ended.unwrap_or(if is_over { ConfirmationState::Expired } else { ConfirmationState::Pending })
    }
}

const SECONDS: u64 = 60;

impl Token {
    /// Device `n` (in order) enrolls with a normal and a duress PIN.
    pub(crate) fn enroll(&mut self, normal: u8, duress: u8) {
        self.pins.push(Pins { real: [normal, duress], shadow: None });
        self.rotations.push(0);
    }

    pub(crate) fn role(&self, entry: usize, pin: u8) -> Role {
        let Some(pins) = self.pins.get(entry) else { return Role::Wrong };
        let [normal, duress] = pins.shadow.filter(|_| self.duress).unwrap_or(pins.real);
        match pin {
            pin if pin == normal => Role::Normal,
            pin if pin == duress => Role::Duress,
            _ => Role::Wrong,
        }
    }

    fn expire(&mut self, now: u64) {
        for world in [&mut self.real, &mut self.shadow] {
            if world.is_some_and(|opening| now >= opening.at + opening.seconds) {
                *world = None;
            }
        }
    }

    /// A good PIN was typed for something; a duress PIN is an alarm whatever it was for.
    pub(crate) fn touch(&mut self, role: Role, now: u64) {
        self.expire(now);
        if role == Role::Duress {
            self.duress = true;
            self.real = None;
        }
    }

    pub(crate) fn open(&mut self, _entry: usize, role: Role, now: u64) {
        self.touch(role, now);
        let opening = Some(Opening { at: now, seconds: SECONDS, single: self.single_use });
        self.shadow = opening;
        self.real = opening.filter(|_| !self.duress);
    }

    /// Closed by device `by`, or by an administrator.
    pub(crate) fn close(&mut self, by: Option<usize>, now: u64) {
        (self.real, self.shadow) = (None, None);
        self.closes.push((by, now));
    }

    /// An administrator acts: everything is closed, and for opens that are under way it counts as a close or not.
    pub(crate) fn administer(&mut self, now: u64, is_close: bool) {
        (self.real, self.shadow) = (None, None);
        if is_close {
            self.closes.push((None, now));
        }
    }

    pub(crate) fn closed_by_other(&self, entry: usize) -> Option<u64> {
        self.closes.iter().filter(|(by, _)| *by != Some(entry)).map(|(_, at)| *at).max()
    }

    pub(crate) fn set_pins(&mut self, entry: usize, role: Role, next: u8, now: u64) {
        self.touch(role, now);
        if let Some(pins) = self.pins.get_mut(entry) {
            if self.duress {
                pins.shadow = Some([next, pins.real[1]]);
            } else {
                pins.real[0] = next;
            }
        }
    }

    /// Nothing of device `entry` is to be accepted from now on.
    pub(crate) fn end(&mut self, entry: usize) {
        self.ended.push(entry);
    }

    /// A resync that the operator allowed lets device `entry` in again.
    pub(crate) fn resume(&mut self, entry: usize) {
        self.ended.retain(|ended| *ended != entry);
    }

    pub(crate) fn is_ended(&self, entry: usize) -> bool {
        self.ended.contains(&entry)
    }

    pub(crate) fn rotate(&mut self, entry: usize, role: Role, now: u64) {
        self.touch(role, now);
        if let Some(rotations) = self.rotations.get_mut(entry) {
            *rotations += 1;
        }
    }

    /// Devices whose static key has changed since `backup`.
    pub(crate) fn rotated_since<'a>(&'a self, backup: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let both = self.rotations.iter().zip(&backup.rotations).enumerate();
        both.filter(|(_, (now, then))| now != then).map(|(entry, _)| entry)
    }

    pub(crate) fn unenroll(&mut self, entry: usize, role: Role, now: u64) {
        self.touch(role, now);
        self.close(Some(entry), now);
        self.end(entry);
        self.take_back(None, now);
    }

    /// A relying party asks something that can be answered before `ends_at`.
    pub(crate) fn ask(&mut self, id: [u8; 8], ends_at: u64) {
        self.questions.push(Question { id, ends_at, ended: None });
    }

    /// A question, or every one that waits, is taken back.
    pub(crate) fn take_back(&mut self, id: Option<[u8; 8]>, now: u64) {
        for question in self.questions.iter_mut().filter(|question| id.is_none_or(|id| id == question.id)) {
            if question.state(now) == ConfirmationState::Pending {
                question.ended = Some(ConfirmationState::Cancelled);
            }
        }
    }

    /// The holder answers; returns what the question was before. An approval by who is not free is none.
    pub(crate) fn answer(&mut self, id: &[u8; 8], approves: bool, now: u64) -> Option<ConfirmationState> {
        let question = self.questions.iter_mut().find(|question| question.id == *id)?;
        let before = question.state(now);
        question.ended = Some(match (approves, self.duress) {
            (false, _) => ConfirmationState::Denied { reason: 2 },
            (true, true) => ConfirmationState::Duress,
            (true, false) => ConfirmationState::Approved,
        });
        Some(before)
    }

    /// What a relying party must be told of its question.
    pub(crate) fn became(&self, id: &[u8; 8], now: u64) -> Option<ConfirmationState> {
        self.questions.iter().find(|question| question.id == *id).map(|question| question.state(now))
    }

    pub(crate) fn clear_duress(&mut self, now: u64) {
        self.duress = false;
        for pins in &mut self.pins {
            pins.shadow = None;
        }
        self.close(None, now);
    }

    pub(crate) fn is_under_duress(&self) -> bool {
        self.duress
    }

    /// What a relying party must be told at `now` if nothing is blocked and somebody is enrolled; a check of a
    /// single-use opening ends it.
    pub(crate) fn check(&mut self, now: u64) -> u8 {
        self.expire(now);
        let world = if self.duress { &mut self.shadow } else { &mut self.real };
        let open = world.is_some();
        if world.is_some_and(|opening| opening.single) {
            (self.real, self.shadow) = (None, None);
        }
        match (self.duress, self.silent) {
            (true, false) => 3,
            _ if open => 1,
            _ => 2,
        }
    }
}
