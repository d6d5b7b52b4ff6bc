// What is said to etcd and what it says (its API of version 3): keys with their values, events, transactions, and why
// something failed. Keys and values are bytes. Any process.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"

namespace swage::etcd {

using Revision = std::int64_t;  // of the whole store: grows by 1 with each change, begins with 1
using LeaseId = std::int64_t;   // 0: no lease

struct Failure {
  enum class Kind {
    unreachable,  // no endpoint answered in time; whether the request was executed is not known
    unavailable,  // etcd answers, and cannot do it now: no leader, no quorum, too busy, no space
    denied,       // wrong credentials, or not allowed
    not_found,    // there is no such lease
    compacted,    // what was asked for is no longer there; `oldest` is
    ended,        // the watch's stream is over, for whatever reason but those above
    refused,      // anything else: the request does not make sense
  };
  Kind kind = Kind::refused;
  std::string text{};   // "ENDPOINT: why", for the log; no secret
  Revision oldest = 0;  // of `compacted`: the first revision that can be asked for

  operator Error() const { return Error(text); }
};

template <typename T = void>
using Expected = std::expected<T, Failure>;

struct KeyValue {
  std::string key{}, value{};
  Revision created = 0, modified = 0;  // when the key came to be, and when it was written last
  std::int64_t version = 0;            // number of writes since it came to be
  LeaseId lease = 0;
};

// The first key after all those that begin with `prefix`, for the `end` of a range; "\0", which is none, where there is
// no such key.
[[nodiscard]] std::string prefix_end(std::string_view prefix);

// `key` alone, where `end` is empty; else the keys from `key` to before `end`.
struct Range {
  std::string key{}, end{};
  Revision revision = 0;      // as it was then; 0: as it is
  std::int64_t limit = 0;     // of keys; 0: none
  bool keys_only = false;     // without values
  bool serializable = false;  // what the endpoint knows, which may be old; it needs no quorum for that
};

struct Put {
  std::string key{}, value{};
  LeaseId lease = 0;
};

struct Remove {
  std::string key{}, end{};  // as in Range
};

// What a Range finds, in the order of keys.
struct Page {
  Revision revision = 0;  // of the store
  std::vector<KeyValue> found{};
  bool more = false;       // than `limit`
  std::int64_t count = 0;  // of keys in the range, found or not
};

// A condition. A key that is not there has the number 0 for everything, and no value.
struct Compare {
  enum class What { version, created, modified, lease, value };
  enum class Is { equal, not_equal, greater, less };
  std::string key{};
  What what = What::modified;
  Is is = Is::equal;
  std::int64_t number = 0;
  std::string value{};  // instead of `number`, for `value`
};

using Operation = std::variant<Put, Remove, Range>;

// If all of `conditions` hold, `then`, else `otherwise`: at one revision. No key may be put twice.
struct Transaction {
  std::vector<Compare> conditions{};
  std::vector<Operation> then{}, otherwise{};
};

struct Transacted {
  Revision revision = 0;
  bool held = false;          // the conditions
  std::vector<Page> found{};  // by the Ranges that were done, in order
};

struct Event {
  bool removed = false;  // then `now` has the key alone, and `modified`: by a Remove or by the end of its lease
  KeyValue now{};
};

// What a watch brings at a time: what is missing of it comes later, never earlier.
struct Batch {
  // Everything up to and including this revision has come. It does not grow with changes outside of the watched range.
  Revision seen = 0;
  std::vector<Event> events{};  // in the order of revisions; none in the first batch
};

}  // namespace swage::etcd
