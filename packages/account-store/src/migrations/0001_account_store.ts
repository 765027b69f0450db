/** The first shape of the store. Everything lives in the schema `sluice`, so that a shared database stays tidy. */
export const accountStore = `
create table sluice.account_schema (
  version int primary key,
  fields text not null,                       -- JSON: core's Fields
  created_at timestamptz not null default now(),
  created_by text not null,
  reason text
);
-- One row: the version in force. A run that applies holds a share lock on it, so that no row is filtered by one version
-- and applied under another (§8).
create table sluice.account_schema_in_force (
  singleton boolean primary key default true check (singleton),
  version int not null references sluice.account_schema
);

create table sluice.connection (
  name text primary key,
  definition jsonb not null                   -- never a secret, only where it is found
);
create table sluice.sync (
  name text primary key,
  definition jsonb not null,
  connection text not null references sluice.connection,
  -- The lease: the run that holds the sync, and the token that it must show to write.
  active_run text,
  active_execution text,
  fencing_token bigint not null default 0
);
-- Grows over all syncs, so that a sync that was removed and came back never hands out an old token.
create sequence sluice.fencing_token;

create table sluice.watermark (
  sync text primary key references sluice.sync on delete cascade,
  updated_at text collate "C" not null,       -- the source's exact text
  rows_at_updated_at bigint not null,
  moved_at timestamptz not null default now(),
  moved_by text not null
);

create table sluice.run (
  run_id text primary key,
  sync text not null,
  kind text not null,
  status text not null,
  workflow_id text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  schema_version int not null,
  watermark_from text,
  watermark_to text,
  paused_because text,
  rows_read bigint not null default 0,
  rows_created bigint not null default 0,
  rows_updated bigint not null default 0,
  rows_unchanged bigint not null default 0,
  rows_deleted bigint not null default 0,
  rows_ignored bigint not null default 0,
  rows_merged bigint not null default 0,
  rows_rejected bigint not null default 0,
  -- JSON as text, since names in it may hold what jsonb cannot.
  rejected text not null default '{}',
  dropped_fields text not null default '{}',
  type_mismatches text not null default '{}',
  unstorable_values text not null default '{}',
  files_applied bigint not null default 0,
  files_skipped text not null default '[]',
  warnings text not null default '[]',
  error text
);
create index run_by_time on sluice.run (started_at desc, run_id);
create index run_by_sync on sluice.run (sync, started_at desc, run_id);

-- The ledger: a batch whose row stands here has been applied, and is never applied again.
create table sluice.batch (
  run_id text not null references sluice.run on delete cascade,
  token bigint not null,
  segment int not null,
  batch int not null,
  rows_read bigint not null,
  schema_version int not null,
  applied_at timestamptz not null default now(),
  primary key (run_id, token, segment, batch)
);

create table sluice.account (
  id text collate "C" primary key,
  name text not null,
  attributes jsonb not null,
  updated_at text collate "C",                -- the source's exact text; null for accounts from files
  created_at timestamptz not null default now(),
  synced_at timestamptz not null default now(),
  -- Hash of the last change applied: the same change once more changes nothing.
  change_hash uuid,
  -- What usage counts (§10); computed by PostgreSQL, so that a recount agrees.
  bytes int not null generated always as (octet_length(id) + octet_length(name) + octet_length(attributes::text)) stored
);

-- What one statement inserted, for statements that return no rows (COPY): accounts and bytes, until the transaction ends.
create function sluice.note_inserted() returns trigger language plpgsql as $$
begin
  perform set_config('sluice.inserted', (select count(*) || ' ' || coalesce(sum(bytes), 0) from inserted), true);
  return null;
end $$;
create trigger note_inserted after insert on sluice.account
  referencing new table as inserted for each statement execute function sluice.note_inserted();

create table sluice.usage (
  singleton boolean primary key default true check (singleton),
  accounts bigint not null default 0,
  bytes bigint not null default 0,
  accounts_max bigint,
  bytes_max bigint
);
insert into sluice.usage default values;

create table sluice.quarantine (
  sync text not null,
  row_key uuid not null,
  run_id text not null,
  id text,
  updated_at text,
  name text,
  payload text,
  deleted text,
  code text not null,
  sentence text not null,
  quarantined_at timestamptz not null default now(),
  refreshed_at timestamptz not null default now(),
  retried_at timestamptz,
  primary key (sync, row_key)
);
create index quarantine_by_time on sluice.quarantine (quarantined_at desc, sync, row_key);

-- Files that were applied whole (§6).
create table sluice.file (
  sync text not null references sluice.sync on delete cascade,
  key text not null,
  etag text not null,
  version text not null,
  rows bigint not null,
  run_id text not null,
  applied_at timestamptz not null default now(),
  primary key (sync, key)
);

-- RFC 7396: an object is merged key by key at every level, null removes, anything else replaces.
create function sluice.merge_patch(target jsonb, patch jsonb) returns jsonb language plpgsql immutable parallel safe as $$
declare
  merged jsonb := case when jsonb_typeof(target) = 'object' then target else '{}' end;
  key text;
  value jsonb;
begin
  if jsonb_typeof(patch) <> 'object' then
    return patch;
  end if;
  for key, value in select * from jsonb_each(patch) loop
    if value = 'null' then
      merged := merged - key;
    elsif jsonb_typeof(value) = 'object' then
      merged := merged || jsonb_build_object(key, sluice.merge_patch(merged -> key, value));
    else
      merged := merged || jsonb_build_object(key, value);
    end if;
  end loop;
  return merged;
end $$;

-- §4. One change on top of the stored attributes.
create function sluice.changed(attributes jsonb, set_fields jsonb, remove_fields text[], deep text) returns jsonb
language sql immutable parallel safe as $$
  select case when deep is null and remove_fields is null then attributes || set_fields
    else sluice.merge_patch((attributes || set_fields) - coalesce(remove_fields, '{}'), coalesce(deep, '{}')::jsonb) end
$$;
`
