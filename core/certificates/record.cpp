#include "core/certificates/record.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace swage::certificates {
namespace {

using Json = nlohmann::json;

Json parse(std::string_view text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

AccountRecord read_account(std::string_view text) {
  const Json json = parse(text);
  return {.directory = text_of(json, "directory"), .account = text_of(json, "account")};
}

std::string to_text(const AccountRecord& record) {
  Json json = Json::object();
  json["directory"] = record.directory;
  json["account"] = record.account;
  return dump(json);
}

OrderRecord read_record(std::string_view text) {
  const Json json = parse(text);
  OrderRecord record{.issued_by = text_of(json, "issued-by"), .directory = text_of(json, "directory")};
  if (const auto names = json.find("names"); names != json.end() && names->is_array()) {
    for (const Json& each : *names) record.names.push_back(each.is_string() ? each.get<std::string>() : "");
  }
  record.order = text_of(json, "order");
  record.failures = static_cast<unsigned>(std::clamp<std::int64_t>(number_of(json, "failures"), 0, 1000));
  record.not_before = number_of(json, "not-before");
  record.problem = text_of(json, "problem");
  return record;
}

std::string to_text(const OrderRecord& record) {
  Json json = Json::object();
  json["issued-by"] = record.issued_by;
  json["directory"] = record.directory;
  json["names"] = record.names;
  json["order"] = record.order;
  json["failures"] = record.failures;
  json["not-before"] = record.not_before;
  json["problem"] = record.problem;
  return dump(json);
}

}  // namespace swage::certificates
