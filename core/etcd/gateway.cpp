#include "core/etcd/gateway.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/crypto/base64.h"
#include "core/text.h"

namespace swage::etcd::gateway {
namespace {

using Json = nlohmann::json;

std::string base64(std::string_view bytes) { return crypto::to_base64(as_bytes(bytes)); }

// {NAME: VALUE}; braces of one pair alone could be a list as well.
Json member(const char* name, Json value) {
  Json json = Json::object();
  json[name] = std::move(value);
  return json;
}

// Text of ours: everything but base64 and numbers is from the Corefile, and may be no UTF-8.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json json_of(const Put& put) {
  Json json = {{"key", base64(put.key)}, {"value", base64(put.value)}};
  if (put.lease != 0) json["lease"] = std::to_string(put.lease);
  return json;
}

template <typename Keys>
Json keys_of(const Keys& keys) {
  Json json = member("key", base64(keys.key));
  if (!keys.end.empty()) json["range_end"] = base64(keys.end);
  return json;
}

Json json_of(const Remove& remove) { return keys_of(remove); }

Json json_of(const Range& range) {
  Json json = keys_of(range);
  if (range.revision != 0) json["revision"] = std::to_string(range.revision);
  if (range.limit != 0) json["limit"] = std::to_string(range.limit);
  if (range.keys_only) json["keys_only"] = true;
  if (range.serializable) json["serializable"] = true;
  return json;
}

Json json_of(const Compare& compare) {
  using What = Compare::What;
  static constexpr const char* kWhat[] = {"VERSION", "CREATE", "MOD", "LEASE", "VALUE"};
  static constexpr const char* kNumber[] = {"version", "create_revision", "mod_revision", "lease"};
  static constexpr const char* kIs[] = {"EQUAL", "NOT_EQUAL", "GREATER", "LESS"};
  const auto what = static_cast<std::size_t>(compare.what);
  Json json = {{"key", base64(compare.key)}, {"target", kWhat[what]}, {"result", kIs[static_cast<int>(compare.is)]}};
  if (compare.what == What::value) {
    json["value"] = base64(compare.value);
  } else {
    json[kNumber[what]] = std::to_string(compare.number);
  }
  return json;
}

Json json_of(const Operation& operation) {
  static constexpr const char* kName[] = {"request_put", "request_delete_range", "request_range"};
  return std::visit([&](const auto& each) { return member(kName[operation.index()], json_of(each)); }, operation);
}

template <typename Value>
Json list_of(const std::vector<Value>& values) {
  Json list = Json::array();
  for (const Value& each : values) list.push_back(json_of(each));
  return list;
}

// Member by member of an object that may be anything.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  [[nodiscard]] const Json* find(const char* name) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }
  [[nodiscard]] Reader object(const char* name) const {
    static const Json kNone;
    const Json* const found = find(name);
    return Reader(found == nullptr ? kNone : *found);
  }
  [[nodiscard]] std::int64_t number(const char* name) const {
    const Json* const found = find(name);
    std::int64_t value = 0;
    if (found == nullptr) return 0;
    if (found->is_number_integer()) return found->get<std::int64_t>();
    return found->is_string() && parse_number(found->get_ref<const std::string&>(), value) ? value : 0;
  }
  [[nodiscard]] bool truth(const char* name) const {
    const Json* const found = find(name);
    return found != nullptr && found->is_boolean() && found->get<bool>();
  }
  [[nodiscard]] std::string text(const char* name) const {
    const Json* const found = find(name);
    return found != nullptr && found->is_string() ? found->get<std::string>() : "";
  }
  [[nodiscard]] std::string bytes(const char* name) const {
    const Json* const found = find(name);
    if (found == nullptr || !found->is_string()) return "";
    return crypto::from_base64(found->get_ref<const std::string&>()).value_or("");
  }
  // Calls `take` with each element of a list.
  template <typename Take>
  void each(const char* name, Take take) const {
    const Json* const found = find(name);
    if (found == nullptr || !found->is_array()) return;
    for (const Json& element : *found) take(Reader(element));
  }
  [[nodiscard]] Revision revision(const char* name) const {
    return std::clamp<Revision>(number(name), 0, INT64_MAX / 2);  // so that it can be counted on from
  }
  [[nodiscard]] Revision revision() const { return object("header").revision("revision"); }

 private:
  const Json& json_;
};

std::unexpected<Failure> not_understood() {
  return std::unexpected(Failure{.kind = Failure::Kind::unavailable, .text = "the reply is not what etcd says"});
}

Json parse(std::string_view text) { return Json::parse(text.begin(), text.end(), nullptr, false); }

// In words: etcd says InvalidArgument for wrong credentials, too, and a cancelled watch has no code at all.
bool is_denial(std::string_view message) {
  static constexpr std::string_view kWords[] = {
      "permission denied", "PermissionDenied", "authentication failed",        "user name is empty",
      "auth store",        "auth token",       "authentication is not enabled"};
  return std::ranges::any_of(kWords, [&](std::string_view each) { return message.contains(each); });
}

// gRPC's codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) as etcd uses them.
Failure::Kind kind_of(std::int64_t code, std::string_view message) {
  using enum Failure::Kind;
  switch (code) {
    case 1:   // Canceled
    case 2:   // Unknown
    case 4:   // DeadlineExceeded
    case 8:   // ResourceExhausted
    case 13:  // Internal
    case 14:  // Unavailable
      return unavailable;
    case 5:
      return not_found;
    case 7:   // PermissionDenied
    case 16:  // Unauthenticated
      return denied;
    case 11:  // OutOfRange
      return message.contains("compacted") ? compacted : refused;
    default:
      return is_denial(message) ? denied : refused;
  }
}

// {"error": "…", "code": 5} of a request, {"error": {"message": "…", "grpc_code": 5}} in a stream; since etcd 3.6
// {"message": "…", "code": 5}, in a stream within "error".
Failure failure_of(const Reader& reply) {
  const Json* const nested = reply.find("error");
  const Reader error = nested != nullptr && nested->is_object() ? Reader(*nested) : reply;
  const std::string message = error.text(error.find("message") != nullptr ? "message" : "error");
  const std::int64_t code = error.number(error.find("grpc_code") != nullptr ? "grpc_code" : "code");
  return Failure{.kind = kind_of(code, message), .text = printable(message.substr(0, 200))};
}

Expected<Json> understood(std::string_view reply) {
  Json json = parse(reply);
  const Reader reader(json);
  if (reader.find("error") != nullptr) return std::unexpected(failure_of(reader));
  if (reader.object("result").find("header") == nullptr && reader.find("header") == nullptr) return not_understood();
  return json;
}

KeyValue key_value(const Reader& from) {
  return {.key = from.bytes("key"),
          .value = from.bytes("value"),
          .created = from.revision("create_revision"),
          .modified = from.revision("mod_revision"),
          .version = from.number("version"),
          .lease = from.number("lease")};
}

Page page(const Reader& from) {
  Page page{.revision = from.revision(), .more = from.truth("more"), .count = from.number("count")};
  from.each("kvs", [&](const Reader& each) { page.found.push_back(key_value(each)); });
  return page;
}

Failure cancelled(const Reader& result) {
  const Revision oldest = result.revision("compact_revision");
  const std::string reason = printable(result.text("cancel_reason").substr(0, 200));
  if (oldest != 0) return {.kind = Failure::Kind::compacted, .text = "the revision is compacted", .oldest = oldest};
  if (is_denial(reason)) return {.kind = Failure::Kind::denied, .text = reason};
  return {.kind = Failure::Kind::ended, .text = reason.empty() ? "etcd cancelled the watch" : reason};
}

}  // namespace

std::string text_of(const Put& put) { return dump(json_of(put)); }

std::string text_of(const Remove& remove) { return dump(json_of(remove)); }

std::string text_of(const Range& range) { return dump(json_of(range)); }

std::string text_of(const Transaction& transaction) {
  return dump({{"compare", list_of(transaction.conditions)},
               {"success", list_of(transaction.then)},
               {"failure", list_of(transaction.otherwise)}});
}

std::string grant_text(std::chrono::seconds ttl) { return dump(member("TTL", std::to_string(ttl.count()))); }

std::string lease_text(LeaseId lease) { return dump(member("ID", std::to_string(lease))); }

std::string authenticate_text(const std::string& user, const std::string& password) {
  return dump({{"name", user}, {"password", password}});
}

std::string watch_text(const Range& range, Revision from) {
  Json create = keys_of(range);
  create["start_revision"] = std::to_string(from);
  return dump(member("create_request", std::move(create)));
}

Expected<Revision> revision_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  return Reader(json).revision();
}

Expected<Page> page_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  return page(Reader(json));
}

Expected<Transacted> transacted_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  const Reader reader(json);
  Transacted transacted{.revision = reader.revision(), .held = reader.truth("succeeded")};
  reader.each("responses", [&](const Reader& each) {
    if (each.find("response_range") != nullptr) transacted.found.push_back(page(each.object("response_range")));
  });
  return transacted;
}

Expected<Client::Granted> granted_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  const Reader reader(json);
  if (reader.number("ID") == 0) return not_understood();
  return Client::Granted{.id = reader.number("ID"), .ttl = std::chrono::seconds(reader.number("TTL"))};
}

Expected<std::chrono::seconds> kept_alive_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  const std::chrono::seconds ttl(Reader(json).object("result").number("TTL"));
  if (ttl.count() <= 0) return std::unexpected(Failure{Failure::Kind::not_found, "the lease has ended"});
  return ttl;
}

Expected<std::string> token_in(std::string_view reply) {
  TRY(const Json json, understood(reply));
  std::string token = Reader(json).text("token");
  if (token.empty()) return not_understood();
  return token;
}

Failure failure_in(unsigned status, std::string_view reply) {
  const Json json = parse(reply);
  const Reader reader(json);
  if (reader.find("code") != nullptr || reader.find("error") != nullptr) return failure_of(reader);
  const auto kind = status >= 500 ? Failure::Kind::unavailable : Failure::Kind::refused;
  const std::string why = printable(reply.substr(0, std::min<std::size_t>(reply.find('\n'), 200)));
  return {.kind = kind, .text = fmt::format("the reply has the status {}{}{}", status, why.empty() ? "" : ": ", why)};
}

Expected<Batch> batch_in(std::string_view line) {
  TRY(const Json json, understood(line));
  const Reader result = Reader(json).object("result");
  if (result.truth("canceled")) return std::unexpected(cancelled(result));
  Batch batch;
  result.each("events", [&](const Reader& each) {
    batch.events.push_back({.removed = each.text("type") == "DELETE", .now = key_value(each.object("kv"))});
    batch.seen = std::max(batch.seen, batch.events.back().now.modified);
  });
  return batch;
}

}  // namespace swage::etcd::gateway
