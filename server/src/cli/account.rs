//! `account create`, `list`, `show`, `update`, `password`, `sign-out` and `delete`.

use serde_json::{Value, json};

use super::args::{
    AboutArgs, AccountArgs, AccountCommand, AccountCreateArgs, AccountPasswordArgs, AccountUpdateArgs, PeopleListArgs,
};
use super::{CliError, data, log, output, secret_input};
use crate::admin::{Account, AccountChange, Actor, Admin, NewPerson};
use crate::domain::account::{AccountKind, AccountRights};

/// Accounts that are read at once.
const AT_ONCE: u32 = 1_000;

/// `cardea-server account …`.
pub(super) async fn run(command: AccountCommand) -> Result<(), CliError> {
    match command {
        AccountCommand::Create(args) => create(args).await,
        AccountCommand::List(args) => list(args).await,
        AccountCommand::Show(args) => {
            let (_, account) = found(&args).await?;
            output::json(&document(&account))
        }
        AccountCommand::Update(args) => update(args).await,
        AccountCommand::Password(args) => password(args).await,
        AccountCommand::SignOut(args) => {
            let (admin, account) = found(&args).await?;
            admin.end_sessions(&args.subscription, account.number, Actor::Operator).await?;
            output::text(&format!("signed out {} everywhere\n", account.name))
        }
        AccountCommand::Delete(args) => {
            let (admin, account) = found(&args).await?;
            admin.delete_account(&args.subscription, account.number, Actor::Operator).await?;
            output::text(&format!("deleted {}\n", account.name))
        }
    }
}

async fn create(args: AccountCreateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let AboutArgs { email, kind, admin, restricted, groups, permissions, contact } = args.about;
    let rights = AccountRights {
        admin: admin.unwrap_or_default(),
        restricted: restricted.unwrap_or_default(),
        groups: groups.unwrap_or_default(),
        words: permissions.unwrap_or_default(),
    };
    let password = args
        .password_file
        .as_deref()
        .map(|file| secret_input::read_line(file).map_err(CliError::io(format!("cannot read {}", file.display()))));
    let new = NewPerson {
        email: email.filter(|email| !email.is_empty()),
        password: password.transpose()?,
        rights,
        kind: kind.map_or_else(AccountKind::default, AccountKind::from),
        contact,
        ..NewPerson::new(&args.subscription, &args.name)
    };
    let account = data::admin(&config).await?.create_account(new, Actor::Operator).await?;
    if args.json {
        return output::json(&document(&account));
    }
    output::text(&format!("created {}\n", account.number))
}

async fn update(args: AccountUpdateArgs) -> Result<(), CliError> {
    let AccountUpdateArgs { account: which, name, state, about } = args;
    let (admin, account) = found(&which).await?;
    let change = AccountChange {
        name,
        email: about.email.map(|email| Some(email).filter(|email| !email.is_empty())),
        admin: about.admin,
        restricted: about.restricted,
        groups: about.groups,
        words: about.permissions,
        kind: about.kind.map(Into::into),
        state: state.map(Into::into),
        contact: about.contact.map(Some),
        settings: None,
    };
    let account = admin.update_account(&which.subscription, account.number, change, Actor::Operator).await?;
    output::text(&format!("updated {}\n", account.name))
}

async fn password(args: AccountPasswordArgs) -> Result<(), CliError> {
    let AccountPasswordArgs { account: which, password_file: file } = args;
    let password = secret_input::read_line(&file).map_err(CliError::io(format!("cannot read {}", file.display())))?;
    let (admin, account) = found(&which).await?;
    admin.set_password(&which.subscription, account.number, &password, Actor::Operator).await?;
    output::text(&format!("{} has another password, and is signed out everywhere\n", account.name))
}

async fn list(args: PeopleListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let mut accounts: Vec<Account> = Vec::new();
    loop {
        let after = accounts.last().map_or(0, |account| account.number);
        let page = admin.list_accounts(&args.subscription, after, AT_ONCE).await?;
        if page.is_empty() {
            break;
        }
        accounts.extend(page);
    }
    if args.json {
        return output::json(&accounts.iter().map(document).collect::<Vec<_>>());
    }
    let rows: Vec<[String; 5]> = accounts
        .iter()
        .map(|account| {
            let email = account.email.as_ref().map_or_else(String::new, ToString::to_string);
            let (kind, state) = (account.kind.name().to_owned(), account.state.name().to_owned());
            [account.number.to_string(), account.name.to_string(), email, kind, state]
        })
        .collect();
    output::table(["ID", "NAME", "E-MAIL", "KIND", "STATE"], &rows)
}

/// The account that is meant: by its number, or by what it signs in with. A name of digits is a number first.
async fn found(which: &AccountArgs) -> Result<(Admin, Account), CliError> {
    let config = which.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let by_number = match which.account.parse() {
        Ok(number) => admin.account(&which.subscription, number).await.ok(),
        Err(_) => None,
    };
    let account = match by_number {
        Some(account) => account,
        None => admin.account_called(&which.subscription, &which.account).await?,
    };
    Ok((admin, account))
}

fn document(account: &Account) -> Value {
    let groups: serde_json::Map<String, Value> =
        account.rights.groups.iter().map(|(group, is)| (group.to_string(), (*is).into())).collect();
    json!({
        "id": account.number,
        "name": account.name.as_str(),
        "email": account.email.as_ref().map(ToString::to_string),
        "kind": account.kind.name(),
        "state": account.state.name(),
        "admin": account.rights.admin,
        "restricted": account.rights.restricted,
        "groups": groups,
        "permissions": account.rights.words,
        "contact": account.contact,
        "settings": account.settings,
        "hasPassword": account.password.is_some(),
        "passwordSetAt": account.password.as_ref().map(|_| account.password_at.get()),
        "wrongPasswords": account.failures,
        "createdAt": account.created_at.get(),
    })
}
