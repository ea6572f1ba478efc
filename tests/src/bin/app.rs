//! An app with the SDK in it, as small as one can be. `load` starts and measures it.
//!
//! `app` alone has no wallet; `app folder PATH` opens the wallet in that folder; `app link LINK` enrolls in memory. It says how many
//! tokens there are. Then it does as it is told on standard input, until that ends, and answers with a line:
//! `status 1` asks how the first token stands, `call N` measures as many calls that ask nobody, `cycle N` opens and closes
//! the token as often.

use std::sync::Arc;
use std::time::Instant;

use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::{Invitation, NewPins, Pin, Token, Wallet, Window};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut arguments = std::env::args().skip(1);
    let wallet = match (arguments.next().as_deref(), arguments.next()) {
        (Some("folder"), Some(folder)) => {
            let connector = Arc::new(UdpConnector::new(Arc::new(TcpConnector)));
            let builder = Wallet::builder().folder(folder).connector(connector).allow_test_argon2(true);
            Some(runtime.block_on(builder.open())?)
        }
        (Some("link"), Some(link)) => Some(runtime.block_on(enrolled(&link))?),
        (None, _) => None,
        _ => return Err("app | app folder PATH | app link LINK".into()),
    };
    let tokens = match &wallet {
        None => Vec::new(),
        Some(wallet) => runtime.block_on(wallet.tokens())?,
    };
    println!("tokens {}", tokens.len());
    let (Some(wallet), Some(token)) = (&wallet, tokens.first()) else {
        // Whoever measures ends this.
        return std::io::stdin().lines().try_for_each(|line| line.map(drop)).map_err(Failed::from);
    };
    for line in std::io::stdin().lines() {
        let line = line?;
        let (verb, count) = line.split_once(' ').ok_or("a verb and a number")?;
        let count: usize = count.parse()?;
        match verb {
            "status" => {
                let status = runtime.block_on(token.status())?;
                println!("{}", if status.remaining.is_some() { "open" } else { "closed" });
            }
            "call" => println!("called {}", runtime.block_on(calls(token, count))?),
            _ => {
                for _ in 0..count {
                    runtime.block_on(cycle(wallet))?;
                }
                println!("done");
            }
        }
    }
    Ok(())
}

fn pin() -> Result<Pin, Failed> {
    Ok(Pin::new(b"274951")?)
}

async fn enrolled(link: &str) -> Result<Wallet, Failed> {
    let wallet = Wallet::builder().allow_test_argon2(true).recover_in_background(false).open().await?;
    let pins = NewPins::normal(pin()?);
    wallet.enroll(&Invitation::from_link(link)?, async |_| Ok(pins)).await?;
    Ok(wallet)
}

async fn calls(token: &Token, count: usize) -> Result<u128, Failed> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = now();
        token.summary().await?;
        times.push(began.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times[count / 2])
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn now() -> Instant {
    Instant::now()
}

async fn cycle(wallet: &Wallet) -> Result<(), Failed> {
    let events = wallet.events();
    let token = wallet.tokens().await?.remove(0);
    let opened = token.open(pin()?, Window::Service).await?;
    let closed = token.close().await?;
    assert!(opened.remaining.is_some() && closed.remaining.is_none(), "{opened:?}, then {closed:?}");
    assert!(Invitation::from_link("none").is_err());
    drop(events);
    Ok(())
}
