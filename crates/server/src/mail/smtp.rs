//! Handing a mail to the mail server (RFC 5321), by `lettre`.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::Rendered;
use super::retry::Failure;
use crate::config::{Issuer, SmtpSecurity, SmtpUrl};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A mail server. Each mail has a connection of its own.
pub struct Smtp {
    transport: Transport,
    from: Mailbox,
    host: String,
    timeout: Duration,
}

/// Why a mail was not taken.
#[derive(Debug)]
pub struct NotSent {
    /// What that means for the next try.
    pub failure: Failure,
    /// What happened, for the operator.
    pub text: String,
}

impl Smtp {
    /// The mail server at that address.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(url: &SmtpUrl, from: Mailbox, timeout: Duration, issuer: &Issuer) -> Result<Smtp, String> {
        let host = url.host.as_str();
        let builder = match url.security {
            SmtpSecurity::Tls => Transport::relay(host),
            SmtpSecurity::StartTls => Transport::starttls_relay(host),
            SmtpSecurity::Clear => Ok(Transport::builder_dangerous(host)),
        };
        let builder = builder.map_err(|error| format!("mail.smtp: {}", words(&error)))?;
        let own_host = issuer.authority().rsplit_once(':').map_or(issuer.authority(), |(host, _)| host).to_owned();
        let mut builder = builder.port(url.port).timeout(Some(timeout)).hello_name(client_id(&own_host));
        if let Some((user, password)) = &url.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
        }
        Ok(Smtp { transport: builder.build(), from, host: own_host, timeout })
    }

    /// Hands the mail over, within the configured time.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, mail: &Rendered) -> Result<(), NotSent> {
        let message = self.message(mail).map_err(|text| NotSent { failure: Failure::Refused, text })?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent { failure: failure_of(&error), text: words(&error) }),
            Err(_) => {
                let text = format!("the mail server did not answer within {:?}", self.timeout);
                Err(NotSent { failure: Failure::Server, text })
            }
        }
    }

    fn message(&self, mail: &Rendered) -> Result<Message, String> {
        let to: Mailbox =
            mail.to.as_str().parse().map_err(|error| format!("the address cannot be written: {error}"))?;
        let millis = u64::try_from(mail.created_at.as_millis()).unwrap_or(0);
        // Stays the same when a mail is sent again, so that mailboxes can tell.
        let id: String = mail.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject.as_str())
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{id}@{}>", self.host)))
            // RFC 3834: no holiday notes, please.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

fn client_id(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

/// What an SMTP reply means. 421 and 53x are about the server and our standing with it, the other replies about the mail
/// (RFC 5321 section 4.2, RFC 4954 section 6).
fn failure_of(error: &Error) -> Failure {
    if error.is_client() {
        return Failure::Refused;
    }
    match error.status().map(u16::from) {
        None | Some(421 | 530..=539) => Failure::Server,
        Some(400..=499) => Failure::Later,
        Some(_) => Failure::Refused,
    }
}

/// The error with its causes, in one bounded line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
