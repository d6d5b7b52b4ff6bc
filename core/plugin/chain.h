// What answers queries, in every dns process: Plugins in a chain, Filters before it and Observers behind it. Part of
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

class Plugin;

// The rest of the chain behind a plugin. Small and copied freely.
class Next {
 public:
  explicit Next(const std::unique_ptr<const Plugin>* plugin) : plugin_(plugin) {}
  // Lets the plugins behind answer. At the end of the chain: send, with the response as it is.
  [[nodiscard]] Result<Outcome> operator()(const Query& query, Response& response) const;

 private:
  const std::unique_ptr<const Plugin>* plugin_;  // ends with a nullptr
};

// Answers queries of one server block, in every dns process.
class Plugin {
 public:
  virtual ~Plugin() = default;
  // Answers `query` in `response`, or calls `next` and may change the response on its way back. Runs on the one thread
  // of its process and must not wait: no I/O, no lock, no allocation that is not rare. An Error becomes SERVFAIL.
  [[nodiscard]] virtual Result<Outcome> serve(const Query& query, Response& response, Next next) const = 0;

  // Which of Controller::all_plugins() it is of, from 1; 0: of none. Said by the server.
  [[nodiscard]] std::uint8_t number() const { return number_; }
  void set_number(std::uint8_t number) const { number_ = number; }

 private:
  mutable std::uint8_t number_ = 0;
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
