#include "plugins/acme_txt/fleet_settings.h"

#include <algorithm>

#include "core/shm/table_layout.h"
#include "core/text.h"

namespace swage::plugins::acme_txt {
namespace {

constexpr std::size_t kMaxEndpoints = 16, kMaxPrefix = 255, kMaxServerId = 64;  // bytes

bool has_only(std::string_view text, std::string_view others) {
  return std::ranges::all_of(text,
                             [&](char c) { return is_letter_or_digit(c) || others.find(c) != std::string_view::npos; });
}

// http://HOST[:PORT] or https://HOST[:PORT]
bool is_endpoint(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    return !url.empty() && has_only(url, ".-:[]");
  }
  return false;
}

Result<> read_endpoints(Controller& controller, std::vector<std::string>& endpoints) {
  do {
    TRY(std::string_view url, controller.expect_arg("the URL of an etcd, https://10.0.0.1:2379"));
    if (url.ends_with('/')) url.remove_suffix(1);
    if (!is_endpoint(url)) {
      return controller.fail("'{}' is not the URL of an etcd; expected one such as https://10.0.0.1:2379", url);
    }
    endpoints.emplace_back(url);
  } while (controller.has_arg());
  if (endpoints.size() > kMaxEndpoints) return controller.fail("more than {} URLs", kMaxEndpoints);
  return {};
}

Result<> read_prefix(Controller& controller, std::string& prefix) {
  TRY(std::string_view text, controller.expect_arg("what all keys begin with, /swage"));
  if (text.ends_with('/')) text.remove_suffix(1);
  if (!text.starts_with('/') || text.size() > kMaxPrefix || !has_only(text, "/._-")) {
    return controller.fail("'{}' is not a valid prefix; expected letters, digits and '._-' after a '/'", text);
  }
  prefix = text;
  return {};
}

Result<> read_server_id(Controller& controller, std::string& id) {
  TRY(const std::string_view text, controller.expect_arg("a name for this server"));
  if (text.size() > kMaxServerId || !has_only(text, "._-")) {
    return controller.fail("'{}' is not a valid name; expected at most {} letters, digits and '._-'", text,
                           kMaxServerId);
  }
  id = text;
  return {};
}

Result<> read_credentials(Controller& controller, FleetSettings& settings) {
  TRY(settings.user, controller.expect_arg("a user of etcd"));
  TRY(settings.password_file, controller.expect_path("the path of a file with the user's password"));
  return {};
}

// CA | CERT KEY | CERT KEY CA
Result<> read_tls(Controller& controller, FleetSettings& settings) {
  std::vector<std::string> files;
  do {
    TRY(std::string file, controller.expect_path("a file: CERT KEY CA, CERT KEY or CA"));
    files.push_back(std::move(file));
  } while (controller.has_arg() && files.size() < 3);
  if (files.size() != 2) {
    settings.authorities = std::move(files.back());
    files.pop_back();
  }
  if (files.empty()) return {};
  settings.certificate = std::move(files[0]);
  settings.key = std::move(files[1]);
  return {};
}

}  // namespace

std::string FleetSettings::description() const {
  std::string text = "etcd";
  for (const std::string& each : endpoints) text += " " + each;
  return text + ", below " + prefix;
}

Result<FleetSettings> read_fleet(Controller& controller) {
  FleetSettings settings;
  settings.place = controller.token();
  TRY(read_endpoints(controller, settings.endpoints));
  TRY(controller.read_block({
      {"prefix", [&] { return read_prefix(controller, settings.prefix); }},
      {"credentials", [&] { return read_credentials(controller, settings); }},
      {"tls", [&] { return read_tls(controller, settings); }},
      {"server-id", [&] { return read_server_id(controller, settings.server_id); }},
      {"capacity",
       [&] { return assign(settings.capacity, controller.expect_number<std::uint64_t>(1, shm::table::kMaxCapacity)); }},
  }));
  return settings;
}

}  // namespace swage::plugins::acme_txt
