#include "core/libp2p/identify.h"

#include <random>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p::identify;
using ByteVector = std::vector<std::uint8_t>;
using Kind = IdentifyError::Kind;

namespace {

ByteVector bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The bytes of a field of bytes: number and wire type, length, content. Shorter than 128.
std::string field(int number, std::string_view content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + std::string(content);
}

std::string delimited(std::string_view message) {
  std::string out;
  if (message.size() >= 128) out += static_cast<char>(message.size() % 128 + 128);
  out += static_cast<char>(message.size() >= 128 ? message.size() / 128 : message.size());
  return out + std::string(message);
}

IdentifyResult<Message> read(std::string_view stream, std::size_t cut, Limits limits = {}) {
  Reader reader(limits);
  TRY(reader.receive(as_bytes(stream.substr(0, cut))));
  TRY(reader.receive(as_bytes(stream.substr(cut))));
  return reader.finish();
}

Message example() {
  Message message;
  message.protocol_version = "ipfs/0.1.0";
  message.agent_version = "kubo/0.33.0/";
  message.public_key = ByteVector{0x08, 0x01, 0x12, 0x02, 0xAA, 0xBB};
  message.listen_addresses = {{4, 127, 0, 0, 1, 6, 0x0F, 0xA1}, {4, 1, 2, 3, 4, 6, 0, 80}};
  message.observed_address = ByteVector{4, 9, 9, 9, 9, 6, 0, 1};
  message.protocols = {"/ipfs/id/1.0.0", "/ipfs/kad/1.0.0"};
  return message;
}

// The same, with the fields in the order of their numbers.
std::string example_bytes() {
  return field(1, "\x08\x01\x12\x02\xAA\xBB") + field(2, std::string("\x04\x7F\0\0\x01\x06\x0F\xA1", 8)) +
         field(2, std::string("\x04\x01\x02\x03\x04\x06\0P", 8)) + field(3, "/ipfs/id/1.0.0") +
         field(3, "/ipfs/kad/1.0.0") + field(4, std::string("\x04\x09\x09\x09\x09\x06\0\x01", 8)) +
         field(5, "ipfs/0.1.0") + field(6, "kubo/0.33.0/");
}

}  // namespace

TEST_CASE("identify: a message, in bytes and split at every boundary") {
  CHECK(encode(example()) == bytes_of(example_bytes()));
  Message merged;
  REQUIRE(merge(as_bytes(example_bytes()), merged));
  CHECK(merged == example());
  const std::string stream = delimited(example_bytes());
  ByteVector out;
  append_delimited(out, example());
  CHECK(out == bytes_of(stream));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const auto message = read(stream, cut);
    REQUIRE(message);
    CHECK(*message == example());
    if (cut < stream.size()) CHECK(read(stream.substr(0, cut), 0).error().kind() == Kind::cut_off);
  }
}

TEST_CASE("identify: several messages add up") {
  const std::string stream = delimited(field(6, "old") + field(3, "/a") + field(5, "v")) +
                             delimited(field(3, "/b") + field(2, "x")) + delimited("") + delimited(field(6, "new"));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const auto message = read(stream, cut);
    REQUIRE(message);
    CHECK(message->agent_version == "new");
    CHECK(message->protocol_version == "v");
    CHECK(message->protocols == std::vector<std::string>{"/a", "/b"});
    CHECK(message->listen_addresses == std::vector<ByteVector>{{'x'}});
    CHECK_FALSE(message->public_key);
  }
}

TEST_CASE("identify: what is not in the table of fields is skipped") {
  const std::string cases[] = {
      field(8, "a signed peer record"),
      field(15, ""),
      std::string("\x38\xFF\x01"),                          // 7: a varint
      std::string("\x39\x01\x02\x03\x04\x05\x06\x07\x08"),  // 7: 64 bits
      std::string("\x3D\x01\x02\x03\x04"),                  // 7: 32 bits
      std::string("\x30\x05"),                              // 6, the agent's version, as a number
      std::string("\x08\x00", 2),                           // 1, the key, as a number
  };
  for (const std::string& each : cases) {
    Message message;
    REQUIRE(merge(as_bytes(each + field(3, "/a") + each), message));
    CHECK(message.protocols == std::vector<std::string>{"/a"});
    CHECK_FALSE(message.agent_version);
    CHECK_FALSE(message.public_key);
  }
}

TEST_CASE("identify: what is no message") {
  const std::string cases[] = {
      "\x0A",                                          // a field without its length
      "\x0A\x05xxxx",                                  // cut off
      "\x32\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",  // a length that is no varint
      "\x32\xFF\xFF\xFF\xFF\x0F",                      // of 4 GiB
      "\x33",                                          // groups
      "\x34",
      "\x37",                      // a wire type that there is not
      std::string("\x02\x00", 2),  // field 0
      "\x39\x01",
      "\x80",
  };
  for (const std::string& each : cases) {
    CAPTURE(each);
    Message message;
    const auto merged = merge(as_bytes(each), message);
    REQUIRE_FALSE(merged);
    CHECK(merged.error().kind() == Kind::malformed);
    CHECK(read(delimited(each), 1).error().kind() == Kind::malformed);
  }
  CHECK(read("", 0).error().kind() == Kind::cut_off);
  CHECK(read(std::string("\x80\x00", 2), 1).error().kind() == Kind::malformed);
  CHECK(read("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 5).error().kind() == Kind::malformed);
}

TEST_CASE("identify: limits") {
  Message message;
  message.agent_version = std::string(8192 - 3, 'x');  // and two bytes of length, one of the field
  ByteVector stream;
  append_delimited(stream, message);
  CHECK(read(as_text(stream), 100) == message);
  message.agent_version->push_back('x');
  stream.clear();
  append_delimited(stream, message);
  CHECK(read(as_text(stream), 1).error().kind() == Kind::too_long);
  CHECK(read(as_text(stream), 1, {8193, 1}) == message);
  // It is the length that is refused, before anything is held.
  CHECK(read("\x81\x40", 1).error().kind() == Kind::too_long);

  std::string many;
  for (int i = 0; i < 10; ++i) many += delimited(field(3, "/a"));
  CHECK(read(many, 7)->protocols.size() == 10);
  CHECK(read(many + delimited(""), 7).error().kind() == Kind::too_many);

  std::string entries;
  for (std::size_t i = 0; i < kMaxEntries + 10; ++i) entries += field(3, "") + field(2, "");
  Message full;
  REQUIRE(merge(as_bytes(entries), full));
  CHECK(full.protocols.size() == kMaxEntries);
  CHECK(full.listen_addresses.size() == kMaxEntries);
}

TEST_CASE("identify: random messages come back") {
  std::mt19937_64 random(11);
  const auto bytes = [&] {
    ByteVector out(random() % 200);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
    return out;
  };
  const auto text = [&] { return std::string(as_text(bytes())); };
  for (int i = 0; i < 500; ++i) {
    Message message;
    if (random() % 2 == 0) message.protocol_version = text();
    if (random() % 2 == 0) message.agent_version = text();
    if (random() % 2 == 0) message.public_key = bytes();
    if (random() % 2 == 0) message.observed_address = bytes();
    for (std::size_t n = random() % 8; n > 0; --n) message.listen_addresses.push_back(bytes());
    for (std::size_t n = random() % 8; n > 0; --n) message.protocols.push_back(text());
    ByteVector stream;
    append_delimited(stream, message);
    const auto read_back = read(as_text(stream), random() % (stream.size() + 1));
    REQUIRE(read_back);
    CHECK((*read_back == message));
  }
}
