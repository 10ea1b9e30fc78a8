//! How much there is.

use crate::Fallible;

/// The part that the large one is compared with: so much that a list which fills a page there fills one here.
pub const SMALL: f64 = 0.02;

/// How many rows of each kind.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// People.
    pub users: u64,
    /// Apps; see [`Size::served`] and [`Size::waiting`].
    pub apps: u64,
    /// Authorizations: each holds a refresh token and the access tokens that came with it.
    pub grants: u64,
    /// Meetings, cancelled ones too.
    pub meetings: u64,
    /// Entries of the audit log.
    pub entries: u64,
    /// Sessions.
    pub sessions: u64,
    /// Mails, sent or given up.
    pub mails: u64,
}

impl Size {
    /// That part of a million people, a hundred thousand apps, ten million tokens (a refresh token and an access token of
    /// each of five million grants) and ten million meetings.
    ///
    /// # Errors
    /// When so little is left that the skew means nothing.
    pub fn of(factor: f64) -> Fallible<Size> {
        if !(0.001..=1.0).contains(&factor) {
            return Err("the factor must be from 0.001 to 1".into());
        }
        let part = |whole: f64| (whole * factor) as u64;
        Ok(Size {
            users: part(1e6),
            apps: part(1e5),
            grants: part(5e6),
            meetings: part(1e7),
            entries: part(2e6),
            sessions: part(1e6),
            mails: part(2e5),
        })
    }

    /// Apps that serve everybody: the first ones.
    pub fn served(&self) -> u64 {
        self.apps * 88 / 100
    }

    /// Apps that wait for a review: those after them.
    pub fn waiting(&self) -> u64 {
        self.apps / 10
    }
}
