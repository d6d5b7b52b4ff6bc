// What answers queries, in every dns process: Plugins in a chain, Filters before it and Observers after it. Part of
// the contract (core/plugin/plugin.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/result.h"

namespace swage {

using dns::Query;
using dns::Response;

enum class Outcome : std::uint8_t {
  send,   // the response goes to the client
  drop,   // nothing is sent
  later,  // the chain is to run again when something was fetched; said by Fetch::later() (core/plugin/fetch.h)
  whole,  // a message that another process has made goes to the client; said by Relay::hand_over()
          // (core/plugin/relay.h)
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
  // of its process and must not wait: no I/O, no lock, no allocation that is not rare. An Error becomes SERVFAIL. What
  // `next` says other than send is passed on: of `response` only its options, arena and limits mean anything then.
  //
  // It sees the kinds of messages that it names in sees(), of class IN; where the server block accepts class CH
  // (ServerBlock::accepts_chaos), those, too.
  [[nodiscard]] virtual Result<Outcome> serve(const Query& query, Response& response, Next next) const = 0;
  // Whether it is in the chain for messages of that kind: for each kind a server block has a chain of those that are.
  // Ordinary queries alone, unless a plugin says otherwise. What no plugin answers is refused; an UPDATE is not
  // implemented (NOTIMP), unless a plugin sets the rcode. The same each time; called after setup() has added the
  // plugin.
  [[nodiscard]] virtual bool sees(dns::MessageKind kind) const { return kind == dns::MessageKind::query; }
};

struct ChainEntry {
  const Plugin* plugin = nullptr;
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
  // `message`: the encoded response, as it goes to the client; gone after the call. Called on the thread that serves;
  // the same rules as for Plugin::serve.
  virtual void sent(const Query& query, const Response& response, Bytes message) const = 0;
};

}  // namespace swage
