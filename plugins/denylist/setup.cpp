// Reads the directive:
// denylist { file PATH [type=allow|deny] [name=NAME] ; feed URL format=ip|url [type=…] [refresh=DURATION] [name=NAME] }
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/config/values.h"
#include "core/denylist/builder.h"
#include "core/denylist/denylist.h"
#include "plugins/denylist/denylist.h"

namespace swage::plugins::denylist {
namespace {

using namespace std::chrono_literals;

constexpr auto kMinRefresh = 1s;
constexpr auto kLook = 10s;            // at files whose folder cannot be watched
constexpr std::size_t kMaxName = 255;  // characters
constexpr std::size_t kMaxUrl = 4096;

// What is between "//" and the path, and the path.
struct UrlParts {
  std::string_view host, path;
};

std::optional<UrlParts> split_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F'; };
  if (scheme == 0 || url.size() > kMaxUrl || !std::all_of(url.begin(), url.end(), is_plain)) return std::nullopt;
  const std::string_view rest = url.substr(scheme, url.find_first_of("?#") - scheme);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view host = rest.substr(0, slash);
  host = host.substr(host.rfind('@') + 1);  // npos + 1 is 0
  if (host.empty()) return std::nullopt;
  return UrlParts{host, rest.substr(slash)};
}

// As p2p-forge names feeds: "spamhaus.org-drop.txt" for https://www.spamhaus.org/drop/drop.txt.
std::string name_of(const UrlParts& url) {
  std::string_view host = url.host;
  if (host.starts_with("www.")) host.remove_prefix(4);
  std::string_view path = url.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  std::string name(host);
  if (!path.empty()) name += '-' + std::string(path.substr(path.rfind('/') + 1));
  return name;
}

// KEY=VALUE
Result<> read_option(Controller& controller, std::string_view key, std::string_view value, ListSettings& list) {
  const auto wrong = [&](std::string_view expected) {
    return controller.fail("{}: '{}' is not {}", key, value, expected);
  };
  if (key == "type") {
    if (value != "allow" && value != "deny") return wrong("'allow' or 'deny'");
    list.type = value == "allow" ? ListType::allow : ListType::deny;
    return {};
  }
  if (key == "name") {
    const auto is_plain = [](char c) { return c >= ' ' && c != '\x7F'; };
    const bool good = !value.empty() && value.size() <= kMaxName && std::all_of(value.begin(), value.end(), is_plain);
    if (!good) return wrong(fmt::format("a name of 1 to {} characters", kMaxName));
    list.name = value;
    return {};
  }
  if (key == "format" && list.feed) {
    if (value != "ip" && value != "url") return wrong("'ip' or 'url'");
    list.format = value == "ip" ? ListSettings::Format::ip : ListSettings::Format::url;
    return {};
  }
  if (key == "refresh" && list.feed) {
    const auto duration = config::parse_duration(value);
    if (!duration) return controller.fail("refresh: {}", duration.error().text());
    if (duration->count() == 0) return {};  // the default
    if (*duration < kMinRefresh) return wrong("at least 1s");
    list.refresh = std::chrono::ceil<std::chrono::milliseconds>(*duration);
    return {};
  }
  return controller.fail("unknown option '{}'; expected {}", key,
                         list.feed ? "format, type, refresh or name" : "type or name");
}

Result<> read_options(Controller& controller, ListSettings& list) {
  bool has_format = false;
  while (controller.next_arg()) {
    const std::string_view option = controller.val();
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos) return controller.fail("'{}' is not an option; expected KEY=VALUE", option);
    TRY(read_option(controller, option.substr(0, equals), option.substr(equals + 1), list));
    has_format = has_format || option.starts_with("format=");
  }
  if (list.feed && !has_format) return controller.fail_at(list.token, "a feed needs format=ip or format=url");
  return {};
}

// PATH and options.
Result<ListSettings> read_file(Controller& controller) {
  ListSettings list;
  TRY(list.place, controller.expect_path("the path of a file"));
  list.name = list.place.substr(list.place.rfind('/') + 1);
  list.token = controller.token();
  TRY(read_options(controller, list));
  return list;
}

// URL and options.
Result<ListSettings> read_feed(Controller& controller) {
  ListSettings list;
  TRY(const std::string_view url, controller.expect_arg("the URL of a feed"));
  const auto parts = split_url(url);
  if (!parts) return controller.fail("'{}' is not an http:// or https:// URL", url);
  list.feed = true;
  list.place = url;
  list.name = name_of(*parts);
  list.token = controller.token();
  TRY(read_options(controller, list));
  return list;
}

// Where a list outlives the service process. Feeds of URLs mean something else in another zone.
std::string memory_name(const ListSettings& list, const std::string& zone) {
  if (!list.feed) return fmt::format("denylist {} file {}", zone, list.place);
  const char* const format = list.format == ListSettings::Format::url ? "url" : "ip";
  return fmt::format("denylist {} feed {} {}", zone, format, list.place);
}

// For all who deny: they count by the list that decides.
List make_list(Controller& controller, ListSettings settings, const std::string& zone) {
  metrics::Registry& metrics = controller.metrics();
  const metrics::Labels name = {{"name", settings.name}};
  const bool allows = settings.type == ListType::allow;
  const metrics::Labels both = {{"name", settings.name}, {"type", allows ? "allow" : "deny"}};
  static_cast<void>(swage::denylist::counter(metrics, settings.type, settings.name));
  return List{.settings = settings,
              .memory = &controller.service_memory(memory_name(settings, zone)),
              .entries = metrics.gauge("coredns_forge_denylist_entries", "Entries of each list.", both),
              .last_update = metrics.gauge("coredns_forge_denylist_last_update_timestamp",
                                           "When each list was last updated, in seconds since 1970.", name),
              .file = FollowedFiles("denylist", {settings.place}, {.every = kLook, .watch_folder = true})};
}

}  // namespace

Result<> setup_with(Controller& controller, http::Fetcher::Settings fetching) {
  std::vector<ListSettings> settings;
  controller.once();
  const auto add = [&](Result<ListSettings> list) -> Result<> {
    if (!list) return std::unexpected(std::move(list).error());
    if (settings.size() == swage::denylist::layout::kMaxLists) {
      return controller.fail("more than {} lists", settings.size());
    }
    settings.push_back(*std::move(list));
    return {};
  };
  TRY(controller.read_block({
      {"file", [&] { return add(read_file(controller)); }},
      {"feed", [&] { return add(read_feed(controller)); }},
  }));
  if (settings.empty()) return {};
  const std::string zone = controller.zones().front().to_string();
  shm::Snapshot& snapshot = controller.snapshot(swage::denylist::Denylist::name(zone));
  if (!snapshot.claim()) {
    return controller.fail_at(settings.front().token,
                              "the server blocks of zone {} have one already, which serves all of them", zone);
  }
  std::vector<List> lists;
  for (ListSettings& each : settings) lists.push_back(make_list(controller, std::move(each), zone));
  std::vector<std::string> forge_zones;
  for (const dns::Name& each : controller.zones()) {
    std::string text = each.to_string();
    text.pop_back();
    if (!text.empty()) forge_zones.push_back(std::move(text));
  }
  controller.add(
      std::make_unique<DenylistService>(std::move(lists), std::move(forge_zones), snapshot, std::move(fetching)));
  return {};
}

Result<> setup(Controller& controller) {
  http::Fetcher::Settings fetching;
  fetching.user_agent = "swage-denylist";
  return setup_with(controller, std::move(fetching));
}

}  // namespace swage::plugins::denylist
