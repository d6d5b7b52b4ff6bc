// Relay: requests that another process has to decide, whole messages: a dynamic update, say. The dns process hands the
// request over as it came and sends back, as it is, the response that the Service has made and signed. It cannot forge
// either. Beside Fetch (core/plugin/fetch.h), on whose lines it is, with the same bounds. Part of the contract.
//
//     Relay relay(controller.fetch("update example.org."));                       // setup(), in every process
//
//     return relay_.hand_over(query, response);                                   // serve(), in a dns process
//
//     relay_.on_request([&](const std::string& request) { queue_.push(request); });   // run(), in the service process
//     … relay_.answer(request, response);
//
// A request that comes again while it is decided, from the same address, is not handed over twice. One that is lost
// with its service process is handed over again to the next one. Without an answer in time it is SERVFAIL.
#pragma once

#include <functional>
#include <string>

#include "core/bytes.h"
#include "core/net.h"
#include "core/plugin/fetch.h"

namespace swage {

class Relay {
 public:
  // The fetch is the relay's alone, and outlives it.
  explicit Relay(Fetch& fetch) : fetch_(fetch) { fetch.carry_messages(); }

  // In serve(): to be returned as it is. An Error where the request cannot wait, or has more than
  // Fetch::kMaxMessage bytes.
  [[nodiscard]] Result<Outcome> hand_over(const Query& query, Response& response) const;

  // In the process that decides; as Fetch::on_wanted(). What `take` is handed is for these functions.
  void on_request(std::function<void(const std::string& request)> take) { fetch_.on_wanted(std::move(take)); }
  // What a dns process says of it, which may not be so.
  [[nodiscard]] static IpAddress client(const std::string& request);
  [[nodiscard]] static Bytes message(const std::string& request);
  // `response`: the whole message that is sent.
  void answer(const std::string& request, Bytes response) const { fetch_.answered(request, response); }
  // There is none: SERVFAIL.
  void fail(const std::string& request) const { fetch_.failed(request); }

 private:
  Fetch& fetch_;
};

}  // namespace swage
