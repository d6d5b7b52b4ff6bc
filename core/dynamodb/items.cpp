#include "core/dynamodb/items.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/crypto/base64.h"
#include "core/text.h"

namespace swage::dynamodb {
namespace {

using Json = nlohmann::json;

// An attribute: {"S": TEXT}.
Json attribute(const char* type, std::string text) {
  Json json = Json::object();
  json[type] = std::move(text);
  return json;
}

// The text of item[name][type]; nothing where there is none.
std::optional<std::string> text_of(const Json& item, const char* name, const char* type) {
  const auto found = item.find(name);
  if (found == item.end() || !found->is_object()) return std::nullopt;
  const auto value = found->find(type);
  if (value == found->end() || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

// Everything else is from the Corefile, and may be no UTF-8.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string get_text(const std::string& table, const std::string& peer) {
  Json json = Json::object();
  json["TableName"] = table;
  json["Key"]["DSKey"] = attribute("S", "/" + peer);
  json["ConsistentRead"] = true;
  return dump(json);
}

std::string put_text(const std::string& table, const std::string& peer, const Item& item) {
  Json json = Json::object();
  json["TableName"] = table;
  json["Item"]["DSKey"] = attribute("S", "/" + peer);
  json["Item"]["Value"] = attribute("B", crypto::to_base64(as_bytes(item.value)));
  json["Item"]["Size"] = attribute("N", std::to_string(item.value.size()));
  json["Item"]["Expiration"] = attribute("N", std::to_string(item.expires.value_or(0)));
  return dump(json);
}

Result<std::optional<Item>> item_in(std::string_view reply) {
  const Json json = Json::parse(reply.begin(), reply.end(), nullptr, false);
  if (!json.is_object()) return fail("the reply is not JSON");
  const auto found = json.find("Item");
  if (found == json.end()) return std::nullopt;
  if (!found->is_object()) return fail("the item is not one of p2p-forge's");
  const std::optional<std::string> base64 = text_of(*found, "Value", "B");
  std::optional<std::string> value = base64 ? crypto::from_base64(*base64) : std::nullopt;
  if (!value) return fail("the item is not one of p2p-forge's");
  Item item{.value = *std::move(value)};
  std::int64_t expires = 0;
  const std::optional<std::string> expiration = text_of(*found, "Expiration", "N");
  if (expiration && parse_number(*expiration, expires)) item.expires = expires;
  return item;
}

std::string problem_in(unsigned status, std::string_view reply) {
  const Json json = Json::parse(reply.begin(), reply.end(), nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? printable(found->get<std::string>().substr(0, 200)) : "";
  };
  std::string type = text("__type");  // "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
  type.erase(0, type.find('#') + 1);
  const std::string message = text("message").empty() ? text("Message") : text("message");
  if (type.empty()) return fmt::format("the reply has the status {}", status);
  return message.empty() ? type : type + ": " + message;
}

}  // namespace swage::dynamodb
