#include "core/control/answers.h"

#include <algorithm>
#include <ctime>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/config/nearest.h"
#include "core/control/report_json.h"
#include "core/dns/name.h"

namespace swage::control {
namespace {

using Lines = std::vector<std::string>;
using Topic = Report::Topic;

std::string last_line(std::optional<std::size_t> count = {}, bool more = false) {
  Json line = {{"ok", true}, {"v", kVersion}};
  if (count) line["count"] = *count;
  if (more) line["more"] = true;
  return text_of(line);
}

Lines refused(const Error& error) { return {error_line(error)}; }
Lines done(const Result<>& result) { return {result ? last_line() : error_line(result.error())}; }

// An object for each, {"zone": {…}}.
template <typename Item>
Lines list(const char* name, const std::vector<Item>& items, bool more) {
  Lines lines;
  lines.reserve(items.size() + 1);
  for (const Item& each : items) {
    Json line = Json::object();
    line[name] = to_json(each);
    lines.push_back(text_of(line));
  }
  lines.push_back(last_line(items.size(), more));
  return lines;
}

std::string word(const Json& request, const char* name) {
  const auto found = request.find(name);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::string> zone_of(const Json& request) {
  const std::string zone = word(request, "zone");
  if (zone.empty()) return zone;
  const Result<dns::Name> name = dns::Name::parse(zone);
  if (!name) return fail("'{}' is not a valid zone: {}", zone, name.error().text());
  return name->lowercased().to_string();
}

Lines status(Backend& backend) {
  Report report;
  backend.reporting().report_server(report);
  backend.reporting().report_zones(report);
  for (const Topic topic : {Topic::challenges, Topic::certificates, Topic::fleet, Topic::traffic}) {
    backend.reporting().report_topic(report, topic);
  }
  const auto count = [&](auto&& is) { return std::ranges::count_if(report.zones, is); };
  Json status = {{"server", to_json(report.server)},
                 {"problems", problems(report, std::time(nullptr))},
                 {"zones",
                  {{"served", count([](const Report::Zone& each) { return each.loaded; })},
                   {"missing", count([](const Report::Zone& each) { return !each.loaded; })},
                   {"signed", count([](const Report::Zone& each) { return each.signatures_expire.has_value(); })}}}};
  for (const char* const name : {"processes", "challenges", "certificates", "fleet"}) status[name] = Json::array();
  for (const auto& each : report.processes) status["processes"].push_back(to_json(each));
  for (const auto& each : report.challenges) status["challenges"].push_back(to_json(each));
  for (const auto& each : report.certificates) status["certificates"].push_back(to_json(each));
  for (const auto& each : report.fleet) status["fleet"].push_back(to_json(each));
  if (report.traffic) status["rate"] = report.traffic->rate;
  Json line = Json::object();
  line["status"] = std::move(status);
  return {text_of(line), last_line()};
}

// One of them, with "zone", or all.
Lines zones(Backend& backend, const Json& request) {
  const Result<std::string> zone = zone_of(request);
  if (!zone) return refused(zone.error());
  Report report;
  backend.reporting().report_zones(report);
  if (!zone->empty()) std::erase_if(report.zones, [&](const Report::Zone& each) { return each.name != *zone; });
  if (!zone->empty() && report.zones.empty()) return refused(Error(fmt::format("{} is not served here", *zone)));
  std::ranges::stable_sort(report.zones, {}, &Report::Zone::name);
  return list("zone", report.zones, report.more);
}

Report topic(Backend& backend, Topic what) {
  Report report;
  backend.reporting().report_topic(report, what);
  return report;
}

Lines traffic(Backend& backend) {
  const Report report = topic(backend, Topic::traffic);
  if (!report.traffic) return refused(Error("nobody counts: no server block has the directive 'status'"));
  Json line = Json::object();
  line["top"] = to_json(*report.traffic);
  return {text_of(line), last_line()};
}

Lines query_log(Backend& backend, const Json& request) {
  if (const auto off = request.find("off"); off != request.end() && *off == Json(true))
    return done(backend.log_queries(std::nullopt));
  constexpr std::int64_t kUsual = 600, kLongest = 86'400;
  QueryLog what;
  if (const std::string client = word(request, "client"); !client.empty()) {
    const Result<Prefix> prefix = Prefix::parse(client);
    if (!prefix) return refused(prefix.error());
    what.clients = *prefix;
  }
  const Result<std::string> zone = zone_of(request);
  if (!zone) return refused(zone.error());
  what.zone = *zone;
  const auto seconds = request.find("seconds");
  what.seconds = seconds != request.end() && seconds->is_number_integer() ? seconds->get<std::int64_t>() : kUsual;
  if (what.seconds < 1 || what.seconds > kLongest) {
    return refused(Error(fmt::format("queries are logged for 1 second to {} hours", kLongest / 3600)));
  }
  return done(backend.log_queries(std::move(what)));
}

Lines flush(Backend& backend, const Json& request) {
  const Result<std::string> zone = zone_of(request);
  return zone ? done(backend.flush_cache(*zone)) : refused(zone.error());
}

Lines upgraded_to(pid_t supervisor) {
  Json line = Json::object();
  line["upgrade"] = Json{{"pid", supervisor}};
  return {text_of(line), last_line()};
}

using Answer = Lines (*)(Backend&, const Json&);
const std::map<std::string_view, Answer>& answers() {
  static const std::map<std::string_view, Answer> kAnswers = {
      {"status", [](Backend& backend, const Json&) { return status(backend); }},
      {"zones", &zones},
      {"registrations",
       [](Backend& backend, const Json&) {
         const Report report = topic(backend, Topic::registrations);
         return list("registration", report.registrations, report.more);
       }},
      {"challenges",
       [](Backend& backend, const Json&) {
         const Report report = topic(backend, Topic::challenges);
         return list("store", report.challenges, report.more);
       }},
      {"certificates",
       [](Backend& backend, const Json&) {
         const Report report = topic(backend, Topic::certificates);
         return list("certificate", report.certificates, report.more);
       }},
      {"keys",
       [](Backend& backend, const Json&) {
         const Report report = topic(backend, Topic::keys);
         return list("key", report.keys, report.more);
       }},
      {"fleet",
       [](Backend& backend, const Json&) {
         const Report report = topic(backend, Topic::fleet);
         return list("member", report.fleet, report.more);
       }},
      {"top", [](Backend& backend, const Json&) { return traffic(backend); }},
      {"log-level",
       [](Backend& backend, const Json& request) { return done(backend.set_log_level(word(request, "level"))); }},
      {"query-log", &query_log},
      {"flush", &flush},
  };
  return kAnswers;
}

std::string unknown(const std::string& what) {
  std::vector<std::string_view> known = {"reload", "upgrade"};
  for (const auto& [name, answer] : answers()) known.push_back(name);
  return fmt::format("'{}' is not something to do{}", what.substr(0, 100), config::did_you_mean(what, known));
}

}  // namespace

std::string error_line(const Error& error) {
  return text_of(Json{{"ok", false}, {"v", kVersion}, {"error", error.text()}});
}

async::Task<std::vector<std::string>> answer(Backend& backend, std::string request) {
  const Json json = Json::parse(request, nullptr, false);
  if (!json.is_object()) co_return refused(Error("the request is not an object of JSON"));
  const std::string what = word(json, "do");
  if (what == "reload") {
    const Result<> reloaded = co_await backend.reload();
    co_return done(reloaded);
  }
  if (what == "upgrade") {
    const Result<pid_t> upgraded = co_await backend.upgrade();
    co_return upgraded ? upgraded_to(*upgraded) : refused(upgraded.error());
  }
  const auto found = answers().find(what);
  if (found == answers().end()) co_return refused(Error(unknown(what)));
  co_return found->second(backend, json);
}

}  // namespace swage::control
