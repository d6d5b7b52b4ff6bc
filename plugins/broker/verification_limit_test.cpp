// Who may have signatures verified, and how many.
#include "plugins/broker/verification_limit.h"

#include <vector>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace std::chrono_literals;
using Short = VerificationLimit::Short;

namespace {

constexpr auto kCheap = 100us, kDear = 2000us;  // as an Ed25519 key and as the dearest
constexpr dial::Rate kUsual{60, 60s};
constexpr std::chrono::milliseconds kStart{5000};

std::vector<std::uint8_t> network(std::size_t number) {
  return {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 7};
}

VerificationLimit limit_of(dial::Rate clients = kUsual) { return {clients, crypto::Digest{1}}; }

// How many in a row are granted, and what then stops them.
std::pair<std::size_t, Short> granted(VerificationLimit& limit, std::size_t of, std::chrono::microseconds cost,
                                      std::chrono::milliseconds now = kStart, std::size_t most = 100'000) {
  for (std::size_t count = 0; count < most; ++count) {
    const auto answer = limit.ask(network(of), cost, now);
    if (answer.what == Short::nobody) continue;
    CHECK(answer.wait > 0us);
    CHECK(limit.ask(network(of), cost, now + std::chrono::ceil<std::chrono::milliseconds>(answer.wait)).what ==
          Short::nobody);
    return {count, answer.what};
  }
  return {most, Short::nobody};
}

}  // namespace

TEST_CASE("verification limit: a network's dear keys leave half of its budget to its cheap ones") {
  VerificationLimit limit = limit_of();
  CHECK(granted(limit, 1, kDear) == std::pair{std::size_t{25}, Short::network});  // 50 of 100 ms
  const auto [cheap, why] = granted(limit, 1, kCheap);
  CHECK(cheap > 400);
  CHECK(why == Short::network);
  CHECK(granted(limit, 2, kCheap, kStart, 100).first == 100);  // another network
}

TEST_CASE("verification limit: a network's budget comes back, 2 ms a second") {
  VerificationLimit limit = limit_of();
  while (limit.ask(network(1), kCheap, kStart).what == Short::nobody) {
  }
  std::size_t count = 0;
  for (int second = 1; second <= 10; ++second) {
    while (limit.ask(network(1), kCheap, kStart + std::chrono::seconds(second)).what == Short::nobody) ++count;
  }
  CHECK(count >= 195);
  CHECK(count <= 201);
}

TEST_CASE("verification limit: what a hundred networks cost, and an honest one beside them") {
  VerificationLimit limit = limit_of();
  constexpr int kSeconds = 20;
  std::chrono::microseconds spent{0};
  std::size_t refused_network = 0, refused_all = 0, honest = 0;
  for (int tick = 0; tick < kSeconds * 100; ++tick) {
    const auto now = kStart + 10ms * tick;
    for (std::size_t of = 1; of <= 100; ++of) {
      for (const auto cost : {kDear, kDear, kDear}) {
        const auto answer = limit.ask(network(of), cost, now);
        if (answer.what == Short::nobody) spent += cost;
        refused_network += answer.what == Short::network ? 1 : 0;
        refused_all += answer.what == Short::all ? 1 : 0;
      }
    }
    if (tick % 100 != 50) continue;
    // From networks of their own: one with a cheap key, one with the dearest.
    CHECK(limit.ask(network(1000), kCheap, now).what == Short::nobody);
    CHECK(limit.ask(network(2000 + static_cast<std::size_t>(tick)), kDear, now).what == Short::nobody);
    ++honest;
  }
  CHECK(honest == kSeconds);
  CHECK(refused_network + refused_all > 500'000);
  CHECK(refused_all > 0);
  // 600 ms at first, and 250 ms a second.
  CHECK(spent <= 600ms + kSeconds * 250ms);
  CHECK(spent > kSeconds * 200ms);
}

TEST_CASE("verification limit: cheap keys of a hundred networks leave something to all others") {
  VerificationLimit limit = limit_of();
  for (int tick = 0; tick < 1000; ++tick) {
    const auto now = kStart + 10ms * tick;
    for (std::size_t of = 1; of <= 100; ++of) {
      for (int i = 0; i < 10; ++i) static_cast<void>(limit.ask(network(of), kCheap, now));
    }
    if (tick % 100 == 99) CHECK(limit.ask(network(1000), kCheap, now).what == Short::nobody);
  }
}

TEST_CASE("verification limit: a network may log in twice as often as it may register") {
  for (const dial::Rate clients : {dial::Rate{1, 1s}, kUsual, dial::Rate{100'000, 60s}, dial::Rate{1'000'000, 1s},
                                   dial::Rate{1, std::chrono::hours(8784)}}) {
    CAPTURE(clients.count, clients.per.count());
    VerificationLimit limit = limit_of(clients);
    // In a minute, evenly, but for more than nine tenths of a core.
    const double each_second = 2.0 * clients.count / std::chrono::duration<double>(clients.per).count();
    double owed = 0;
    std::size_t refused = 0;
    for (int tick = 0; tick < 600; ++tick) {
      for (owed += std::min(each_second / 10, 300.0); owed >= 1; owed -= 1) {
        const auto answer = limit.ask(network(1), 300us, kStart + 100ms * tick);
        refused += answer.what == Short::network ? 1 : 0;
      }
    }
    CHECK(refused == 0);
  }
}

TEST_CASE("verification limit: without a limit of clients networks are not told apart") {
  VerificationLimit limit = limit_of({});
  CHECK(granted(limit, 1, kCheap, kStart, 50'000).first == 50'000);
  CHECK(granted(limit, 1, kDear) == std::pair{std::size_t{200}, Short::all});
  CHECK(granted(limit, 2, kCheap, kStart, 1000).first == 1000);
}

TEST_CASE("verification limit: a challenge can be answered wrong once, and is forgotten when it has ended") {
  VerificationLimit limit = limit_of();
  VerificationGate gate(limit, Bytes(), kStart);
  using Leave = libp2p::PeerIdAuth::Gate::Leave;
  CHECK(gate.ask("one", kCheap) == Leave::granted);
  CHECK(gate.ask("one", kCheap) == Leave::granted);  // for another name
  gate.failed("one");
  CHECK(gate.ask("one", kCheap) == Leave::spent);
  CHECK(gate.ask("other", kCheap) == Leave::granted);
  CHECK(VerificationGate(limit, Bytes(), kStart + 299s).ask("one", kCheap) == Leave::spent);
  CHECK(VerificationGate(limit, Bytes(), kStart + 300s).ask("one", kCheap) == Leave::granted);
}
