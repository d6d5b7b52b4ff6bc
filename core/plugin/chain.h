// What answers queries, in every dns process: Plugins in a chain, Filters before it and Observers after it. Part of
// the contract (core/plugin/plugin.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/result.h"

namespace swage {

using dns::Query;
using dns::Response;

enum class Outcome : std::uint8_t {
  send,  // the response goes to the client
  drop,  // nothing is sent
};

struct ChainEntry;

// The plugins that come next in the chain. Small and copied freely.
class Next {
 public:
  // `entry`: one of a chain, which ends with an entry without a plugin.
  explicit Next(const ChainEntry* entry) : entry_(entry) {}
  // Lets them answer. At the end of the chain: send, with the response as it is.
  [[nodiscard]] Result<Outcome> operator()(const Query& query, Response& response) const;

 private:
  const ChainEntry* entry_;
};

// Answers queries of one server block, in every dns process.
class Plugin {
 public:
  virtual ~Plugin() = default;
  // Answers `query` in `response`, or calls `next` and may change the response on its way back. Runs on the one thread
  // of its process and must not wait: no I/O, no lock, no allocation that is not rare. An Error becomes SERVFAIL.
  //
  // It sees queries with opcode QUERY and class IN alone, of any type but transfers (AXFR, IXFR): the server refuses
  // the others. Where the server block accepts class CH (ServerBlock::accepts_chaos), it sees those, too.
  [[nodiscard]] virtual Result<Outcome> serve(const Query& query, Response& response, Next next) const = 0;
};

struct ChainEntry {
  std::unique_ptr<const Plugin> plugin;
  std::uint8_t number = 0;  // of its directive in plugins.def, from 1: Response::plugin
};

// Says which queries a server block takes. The others go on to the next block with the same zone, or to one with a zone
// above it.
class Filter {
 public:
  virtual ~Filter() = default;
  // Called on the thread that serves, before any Plugin; the same rules as for Plugin::serve. `query` has no zone yet.
  [[nodiscard]] virtual bool accepts(const Query& query) const = 0;
};

// Sees each query of a server block after its response was encoded: for logs and figures.
class Observer {
 public:
  virtual ~Observer() = default;
  // `size`: bytes of the encoded response. Called on the thread that serves; the same rules as for Plugin::serve.
  virtual void sent(const Query& query, const Response& response, std::size_t size) const = 0;
};

}  // namespace swage
