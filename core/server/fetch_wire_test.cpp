#include "core/server/fetch_wire.h"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::server;
using Kind = FetchMessage::Kind;

// nullopt: malformed.
std::optional<std::vector<std::string>> read(Bytes packet) {
  std::vector<std::string> messages;
  const bool sound = read_fetch_packet(packet, [&](const FetchMessage& each) {
    messages.push_back(fmt::format("{} {} {} {:x} {}", static_cast<int>(each.kind), each.ticket, each.fetch,
                                   each.network, as_text(each.key)));
    return true;
  });
  return sound ? std::optional(messages) : std::nullopt;
}

}  // namespace

TEST_CASE("fetch wire: messages arrive as they were said") {
  FetchPacket packet;
  CHECK(packet.empty());
  CHECK_FALSE(read(packet.bytes()));
  REQUIRE(packet.add({Kind::want, 0xFFFFFFFF, 7, 0x06fedcba98765432, as_bytes("key")}));
  REQUIRE(packet.add({Kind::forget, 1}));
  REQUIRE(packet.add({Kind::settled, 2}));
  REQUIRE(packet.add({Kind::failed, 3}));
  REQUIRE(packet.add({Kind::want, 4, 0xFFFF, 0, as_bytes(std::string(320, 'k'))}));
  REQUIRE(packet.add({Kind::answered, 5, 0, 0, as_bytes("response")}));
  CHECK(read(packet.bytes()) == std::vector<std::string>{"1 4294967295 7 6fedcba98765432 key", "2 1 0 0 ", "3 2 0 0 ",
                                                         "4 3 0 0 ", "1 4 65535 0 " + std::string(320, 'k'),
                                                         "5 5 0 0 response"});
}

TEST_CASE("fetch wire: what is cut off, empty or unknown is malformed") {
  FetchPacket packet;
  for (const Kind kind : {Kind::answered, Kind::want}) {
    packet.clear();
    REQUIRE(packet.add({kind, 5, 1, 1, as_bytes("key")}));
    for (std::size_t size = 0; size < packet.bytes().size(); ++size) CHECK_FALSE(read(packet.bytes().first(size)));
    CHECK(read(packet.bytes()));
  }
  for (const std::uint8_t kind : std::initializer_list<std::uint8_t>{0, 6, 255}) {
    std::vector<std::uint8_t> other(packet.bytes().begin(), packet.bytes().end());
    other[0] = kind;
    CHECK_FALSE(read(other));
  }
  std::vector<std::uint8_t> without_key(packet.bytes().begin(), packet.bytes().begin() + 19);
  without_key[18] = 0;
  CHECK_FALSE(read(without_key));
}

TEST_CASE("fetch wire: a full packet takes no more, and is as it was") {
  FetchPacket packet;
  std::size_t count = 0;
  while (packet.add({Kind::want, 1, 1, 1, as_bytes(std::string(320, 'k'))})) ++count;
  CHECK(count == FetchPacket::kMaxSize / 339);
  CHECK(packet.bytes().size() == count * 339);
  CHECK(read(packet.bytes())->size() == count);
  packet.clear();
  CHECK(packet.add({Kind::want, 1, 1, 1, as_bytes("k")}));
}

TEST_CASE("fetch wire: the longest messages have room, and longer ones are malformed") {
  for (const auto& [kind, most] :
       {std::pair(Kind::want, FetchMessage::kMaxKey), {Kind::answered, FetchMessage::kMaxResponse}}) {
    FetchPacket packet;
    REQUIRE(packet.add({kind, 1, 1, 1, as_bytes(std::string(most, 'm'))}));
    CHECK(read(packet.bytes()));
    packet.clear();
    REQUIRE(packet.add({kind, 1, 1, 1, as_bytes(std::string(most + 1, 'm'))}));
    CHECK_FALSE(read(packet.bytes()));
  }
}
