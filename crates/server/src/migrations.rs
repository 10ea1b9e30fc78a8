//! The schema, step by step. A released step never changes; what comes later is a new file.

use sql::Migration;

use crate::{apps, audit, jobs, keys, mail, meetings, oauth, review, screening, users};

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration::common(1, "users", include_str!("../migrations/0001_users.sql")),
    Migration::common(2, "apps", include_str!("../migrations/0002_apps.sql")),
    Migration::common(3, "review", include_str!("../migrations/0003_review.sql")),
    Migration::common(4, "oauth", include_str!("../migrations/0004_oauth.sql")),
    Migration::common(5, "meetings", include_str!("../migrations/0005_meetings.sql")),
    Migration::common(
        6,
        "meetings_of_deleted_accounts",
        include_str!("../migrations/0006_meetings_of_deleted_accounts.sql"),
    ),
    Migration::common(7, "targets", include_str!("../migrations/0007_targets.sql")),
    Migration::common(8, "client keys", include_str!("../migrations/0008_client_keys.sql")),
    Migration::common(9, "pushed requests", include_str!("../migrations/0009_pushed_requests.sql")),
    Migration::common(10, "submission_times", include_str!("../migrations/0010_submission_times.sql")),
    Migration::common(11, "post_logout_urls", include_str!("../migrations/0011_post_logout_urls.sql")),
    Migration::twin(
        12,
        "announcements",
        include_str!("../migrations/0012_announcements.sqlite.sql"),
        include_str!("../migrations/0012_announcements.postgres.sql"),
    ),
    Migration::common(13, "logos_in_use", include_str!("../migrations/0013_logos_in_use.sql")),
    Migration::common(14, "dpop", include_str!("../migrations/0014_dpop.sql")),
    Migration::twin(
        15,
        "keys_announced",
        include_str!("../migrations/0015_keys_announced.sqlite.sql"),
        include_str!("../migrations/0015_keys_announced.postgres.sql"),
    ),
    Migration::common(16, "large_data", include_str!("../migrations/0016_large_data.sql")),
    Migration::twin(
        17,
        "collations",
        include_str!("../migrations/0017_collations.sqlite.sql"),
        include_str!("../migrations/0017_collations.postgres.sql"),
    ),
    Migration::common(18, "connected_apps", include_str!("../migrations/0018_connected_apps.sql")),
    Migration::common(19, "cancelled_by_user", include_str!("../migrations/0019_cancelled_by_user.sql")),
    Migration::common(20, "trials_by_user", include_str!("../migrations/0020_trials_by_user.sql")),
];

/// Every statement that the program runs on this schema, room by room: a test prepares each on both engines and looks at
/// its plan.
pub fn statements() -> Vec<sql::Statement> {
    let mut all = Vec::new();
    for statements in apps::STATEMENTS
        .iter()
        .chain(oauth::STATEMENTS)
        .chain(mail::STATEMENTS)
        .chain(review::STATEMENTS)
        .chain(users::STATEMENTS)
    {
        all.extend_from_slice(statements);
    }
    for statements in
        [audit::STATEMENTS, jobs::STATEMENTS, keys::STATEMENTS, meetings::STATEMENTS, screening::STATEMENTS]
    {
        all.extend_from_slice(statements);
    }
    all
}
