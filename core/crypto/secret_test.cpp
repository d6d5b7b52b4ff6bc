#include "core/crypto/secret.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using crypto::Secret;

namespace {

bool all(Bytes bytes, std::uint8_t value) {
  return std::ranges::all_of(bytes, [value](std::uint8_t byte) { return byte == value; });
}

}  // namespace

TEST_CASE("secret: zeros at first, also where another secret was before") {
  for (const std::size_t size : {1, 32, 63, 64, 65, 4096}) {
    for (int round = 0; round < 3; ++round) {
      Secret secret(size);
      REQUIRE(secret.bytes().size() == size);
      CHECK(all(secret.bytes(), 0));
      std::ranges::fill(secret.bytes(), std::uint8_t{0xAA});
    }
  }
  CHECK(Secret().bytes().empty());
}

TEST_CASE("secret: many at a time are all different memory") {
  std::vector<Secret> secrets;
  for (std::size_t i = 0; i < 3000; ++i) {
    secrets.emplace_back(1 + i % 80);
    std::ranges::fill(secrets.back().bytes(), static_cast<std::uint8_t>(i));
  }
  for (std::size_t i = 0; i < secrets.size(); ++i) CHECK(all(secrets[i].bytes(), static_cast<std::uint8_t>(i)));
}

TEST_CASE("secret: moves, and copies what it is given") {
  const std::vector<std::uint8_t> bytes(32, 7);
  Secret first = Secret::copy_of(bytes);
  Secret second = std::move(first);
  CHECK(std::ranges::equal(second.bytes(), bytes));
  Secret third(5);
  third = std::move(second);
  CHECK(std::ranges::equal(third.bytes(), bytes));
}

TEST_CASE("secret: in several threads") {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&wrong, thread] {
      for (int i = 0; i < 20'000; ++i) {
        Secret secret(32);
        if (!all(secret.bytes(), 0)) ++wrong;
        std::ranges::fill(secret.bytes(), static_cast<std::uint8_t>(thread + 1));
        if (!all(secret.bytes(), static_cast<std::uint8_t>(thread + 1))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
