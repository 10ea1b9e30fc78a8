//! This server: the embedded database, or nodes that share PostgreSQL.

use super::Plan;
use super::competitor::{CHALLENGE, Competitor, Home, Processes, VERIFIER};
use super::contestants::Database;
use crate::Fallible;
use crate::browser::Browser;
use crate::calls::Service;
use crate::deployment::{Deployment, Setting};

/// Starts it.
pub async fn start(plan: &Plan, database: Database, algorithm: &str, nodes: usize) -> Fallible<Competitor> {
    let home = Home::make(plan, database)?;
    let setting = Setting {
        program: &plan.program,
        folder: home.folder.path(),
        algorithm,
        database_url: home.postgres.as_ref().map(|postgres| postgres.url.as_str()),
    };
    let mut deployment = Deployment::start(&setting)?;
    for _ in 1..nodes {
        deployment.join(&setting)?;
    }
    let user = deployment.report.users.iter().find(|user| user.roles == ["user"]).ok_or("nobody is a plain user")?;
    let mut browser = Browser::open(&deployment).await?;
    browser.sign_in_and_allow(user, &deployment.report.client).await?;
    let mut service = Service::ours(&deployment, browser.cookies());
    // Peers demand PKCE.
    service.authorize += &format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    service.verifier = Some(VERIFIER);
    let mut target = deployment.target.clone();
    if let Some(postgres) = &home.postgres {
        target.database = Some(postgres.pid);
        target.syncs = Some(postgres.syncs.clone());
    }
    Competitor::new(service, target, Processes::Ours { _nodes: Box::new(deployment) }, home)
}
