// fleet_simulation: what fleets of many sizes cost an engine, how long a registration waits for all nameservers, and
// what a region does that is lost. Prints tables; README.md explains them. Options: see usage().
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/fleet/simulation/fleet.h"

namespace swage::simulation {
namespace {

double quantile(std::vector<double>& values, double part) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

void print_head() {
  std::printf("%11s %6s %6s | %8s %8s %9s %8s | %7s %7s | %7s %7s %7s | %6s | %6s\n", "nameservers", "groups", "rate",
              "writes/s", "msgs/s", "events/s", "MB/s", "commits", "sends", "p50 ms", "p99 ms", "most ms", "503 %",
              "answer");
}

struct Row {
  Engine::Counts before, after;
  double seconds = 0;
};

void print_row(const Shape& shape, const Engine& engine, const Row& row, Fleet::Registrations& seen, std::size_t open) {
  const auto rate = [&](std::uint64_t Engine::Counts::* what) {
    return static_cast<double>(row.after.*what - row.before.*what) / row.seconds;
  };
  const auto busy = [&](double Engine::Counts::* what, double servers) {
    return (row.after.*what - row.before.*what) / (row.seconds * 1e6 * servers) * 100;
  };
  const double events = rate(&Engine::Counts::events);
  std::printf("%11zu %6zu %6.0f | %8.0f %8.0f %9.0f %8.1f | %5.0f %% %5.0f %%", shape.nameservers, shape.groups,
              shape.rate, rate(&Engine::Counts::values) + rate(&Engine::Counts::acknowledgements),
              rate(&Engine::Counts::messages), events, events * shape.costs.bytes_of_event / 1e6,
              busy(&Engine::Counts::committing, engine.costs().cores),
              busy(&Engine::Counts::sending, engine.costs().members * engine.costs().cores));
  if (open == 0) {
    std::printf(" | the engine of one group\n");
    return;
  }
  const double all = static_cast<double>(seen.delays.size()) + static_cast<double>(seen.refused);
  std::printf(" | %7.0f %7.0f %7.0f | %6.1f | %6zu%s\n", quantile(seen.delays, 0.5), quantile(seen.delays, 0.99),
              quantile(seen.delays, 1), all > 0 ? static_cast<double>(seen.refused) / all * 100 : 0, open,
              seen.wrong > 0 ? " WRONG" : "");
}

// Whether all was right.
bool steady(const Shape& shape, double seconds) {
  Agenda agenda(1);
  Fleet fleet(agenda, shape);
  agenda.run_until(3 * kSecond);
  fleet.load(true);
  agenda.run_until(5 * kSecond);
  static_cast<void>(fleet.take());
  Row row{.before = fleet.engine().counts(), .after = {}, .seconds = seconds};
  const Engine* const group = fleet.group_engine();
  const Engine::Counts group_before = group != nullptr ? group->counts() : Engine::Counts{};
  agenda.run_until(5 * kSecond + static_cast<Time>(seconds * kSecond));
  row.after = fleet.engine().counts();
  Fleet::Registrations seen = fleet.take();
  print_row(shape, fleet.engine(), row, seen, std::max<std::size_t>(1, fleet.open()));
  if (group != nullptr) {
    const Row of_group{.before = group_before, .after = group->counts(), .seconds = seconds};
    print_row(shape, *group, of_group, seen, 0);
  }
  std::fflush(stdout);
  return seen.wrong == 0;
}

// Region 1 is cut off for 30 s.
bool lost_region(const Shape& shape) {
  Agenda agenda(1);
  Fleet fleet(agenda, shape);
  agenda.run_until(3 * kSecond);
  fleet.load(true);
  agenda.run_until(10 * kSecond);
  static_cast<void>(fleet.take());
  std::printf("\n%zu nameservers, %zu groups, %.0f registrations/s; region 1 of %zu is cut off from 10 s to 40 s\n",
              shape.nameservers, shape.groups, shape.rate, shape.regions);
  std::printf("%7s | %8s %7s %7s %7s | %8s %8s | %s\n", "until s", "200/s", "p50 ms", "p99 ms", "most ms", "503",
              "waiting", "nameservers that answer challenges");
  bool right = true;
  for (int second = 15, since = 10; second <= 100; since = second, second += second < 60 ? 5 : 20) {
    if (second == 15) fleet.cut(1);
    if (second == 45) fleet.heal(1);
    agenda.run_until(second * kSecond);
    Fleet::Registrations seen = fleet.take();
    if (seen.wrong > 0) std::printf("  WRONG: ");
    std::printf("%7d | %8.0f %7.0f %7.0f %7.0f | %8llu %8zu | %zu\n", second,
                static_cast<double>(seen.delays.size()) / (second - since), quantile(seen.delays, 0.5),
                quantile(seen.delays, 0.99), quantile(seen.delays, 1), static_cast<unsigned long long>(seen.refused),
                seen.most_waiting, fleet.open());
    std::fflush(stdout);
    right = right && seen.wrong == 0;
  }
  const double minutes = shape.live * shape.bytes_of_value * static_cast<double>(shape.nameservers) /
                         static_cast<double>(shape.regions) / (shape.reading * shape.costs.members) / 60;
  if (shape.groups == 0) std::printf("its nameservers read %.0f values each: %.1f minutes\n", shape.live, minutes);
  return right;
}

bool one(std::size_t nameservers, std::size_t groups, double rate) {
  Shape shape;
  shape.nameservers = nameservers;
  shape.groups = groups;
  shape.rate = rate;
  shape.live = rate * 3600;
  print_head();
  const bool right = steady(shape, 20);
  return lost_region(shape) && right;
}

bool all() {
  bool right = true;
  Shape shape;
  print_head();
  for (const double rate : {10.0, 100.0, 1000.0}) {
    for (const std::size_t nameservers : {3UL, 5UL, 10UL, 20UL, 50UL, 100UL, 200UL, 1000UL}) {
      shape.nameservers = nameservers;
      shape.rate = rate;
      right = steady(shape, nameservers > 100 ? 20 : 10) && right;
    }
  }
  shape.nameservers = 5;
  shape.rate = 100;
  std::printf("all in one region:\n");
  shape.regions = 1;
  right = steady(shape, 10) && right;
  shape = Shape{};
  std::printf("in groups:\n");
  shape.nameservers = 1000;
  shape.rate = 1000;
  shape.groups = 32;
  shape.regions = 10;
  right = steady(shape, 10) && right;
  shape.live = 10e6;
  right = lost_region(shape) && right;
  shape.groups = 0;
  shape.nameservers = 50;
  return lost_region(shape) && right;
}

// Small fleets, in seconds; and one whose nameservers fence themselves later than their lease ends, which must be seen.
bool quick() {
  Shape shape;
  print_head();
  bool right = true;
  for (const std::size_t nameservers : {3UL, 10UL}) {
    shape.nameservers = nameservers;
    right = steady(shape, 2) && right;
  }
  shape.nameservers = 20;
  shape.groups = 5;
  right = steady(shape, 2) && right;
  shape.rate = 20;
  right = lost_region(shape) && right;
  shape.groups = 0;
  shape.nameservers = 5;
  right = lost_region(shape) && right;
  shape.times.fence = std::chrono::seconds(15);
  std::printf("\nwith a fence after the lease, which must go wrong:");
  return !lost_region(shape) && right;
}

}  // namespace
}  // namespace swage::simulation

int main(int argc, char** argv) {
  using namespace swage::simulation;
  if (argc == 2 && std::string(argv[1]) == "--quick") return quick() ? 0 : 1;
  if (argc == 1) return all() ? 0 : 1;
  if (argc == 4)
    return one(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10), std::atof(argv[3])) ? 0 : 1;
  std::fprintf(stderr,
               "usage: fleet_simulation [--quick | NAMESERVERS GROUPS REGISTRATIONS-A-SECOND]   (GROUPS 0: flat)\n");
  return 2;
}
