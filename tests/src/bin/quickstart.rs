//! The quickstart of `docs/sdk.md`, as a program that the tests run.

use cardea_sdk::{Invitation, NewPins, Pin, Wallet, Window};

async fn quickstart(link: &str) -> Result<(), cardea_sdk::WalletError> {
    let wallet = Wallet::builder().folder("wallet").open().await?;
    let invitation = Invitation::from_link(link)?;
    println!("enrolling at {invitation}");
    let enrolled = wallet.enroll(&invitation, async |_| Ok(NewPins::normal(Pin::new(b"274951")?))).await?;
    let status = enrolled.token.open(Pin::new(b"274951")?, Window::Service).await?;
    println!("open for {:?}", status.remaining);
    enrolled.token.close().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), cardea_sdk::WalletError> {
    let link = std::env::args().nth(1).unwrap_or_default();
    quickstart(&link).await
}
