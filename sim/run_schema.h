// The schema of run.sqlite: what a run leaves behind for reports and for your own questions. Times are
// simulated seconds since the start of the run (`_s`) or milliseconds within an operation (`_ms`); ids and
// keys are 64 hexadecimal digits; hosts are the simulator's indexes. SQLite keeps these comments: `.schema`
// in the sqlite3 shell shows them.
#pragma once

namespace shoal::sim {

// Of every change of the schema that a reader must know of; in the table `run` as schema_version.
inline constexpr int kRunSchemaVersion = 3;

inline constexpr char kRunSchema[] = R"sql(
CREATE TABLE run (          -- what was run: every key of summary.json, and scenario, description, source,
  key   TEXT PRIMARY KEY,   -- figure (the main one), scenario_text, warm_up_s, population.size, lookups_started,
                            -- lookups_kept_share, schema_version
  value                     -- number or text
) WITHOUT ROWID;

CREATE TABLE series (       -- one value per sample and metric, in the order of time
  t_s    REAL NOT NULL,     -- end of the interval; rates are over the interval since the sample before
  metric TEXT NOT NULL,     -- online | lookups.started_per_s, lookups.success_ratio (by their start), gets.* alike
                            -- | traffic.bytes_per_s.KIND, traffic.messages_per_s.KIND, purpose.bytes_per_s.PURPOSE
                            -- | group.session_ratio, group.primaries (each second, as the metrics say)
                            -- | traffic.by_session_bytes_per_s, of those of all kinds
                            -- | table.contacts (mean), table.live_contact_ratio, table.client_ratio, dropped_per_s.REASON
                            -- | jobs_queued.max, requests_in_flight.max
  value  REAL NOT NULL,
  PRIMARY KEY (metric, t_s)
) WITHOUT ROWID;

CREATE TABLE lookups (      -- all in a small run; else even samples, of failures and of the rest apart
  lookup      INTEGER PRIMARY KEY,  -- its number in the run
  started_s   REAL NOT NULL,
  origin      INTEGER NOT NULL,
  target      TEXT NOT NULL,
  outcome     TEXT NOT NULL,  -- success | failure | abandoned (origin left) | unjudged (no settled host) | unfinished
  counted     INTEGER NOT NULL,  -- 1: in the metrics; 0: started before the end of the warm-up, or not judged
  exact       INTEGER NOT NULL,  -- 1: found the true k closest
  truth       INTEGER,        -- host
  latency_ms  REAL,           -- until the truth answered
  duration_ms REAL,
  hops        INTEGER,        -- of the truth
  messages    INTEGER,        -- requests sent and answers received
  error       TEXT,           -- why there was no result at all
  origin_knew INTEGER,        -- 1: the truth stood in the origin's table when the lookup ended
  truth_tables INTEGER,       -- tables that held the truth, in the sample before the lookup's end,
  tables_seen INTEGER         -- of so many that were looked at
);

CREATE TABLE lookup_truth ( -- of each lookup of the table above: the first of the true closest hosts
  lookup   INTEGER NOT NULL,
  rank     INTEGER NOT NULL,  -- from 1, the truth
  host     INTEGER NOT NULL,
  online_since_s REAL NOT NULL,
  PRIMARY KEY (lookup, rank)
) WITHOUT ROWID;

CREATE TABLE lookup_steps ( -- the story of each lookup of the table above: its requests, in the order of sending
  lookup   INTEGER NOT NULL,
  step     INTEGER NOT NULL,
  asked    INTEGER,         -- host; NULL: nobody that ever lived
  asked_life INTEGER NOT NULL,  -- which of the hosts that took that place in turn: 2 of host-17.2
  told_by  INTEGER,         -- host that named it; the origin itself for what stood in its own table
  hops     INTEGER NOT NULL,
  sent_ms  REAL NOT NULL,   -- since the lookup's start
  ended_ms REAL,
  outcome  TEXT NOT NULL,   -- answered | timed_out | refused | unasked
  knew_truth INTEGER,       -- 1: the truth stood in its table when the lookup ended; NULL: it was gone by then
  PRIMARY KEY (lookup, step)
) WITHOUT ROWID;

CREATE TABLE items (        -- every put of the workload
  item         INTEGER PRIMARY KEY,
  kind         TEXT NOT NULL,  -- hash | publish
  location     TEXT NOT NULL,
  salt         TEXT NOT NULL,
  bytes        INTEGER NOT NULL,
  origin       INTEGER NOT NULL,
  started_s    REAL NOT NULL,
  duration_ms  REAL,
  outcome      TEXT NOT NULL,  -- success | failure | abandoned | unfinished
  holders      INTEGER,     -- that acknowledged it
  sequence     INTEGER,
  error        TEXT
);

CREATE TABLE item_census (  -- who held an item, at each census (every 5 minutes) that differs from the one
  item      INTEGER NOT NULL,  -- before; items.item of the first put of that name; the first 5,000 names
  t_s       REAL NOT NULL,
  online    INTEGER NOT NULL,  -- hosts that held the newest acknowledged version, or a newer one,
  away      INTEGER NOT NULL,  -- and hosts that were away, and would come back with it
  expected  INTEGER NOT NULL,  -- 1: acknowledged, and not expired
  PRIMARY KEY (item, t_s)
) WITHOUT ROWID;

CREATE TABLE item_last_holders (  -- when a census found nobody online any more: who held it in the one before
  item INTEGER NOT NULL,
  t_s  REAL NOT NULL,       -- of the census that found nobody
  host INTEGER NOT NULL,
  PRIMARY KEY (item, t_s, host)
) WITHOUT ROWID;

CREATE TABLE item_gets (    -- all in a small run; else even samples, of failures and of the rest apart
  item_get   INTEGER PRIMARY KEY,
  location   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  origin     INTEGER NOT NULL,
  started_s  REAL NOT NULL,
  latency_ms REAL,
  outcome    TEXT NOT NULL,  -- success | failure | abandoned | unfinished
  counted    INTEGER NOT NULL,
  sequence   INTEGER,
  stale      INTEGER NOT NULL,  -- 1: a higher sequence had been acknowledged before it started
  error      TEXT
);

CREATE TABLE hosts (        -- places in the network, for all the hosts that take them in turn; the first 200,000
  host    INTEGER PRIMARY KEY,
  address TEXT NOT NULL,    -- at the beginning of the run
  region  INTEGER NOT NULL,
  nat     TEXT NOT NULL     -- none | full_cone | restricted | port_restricted | symmetric
);

CREATE TABLE host_counters (  -- what each has counted over all its sessions, zeros left out; the first 1,000 hosts
  host    INTEGER NOT NULL,
  counter TEXT NOT NULL,    -- as `shoal status` names them
  value   INTEGER NOT NULL,
  PRIMARY KEY (host, counter)
) WITHOUT ROWID;

CREATE TABLE sessions (     -- of hosts, from start to end; the first 200,000
  host     INTEGER NOT NULL,
  name     TEXT NOT NULL,   -- host-17; host-17.2 is the stranger that took its place, …
  id       TEXT NOT NULL,
  client   INTEGER NOT NULL,
  begin_s  REAL NOT NULL,
  end_s    REAL,            -- NULL: online at the end of the run
  left_by  TEXT,            -- crash | clean | killed
  mistaken_samples INTEGER NOT NULL  -- after the warm-up, in which it took itself for what it is not: see
                            -- population.mistaken_ratio
);
CREATE INDEX sessions_of_host ON sessions (host, begin_s);
CREATE INDEX sessions_of_name ON sessions (name, begin_s);

CREATE TABLE faults (
  fault   INTEGER PRIMARY KEY,  -- from 1, in the order in which they began
  kind    TEXT NOT NULL,    -- partition | loss | delay | duplicate | reorder | kill | slow | clock | store
                            -- | bit_rot | change_address
  begin_s REAL NOT NULL,
  end_s   REAL NOT NULL,    -- equal to begin_s for those without duration
  what    TEXT NOT NULL,
  recovery_s REAL           -- of a partition, kill or change_address: heal.recovery_s of this one; NULL: never, or no such
);

CREATE TABLE fault_hosts (  -- which hosts a fault hit, where it chose among them
  fault INTEGER NOT NULL,
  host  INTEGER NOT NULL,
  part  INTEGER,            -- of a partition that was healed: the host's group
  PRIMARY KEY (fault, host)
) WITHOUT ROWID;

CREATE TABLE histograms (   -- of everything that counts, not only of what is kept above
  name  TEXT NOT NULL,      -- lookup.latency_ms, lookup.duration_ms, lookup.hops, item.get_latency_ms, table.contacts
  low   REAL NOT NULL,      -- bin [low, high)
  high  REAL NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (name, low)
) WITHOUT ROWID;

CREATE TABLE traffic (      -- after the warm-up, all nodes together
  kind            TEXT PRIMARY KEY,  -- ping, find_host, …
  requests        INTEGER NOT NULL,  -- sent
  responses       INTEGER NOT NULL,
  request_bytes   INTEGER NOT NULL,  -- sealed, without IP and UDP headers
  response_bytes  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE traffic_purposes (  -- after the warm-up: requests and their responses, by why they were sent
  purpose TEXT PRIMARY KEY,      -- lookup, items, maintenance, bootstrap, command
  bytes   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE expectations (
  text   TEXT NOT NULL,     -- as the scenario says it
  metric TEXT NOT NULL,
  value,                    -- NULL: the run has no such value
  met    INTEGER NOT NULL
);

CREATE TABLE examples (     -- of each metric whose expectation is not met: its three worst cases
  metric  TEXT NOT NULL,
  rank    INTEGER NOT NULL,  -- from 1, the worst
  what    TEXT NOT NULL,    -- what they are: "the slowest lookups"
  subject TEXT NOT NULL,    -- "lookup 17": run_scenario explain DIR lookup 17 prints the story
  story   TEXT NOT NULL,
  PRIMARY KEY (metric, rank)
) WITHOUT ROWID;

CREATE TABLE oracle_rules ( -- what must hold in every run (sim/oracle_rules.h)
  rule       TEXT PRIMARY KEY,
  holds_when TEXT NOT NULL,
  checks     INTEGER NOT NULL,
  violations INTEGER NOT NULL  -- checks that failed
) WITHOUT ROWID;

CREATE TABLE violations (   -- of the oracle's rules, in the order of time; the first 100 of each rule
  violation INTEGER PRIMARY KEY,  -- from 1
  rule      TEXT NOT NULL,
  host      INTEGER NOT NULL,  -- whose doing it is, or where it was seen
  t_s       REAL NOT NULL,
  job       TEXT,           -- handle_response, …: what the host ran, or had run last; NULL: it was not running
  operation TEXT,           -- lookup | put | get, in which it was seen; NULL: in none
  number    INTEGER,        -- of that operation: lookups.lookup, items.item, item_gets.item_get
  guid      TEXT,           -- of its command, 16 hexadecimal digits; else of the job, if that has one
  text      TEXT NOT NULL
);

-- What `run_scenario replay` runs again, and holds it against.
CREATE TABLE scenario_settings (  -- of --set; run.scenario_text shows them as comments at its end
  number INTEGER PRIMARY KEY,     -- their order
  path   TEXT NOT NULL,
  value  TEXT NOT NULL
);

CREATE TABLE scenario_files ( -- that the scenario names
  name    TEXT PRIMARY KEY,   -- as it stands there
  content BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE trace_checkpoints (  -- the hash of the trace up to and with a job: at regular ones, and at the last
  job  INTEGER PRIMARY KEY,       -- number in the run, from 1; 0: there was none
  t_ns INTEGER NOT NULL,
  hash TEXT NOT NULL
);

CREATE TABLE trace_events (   -- the first events, or those of --trace-events; sim/trace_record.h says how packed
  first_job INTEGER PRIMARY KEY,
  jobs      INTEGER NOT NULL,
  t_ns      INTEGER NOT NULL,   -- of the first
  events    BLOB NOT NULL
);
)sql";

}  // namespace shoal::sim
