#include "plugins/broker/verdict.h"

#include <algorithm>
#include <array>

#include "core/result.h"
#include "plugins/broker/respond.h"

namespace swage::plugins::broker {

using namespace std::chrono_literals;

namespace {

struct Meaning {
  Outcome outcome;
  unsigned status;
  Measures::Result counted;
  std::chrono::seconds retry_after;
  std::string_view text;  // empty: the verdict's, or none
};

using enum Measures::Result;

constexpr std::array kMeanings = std::to_array<Meaning>({
    {Outcome::not_a_post, 400, invalid, 0s, "only POST registers"},
    {Outcome::no_access, 403, forbidden, 0s, "Forge-Authorization is missing or wrong"},
    {Outcome::body_too_large, 413, invalid, 0s, "the body is too large"},
    {Outcome::bad_body, 400, invalid, 0s, ""},
    {Outcome::denied, 403, forbidden, 0s, ""},
    {Outcome::limited, 429, limited, 0s, "too many registrations"},
    {Outcome::busy, 503, unavailable, 5s, "too many registrations at the moment"},
    {Outcome::gone, 400, gone, 0s, "the client went away"},
    {Outcome::ended, 503, unavailable, 1s, "the registration was ended"},
    {Outcome::target_limited, 429, limited, 0s, "the addresses' network is dialled too often"},
    {Outcome::other_transports, 400, unreachable, 0s,
     "none of the addresses is TCP or WebSocket, and no others are dialled"},
    {Outcome::unreachable, 400, unreachable, 0s, "peer is not reachable at any submitted address"},
    {Outcome::store_moved, 503, unavailable, 1s, "the configuration has just changed"},
    {Outcome::store_share, 429, limited, 60s, "the store has no more room for this network"},
    {Outcome::store_full, 503, unavailable, 60s, "the store has no room"},
    {Outcome::store_missing, 503, unavailable, 60s, "the store is not available"},
    {Outcome::store_unreachable, 503, unavailable, 5s, "the store cannot be reached"},
    {Outcome::store_timeout, 503, unavailable, 5s, "a nameserver does not have the value yet"},
    {Outcome::stored, 200, ok, 0s, ""},
});

constexpr bool is_complete() {
  for (std::size_t i = 0; i < kMeanings.size(); ++i) {
    if (static_cast<std::size_t>(kMeanings[i].outcome) != i) return false;
  }
  return kMeanings.size() == static_cast<std::size_t>(Outcome::stored) + 1;
}
static_assert(is_complete());

const Meaning& meaning_of(Outcome outcome) { return kMeanings.at(static_cast<std::size_t>(outcome)); }

std::string_view text_of(const Verdict& verdict) {
  return verdict.text.empty() ? meaning_of(verdict.outcome).text : std::string_view(verdict.text);
}

}  // namespace

unsigned Verdict::status() const { return meaning_of(outcome).status; }

Measures::Result Verdict::counted() const { return meaning_of(outcome).counted; }

http::Response Verdict::response() const {
  http::Response response = respond(status(), text_of(*this));
  const auto wait = std::max(retry_after, meaning_of(outcome).retry_after);
  if (wait != 0s) response.fields.add("Retry-After", std::to_string(wait.count()));
  return response;
}

std::string Verdict::ended_as() const {
  return outcome == Outcome::gone ? std::string(text_of(*this)) : std::to_string(status());
}

std::string_view Verdict::why() const { return detail.empty() ? text_of(*this) : std::string_view(detail); }

Verdict verdict_of(const dial::DialError& error, bool gone) {
  using Kind = dial::DialError::Kind;
  Verdict verdict{Outcome::unreachable, error.text()};
  switch (error.kind()) {
    case Kind::other_transports:
      verdict.outcome = Outcome::other_transports;
      break;
    case Kind::busy:
      verdict.outcome = Outcome::busy;
      break;
    case Kind::cancelled:
      verdict.outcome = Outcome::ended;
      break;
    case Kind::limited:
      verdict.outcome = Outcome::target_limited;
      verdict.retry_after = error.retry_after();
      break;
    case Kind::nothing_dialable:
    case Kind::unreachable:
    case Kind::timed_out:
      break;
  }
  if (gone) verdict.outcome = Outcome::gone;
  return verdict;
}

Verdict verdict_of(forge::ChallengeError error) {
  using Store = forge::ChallengeError;
  Outcome outcome = Outcome::store_missing;
  if (error == Store::moved) outcome = Outcome::store_moved;
  if (error == Store::share) outcome = Outcome::store_share;
  if (error == Store::full) outcome = Outcome::store_full;
  if (error == Store::unreachable) outcome = Outcome::store_unreachable;
  if (error == Store::timeout) outcome = Outcome::store_timeout;
  return {outcome, std::string(to_string(error))};
}

}  // namespace swage::plugins::broker
