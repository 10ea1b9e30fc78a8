-- Meetings. A repeating one is one row; its occurrences are computed, and only those that were cancelled are stored.

CREATE TABLE meetings (
    id TEXT COLLATE "C" PRIMARY KEY,
    -- Ten digits, what people type to join.
    jiomeet_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- The first occurrence.
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
    -- Bit 0 is Sunday.
    repeat_days BIGINT,
    repeat_date_in_month BIGINT,
    -- 'YYYY-MM-DD', included; null goes on without end.
    repeat_end_date TEXT,
    time_zone TEXT,
    -- End of the last occurrence, null without end: what is over is found by it.
    series_ends_at BIGINT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    cancelled_at BIGINT
);
CREATE INDEX meetings_single_by_start ON meetings (user_id, starts_at, id) WHERE repeat_kind IS NULL AND cancelled_at IS NULL;
CREATE INDEX meetings_single_by_end ON meetings (user_id, ends_at, id) WHERE repeat_kind IS NULL AND cancelled_at IS NULL;
CREATE INDEX meetings_repeating ON meetings (user_id, series_ends_at, id) WHERE repeat_kind IS NOT NULL AND cancelled_at IS NULL;

CREATE TABLE meeting_participants (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    -- 'host' or 'participant'.
    role TEXT NOT NULL,
    joined_at BIGINT,
    left_at BIGINT,
    PRIMARY KEY (meeting_id, email)
);

CREATE TABLE cancelled_occurrences (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    cancelled_at BIGINT NOT NULL,
    PRIMARY KEY (meeting_id, starts_at)
);
