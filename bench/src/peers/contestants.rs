//! Who is compared.

use serde::{Serialize, Serializer};

use super::Plan;
use super::competitor::Competitor;
use super::{django, glewlwyd, oidc_provider, ours};
use crate::Fallible;
use crate::subject::Operations;

/// A server, and how it is set up.
#[derive(Debug, Clone, Copy)]
pub struct Contestant {
    kind: Kind,
    /// What signs.
    pub algorithm: &'static str,
    /// Where it keeps everything.
    pub database: Database,
}

/// Which server.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Ours { nodes: usize },
    OidcProvider(oidc_provider::Variant),
    Django,
    Glewlwyd,
}

/// Which database; both sync the disk before a commit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Database {
    /// In the server's process.
    Sqlite,
    /// In processes of its own.
    Postgres,
}

/// All of them, in the order in which they are measured. Those of a group run beside each other and are loaded in turns,
/// round by round, so that what disturbs the machine disturbs all of them.
pub fn groups() -> Vec<Vec<Contestant>> {
    use Database::{Postgres, Sqlite};
    use oidc_provider::Commits::{EachItsOwn, Shared};
    use oidc_provider::Format::{Jwt, Opaque};
    let oidc_provider =
        |format, commits, workers| Kind::OidcProvider(oidc_provider::Variant { format, commits, workers });
    let mut groups = Vec::new();
    let mut add = |kinds: &[Kind], database, algorithms: &[&'static str]| {
        groups.extend(algorithms.iter().map(|&algorithm| {
            let contestants = kinds.iter().map(|&kind| Contestant { kind, algorithm, database });
            contestants.collect::<Vec<_>>()
        }));
    };
    let both = ["ES256", "RS256"];
    add(&[Kind::Ours { nodes: 1 }], Sqlite, &both);
    add(&[Kind::Ours { nodes: 1 }, Kind::Ours { nodes: 2 }], Postgres, &both);
    add(&[oidc_provider(Opaque, EachItsOwn, 1)], Sqlite, &both);
    add(&[oidc_provider(Opaque, EachItsOwn, 2)], Sqlite, &both);
    add(&[oidc_provider(Jwt, EachItsOwn, 1)], Sqlite, &both);
    add(&[oidc_provider(Opaque, Shared, 1)], Sqlite, &both);
    add(&[oidc_provider(Opaque, EachItsOwn, 2)], Postgres, &both);
    add(&[Kind::Django], Sqlite, &["RS256"]);
    add(&[Kind::Django], Postgres, &["RS256"]);
    add(&[Kind::Glewlwyd], Sqlite, &both);
    groups
}

impl Contestant {
    /// As in the tables.
    pub fn name(&self) -> String {
        let database = match self.database {
            Database::Sqlite => "SQLite",
            Database::Postgres => "PostgreSQL",
        };
        let server = match self.kind {
            Kind::Ours { nodes: 1 } => "jiomeet-oauth".to_owned(),
            Kind::Ours { nodes } => format!("jiomeet-oauth, {nodes} nodes"),
            Kind::OidcProvider(variant) => variant.name(),
            Kind::Django => "django-oauth-toolkit".to_owned(),
            Kind::Glewlwyd => "glewlwyd".to_owned(),
        };
        format!("{server}, {database}, {}", self.algorithm)
    }

    /// Whether it is this project's.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours { .. })
    }

    /// How many of its processes serve as nodes of their own, if it is ours.
    pub fn nodes(&self) -> usize {
        match self.kind {
            Kind::Ours { nodes } => nodes,
            Kind::OidcProvider(_) | Kind::Django | Kind::Glewlwyd => 1,
        }
    }

    /// How oidc-provider is set up, if it is that.
    pub fn oidc_provider(&self) -> Option<oidc_provider::Variant> {
        match self.kind {
            Kind::OidcProvider(variant) => Some(variant),
            Kind::Ours { .. } | Kind::Django | Kind::Glewlwyd => None,
        }
    }

    /// What can be asked of it.
    pub fn operations(&self) -> Operations {
        match self.kind {
            Kind::OidcProvider(variant) => variant.operations(),
            Kind::Ours { .. } | Kind::Django | Kind::Glewlwyd => Operations::All,
        }
    }

    /// Starts it and brings somebody to sign in and consent.
    pub async fn start(&self, plan: &Plan) -> Fallible<Competitor> {
        match self.kind {
            Kind::Ours { nodes } => ours::start(plan, self.database, self.algorithm, nodes).await,
            Kind::OidcProvider(variant) => oidc_provider::start(plan, self.database, self.algorithm, variant).await,
            Kind::Django => django::start(plan, self.database, self.algorithm).await,
            Kind::Glewlwyd => glewlwyd::start(plan, self.algorithm),
        }
    }
}

impl Serialize for Contestant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}
