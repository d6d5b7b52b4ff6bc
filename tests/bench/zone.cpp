// bench_zone [NAMES]: what it costs to load a zone of so many names (1,000,000) and to look a name up, without a
// network. Names are drawn at random from all of them, so that with a large zone every look-up misses the cache.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/zone/builder.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"

namespace {

using namespace swage;
// CPU time of this thread: other programs on the machine do not count.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

long peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

std::string name_of(unsigned i) { return fmt::format("h{:x}", i * 2654435761U); }

// A, AAAA, TXT and delegations with one name server, in no order.
std::string zone_text(unsigned names, bool only_a) {
  std::string text = "$TTL 3600\n@ SOA ns1 admin 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";
  for (unsigned i = 0; i < names; ++i) {
    const std::string name = name_of(i);
    switch (only_a ? 0 : i % 4) {
      case 0:
        text += fmt::format("{} A 10.{}.{}.{}\n", name, i >> 16 & 255, i >> 8 & 255, i & 255);
        break;
      case 1:
        text += fmt::format("{} AAAA 2001:db8::{:x}\n", name, i & 0xFFFF);
        break;
      case 2:
        text += fmt::format("{} TXT \"value {}\"\n", name, i);
        break;
      default:
        text += fmt::format("{} NS ns1\n", name);
    }
  }
  return text;
}

// Compact, so that to read them costs little of what is measured.
struct Names {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint32_t> starts;

  void add(const dns::Name& name) {
    starts.push_back(static_cast<std::uint32_t>(bytes.size()));
    bytes.push_back(static_cast<std::uint8_t>(name.size()));
    bytes.insert(bytes.end(), name.data(), name.data() + name.size());
  }
  [[nodiscard]] dns::NameView at(std::size_t i) const { return {&bytes[starts[i] + 1], bytes[starts[i]]}; }
};

// Nanoseconds for each query.
double ask_all(const zone::View& zone, const Names& names, bool answer, std::size_t& records) {
  dns::Query query;
  dns::Response response;
  const double start = now();
  for (std::size_t i = 0; i < names.starts.size(); ++i) {
    response.clear();
    query.ask(names.at(i));
    if (answer) zone.answer(query, response);
    records += response.answer.size() + response.authority.size();
  }
  return (now() - start) * 1e9 / static_cast<double>(names.starts.size());
}

// What a load costs whose address is in what was loaded before, all over as much memory as the image has: the unit to
// compare the others with.
double dependent_miss(std::size_t bytes) {
  constexpr std::size_t kLine = 64 / sizeof(std::uint64_t);
  const std::size_t lines = bytes / 64;
  std::vector<std::uint64_t> memory(lines * kLine);
  std::vector<std::uint64_t> order(lines);
  for (std::size_t i = 0; i < lines; ++i) order[i] = i;
  std::mt19937 random(2);
  for (std::size_t i = lines - 1; i > 0; --i) std::swap(order[i], order[random() % i]);  // one cycle
  for (std::size_t i = 0; i < lines; ++i) memory[i * kLine] = order[i];
  constexpr int kLoads = 1'000'000;
  std::uint64_t at = 0;
  const double start = now();
  for (int i = 0; i < kLoads; ++i) at = memory[at * kLine];
  const double seconds = now() - start;
  return seconds * 1e9 / kLoads + (at == lines ? 1 : 0);
}

void report(const char* what, const zone::View& zone, const Names& names) {
  std::size_t records = 0;
  const double without = ask_all(zone, names, false, records);
  const double with = ask_all(zone, names, true, records);
  std::printf("%-32s %6.0f ns  (%.2f records)\n", what, with - without,
              static_cast<double>(records) / static_cast<double>(names.starts.size()));
}

Result<> bench(unsigned count, bool only_a) {
  TRY(const dns::Name apex, dns::Name::parse("example.org"));
  std::vector<std::uint64_t> image;
  std::size_t size = 0;
  {
    const std::string text = zone_text(count, only_a);
    const long before = peak_megabytes();
    double start = now();
    zone::Builder builder(apex);
    TRY(zonefile::read_text(text, "bench", apex, builder));
    std::printf("%u names%s: read and checked in %.2f s", count, only_a ? ", A only" : ", A AAAA TXT NS",
                (now() - start));
    size = builder.image_size();
    image.resize(size / 8);
    start = now();
    builder.write({reinterpret_cast<std::uint8_t*>(image.data()), size});
    std::printf(", written in %.2f s; image %.1f MB, while building %ld MB more\n", (now() - start),
                static_cast<double>(size) / 1e6, peak_megabytes() - before);
  }
  std::printf("%-32s %6.0f ns\n", "a dependent cache miss", dependent_miss(size));
  const zone::View zone({reinterpret_cast<const std::uint8_t*>(image.data()), size});
  std::mt19937 random(1);
  Names there, not_there, few;
  for (unsigned i = 0; i < 1'000'000; ++i) {
    const unsigned n = static_cast<unsigned>(random()) % count;
    TRY(const dns::Name name, dns::Name::parse(name_of(n) + ".example.org"));
    there.add(name);
    TRY(const dns::Name other, dns::Name::parse(name_of(n) + "x.example.org"));
    not_there.add(other);
    TRY(const dns::Name hot, dns::Name::parse(name_of(n % 1000) + ".example.org"));
    few.add(hot);
  }
  report("a random name of all", zone, there);
  report("one of 1000 names", zone, few);
  report("a name that is not there", zone, not_there);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned count = argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 1'000'000;
  for (const bool only_a : {true, false}) {
    if (const auto done = bench(count, only_a); !done) {
      std::fprintf(stderr, "%s\n", done.error().text().c_str());
      return 1;
    }
  }
}
