//! An app with the SDK in it, as small as one can be. `load app` starts and measures it.
//!
//! With a folder it opens the wallet in it and says how many tokens there are; without, it says that there are none.
//! Then it does as it is told on standard input, until that ends: `status` asks how the first token stands.

use std::sync::Arc;

use cardea_sdk::Wallet;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wallet = match std::env::args_os().nth(1) {
        None => None,
        Some(folder) => {
            let connector = Arc::new(UdpConnector::new(Arc::new(TcpConnector)));
            let builder = Wallet::builder().folder(folder).connector(connector).allow_test_argon2(true);
            Some(runtime.block_on(builder.open())?)
        }
    };
    let tokens = match &wallet {
        None => Vec::new(),
        Some(wallet) => runtime.block_on(wallet.tokens())?,
    };
    println!("tokens {}", tokens.len());
    for line in std::io::stdin().lines() {
        if line? == "status"
            && let Some(token) = tokens.first()
        {
            let status = runtime.block_on(token.status())?;
            println!("{}", if status.remaining.is_some() { "open" } else { "closed" });
        }
    }
    Ok(())
}
