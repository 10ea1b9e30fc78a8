//! One call of an app for a person: its access token is checked by memory, or in the same unit of work that answers it.

use std::sync::Arc;

use sql::{DbError, Tx};

use crate::app::SharedApp;
use crate::ids::UserId;
use crate::oauth::bearer::{Verified, check, claim_use, recall, verify};
use crate::oauth::{BearerError, Presented};
use crate::time::Timestamp;
use crate::web::ApiError;

/// A call whose token has a good signature; whether it stands, the unit of work asks first.
#[derive(Clone)]
pub struct Call {
    app: SharedApp,
    token: Arc<Verified>,
    need: &'static str,
    now: Timestamp,
}

impl Call {
    /// Reads the call's token. `need` is the scope that the call needs.
    ///
    /// # Errors
    /// No token, or one that is none of ours, or expired.
    pub fn begin(app: &SharedApp, presented: &Presented, need: &'static str) -> Result<Call, BearerError> {
        let now = app.clock.now();
        let token = Arc::new(verify(app, presented, now)?);
        Ok(Call { app: Arc::clone(app), token, need, now })
    }

    /// The moment of the call.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Answers from what is stored. A refusal is an answer too, so that the token's use is remembered with it.
    ///
    /// # Errors
    /// The token does not stand or lacks the scope, or the database's.
    pub async fn read<T, F>(&self, unit: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>, &UserId) -> Result<T, DbError> + Send + Sync + 'static,
    {
        let unit = Arc::new(unit);
        if let Some(bearer) = recall(&self.app, &self.token, Some(self.need))? {
            let answer = self.app.db.read(move |tx| unit(tx, &bearer.user_id)).await?;
            return Ok(self.noted(answer));
        }
        let (token, need, now, reading) = (Arc::clone(&self.token), self.need, self.now, Arc::clone(&unit));
        let answer = self.app.db.read(move |tx| -> Result<Option<T>, BearerError> {
            let admitted = check(tx, &token, Some(need), now)?;
            if admitted.first_use {
                return Ok(None);
            }
            Ok(Some(reading(tx, &admitted.bearer.user_id)?))
        });
        match answer.await.map_err(ApiError::from)? {
            Some(answer) => Ok(self.noted(answer)),
            // The first use of the token has to be remembered before the answer leaves.
            None => self.write(move |tx, person| unit(tx, person)).await,
        }
    }

    /// Answers by changing what is stored. The token is checked in the same unit: nothing is changed by a dead one.
    ///
    /// # Errors
    /// The token does not stand or lacks the scope, or the database's.
    pub async fn write<T, F>(&self, unit: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>, &UserId) -> Result<T, DbError> + Send + 'static,
    {
        let (token, need, now) = (Arc::clone(&self.token), self.need, self.now);
        let answer = self.app.db.write(move |tx| -> Result<T, BearerError> {
            let admitted = check(tx, &token, Some(need), now)?;
            if admitted.first_use {
                claim_use(tx, &token, now)?;
            }
            Ok(unit(tx, &admitted.bearer.user_id)?)
        });
        let answer = answer.await.map_err(ApiError::from)?;
        Ok(self.noted(answer))
    }

    /// The call is answered: the database has vouched for its token.
    fn noted<T>(&self, answer: T) -> T {
        self.app.oauth.vouched.keep(self.token.id);
        self.app.oauth.last_used.note_grant(self.token.id.grant, self.now);
        answer
    }
}
