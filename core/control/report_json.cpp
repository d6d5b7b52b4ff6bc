#include "core/control/report_json.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/counted.h"

namespace swage::control {
namespace {

constexpr Report::Time kDay = 86'400;
constexpr std::size_t kMostNamed = 3;  // zones of one problem that are named

// Leaves out what there is not.
void put(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}
void put(Json& json, const char* name, Report::Time time) {
  if (time != 0) json[name] = time;
}

Json to_json(const std::vector<Report::Count>& counts) {
  Json list = Json::array();
  for (const Report::Count& each : counts) list.push_back({{"what", each.what}, {"count", each.count}});
  return list;
}

std::string span_of(Report::Time seconds) {
  const Report::Time hours = seconds / 3600;
  return hours >= 48  ? counted(static_cast<std::uint64_t>(hours / 24), "day")
         : hours >= 1 ? counted(static_cast<std::uint64_t>(hours), "hour")
                      : counted(static_cast<std::uint64_t>(std::max<Report::Time>(seconds / 60, 0)), "minute");
}

// "WHAT: a., b., c. and 4 more", where there are any.
class Named {
 public:
  void add(const std::string& name) {
    if (count_++ < kMostNamed) names_ += (names_.empty() ? "" : ", ") + name;
  }
  void say(std::vector<std::string>& problems, const char* one, const char* several) const {
    if (count_ == 0) return;
    std::string more = count_ > kMostNamed ? fmt::format(" and {} more", count_ - kMostNamed) : "";
    problems.push_back(fmt::format("{}: {}{}", counted(count_, one, several), names_, more));
  }

 private:
  std::string names_;
  std::size_t count_ = 0;
};

void zone_problems(const Report& report, Report::Time now, std::vector<std::string>& problems) {
  Named missing, expired, soon;
  for (const Report::Zone& zone : report.zones) {
    if (!zone.loaded) missing.add(zone.name);
    if (!zone.signatures_expire) continue;
    if (*zone.signatures_expire <= now) {
      expired.add(zone.name);
    } else if (*zone.signatures_expire < now + kDay) {
      soon.add(zone.name);
    }
  }
  missing.say(problems, "zone is not served", "zones are not served");
  expired.say(problems, "zone has signatures that have expired", "zones have signatures that have expired");
  soon.say(problems, "zone has signatures that expire within a day", "zones have signatures that expire within a day");
}

void certificate_problems(const Report& report, Report::Time now, std::vector<std::string>& problems) {
  for (const Report::Certificate& each : report.certificates) {
    if (each.expires == 0) {
      problems.push_back(fmt::format("{}: there is no certificate yet", each.names));
    } else if (each.expires <= now) {
      problems.push_back(fmt::format("{}: the certificate has expired", each.names));
    } else if (each.renewal != 0 && each.renewal + 2 * kDay < now) {
      problems.push_back(fmt::format("{}: the certificate should have been renewed {} ago; it ends in {}", each.names,
                                     span_of(now - each.renewal), span_of(each.expires - now)));
    }
    if (!each.problem.empty()) problems.push_back(fmt::format("{}: {}", each.names, each.problem));
  }
}

}  // namespace

Json to_json(const Report::Server& server) {
  Json json = {{"version", server.version}, {"corefile", server.corefile}, {"configuration", server.configuration},
               {"reloads", server.reloads}, {"serves", server.serves},     {"unready", server.unready},
               {"log_level", server.level}};
  put(json, "started", server.started);
  put(json, "configured", server.configured);
  put(json, "reload_problem", server.reload_problem);
  put(json, "query_log", server.query_log);
  if (server.ending) json["ending"] = true;
  return json;
}

Json to_json(const Report::Process& process) {
  Json json = {{"name", process.name},
               {"pid", process.pid},
               {"configuration", process.configuration},
               {"state", std::string(1, process.state)},
               {"cpu", process.cpu},
               {"memory", process.memory}};
  put(json, "started", process.started);
  return json;
}

Json to_json(const Report::Zone& zone) {
  Json json = {{"name", zone.name}, {"loaded", zone.loaded}};
  put(json, "view", zone.view);
  if (zone.loaded) {
    json["serial"] = zone.serial;
    json["records"] = zone.records;
    json["signed"] = zone.signatures_expire.has_value();
  }
  if (zone.signatures_expire) json["signatures_expire"] = *zone.signatures_expire;
  put(json, "loaded_at", zone.loaded_at);
  put(json, "checked", zone.checked);
  put(json, "expires", zone.expires);
  put(json, "problem", zone.problem);
  return json;
}

Json to_json(const Report::Registration& registration) {
  Json json = {{"at", registration.at},
               {"client", registration.client},
               {"result", registration.result},
               {"why", registration.why},
               {"took", registration.took}};
  put(json, "peer", registration.peer);
  return json;
}

Json to_json(const Report::Challenges& challenges) {
  return {{"store", challenges.store},
          {"live", challenges.live},
          {"capacity", challenges.capacity},
          {"shared", challenges.shared},
          {"accepts", challenges.accepts}};
}

Json to_json(const Report::Certificate& certificate) {
  Json json = {{"names", certificate.names}, {"by", certificate.by}};
  put(json, "expires", certificate.expires);
  put(json, "renewal", certificate.renewal);
  put(json, "problem", certificate.problem);
  return json;
}

Json to_json(const Report::Key& key) {
  Json json = {{"zone", key.zone},           {"role", key.role},   {"tag", key.tag},
               {"algorithm", key.algorithm}, {"stage", key.stage}, {"folder", key.folder}};
  put(json, "next", key.next);
  return json;
}

Json to_json(const Report::Member& member) {
  return {{"store", member.store}, {"name", member.name}, {"state", member.state}};
}

Json to_json(const Report::Traffic& traffic) {
  return {{"rate", traffic.rate},
          {"names", to_json(traffic.names)},
          {"types", to_json(traffic.types)},
          {"rcodes", to_json(traffic.rcodes)},
          {"clients", to_json(traffic.clients)}};
}

std::vector<std::string> problems(const Report& report, Report::Time now) {
  std::vector<std::string> problems;
  if (report.server.ending) problems.emplace_back("the server is told to end");
  if (!report.server.reload_problem.empty()) {
    problems.push_back("the last reload failed: " + report.server.reload_problem);
  }
  for (const Report::Process& each : report.processes) {
    if (each.state == 'T' || each.state == 't') {
      problems.push_back(fmt::format("the process '{}' (pid {}) is stopped", each.name, each.pid));
    } else if (each.state == 'Z' || each.state == 'X') {
      problems.push_back(fmt::format("the process '{}' (pid {}) has ended", each.name, each.pid));
    } else if (each.state == '?') {
      problems.push_back(fmt::format("of the process '{}' (pid {}) nothing is known", each.name, each.pid));
    }
  }
  for (const std::string& each : report.server.unready) problems.push_back(each + " is not ready");
  zone_problems(report, now, problems);
  certificate_problems(report, now, problems);
  return problems;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace swage::control
