// Verdict: the outcome of the registration of an authenticated peer. One table says what each outcome means to the
// client, and as what it is counted. A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/dial/dialer.h"
#include "core/forge/challenge_store.h"
#include "core/http/message.h"
#include "plugins/broker/measures.h"

namespace swage::plugins::broker {

// In the order in which they are found out.
enum class Outcome : std::uint8_t {
  not_a_post,
  no_access,
  body_too_large,
  bad_body,
  denied,
  limited,
  busy,  // others have the places at which it would be dialled
  gone,  // the client; it may have closed no more than its half of the connection
  ended,
  target_limited,
  other_transports,
  unreachable,
  store_moved,
  store_share,
  store_full,
  store_missing,
  store_unreachable,  // what keeps a fleet's values
  store_timeout,      // a nameserver of the fleet has not got the value in time
  stored,
};

struct Verdict {
  Outcome outcome{};
  std::string detail{};                 // for the log, instead of the text
  std::string text{};                   // for the client, where the table has none
  std::chrono::seconds retry_after{0};  // where it is not the table's

  [[nodiscard]] unsigned status() const;
  [[nodiscard]] Measures::Result counted() const;
  // For the client: short, and nothing of what was found at dialling.
  [[nodiscard]] http::Response response() const;
  // For the log: "200", or what there is to say instead of a status; and why.
  [[nodiscard]] std::string ended_as() const;
  [[nodiscard]] std::string_view why() const;
};

// `gone`: the client was, when dialling ended.
[[nodiscard]] Verdict verdict_of(const dial::DialError& error, bool gone);
[[nodiscard]] Verdict verdict_of(forge::ChallengeError error);

}  // namespace swage::plugins::broker
