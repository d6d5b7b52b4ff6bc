// Client: etcd 3.4 and later by its JSON gateway (https://etcd.io/docs, "gRPC gateway"), over core/http/fetcher. Watch:
// a stream of changes. On a loop, in a service process.
//
//     etcd::Client client(loop, settings);
//     const etcd::Put put{.key = "/a", .value = "1"};
//     CO_TRY(const etcd::Revision at, co_await client.put(put));
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/etcd/types.h"

namespace swage::etcd {

struct Settings {
  std::vector<std::string> endpoints{};       // "https://10.0.0.1:2379": members of one etcd, at least one
  std::string user{}, password{};             // none: without
  std::string certificate{}, key{};           // files (PEM) that say who we are; none: without
  std::string authorities{};                  // a file (PEM) of those that sign etcd's certificates; else the system's
  std::chrono::milliseconds each{2'000};      // for one endpoint to answer a request
  std::chrono::milliseconds patience{5'000};  // for a request in all, at however many endpoints
};

// Every request is sent to the endpoint that answered last, and where that does not, or says that it cannot, to the
// others in turn: so it may be executed more than once, and a Failure does not mean that it was not. Requests may be
// made at the same time. Destroying a task ends its request.
class Client {
 public:
  struct Granted {
    LeaseId id = 0;
    std::chrono::seconds ttl{};
  };
  struct Counts {
    std::uint64_t requests = 0, failures = 0;  // at endpoints; watches among them
  };

  Client(async::Loop& loop, Settings settings);
  // REQUIRES: no task of it and no Watch is left.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Gives the revision of the change.
  [[nodiscard]] async::Task<Expected<Revision>> put(Put put);
  // Gives the revision of the change, or the store's where there was nothing to remove.
  [[nodiscard]] async::Task<Expected<Revision>> remove(Remove remove);
  [[nodiscard]] async::Task<Expected<Page>> range(Range range);
  // All of a range, however many keys it has, at one revision, which it gives: `take` gets them page by page, at most
  // `range.limit` keys (0: 10,000) at a time. Each page has a `patience` of its own.
  [[nodiscard]] async::Task<Expected<Revision>> read(Range range, std::function<void(std::vector<KeyValue>)> take);
  [[nodiscard]] async::Task<Expected<Transacted>> transact(Transaction transaction);

  // A new lease; etcd may give it a longer time than asked for.
  [[nodiscard]] async::Task<Expected<Granted>> grant(std::chrono::seconds ttl);
  // Begins the lease's time anew, and gives it; `not_found` where it has ended.
  [[nodiscard]] async::Task<Expected<std::chrono::seconds>> keep_alive(LeaseId lease);
  // Ends the lease, with all keys that have it; `not_found` where it has ended.
  [[nodiscard]] async::Task<Expected<>> revoke(LeaseId lease);

  // From the next time on that the user has to be authenticated.
  void use_password(std::string password);

  [[nodiscard]] Counts counts() const;

 private:
  friend class Watch;
  struct State;

  std::unique_ptr<State> state_;
};

// The changes of a range from a revision on. On the stream of one endpoint, which has to know a leader all the time
// (`hasleader`): when it is over, make another Watch, from the revision after the last one seen; it begins at another
// endpoint. A stream that is silent may be one that has no network: whoever needs to know writes what has to come back.
class Watch {
 public:
  // `from`: the first revision to be brought; `range.revision` and `range.limit` are not looked at. REQUIRES: `client`
  // outlives it.
  Watch(Client& client, Range range, Revision from);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // The next batch. The first one is without events, and says that the stream is there (`seen` is `from` - 1): it takes
  // at most `patience`. Afterwards waits for as long as it takes. After a Failure it is over. REQUIRES: one next() at a
  // time. Destroying the task loses nothing.
  [[nodiscard]] async::Task<Expected<Batch>> next();

 private:
  class Stream;

  std::unique_ptr<Stream> stream_;
};

}  // namespace swage::etcd
