-- Meetings. A repeating one is one row; its occurrences are computed, and only those that were cancelled are stored.

CREATE TABLE meetings (
    id TEXT COLLATE "C" PRIMARY KEY,
    -- Ten digits, what people type to join.
    jiomeet_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- Of a series: from where it counts. Its first occurrence is here or later.
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    pin TEXT NOT NULL,
    pin_enabled_at BIGINT,
    join_before_host_at BIGINT,
    waiting_room_at BIGINT,
    hard_audio_mute_at BIGINT,
    hard_video_mute_at BIGINT,
    classroom_mode_at BIGINT,
    -- Null for a single meeting: 'daily', 'weekly' or 'monthly'.
    repeat_kind TEXT,
    -- Bit 0 is Sunday; null is the start's own weekday.
    repeat_days BIGINT,
    -- Null is the start's own day of the month.
    repeat_date_in_month BIGINT,
    -- Days since 1970-01-01 in the series' zone, included; null goes on without end.
    repeat_end_day BIGINT,
    time_zone TEXT,
    -- End of the last occurrence (of a series without end, the last before 2100); null for a single meeting.
    series_ends_at BIGINT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    cancelled_at BIGINT
);
CREATE INDEX meetings_single ON meetings (user_id, starts_at, id) WHERE repeat_kind IS NULL AND cancelled_at IS NULL;
CREATE INDEX meetings_repeating ON meetings (user_id, series_ends_at, id) WHERE repeat_kind IS NOT NULL AND cancelled_at IS NULL;

-- How many single meetings of a person start in a month (counted from January 1970, UTC), so that a list knows its length
-- and finds a page of it without reading what comes before.
CREATE TABLE meeting_months (
    user_id TEXT NOT NULL,
    month BIGINT NOT NULL,
    singles BIGINT NOT NULL,
    PRIMARY KEY (user_id, month)
);

CREATE TABLE meeting_participants (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    position BIGINT NOT NULL,
    -- Null for who was there without being invited.
    invited_at BIGINT,
    name TEXT NOT NULL DEFAULT '',
    -- 'host' or 'participant'.
    role TEXT NOT NULL,
    joined_at BIGINT,
    left_at BIGINT,
    PRIMARY KEY (meeting_id, email)
);

CREATE TABLE cancelled_occurrences (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    -- Days since 1970-01-01 in the series' zone: a series takes at most one occurrence a day, and keeps it when the hour changes.
    day BIGINT NOT NULL,
    cancelled_at BIGINT NOT NULL,
    PRIMARY KEY (meeting_id, day)
);
