//! Where the database is.

use std::{fmt, path::PathBuf, str::FromStr};

/// The address of a database: `sqlite:///abs/path.db`, `sqlite:rel/path.db` or `postgres://…`.
///
/// Its `Display` and `Debug` show no password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The file of an embedded SQLite database.
    Sqlite(PathBuf),
    /// A PostgreSQL connection URL, with its password.
    Postgres(String),
}

/// Why a text is not a database URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It begins with neither `sqlite:` nor `postgres:`.
    #[error("a database URL begins with sqlite:///PATH, sqlite:PATH or postgres://")]
    Scheme,
    /// There is no usable file name behind `sqlite:`.
    #[error("write sqlite:///absolute/path.db or sqlite:relative/path.db: a file, without host or query")]
    File,
    /// The PostgreSQL driver does not understand it.
    #[error("not a usable PostgreSQL URL ({0}); write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = match path.strip_prefix("//") {
                Some(rest) if rest.starts_with('/') => rest,
                Some(_) => return Err(InvalidDatabaseUrl::File),
                None => path,
            };
            let no_file = path.is_empty() || path.ends_with('/') || path.starts_with(':');
            if no_file || path.contains(['?', '#', '\0']) {
                return Err(InvalidDatabaseUrl::File);
            }
            Ok(DatabaseUrl::Sqlite(PathBuf::from(path)))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            crate::postgres::Target::parse(text).map_err(InvalidDatabaseUrl::Postgres)?;
            Ok(DatabaseUrl::Postgres(text.to_owned()))
        } else {
            Err(InvalidDatabaseUrl::Scheme)
        }
    }
}

impl DatabaseUrl {
    /// The whole URL, password included: for `demo --json` and child processes, never for a log.
    pub fn with_password(&self) -> String {
        match self {
            DatabaseUrl::Sqlite(path) if path.is_absolute() => {
                format!("sqlite://{}", path.display())
            }
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.with_password();
        match self {
            DatabaseUrl::Sqlite(_) => f.write_str(&text),
            DatabaseUrl::Postgres(_) => f.write_str(&hide_password(&text)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Leaves out what stands between the user's name and the host, and every `password=`.
fn hide_password(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let mut shown = match base.rsplit_once('@') {
        Some((login, place)) => {
            let user_at = login.find("://").map_or(0, |at| at + 3);
            let user_end = login[user_at..].find(':').map_or(login.len(), |at| user_at + at);
            format!("{}@{place}", &login[..user_end])
        }
        None => base.to_owned(),
    };
    let mut separator = '?';
    for pair in query.iter().flat_map(|query| query.split('&')) {
        if !pair.to_ascii_lowercase().contains("pass") {
            shown.push(separator);
            shown.push_str(pair);
            separator = '&';
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_name_a_file() {
        let path = |text: &str| match text.parse().unwrap() {
            DatabaseUrl::Sqlite(path) => path,
            DatabaseUrl::Postgres(_) => PathBuf::new(),
        };
        assert_eq!(path("sqlite:///var/lib/a.db"), PathBuf::from("/var/lib/a.db"));
        assert_eq!(path("sqlite:data/a.db"), PathBuf::from("data/a.db"));
        assert_eq!(path("sqlite:/var/lib/a.db"), PathBuf::from("/var/lib/a.db"));
    }

    #[test]
    fn what_is_no_database_is_refused_with_the_mend() {
        for text in ["sqlite:", "sqlite://host/a.db", "sqlite::memory:", "sqlite:a.db?mode=ro", "sqlite:///"] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::File), "{text}");
        }
        assert_eq!("mysql://h/d".parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Scheme));
        assert!(matches!("postgres://h:port/d".parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Postgres(_))));
    }

    #[test]
    fn a_shown_url_holds_no_password() {
        for (text, shown) in [
            ("postgres://me:s3cret@db:5432/d?sslmode=require", "postgres://me@db:5432/d?sslmode=require"),
            ("postgresql://me:s3:c@ret@db/d", "postgresql://me@db/d"),
            ("postgres://me@db/d?password=s3cret&connect_timeout=5", "postgres://me@db/d?connect_timeout=5"),
            ("postgres://db/d", "postgres://db/d"),
        ] {
            let url = DatabaseUrl::Postgres(text.into());
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.with_password(), text);
        }
        assert_eq!("sqlite:///a/b.db".parse::<DatabaseUrl>().unwrap().to_string(), "sqlite:///a/b.db");
        assert_eq!("sqlite:a/b.db".parse::<DatabaseUrl>().unwrap().to_string(), "sqlite:a/b.db");
    }
}
