// What is counted comes out as Prometheus's text, added up over processes; memory that is not what it should be harms
// nobody.
#include <array>
#include <random>

#include <fmt/format.h>

#include "core/metrics/registry.h"
#include "core/metrics/sums.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::metrics;

namespace {

SheetReader reader_of(const Registry& registry) {
  SheetReader reader(registry.memory());
  reader.update();
  return reader;
}

// Without the metric that every registry has.
std::string text_of(const Registry& registry) {
  Sums sums;
  sums.add_trusted(reader_of(registry), Sums::Gauges::take);
  std::string text = sums.text();
  const std::size_t at = text.find("# HELP swage_metrics_lost_total");
  const std::size_t end = text.find("swage_metrics_lost_total 0\n", at);
  if (at != std::string::npos && end != std::string::npos) text.erase(at, end + 27 - at);
  return text;
}

}  // namespace

TEST_CASE("metrics: counters, gauges and histograms as text") {
  Registry registry;
  registry.counter("swage_a_total", "As.").add(3);
  registry.gauge("swage_b", "Bs, \\ too.", {{"of", "x\"y\\z"}, {"and", ""}}).set(-1.5);
  const Histogram seconds = registry.histogram("swage_c_seconds", "Cs.", {0.25, 1, 16000}, {{"in", "é"}});
  for (const double value : {0.25, 0.5, 1.0, 20000.0}) seconds.observe(value);
  CHECK(text_of(registry) == R"(# HELP swage_a_total As.
# TYPE swage_a_total counter
swage_a_total 3
# HELP swage_b Bs, \\ too.
# TYPE swage_b gauge
swage_b{of="x\"y\\z",and=""} -1.5
# HELP swage_c_seconds Cs.
# TYPE swage_c_seconds histogram
swage_c_seconds_bucket{in="é",le="0.25"} 1
swage_c_seconds_bucket{in="é",le="1"} 3
swage_c_seconds_bucket{in="é",le="16000"} 3
swage_c_seconds_bucket{in="é",le="+Inf"} 4
swage_c_seconds_sum{in="é"} 20001.75
swage_c_seconds_count{in="é"} 4
)");
  CHECK(seconds.count() == 4);
}

TEST_CASE("metrics: the same name and labels are the same cells") {
  Registry registry;
  registry.counter("swage_a_total", "As.", {{"of", "x"}}).add();
  registry.counter("swage_a_total", "As.", {{"of", "y"}}).add();
  registry.counter("swage_a_total", "As.", {{"of", "x"}}).add();
  CHECK(registry.counter("swage_a_total", "As.", {{"of", "x"}}).value() == 2);
  CHECK(registry.counter("swage_a_total", "As.", {{"of", "y"}}).value() == 1);
}

TEST_CASE("metrics: tables of counters show what has counted") {
  Registry registry;
  const Counters table = registry.counters("swage_t_total", "Ts.", {{"zone", "."}},
                                           {{"proto", {"udp", "tcp"}}, {"type", {"A", "B", "C"}}});
  CHECK(text_of(registry).empty());
  table.at(0, 2).add();
  table.at(1, 0).add(5);
  table.at(1, 3).add();  // out of range
  table.at(2, 0).add();
  table.at(0, 0, 1).add();
  CHECK(text_of(registry) == R"(# HELP swage_t_total Ts.
# TYPE swage_t_total counter
swage_t_total{zone=".",proto="tcp",type="A"} 5
swage_t_total{zone=".",proto="udp",type="C"} 1
)");
}

TEST_CASE("metrics: values of labels cannot break the text") {
  Registry registry;
  registry.counter("swage_a_total", "As.", {{"of", "a\nb\x01\x7F\xFF\xC0\x80\xED\xA0\x80\xF4\x90\x80\x80\xC3"}}).add();
  CHECK(text_of(registry).find("of=\"a?b?????????????\"") != std::string::npos);
}

TEST_CASE("metrics: a default handle counts nothing") {
  Counter().add();
  Counters().at(0).add();
  Gauge().set(1);
  Histogram().observe(1);
  CHECK(Counter().value() == 0);
}

TEST_CASE("metrics: the sums of processes, and what they leave when they end") {
  Registry service, one, two;
  for (Registry* const each : {&service, &one, &two}) {
    each->counter("swage_a_total", "As.").add(10);
    each->gauge("swage_g", "Gs.").set(1);
    each->declare(Kind::counter, "swage_d_total", "Ds.", {}, {"zone"});
    each->histogram("swage_h", "Hs.", {1}).observe(0.5);
  }
  two.counter("swage_d_total", "Ds.", {{"zone", "a."}}).add();
  one.counter("swage_unknown_total", "Who says so?").add();        // not the service
  one.counter("swage_d_total", "Ds.", {{"other", "a."}}).add(99);  // nor that
  Registry mad;
  mad.gauge("swage_a_total", "As.").set(99);

  Sums before;
  before.add_trusted(reader_of(service), Sums::Gauges::take);
  before.add(reader_of(one), Sums::Gauges::take);
  before.add(reader_of(two), Sums::Gauges::take);
  before.add(reader_of(mad), Sums::Gauges::take);
  const std::string text = before.text();
  CHECK(text.find("swage_a_total 30\n") != std::string::npos);
  CHECK(text.find("swage_g 3\n") != std::string::npos);
  CHECK(text.find("swage_d_total{zone=\"a.\"} 1\n") != std::string::npos);
  CHECK(text.find("swage_h_sum 1.5\n") != std::string::npos);
  CHECK(text.find("swage_unknown") == std::string::npos);
  CHECK(text.find("99") == std::string::npos);

  Sums folded;
  folded.add_past(reader_of(one));
  folded.add_past(reader_of(two));
  folded.add_past(reader_of(mad));
  const auto past = folded.sheet();
  REQUIRE(past);
  SheetReader past_reader(past->bytes());
  past_reader.update();
  Sums after;
  after.add_trusted(reader_of(service), Sums::Gauges::take);
  after.add(past_reader, Sums::Gauges::leave_out);
  const std::string later = after.text();
  CHECK(later.find("swage_a_total 30\n") != std::string::npos);
  CHECK(later.find("swage_g 1\n") != std::string::npos);
  CHECK(later.find("swage_d_total{zone=\"a.\"} 1\n") != std::string::npos);
  CHECK(later.find("swage_h_sum 1.5\n") != std::string::npos);
  CHECK(later.find("swage_h_count 3\n") != std::string::npos);
}

TEST_CASE("metrics: who makes up huge labels does not make the sums huge") {
  Registry honest, mad;
  honest.declare(Kind::counter, "swage_a_total", "As.", {}, {"of", "and"});
  std::vector<std::string> values;
  for (int i = 0; i < 1000; ++i) values.push_back(std::to_string(i));
  for (char c = 'a'; c <= 'z'; ++c) {
    const Counters table = mad.counters("swage_a_total", "As.", {{"of", std::string(60'000, c)}}, {{"and", values}});
    for (std::size_t i = 0; i < values.size(); ++i) table.at(i).add();
  }
  Sums sums;
  sums.add_trusted(reader_of(honest), Sums::Gauges::take);
  sums.add(reader_of(mad), Sums::Gauges::take);
  const std::size_t size = sums.text().size();
  CHECK(size < 2 * Sums::kMaxLabelBytes);
  CHECK(size > Sums::kMaxLabelBytes / 2);
}

TEST_CASE("metrics: the reader sees what is added later") {
  Registry registry;
  SheetReader reader(registry.memory());
  reader.update();
  const std::size_t before = reader.records().size();
  static_cast<void>(registry.counter("swage_later_total", "Later."));
  CHECK(reader.records().size() == before);
  reader.update();
  CHECK(reader.records().size() == before + 1);
}

TEST_CASE("metrics: where there is no room, handles count in vain, and it is said") {
  auto memory = shm::Segment::create("small", 4096);
  REQUIRE(memory);
  Registry registry(*std::move(memory));
  for (int i = 0; i < 100; ++i) registry.counter(fmt::format("swage_{}_total", i), "Many.").add();
  const std::string text = text_of(registry);
  CHECK(text.find("swage_0_total 1\n") != std::string::npos);
  CHECK(text.find("swage_99_total") == std::string::npos);
  CHECK(text.find("swage_metrics_lost_total 0\n") == std::string::npos);
  Registry nowhere{shm::Segment()};
  nowhere.counter("swage_a_total", "As.").add();
  CHECK(text_of(nowhere).empty());
}

TEST_CASE("metrics: a table of too many counters finds no room either") {
  std::vector<std::string> values;
  for (int i = 0; i < 300; ++i) values.push_back(std::to_string(i));
  Registry registry;
  const Counters table = registry.counters("swage_a_total", "As.", {}, {{"of", values}, {"and", values}});
  table.at(1, 1).add();
  CHECK(table.at(1, 1).value() == 0);
  CHECK(text_of(registry).find("swage_metrics_lost_total 1\n") != std::string::npos);
}

TEST_CASE("metrics: no memory makes the reader read beyond it, or lose its head") {
  Registry registry;
  registry.counter("swage_a_total", "As.", {{"of", "x"}}).add();
  registry.histogram("swage_h", "Hs.", {1, 2, 3}, {{"of", "x"}}).observe(2);
  registry.counters("swage_t_total", "Ts.", {}, {{"a", {"1", "2"}}, {"b", {"1", ""}}}).at(1, 1).add();
  const std::vector<std::uint8_t> sound(registry.memory().begin(), registry.memory().begin() + 1024);
  std::mt19937 random(1);
  std::size_t records = 0;
  for (int round = 0; round < 20'000; ++round) {
    alignas(8) std::array<std::uint8_t, 4096> memory{};
    std::copy(sound.begin(), sound.end(), memory.begin());
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) memory[8 + random() % 600] = static_cast<std::uint8_t>(random());
    const std::size_t size = random() % 4 == 0 ? random() % 4096 / 8 * 8 : memory.size();
    SheetReader reader(Bytes(memory).first(size));
    reader.update();
    records += reader.records().size();
    Sums sums;
    sums.add_trusted(reader, Sums::Gauges::take);
    sums.add(reader, Sums::Gauges::take);
    sums.add_past(reader);
    static_cast<void>(sums.text());
  }
  CHECK(records > 20'000);
}
