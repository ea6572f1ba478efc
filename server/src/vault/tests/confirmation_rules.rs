//! What holds for confirmations whatever is done in whichever order.

use cardea_protocol::Code;
use proptest::prelude::*;

use crate::domain::confirmation::ConfirmationState;
use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::storage::testing::{block_on, memory};
use crate::vault::testing::*;
use crate::vault::{PinAction, Vault};

const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(u32),
    /// Which of those that were asked, by which device, with which PIN.
    Approve(usize, usize, Pin),
    Deny(usize, usize),
    Cancel(usize),
    Open(usize, Pin),
    Pass(u64),
    ClearDuress,
    Restore,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let pin = prop_oneof![6 => Just(Pin::Normal), 3 => Just(Pin::Duress), 1 => Just(Pin::Wrong)];
    prop_oneof![
        5 => prop_oneof![Just(10), Just(60), Just(600)].prop_map(Step::Ask),
        8 => (0_usize..8, 0_usize..2, pin.clone()).prop_map(|(which, device, pin)| Step::Approve(which, device, pin)),
        2 => (0_usize..8, 0_usize..2).prop_map(|(which, device)| Step::Deny(which, device)),
        1 => (0_usize..8).prop_map(Step::Cancel),
        1 => (0_usize..2, pin).prop_map(|(device, pin)| Step::Open(device, pin)),
        3 => prop_oneof![Just(1), Just(9), Just(70)].prop_map(Step::Pass),
        2 => Just(Step::ClearDuress),
        1 => Just(Step::Restore),
        1 => Just(Step::Restart),
    ]
}

/// What was seen of a confirmation.
struct Seen {
    id: [u8; 8],
    state: ConfirmationState,
    answers: u32,
}

async fn check(steps: Vec<Step>) {
    let mut vault = TestVault::new(memory(), ServiceRules::default()).await;
    let devices = [vault.enroll(1, EnrollOptions::default()).await, vault.enroll(2, ADD).await];
    let (mut asked, mut duress): (Vec<Seen>, bool) = (Vec::new(), false);
    for step in steps {
        let count = asked.len();
        let pick = |which: usize| (count != 0).then(|| which % count);
        // What this step may turn into an approval.
        let mut approvable = None;
        match step {
            Step::Ask(seconds) => {
                if let Ok(made) = vault.ask_text("Pay", seconds).await {
                    asked.push(Seen { id: made.id, state: made.state, answers: 0 });
                }
            }
            Step::Approve(which, device, pin) => {
                let Some(which) = pick(which) else { continue };
                let action = PinAction::Confirm { id: asked[which].id };
                let Ok(answer) = vault.pin(&devices[device], pin, action).await else { continue };
                let is_good = !matches!(answer.code, Code::PinRejected | Code::Wait | Code::Stale);
                duress |= pin == Pin::Duress && is_good;
                asked[which].answers += u32::from(answer.code == Code::Ok);
                approvable = Some(which).filter(|_| answer.code == Code::Ok && pin == Pin::Normal && !duress);
                assert!(pin != Pin::Wrong || answer.code != Code::Ok);
            }
            Step::Deny(which, device) => {
                let Some(which) = pick(which) else { continue };
                let Ok(answer) = vault.deny(&devices[device], asked[which].id, 1).await else { continue };
                asked[which].answers += u32::from(answer.code == Code::Ok);
            }
            Step::Cancel(which) => {
                let Some(which) = pick(which) else { continue };
                vault.cancel(asked[which].id).await.expect("there");
            }
            Step::Open(device, pin) => {
                let Ok(answer) = vault.open(&devices[device], pin).await else { continue };
                let is_good = !matches!(answer.code, Code::PinRejected | Code::Wait | Code::Stale);
                duress |= pin == Pin::Duress && is_good;
            }
            Step::Pass(seconds) => drop(vault.clock.advance(seconds)),
            Step::ClearDuress => {
                vault.administer(Vault::clear_duress).await.expect("cleared");
                duress = false;
            }
            Step::Restore => {
                vault.clock.advance(1);
                vault.write(|vault, tx| vault.mark_restored(tx, vault.reading()).map(drop)).await.expect("marked");
            }
            Step::Restart => vault = vault.restarted().await,
        }
        for (which, seen) in asked.iter_mut().enumerate() {
            let now = vault.confirmation(seen.id).await.expect("there").state;
            assert!(seen.state == now || seen.state == ConfirmationState::Pending, "{:?} became {now:?}", seen.state);
            if now == ConfirmationState::Approved && seen.state != now {
                assert_eq!(approvable, Some(which), "approved by {step:?}");
            }
            assert!(seen.answers <= 1, "answered twice");
            seen.state = now;
        }
        let waiting = asked.iter().filter(|seen| seen.state == ConfirmationState::Pending).count();
        assert!(waiting <= 3, "{waiting} wait");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_confirmation_is_approved_at_most_once_by_a_pin_of_its_token_and_never_under_duress(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        block_on(check(steps));
    }
}
