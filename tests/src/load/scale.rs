//! Many tokens on one machine.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider as _};
use cardea_protocol::ratchet::Row;
use cardea_protocol::token::DeviceInfo;
use cardea_protocol::wire::Host;
use cardea_server::admin::{Actor, EnrollOptions, Instance};
use cardea_server::clock::{TestClock, UnixSeconds};
use cardea_server::domain::name::{ServiceName, UserId};
use cardea_server::entropy::{Entropy as _, OsEntropy};
use cardea_server::vault::{Endpoint, NewDevice, VaultError};

use super::cpu;
use super::getter::Getter;
use super::report::{Line, Sample};
use crate::harness::{Site, get, pause};

/// What the large server is compared with.
const FEW: usize = 1_000;
/// Tokens in one transaction.
const BATCH: usize = 5_000;
/// Checks of each server that are measured.
const CHECKS: usize = 20_000;

/// Compares a server with `tokens` enrolled tokens with one that has a thousand. Required: a status check that takes at
/// most 1.1 times as long.
///
/// # Panics
/// A server does not work at all.
#[must_use]
pub fn scale(tokens: usize) -> Vec<Line> {
    let (few, many) = (filled(FEW), filled(tokens));
    let (few_times, many_times) = checks((&few, FEW), (&many, tokens));
    let bytes = (size(&many) - size(&few)) / u64::try_from(tokens - FEW).unwrap_or(1);
    let memory = |site: &Site| cpu::memory(site.ready["pid"].as_u64().expect("the ready file has it")) / 1024;
    let line = |what: String, sample: &Sample| {
        Line::said(&what, format!("{:.1} us p50, {:.1} us p99", sample.percentile(50), sample.percentile(99)))
    };
    vec![
        line(format!("status of {FEW} tokens, any of them"), &few_times),
        line(format!("status of {tokens} tokens, any of them"), &many_times),
        Line::at_most("status of many tokens to few: p50", many_times.percentile(50) / few_times.percentile(50), 1.1),
        Line::said("database per token", format!("{bytes} bytes")),
        Line::said("resident memory, few and many", format!("{} and {} MiB", memory(&few), memory(&many))),
    ]
}

fn user(number: usize) -> String {
    format!("user{number:07}")
}

/// A server whose database has so many tokens. The devices behind them exist on paper only.
fn filled(tokens: usize) -> Site {
    let mut site = Site::dev_with(&["--window", "3600", "--log", "error", "--set", "metrics.public=true"]);
    assert_eq!(site.stop(), Some(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(fill(&site.data(), site.time(), &site.service, tokens));
    drop(runtime);
    site.up();
    site.use_dev_service();
    await_copies(&site, tokens);
    site
}

/// Waits until the server has read all statuses into memory, which it does in the background.
fn await_copies(site: &Site, tokens: usize) {
    loop {
        let metrics = get(site.http(), b"/metrics").text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("cardea_cached_statuses "));
        if line.expect("it is counted").parse::<usize>().expect("a number") >= tokens {
            return;
        }
        pause(Duration::from_millis(200));
    }
}

async fn fill(folder: &Path, now: u64, service: &str, tokens: usize) {
    let clock = Arc::new(TestClock::new(UnixSeconds::new(now)));
    let instance = Instance::open(folder, clock, Arc::new(OsEntropy)).await.expect("the folder has a database");
    let name = ServiceName::parse(service).expect("`dev` chooses good names");
    for first in (0..tokens).step_by(BATCH) {
        let (vault, name) = (Arc::clone(instance.vault()), name.clone());
        let batch = instance.store().write(move |tx| {
            let service = vault.service(tx, &name)?.ok_or(VaultError::Unknown("service"))?;
            for number in first..tokens.min(first + BATCH) {
                let user = UserId::parse(user(number)).expect("a good name");
                let endpoint = Endpoint { host: Host::new("127.0.0.1").expect("a host"), port: 1 };
                let offer = vault.offer(
                    tx,
                    &service,
                    &user,
                    (EnrollOptions::default(), Actor::Operator),
                    endpoint,
                    vault.reading(),
                )?;
                let pending = vault.pending_offer(tx, &offer.link.id, vault.reading())?;
                let _ = vault.count_enrollment_try(tx, &pending, vault.reading())?;
                let row = Row::new(pending.token, pending.device, random(), key(), Secret::new(random()));
                let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
                let device = NewDevice { row, keys: std::array::from_fn(|_| key()), info, short_string: 0 };
                vault.complete_enrollment(tx, &pending, device, vault.reading())?;
            }
            Ok::<_, VaultError>(())
        });
        batch.await.expect("the disk has room");
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsEntropy.fill(&mut bytes);
    bytes
}

fn key() -> [u8; 32] {
    Dalek::ed25519_public(&Secret::new(random()))
}

fn size(site: &Site) -> u64 {
    let files = fs::read_dir(site.data()).expect("the folder is there").map(|file| file.expect("a file"));
    files.map(|file| file.metadata().map_or(0, |metadata| metadata.len())).sum()
}

/// Checks of tokens that are chosen at random, in turns, so that whatever else the machine does slows both.
fn checks(few: (&Site, usize), many: (&Site, usize)) -> (Sample, Sample) {
    let mut state = 88_172_645_463_325_252_u64;
    let mut sides = [few, many].map(|(site, tokens)| (site, tokens, Getter::new(site.http(), "/"), Vec::new()));
    for round in 0..CHECKS + CHECKS / 10 {
        for (site, tokens, getter, times) in &mut sides {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let chosen = usize::try_from(state >> 16).expect("48 bits") % *tokens;
            getter.ask(site.http(), &site.status_target(&user(chosen)));
            let (body, time) = getter.get();
            assert_eq!(body, br#"{"status":2}"#);
            if round >= CHECKS / 10 {
                times.push(time);
            }
        }
    }
    let [(.., few), (.., many)] = sides;
    (Sample::new(few), Sample::new(many))
}
