//! One fault, while a token is opened.

use cardea_emulator::engine::{Device, EngineError, Kind, Options, Persona, Settings, Transport};
use cardea_emulator::faults::{Gate, Rule};
use cardea_emulator::testing::Emulator;
use cardea_sdk::{Approval, Deed, DeviceStatus, Pin};
use cardea_tests::harness::Site;

/// How the opening ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is open.
    Open,
    /// An error of this number.
    Error(u32),
    /// The app was killed.
    Killed,
}

/// A fault, and what is to come of it.
pub(super) struct Case {
    pub(super) fault: &'static str,
    /// What the rule has besides.
    pub(super) rule: fn(Rule) -> Rule,
    pub(super) transport: Transport,
    /// Whether the holder is asked; who is not gives the PIN at once, so that the opening is the only thing that is sent.
    pub(super) asks: bool,
    pub(super) ended: Ended,
    /// What relying parties may read right afterwards.
    pub(super) then: &'static [u8],
    /// How often the token was opened then, if its status is 1.
    pub(super) opened: usize,
}

impl Case {
    /// The token is open all the same.
    pub(super) const fn opens(fault: &'static str) -> Self {
        let rule = |rule: Rule| rule.times(1);
        Self { fault, rule, transport: Transport::Tcp, asks: false, ended: Ended::Open, then: &[1], opened: 1 }
    }

    /// It is not, and nothing was sent.
    pub(super) const fn fails(fault: &'static str, error: u32) -> Self {
        Self { ended: Ended::Error(error), then: &[2], ..Self::opens(fault) }
    }

    /// The app is killed.
    pub(super) const fn killed(fault: &'static str, then: &'static [u8]) -> Self {
        Self { ended: Ended::Killed, then, ..Self::opens(fault) }
    }

    pub(super) const fn with(mut self, rule: fn(Rule) -> Rule) -> Self {
        self.rule = rule;
        self
    }

    pub(super) const fn asks(mut self) -> Self {
        self.asks = true;
        self
    }

    pub(super) const fn udp(mut self) -> Self {
        self.transport = Transport::Udp;
        self
    }

    pub(super) const fn then(mut self, then: &'static [u8]) -> Self {
        self.then = then;
        self
    }

    /// Runs it, and looks whether everything is as it must be.
    async fn run(&self, site: &Site, user: String) {
        let about = format!("{} ({user})", self.fault);
        let options = Options { transport: self.transport, ..Options::default() };
        let settings = Settings { options, faults: Gate::loopback(), ..Settings::default() };
        let scene = Scene::with(site, Emulator::with(settings).expect("a session"), "phone", &user).await;
        scene.arm((self.rule)(Rule::new(self.fault).id("fault").op("open")));
        let approval = if self.asks { Approval::Ask } else { pin().into() };
        let ended = match scene.phone.open_with(None, None, approval).await {
            Ok(status) => {
                assert_eq!(status.state, DeviceStatus::Open, "{about}");
                Ended::Open
            }
            Err(EngineError::Killed { .. }) => Ended::Killed,
            Err(error) => Ended::Error(error.code()),
        };
        assert_eq!(ended, self.ended, "{about}: {:?}", scene.journal());
        assert!(scene.hits("fault") > 0, "{about}: it did not happen");
        let status = site.status(&user);
        assert!(self.then.contains(&status), "{about}: status {status}");
        scene.emulator.faults().clear();
        // The device finds out, and agrees with what relying parties read.
        let told = scene.phone.status(None).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        let status = site.status(&user);
        assert!(self.then.contains(&status), "{about}: status {status}");
        assert_eq!(told.state.number(), status, "{about}");
        assert_eq!(scene.deeds(Deed::Opened).await, if status == 1 { self.opened } else { 0 }, "{about}");
        scene.works(&about).await;
    }
}

/// All of these, at the same time.
pub(super) async fn all(cases: &'static [Case]) {
    let site = std::sync::Arc::new(Site::dev());
    let running: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let site = std::sync::Arc::clone(&site);
            tokio::spawn(async move { case.run(&site, format!("{}-{number}", case.fault)).await })
        })
        .collect();
    let mut failed = Vec::new();
    for (task, case) in running.into_iter().zip(cases) {
        if task.await.is_err() {
            failed.push(case.fault);
        }
    }
    assert!(failed.is_empty(), "{failed:?}: see above");
}

/// A session in which things may go wrong, and a device with a closed token.
pub(super) struct Scene<'a> {
    pub(super) site: &'a Site,
    pub(super) emulator: Emulator,
    pub(super) phone: Device,
    pub(super) user: String,
}

impl<'a> Scene<'a> {
    pub(super) async fn new(site: &'a Site, user: &str) -> Self {
        let settings = Settings { faults: Gate::loopback(), ..Settings::default() };
        Self::with(site, Emulator::with(settings).expect("a session"), "phone", user).await
    }

    pub(super) async fn with(site: &'a Site, emulator: Emulator, name: &str, user: &str) -> Self {
        let phone = enrolled(&emulator, site, name, user).await;
        Self { site, emulator, phone, user: user.to_owned() }
    }

    pub(super) fn arm(&self, rule: Rule) {
        self.emulator.faults().arm(rule).expect("a rule that can be");
    }

    pub(super) fn hits(&self, rule: &str) -> u64 {
        self.emulator.faults().get(rule).expect("it is armed").hits
    }

    pub(super) fn status(&self) -> u8 {
        self.site.status(&self.user)
    }

    /// What came of faults.
    pub(super) fn outcomes(&self) -> Vec<String> {
        let entries = self.emulator.journal().since(0).entries.into_iter();
        entries
            .filter_map(|entry| match entry.kind {
                Kind::FaultOutcome { outcome, .. } => Some(outcome),
                _ => None,
            })
            .collect()
    }

    fn journal(&self) -> Vec<Kind> {
        self.emulator.journal().since(0).entries.into_iter().map(|entry| entry.kind).collect()
    }

    /// How often this was done with the token.
    pub(super) async fn deeds(&self, deed: Deed) -> usize {
        let history = self.phone.history(None, 0).await.expect("it is told");
        history.iter().filter(|item| item.deed == deed).count()
    }

    /// The token is as good as new.
    pub(super) async fn works(&self, about: &str) {
        let failed = |error: EngineError| panic!("{about}: {error}");
        let closed = self.phone.close(None).await.unwrap_or_else(failed);
        assert_eq!((closed.state, self.status()), (DeviceStatus::Closed, 2), "{about}");
        assert_eq!(closed.tries_left, 10, "{about}");
        let opened = self.phone.open(None, None).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        assert_eq!((opened.state, self.status()), (DeviceStatus::Open, 1), "{about}");
        assert_eq!(opened.tries_left, 10, "{about}");
        self.phone.close(None).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        assert_eq!(self.status(), 2, "{about}");
    }
}

/// The PIN of every holder here.
pub(super) fn pin() -> Pin {
    Pin::new(Site::PIN.as_bytes()).expect("a PIN")
}

/// A device with a token of `user`.
pub(super) async fn enrolled(emulator: &Emulator, site: &Site, name: &str, user: &str) -> Device {
    let device = emulator.add(name).await.expect("a free name");
    let invitation = device.invitation(&site.offer(user).link, None).await.expect("a link");
    device.enroll_as(&invitation, Persona::new(Site::PIN, &[]).expect("a PIN")).await.expect("enrolled");
    device
}
