// bench_denylist [PREFIXES]: what looking an address up in a denylist costs, with 1,000 prefixes and with as many as
// said (1,000,000), at the same addresses; how long such an image takes to build, and its size. Exit status 1 where a
// ratio is above 2.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "core/denylist/builder.h"
#include "core/shm/segment.h"

namespace {

using namespace swage;

constexpr std::size_t kFew = 1000;
constexpr std::size_t kAsked = 1'000'000;
constexpr int kRounds = 9;
constexpr double kMost = 2.0;

// CPU time of this thread: other programs on the machine do not count.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

using Random = std::mt19937_64;

// Global unicast, as the world's addresses are: below 2000::/3.
IpAddress random_address(Random& random, bool v6) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  bytes[0] = v6 ? static_cast<std::uint8_t>(0x20 | (bytes[0] & 0x1F)) : bytes[0];
  return v6 ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

// What lists are made of: mostly hosts, and some networks.
std::vector<Prefix> random_prefixes(std::size_t count, bool v6) {
  Random random(1);
  std::vector<Prefix> prefixes;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned kind = static_cast<unsigned>(random() % 10);
    const unsigned length = v6 ? (kind < 6 ? 128 : kind < 9 ? 64 : 48) : (kind < 9 ? 32 : 24);
    prefixes.push_back(*Prefix::parse(random_address(random, v6).to_string() + "/" + std::to_string(length)));
  }
  return prefixes;
}

struct Built {
  shm::Segment memory;
  denylist::Image image{{}};
};

Built build(std::span<const Prefix> prefixes) {
  const std::array<denylist::Source, 1> lists = {denylist::Source{"list", denylist::Type::deny, prefixes}};
  const double start = now();
  const denylist::ImageBuilder builder(lists, 1);
  auto memory = shm::Segment::create("denylist", builder.size());
  CHECK(memory.has_value());
  builder.write(memory->writable_bytes());
  CHECK(denylist::Image::check(memory->bytes()).has_value());
  std::printf("%9zu prefixes: %6.1f MB, built in %.3f s\n", prefixes.size(), static_cast<double>(builder.size()) / 1e6,
              now() - start);
  Built built{*std::move(memory)};
  built.image = denylist::Image(built.memory.bytes());
  return built;
}

// One round, in nanoseconds an address; and how many are listed.
double measure(const denylist::Image& image, std::span<const IpAddress> addresses, std::size_t& found) {
  found = 0;
  const double start = now();
  for (const IpAddress& address : addresses) found += image.find(address).has_value();
  return (now() - start) * 1e9 / static_cast<double>(addresses.size());
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// In turns, because the speed of a virtual machine changes by the second.
bool compare(const char* what, const Built& few, const Built& many, std::span<const IpAddress> addresses) {
  std::size_t found_few = 0, found_many = 0;
  std::vector<double> few_times, many_times;
  for (int round = 0; round < kRounds; ++round) {
    few_times.push_back(measure(few.image, addresses, found_few));
    many_times.push_back(measure(many.image, addresses, found_many));
  }
  const double one = median(few_times), other = median(many_times);
  const double share = 100.0 / static_cast<double>(addresses.size());
  std::printf("%-34s %6.1f ns (%5.1f %% listed)  %6.1f ns (%5.1f %% listed)  ratio %.2f\n", what, one,
              static_cast<double>(found_few) * share, other, static_cast<double>(found_many) * share, other / one);
  return other / one <= kMost;
}

bool bench(std::size_t count, bool v6) {
  std::printf("%s\n", v6 ? "IPv6" : "IPv4");
  const std::vector<Prefix> prefixes = random_prefixes(count, v6);
  const auto first = std::span(prefixes).first(kFew);
  const Built few = build(first);
  const Built many = build(prefixes);
  Random random(2);
  std::vector<IpAddress> anywhere, listed, mixed;
  for (std::size_t i = 0; i < kAsked; ++i) {
    anywhere.push_back(random_address(random, v6));
    listed.push_back(first[random() % kFew].address);
    mixed.push_back(i % 2 == 0 ? anywhere.back() : listed.back());
  }
  bool good = compare("any address", few, many, anywhere);
  good &= compare("addresses of the short list", few, many, listed);
  good &= compare("half and half", few, many, mixed);
  std::vector<IpAddress> all;
  for (std::size_t i = 0; i < kAsked; ++i) all.push_back(prefixes[random() % count].address);
  std::size_t found = 0;
  std::printf("%-34s %6.1f ns (nothing in the processor's caches; for information)\n", "any address of the long list",
              measure(many.image, all, found));
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t prefixes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const bool v4 = bench(std::max(prefixes, kFew), false);
  const bool v6 = bench(std::max(prefixes, kFew), true);
  return v4 && v6 ? 0 : 1;
}
