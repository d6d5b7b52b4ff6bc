// Report: what the server knows of itself at a moment, for operators: `swagectl` and the plugin *status* show the same
// one. Reporter: a Service that has something to say in it. Beside the contract (core/plugin/plugin.h). In the service
// process.
//
//     class Broker : public Service, public Reporter {           // a Service that is one is asked, by nothing else
//       void report(Report& report, Report::Topic topic) override;
//     };
//
// No secret is in a report, and texts may be hostile: names of zones, of peers, what strangers have sent. Who shows
// them escapes them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dns/name.h"
#include "core/plugin/service.h"

namespace swage {

struct Report {
  // What is asked for: a Reporter fills in that and nothing else.
  enum class Topic : std::uint8_t { registrations, challenges, certificates, keys, fleet, traffic };
  using Time = std::int64_t;  // seconds since 1970; 0: there is none

  // No list gets longer; `more`: something was left out.
  std::size_t most = 100'000;
  bool more = false;

  struct Process {
    std::string name{};  // "supervisor", "service", "dns 0"
    pid_t pid = 0;
    std::uint32_t configuration = 0;  // which one, from 1; 0: of all
    char state = '?';                 // as in /proc/PID/stat: 'T' is stopped
    Time started = 0;
    double cpu = 0;            // seconds
    std::uint64_t memory = 0;  // bytes that are resident
  };
  struct Server {
    std::string version{}, corefile{};
    std::vector<std::string> serves{};  // "dns://0.0.0.0:53 example.org."
    std::uint32_t configuration = 0;    // in force
    Time started = 0, configured = 0;
    std::uint64_t reloads = 0;           // that were begun
    std::string reload_problem{};        // why the last one has failed; empty: it has not
    std::vector<std::string> unready{};  // directives
    std::string level{};                 // of the log
    std::string query_log{};             // whose queries are logged, in words; empty: nobody's
    bool ending = false;
  };
  struct Zone {
    std::string name{};
    std::string view{};   // of its server block; empty: none
    bool loaded = false;  // it can be served
    std::uint32_t serial = 0, records = 0;
    std::optional<Time> signatures_expire{};  // none: it is not signed
    Time loaded_at = 0;                       // this version
    Time checked = 0, expires = 0;            // of a secondary's
    std::string problem{};
  };
  struct Registration {
    std::int64_t at = 0;   // milliseconds since 1970
    std::string peer{};    // empty: it is not known who it was
    std::string client{};  // address
    std::string result{};  // "200", "429", "gone"
    std::string why{};
    std::int64_t took = 0;  // milliseconds
  };
  struct Challenges {
    std::string store{};
    std::uint64_t live = 0, capacity = 0;
    bool shared = false, accepts = false;
  };
  struct Certificate {
    std::string names{}, by{};  // the directive
    Time expires = 0, renewal = 0;
    std::string problem{};
  };
  struct Key {
    std::string zone{}, role{}, algorithm{}, stage{}, next{}, folder{};
    std::uint16_t tag = 0;
  };
  struct Member {
    std::string store{}, name{}, state{};
  };
  // How often something was seen, about: queries are sampled.
  struct Count {
    std::string what{};
    std::uint64_t count = 0;
  };
  struct Traffic {
    double rate = 0;  // queries a second, all of them
    std::vector<Count> names{}, types{}, rcodes{}, clients{};
  };

  Server server;
  std::vector<Process> processes;
  std::vector<Zone> zones;
  std::vector<Registration> registrations;  // the newest first
  std::vector<Challenges> challenges;
  std::vector<Certificate> certificates;
  std::vector<Key> keys;
  std::vector<Member> fleet;
  std::optional<Traffic> traffic;

  // Adds to one of the lists, as long as there is room.
  template <typename Item>
  void add(std::vector<Item>& list, Item item) {
    if (list.size() < most) {
      list.push_back(std::move(item));
    } else {
      more = true;
    }
  }
};

class Reporter {
 public:
  virtual ~Reporter() = default;
  // Adds what it knows of `topic`. At most milliseconds: nothing is looked up on a disk or a network.
  virtual void report(Report& report, Report::Topic topic) = 0;
};

// A Service that remembers what others have told it, and forgets it when an operator says so.
class Remembering {
 public:
  virtual ~Remembering() = default;
  // What is at and below `zone`, which is in lower case. Returns how many answers that was. At most milliseconds.
  virtual std::size_t forget(dns::NameView zone) = 0;
};

// What the Host of the server's own service process is, beside a Host.
class Reporting {
 public:
  virtual ~Reporting() = default;
  virtual void report_server(Report& report) = 0;  // and its processes
  virtual void report_zones(Report& report) = 0;
  virtual void report_topic(Report& report, Report::Topic topic) = 0;  // of all Reporters

  // nullptr where the host is a test's, or another process's.
  [[nodiscard]] static Reporting* of(Host& host) { return dynamic_cast<Reporting*>(&host); }
};

}  // namespace swage
