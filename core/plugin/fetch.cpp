#include "core/plugin/fetch.h"

#include "core/plugin/answers.h"

namespace swage {
namespace {

using Refusal = dns::Later::Refusal;

const char* reason(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      break;
    case Refusal::no_room:
      return "too many queries wait for answers that have to be fetched";
    case Refusal::failed:
      return "the answer cannot be fetched";
    case Refusal::late:
      return "the answer was not fetched in time";
    case Refusal::too_often:
      return "the answer takes too many steps";
  }
  return "";
}

// Network Error: what this server had to ask did not answer (RFC 8914 section 4.24).
dns::ExtendedError code_of(Refusal refusal) {
  const bool network = refusal == Refusal::failed || refusal == Refusal::late;
  return network ? dns::ExtendedError::network_error : dns::ExtendedError::other;
}

}  // namespace

Result<Outcome> Fetch::later(Response& response, Bytes key, std::chrono::milliseconds patience) const {
  CHECK(!key.empty() && key.size() <= most_key_);
  const Refusal refusal = response.later.refusal;
  if (refusal == Refusal::none) {
    response.later.fetch = number_;
    response.later.key = response.arena.copy(key);
    response.later.patience = static_cast<std::uint32_t>(std::min(patience, time_).count());
    response.later.ahead = false;
    return Outcome::later;
  }
  refused_.at(number_ - 1U, static_cast<std::size_t>(refusal)).add();
  add_extended_error(response, code_of(refusal), reason(refusal));
  return fail("{}: {}", name_, reason(refusal));
}

void Fetch::ahead(Response& response, Bytes key) const {
  CHECK(!key.empty() && key.size() <= kMaxKey);
  response.later.fetch = number_;
  response.later.key = response.arena.copy(key);
  response.later.ahead = true;
}

void Fetch::on_wanted(std::function<void(const std::string&)> take) {
  take_ = std::move(take);
  if (hooks_.wanted) hooks_.wanted();
}

bool Fetch::want(const std::string& key) const {
  if (!take_) return false;
  take_(key);
  return true;
}

bool Fetch::refuse(const std::string& key, std::size_t keys) const {
  if (!refuse_ || keys < most_wanted_) return false;
  refuse_(key);
  return true;
}

void Fetch::settle(std::string_view key, bool fetched) const {
  if (hooks_.settled) hooks_.settled(key, fetched);
}

void Fetch::answered(std::string_view key, Bytes response) const {
  if (hooks_.answered) hooks_.answered(key, response);
}

}  // namespace swage
