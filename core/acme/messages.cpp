#include "core/acme/messages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/acme/times.h"
#include "core/format.h"
#include "core/text.h"

namespace swage::acme {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxUrl = 2000, kMaxToken = 200, kMaxText = 400;  // characters
constexpr std::size_t kMaxItems = 100;                                  // authorizations, challenges, profiles

Result<Json> parse(std::string_view text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return fail("not a JSON object");
  return json;
}

// Empty where there is none.
std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json* object_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? &*found : nullptr;
}

bool is_url(std::string_view text) {
  return text.starts_with("https://") && text.size() <= kMaxUrl &&
         std::ranges::all_of(text, [](char c) { return is_printable(c) && c != ' ' && c != '"' && c != '\\'; });
}

Result<std::string> url_of(const Json& json, const char* name) {
  std::string url = text_of(json, name);
  if (!is_url(url)) return fail("'{}' is not an https URL", name);
  return url;
}

Status status_of(const Json& json) {
  const std::string text = text_of(json, "status");
  if (text == "pending") return Status::pending;
  if (text == "ready") return Status::ready;
  if (text == "processing") return Status::processing;
  if (text == "valid") return Status::valid;
  if (text == "invalid") return Status::invalid;
  return Status::other;
}

Problem problem_of(const Json& json) {
  constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
  std::string type = text_of(json, "type");
  if (type.starts_with(kPrefix)) type.erase(0, kPrefix.size());
  type = printable(type.substr(0, kMaxText));
  const std::string detail = printable(text_of(json, "detail").substr(0, kMaxText));
  std::string text = type.empty() || detail.empty() ? type + detail : formatted("{}: {}", type, detail);
  if (const auto more = json.find("subproblems"); more != json.end() && more->is_array() && !more->empty()) {
    const Json& first = more->front();
    if (first.is_object()) text += "; " + printable(text_of(first, "detail").substr(0, kMaxText));
  }
  return {.type = std::move(type), .text = std::move(text)};
}

std::string error_of(const Json& json) {
  const Json* const error = object_of(json, "error");
  return error != nullptr ? problem_of(*error).text : std::string();
}

}  // namespace

Result<Directory> read_directory(std::string_view text) {
  TRY(const Json json, parse(text));
  Directory directory;
  TRY(directory.new_nonce, url_of(json, "newNonce"));
  TRY(directory.new_account, url_of(json, "newAccount"));
  TRY(directory.new_order, url_of(json, "newOrder"));
  if (json.contains("renewalInfo")) {
    TRY(directory.renewal_info, url_of(json, "renewalInfo"));
  }
  const Json* const meta = object_of(json, "meta");
  const Json* const profiles = meta != nullptr ? object_of(*meta, "profiles") : nullptr;
  if (profiles == nullptr) return directory;
  directory.has_profiles = true;
  for (const auto& [name, description] : profiles->items()) {
    if (directory.profiles.size() < kMaxItems) directory.profiles.push_back(printable(name.substr(0, kMaxText)));
  }
  return directory;
}

Result<Order> read_order(std::string_view text) {
  TRY(const Json json, parse(text));
  Order order{.status = status_of(json)};
  order.problem = error_of(json);
  TRY(order.finalize, url_of(json, "finalize"));
  if (order.status == Status::valid) {
    TRY(order.certificate, url_of(json, "certificate"));
  }
  const auto list = json.find("authorizations");
  if (list == json.end() || !list->is_array() || list->empty() || list->size() > kMaxItems) {
    return fail("an order without authorizations");
  }
  for (const Json& each : *list) {
    if (!each.is_string() || !is_url(each.get<std::string>())) return fail("an authorization is not an https URL");
    order.authorizations.push_back(each.get<std::string>());
  }
  return order;
}

Result<Authorization> read_authorization(std::string_view text) {
  TRY(const Json json, parse(text));
  Authorization authorization{.status = status_of(json), .challenge = {}};
  if (const Json* const identifier = object_of(json, "identifier")) {
    authorization.name = lower_case(text_of(*identifier, "value"));
  }
  const auto challenges = json.find("challenges");
  if (challenges == json.end() || !challenges->is_array() || challenges->size() > kMaxItems) {
    return fail("an authorization without challenges");
  }
  for (const Json& each : *challenges) {
    if (!each.is_object()) return fail("a challenge is not an object");
    if (authorization.problem.empty()) authorization.problem = error_of(each);
    if (text_of(each, "type") != "dns-01") continue;
    TRY(authorization.challenge, url_of(each, "url"));
    authorization.token = text_of(each, "token");
    authorization.challenge_status = status_of(each);
    const auto is_base64url = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
    if (authorization.token.empty() || authorization.token.size() > kMaxToken ||
        !std::ranges::all_of(authorization.token, is_base64url)) {
      return fail("the token of a challenge is not in base64url");
    }
  }
  return authorization;
}

Problem read_problem(unsigned status, std::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  Problem problem = json.is_object() ? problem_of(json) : Problem();
  if (problem.text.empty()) problem.text = formatted("the reply has the status {}", status);
  return problem;
}

Result<std::string> renewal_url(std::string_view directory_text) {
  TRY(Directory directory, read_directory(directory_text));
  if (directory.renewal_info.empty()) return fail("it has no renewalInfo");
  return std::move(directory.renewal_info);
}

Result<RenewalInfo> read_renewal_info(std::string_view text) {
  TRY(const Json json, parse(text));
  const Json* const window = object_of(json, "suggestedWindow");
  if (window == nullptr) return fail("no suggestedWindow");
  const auto start = parse_timestamp(text_of(*window, "start")), end = parse_timestamp(text_of(*window, "end"));
  if (!start || !end || *end <= *start) return fail("the suggestedWindow is not one");
  return RenewalInfo{*start, *end};
}

}  // namespace swage::acme
