//! Users: accounts and roles, passwords, signing in and out, sessions, and the account's own pages.
//!
//! A person proves who they are with an e-mail address and a password ([`sign_in`]) and gets a session: a random secret
//! in a cookie, of which the database keeps the digest. Whoever may not be let in is told so in the same words and after
//! the same time, whether the account exists or not. Failures are counted per account and place ([`FailureLimit`]), so
//! that guessing is slow and nobody can lock another out.
//!
//! | address | what |
//! | --- | --- |
//! | `/` | to the account, or to the sign-in page |
//! | `/sign-in`, `/sign-out` | the beginning and the end of a session |
//! | `/sign-up`, `/sign-up/confirm` | a new account, and the link that confirms it |
//! | `/forgot-password`, `/reset-password` | a link by mail, and a new password |
//! | `/check-mail` | what everybody sees who asked for a link |
//! | `/account`, `/account/address` | name and address |
//! | `/account/password`, `/account/sessions` | what protects the account |
//! | `/account/delete` | its end |
//! | `/admin/users` | for admins: people and what they may do |

mod account_pages;
mod account_store;
mod address_page;
mod admin;
mod admin_pages;
mod carried;
mod check_mail;
mod deletion_page;
mod email;
mod forgot_page;
mod hashing;
mod known_browser;
mod limit;
mod oauth_access;
mod password;
mod password_page;
mod proof;
mod session;
mod sign_in;
mod sign_in_page;
mod sign_up;
mod sign_up_page;
mod signed_in;
mod store;
mod user;

use axum::Router;
use axum::routing::{get, post};
use sql::{DbError, Statement, Tx};

use crate::app::SharedApp;
use crate::time::Timestamp;
use crate::web::samples::{Sample, Samples as _};

pub use account_pages::answer;
pub use account_store::hold_roles;
pub use carried::{Carried, switch_account_url};
pub use email::Email;
pub use hashing::{HashingError, Passwords, Verdict};
pub use known_browser::TTL as KNOWN_BROWSER_TTL;
pub use limit::{Admission, FailureLimit};
pub use oauth_access::grant_oauth;
pub use password::{Password, WeakPassword};
pub use session::{NewSession, Session, SessionHash, SignedIn};
pub use sign_in::{Attempt, Guesser, SignInError, SignInOutcome, sign_in};
pub use sign_in_page::{Current, SignInReason, SignInRequest, sign_in_page};
pub use signed_in::{SignedInVisitor, check_csrf, end_session, find as find_visitor, note_seen, require_signed_in};
pub use store::{
    Created, NewUser, create, delete_sessions_of, find, find_by_email, find_signed_in, list, lock, raise_epoch,
    replace_password_hash, set_name, set_roles, unlock,
};
pub use user::{FieldFaults, Role, Roles, User, forges_text, parse_first_name, parse_name_part};

/// The pages of this room.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/", get(account_pages::show_home))
        .route("/sign-in", get(sign_in_page::show_sign_in).post(sign_in_page::submit_sign_in))
        .route("/sign-out", post(sign_in_page::sign_out))
        .route("/sign-up", get(sign_up_page::show_sign_up).post(sign_up_page::submit_sign_up))
        .route("/sign-up/confirm", get(sign_up_page::show_confirmation).post(sign_up_page::confirm_sign_up))
        .route(check_mail::PATH, get(check_mail::show_check_mail).post(check_mail::send_again))
        .route("/forgot-password", get(forgot_page::show_forgot).post(forgot_page::submit_forgot))
        .route("/reset-password", get(forgot_page::show_reset).post(forgot_page::submit_reset))
        .route("/account/address", get(address_page::show_address).post(address_page::ask_for_change))
        .route("/account/address/confirm", get(address_page::show_confirm_address).post(address_page::confirm_address))
        .route("/account/delete", get(deletion_page::show_deletion).post(deletion_page::delete_account))
        .route("/account", get(account_pages::show_profile).post(account_pages::save_profile))
        .route("/account/password", get(password_page::show_password).post(password_page::change_password))
        .route(admin_pages::PATH, get(admin_pages::list_users))
        .route("/admin/users/{id}", get(admin_pages::show_user))
        .route("/admin/users/{id}/{action}", post(admin_pages::act_on_user))
        .route("/account/sessions", get(account_pages::show_sessions))
        .route("/account/sessions/end", post(account_pages::end_session))
        .route("/account/sessions/end-all", post(account_pages::end_all_sessions))
}

/// Every statement of this room, for the test that prepares and explains them.
pub const STATEMENTS: &[&[Statement]] = &[store::STATEMENTS, account_store::STATEMENTS, oauth_access::STATEMENTS];

/// What removes this room's expired rows, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] =
    &[store::sweep_sessions, store::sweep_counters, account_store::sweep_unconfirmed];

/// The pages of this room, filled with made-up content.
pub fn samples() -> Vec<Sample> {
    [
        SignInRequest::samples(),
        sign_up_page::samples(),
        check_mail::samples(),
        forgot_page::samples(),
        account_pages::samples(),
        address_page::samples(),
        password_page::PasswordPage::samples(),
        deletion_page::samples(),
        admin_pages::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
