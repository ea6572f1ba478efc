use super::*;
use crate::domain::account::{AccountKind, AccountRights, AccountState, FAILURES_MAX};
use crate::password::Cost;
use crate::vault::{Account, EventKind};

const PASSWORD: &str = "a lamp, seven geese & rain";
const OTHER: &str = "eleven quiet umbrellas, then";

/// An instance with the subscription `demo` and the account `max.power` in it.
async fn with_max() -> (TestAdmin, u64) {
    let mut test = start().await;
    let admin = Admin::new(&test.instance, settings()).expect("valid").with_password_cost(Cost::TEST);
    test.admin = Arc::new(admin);
    test.admin.create_subscription("demo", Actor::Operator).await.expect("created");
    let new = NewPerson {
        email: Some("Max.Power@Company.example".to_owned()),
        password: Some(PASSWORD.to_owned().into()),
        ..NewPerson::new("demo", "Max.Power")
    };
    let number = test.admin.create_account(new, Actor::Operator).await.expect("created").number;
    (test, number)
}

fn sign_in(login: &str, password: &str) -> SignIn {
    SignIn {
        subscription: "demo".to_owned(),
        login: login.to_owned(),
        password: password.to_owned().into(),
        identifier: "MyDevice".to_owned(),
        appsecret: None,
        expires_at: None,
    }
}

impl TestAdmin {
    async fn in_with(&self, call: SignIn) -> String {
        self.admin.sign_in(call).await.expect("signed in").token.to_string()
    }

    async fn is_in(&self, token: &str) -> bool {
        match self.admin.who_is("demo", token).await {
            Ok(_) => true,
            Err(SignInRefusal::Token) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn change(&self, number: u64, change: AccountChange) -> Account {
        self.admin.update_account("demo", number, change, Actor::Operator).await.expect("changed")
    }

    async fn kinds(&self) -> Vec<EventKind> {
        let events = self.admin.read(|vault, tx| vault.journal(tx, &Default::default(), 0, 1_000)).await.expect("read");
        events.iter().filter_map(|entry| entry.event().map(|event| event.kind)).collect()
    }
}

#[test]
fn a_name_or_an_address_and_the_password_make_a_session_that_says_whose_it_is() {
    block_on(async {
        let (test, number) = with_max().await;
        for login in ["max.power", "MAX.POWER", "max.power@company.example"] {
            let signed_in = test.admin.sign_in(sign_in(login, PASSWORD)).await.expect("signed in");
            assert_eq!((signed_in.token.len(), signed_in.session.account), (40, number));
            assert!(signed_in.token.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
            let who = test.admin.who_is("demo", &signed_in.token).await.expect("signed in");
            assert_eq!((who.account.number, who.account.name.as_str()), (number, "Max.Power"));
            assert!(matches!(who.with, Some(SignedInWith::Session(it)) if it.identifier == "MyDevice"));
            assert!(!format!("{signed_in:?}").contains(signed_in.token.as_str()));
        }
        let who = test.admin.who_is_with_password("demo", "max.power", PASSWORD).await.expect("right");
        assert_eq!((who.account.number, who.with), (number, None));
        // Nothing of it is good elsewhere.
        test.admin.create_subscription("other", Actor::Operator).await.expect("created");
        let token = test.in_with(sign_in("max.power", PASSWORD)).await;
        assert_eq!(test.admin.who_is("other", &token).await.unwrap_err(), SignInRefusal::Token);
        let elsewhere = SignIn { subscription: "other".to_owned(), ..sign_in("max.power", PASSWORD) };
        assert_eq!(test.admin.sign_in(elsewhere).await.unwrap_err(), SignInRefusal::Credentials);
    });
}

#[test]
fn whoever_is_not_let_in_is_told_one_thing() {
    block_on(async {
        let (test, number) = with_max().await;
        test.admin.create_account(NewPerson::new("demo", "no.password"), Actor::Operator).await.expect("created");
        let too_long = "a".repeat(300);
        let refused = [
            ("max.power", OTHER),
            ("max.power", ""),
            ("max.power", too_long.as_str()),
            ("nobody", PASSWORD),
            ("", PASSWORD),
            ("max power@", PASSWORD),
            ("no.password", PASSWORD),
            ("no.password", ""),
        ];
        for (login, password) in refused {
            let refusal = test.admin.sign_in(sign_in(login, password)).await.unwrap_err();
            assert_eq!(refusal, SignInRefusal::Credentials, "{login}");
        }
        let wrong_secret = SignIn { appsecret: Some("a".repeat(40).into()), ..sign_in("max.power", PASSWORD) };
        assert_eq!(test.admin.sign_in(wrong_secret).await.unwrap_err(), SignInRefusal::Credentials);
        for state in [AccountState::Suspended, AccountState::Left] {
            test.change(number, AccountChange { state: Some(state), ..AccountChange::default() }).await;
            assert_eq!(
                test.admin.sign_in(sign_in("max.power", PASSWORD)).await.unwrap_err(),
                SignInRefusal::Credentials
            );
        }
        assert_eq!(
            test.kinds().await.iter().filter(|kind| **kind == EventKind::SignInFailed).count(),
            refused.len() + 3
        );
    });
}

#[test]
fn each_application_and_identifier_has_a_session_of_its_own_and_renews_it() {
    block_on(async {
        let (test, _) = with_max().await;
        let shop = test.admin.create_application("demo", "Shop", Actor::Operator).await.expect("created");
        let with = |identifier: &str, secret: Option<&str>| SignIn {
            identifier: identifier.to_owned(),
            appsecret: secret.map(|secret| secret.to_owned().into()),
            ..sign_in("max.power", PASSWORD)
        };
        let secret = Some(shop.secret.as_str());
        let phone = test.in_with(with("phone", None)).await;
        let (laptop, phone_in_shop) =
            (test.in_with(with("laptop", None)).await, test.in_with(with("phone", secret)).await);
        let renewed = test.in_with(with("phone", None)).await;
        assert!(!test.is_in(&phone).await, "one for each");
        for token in [&renewed, &laptop, &phone_in_shop] {
            assert!(test.is_in(token).await);
        }
        test.admin.sign_out("demo", &laptop).await.expect("signed out");
        assert!(!test.is_in(&laptop).await);
        assert_eq!(test.admin.sign_out("demo", &laptop).await.unwrap_err(), SignInRefusal::Token);

        // Another appsecret leaves them, another state ends them for good.
        let number = shop.application.number;
        let new = test.admin.renew_appsecret("demo", number, Actor::Operator).await.expect("renewed");
        assert!(test.is_in(&phone_in_shop).await);
        assert_eq!(test.admin.sign_in(with("phone", secret)).await.unwrap_err(), SignInRefusal::Credentials);
        for active in [false, true] {
            let changed = test.admin.update_application("demo", number, None, Some(active), Actor::Operator).await;
            assert_eq!(changed.expect("changed").active, active);
            assert!(!test.is_in(&phone_in_shop).await);
        }
        let again = test.in_with(with("phone", Some(&new.secret))).await;
        test.admin.delete_application("demo", number, Actor::Operator).await.expect("removed");
        assert!(!test.is_in(&again).await && test.is_in(&renewed).await);
    });
}

#[test]
fn a_session_ends_with_its_time_a_new_password_and_its_account() {
    block_on(async {
        let (test, number) = with_max().await;
        let until = SignIn { expires_at: Some(UnixSeconds::new(START + 60)), ..sign_in("max.power", PASSWORD) };
        let short = test.in_with(until).await;
        test.clock.advance(59);
        assert!(test.is_in(&short).await);
        test.clock.advance(1);
        assert!(!test.is_in(&short).await);
        let past = SignIn { expires_at: Some(UnixSeconds::new(START + 60)), ..sign_in("max.power", PASSWORD) };
        assert!(matches!(test.admin.sign_in(past).await, Err(SignInRefusal::Failed(AdminError::BadCall(_)))));

        let token = test.in_with(sign_in("max.power", PASSWORD)).await;
        test.admin.set_password("demo", number, OTHER, Actor::Operator).await.expect("set");
        assert!(!test.is_in(&token).await);
        assert!(test.admin.sign_in(sign_in("max.power", PASSWORD)).await.is_err());
        let token = test.in_with(sign_in("max.power", OTHER)).await;
        test.admin.end_sessions("demo", number, Actor::Operator).await.expect("ended");
        assert!(!test.is_in(&token).await);
        let token = test.in_with(sign_in("max.power", OTHER)).await;
        for state in [AccountState::Suspended, AccountState::Active] {
            test.change(number, AccountChange { state: Some(state), ..AccountChange::default() }).await;
            assert!(!test.is_in(&token).await, "what has ended does not come back");
        }
        let token = test.in_with(sign_in("max.power", OTHER)).await;
        test.admin.delete_account("demo", number, Actor::Operator).await.expect("removed");
        assert!(!test.is_in(&token).await);
    });
}

#[test]
fn a_hundred_wrong_passwords_in_a_row_lock_an_account_until_it_has_another_one() {
    block_on(async {
        let (test, number) = with_max().await;
        let wrong = async || assert!(test.admin.sign_in(sign_in("max.power", OTHER)).await.is_err());
        for _ in 1..FAILURES_MAX {
            wrong().await;
        }
        // A right one begins them anew.
        test.in_with(sign_in("max.power", PASSWORD)).await;
        for _ in 0..FAILURES_MAX {
            wrong().await;
        }
        assert!(test.admin.sign_in(sign_in("max.power", PASSWORD)).await.is_err());
        assert!(test.admin.who_is_with_password("demo", "max.power", PASSWORD).await.is_err());
        assert_eq!(test.kinds().await.iter().filter(|kind| **kind == EventKind::AccountLocked).count(), 1);
        test.admin.set_password("demo", number, "a lamp, six geese & some rain", Actor::Operator).await.expect("set");
        test.in_with(sign_in("max.power", "a lamp, six geese & some rain")).await;
    });
}

#[test]
fn what_cannot_be_an_account_is_refused_and_names_are_taken_in_any_case() {
    block_on(async {
        let (test, number) = with_max().await;
        let bad = async |new: NewPerson| match test.admin.create_account(new, Actor::Operator).await {
            Err(AdminError::BadCall(why)) => why,
            other => panic!("{other:?}"),
        };
        let new = || NewPerson::new("demo", "eve");
        assert!(bad(NewPerson::new("demo", "MAX.power")).await.contains("another account"));
        let email = Some("max.power@COMPANY.example".to_owned());
        assert!(bad(NewPerson { email, ..new() }).await.contains("another account"));
        assert!(bad(NewPerson::new("demo", "a b")).await.starts_with("a name is"));
        assert!(bad(NewPerson { email: Some("eve".to_owned()), ..new() }).await.starts_with("an e-mail address"));
        assert!(bad(NewPerson { password: Some("short".to_owned().into()), ..new() }).await.contains("at least 15"));
        let words = [("Not a word".to_owned(), true)].into();
        let rights = AccountRights { words, ..AccountRights::default() };
        assert!(bad(NewPerson { rights, ..new() }).await.starts_with("a permission is"));
        let settings = [("a".to_owned(), "b".repeat(20_000).into())].into_iter().collect();
        assert!(bad(NewPerson { settings, ..new() }).await.starts_with("the settings"));
        let nowhere = test.admin.create_account(NewPerson::new("other", "eve"), Actor::Operator).await;
        assert_eq!(nowhere.unwrap_err(), AdminError::NoSubscription);
        let eve = test.admin.create_account(new(), Actor::Operator).await.expect("created").number;
        let taken = AccountChange { name: Some("max.power".to_owned()), ..AccountChange::default() };
        assert!(test.admin.update_account("demo", eve, taken, Actor::Operator).await.is_err());
        assert_eq!(test.admin.account("other", number).await.unwrap_err(), AdminError::NoAccount);
        let listed = test.admin.list_accounts("demo", 0, 10).await.expect("listed");
        assert_eq!(listed.iter().map(|account| account.number).collect::<Vec<_>>(), [number, eve]);
    });
}

#[test]
fn everything_of_an_account_is_kept_and_changed() {
    block_on(async {
        let (test, number) = with_max().await;
        let change = AccountChange {
            name: Some("max".to_owned()),
            email: Some(None),
            restricted: Some(true),
            groups: Some([(1, true), (7, false)].into()),
            words: Some([("billing".to_owned(), false), ("status".to_owned(), true)].into()),
            kind: Some(AccountKind::Guest),
            contact: Some(Some(77)),
            settings: Some([("theme".to_owned(), "dark".into())].into_iter().collect()),
            ..AccountChange::default()
        };
        test.change(number, change).await;
        let account = test.admin.account_called("demo", "MAX").await.expect("there");
        assert_eq!((account.number, account.email.clone(), account.kind), (number, None, AccountKind::Guest));
        assert_eq!((account.contact, account.settings["theme"].as_str()), (Some(77), Some("dark")));
        assert!(account.rights.restricted && !account.rights.admin && account.rights.groups[&1]);
        assert_eq!(account.rights.permissions(), Permissions::BASIC);
        assert!(test.admin.account_called("demo", "max.power@company.example").await.is_err());
        test.in_with(sign_in("max", PASSWORD)).await;
    });
}

#[test]
fn who_administers_accounts_becomes_nobody_who_may_do_more() {
    block_on(async {
        let (test, max) = with_max().await;
        test.change(max, AccountChange { admin: Some(true), ..AccountChange::default() }).await;
        let scope = || KeyScope::Subscription("demo".to_owned());
        let key = async |permissions: &str| {
            let permissions = Permissions::parse(permissions).expect("valid");
            let created = test.admin.create_authkey(NewKey::new(scope(), "a key", permissions), Actor::Operator).await;
            Actor::Authkey(created.expect("created").id)
        };
        let (accounts, other, all) = (key("accounts").await, key("status").await, key("admin").await);
        let eve = test.admin.create_account(NewPerson::new("demo", "eve"), accounts).await.expect("created").number;
        let forbidden = |result: Result<(), AdminError>| assert_eq!(result, Err(AdminError::Forbidden));
        forbidden(test.admin.create_account(NewPerson::new("demo", "ann"), other).await.map(drop));
        forbidden(test.admin.set_password("demo", max, OTHER, accounts).await);
        forbidden(test.admin.delete_account("demo", max, accounts).await);
        let admin = AccountChange { admin: Some(true), ..AccountChange::default() };
        forbidden(test.admin.update_account("demo", eve, admin.clone(), accounts).await.map(drop));
        let words = Some([("enroll".to_owned(), true)].into());
        let more = AccountChange { words, ..AccountChange::default() };
        forbidden(test.admin.update_account("demo", eve, more, accounts).await.map(drop));
        test.admin.set_password("demo", eve, OTHER, accounts).await.expect("set");
        test.admin.update_account("demo", eve, admin, all).await.expect("changed");
        // And who has become an administrator is out of reach.
        forbidden(test.admin.set_password("demo", eve, PASSWORD, accounts).await);
    });
}

#[test]
fn whoever_signs_in_with_ever_new_identifiers_ends_their_own_oldest_session() {
    block_on(async {
        let (test, _) = with_max().await;
        let mut tokens = Vec::new();
        for number in 0..=1_000 {
            let identifier = format!("device-{number}");
            tokens.push(test.in_with(SignIn { identifier, ..sign_in("max.power", PASSWORD) }).await);
            test.clock.advance(1);
        }
        assert!(!test.is_in(&tokens[0]).await && test.is_in(&tokens[1]).await && test.is_in(&tokens[1_000]).await);
    });
}
