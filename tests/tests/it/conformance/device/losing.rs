//! Steps in the middle of which the server goes away.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use cardea_tests::harness::pause;

use super::super::Outcome;
use super::super::party::Party;
use super::Devices;

impl Devices {
    /// The server dies when it has been sent something, and comes back.
    pub(super) async fn interrupted(&self, step: &[&str], party: &mut Party) -> Outcome {
        let token = self.open().wallet.token(self.id(step[1]), None).await.expect("it is there");
        let operation = self.prepared(step, party).await.expect("it can be prepared");
        party.site.killer().freeze();
        let doing = tokio::spawn(operation);
        while !token.info(None).await.expect("it is there").pending {
            pause(Duration::from_millis(5));
        }
        party.site.power_failure();
        doing.await.expect("it ends")
    }

    /// The server is dead, and who takes the connection in its place hangs up; then it comes back.
    pub(super) async fn lost(&self, step: &[&str], party: &mut Party) -> Outcome {
        let operation = self.prepared(step, party).await.expect("it can be prepared");
        let channel = party.site.channel();
        party.site.kill();
        let listener = TcpListener::bind(channel).expect("the dead server's place is free");
        let doing = tokio::spawn(operation);
        let hang_up = move || {
            let (mut connection, _) = listener.accept().expect("somebody connects");
            drop(listener);
            assert!(connection.read(&mut [0; 4096]).expect("something is sent") > 0);
        };
        tokio::task::spawn_blocking(hang_up).await.expect("it hangs up");
        party.site.up();
        doing.await.expect("it ends")
    }
}
