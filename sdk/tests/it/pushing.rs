//! What the server in memory tells unasked: texts that wait, the state, and that a session is over.

use std::collections::BTreeMap;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::Session;
use cardea_protocol::wire::{Op, Push, PushedConfirmation, Reply, Text};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::server::{Server, State};

/// What a connection with a session is told from elsewhere.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// Send this.
    Push(Box<Push>),
    /// Send REVOKED and close.
    Over,
    /// Close, without a word.
    Cut,
}

/// A session and its mailbox.
pub(crate) struct Live {
    pub(crate) session: Session<Dalek>,
    pub(crate) mailbox: UnboundedReceiver<Told>,
}

/// The newest session of each device.
#[derive(Default)]
pub(crate) struct Pushing {
    sessions: BTreeMap<[u8; 4], UnboundedSender<Told>>,
    pub(crate) waiting: Vec<PushedConfirmation>,
}

impl Pushing {
    /// A session that ends the one before it.
    pub(crate) fn begin(&mut self, session: Session<Dalek>) -> Live {
        let (send, mailbox) = unbounded_channel();
        let device = *session.device().bytes();
        self.end(device);
        self.sessions.insert(device, send);
        Live { session, mailbox }
    }

    pub(crate) fn end(&mut self, device: [u8; 4]) {
        if let Some(older) = self.sessions.remove(&device) {
            let _ = older.send(Told::Over);
        }
    }

    fn tell(&self, told: &Told) {
        for session in self.sessions.values() {
            let _ = session.send(told.clone());
        }
    }
}

impl Live {
    /// The frame of a push.
    pub(crate) fn frame(&mut self, push: &Push, now: u32) -> Vec<u8> {
        match self.session.push(push, now).unwrap() {
            Some(frame) => frame.bytes().to_vec(),
            None => self.session.push_large(push).unwrap().unwrap().bytes().to_vec(),
        }
    }

    /// The last frame.
    pub(crate) fn over(&mut self, state: &State) -> Vec<u8> {
        let reply = Reply { op: Op::PushRevoked, aux: 0, until: 0, ..state.reply(Op::Ping, Code::Ok, 0) };
        self.session.reply(&reply).unwrap().bytes().to_vec()
    }

    /// What follows the answer to a SUBSCRIBE.
    pub(crate) fn list(&mut self, state: &State) -> Vec<Vec<u8>> {
        let waiting = state.pushing.waiting.iter().map(|asked| Push::Confirmation(*asked));
        let all: Vec<Push> = waiting.chain([Push::State(state.push_state())]).collect();
        all.iter().map(|push| self.frame(push, state.now)).collect()
    }
}

impl State {
    fn push_state(&self) -> Reply {
        let reply = self.reply(Op::PushState, Code::Ok, 0);
        Reply { aux: Reply::with_waiting(0, reply.waiting()), ..reply }
    }
}

impl Server {
    /// Pushes to all sessions.
    pub(crate) fn push(&self, push: Push) {
        self.state().pushing.tell(&Told::Push(Box::new(push)));
    }

    /// Pushes the state as it is now.
    pub(crate) fn push_state(&self) {
        let reply = self.state().push_state();
        self.push(Push::State(reply));
    }

    /// Opens the token as another device does, and pushes it.
    pub(crate) fn open_elsewhere(&self, seconds: u32) {
        let now = self.state().now;
        self.state().open_until = now + seconds;
        self.push_state();
    }

    /// Closes the token as another device does, and pushes it.
    pub(crate) fn close_elsewhere(&self) {
        self.state().open_until = 0;
        self.push_state();
    }

    /// Asks for a text to be confirmed, and pushes it.
    pub(crate) fn ask(&self, number: u8, text: &str) {
        let index = u8::try_from(self.state().pushing.waiting.len() % 3).unwrap();
        let expires_at = self.state().now + 120;
        let asked =
            PushedConfirmation { id: [number; 8], expires_at, relying_party: 1, index, text: Text::new(text).unwrap() };
        self.state().pushing.waiting.push(asked);
        self.push(Push::Confirmation(asked));
        self.push_state();
    }

    /// Revokes the device.
    pub(crate) fn revoke(&self) {
        let mut state = self.state();
        state.devices[0].row.revoked = true;
        state.pushing.tell(&Told::Over);
    }

    /// Tells all sessions to be over, without a reason.
    pub(crate) fn say_over(&self) {
        self.state().pushing.tell(&Told::Over);
    }

    /// Breaks all connections that have sessions.
    pub(crate) fn cut(&self) {
        self.state().pushing.tell(&Told::Cut);
    }

    /// How often pushes were asked for.
    pub(crate) fn subscriptions(&self) -> usize {
        self.state().executed.iter().filter(|(op, code)| (*op, *code) == (Op::Subscribe, Code::Ok)).count()
    }
}
