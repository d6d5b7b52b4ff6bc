#include "core/shm/gate.h"

#include <string>
#include <thread>

#include <fmt/format.h>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace std::chrono_literals;

namespace {

struct Both {
  Segment memory = *Gate::create("test");
  Segment again = *Segment::again(memory);
  Gate before{memory.writable_bytes()}, successor{again.writable_bytes()};

  Gate::Outcome hand_on(std::string_view value, std::chrono::milliseconds patience = 10s) const {
    return before.hand_on(as_bytes("key"), value, NetworkId{7}, patience);
  }
};

}  // namespace

TEST_CASE("gate: open until it is closed, in both mappings; none is open for good") {
  Both both;
  CHECK(both.before.is_open());
  both.successor.close();
  CHECK_FALSE(both.before.is_open());
  CHECK_FALSE(both.successor.is_open());
  Gate none;
  none.close();
  CHECK(none.is_open());
  CHECK(none.hand_on(as_bytes("key"), "value", {}, 10s).error() == PutError::moved);
  none.fetch([](Bytes, std::string_view, NetworkId) -> Gate::Outcome {
    FAIL();
    return {};
  });
  std::array<std::uint8_t, 8> few{};
  CHECK(Gate(few).is_open());
}

TEST_CASE("gate: a letter is fetched as it was written, and its answer comes back") {
  Both both;
  both.successor.close();
  for (const auto& answer : {Gate::Outcome(), Gate::Outcome(std::unexpected(PutError::full)),
                             Gate::Outcome(std::unexpected(PutError::share))}) {
    std::string got;
    std::jthread successor([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        both.successor.fetch([&](Bytes key, std::string_view value, NetworkId network) {
          got = fmt::format("{} {} {}", as_text(key), value, static_cast<std::uint64_t>(network));
          return answer;
        });
        std::this_thread::sleep_for(1ms);
      }
    });
    const Gate::Outcome said = both.hand_on("the value");
    successor.request_stop();
    successor.join();
    CHECK(got == "key the value 7");
    REQUIRE(said.has_value() == answer.has_value());
    if (!said) CHECK(said.error() == answer.error());
  }
}

TEST_CASE("gate: nobody waits for ever, and a letter that was taken back is not put") {
  Both both;
  both.successor.close();
  CHECK(both.hand_on("early", 20ms).error() == PutError::moved);
  int fetched = 0;
  const auto count = [&](Bytes, std::string_view, NetworkId) -> Gate::Outcome {
    ++fetched;
    return {};
  };
  both.successor.fetch(count);
  CHECK(fetched == 0);
  // A successor that dies while it has a letter: the next are told to come again, and no one waits.
  both.successor.fetch(count);
  std::thread late([&] { CHECK(both.hand_on("late", 50ms).error() == PutError::moved); });
  while (fetched == 0) {
    both.successor.fetch([&](Bytes, std::string_view, NetworkId) -> Gate::Outcome {
      ++fetched;
      std::this_thread::sleep_for(100ms);
      return {};
    });
  }
  late.join();
  std::thread next([&] { CHECK(both.hand_on("next")); });  // what was answered too late is nobody's answer
  while (fetched < 2) both.successor.fetch(count);
  next.join();
}

TEST_CASE("gate: sizes that are wrong are cut, an answer that is none is `moved`") {
  Both both;
  both.successor.close();
  std::thread before([&] { CHECK(both.hand_on("value").error() == PutError::moved); });
  bool fetched = false;
  while (!fetched) {
    both.successor.fetch([&](Bytes, std::string_view, NetworkId) -> Gate::Outcome {
      fetched = true;
      return std::unexpected(static_cast<PutError>(200));
    });
  }
  before.join();
  CHECK(both.before.hand_on(as_bytes(std::string(43, 'k')), "value", {}, 10s).error() == PutError::moved);
}
