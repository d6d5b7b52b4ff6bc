// The protocol as a whole: real Members and Acknowledgements, an engine and networks that take as long as chance has
// it, service processes that are killed and suspended. As tests/model/fleet.pml, with the code that runs: not every
// order of events, but many long ones. Whenever a value was acknowledged, every nameserver that answers has it.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/fleet/acknowledgements.h"
#include "core/fleet/member.h"

#include <catch2/catch.hpp>

using namespace swage::fleet;
using namespace std::chrono_literals;

namespace {

struct Change {
  enum class Kind { value, node, left } kind;
  std::string id{};
  Revision seen = 0;
};

struct Log {                    // the engine
  std::vector<Change> changes;  // of revision index + 1
  std::map<std::string, Time> leases;

  Revision add(Change change) {
    changes.push_back(std::move(change));
    return static_cast<Revision>(changes.size());
  }
};

// A service process, and the table that it keeps for dns processes.
struct Node {
  enum class Request { none, write, renew };
  int number = 0, births = 0;
  std::string id{};
  std::optional<Member> member{};
  bool granted = false;
  Request request = Request::none;
  bool executed = false;
  Time sent{};
  Revision said = 0, wrote = 0;
  std::set<Revision> table{};
  Time valid_until{};

  [[nodiscard]] bool lacks(const std::set<Revision>& acknowledged, Time now) const {
    return now < valid_until && !std::ranges::includes(table, acknowledged);
  }
};

struct World {
  World(unsigned seed, MemberTimes with) : random(seed), times(with), nodes(3) {
    for (int i = 0; i < 3; ++i) nodes[static_cast<std::size_t>(i)].number = i;
  }

  int dice(int sides) { return static_cast<int>(random() % static_cast<unsigned>(sides)); }

  void begin(Node& node) {
    node = {.number = node.number, .births = node.births + 1, .table = node.table, .valid_until = node.valid_until};
    node.id = std::to_string(node.number) + "." + std::to_string(node.births);
    for (Revision at = 1; at <= static_cast<Revision>(log.changes.size()); ++at) apply(node, at);
    node.member.emplace(times, static_cast<Revision>(log.changes.size()));
    node.member->watching(now);
  }
  void apply(Node& node, Revision at) const {
    if (log.changes[static_cast<std::size_t>(at - 1)].kind == Change::Kind::value) node.table.insert(at);
  }
  void watch_brings(Node& node) {
    const Revision at = node.member->seen() + 1;
    if (at > static_cast<Revision>(log.changes.size())) return;
    const Change& change = log.changes[static_cast<std::size_t>(at - 1)];
    apply(node, at);
    if (change.kind == Change::Kind::value) node.member->value_came(at);
    if (change.kind == Change::Kind::node && change.id == node.id) node.member->own_came(at);
    node.member->passed(at);
  }
  // A request goes out, is executed, is answered: each when chance has it.
  void talk(Node& node) {
    if (!node.granted) {
      if (node.sent == Time(0)) {
        node.sent = now;
      } else if (!log.leases.contains(node.id)) {
        log.leases[node.id] = now + times.lease;
      } else {
        node.member->granted(node.sent);
        node.granted = true;
      }
    } else if (node.request == Node::Request::none) {
      decide(node);
    } else if (!node.executed) {
      execute(node);
    } else {
      if (node.request == Node::Request::write) node.member->wrote(node.wrote);
      if (node.request == Node::Request::renew) node.member->renewed(node.sent);
      node.request = Node::Request::none;
    }
  }
  void decide(Node& node) {
    const Member::Step step = node.member->next(now).step;
    if (step == Member::Step::watch_again) node.member->watching(now);
    if (step != Member::Step::write && step != Member::Step::renew) return;
    node.request = step == Member::Step::write ? Node::Request::write : Node::Request::renew;
    node.executed = false;
    node.sent = now;
    if (step != Member::Step::write) return;
    node.said = node.member->to_say();
    node.member->writing(now);
  }
  void execute(Node& node) {
    if (!log.leases.contains(node.id)) return begin(node);
    if (node.request == Node::Request::write) node.wrote = log.add({Change::Kind::node, node.id, node.said});
    if (node.request == Node::Request::renew) log.leases[node.id] = now + times.lease;
    node.executed = true;
  }
  void broker_goes_on() {
    if (broker_at == static_cast<Revision>(log.changes.size())) return;
    const Change& change = log.changes[static_cast<std::size_t>(broker_at++)];
    if (change.kind == Change::Kind::node) broker.member_says(change.id, change.seen);
    if (change.kind == Change::Kind::left) broker.member_left(change.id);
    broker.passed(broker_at);
    std::erase_if(waiting, [&](Revision each) {
      if (each > broker.acknowledged()) return false;
      acknowledged.insert(each);
      return true;
    });
  }
  void step() {
    Node& node = nodes[static_cast<std::size_t>(dice(3))];
    const int what = dice(400);
    if (what < 60) {
      now += Time(1 + (dice(30) == 0 ? dice(4000) : dice(60)));
    } else if (what < 150) {
      broker_goes_on();
    } else if (what < 160) {
      waiting.insert(log.add({Change::Kind::value}));
    } else if (what < 190) {
      const auto ended = std::ranges::find_if(log.leases, [&](const auto& each) { return each.second <= now; });
      if (ended != log.leases.end()) {
        if (written(ended->first)) log.add({Change::Kind::left, ended->first});
        log.leases.erase(ended);
      }
    } else if (what < 191 || !node.member) {
      begin(node);
    } else if (what < 300) {
      watch_brings(node);
    } else {
      talk(node);
    }
    if (node.member && node.member->valid_until() != Time(0)) {
      node.valid_until = std::max(node.valid_until, node.member->valid_until());
    }
  }
  [[nodiscard]] bool written(const std::string& id) const {
    return std::ranges::any_of(log.changes, [&](const Change& each) { return each.id == id; });
  }
  [[nodiscard]] bool is_wrong() const {
    return std::ranges::any_of(nodes, [&](const Node& each) { return each.lacks(acknowledged, now); });
  }

  std::mt19937 random;
  MemberTimes times;
  Time now{1'000};
  Log log;
  std::vector<Node> nodes;
  Acknowledgements broker;
  Revision broker_at = 0;
  std::set<Revision> waiting, acknowledged;
};

struct Found {
  std::size_t wrong = 0, acknowledged = 0;
};

Found run(unsigned seeds, MemberTimes times) {
  Found found;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    World world(seed, times);
    bool wrong = false;
    for (int i = 0; i < 3000 && !wrong; ++i) {
      world.step();
      wrong = world.is_wrong();
    }
    found.wrong += wrong ? 1 : 0;
    if (wrong) break;
    found.acknowledged += world.acknowledged.size();
  }
  return found;
}

}  // namespace

TEST_CASE("fleet protocol: what was acknowledged is with everyone who answers") {
  const Found found = run(40, {});
  CHECK(found.wrong == 0);
  CHECK(found.acknowledged > 400);
}

TEST_CASE("fleet protocol: a fence later than the lease would be found out") {
  MemberTimes times;
  times.fence = 20s;
  CHECK(run(200, times).wrong > 0);
}

TEST_CASE("fleet protocol: the same for long", "[.long]") { CHECK(run(20'000, {}).wrong == 0); }
