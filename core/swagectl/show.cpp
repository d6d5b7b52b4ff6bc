#include "core/swagectl/show.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/log.h"

namespace swage::ctl {
namespace {

const Json& at(const Json& object, const char* name) {
  static const Json kNone;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : kNone;
}

std::string text(const Json& object, const char* name) {
  const Json& value = at(object, name);
  if (value.is_string()) return log::one_line(value.get_ref<const std::string&>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_number() ? value.dump() : "-";
}

std::int64_t number(const Json& object, const char* name) {
  const Json& value = at(object, name);
  return value.is_number() ? value.get<std::int64_t>() : 0;
}

std::string date(std::int64_t time) {
  std::time_t seconds = time;
  std::tm utc{};
  if (time == 0 || gmtime_r(&seconds, &utc) == nullptr) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string ago(std::int64_t time, std::int64_t now) { return time == 0 ? "-" : span_of(now - time); }
// "in 5 days", "2 h ago".
std::string when(std::int64_t time, std::int64_t now) {
  if (time == 0) return "-";
  return time > now ? "in " + span_of(time - now) : span_of(now - time) + " ago";
}

std::string size_of(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

// The columns of a terminal that UTF-8 takes, nearly: its characters.
std::size_t width(const std::string& cell) {
  return static_cast<std::size_t>(std::ranges::count_if(cell, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  // Columns in which nobody has anything are left out.
  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> widths(rows_[0].size());
    std::vector<bool> shown(widths.size(), rows_.size() == 1);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], width(row[i]));
        if (&row != &rows_[0] && !row[i].empty() && row[i] != "-") shown[i] = true;
      }
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (!shown[i]) continue;
        line += row[i];
        if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
      }
      line.resize(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string state_of(const Json& process) {
  const std::string state = text(process, "state");
  if (state == "T" || state == "t") return "STOPPED";
  if (state == "Z" || state == "X") return "ENDED";
  return state == "?" ? "UNKNOWN" : state == "R" ? "busy" : "waits";
}

std::string processes(const Json& status, std::int64_t now) {
  Table table({"PROCESS", "PID", "STATE", "RUNS FOR", "CPU", "MEMORY", "CONFIGURATION"});
  for (const Json& each : at(status, "processes")) {
    const Json& cpu = at(each, "cpu");
    const std::int64_t configuration = number(each, "configuration");
    table.add({text(each, "name"), text(each, "pid"), state_of(each), ago(number(each, "started"), now),
               cpu.is_number() ? fmt::format("{:.2f} s", cpu.get<double>()) : "-", size_of(number(each, "memory")),
               configuration == 0 ? "" : std::to_string(configuration)});
  }
  return table.text();
}

std::string certificates(const Json& list, std::int64_t now) {
  Table table({"CERTIFICATE", "BY", "ENDS", "RENEWAL", "PROBLEM"});
  for (const Json& each : list) {
    table.add({text(each, "names"), text(each, "by"), when(number(each, "expires"), now),
               when(number(each, "renewal"), now), text(each, "problem")});
  }
  return table.text();
}

std::string stores(const Json& list) {
  Table table({"CHALLENGES OF", "LIVE", "CAPACITY", "SHARED", "TAKES NEW ONES"});
  for (const Json& each : list) {
    table.add(
        {text(each, "store"), text(each, "live"), text(each, "capacity"), text(each, "shared"), text(each, "accepts")});
  }
  return table.text();
}

std::string fleet(const Json& list) {
  Table table({"STORE", "SERVER", "STATE"});
  for (const Json& each : list) table.add({text(each, "store"), text(each, "name"), text(each, "state")});
  return table.text();
}

std::string status(const Json& line, std::int64_t now) {
  const Json& status = at(line, "status");
  const Json& server = at(status, "server");
  std::string out =
      fmt::format("swage {}, running for {}\n", text(server, "version"), ago(number(server, "started"), now));
  out += fmt::format("{}: configuration {}, in force for {}, read again {}\n", text(server, "corefile"),
                     text(server, "configuration"), ago(number(server, "configured"), now),
                     counted(static_cast<std::uint64_t>(number(server, "reloads")), "time"));
  if (at(server, "log_level") != Json("info")) out += "log: level " + text(server, "log_level") + "\n";
  if (at(server, "query_log").is_string()) out += "query-log: queries are logged " + text(server, "query_log") + "\n";
  const Json& problems = at(status, "problems");
  out += problems.empty() ? "\nAll is well.\n" : "\nNot well:\n";
  for (const Json& each : problems) {
    if (each.is_string()) out += "  " + log::one_line(each.get_ref<const std::string&>()) + "\n";
  }
  out += "\n" + processes(status, now);
  const Json& zones = at(status, "zones");
  if (number(zones, "served") + number(zones, "missing") > 0) {
    out += fmt::format("\n{} served, {} signed, {} missing\n",
                       counted(static_cast<std::uint64_t>(number(zones, "served")), "zone"), text(zones, "signed"),
                       text(zones, "missing"));
  }
  if (const Json& rate = at(status, "rate"); rate.is_number()) {
    out += fmt::format("\n{:.1f} queries a second\n", rate.get<double>());
  }
  if (const Json& list = at(status, "challenges"); !list.empty()) out += "\n" + stores(list);
  if (const Json& list = at(status, "certificates"); !list.empty()) out += "\n" + certificates(list, now);
  if (const Json& list = at(status, "fleet"); !list.empty()) out += "\n" + fleet(list);
  out += "\n";
  for (const Json& each : at(server, "serves")) {
    if (each.is_string()) out += log::one_line(each.get_ref<const std::string&>()) + "\n";
  }
  return out;
}

// What is under `name` in each of the lines.
Json under(const std::vector<Json>& lines, const char* name) {
  Json list = Json::array();
  for (const Json& each : lines) {
    if (const Json& item = at(each, name); item.is_object()) list.push_back(item);
  }
  return list;
}

std::string zones(const Json& list, std::int64_t now) {
  Table table({"ZONE", "VIEW", "SERIAL", "RECORDS", "SIGNATURES END", "CHECKED", "EXPIRES", "PROBLEM"});
  for (const Json& each : list) {
    const bool loaded = at(each, "loaded") == Json(true);
    std::string problem = text(each, "problem");
    if (problem == "-") problem = loaded ? "" : "not served";
    table.add({text(each, "name"), text(each, "view"), text(each, "serial"), text(each, "records"),
               at(each, "signed") == Json(false) ? "not signed" : when(number(each, "signatures_expire"), now),
               when(number(each, "checked"), now), when(number(each, "expires"), now), problem});
  }
  return table.text();
}

std::string peers(const Json& list) {
  Table table({"TIME", "RESULT", "TOOK", "FROM", "PEER", "WHY"});
  for (const Json& each : list) {
    table.add({date(number(each, "at") / 1000), text(each, "result"), text(each, "took") + " ms", text(each, "client"),
               text(each, "peer"), text(each, "why")});
  }
  return table.text();
}

std::string keys(const Json& list) {
  Table table({"ZONE", "ROLE", "ALGORITHM", "TAG", "STAGE", "NEXT"});
  for (const Json& each : list) {
    table.add({text(each, "zone"), text(each, "role"), text(each, "algorithm"), text(each, "tag"), text(each, "stage"),
               text(each, "next")});
  }
  return table.text();
}

std::string top(const Json& line) {
  const Json& traffic = at(line, "top");
  const Json& rate = at(traffic, "rate");
  std::string out = rate.is_number() ? fmt::format("{:.1f} queries a second\n", rate.get<double>()) : "";
  for (const auto& [name, title] : {std::pair("names", "NAME"), std::pair("types", "TYPE"),
                                    std::pair("rcodes", "RESPONSE"), std::pair("clients", "CLIENT")}) {
    Table table({title, "QUERIES"});
    for (const Json& each : at(traffic, name)) table.add({text(each, "what"), text(each, "count")});
    out += "\n" + table.text();
  }
  return out;
}

}  // namespace

std::string span_of(std::int64_t seconds) {
  if (seconds < 0) return "0 s";
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86'400);
}

bool is_wrong(const std::vector<Json>& lines) {
  return !lines.empty() && !at(at(lines.front(), "status"), "problems").empty();
}

std::string show(std::string_view command, const std::vector<Json>& lines, std::int64_t now) {
  const Json none;
  const Json& first = lines.empty() ? none : lines.front();
  if (command == "status") return status(first, now);
  if (command == "zones") return zones(under(lines, "zone"), now);
  if (command == "peers") return peers(under(lines, "registration"));
  if (command == "challenges") return stores(under(lines, "store"));
  if (command == "certificates") return certificates(under(lines, "certificate"), now);
  if (command == "keys") return keys(under(lines, "key"));
  if (command == "fleet") return fleet(under(lines, "member"));
  if (command == "top") return top(first);
  if (command == "upgrade") {
    return fmt::format("upgraded: pid {} serves\n", static_cast<std::int64_t>(number(at(first, "upgrade"), "pid")));
  }
  return command == "reload" ? "reloaded\n" : "done\n";
}

}  // namespace swage::ctl
