//! The schema, step by step. A released step never changes; what comes later is a new file.

use sql::Migration;

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration::common(1, "users", include_str!("../migrations/0001_users.sql")),
    Migration::common(2, "apps", include_str!("../migrations/0002_apps.sql")),
    Migration::common(3, "review", include_str!("../migrations/0003_review.sql")),
    Migration::common(4, "oauth", include_str!("../migrations/0004_oauth.sql")),
    Migration::common(5, "meetings", include_str!("../migrations/0005_meetings.sql")),
];
