// The protocol of a fleet (docs/decisions/fleet.md), for the model checker spin: is there any order of events, delays,
// crashes and lost connections in which a registration was answered with 200, and a nameserver that still answers does
// not have the value?
//
// Modelled: a broker; nameservers, each with a service process, and dns processes that share a table with it; an engine
// with revisions, leases and a log that watches follow, each at its own pace; a registration, which the client repeats.
// A server that is both a broker and a nameserver is one of each. Time is counted, and passes between any two steps: each message, process and machine may be as slow as
// there is time. Not modelled: clocks whose rates differ (the margin between FENCE and LEASE is for them), a value's own
// expiry, the inside of the engine (etcd is linearisable).
//
// tests/model/check runs it as it is, which must find nothing, and with each of the mistakes below, which must be
// found: so the model can fail.

#ifndef NODES
#define NODES 1
#endif
#ifndef BIRTHS
#define BIRTHS 2     // how often a service process begins at each node
#endif
#ifndef TIME
#define TIME 3       // the last moment
#endif
#ifndef REVISIONS
#define REVISIONS 5  // the last revision of the engine; what needs more does not happen
#endif
#define LEASE 2      // the engine forgets a node that has not renewed for so long
#ifdef MISTAKE_LONG_FENCE
#define FENCE 3
#else
#define FENCE 1      // a nameserver that has not renewed for so long answers SERVFAIL
#endif
#define IDS (NODES * BIRTHS)

byte now = 0;

// The engine's log. An event is one of these.
#define TXT 1        // txt/… was written
#define SEEN 2       // node/ID was written: log_seen is what it has seen
#define LEFT 3       // the lease of node/ID ended
byte revision = 0;
byte log_kind[REVISIONS + 1];
byte log_id[REVISIONS + 1];
byte log_seen[REVISIONS + 1];
byte expires[IDS];   // the lease of node/ID; 0: there is none

// A node's shared memory, which outlives its service process.
bool has[NODES];     // the table has the value
bool open[NODES];    // some service process has let the dns processes answer
byte valid_until[NODES];

bool acknowledged = false;

inline append(kind, whose, seen) {
  revision++;
  log_kind[revision] = kind;
  log_id[revision] = whose;
  log_seen[revision] = seen
}

// Sets `result` to whether all who are members at revision `upto` have seen revision `wanted`.
inline all_have_seen(upto, wanted, result) {
  result = true;
  k = 0;
  do
  :: k < IDS ->
       last = 0;
       j = 1;
       do
       :: j <= upto ->
            if
            :: log_kind[j] != TXT && log_id[j] == k -> last = j
            :: else
            fi;
            j++
       :: else -> break
       od;
       if
       :: last > 0 && log_kind[last] == SEEN && log_seen[last] < wanted -> result = false
       :: else
       fi;
       k++
  :: else -> break
  od;
  k = 0; j = 0; last = 0
}

#ifdef MISTAKE_NO_FENCE
#define answers(node) (open[node])
#else
#define answers(node) (open[node] && now < valid_until[node])
#endif

active proctype clock() {
  do
  :: now < TIME -> now++
  :: else -> break
  od
}

// Ends leases, some time after they have expired.
proctype lease(byte id) {
  do
  :: d_step {
       expires[id] > 0 && now >= expires[id] && revision < REVISIONS ->
       expires[id] = 0;
       append(LEFT, id, 0)
     }
  od
}

// The service processes of a node, one after the other: each is killed at any step, and the next one begins.
proctype service(byte node) {
  byte birth, me, sent, seen, own, at, j;
  bool joined;       // its own entry has come back by the watch
  bool renewing;

begin:
  skip;
  d_step { joined = false; renewing = false; own = 0; seen = 0; at = 0 };
  if
  :: birth == BIRTHS -> goto end
  :: birth < BIRTHS -> d_step { me = node * BIRTHS + birth; birth++ }
  fi;

  // 1: what is there, then a lease.
  d_step {
    at = revision;
    j = 1;
    do
    :: j <= at ->
         if
         :: log_kind[j] == TXT -> has[node] = true
         :: else
         fi;
         j++
    :: else -> break
    od;
    j = 0
  };
again:
  sent = now;
  expires[me] = now + LEASE;
#ifdef MISTAKE_EARLY
  d_step { valid_until[node] = sent + FENCE; open[node] = true };
#endif
  // 2: itself.
  if
  :: d_step { expires[me] > 0 && revision < REVISIONS -> append(SEEN, me, at); own = revision; seen = at }
  :: goto begin
  fi;

  do
  // 3: the watch brings the next event.
  :: d_step {
       at < revision ->
       at++;
       if
       :: log_kind[at] == TXT -> has[node] = true
       :: else
       fi;
       if
       :: at == own && !joined ->
            joined = true;
            open[node] = true;
            if
            :: sent + FENCE > valid_until[node] -> valid_until[node] = sent + FENCE
            :: else
            fi;
            sent = 0
       :: else
       fi
     }
  // 3: says what it has seen.
  :: d_step {
       joined && at > seen && log_kind[at] == TXT && expires[me] > 0 && revision < REVISIONS ->
       seen = at;
       append(SEEN, me, at);
       own = revision
     }
#ifdef MISTAKE_AHEAD
  :: d_step {
       joined && revision > seen && expires[me] > 0 && revision < REVISIONS ->
       seen = revision;
       append(SEEN, me, seen);
       own = revision
     }
#endif
  // 4: renews while the watch is well.
  :: d_step { joined && !renewing && at >= own && now < TIME -> sent = now; renewing = true }
  :: d_step { renewing && expires[me] > 0 -> expires[me] = now + LEASE };
     // 5: is confirmed. This may take as long as it likes.
     d_step {
       renewing = false;
#ifdef MISTAKE_FROM_RECEIPT
       valid_until[node] = now + FENCE;
#else
       if
       :: sent + FENCE > valid_until[node] -> valid_until[node] = sent + FENCE
       :: else
       fi;
#endif
       sent = 0
     }
  // The lease has ended, and the process has been told: another one, for another ID; the watch goes on where it was.
  :: joined && expires[me] == 0 && birth < BIRTHS ->
       d_step { me = node * BIRTHS + birth; birth++; joined = false; renewing = false; own = 0; seen = 0;
                valid_until[node] = 0 };
       goto again
  :: goto begin      // killed; or the watch cannot go on where it was
  od;
end:
  skip
}

active proctype broker() {
  byte at, j, k, last;
  byte wrote;        // the revision of the value that is being registered; 0: none
  bool all;
  do
  // 6: after the dial.
  :: d_step { wrote == 0 && !acknowledged && revision < REVISIONS -> append(TXT, 0, 0); wrote = revision }
  // 7: its own watch; or it begins anew with what is there.
  :: at < revision -> at++
  :: d_step { at < revision -> at = revision; wrote = 0 }
  // 8 to 10: 200 once all who are there have seen it; or 503, and the client comes again.
#ifdef MISTAKE_OLD_MEMBERS
  :: d_step { wrote > 0 ->
#else
  :: d_step { wrote > 0 && at >= wrote ->
#endif
       all_have_seen(at, wrote, all);
       acknowledged = acknowledged || all;
       all = false;
       wrote = 0
     }
  od
}

init {
  byte n;
  atomic {
    do
    :: n < NODES -> run service(n); n++
    :: else -> break
    od;
    n = 0;
    do
    :: n < IDS -> run lease(n); n++
    :: else -> break
    od
  }
}

// Always: once it was acknowledged, whoever answers has the value.
#define wrong(node) (answers(node) && !has[node])
active proctype monitor() {
  d_step {
    acknowledged && (wrong(0)
#if NODES > 1
                     || wrong(1)
#endif
                    ) -> assert(false)
  }
}
