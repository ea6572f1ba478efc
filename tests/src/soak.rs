//! `kill -9` under load, again and again, with somebody who notes what was acknowledged.
//!
//! Workers block and unblock tokens and use up single-use openings while servers are killed and started again. Every
//! acknowledged operation must be there afterwards, whatever was not answered may or may not be, and no opening is told
//! more than once.
#![expect(clippy::missing_panics_doc, reason = "it is test code: it panics when something is not as it must be")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Cluster, Device, Site, get, pause, post, until};

/// Tokens that are blocked and unblocked, each by a worker of its own.
const USERS: usize = 4;
/// The service whose openings are for one check.
const ONCE: &str = "default_once";
/// The user whose token is opened for one check.
const HOLDER: &str = "holder";

/// Where the data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// One node over SQLite.
    Sqlite,
    /// Two nodes over PostgreSQL.
    Postgres,
}

/// Nodes, and what is known of their tokens.
pub struct Soak {
    nodes: Vec<Site>,
    /// The statuses that each token may have.
    users: Vec<(String, Vec<u8>)>,
    device: Device,
    key: String,
    /// What has been counted so far.
    pub totals: Totals,
    cluster: Option<Cluster>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Kills.
    pub kills: u64,
    /// Operations that were acknowledged.
    pub acknowledged: u64,
    /// Operations that were not answered, or with an error.
    pub unanswered: u64,
    /// Openings that were acknowledged.
    pub openings: u64,
    /// Times that a 1 was told.
    pub ones: u64,
}

/// One worker's view of one node after the other.
struct Caller {
    nodes: Vec<SocketAddr>,
    key: String,
    next: usize,
}

impl Caller {
    fn node(&mut self) -> SocketAddr {
        self.next += 1;
        self.nodes[self.next % self.nodes.len()]
    }

    fn change(&mut self, what: &str, service: &str, user: &str) -> Answer {
        let body = json!({ "id": user, "service": service, "authKey": self.key });
        post(self.node(), &format!("/token/{what}"), &body)
    }

    fn status(&mut self, service: &str, user: &str) -> Result<u8, Answer> {
        let target = format!("/token/status?id={user}&service={service}&authKey={}", self.key);
        let answer = get(self.node(), target.as_bytes());
        let text = answer.text();
        let number = text.strip_prefix("{\"status\":").and_then(|rest| rest.strip_suffix('}'));
        if let Some(number) = number.and_then(|number| number.parse().ok()).filter(|_| answer.code == 200) {
            return Ok(number);
        }
        assert!(answer.code == 200 || !text.contains('1'), "an answer that a script could take for open: {answer:?}");
        Err(answer)
    }
}

impl Soak {
    /// Starts the nodes and enrolls the devices.
    #[must_use]
    pub fn start(over: Over) -> Self {
        let cluster = (over == Over::Postgres).then(|| Cluster::start(""));
        let mut environment = vec![("CARDEA_LIMITS_CHECKS_PER_TOKEN".to_owned(), "0".to_owned())];
        if let Some(cluster) = &cluster {
            environment.push(("CARDEA_DATABASE_URL".to_owned(), cluster.database()));
        }
        let mut first = Site::run_with(environment);
        let create = |arguments: &[&str]| {
            let output = first.tool(arguments);
            assert_eq!(output.code, Some(0), "{output:?}");
            output.out
        };
        create(&["service", "create", ONCE, "--window", "0", "--lifetime", "3600"]);
        let made =
            ["authkey", "create", "--subscription", "default", "--name", "soak", "--permissions", "admin", "--json"];
        let made: Value = serde_json::from_str(&create(&made)).expect("JSON");
        let key = ["value", "key", "authkey"].iter().find_map(|name| made[name].as_str()).expect("a value").to_owned();
        first.hide(std::slice::from_ref(&key));
        let users: Vec<_> = (0..USERS).map(|number| (format!("user{number}"), vec![2])).collect();
        for (user, _) in &users {
            drop(first.enrolled(user));
        }
        let service = std::mem::replace(&mut first.service, ONCE.to_owned());
        let admin = std::mem::replace(&mut first.admin_key, key.clone());
        let device = first.enrolled(HOLDER);
        (first.service, first.admin_key) = (service, admin);
        let mut nodes = vec![first];
        if over == Over::Postgres {
            nodes.push(nodes[0].beside());
        }
        Self { nodes, users, device, key, totals: Totals::default(), cluster }
    }

    fn caller(&self, next: usize) -> Caller {
        Caller { nodes: self.nodes.iter().map(Site::http).collect(), key: self.key.clone(), next }
    }

    /// Works, kills a node in the middle of it, starts it again, and checks what is there.
    pub fn cycle(&mut self, number: u64) {
        let service = self.nodes[0].service.clone();
        let callers: Vec<_> = (0..=USERS).map(|next| self.caller(next)).collect();
        let (stop, totals) = (AtomicBool::new(false), Mutex::new(self.totals));
        let Self { nodes, users, device, .. } = self;
        thread::scope(|scope| {
            let (stop, totals, service) = (&stop, &totals, &service);
            let mut callers = callers.into_iter();
            let mut workers = Vec::new();
            for ((user, possible), mut caller) in users.iter_mut().zip(callers.by_ref()) {
                workers.push(scope.spawn(move || toggle(&mut caller, service, user, possible, stop, totals)));
            }
            let device = &*device;
            workers.extend(callers.map(|mut caller| scope.spawn(move || use_up(&mut caller, device, stop, totals))));
            // Every time at another point.
            pause(Duration::from_millis(30 + number * 37 % 400));
            let which = usize::try_from(number).unwrap_or(0) % nodes.len();
            nodes[which].power_failure();
            if number % 4 == 3 {
                // The others go on, or are killed as well.
                nodes.iter_mut().for_each(Site::power_failure);
            }
            stop.store(true, Ordering::SeqCst);
            for worker in workers {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        self.totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.totals.kills += 1;
        self.check(number);
    }

    /// What was acknowledged is there, at every node.
    fn check(&mut self, number: u64) {
        let service = self.nodes[0].service.clone();
        let mut caller = self.caller(0);
        for (user, possible) in &mut self.users {
            let seen: Vec<u8> =
                self.nodes.iter().map(|_| caller.status(&service, user).expect("the nodes are up")).collect();
            assert!(seen.iter().all(|status| possible.contains(status)), "{number}: {user}: {seen:?} of {possible:?}");
            assert!(seen.iter().all(|status| *status == seen[0]), "{number}: {user}: {seen:?}");
            *possible = vec![seen[0]];
        }
    }

    /// Stops and starts the database; nothing is told as done meanwhile, and then everything goes on.
    pub fn interrupt_database(&mut self, signal: &str) {
        let Some(cluster) = &self.cluster else { return };
        let service = self.nodes[0].service.clone();
        let mut caller = self.caller(0);
        cluster.down(signal);
        for _ in 0..10 {
            let asked = caller.status(&service, "user0").expect_err("there is nobody to ask");
            assert_eq!(asked.code, 503, "{asked:?}");
            let changed = caller.change("block", &service, "user0");
            assert_eq!(changed.code, 503, "{changed:?}");
        }
        cluster.up();
        for node in &self.nodes {
            let mut caller = Caller { nodes: vec![node.http()], key: self.key.clone(), next: 0 };
            until("an answer", || caller.status(&service, "user0").ok());
        }
        self.check(0);
    }
}

fn note(totals: &Mutex<Totals>, count: impl FnOnce(&mut Totals)) {
    count(&mut totals.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Blocks and unblocks, and notes what may have come of it.
fn toggle(
    caller: &mut Caller,
    service: &str,
    user: &str,
    possible: &mut Vec<u8>,
    stop: &AtomicBool,
    totals: &Mutex<Totals>,
) {
    let mut block = *possible != [4];
    while !stop.load(Ordering::SeqCst) {
        let (what, after) = if block { ("block", 4) } else { ("unblock", 2) };
        block = !block;
        let answer = caller.change(what, service, user);
        match answer.code {
            200 => {
                *possible = vec![after];
                note(totals, |totals| totals.acknowledged += 1);
            }
            0 | 500 | 503 => {
                possible.push(after);
                note(totals, |totals| totals.unanswered += 1);
                // Nobody is there: it takes a moment.
                pause(Duration::from_millis(5));
            }
            _ => panic!("{what} {user}: {answer:?}"),
        }
    }
}

/// Opens for one check, and checks more than once at the same time.
fn use_up(caller: &mut Caller, device: &Device, stop: &AtomicBool, totals: &Mutex<Totals>) {
    while !stop.load(Ordering::SeqCst) {
        let opened = device.open(Site::PIN).code == 0;
        let told: Vec<Result<u8, Answer>> = thread::scope(|scope| {
            let asking: Vec<_> = (0..4)
                .map(|next| {
                    let mut caller = Caller { nodes: caller.nodes.clone(), key: caller.key.clone(), next };
                    scope.spawn(move || (0..4).map(|_| caller.status(ONCE, HOLDER)).collect::<Vec<_>>())
                })
                .collect();
            asking.into_iter().flat_map(|asking| asking.join().expect("it asks")).collect()
        });
        let ones = told.iter().filter(|told| **told == Ok(1)).count();
        assert!(ones <= 1, "an opening for one check was told {ones} times: {told:?}");
        assert!(!opened || ones == 1 || told.iter().any(Result::is_err), "an opening is lost: {told:?}");
        note(totals, |totals| {
            totals.openings += u64::from(opened);
            totals.ones += u64::try_from(ones).unwrap_or(u64::MAX);
        });
    }
}
