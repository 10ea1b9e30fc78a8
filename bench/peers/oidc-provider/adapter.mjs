// A durable adapter for oidc-provider: one table, as in its own examples, on SQLite (synchronous=FULL) or PostgreSQL.
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

const TABLE = `CREATE TABLE IF NOT EXISTS oidc (
  model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
  expires_at BIGINT, consumed_at BIGINT, PRIMARY KEY (model, id))`;
const INDEXES = ['grant_id', 'uid', 'user_code'].map(
  (column) => `CREATE INDEX IF NOT EXISTS oidc_${column} ON oidc (${column}) WHERE ${column} IS NOT NULL`,
);
const UPSERT = `INSERT INTO oidc (model, id, payload, grant_id, uid, user_code, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload,
  grant_id = excluded.grant_id, uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`;
const FIND = 'SELECT payload, expires_at, consumed_at FROM oidc WHERE model = $1 AND ';
const CONSUME = 'UPDATE oidc SET consumed_at = $3 WHERE model = $1 AND id = $2';
const DESTROY = 'DELETE FROM oidc WHERE model = $1 AND id = $2';
const REVOKE = 'DELETE FROM oidc WHERE grant_id = $1';

const seconds = () => Math.floor(Date.now() / 1000);

/**
 * The embedded database. Every write is a commit of its own, as in the adapters that one finds; with `sharesCommits` those
 * that wait at the same time share one, and so one sync of the disk.
 */
class Sqlite {
  constructor(file, sharesCommits) {
    this.sharesCommits = sharesCommits;
    this.db = new DatabaseSync(file);
    this.db.exec('PRAGMA busy_timeout = 10000');
    this.db.exec('PRAGMA journal_mode = WAL');
    this.db.exec('PRAGMA synchronous = FULL');
    this.db.exec('PRAGMA cache_size = -16000');
    [TABLE, ...INDEXES].forEach((statement) => this.db.exec(statement));
    this.prepared = new Map();
    this.waiting = [];
  }

  statement(text) {
    let statement = this.prepared.get(text);
    if (!statement) this.prepared.set(text, (statement = this.db.prepare(text.replaceAll(/\$(\d)/g, '?$1'))));
    return statement;
  }

  async find(text, values) {
    return this.statement(text).get(...values);
  }

  async write(text, values) {
    if (!this.sharesCommits) {
      this.statement(text).run(...values);
      return;
    }
    await new Promise((resolve, reject) => {
      if (this.waiting.push({ text, values, resolve, reject }) === 1) setImmediate(() => this.commit());
    });
  }

  commit() {
    const batch = this.waiting;
    this.waiting = [];
    try {
      this.db.exec('BEGIN IMMEDIATE');
      for (const { text, values } of batch) this.statement(text).run(...values);
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      batch.forEach(({ reject }) => reject(error));
      return;
    }
    batch.forEach(({ resolve }) => resolve());
  }
}

/** PostgreSQL, with prepared statements over a pool. */
class Postgres {
  constructor(url, connections) {
    this.pool = new pg.Pool({ connectionString: url, max: connections });
    this.names = new Map();
    pg.types.setTypeParser(20, Number);
  }

  async prepare() {
    for (const statement of [TABLE, ...INDEXES]) await this.pool.query(statement);
  }

  query(text, values) {
    let name = this.names.get(text);
    if (!name) this.names.set(text, (name = `s${this.names.size}`));
    return this.pool.query({ name, text, values });
  }

  async find(text, values) {
    return (await this.query(text, values)).rows[0];
  }

  async write(text, values) {
    await this.query(text, values);
  }
}

/** Opens the database of that URL; the class it gives is what oidc-provider calls an adapter. */
export async function openAdapter(url, { connections, sharesCommits }) {
  const db = url.startsWith('sqlite:')
    ? new Sqlite(url.slice('sqlite:'.length), sharesCommits)
    : new Postgres(url, connections);
  await db.prepare?.();

  return class Adapter {
    constructor(model) {
      this.model = model;
    }

    upsert(id, payload, expiresIn) {
      const expires = expiresIn ? seconds() + expiresIn : null;
      const { grantId = null, uid = null, userCode = null } = payload;
      return db.write(UPSERT, [this.model, id, JSON.stringify(payload), grantId, uid, userCode, expires]);
    }

    async findBy(column, value) {
      const row = await db.find(`${FIND}${column} = $2`, [this.model, value]);
      if (!row || (row.expires_at !== null && row.expires_at <= seconds())) return undefined;
      const payload = JSON.parse(row.payload);
      if (row.consumed_at !== null) payload.consumed = row.consumed_at;
      return payload;
    }

    find(id) {
      return this.findBy('id', id);
    }

    findByUid(uid) {
      return this.findBy('uid', uid);
    }

    findByUserCode(userCode) {
      return this.findBy('user_code', userCode);
    }

    consume(id) {
      return db.write(CONSUME, [this.model, id, seconds()]);
    }

    destroy(id) {
      return db.write(DESTROY, [this.model, id]);
    }

    revokeByGrantId(grantId) {
      return db.write(REVOKE, [grantId]);
    }
  };
}
